"""Barcodes in images, such as QR codes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import zxingcpp

from seawall.media.decoders.open_image import as_shown, opened
from seawall.media.decoders.operation import Answer

_FORMATS: Final = zxingcpp.BarcodeFormats(
    [
        zxingcpp.BarcodeFormat.QRCode,
        zxingcpp.BarcodeFormat.MicroQRCode,
        zxingcpp.BarcodeFormat.RMQRCode,
        zxingcpp.BarcodeFormat.DataMatrix,
        zxingcpp.BarcodeFormat.Aztec,
    ]
)
_LARGEST: Final = 2_000  # pixels of the longer side; larger images are read at 1/2, 1/4 …
_MOST: Final = 50


def codes(data: bytes, options: dict[str, Any]) -> Answer:
    """Text, format and box (pixels of the image as displayed) of each code."""
    with opened(data, options) as image:
        whole = image.size
        image.draft("L", (_LARGEST // 2, _LARGEST // 2))
        shown = as_shown(image)
        scale = max(whole) / max(image.size)
    longer = max(shown.size)
    if longer > _LARGEST:
        shown = shown.reduce(-(-longer // _LARGEST))
        scale *= longer / max(shown.size)
    found = zxingcpp.read_barcodes(np.asarray(shown.convert("L")), formats=_FORMATS, text_mode=zxingcpp.TextMode.Plain)
    return [
        {"text": code.text[:5_000], "kind": str(code.format), "box": _box(code.position, scale)}
        for code in found[:_MOST]
        if code.text
    ], ()


def _box(position: zxingcpp.Position, scale: float) -> tuple[int, int, int, int]:
    corners = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    across, down = [corner.x for corner in corners], [corner.y for corner in corners]
    left, top, right, bottom = (int(side * scale) for side in (min(across), min(down), max(across), max(down)))
    return left, top, right, bottom
