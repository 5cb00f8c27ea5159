"""Detector for words and images of one post, read together."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from cachetools import LRUCache

from seawall.content.languages import reads_as
from seawall.detectors.joint import fusion
from seawall.detectors.joint.evidence import ItemEvidence, gather
from seawall.detectors.joint.fusion import Fusion, FusionError, Mask
from seawall.detectors.joint.pictogram_reader import LONGEST_SIDE, PictogramReader
from seawall.detectors.joint.selection import LANGUAGES, JointInput, joint_inputs
from seawall.model.content import Modality, Part
from seawall.model.signals import (
    Cost,
    DetectorResult,
    DetectorSpec,
    OperatingPoint,
    Signal,
    SignalKind,
    SignalSpec,
    Unknown,
    UnknownReason,
)

if TYPE_CHECKING:
    from seawall.detectors.text.model import TextModel
    from seawall.media import Media

NAME: Final = "joint"
SIGNAL: Final = "joint_hate"
_READ: Final = 64  # images whose pictograms are cached


@dataclass(frozen=True, slots=True)
class Judgement:
    """The joint model's result for one bundle: a calibrated probability, and its mask."""

    probability: float
    mask: Mask


class JointDetector:
    """Hate expressed by words and image together: ``joint_hate``, on the image.

    Each image of an item is read together with all its words (``compose``): with typed ones at once, and again when
    words recognised in images and audio are available. An image without a known pictogram gives no signal: words alone
    are left to the text model. An image that cannot be decoded is *unknown*, and so is everything when the model was
    fitted to another encoder than the current one. Thread-safe.
    """

    def __init__(
        self, text_model: TextModel | None = None, media: Media | None = None, folder: Path | None = None
    ) -> None:
        """``media`` decodes images (default: a new one). ``folder`` contains the model (default: the shipped one)."""
        self._text_model = text_model
        self._media = media
        self._folder = folder or shipped()
        self._reader = PictogramReader(self._folder)
        self._read: LRUCache[bytes, list[str]] = LRUCache(_READ)  # by digest
        self._lock = threading.Lock()

    @cached_property
    def spec(self) -> DetectorSpec:
        """Its version is the digest of the fusion head's weights. Raises ``FusionError`` without a readable card."""
        try:
            card = json.loads((self._folder / fusion.CARD).read_text(encoding="utf-8"))
            points = tuple(OperatingPoint(**row) for row in card["operating_points"])
            version = str(card["version"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FusionError(f"no joint model in {self._folder}: {error}; python -m seawall.learn.joint") from error
        signal = SignalSpec(
            name=SIGNAL,
            kind=SignalKind.PROBABILITY,
            harm="hate",
            description="Hate in the words of a post together with the pictograms of its image",
            operating_points=points,
        )
        return DetectorSpec(
            name=NAME,
            version=version,
            signals=(signal,),
            modalities=frozenset({Modality.IMAGE}),
            languages=LANGUAGES,
            cost=Cost.SLOW,
        )

    def compose(self, parts: Sequence[Part]) -> list[JointInput]:
        """The input of ``detect``: the images of an item, each with the words to read with it."""
        return joint_inputs(parts)

    def start(self) -> None:
        """Load the networks, so that the first request does not wait for it."""
        self._reader.read(np.full((32, 32, 3), 255, dtype=np.uint8))
        self._check()

    def detect(self, parts: Sequence[Part]) -> list[DetectorResult]:
        """One answer per image, which carries its words (``compose``); a plain part has none.

        The evidence names the available sources: ``text+picture+words``.
        """
        return [self._measure(part) for part in parts]

    def pictograms(self, part: Part) -> list[str] | Unknown:
        """The names of the pictograms in an image, line by line."""
        from seawall.media import UnreadableMedia

        shown = self._decoder.shown(part.data or b"", LONGEST_SIDE)
        if isinstance(shown, UnreadableMedia):
            return shown.about(part, NAME)
        pixels = np.frombuffer(shown.rgb, dtype=np.uint8).reshape(shown.height, shown.width, 3)
        return [sighting.name for sighting in self._reader.read(pixels)]

    def judge(self, bundle: ItemEvidence) -> Judgement | None:
        """The probability of hate in a bundle; None for an empty one."""
        mask = fusion.mask_of(bundle)
        if mask is None:
            return None
        self._check()
        seen = fusion.features([fusion.texts_of(bundle, mask)], self._encoder)
        return Judgement(float(self.fusion.joint.probabilities(seen, mask)[0]), mask)

    def close(self) -> None:
        """End the decoding processes, unless ``media`` was passed in."""
        if self._media is None and "_decoder" in self.__dict__:
            self._decoder.close()

    @cached_property
    def fusion(self) -> Fusion:
        """The fusion head. Raises ``FusionError``."""
        return fusion.load(self._folder)

    @cached_property
    def _encoder(self) -> TextModel:
        from seawall.detectors.text.model import TextModel

        return self._text_model or TextModel()

    @cached_property
    def _decoder(self) -> Media:
        from seawall.media import Media

        return self._media or Media()

    def _check(self) -> None:
        """Raise ``FusionError`` when the head was fitted to another encoder."""
        if self.fusion.card["encoder"] != encoder_of(self._encoder):
            raise FusionError("the joint model was fitted to another text encoder: python -m seawall.learn.joint")

    def _measure(self, part: Part) -> DetectorResult:
        composed = part if isinstance(part, JointInput) else None
        if part.language is None and composed is not None and not reads_as(composed.typed, "en"):
            return Unknown(detector=NAME, part=part.path, reason=UnknownReason.LANGUAGE, detail="reads en")
        names = self._read_once(part)
        if isinstance(names, Unknown):
            return names
        if not names:
            return ()
        return self._signal(gather([*(composed.beside if composed else ()), part], {part.path: names}), part.path)

    def _read_once(self, part: Part) -> list[str] | Unknown:
        """The pictograms of an image, cached, since it is requested again when more words are available."""
        key = hashlib.sha256(part.data or b"").digest()
        with self._lock:
            held = self._read.get(key)
        if held is not None:
            return held
        names = self.pictograms(part)
        if not isinstance(names, Unknown):
            with self._lock:
                self._read[key] = names
        return names

    def _signal(self, bundle: ItemEvidence, place: str) -> tuple[Signal, ...]:
        judged = self.judge(bundle)
        if judged is None:
            return ()
        version = self.spec.version
        return (
            Signal(
                name=SIGNAL,
                value=judged.probability,
                part=place,
                detector=NAME,
                version=version,
                evidence=bundle.sources(),
            ),
        )


def encoder_of(model: TextModel) -> str:
    """The digest of a text model's encoder; "" when it has none."""
    return str(model.artefact.encoder or "")


def shipped() -> Path:
    """The folder of the shipped model."""
    return Path(__file__).with_name("data")
