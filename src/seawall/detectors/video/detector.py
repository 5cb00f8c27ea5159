"""Detector of known videos."""

from __future__ import annotations

from typing import Final

from seawall.detectors.banks import BankDetector, MediaBankDetector, bank_spec, digest_hashes, to_signals
from seawall.match.bank import BankMatcher
from seawall.match.pdq import PDQ_MIN_QUALITY
from seawall.match.video import Frame
from seawall.media import Media, UnreadableMedia, VideoContent
from seawall.model.content import Modality, Part, Span, SpanUnit
from seawall.model.signals import Cost, DetectorResult, DetectorSpec, PartHash

VERSION: Final = "2"


class VideoDetector(MediaBankDetector):
    """Finds videos of the banks by digest and by the hashes of their frames, and hands those over for later entries.

    A video that cannot be decoded within its limits is *unknown*, unless its digest matches.
    """

    def __init__(self, banks: BankDetector | None = None, media: Media | None = None) -> None:
        """Videos are decoded by ``media``; who shares it with the extractors has each video decoded once."""
        super().__init__(banks, _spec)
        self._media = media or Media()

    def close(self) -> None:
        """End the decoding processes."""
        self._media.close()

    def _measure(self, part: Part) -> DetectorResult:
        matcher, name = self._banks.matcher, self.spec.name
        hits = matcher.match_bytes(part.data or b"")
        clip = self._media.video(part.data or b"")
        if isinstance(clip, UnreadableMedia):
            if hits or not matcher.has("video"):  # nothing else could match
                return (*to_signals(matcher, hits, part, name), *digest_hashes(part))
            return clip.about(part, name)
        frames = frames_of(clip)
        hits += matcher.match_video(frames)
        hashes = [
            PartHash(kind="pdq", value=hash, part=part.path, span=Span(unit=SpanUnit.SECONDS, start=at, end=at))
            for at, hash in frames
        ]
        return (*to_signals(matcher, hits, part, name), *digest_hashes(part), *hashes)


def frames_of(clip: VideoContent) -> list[Frame]:
    """The video's fingerprint: seconds and hash of every sampled frame that is not flat, still scenes once a second."""
    frames = sorted(
        (each.seconds, bytes.fromhex(each.hash)) for each in clip.samples if each.quality >= PDQ_MIN_QUALITY
    )
    return [frame for n, frame in enumerate(frames) if not n or frame != frames[n - 1]]


def _spec(matcher: BankMatcher) -> DetectorSpec:
    return bank_spec("video", VERSION, matcher, (Modality.VIDEO,), Cost.SLOW)
