"""PDQ hashes of images, decoding included, beside the pdqhash package; of videos' frames, beside vpdq.

    ./run bench hashing
    ./run bench hashing --quick    without images of 12 megapixels

Images are photographs that scikit-image ships, resized and saved as JPEG. ``pdqhash`` decodes with Pillow and hashes
all pixels, as threatexchange does; ``full`` is ours of all pixels, which must give the same bits; ``draft`` is ours of
a JPEG decoded at a reduced size. The video is a slow pan over the photographs, H.264, 720p. Figures are CPU time of
this process, all threads together; each image's best of three, the ways in turn.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pdqhash
from numpy.typing import NDArray
from PIL import Image

from seawall.match.pdq import PDQ_MIN_QUALITY, pdq, pdq_luma, pdq_of_bytes

SIZES = ((512, 384), (1280, 720), (1920, 1080), (4000, 3000))
NAMES = ("astronaut.png", "brick.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "motorcycle_left.png")
ROUNDS = 3
SECONDS, RATE, FRAME = 10, 25, (1280, 720)
AIM_DECODED, AIM_FRAMES = 3.0, 5.0


def photographs() -> list[Image.Image]:
    """Photographs in the public domain, or given to scikit-image, as it ships them."""
    found = importlib.util.find_spec("skimage")
    if found is None or found.origin is None:
        sys.exit("scikit-image is not installed (uv sync --group bench)")
    folder = Path(found.origin).parent / "data"
    return [Image.open(folder / name).convert("RGB") for name in NAMES]


def by_pdqhash(data: bytes) -> bytes:
    """The path of threatexchange: all pixels through the reference code."""
    with Image.open(io.BytesIO(data)) as image:
        return packed(np.asarray(image.convert("RGB")))


def packed(rgb: NDArray[np.uint8]) -> bytes:
    """The reference code's hash as bytes."""
    bits, _ = pdqhash.compute(np.ascontiguousarray(rgb))
    return np.packbits(bits.astype(np.uint8)).tobytes()


WAYS: dict[str, Callable[[bytes], bytes]] = {
    "pdqhash": by_pdqhash,
    "full": lambda data: pdq_of_bytes(data).hash,
    "draft": lambda data: pdq_of_bytes(data, draft=True).hash,
}


def distance(one: bytes, other: bytes) -> int:
    """In how many bits two hashes differ."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def cpu_ms(run: Callable[[], object]) -> float:
    """CPU milliseconds of one call."""
    started = time.process_time()
    run()
    return (time.process_time() - started) * 1e3


def images(size: tuple[int, int]) -> dict[str, Any]:
    """One row: means over the photographs at this size."""
    best: dict[str, list[float]] = {name: [] for name in (*WAYS, "pdqhash only", "seawall only")}
    drifts, same = [], 0
    for image in photographs():
        encoded = io.BytesIO()
        image.resize(size, Image.Resampling.BICUBIC).save(encoded, "JPEG", quality=90)
        data = encoded.getvalue()
        with Image.open(io.BytesIO(data)) as opened:
            rgb = np.ascontiguousarray(np.asarray(opened.convert("RGB")))
        runs: dict[str, Callable[[], object]] = {name: lambda way=way, d=data: way(d) for name, way in WAYS.items()}
        runs["pdqhash only"], runs["seawall only"] = lambda r=rgb: pdqhash.compute(r), lambda r=rgb: pdq(r)
        taken = {name: [cpu_ms(run)] for name, run in runs.items()}
        for _ in range(ROUNDS - 1):
            for name, run in runs.items():
                taken[name].append(cpu_ms(run))
        for name, times in taken.items():
            best[name].append(min(times))
        hashes = {name: way(data) for name, way in WAYS.items()}
        same += hashes["full"] == hashes["pdqhash"]
        drifts.append(distance(hashes["draft"], hashes["pdqhash"]))
    figures: dict[str, Any] = {f"{name}_ms": round(float(np.mean(times)), 2) for name, times in best.items()}
    figures["x_full"] = round(figures["pdqhash_ms"] / figures["full_ms"], 1)
    figures["x_draft"] = round(figures["pdqhash_ms"] / figures["draft_ms"], 1)
    figures["x_only"] = round(figures["pdqhash only_ms"] / figures["seawall only_ms"], 1)
    return figures | {"identical": f"{same}/{len(NAMES)}", "drift": f"{np.mean(drifts):.1f}, {max(drifts)}"}


def make_video(path: Path) -> None:
    """Ten seconds of a pan over the photographs."""
    import av

    canvas = np.concatenate([np.asarray(image.resize((1920, 1080))) for image in photographs()], axis=1)
    with av.open(str(path), "w") as clip:
        stream = clip.add_stream("libx264", rate=RATE)
        stream.width, stream.height = FRAME
        stream.pix_fmt = "yuv420p"
        for number in range(SECONDS * RATE):
            left, top = number * (canvas.shape[1] - FRAME[0]) // (SECONDS * RATE), number
            shown = canvas[top : top + FRAME[1], left : left + FRAME[0]]
            clip.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(shown), format="rgb24")))
        clip.mux(stream.encode(None))


def frames(path: Path) -> Iterator[Any]:
    """Every frame."""
    import av

    with av.open(str(path)) as clip:
        yield from clip.decode(video=0)


def luma_of(frame: Any) -> NDArray[np.uint8]:
    """The decoder's own Y plane, without its padding."""
    plane = frame.planes[0]
    rows = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]


