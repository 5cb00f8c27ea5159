"""Which voice of a sound is heard in which of its channels.

A voice that stands out in one channel is usually in the mix as well, and is read once. Where the mix loses it, or
another voice covers it there, it is read by itself. The samples tell: how much of a channel others can make up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from seawall.media.results import RATE, SpeechSegments

_LEAST_S: Final = 0.25  # of speech
_LACKED: Final = 0.2
"""Share of a voice's energy that another channel may lack: of two voices that are equally loud there, it lacks half of
each, and neither is understood."""
_FAINT: Final = 0.03
"""Energy of a voice over that of another one that is heard at the same time, below which a listener does not understand
it either: 15 decibels."""
_PIECE_S: Final = 0.5
_MOST: Final = 12  # channels without speech that are considered
_MADE_UP: Final = 0.1  # share of a channel's energy that channels which make it up may lack


def with_channel(
    found: Sequence[SpeechSegments], other: Sequence[SpeechSegments], channels: Sequence[bytes]
) -> list[SpeechSegments]:
    """The segments found so far, and those of another channel where none of them is, by time.

    A segment that is not heard in the channel of an earlier one is kept beside it: somebody else speaks there.
    ``channels``: all of the sound, 16 kHz, 16 bits.
    """
    added: list[SpeechSegments] = []
    for each in other:
        pieces: list[SpeechSegments] = []
        start = each.start
        for covered in found:
            if covered.start < each.end and covered.end > start and _is_heard(each, covered, channels):
                if covered.start - start >= _LEAST_S:
                    pieces.append(replace(each, start=start, end=covered.start))
                start = max(start, covered.end)
        if each.end - start >= _LEAST_S:
            pieces.append(replace(each, start=start))
        is_most = sum(piece.end - piece.start for piece in pieces) > (each.end - each.start) / 2
        added += [each] if is_most else pieces  # a sentence is not cut where its end is heard elsewhere, too
    return sorted((*found, *added), key=lambda each: each.start)


def seconds_of_speech(found: Sequence[SpeechSegments]) -> float:
    """Seconds in which somebody speaks in any channel."""
    total = until = 0.0
    for each in sorted(found, key=lambda each: each.start):
        total += max(0.0, each.end - max(each.start, until))
        until = max(until, each.end)
    return total


def is_made_up(
    unread: SpeechSegments, read: Sequence[SpeechSegments], speech: Sequence[SpeechSegments], channels: Sequence[bytes]
) -> bool:
    """Whether an unread segment is nothing but a mixture of what was read at the same time in other channels.

    Two voices, each read by itself, are also in the mix, where neither is understood; so is a voice with music that is
    by itself in other channels. ``speech``: all segments. Channels without speech are no reason by themselves: music
    covers voices, and the difference of two such channels may be a voice.
    """
    energy = lacking = lacking_unread = 0.0
    for start in np.arange(unread.start, unread.end, _PIECE_S).tolist():
        end = min(start + _PIECE_S, unread.end)
        mine = _samples(unread.channel, start, end, channels)
        voices = {each.channel for each in speech if _overlap(each, start, end)} | {unread.channel}
        without = [
            _samples(each, start, end, channels) for each in range(min(len(channels), _MOST)) if each not in voices
        ]
        understood = {each.channel for each in read if _overlap(each, start, end)} - {unread.channel}
        energy += float(mine @ mine)
        lacking_unread += _rest(mine, without)
        lacking += _rest(mine, [*without, *(_samples(each, start, end, channels) for each in understood)])
    return lacking <= _MADE_UP * energy < lacking_unread


def _rest(mine: NDArray[np.float64], others: Sequence[NDArray[np.float64]]) -> float:
    """Energy of what others cannot make up."""
    if not others:
        return float(mine @ mine)
    rows = np.stack(others)
    rest = mine - np.linalg.lstsq(rows @ rows.T, rows @ mine, rcond=1e-6)[0] @ rows
    return float(rest @ rest)


def _overlap(one: SpeechSegments, start: float, end: float) -> bool:
    return one.start < end and one.end > start


def _is_heard(one: SpeechSegments, other: SpeechSegments, channels: Sequence[bytes]) -> bool:
    """Whether what is in the channel of one segment is in that of the other as well, where they overlap."""
    start, end = max(one.start, other.start), min(one.end, other.end)
    mine, theirs = (_samples(each.channel, start, end, channels) for each in (one, other))
    energy, covering = float(mine @ mine), float(theirs @ theirs)
    lacking = energy - float(mine @ theirs) ** 2 / max(1.0, covering)
    return lacking <= _LACKED * energy or energy <= _FAINT * covering


def _samples(channel: int, start: float, end: float, channels: Sequence[bytes]) -> NDArray[np.float64]:
    return np.frombuffer(channels[channel], "<i2")[round(start * RATE) : round(end * RATE)].astype(np.float64)
