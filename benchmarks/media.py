"""Parts from media: what images, videos and audio files cost in the confined processes that read them.

    ./run bench media

Files are made here (moving texture, drawn words, a tone), so that everybody reads the same. Two figures for each:
processor seconds of the decoding process, which neighbours on a shared machine change little, and wall time as the
caller waits.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import zxingcpp
from av.video.frame import VideoFrame
from PIL import Image, ImageDraw, ImageFont

from seawall.detectors.image import Sandbox
from seawall.media import Media, UnreadableMedia, confinement, to_wav

VIDEO_SECONDS, RATE = 10, 30
SOUND_SECONDS = 600


def main(arguments: list[str]) -> None:
    """Measure and print."""
    print("\n".join(confinement()), "\n")
    print(f"{'':44}{'cpu':>9}{'wall':>9}")
    images()
    media = Media()
    try:
        words_and_codes(media)
        videos(media)
        audio_files(media)
    finally:
        media.close()


def images() -> None:
    """Decoding and hashing."""
    sandbox = Sandbox()
    try:
        for size in ((640, 480), (1_920, 1_080), (4_000, 3_000)):
            data = encoded(texture(size), "JPEG")
            report(
                f"PDQ of a JPEG, {size[0]} x {size[1]}", lambda: pids_of(sandbox), lambda _, d=data: sandbox.read(d), 20
            )
    finally:
        sandbox.close()


def words_and_codes(media: Media) -> None:
    """Reading codes and words."""
    code = np.asarray(
        zxingcpp.write_barcode_to_image(
            zxingcpp.create_barcode("https://example.com/a", zxingcpp.BarcodeFormat.QRCode), scale=6
        )
    )
    raster = texture((1_280, 720))
    raster.paste(Image.fromarray(code), (700, 300))
    data = encoded(raster, "JPEG")
    report("codes in 1280 x 720", lambda: media.pids, lambda at: media.codes(data), 20)
    for size, height in (((640, 360), 24), ((1_280, 720), 28)):
        for lines in (0, 3, 10):
            data = encoded(lettered(size, height, lines), "JPEG")
            name = f"words: {lines} lines in {size[0]} x {size[1]}"
            report(name, lambda: media.pids, lambda at, d=data: media.words(d), 3)


def videos(media: Media) -> None:
    """Frames a second: every frame is decoded, one a second hashed and made small."""
    for size in ((640, 360), (1_280, 720)):
        data = clip(size)
        name = f"video {size[0]} x {size[1]}, {VIDEO_SECONDS} s"
        cpu, wall = report(name, lambda: media.pids, lambda at, d=data: media.video(d + bytes(at)), 3)
        frames = VIDEO_SECONDS * RATE
        speeds = f"{frames / cpu:,.0f} frames a cpu-second, {VIDEO_SECONDS / cpu:.0f} x real time"
        print(f"{'':4}{speeds}; {frames / wall:,.0f} a second by the wall")


def audio_files(media: Media) -> None:
    """Sound, and speech in it."""
    at = np.arange(SOUND_SECONDS * 16_000)
    pcm = (8_000 * np.sin(at / 6) + np.random.default_rng(0).normal(0, 500, len(at))).astype("<i2")
    whole = io.BytesIO()
    with av.open(whole, "w", format="mp3") as output:
        track: Any = output.add_stream("mp3", rate=16_000)
        for first in range(0, len(pcm), 1_152):
            frame = av.AudioFrame.from_ndarray(pcm[None, first : first + 1_152], format="s16", layout="mono")
            frame.sample_rate = 16_000
            output.mux(track.encode(frame))
        output.mux(track.encode(None))
    data = whole.getvalue()
    cpu, _ = report(f"MP3 to 16 kHz, {SOUND_SECONDS} s", lambda: media.pids, lambda n: media.sound(data + bytes(n)), 3)
    print(f"{'':4}{SOUND_SECONDS / cpu:,.0f} x real time")
    waves = [to_wav(pcm[number:].tobytes()) for number in range(4)]
    cpu, _ = report(f"speech in {SOUND_SECONDS} s", lambda: media.pids, lambda n: media.speech(waves[n]), 3)
    print(f"{'':4}real-time factor {cpu / SOUND_SECONDS:.4f}")


def report(
    name: str, pids: Callable[[], tuple[int, ...]], read: Callable[[int], object], times: int
) -> tuple[float, float]:
    """Print and return, for one reading: mean processor seconds of the processes, and the best wall time."""
    check(read(0))  # starts the process
    before, best = cpu_of(pids()), 1e9
    for number in range(1, times + 1):
        started = time.perf_counter()
        check(read(number))
        best = min(best, time.perf_counter() - started)
    cpu = max((cpu_of(pids()) - before) / times, 1e-4)
    print(f"{name:44}{cpu:8.4f}s{best:8.3f}s", flush=True)
    return cpu, best


def check(answer: object) -> None:
    """A file that is not read measures nothing."""
    if isinstance(answer, UnreadableMedia):
        raise SystemExit(f"could not be read: {answer.code}")


def cpu_of(pids: tuple[int, ...]) -> float:
    """Processor seconds that these processes have used."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def pids_of(sandbox: Sandbox) -> tuple[int, ...]:
    """Its process."""
    return () if sandbox.pid is None else (sandbox.pid,)


def texture(size: tuple[int, int], seed: int = 0) -> Image.Image:
    """Something to look at."""
    cells = np.random.default_rng(seed).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    return Image.fromarray(cells).resize(size, Image.Resampling.BICUBIC)


def lettered(size: tuple[int, int], height: int, lines: int) -> Image.Image:
    """Words on paper that is a little dirty."""
    raster = Image.new("RGB", size, (225, 220, 210))
    draw = ImageDraw.Draw(raster)
    for line in range(lines):
        draw.text(
            (20, 12 + int(line * height * 1.35)),
            f"line {line} of a short notice",
            "black",
            ImageFont.load_default(height),
        )
    noise = np.random.default_rng(0).normal(0, 12, (size[1], size[0], 3))
    return Image.fromarray(np.clip(np.asarray(raster) + noise, 0, 255).astype(np.uint8))


def clip(size: tuple[int, int]) -> bytes:
    """A texture that moves, in H.264."""
    pixels = np.asarray(texture(size))
    whole = io.BytesIO()
    with av.open(whole, "w", format="matroska") as output:
        stream: Any = output.add_stream("libx264", rate=RATE, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(VIDEO_SECONDS * RATE):
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(np.roll(pixels, 3 * number, 1)), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return whole.getvalue()


def encoded(raster: Image.Image, form: str) -> bytes:
    """A file."""
    whole = io.BytesIO()
    raster.save(whole, form)
    return whole.getvalue()


if __name__ == "__main__":
    main(sys.argv[1:])
