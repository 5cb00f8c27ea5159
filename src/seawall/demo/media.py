"""A post in four modalities, generated on demand: an image with words, a voice note, a video with both."""

from __future__ import annotations

import io
import math
import random
import shutil
import struct
import subprocess
import tempfile
import wave
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_RATE = 16_000
_PIECE = 320  # samples: 20 ms, one frame of the encoder
_SIZE = (640, 360)
_FRAMES = 5  # per second
_INK, _PAPER = (24, 24, 32), (244, 240, 228)


@cache
def image_with_words(*lines: str) -> bytes:
    """A poster with these lines, as PNG bytes."""
    out = io.BytesIO()
    _poster(lines, _PAPER).save(out, "PNG")
    return out.getvalue()


@cache
def voice_note(said: str, seconds_before: float = 1.5) -> bytes:
    """A WAV file of speech after a pause: by espeak-ng where it is installed, otherwise tones in the same rhythm."""
    samples = [0] * int(_RATE * seconds_before) + (_spoken(said) or list(_hummed(said))) + [0] * (_RATE // 2)
    return _wav(samples)


@cache
def video_with_words(*scenes: str, said: str = "") -> bytes | None:
    """A WebM video with a poster for three seconds per scene and ``said`` as speech; None without PyAV."""
    try:
        import av
    except ImportError:
        return None
    out = io.BytesIO()
    with av.open(out, "w", format="webm") as container:
        video = container.add_stream("libvpx", rate=_FRAMES, options={"deadline": "realtime", "cpu-used": "8"})
        video.width, video.height, video.pix_fmt = *_SIZE, "yuv420p"
        video.codec_context.thread_count = 1  # its threads busy-wait for each other
        sound = container.add_stream("libopus", rate=_RATE, layout="mono")
        for number, scene in enumerate(scenes):
            shade = (_PAPER[0] - 60 * (number % 2), _PAPER[1], _PAPER[2] - 90 * (number % 3))
            frame = av.VideoFrame.from_ndarray(np.asarray(_poster(scene.split("\n"), shade)), format="rgb24")
            for step in range(3 * _FRAMES):
                frame.pts = number * 3 * _FRAMES + step
                container.mux(video.encode(frame))
        container.mux(video.encode(None))
        samples = _fitted((_spoken(said) or list(_hummed(said))) if said else [], 3 * _RATE * len(scenes))
        for first in range(0, len(samples), _PIECE):
            piece = samples[first : first + _PIECE]
            heard = av.AudioFrame(format="s16", layout="mono", samples=len(piece))
            heard.planes[0].update(struct.pack(f"<{len(piece)}h", *piece))
            heard.sample_rate, heard.pts = _RATE, first
            container.mux(sound.encode(heard))
        container.mux(sound.encode(None))
    return out.getvalue()


def _poster(lines: Sequence[str], paper: tuple[int, int, int]) -> Image.Image:
    image = Image.new("RGB", _SIZE, paper)
    draw = ImageDraw.Draw(image)
    rng = random.Random("\n".join(lines))  # noqa: S311 - a drawing
    for _ in range(7):  # so that the hashes of posters differ
        x, y = rng.randrange(_SIZE[0]), rng.randrange(_SIZE[1] * 2 // 3, _SIZE[1])
        radius = rng.randrange(12, 60)
        colour = (rng.randrange(120, 220), rng.randrange(120, 220), rng.randrange(120, 220))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    for number, line in enumerate(lines):
        draw.text((36, 36 + 62 * number), line, fill=_INK, font=ImageFont.load_default(40))
    return image


def _spoken(said: str) -> list[int]:
    """16 kHz samples of a synthetic voice; none without espeak-ng."""
    program = shutil.which("espeak-ng")
    if program is None:
        return []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        done = subprocess.run([program, "-w", str(path), "--", said], timeout=20, capture_output=True)  # noqa: S603
        if done.returncode != 0:
            return []
        with wave.open(str(path)) as file:
            rate, raw = file.getframerate(), file.readframes(file.getnframes())
    heard = struct.unpack(f"<{len(raw) // 2}h", raw)
    return [heard[int(at * rate / _RATE)] for at in range(int(len(heard) * _RATE / rate))]


def _hummed(said: str) -> Iterator[int]:
    """A tone per letter, a pause per space: not speech, and not detected as speech."""
    for at, letter in enumerate(said):
        pitch = 110 + 4 * (ord(letter) % 24)
        for step in range(_RATE // 12):
            loud = 0 if letter == " " else 9_000 * math.sin(math.pi * step * 12 / _RATE)
            yield int(loud * math.sin(2 * math.pi * pitch * (at + step / _RATE)))


def _fitted(samples: list[int], length: int) -> list[int]:
    return (samples + [0] * length)[:length]


def _wav(samples: Sequence[int]) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
    return out.getvalue()
