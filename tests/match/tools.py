"""What tests of audio files need from the system."""

from __future__ import annotations

import functools
import io
import os

import av
import numpy as np
import pytest

from match.music import RATE, Sound, pcm
from seawall.detectors.audio import Fingerprinter, find_fingerprinter


@functools.cache
def _maker() -> Fingerprinter | None:
    return find_fingerprinter()


def needs_maker() -> Fingerprinter:
    """The system's program for fingerprints. Where there is none the test is skipped, except in CI."""
    found = _maker()
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("CI must have fpcalc (libchromaprint-tools)")
        pytest.skip("needs fpcalc (libchromaprint-tools) or an ffmpeg with Chromaprint")
    return found


def encoded(sound: Sound, codec: str = "mp3", container: str = "mp3", bit_rate: int = 128_000) -> bytes:
    """The sound as a file."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=RATE, layout="mono")
        stream.bit_rate = bit_rate
        for first in range(0, len(sound), RATE):
            samples = np.frombuffer(pcm(sound[first : first + RATE]), "<i2")[None, :]
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate = RATE
            frame.pts = first
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def at_bit_rate(sound: Sound, bit_rate: int) -> bytes:
    """The sound encoded as MP3 and decoded again: samples as the fingerprinter takes them."""
    pieces = []
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(io.BytesIO(encoded(sound, bit_rate=bit_rate))) as file:
        for frame in file.decode(audio=0):
            pieces += [each.to_ndarray()[0] for each in resampler.resample(frame)]
        pieces += [each.to_ndarray()[0] for each in resampler.resample(None)]
    return np.concatenate(pieces).astype("<i2").tobytes()
