"""Small media files of every kind, made here: the same each time."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from PIL import Image

RATE = 16_000


def noise(seed: int, size: tuple[int, int] = (320, 240), cells: tuple[int, int] = (16, 12)) -> Image.Image:
    """An image with much to see in it."""
    blocks = np.random.default_rng(seed).integers(0, 256, (cells[1], cells[0], 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC)


def encode(image: Image.Image, form: str, **options: Any) -> bytes:
    encoded = io.BytesIO()
    image.save(encoded, form, **options)
    return encoded.getvalue()


def animated(form: str, seeds: list[int], size: tuple[int, int] = (160, 120), duration: int = 500) -> bytes:
    first, *rest = [noise(seed, size) for seed in seeds]
    return encode(first, form, save_all=True, append_images=rest, duration=duration)


def tone(seconds: float, rate: int = RATE, channels: int = 1) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Something to hear, of shape (1, samples * channels)."""
    at = np.arange(int(seconds * rate)) / rate
    wave = (8_000 * np.sin(2 * np.pi * 440 * at) + 3_000 * np.sin(2 * np.pi * 1_234 * at)).astype(np.int16)
    return np.repeat(wave, channels)[None, :]


def make_video(
    shots: list[tuple[int, float]],
    *,
    container: str = "mp4",
    codec: str = "mpeg4",
    sound: str | None = "aac",
    size: tuple[int, int] = (160, 120),
    rate: int = 10,
    gop: int = 12,
) -> bytes:
    """Shots of (seed, seconds), each a still image."""
    encoded = io.BytesIO()
    with av.open(encoded, "w", format=container) as output:
        image: Any = output.add_stream(codec, rate=rate)
        image.width, image.height = size
        image.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        image.gop_size = gop
        image.bit_rate = 4_000_000
        track: Any = None if sound is None else output.add_stream(sound, rate=48_000 if sound == "libopus" else RATE)
        number = 0
        for seed, seconds in shots:
            pixels = np.asarray(noise(seed, size))
            for _ in range(round(seconds * rate)):
                frame = VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, rate)
                output.mux(image.encode(frame))
                number += 1
        output.mux(image.encode(None))
        if track is not None:
            _add_sound(output, track, number / rate)
    return encoded.getvalue()


def make_audio(container: str, codec: str, seconds: float = 1.0, rate: int = RATE) -> bytes:
    """A tone."""
    encoded = io.BytesIO()
    with av.open(encoded, "w", format=container) as output:
        _add_sound(output, output.add_stream(codec, rate=rate), seconds)
    return encoded.getvalue()


def tagged(container: str, codec: str, tags: dict[str, str], rate: int = RATE) -> bytes:
    """A tone in a file with these tags."""
    encoded = io.BytesIO()
    with av.open(encoded, "w", format=container) as output:
        output.metadata.update(tags)
        _add_sound(output, output.add_stream(codec, rate=rate), 1.0)
    return encoded.getvalue()


def subtitled(subtitles: str, form: str = "srt", container: str = "matroska", **tags: str) -> bytes:
    """A still video of two seconds with a track of subtitles."""
    encoded, packets = io.BytesIO(), []
    with av.open(encoded, "w", format=container) as output:
        output.metadata.update(tags)
        image: Any = output.add_stream("mpeg4", rate=5)
        image.width, image.height, image.pix_fmt = 64, 48, "yuv420p"
        if subtitles:
            with av.open(io.BytesIO(subtitles.encode()), "r", format=form) as source:
                track: Any = output.add_stream_from_template(source.streams[0])
                packets = [packet for packet in source.demux() if packet.size]
        for number in range(10):
            frame = VideoFrame.from_ndarray(np.asarray(noise(1, (64, 48))), format="rgb24")
            frame.pts = number
            output.mux(image.encode(frame))
        output.mux(image.encode(None))
        for packet in packets:
            packet.stream = track
            output.mux(packet)
    return encoded.getvalue()


def _add_sound(output: Any, track: Any, seconds: float) -> None:
    rate = track.rate
    samples = tone(seconds, rate)
    fifo = av.AudioFifo()
    frame = AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    resampler = av.AudioResampler(format=track.codec_context.format, layout="mono", rate=rate)
    for piece in [*resampler.resample(frame), *resampler.resample(None)]:
        fifo.write(piece)
    step = track.codec_context.frame_size or 1_024
    while (piece := fifo.read(step)) is not None or (piece := fifo.read(step, partial=True)) is not None:
        output.mux(track.encode(piece))
    output.mux(track.encode(None))
