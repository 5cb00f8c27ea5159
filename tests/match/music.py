"""Music made of numbers: seeded songs with harmony, melody and drums, for tests and benchmarks of fingerprints."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 6, 7, 10))
Sound = NDArray[np.float32]


def song(seed: int, seconds: float, rate: int = RATE) -> Sound:
    """A song of its own for every seed: tempo, key, scale, chords, a melody, noise on the beat. Within ±1."""
    chance = np.random.default_rng([0x50A6, seed])
    beat = 60 / chance.uniform(80, 150)
    root = 110 * 2 ** chance.uniform(0, 1)  # not every band tunes to A = 440 Hz
    scale = SCALES[chance.integers(len(SCALES))]
    voices = chance.uniform(0.1, 1.0, 5) / np.arange(1, 6)  # strength of the overtones
    out = np.zeros(int(seconds * rate) + rate, np.float32)
    progression = chance.integers(0, len(scale), 8)
    played: dict[tuple[float, int, float], Sound] = {}

    def note(pitch: float, degree: int, length: float) -> Sound:
        key = (pitch, degree, length)
        if key not in played:
            played[key] = _note(pitch, scale, degree, length, voices, rate)
        return played[key]

    for number in range(int(seconds / beat) + 1):
        at = int(number * beat * rate)
        degree = int(progression[(number // 4) % 8])
        if number % 4 == 0:
            for step in (0, 2, 4):
                _add(out, at, note(root, degree + step, 4 * beat) * 0.25)
        for half in range(2):
            if chance.random() < 0.8:
                length = beat * chance.choice([0.5, 1.0])
                tone = note(root * 2, int(chance.integers(0, 14)), float(length))
                _add(out, at + int(half * beat / 2 * rate), tone * 0.5)
        if chance.random() < 0.9:
            hit = chance.normal(0, 0.2, int(0.05 * rate)) * np.linspace(1, 0, int(0.05 * rate))
            _add(out, at, hit.astype(np.float32))
    out = out[: int(seconds * rate)]
    return (out / np.abs(out).max() * 0.9).astype(np.float32)


def _note(root: float, scale: tuple[int, ...], degree: int, length: float, voices: Sound, rate: int) -> Sound:
    octave, step = divmod(degree, len(scale))
    frequency = root * 2 ** (octave + scale[step] / 12)
    time = np.arange(int(length * rate)) / rate
    tone = sum(
        strength * np.sin(2 * np.pi * frequency * (n + 1) * time)
        for n, strength in enumerate(voices)
        if frequency * (n + 1) < rate / 2
    )
    envelope = np.minimum(1, time / 0.01) * np.exp(-time * 2 / length)
    return np.asarray(tone * envelope, np.float32)


def _add(out: Sound, at: int, tone: Sound) -> None:
    end = min(len(out), at + len(tone))
    if at < end:
        out[at:end] += tone[: end - at]


def with_noise(sound: Sound, decibels: float, seed: int = 0) -> Sound:
    """The sound with white noise so many decibels below it."""
    power = np.sqrt(np.mean(sound**2)) / 10 ** (decibels / 20)
    return (sound + np.random.default_rng(seed).normal(0, power, len(sound))).astype(np.float32)


def pcm(sound: Sound) -> bytes:
    """Signed 16-bit samples, little-endian."""
    return (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()
