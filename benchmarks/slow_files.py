"""Usual images beside hostile ones: how long they wait, and whether anything about them stays unknown.

    ./run bench slow_files

Somebody submits the slowest files that are not refused (animations of many large frames, JPEGs of many scans): four at
first, then one every two seconds. Meanwhile usual images are screened one after the other, with a deadline of one
second as a first look has.
"""

from __future__ import annotations

import io
import statistics
import threading
import time

import numpy as np
from PIL import Image

from seawall.detect import Runner
from seawall.detectors.image import ImageDetector
from seawall.media import default_extractors
from seawall.model import Modality, Part

USUAL, DEADLINE_MS = 60, 1_000
FIRST, EVERY_S = 4, 2.0  # hostile files
EXTRACT = {"picture": ("animation", "codes")}


def main() -> None:
    """Measure and print."""
    usual = [encoded(texture(number, (1_280, 960)), "JPEG") for number in range(USUAL)]
    hostile = [animation(), scanned()]
    extractors = [each for each in default_extractors() if each.spec.name in EXTRACT["picture"]]
    with Runner([ImageDetector()], extractors) as runner:
        look(runner, usual[0], None)
        report("quiet", runner, usual)
        over = threading.Event()
        attacker = threading.Thread(target=attack, args=(runner, hostile, over))
        attacker.start()
        time.sleep(1)
        report("beside hostile files", runner, usual)
        over.set()
        attacker.join()
    for extractor in extractors:
        extractor.close()


def report(label: str, runner: Runner, images: list[bytes]) -> None:
    """Print seconds and unknown answers of images screened one after the other."""
    seconds, unknown = [], 0
    for data in images:
        began = time.perf_counter()
        unknown += look(runner, data, DEADLINE_MS)
        seconds.append(time.perf_counter() - began)
    p50, p90 = statistics.median(seconds), statistics.quantiles(seconds, n=10)[-1]
    print(f"{label:32} p50 {p50 * 1000:6.0f} ms   p90 {p90 * 1000:6.0f} ms   unknown in {unknown} of {len(images)}")


def look(runner: Runner, data: bytes, deadline_ms: float | None) -> bool:
    """Screen one image; whether anything about it stayed unknown."""
    part = Part(path="picture", modality=Modality.IMAGE, field="picture", data=data)
    return bool(runner.start([part], {"image"}, deadline_ms, extract=EXTRACT).wait().unknown)


def attack(runner: Runner, files: list[bytes], over: threading.Event) -> None:
    """Submit files until it is over; each is another file."""
    number = 0
    while not over.wait(0 if number < FIRST else EVERY_S):
        data = files[number % len(files)] + number.to_bytes(8, "big")
        part = Part(path="picture", modality=Modality.IMAGE, field="picture", data=data)
        runner.start([part], {"image"}, DEADLINE_MS, extract=EXTRACT)
        number += 1


def texture(seed: int, size: tuple[int, int]) -> Image.Image:
    """A picture of its own for each seed."""
    blocks = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC)


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    """The image as a file."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def animation() -> bytes:
    """A GIF of 196 megapixels in all its frames."""
    frames = [texture(number, (8, 8)).resize((2_000, 2_000), Image.Resampling.NEAREST) for number in range(49)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=20)


def scanned() -> bytes:
    """A progressive JPEG of 70 scans."""
    data = encoded(Image.new("RGB", (3_700, 3_700), (200, 100, 50)), "JPEG", progressive=True, quality=20)
    scan = data[data.rindex(b"\xff\xc4", 0, data.rindex(b"\xff\xda")) : -2]
    return data[:-2] + scan * 60 + b"\xff\xd9"


if __name__ == "__main__":
    main()
