"""How many faces are found and blurred in the console, and what a picture costs: `./run bench faces`.

The pictures are scikit-image's: 200 grey crops of 25 by 25 pixels (100 faces of Labeled Faces in the Wild, seen from
the front; 100 of no face), each enlarged to 64 pixels on a grey page of 128, and its photographs, of which one shows a
face. Needs the group bench. Prints a table, then one line of JSON. Recall on people seen from the side, turned, covered
or small is not measured.
"""

from __future__ import annotations

import importlib.util
import json
import time
from pathlib import Path

import numpy as np
from PIL import Image

from seawall.media.decoders.faces import faces

WITH_A_FACE = "astronaut.png"
PHOTOGRAPHS = ("brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "ihc.png", "motorcycle_left.png")


def on_a_page(crop: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Image.Image:
    page = Image.new("L", (128, 128), 128)
    page.paste(Image.fromarray((crop * 255).astype(np.uint8)).resize((64, 64), Image.Resampling.BILINEAR), (32, 32))
    return page


def main() -> None:
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SystemExit("scikit-image is not installed: it is in the group bench")
    data = Path(spec.origin).parent / "data"
    crops = [on_a_page(crop) for crop in np.load(data / "lfw_subset.npy")]
    found = [sum(bool(faces(crop)) for crop in part) for part in (crops[:100], crops[100:])]
    portrait = Image.open(data / WITH_A_FACE).convert("RGB")
    in_portrait = len(faces(portrait))
    in_others = sum(len(faces(Image.open(data / name).convert("RGB"))) for name in PHOTOGRAPHS)
    started = time.process_time()
    for _ in range(5):
        faces(portrait)
    seconds = (time.process_time() - started) / 5
    print(f"crops with a face: {found[0]} of 100 found; without: {found[1]} of 100")
    print(f"photographs: {in_portrait} in the portrait, {in_others} in {len(PHOTOGRAPHS)} others (none shows a face)")
    print(f"CPU: {seconds:.2f} s for 512 by 512 pixels")
    result = {"faces": found[0], "false": found[1], "portrait": in_portrait, "photographs": in_others}
    print(json.dumps({"bench": "faces", **result, "seconds": round(seconds, 3)}))


if __name__ == "__main__":
    main()
