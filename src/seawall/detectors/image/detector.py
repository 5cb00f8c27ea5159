"""Detector of known images, and of images with too little detail to match."""

from __future__ import annotations

from seawall.detectors.banks import BankDetector, MediaBankDetector, bank_spec, digest_hashes, to_signals
from seawall.detectors.image.sandbox import HASH_RULE, ImageReading, Sandbox
from seawall.match.bank import BankMatcher
from seawall.match.pdq import PDQ_MIN_QUALITY
from seawall.media.extractor import QUICK_CALLS
from seawall.media.process import UnreadableMedia
from seawall.model.content import Modality, Part
from seawall.model.signals import Cost, DetectorResult, DetectorSpec, PartHash, Signal, SignalKind, SignalSpec

VERSION = f"3 pdq:{HASH_RULE}"


class ImageDetector(MediaBankDetector):
    """Finds images of the banks by PDQ. An image that cannot be decoded within its limits is *unknown*.

    A flat image (quality below 50) matches by its digest only, as PDQ requires; see ``image_quality``.
    """

    calls_at_once = QUICK_CALLS

    def __init__(self, banks: BankDetector | None = None, sandbox: Sandbox | None = None) -> None:
        """Images are compared with the banks that ``banks`` holds at the moment."""
        super().__init__(banks, _spec)
        self._sandbox = sandbox or Sandbox()

    def start(self) -> None:
        """Start the decoding process before the first image arrives."""
        self._sandbox.start()

    def close(self) -> None:
        """End the decoding process."""
        self._sandbox.close()

    def _measure(self, part: Part) -> DetectorResult:
        matcher, spec = self._banks.matcher, self.spec
        reading = self._read(part)
        if isinstance(reading, UnreadableMedia):
            return reading.about(part, spec.name)
        quality = Signal(
            name="image_quality",
            value=reading.quality / 100,
            part=part.path,
            detector=spec.name,
            version=spec.version,
            evidence=f"{reading.format}:{reading.width}x{reading.height}" if reading.width else reading.format,
        )
        hits = matcher.match_bytes(part.data or b"")
        hashes = digest_hashes(part)
        for value in _hashes(reading):
            hashes = (*hashes, PartHash(kind="pdq", value=value, part=part.path, span=part.span))
            found = {(hit.bank, hit.entry) for hit in hits}
            hits += [hit for hit in matcher.match_image(value) if (hit.bank, hit.entry) not in found]
        return (quality, *to_signals(matcher, hits, part, spec.name), *hashes)

    def _read(self, part: Part) -> ImageReading | UnreadableMedia:
        if part.pdq is not None:  # computed from the video's pixels; ``data`` is a smaller copy
            return ImageReading(*part.pdq, width=0, height=0, format="frame")
        return self._sandbox.read(part.data or b"")


def _hashes(reading: ImageReading) -> tuple[bytes, ...]:
    """Every hash by which the image may be known, each once, the one of the image as shown first."""
    shown = (reading.hash,) if reading.quality >= PDQ_MIN_QUALITY else ()
    stored = (reading.stored,) if shown and reading.stored is not None else ()
    return tuple(dict.fromkeys((*shown, *stored, *reading.others)))


def _spec(matcher: BankMatcher) -> DetectorSpec:
    quality = SignalSpec(
        name="image_quality", kind=SignalKind.SCORE, description="How much the image varies; below 0.5 no match"
    )
    return bank_spec("image", VERSION, matcher, (Modality.IMAGE,), Cost.CPU, (quality,))
