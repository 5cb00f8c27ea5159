"""Training of the image reader: one small network finds pictograms in an image, another classifies them.

    python -m seawall.learn.joint_reader OUT     # needs torch, onnx, onnxscript, scikit-image and the emoji font

The finder (stride 4, after CenterNet: Zhou et al. 2019) predicts for each cell of a scaled-down image the probability
that a pictogram's centre is in it, the offset, and the size. The namer reads one crop and predicts a probability for
each pictogram and for "none", and one for each skin tone. Both are trained on synthetic scenes only.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from seawall.detectors.joint.pictograms import TONES, pictograms
from seawall.learn.joint_scenes import (
    PLAIN,
    TRAINING_PHOTOS,
    ImageWear,
    compose,
    glyph,
    photographs,
    without_pictograms,
)

FINDER_SIDE, STRIDE = 160, 4  # pixels of the finder's input, and of one cell
NAMER_SIDE = 48
AROUND = 1.15  # a crop's side relative to the pictogram's longer side


def _block(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(inplace=True)
    )


class PictogramFinder(nn.Module):  # type: ignore[misc]
    """(B, 3, S, S) in 0 to 1 → (B, 5, S/4, S/4): logit of a centre, its offset, log width and log height in cells."""

    def __init__(self) -> None:
        super().__init__()
        self.first = _block(3, 16, 2)
        self.quarter = _block(16, 32, 2)
        self.eighth = nn.Sequential(_block(32, 64, 2), _block(64, 64))
        self.sixteenth = nn.Sequential(_block(64, 96, 2), _block(96, 96))
        self.up_eighth = nn.Conv2d(96, 64, 1)
        self.mix_eighth = _block(64, 64)
        self.up_quarter = nn.Conv2d(64, 32, 1)
        self.mix_quarter = _block(32, 32)
        self.out = nn.Conv2d(32, 5, 1)
        nn.init.constant_(self.out.bias[:1], -4.0)

    def forward(self, images: Tensor) -> Tensor:
        quarter = self.quarter(self.first(images * 2 - 1))
        eighth = self.eighth(quarter)
        deep = functional.interpolate(self.up_eighth(self.sixteenth(eighth)), scale_factor=2.0, mode="nearest")
        deep = self.mix_eighth(eighth + deep)
        deep = functional.interpolate(self.up_quarter(deep), scale_factor=2.0, mode="nearest")
        found: Tensor = self.out(self.mix_quarter(quarter + deep))
        return found


class PictogramClassifier(nn.Module):  # type: ignore[misc]
    """(B, 3, 48, 48) in 0 to 1 → logits of pictograms, the last of them "none" (B, N + 1), and of tones (B, 6)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _block(3, 32, 2),
            _block(32, 64, 2),
            _block(64, 96),
            nn.MaxPool2d(2),
            _block(96, 128),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(1152, 160),
            nn.BatchNorm1d(160),
            nn.ReLU(inplace=True),
        )
        self.name = nn.Linear(160, classes + 1)
        self.tone = nn.Linear(160, len(TONES))

    def forward(self, cuts: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.body(cuts * 2 - 1)
        return self.name(seen), self.tone(seen)


# ── training data of the namer: glyphs rotated, scaled and degraded per batch ──


def atlas() -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Every glyph in every tone as 64 by 64 RGBA, centred; its class; its tone."""
    drawn, classes, tones = [], [], []
    for number, pictogram in enumerate(pictograms()):
        for tone in range(len(TONES) if pictogram.toned else 1):
            image = glyph(number, tone)
            share = 64 / AROUND / max(image.size)
            image = image.resize((max(2, round(image.width * share)), max(2, round(image.height * share))))
            square = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
            square.paste(image, ((64 - image.width) // 2, (64 - image.height) // 2))
            drawn.append(np.asarray(square))
            classes.append(number)
            tones.append(tone)
    return np.stack(drawn), np.array(classes), np.array(tones)


def patches(count: int, generator: np.random.Generator, photos: Sequence[Image.Image]) -> NDArray[np.uint8]:
    """Crops of images without pictograms, 48 by 48."""
    cuts: list[NDArray[np.uint8]] = []
    while len(cuts) < count:
        raster = Image.fromarray(without_pictograms(generator, photos))
        for _ in range(16):
            side = int(generator.integers(24, min(raster.size) + 1))
            x = int(generator.integers(0, raster.width - side + 1))
            y = int(generator.integers(0, raster.height - side + 1))
            cuts.append(np.asarray(raster.crop((x, y, x + side, y + side)).resize((NAMER_SIDE, NAMER_SIDE))))
    return np.stack(cuts[:count])


def cut_outs(glyphs: Tensor, backs: Tensor, none: Tensor) -> Tensor:
    """Glyphs (B, 4, 64, 64; alpha-premultiplied, 0 to 1) on backgrounds, degraded; those of ``none`` are moved away."""
    size = len(glyphs)
    angle = torch.randn(size) * torch.where(torch.rand(size) < 0.2, 0.35, 0.12)
    zoom = torch.empty(size, 2).uniform_(0.82, 1.22) * torch.empty(size, 1).uniform_(0.94, 1.06)
    shift = torch.randn(size, 2) * 0.07
    away = torch.sign(torch.randn(size, 2)) * torch.empty(size, 2).uniform_(0.8, 1.8)
    shift = torch.where(none[:, None], away, shift)
    cos, sin = torch.cos(angle), torch.sin(angle)
    matrix = torch.stack(
        (torch.stack((cos * zoom[:, 0], -sin * zoom[:, 1], shift[:, 0]), 1),
         torch.stack((sin * zoom[:, 0], cos * zoom[:, 1], shift[:, 1]), 1)), 1,
    )  # fmt: skip
    grid = functional.affine_grid(matrix, [size, 4, NAMER_SIDE, NAMER_SIDE], align_corners=False)
    drawn = functional.grid_sample(glyphs, grid, align_corners=False)
    plain = torch.rand(size, 3, 1, 1).expand(-1, -1, NAMER_SIDE, NAMER_SIDE)
    plain = torch.where(torch.rand(size, 1, 1, 1) < 0.4, torch.ones(1), plain)
    behind = torch.where(torch.rand(size, 1, 1, 1) < 0.4, backs, plain)
    raster = drawn[:, :3] + behind * (1 - drawn[:, 3:])
    small = int(torch.randint(12, 64, ()).item())  # one scale for the whole batch
    if small < NAMER_SIDE:
        raster = functional.interpolate(raster, size=small, mode="area")
        raster = functional.interpolate(raster, size=NAMER_SIDE, mode="bilinear", align_corners=False)
    raster = (raster - 0.5) * torch.empty(size, 1, 1, 1).uniform_(0.75, 1.2) + 0.5
    raster = raster + torch.randn(size, 1, 1, 1) * 0.06 + torch.randn_like(raster) * torch.rand(size, 1, 1, 1) * 0.08
    return raster.clamp(0, 1)


def train_classifier(
    steps: int, seed: int, photos: Sequence[Image.Image], *, batch: int = 128, rate: float = 3e-3
) -> PictogramClassifier:
    """The namer after that many training steps."""
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    drawn, classes, tones = atlas()
    glyphs = torch.from_numpy(drawn)
    backs = torch.from_numpy(patches(2400, generator, photos)).permute(0, 3, 1, 2)
    pools = [np.flatnonzero(classes == number) for number in range(len(pictograms()))]
    model: PictogramClassifier = PictogramClassifier(len(pictograms())).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.1)
    started = time.monotonic()
    for step in range(steps):
        wanted = generator.integers(0, len(pools), batch)
        pick = torch.tensor([generator.choice(pools[number]) for number in wanted])
        none = torch.rand(batch) < 0.08
        back = backs[torch.randint(0, len(backs), (batch,))].float() / 255
        colours = glyphs[pick].permute(0, 3, 1, 2).float() / 255
        colours = torch.cat((colours[:, :3] * colours[:, 3:], colours[:, 3:]), 1)
        seen = cut_outs(colours, back, none).contiguous(memory_format=torch.channels_last)
        label = torch.where(none, len(pools), torch.from_numpy(classes)[pick])
        tone = torch.where(none, -100, torch.from_numpy(tones)[pick])
        names, shades = model(seen)
        loss = functional.cross_entropy(names, label, label_smoothing=0.05)
        loss = loss + 0.3 * functional.cross_entropy(shades, tone, ignore_index=-100)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % 100 == 99:
            right = (names.argmax(1) == label).float().mean()
            print(f"namer {step + 1}/{steps}: loss {loss.item():.3f}, right {right:.3f}, "
                  f"{(step + 1) * batch / (time.monotonic() - started):.0f} crops/s", flush=True)  # fmt: skip
    model.eval()
    return model


# ── training data of the finder: whole scenes ──


def finder_scenes(
    count: int, generator: np.random.Generator, photos: Sequence[Image.Image], wears: Sequence[ImageWear] = (PLAIN,)
) -> tuple[NDArray[np.uint8], list[list[tuple[float, float, float, float]]]]:
    """Scenes as the finder's input, and the boxes in them."""
    images: list[NDArray[np.uint8]] = []
    boxes: list[list[tuple[float, float, float, float]]] = []
    for _ in range(count):
        if generator.random() < 0.2:
            raster, placed = letterboxed(without_pictograms(generator, photos))
            boxes.append([])
        else:
            many = int(min(12, generator.geometric(0.35)))
            wanted = [(int(generator.integers(0, len(pictograms()))), 0) for _ in range(many)]
            wanted = [(n, int(generator.integers(0, 6)) if pictograms()[n].toned else 0) for n, _ in wanted]
            wear = wears[int(generator.integers(0, len(wears)))]
            scene = compose(wanted, generator, wear=wear, grounds=photos, side=int(generator.integers(96, 240)))
            raster, placed = letterboxed(scene.pixels)
            boxes.append([_times(one.box, placed) for one in scene.placed])
        images.append(raster)
    return np.stack(images), boxes


def _times(box: tuple[float, float, float, float], scale: float) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box
    return x0 * scale, y0 * scale, x1 * scale, y1 * scale


def letterboxed(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """An image scaled into the finder's square (with grey padding), and the scale."""
    image = Image.fromarray(pixels)
    scale = FINDER_SIDE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    square = Image.new("RGB", (FINDER_SIDE, FINDER_SIDE), (128, 128, 128))
    square.paste(image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0), (0, 0))
    return np.asarray(square), scale


def finder_targets(boxes: Sequence[Sequence[tuple[float, float, float, float]]]) -> Tensor:
    """(B, 6, C, C): a peak at each centre, its offset, its log size, and a mask of cells where the last four count."""
    cells = FINDER_SIDE // STRIDE
    target = np.zeros((len(boxes), 6, cells, cells), dtype=np.float32)
    rows, columns = np.mgrid[:cells, :cells]
    for number, scene in enumerate(boxes):
        for x0, y0, x1, y1 in scene:
            cx, cy = (x0 + x1) / 2 / STRIDE, (y0 + y1) / 2 / STRIDE
            width, height = max(x1 - x0, 1) / STRIDE, max(y1 - y0, 1) / STRIDE
            column, row = min(int(cx), cells - 1), min(int(cy), cells - 1)
            spread = max(0.6, max(width, height) / 9)
            bump = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * spread**2))
            target[number, 0] = np.maximum(target[number, 0], bump)
            target[number, 1:, row, column] = (cx - column, cy - row, np.log(width), np.log(height), 1)
    return torch.from_numpy(target)


