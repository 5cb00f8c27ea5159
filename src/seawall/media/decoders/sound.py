"""Sound of a track as 16 kHz channels of 16 bits: the mix of all its channels, and each channel that the mix loses.

A listener hears every channel; their mix may be silent though they are not: two opposite channels cancel, and players'
mixes leave out the bass channel of surround sound. So every channel is compared with the mix, second by second, and
those that differ audibly are given as well.

A listener also hears a voice that is opposite in two channels under music that is alike in both: the mix loses it, and
in each channel the music covers it. In the difference of the two the music is gone, so the differences that are covered
everywhere else are given too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

from seawall.media.decoders.operation import DecodeRefused

RATE: Final = 16_000  # samples a second, 16 bits
Frames = Callable[[], Iterator[AudioFrame]]
"""Decodes a track from its beginning."""

_AUDIBLE: Final = 33.0  # root mean square of 16-bit samples: 60 decibels below the loudest sound
_DIFFERENT: Final = 0.02  # share of a channel's energy that another one must lack
_LOST: Final = 0.9  # the same: then the channel is not heard in the other at all
_COVERED: Final = 0.1  # the same, of a difference of two channels: 10 decibels above all else it is heard in them
_MOST_CHANNELS: Final = 32
_MOST_DIFFERENCES: Final = 2
_PAIRED: Final = 8  # up to so many channels, each is compared with each; of more, only neighbours
_NAMED: Final = 8  # up to so many channels, FFmpeg knows how to mix a layout that is not declared


@dataclass(frozen=True, slots=True)
class DecodedSound:
    """Samples of the mix and of other channels, all of one length; ``unheard``: a channel did not fit beside them."""

    channels: tuple[bytes, ...]
    unheard: bool


def decode_sound(frames: Frames, offset: float, max_seconds: float, max_bytes: int) -> DecodedSound:
    """The sound; it begins ``offset`` seconds after the file does. ``max_bytes``: of other channels.

    Raises ``DecodeRefused``, and what ``frames`` raises.
    """
    offset = max(-max_seconds, min(offset, max_seconds)) if math.isfinite(offset) else 0.0
    before = 2 * round(max(0.0, -offset) * RATE)  # encoders add a short silence before time zero
    silence = bytes(2 * round(max(0.0, offset) * RATE))
    most = int(2 * RATE * max_seconds) + 2 * RATE
    mix, grams = _listen(frames(), most - len(silence))
    mix = silence + mix[before:]
    wanted, lost = _distinct(grams)
    fitting = max_bytes // max(1, len(mix))
    others = [silence + each[before:] for each in _channels(frames(), wanted[:fitting])] if wanted[:fitting] else []
    unheard = any(channel in lost for channel in wanted[fitting:])
    return DecodedSound((mix, *(_of_length(each, len(mix)) for each in others)), unheard)


def _listen(frames: Iterator[AudioFrame], most: int) -> tuple[bytes, NDArray[np.float64]]:
    """The mix, and for each second the products of mix and channels with each other: (seconds, 1 + n, 1 + n)."""
    mixer, to_channels = _Mixer(), _Channels()
    mix, waiting = bytearray(), np.zeros((0, 0), np.int16)
    grams: list[NDArray[np.float64]] = []
    at = 0  # seconds compared
    for frame in _and_none(frames):
        new = to_channels.resample(frame)
        mix += mixer.resample(frame, new)
        if len(mix) > most:
            raise DecodeRefused("too_long")
        if new.size:
            waiting = np.hstack([waiting, new]) if waiting.size else new
        while waiting.shape[1] >= RATE or (frame is None and waiting.size):
            second, waiting = waiting[:, :RATE], waiting[:, RATE:]
            mixed = np.frombuffer(mix, np.int16, max(0, min(len(mix) // 2 - at, second.shape[1])), 2 * at)
            rows = np.zeros((1 + len(second), second.shape[1]), np.float32)
            rows[0, : len(mixed)], rows[1:] = mixed, second
            del mixed  # a bytearray in use cannot grow
            grams.append((rows @ rows.T).astype(np.float64))
            at += second.shape[1]
    return bytes(mix), np.array(grams) if grams else np.zeros((0, 1, 1))


Heard = tuple[int, int]
"""What to listen to: a channel, counted from 1, and 0; or two, for half the difference of them."""


def _distinct(grams: NDArray[np.float64]) -> tuple[list[Heard], set[Heard]]:
    """What to listen to beside the mix, first that which the mix loses; and which that is."""
    count = grams.shape[1] - 1
    chosen, lost = [(0, 0)], set()
    differences = 0
    for one in [*((channel, 0) for channel in range(1, count + 1)), *_pairs(count)]:
        if one[1] and differences == _MOST_DIFFERENCES:
            break
        energy = _common(grams, one, one)
        lacking = np.full(len(grams), np.inf)
        is_lost = False
        for other in chosen:
            common = _common(grams, one, other) ** 2 / np.maximum(_common(grams, other, other), 1.0)
            lacking = np.minimum(lacking, energy - common)
            if other == (0, 0):
                is_lost = bool(np.any(_is_audible(energy) & (lacking > _LOST * energy)))
        if is_lost and not one[1]:
            lost.add(one)
        if bool(np.any(_is_audible(lacking) & (lacking > (_COVERED if one[1] else _DIFFERENT) * energy))):
            chosen.append(one)
            differences += bool(one[1])
            if is_lost:
                lost.add(one)
    return sorted(chosen[1:], key=lambda one: one not in lost), lost


def _pairs(count: int) -> list[Heard]:
    """Pairs of channels to compare, neighbours first: in most layouts these are the left and the right one."""
    pairs = [(one, other) for one in range(1, count + 1) for other in range(one + 1, count + 1)]
    neighbours = [(one, other) for one, other in pairs if one % 2 and other == one + 1]
    return neighbours if count > _PAIRED else sorted(pairs, key=lambda pair: pair not in neighbours)


def _common(grams: NDArray[np.float64], one: Heard, other: Heard) -> NDArray[np.float64]:
    """Product of two of them in each second, from those of the channels."""
    left, right = _weights(one), _weights(other)
    found = np.zeros(len(grams))
    for channel, weight in left:
        for against, factor in right:
            found += weight * factor * grams[:, channel, against]
    return found


def _weights(one: Heard) -> tuple[tuple[int, float], ...]:
    channel, other = one
    return ((channel, 0.5), (other, -0.5)) if other else ((channel, 1.0),)


def _is_audible(energy: NDArray[np.float64]) -> NDArray[np.bool_]:
    return energy > _AUDIBLE**2 * RATE / 4  # for a quarter of the second


def _channels(frames: Iterator[AudioFrame], wanted: Sequence[Heard]) -> list[bytes]:
    """Samples of these channels and differences."""
    resampler, found = _Channels(), [bytearray() for _ in wanted]
    for frame in _and_none(frames):
        samples = resampler.resample(frame)
        for one, pcm in zip(wanted, found, strict=True):
            if max(one) > len(samples):
                continue
            if one[1]:
                half = (samples[one[0] - 1].astype(np.int32) - samples[one[1] - 1]) // 2
                pcm += half.astype(np.int16).tobytes()
            else:
                pcm += samples[one[0] - 1].tobytes()
    return [bytes(pcm) for pcm in found]


class _Mixer:
    """Mixes the channels as players do, by the layout of the first frame; more than ``_NAMED`` all alike."""

    def __init__(self) -> None:
        self._resampler: AudioResampler | None = AudioResampler(format="s16", layout="mono", rate=RATE)

    def resample(self, frame: AudioFrame | None, channels: NDArray[np.int16]) -> bytes:
        """New samples; ``channels``: the same, each by itself; ``frame`` None: the rest."""
        if frame is not None and frame.layout.nb_channels > _NAMED:
            self._resampler = None
        if self._resampler is None:
            return channels.mean(axis=0).astype(np.int16).tobytes() if channels.size else b""
        pieces = self._resampler.resample(frame)
        return b"".join(bytes(piece.planes[0])[: 2 * piece.samples] for piece in pieces)


class _Channels:
    """Resamples each channel by itself, in the layout of the first frame; none of a single one, which is the mix."""

    def __init__(self) -> None:
        self._resampler: AudioResampler | None = None
        self._is_mono = False
        self._count = 0

    def resample(self, frame: AudioFrame | None) -> NDArray[np.int16]:
        """New samples, of shape (channels, samples); None: the rest."""
        if self._resampler is None:
            self._is_mono |= frame is None or frame.layout.nb_channels == 1
        if self._is_mono:
            return np.zeros((0, 0), np.int16)
        if self._resampler is None:
            assert frame is not None
            self._count = frame.layout.nb_channels
            if self._count > _MOST_CHANNELS:
                raise DecodeRefused("too_many_channels")
            # Interleaved: PyAV reads beyond the end of a frame of eight planes and more.
            self._resampler = AudioResampler(format="s16", layout=frame.layout, rate=RATE)
        pieces = [piece.to_ndarray().reshape(-1, self._count) for piece in self._resampler.resample(frame)]
        samples: list[NDArray[np.int16]] = [piece.astype(np.int16, copy=False) for piece in pieces]
        return np.vstack(samples).T if samples else np.zeros((0, 0), np.int16)


def _and_none(frames: Iterator[AudioFrame]) -> Iterator[AudioFrame | None]:
    yield from frames
    yield None


def _of_length(pcm: bytes, length: int) -> bytes:
    return pcm[:length] + bytes(max(0, length - len(pcm)))