def ours(path: Path) -> int:
    """Every frame hashed by its luma."""
    return sum(1 for frame in frames(path) if pdq_luma(luma_of(frame), limited_range=True))


def theirs(path: Path) -> int:
    """Every frame hashed by the pdqhash package."""
    return sum(1 for frame in frames(path) if packed(frame.to_ndarray(format="rgb24")))


def clip() -> dict[str, Any]:
    """Frames in a CPU-second, and how far luma's hashes are from those of RGB."""
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pan.mp4"
        make_video(path)
        ways: dict[str, Callable[[Path], int]] = {"seawall": ours, "PyAV + pdqhash": theirs}
        if importlib.util.find_spec("vpdq"):
            import vpdq

            ways["vpdq"] = lambda path: len(vpdq.computeHash(str(path), seconds_per_hash=0))
        else:
            print("not measured: vpdq is not installed (it builds where FFmpeg's development files are)")
        for name, way in ways.items():
            count: list[int] = []
            taken = min(cpu_ms(lambda way=way, count=count: count.append(way(path))) for _ in range(2))  # type: ignore[misc]
            figures[name] = {"frames": count[0], "per_cpu_s": round(count[0] / taken * 1e3, 1)}
        drifts = []
        for frame in frames(path):
            full = pdq(frame.to_ndarray(format="rgb24"))
            if full.quality >= PDQ_MIN_QUALITY:
                drifts.append(distance(pdq_luma(luma_of(frame), limited_range=True).hash, full.hash))
    for each in figures.values():
        each["x"] = round(figures["seawall"]["per_cpu_s"] / each["per_cpu_s"], 1)
    return figures | {"drift": f"{np.mean(drifts):.1f}, {max(drifts)}"}


def main(argv: Sequence[str] | None = None) -> None:
    """Print two tables, then one line of JSON."""
    parser = argparse.ArgumentParser(prog="./run bench hashing")
    parser.add_argument("--quick", action="store_true", help="without images of 12 megapixels")
    options = parser.parse_args(argv)
    print("images, with decoding: CPU ms                                          hash only           bits away")
    print(f"{'size':<10} {'pdqhash':>9} {'full':>8} {'x':>6} {'draft':>8} {'x':>6}", end="")
    print(f" {'pdqhash':>11} {'seawall':>8} {'x':>6}   {'full equal':<11} draft: mean, max")
    found: dict[str, Any] = {}
    for size in SIZES[: 3 if options.quick else None]:
        row = found[f"{size[0]}x{size[1]}"] = images(size)
        print(f"{size[0]}x{size[1]:<5} {row['pdqhash_ms']:>9} {row['full_ms']:>8} {row['x_full']:>6}", end="")
        print(
            f" {row['draft_ms']:>8} {row['x_draft']:>6} {row['pdqhash only_ms']:>11} {row['seawall only_ms']:>8}",
            end="",
        )
        print(f" {row['x_only']:>6}   {row['identical']:<11} {row['drift']}", flush=True)
    print(f"\nevery frame of {SECONDS} s of video, {FRAME[0]}x{FRAME[1]}, decoding included")
    seen = clip()
    for name, row in seen.items():
        if isinstance(row, dict):
            print(f"{name:<16} {row['frames']:>5} hashes {row['per_cpu_s']:>8} per CPU-second   seawall x {row['x']}")
    print(f"luma's hashes are {seen['drift']} (mean, max) bits from those of RGB")
    aims = {"decoded": AIM_DECODED, "frames": AIM_FRAMES}
    print(json.dumps({"benchmark": "hashing", "python": sys.version.split()[0], "aims": aims, **found, "video": seen}))


if __name__ == "__main__":
    main()