def finder_loss(found: Tensor, target: Tensor) -> Tensor:
    """Focal loss on centres (Lin et al. 2017, with soft targets), absolute error on offsets and sizes."""
    chance = torch.sigmoid(found[:, 0]).clamp(1e-5, 1 - 1e-5)
    middle = target[:, 5] > 0
    hit = -torch.log(chance) * (1 - chance) ** 2
    miss = -torch.log(1 - chance) * chance**2 * (1 - target[:, 0]) ** 4
    count = middle.sum().clamp(min=1)
    focal = torch.where(middle, hit, miss).sum() / count
    off = (found[:, 1:] - target[:, 1:5]).abs().sum(1)
    return focal + (off * middle).sum() / count


def train_finder(
    scenes: int, epochs: int, seed: int, photos: Sequence[Image.Image], *, batch: int = 32, rate: float = 2e-3
) -> PictogramFinder:
    """The finder, after so many epochs over so many scenes."""
    torch.manual_seed(seed)
    generator = np.random.default_rng(seed)
    images, boxes = finder_scenes(scenes, generator, photos)
    print(f"finder: {len(images)} scenes made", flush=True)
    model: PictogramFinder = PictogramFinder().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), rate, weight_decay=0.02)
    steps = epochs * (scenes // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.1)
    started, step = time.monotonic(), 0
    for _ in range(epochs):
        order = generator.permutation(scenes)
        for first in range(0, scenes - batch + 1, batch):
            chosen = order[first : first + batch]
            seen = torch.from_numpy(images[chosen]).permute(0, 3, 1, 2).float() / 255
            target = finder_targets([boxes[number] for number in chosen])
            if generator.random() < 0.5:  # inverted colours do not change positions
                seen = seen[:, torch.randperm(3)]
            loss = finder_loss(model(seen.contiguous(memory_format=torch.channels_last)), target)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            step += 1
            if step % 50 == 0:
                print(f"finder {step}/{steps}: loss {loss.item():.3f}, "
                      f"{step * batch / (time.monotonic() - started):.0f} scenes/s", flush=True)  # fmt: skip
    model.eval()
    return model


def export(model: nn.Module, example: Tensor, path: Path, inputs: list[str], outputs: list[str]) -> None:
    """Write a network as ONNX with 16-bit weights and any batch size."""
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx: Any = importlib.import_module("onnx")
    program: Any = torch.onnx.export(
        model, (example,), input_names=inputs, output_names=outputs,
        dynamic_shapes=({0: torch.export.Dim("pictures", min=1, max=256)},), dynamo=True, verbose=False,
    )  # fmt: skip
    program.optimize()
    proto = program.model_proto
    graph = proto.graph
    for tensor in list(graph.initializer):
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < 64:
            continue
        short = onnx.numpy_helper.from_array(values.astype(np.float16), tensor.name + "_16")
        graph.initializer.remove(tensor)
        graph.initializer.append(short)
        graph.node.insert(0, onnx.helper.make_node("Cast", [short.name], [tensor.name], to=onnx.TensorProto.FLOAT))
    del graph.value_info[:]
    for node in graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.checker.check_model(proto)
    path.write_bytes(proto.SerializeToString())


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the requested networks and write ``finder.onnx`` and ``namer.onnx``."""
    parser = argparse.ArgumentParser(prog="joint_reader", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", choices=("finder", "namer"))
    parser.add_argument("--steps", type=int, default=4000, help="of the namer, 128 crops each")
    parser.add_argument("--scenes", type=int, default=8000, help="for the finder")
    parser.add_argument("--epochs", type=int, default=4, help="of the finder")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)  # sums in one order, whatever the number of cores
    photos = photographs(TRAINING_PHOTOS)
    if options.only != "finder":
        namer = train_classifier(options.steps, options.seed, photos)
        export(
            namer, torch.zeros(2, 3, NAMER_SIDE, NAMER_SIDE), options.out / "namer.onnx", ["cuts"], ["names", "tones"]
        )
    if options.only != "namer":
        finder = train_finder(options.scenes, options.epochs, options.seed, photos)
        export(
            finder, torch.zeros(2, 3, FINDER_SIDE, FINDER_SIDE), options.out / "finder.onnx", ["pictures"], ["found"]
        )


if __name__ == "__main__":
    main()
