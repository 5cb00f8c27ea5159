"""The detectors and derivers that come with Seawall: explicit lists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seawall.detect.bank import BankDetector
from seawall.detect.catalogue import NameDetector, TitleDetector, TitleMessageDetector
from seawall.detect.hashing import AbsentHashers, HashDetector
from seawall.detect.image import ImageDetector
from seawall.detect.links import LinkDetector
from seawall.detect.pii import PersonalDataDetector
from seawall.detect.text.lexicon import LexiconDetector
from seawall.model.signals import Deriver, Detector, Hasher

if TYPE_CHECKING:
    from seawall.detect.media import Media


def default_detectors(
    banks: BankDetector | None = None,
    text_model_dir: Path | None = None,
    *,
    media: Media | None = None,
    hashers: Sequence[Hasher] = (),
) -> tuple[Detector, ...]:
    """Every detector that works offline on day one.

    ``banks`` is kept by whoever fills it: ``banks.replace(matcher)`` changes everything that is matched at once.
    ``text_model_dir`` holds weights to use instead of the shipped ones. ``media`` decodes recordings and films: give
    the derivers the same, and each is decoded once. ``hashers`` are those of plug-ins; each becomes a detector.
    """
    from seawall.detect.audio import AudioDetector  # here: who only reads texts does without
    from seawall.detect.joint import JointDetector
    from seawall.detect.media import Media
    from seawall.detect.text.model import TextModel  # here: so that the inline detectors do without its numbers
    from seawall.detect.video import VideoDetector

    banks = banks or BankDetector()
    media = media or Media()
    text_model = TextModel(text_model_dir)
    return (
        LexiconDetector(),
        LinkDetector(),
        PersonalDataDetector(),
        banks,
        TitleDetector(banks),
        TitleMessageDetector(),
        NameDetector(banks),
        text_model,
        ImageDetector(banks),
        AudioDetector(banks, media),
        VideoDetector(banks, media),
        JointDetector(text_model, media),
        AbsentHashers(banks),
        *(HashDetector(banks, hasher) for hasher in hashers),
    )


def default_derivers(transcriber_dir: Path | None = None, *, media: Media | None = None) -> tuple[Deriver, ...]:
    """Every deriver whose libraries are installed; without the extra ``media`` hardly one is.

    ``transcriber_dir`` holds a faster-whisper model, by which speech is read. Raises ``TranscriberError``.
    """
    from seawall.detect.media import default_derivers as derivers  # here: who only reads texts does without

    return derivers(media, transcriber_model=transcriber_dir)
