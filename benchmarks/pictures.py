"""How often harmless pictures get a sexual-image score, and what a picture costs: `./run bench pictures [FOLDER]`.

The pictures are those that scikit-learn and scikit-image ship (photographs, a portrait, microscopy, a retina, pages),
and emoji of people in every skin tone, drawn at 256 pixels. ``FOLDER`` adds harmless pictures of your own (JPEG, PNG,
GIF, WebP), one group for each folder in it. Needs the extra pictures and the group bench. Prints a table, then one
line of JSON. Recall is not measured: no sexual picture is kept here.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from seawall.detectors.joint.pictograms import pictograms
from seawall.detectors.sexual_image import SexualImageDetector
from seawall.learn.joint_scenes import glyph
from seawall.media import Media
from seawall.model import Modality, Part, Unknown

THRESHOLDS: Final = (0.2, 0.5, 0.8)
MEDICAL: Final = frozenset({"cell.png", "ihc.png", "microaneurysms.png", "retina.jpg", "phantom.png"})
TONES: Final = ("no tone", "light", "medium-light", "medium", "medium-dark", "dark")
MOST_EMOJI: Final = 60  # of each tone
ROUNDS: Final = 30  # of each size, for the cost
FORMS: Final = frozenset({".jpg", ".jpeg", ".png", ".gif", ".webp"})


def shipped() -> Iterator[tuple[str, bytes]]:
    """Pictures inside packages, each with its group."""
    for package, folder in (("sklearn", "datasets/images"), ("skimage", "data")):
        spec = importlib.util.find_spec(package)
        if spec is None or spec.origin is None:
            continue
        for path in sorted((Path(spec.origin).parent / folder).iterdir()):
            if path.suffix in FORMS:
                yield "medical" if path.name in MEDICAL else "other shipped", path.read_bytes()


def faces() -> Iterator[tuple[str, bytes]]:
    """Grey crops of 25 by 25 pixels that scikit-image ships: 100 faces (Labeled Faces in the Wild), 100 of no face."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        return
    for number, crop in enumerate(np.load(Path(spec.origin).parent / "data" / "lfw_subset.npy")):
        pixels = Image.fromarray((crop * 255).astype(np.uint8)).resize((256, 256))
        yield "small faces" if number < 100 else "small crops without a face", encoded(pixels)


def people() -> Iterator[tuple[str, bytes]]:
    """Emoji of people, the same ones in each skin tone, on white."""
    toned = [number for number, one in enumerate(pictograms()) if one.toned][:MOST_EMOJI]
    for tone, name in enumerate(TONES):
        for number in toned:
            drawn = glyph(number, tone).resize((256, 256))
            page = Image.new("RGB", drawn.size, "white")
            page.paste(drawn, mask=drawn.getchannel("A"))
            yield f"emoji, {name}", encoded(page)


def own(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Pictures in the folders of a folder."""
    for path in sorted(folder.glob("*/*")):
        if path.suffix.lower() in FORMS:
            yield path.parent.name, path.read_bytes()


def encoded(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def figures(scores: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """By group: how many, the highest score, and how many reach each threshold."""
    return {
        group: {
            "pictures": len(found),
            "highest": round(max(found), 4),
            **{f"at_{threshold:g}": sum(score >= threshold for score in found) for threshold in THRESHOLDS},
        }
        for group, found in scores.items()
    }


def cpu_seconds(media: Media) -> float:
    """Processor seconds of this process and of the decoding processes so far."""
    ticks = 0
    for pid in media.pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def costs(detector: SexualImageDetector, media: Media, data: bytes) -> dict[str, float]:
    """Processor milliseconds for a JPEG of three sizes (the first shipped picture, scaled): decoding and network."""
    spent = {}
    for width, height in ((640, 480), (1_600, 1_200), (4_000, 3_000)):
        out = io.BytesIO()
        Image.open(io.BytesIO(data)).convert("RGB").resize((width, height)).save(out, "JPEG", quality=90)
        started = cpu_seconds(media)
        for _ in range(ROUNDS):
            detector.detect([picture(out.getvalue())])
        spent[f"{width}x{height}"] = round(1_000 * (cpu_seconds(media) - started) / ROUNDS, 1)
    return spent


def picture(data: bytes) -> Part:
    return Part(path="image", modality=Modality.IMAGE, field="image", data=data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    arguments = parser.parse_args()
    media = Media()
    detector = SexualImageDetector(media)
    if detector.fault:
        raise SystemExit(f"sexual-image: {detector.fault}")
    pictures = [*shipped(), *faces(), *people(), *(own(arguments.folder) if arguments.folder else ())]
    detector.detect([picture(pictures[0][1])])  # loads the network
    scores: dict[str, list[float]] = {}
    unread = 0
    for group, data in pictures:
        [answer] = detector.detect([picture(data)])
        if isinstance(answer, Unknown):
            unread += 1
        else:
            scores.setdefault(group, []).append(max(one.value for one in answer))
    cost = costs(detector, media, pictures[0][1])
    media.close()
    found = figures(scores)
    print(f"{'group':<28}{'pictures':>9}{'highest':>9}" + "".join(f"{f'≥ {each:g}':>8}" for each in THRESHOLDS))
    for group, row in found.items():
        reached = "".join(f"{row[f'at_{each:g}']:>8}" for each in THRESHOLDS)
        print(f"{group:<28}{row['pictures']:>9}{row['highest']:>9.4f}{reached}")
    print(f"CPU ms a picture, decoding included: {cost}; {unread} unread; recall: not measured")
    print(json.dumps({"bench": "pictures", "groups": found, "cpu_ms": cost, "unread": unread}))


if __name__ == "__main__":
    main()
