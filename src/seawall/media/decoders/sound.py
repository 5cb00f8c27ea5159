"""Sound of a track as 16 kHz channels of 16 bits: the mix of all its channels, and each channel that the mix loses.

A listener hears every channel; their mix may be silent though they are not: two opposite channels cancel, and players'
mixes leave out the bass channel of surround sound. So every channel is compared with the mix, second by second, and
those that differ audibly are given as well.
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
_MOST_CHANNELS: Final = 24


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
    to_mono, to_channels = AudioResampler(format="s16", layout="mono", rate=RATE), _Channels()
    mix, waiting = bytearray(), np.zeros((0, 0), np.int16)
    grams: list[NDArray[np.float64]] = []
    at = 0  # seconds compared
    for frame in _and_none(frames):
        for piece in to_mono.resample(frame):
            mix += bytes(piece.planes[0])[: 2 * piece.samples]
        if len(mix) > most:
            raise DecodeRefused("too_long")
        new = to_channels.resample(frame)
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


def _distinct(grams: NDArray[np.float64]) -> tuple[list[int], set[int]]:
    """Channels to listen to beside the mix, those that it loses first; and which these are."""
    chosen, lost = [0], set()
    for channel in range(1, grams.shape[1]):
        energy, lacking = grams[:, channel, channel], np.full(len(grams), np.inf)
        for other in chosen:
            common = grams[:, channel, other] ** 2 / np.maximum(grams[:, other, other], 1.0)
            lacking = np.minimum(lacking, energy - common)
            if other == 0 and bool(np.any(_is_audible(energy) & (lacking > _LOST * energy))):
                lost.add(channel)
        if bool(np.any(_is_audible(lacking) & (lacking > _DIFFERENT * energy))):
            chosen.append(channel)
    return sorted(chosen[1:], key=lambda channel: channel not in lost), lost


def _is_audible(energy: NDArray[np.float64]) -> NDArray[np.bool_]:
    return energy > _AUDIBLE**2 * RATE / 4  # for a quarter of the second


def _channels(frames: Iterator[AudioFrame], wanted: Sequence[int]) -> list[bytes]:
    """Samples of these channels, counted from 1."""
    resampler, found = _Channels(), [bytearray() for _ in wanted]
    for frame in _and_none(frames):
        samples = resampler.resample(frame)
        for channel, pcm in zip(wanted, found, strict=True):
            if channel <= len(samples):
                pcm += samples[channel - 1].tobytes()
    return [bytes(pcm) for pcm in found]


class _Channels:
    """Resamples each channel by itself, in the layout of the first frame; none of a single one, which is the mix."""

    def __init__(self) -> None:
        self._resampler: AudioResampler | None = None
        self._is_mono = False

    def resample(self, frame: AudioFrame | None) -> NDArray[np.int16]:
        """New samples, of shape (channels, samples); None: the rest."""
        if self._resampler is None:
            self._is_mono |= frame is None or frame.layout.nb_channels == 1
        if self._is_mono:
            return np.zeros((0, 0), np.int16)
        if self._resampler is None:
            assert frame is not None
            if frame.layout.nb_channels > _MOST_CHANNELS:
                raise DecodeRefused("too_many_channels")
            self._resampler = AudioResampler(format="s16p", layout=frame.layout, rate=RATE)
        pieces = [piece.to_ndarray() for piece in self._resampler.resample(frame)]
        return np.hstack(pieces) if pieces else np.zeros((0, 0), np.int16)


def _and_none(frames: Iterator[AudioFrame]) -> Iterator[AudioFrame | None]:
    yield from frames
    yield None


def _of_length(pcm: bytes, length: int) -> bytes:
    return pcm[:length] + bytes(max(0, length - len(pcm)))
