"""The size at which words in an image are read: one for both readers, so that they see the same lines."""

from __future__ import annotations

from typing import Final

from PIL import Image

SMALL: Final = 640  # pixels: smaller images are enlarged
SHORTER, LONGER = 1_280, 2_000  # pixels: larger images are reduced, longer ones read in pieces
MOST_PIECES: Final = 12


def at_reading_size(image: Image.Image) -> Image.Image:
    """Scale small images up, large ones down, and long ones (screenshots of chats) as little as possible."""
    shorter, longer = sorted(image.size)
    factor = min(4.0, SMALL / longer) if longer < SMALL else min(1.0, SHORTER / shorter)
    factor = min(factor, LONGER * MOST_PIECES / longer)
    if factor == 1:
        return image
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.BICUBIC if factor > 1 else Image.Resampling.BOX)
