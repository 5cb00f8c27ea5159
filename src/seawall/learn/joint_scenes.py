"""Synthetic images with pictograms, for training and testing the image reader.

Glyphs are drawn with an emoji font of this machine (Noto Color Emoji, OFL; Debian: ``fonts-noto-color-emoji``) on
plain, gradient, noisy or photographic backgrounds, then rotated, scaled, blurred, degraded with noise and compressed.
The font is not part of Seawall; only the reader's weights derive from it.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from seawall.detectors.joint.pictograms import TONES, Pictogram, pictograms

FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
_TONE_MARKS = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
_WIDTH, _HEIGHT = 136, 128  # of a glyph in the font's only bitmap size

Pixels = NDArray[np.uint8]


class MissingFontError(FileNotFoundError):
    """The emoji font is not installed."""


@dataclass(frozen=True, slots=True)
class PlacedPictogram:
    """A pictogram in a scene: its class, its skin tone (0: none), its box in pixels."""

    pictogram: int
    tone: int
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class PictogramScene:
    """An image and its pictograms, in reading order."""

    pixels: Pixels  # height, width, 3
    placed: tuple[PlacedPictogram, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageWear:
    """Degradation of a scene: maximum rotation (degrees), smallest glyph (share of a cell), blur, noise, JPEG."""

    turn: float = 12.0
    smallest: float = 0.6
    blur: float = 1.2  # pixels of a 256-pixel image
    noise: float = 12.0  # standard deviation, of 255
    jpeg: tuple[int, int] = (35, 95)
    busy: float = 0.35  # share of scenes with a photographic or textured background


TRAINING_PHOTOS = (
    "chelsea.png", "brick.png", "coins.png", "page.png", "retina.jpg", "grass.png", "gravel.png", "ihc.png",
    "motorcycle_left.png", "hubble_deep_field.jpg", "clock_motion.png", "cell.png", "logo.png",
)  # fmt: skip
TEST_PHOTOS = ("astronaut.png", "coffee.png", "rocket.jpg", "camera.png", "moon.png", "text.png", "horse.png")
"""Images shipped with scikit-image: those behind training scenes, and those for tests only."""


def photographs(names: Sequence[str]) -> list[Image.Image]:
    """Images shipped with scikit-image, by name. Raises ``ModuleNotFoundError`` without it."""
    folder = Path(str(importlib.import_module("skimage").__file__)).parent / "data"
    return [Image.open(folder / name).convert("RGB") for name in names]


MILD = ImageWear(turn=6.0, smallest=0.8, blur=0.5, noise=5.0, jpeg=(70, 95), busy=0.1)
PLAIN = ImageWear()
HARD = ImageWear(turn=25.0, smallest=0.4, blur=2.0, noise=25.0, jpeg=(15, 60), busy=0.7)


@cache
def _font() -> ImageFont.FreeTypeFont:
    if not FONT.is_file():
        raise MissingFontError(f"{FONT} is missing; Debian: apt-get install fonts-noto-color-emoji")
    return ImageFont.truetype(str(FONT), 109)


def with_tone(pictogram: Pictogram, tone: int) -> str:
    """The character sequence of a pictogram in a skin tone (1 light to 5 dark; 0: none)."""
    return pictogram.toned.replace(_TONE_MARKS[4], _TONE_MARKS[tone - 1]) if tone else pictogram.sequence


@cache
def glyph(number: int, tone: int = 0) -> Image.Image:
    """One pictogram as drawn by the font, cropped to its visible pixels (RGBA)."""
    image = Image.new("RGBA", (_WIDTH, _HEIGHT), (0, 0, 0, 0))
    text = with_tone(pictograms()[number], tone)
    ImageDraw.Draw(image).text((0, 0), text, font=_font(), embedded_color=True)
    return image.crop(image.getchannel("A").point(lambda alpha: 255 if alpha > 16 else 0).getbbox())


@cache
def lookup() -> dict[str, tuple[int, int]]:
    """Maps a character sequence (without variation selectors) to class and tone; tones without glyph are dropped."""
    found: dict[str, tuple[int, int]] = {}
    for number, pictogram in enumerate(pictograms()):
        found[_bare(pictogram.sequence)] = (number, 0)
        for tone in range(1, len(TONES)) if pictogram.toned else ():
            found[_bare(with_tone(pictogram, tone))] = (number, tone)
    return found


def find(sequence: str) -> tuple[int, int] | None:
    """Class and tone of an emoji, or None for one that the reader does not know."""
    bare = _bare(sequence)
    plain = "".join(char for char in bare if char not in _TONE_MARKS)
    known = lookup()
    return known.get(bare) or known.get(plain)


def _bare(sequence: str) -> str:
    return sequence.replace("\ufe0f", "")


def compose(
    wanted: Sequence[tuple[int, int]],
    generator: np.random.Generator,
    *,
    wear: ImageWear = PLAIN,
    grounds: Sequence[Image.Image] = (),
    side: int | None = None,
) -> PictogramScene:
    """An image that shows these pictograms in rows, in this order."""
    count = len(wanted)
    across = min(count, int(generator.integers(max(1, round(count**0.5)), max(2, min(6, count)) + 1))) or 1
    down = -(-count // across) or 1
    cell = (side or int(generator.integers(160, 420))) / max(across, down, 1 if count < 2 else 2)
    width, height = max(48, round(across * cell)), max(48, round(down * cell))
    if generator.random() < 0.5:  # a margin around them
        width, height = round(width * (1 + generator.random())), round(height * (1 + generator.random()))
    canvas = ground((width, height), generator, wear, grounds)
    left, top = (generator.random() * (width - across * cell), generator.random() * (height - down * cell))
    scale = generator.uniform(wear.smallest, 0.95)
    placed = []
    for index, (number, tone) in enumerate(wanted):
        row, column = divmod(index, across)
        drawn = _turned(glyph(number, tone), generator.normal(0, wear.turn / 2))
        size = cell * scale * generator.uniform(0.92, 1.05) / max(drawn.size)
        drawn = drawn.resize((max(4, round(drawn.width * size)), max(4, round(drawn.height * size))))
        spare_x, spare_y = max(0.0, cell - drawn.width), max(0.0, cell - drawn.height)
        x = round(left + column * cell + spare_x * generator.uniform(0.35, 0.65))
        y = round(top + row * cell + spare_y * generator.uniform(0.35, 0.65))
        canvas.paste(drawn, (x, y), drawn)
        placed.append(PlacedPictogram(number, tone, (x, y, x + drawn.width, y + drawn.height)))
    return PictogramScene(_worn(canvas, generator, wear), tuple(placed))


def encoded(pixels: Pixels, quality: int | None = None) -> bytes:
    """An image file: PNG, or JPEG of that quality."""
    out = io.BytesIO()
    image = Image.fromarray(pixels)
    image.save(out, "PNG") if quality is None else image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def ground(
    size: tuple[int, int], generator: np.random.Generator, wear: ImageWear, grounds: Sequence[Image.Image]
) -> Image.Image:
    """A background: a crop of a photograph, stripes, noise, a gradient, or one colour (often white)."""
    width, height = size
    if generator.random() < wear.busy:
        kind = generator.integers(0, 3)
        if kind == 0 and grounds:
            return _cut_out(grounds[int(generator.integers(0, len(grounds)))], size, generator)
        coarse = generator.integers(0, 256, (generator.integers(2, 24), generator.integers(2, 24), 3), dtype=np.uint8)
        how = Image.Resampling.BICUBIC if kind == 1 else Image.Resampling.NEAREST
        raster = Image.fromarray(coarse).resize(size, how)
        return Image.blend(raster, Image.new("RGB", size, _colour(generator)), generator.uniform(0.2, 0.8))
    if generator.random() < 0.3:
        ramp = np.linspace(0, 1, width)[None, :, None] * generator.random() + (
            np.linspace(0, 1, height)[:, None, None] * generator.random()
        )
        first, last = np.array(_colour(generator)), np.array(_colour(generator))
        return Image.fromarray(np.clip(first + (last - first) * ramp / 2, 0, 255).astype(np.uint8))
    return Image.new("RGB", size, (255, 255, 255) if generator.random() < 0.35 else _colour(generator))


def without_pictograms(generator: np.random.Generator, grounds: Sequence[Image.Image]) -> Pixels:
    """An image without pictograms: part of a photograph, plain shapes, or lines of text."""
    size = (int(generator.integers(120, 400)), int(generator.integers(120, 400)))
    kind = generator.random()
    if kind < 0.55 and grounds:
        canvas = _cut_out(grounds[int(generator.integers(0, len(grounds)))], size, generator)
        return _worn(canvas, generator, PLAIN)
    canvas = ground(size, generator, HARD if kind < 0.75 else PLAIN, grounds)
    draw = ImageDraw.Draw(canvas)
    for _ in range(int(generator.integers(1, 9))):
        x, y, w, h = (generator.random(4) * (size[0], size[1], size[0] / 2, size[1] / 2)).tolist()
        shape = generator.integers(0, 4)
        if shape == 0:
            draw.ellipse((x, y, x + w, y + h), fill=_colour(generator), outline=_colour(generator))
        elif shape == 1:
            draw.rectangle((x, y, x + w, y + h), fill=_colour(generator), outline=_colour(generator))
        elif shape == 2:
            draw.line((x, y, x + w, y + h), fill=_colour(generator), width=int(generator.integers(1, 12)))
        else:
            letters = "".join(chr(code) for code in generator.integers(33, 123, generator.integers(2, 16)))
            draw.text((x, y), letters, fill=_colour(generator), font=ImageFont.load_default(float(8 + h / 4)))
    return _worn(canvas, generator, PLAIN)


def _cut_out(photograph: Image.Image, size: tuple[int, int], generator: np.random.Generator) -> Image.Image:
    share = generator.uniform(0.25, 1.0)
    w, h = max(8, round(photograph.width * share)), max(8, round(photograph.height * share))
    x, y = generator.integers(0, photograph.width - w + 1), generator.integers(0, photograph.height - h + 1)
    part = photograph.crop((int(x), int(y), int(x) + w, int(y) + h)).resize(size)
    if generator.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    tint = generator.uniform(0.7, 1.3, 3)
    return Image.fromarray(np.clip(np.asarray(part) * tint, 0, 255).astype(np.uint8))


def _colour(generator: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = generator.integers(0, 256, 3).tolist()
    return red, green, blue


def _turned(drawn: Image.Image, degrees: float) -> Image.Image:
    if abs(degrees) < 1:
        return drawn
    turned = drawn.rotate(degrees, resample=Image.Resampling.BICUBIC, expand=True)
    return turned.crop(turned.getchannel("A").getbbox())


def _worn(canvas: Image.Image, generator: np.random.Generator, wear: ImageWear) -> Pixels:
    """Blur, add noise and compress."""
    if generator.random() < 0.5:
        canvas = canvas.filter(ImageFilter.GaussianBlur(generator.random() * wear.blur * max(canvas.size) / 256))
    pixels = np.asarray(canvas.convert("RGB"))
    if generator.random() < 0.5:
        noise = generator.normal(0, generator.random() * wear.noise, pixels.shape)
        pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    if generator.random() < 0.6:
        quality = int(generator.integers(wear.jpeg[0], wear.jpeg[1] + 1))
        with Image.open(io.BytesIO(encoded(pixels, quality))) as image:
            pixels = np.asarray(image.convert("RGB"))
    return pixels
