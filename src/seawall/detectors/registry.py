"""The shipped detectors and extractors, as explicit lists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seawall.detectors.banks import BankDetector
from seawall.detectors.hashes import AbsentHashers, HashDetector
from seawall.detectors.image import ImageDetector
from seawall.detectors.links import LinkDetector
from seawall.detectors.names import NameDetector, TitleDetector, TitleMessageDetector
from seawall.detectors.personal_data import PersonalDataDetector
from seawall.detectors.prompts import LeakedDataDetector, PromptAttackDetector, UnjudgedDetector
from seawall.detectors.text.lexicon import shipped_lexicon_detector
from seawall.model.signals import Detector, Extractor, Hasher

if TYPE_CHECKING:
    from seawall.media import Media


def default_detectors(
    banks: BankDetector | None = None,
    text_model_dir: Path | None = None,
    *,
    media: Media | None = None,
    hashers: Sequence[Hasher] = (),
    configured: Sequence[Detector] = (),
) -> tuple[Detector, ...]:
    """Every detector that works offline without configuration.

    ``banks`` is filled by the caller: ``banks.replace(matcher)`` changes everything that is matched at once.
    ``text_model_dir`` contains weights to use instead of the shipped ones. ``media`` decodes audio and video: share it
    with the extractors to decode each file once. ``hashers`` are those of plug-ins; each becomes a detector.
    ``configured``: the detectors that the settings add; what only a judge can say is *unanswerable* unless
    one of them says it.
    """
    from seawall.detectors.audio import AudioDetector  # imported here: not needed for text
    from seawall.detectors.joint import JointDetector
    from seawall.detectors.provenance import ProvenanceDetector
    from seawall.detectors.sexual_image import SexualImageDetector
    from seawall.detectors.text.meanings import MeaningDetector
    from seawall.detectors.text.model import TextModel  # imported here: so that inline detectors do not load numpy
    from seawall.detectors.text.model.multilingual import MultilingualModel, language_detectors
    from seawall.detectors.video import VideoDetector
    from seawall.media import Media

    banks = banks or BankDetector()
    media = media or Media()
    text_model = TextModel(text_model_dir)
    return (
        shipped_lexicon_detector(),
        LinkDetector(),
        PersonalDataDetector(),
        PromptAttackDetector(),
        LeakedDataDetector(),
        UnjudgedDetector({signal.name for detector in configured for signal in detector.spec.signals}),
        banks,
        TitleDetector(banks),
        TitleMessageDetector(),
        NameDetector(banks),
        text_model,
        *language_detectors(MultilingualModel()),
        MeaningDetector(banks, text_model),
        ImageDetector(banks),
        AudioDetector(banks, media),
        VideoDetector(banks, media),
        JointDetector(text_model, media),
        SexualImageDetector(media),
        ProvenanceDetector(media),
        AbsentHashers(banks),
        *(HashDetector(banks, hasher) for hasher in hashers),
    )


def default_extractors(
    transcriber_dir: Path | None = None, *, media: Media | None = None, kept: Path | None = None
) -> tuple[Extractor, ...]:
    """Every extractor whose libraries are installed; without the extra ``media``, hardly any is.

    ``transcriber_dir`` contains a faster-whisper model for reading speech; None: that of the extra ``speech-en``, where
    it is installed. ``kept``: a folder for speech that is read already. Raises ``TranscriberError``.
    """
    from seawall.media import default_extractors as extractors  # imported here: not needed for text

    return extractors(media, transcriber_model=transcriber_dir, kept=kept)
