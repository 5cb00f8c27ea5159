"""Known films."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from seawall.detect.bank import BankDetector, Following, bank_spec, byte_prints, to_signals
from seawall.detect.media import Film, Media, Unreadable
from seawall.match.bank import BankMatcher
from seawall.match.pdq import PDQ_MIN_QUALITY
from seawall.match.video import Frame
from seawall.model.content import Modality, Part, Span, SpanUnit
from seawall.model.signals import Answer, Cost, DetectorSpec, Print

VERSION: Final = "1"


class VideoDetector:
    """Finds films of the banks by digest and by the hashes of their frames, and hands those over for later entries.

    A film that cannot be decoded within its limits is *unknown*; its digest alone, when it is found, is an answer.
    """

    def __init__(self, banks: BankDetector | None = None, media: Media | None = None) -> None:
        """Films are decoded by ``media``; who shares it with the derivers has each film decoded once."""
        self._banks = banks or BankDetector()
        self._media = media or Media()
        self._following = Following(self._banks, _spec)

    @property
    def spec(self) -> DetectorSpec:
        """Promises a signal for every bank."""
        return self._following.spec

    def detect(self, parts: Sequence[Part]) -> Sequence[Answer]:
        """One answer for each part; films are read one after the other."""
        return [self._look(part) for part in parts]

    def close(self) -> None:
        """End the decoding processes."""
        self._media.close()

    def _look(self, part: Part) -> Answer:
        matcher, name = self._banks.matcher, self.spec.name
        hits = matcher.match_bytes(part.data or b"")
        film = self._media.film(part.data or b"")
        if isinstance(film, Unreadable):
            if hits or not matcher.has("video"):  # nothing else of it could match
                return (*to_signals(matcher, hits, part, name), *byte_prints(part))
            return film.about(part, name)
        frames = frames_of(film)
        hits += matcher.match_video(frames)
        prints = [
            Print(kind="pdq", value=hash, part=part.path, span=Span(unit=SpanUnit.SECONDS, start=at, end=at))
            for at, hash in frames
        ]
        return (*to_signals(matcher, hits, part, name), *byte_prints(part), *prints)


def frames_of(film: Film) -> list[Frame]:
    """The film's fingerprint: seconds and hash of every sampled frame that is not flat, each still once a second."""
    frames = sorted(
        (each.seconds, bytes.fromhex(each.hash)) for each in film.samples if each.quality >= PDQ_MIN_QUALITY
    )
    return [frame for n, frame in enumerate(frames) if not n or frame != frames[n - 1]]


def _spec(matcher: BankMatcher) -> DetectorSpec:
    return bank_spec("video", VERSION, matcher, (Modality.VIDEO,), Cost.SLOW)
