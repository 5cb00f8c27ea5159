"""Video index over frames: PDQ hashes of frames are found one by one, then combined by time.

A matching frame votes for a video and for the position in it where the query begins. Frames that agree within a second
form one match; it counts when they cover enough of the shorter of the two videos. So a clip of a known video is found,
and a known video inside a longer one, but not two seconds of a channel's opening titles that harmless videos share.
(Flat frames carry no information and must be left out on both sides, as PDQ requires: quality below 50.)

>>> frames = [(float(second), bytes([second * 17 % 256]) * 32) for second in range(20)]
>>> [match] = VideoIndex([frames]).search([(second - 5, hash) for second, hash in frames[5:15]])
>>> match.video, match.share, match.start_s, match.at_s
(0, 1.0, 0.0, 5.0)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from seawall.match.hashindex.hamming import HammingIndex
from seawall.match.pdq import PDQ_RADIUS

VIDEO_PERCENT: Final = 60
"""Default percentage of the shorter video's time that must be found."""

Frame = tuple[float, bytes]  # seconds, PDQ hash

_TOLERANCE_S: Final = 1.0  # frames of the two videos are sampled at different moments
_LONGEST_GAP_S: Final = 5.0  # the longest time that one frame can represent


@dataclass(frozen=True, slots=True)
class VideoMatch:
    """A match of video number ``video``, from ``start_s`` to ``end_s`` of the query; there it begins at ``at_s``.

    ``share``: how much of the shorter video's time agrees, 0 to 1. ``frames``: frames of the query that agree.
    """

    video: int
    share: float
    start_s: float
    end_s: float
    at_s: float
    frames: int


class VideoIndex:
    """Frames of many videos, each with the share of time from which it matches. Immutable."""

    def __init__(self, videos: Sequence[Sequence[Frame]], shares: Sequence[float] | None = None) -> None:
        """``shares``: 0 to 1 per video (0.6). Raises ``ValueError`` when the lengths differ, or for a bad hash."""
        self._shares = [VIDEO_PERCENT / 100] * len(videos) if shares is None else list(shares)
        if len(self._shares) != len(videos):
            raise ValueError(f"{len(videos)} videos, {len(self._shares)} shares")
        distinct: dict[bytes, list[tuple[int, float]]] = defaultdict(list)  # a still image is one hash
        for number, frames in enumerate(videos):
            for seconds, hash in frames:
                distinct[hash].append((number, seconds))
        self._lengths = [_length(np.sort([seconds for seconds, _ in frames])) for frames in videos]
        self._seen = list(distinct.values())
        self._hashes = HammingIndex(list(distinct), [PDQ_RADIUS] * len(distinct))

    def __len__(self) -> int:
        return len(self._shares)

    def search(self, query: Sequence[Frame]) -> list[VideoMatch]:
        """Videos found in the query, those with the largest share first. ``query``: frames in order of time."""
        if not query or not len(self._hashes):
            return []
        seconds = np.array([frame[0] for frame in query], np.float64)
        votes: dict[int, list[tuple[float, int]]] = defaultdict(list)  # video → (offset, frame of the query)
        remembered: dict[bytes, list[tuple[int, float]]] = {}
        for number, (at, hash) in enumerate(query):
            if hash not in remembered:
                remembered[hash] = [seen for index, _ in self._hashes.search(hash) for seen in self._seen[index]]
            for video, there in remembered[hash]:
                votes[video].append((there - at, number))
        found = [match for video, pairs in votes.items() if (match := self._match(video, pairs, seconds)) is not None]
        return sorted(found, key=lambda match: (-match.share, match.video))

    def _match(self, video: int, pairs: Sequence[tuple[float, int]], seconds: NDArray[np.float64]) -> VideoMatch | None:
        offset, agreeing = _best_offset(sorted(pairs))
        spoken = _gaps(seconds)[agreeing]
        shorter = min(_length(seconds), self._lengths[video])
        share = min(1.0, float(spoken.sum()) / shorter)
        if share < self._shares[video] - 1e-9 or len(agreeing) < min(2, len(seconds)):
            return None
        start = float(seconds[agreeing[0]])
        return VideoMatch(
            video=video,
            share=round(share, 4),
            start_s=round(start, 3),
            end_s=round(float(seconds[agreeing[-1]] + spoken[-1]), 3),
            at_s=round(max(0.0, start + offset), 3),
            frames=len(agreeing),
        )


def _best_offset(pairs: Sequence[tuple[float, int]]) -> tuple[float, NDArray[np.int64]]:
    """The offset on which most frames of the query agree, and those frames in order. ``pairs`` ascend by offset."""
    offsets = np.array([offset for offset, _ in pairs])
    ends = np.searchsorted(offsets, offsets + _TOLERANCE_S, "right")
    best: tuple[int, int, int] = (0, 0, 0)  # distinct frames, first pair, end
    counts: dict[int, int] = defaultdict(int)
    end = 0
    for first in range(len(pairs)):
        while end < ends[first]:
            counts[pairs[end][1]] += 1
            end += 1
        if len(counts) > best[0]:
            best = (len(counts), first, end)
        frame = pairs[first][1]
        counts[frame] -= 1
        if not counts[frame]:
            del counts[frame]
    _, first, end = best
    agreeing = np.unique([frame for _, frame in pairs[first:end]])
    return float(np.median(offsets[first:end])), agreeing.astype(np.int64)


def _gaps(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """The time that each frame represents: until the next one; for the last, the usual step."""
    steps = np.clip(np.diff(seconds), 0.0, _LONGEST_GAP_S)
    usual = float(np.median(steps)) if len(steps) else 1.0
    return np.append(steps, max(usual, 0.001))


def _length(seconds: NDArray[np.float64]) -> float:
    return float(_gaps(seconds).sum()) if len(seconds) else 0.001
