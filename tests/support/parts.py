"""Fixtures that make parts and images. Import them in a conftest."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from seawall.model import Modality, Part

TextPart = Callable[..., Part]
PilImage = Callable[..., bytes]


@pytest.fixture
def text_part() -> TextPart:
    """Makes a text part."""

    def make(text: str, path: str = "body", language: str | None = None) -> Part:
        return Part(path=path, modality=Modality.TEXT, field=path, text=text, language=language)

    return make


@pytest.fixture
def image() -> PilImage:
    """Makes an encoded image with much to see in it: the same seed gives the same image."""

    def make(seed: int = 0, size: tuple[int, int] = (320, 240), form: str = "PNG") -> bytes:
        blocks = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
        encoded = io.BytesIO()
        Image.fromarray(blocks).resize(size, Image.Resampling.BICUBIC).save(encoded, form)
        return encoded.getvalue()

    return make
