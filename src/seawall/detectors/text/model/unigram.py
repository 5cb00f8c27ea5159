"""Unigram pieces (Kudo 2018) of the multilingual encoder: the likeliest cut of a text, by sentencepiece.

>>> pieces = Unigram(["<s>", "<pad>", "</s>", "<unk>", "▁sea", "wall", "!"], [0, 0, 0, 0, -2, -3, -1])
>>> pieces.cut("sea wall!")
[4, 3, 5, 6]
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

import sentencepiece

FIRST, PADDING, LAST, UNKNOWN = "<s>", "<pad>", "</s>", "<unk>"
_NORMAL, _UNKNOWN, _CONTROL = 1, 2, 3
_UNIGRAM: Final = 1


class Unigram:
    """Pieces in the order of their numbers, with their log-probabilities. Thread-safe."""

    def __init__(self, pieces: Sequence[str], scores: Sequence[float]) -> None:
        self.first, self.padding = pieces.index(FIRST), pieces.index(PADDING)
        self.last, self.unknown = pieces.index(LAST), pieces.index(UNKNOWN)
        self._processor = sentencepiece.SentencePieceProcessor()
        self._processor.LoadFromSerializedProto(_model(pieces, scores, self))

    def cut(self, text: str) -> list[int]:
        """The numbers of a text's pieces, without start and end marks."""
        readable = text.encode("utf-8", "replace").decode()  # sentencepiece takes no lone surrogates
        found: list[int] = self._processor.EncodeAsIds(readable)
        return found


def _model(pieces: Sequence[str], scores: Sequence[float], marks: Unigram) -> bytes:
    """sentencepiece's ``ModelProto`` for pieces whose texts are normalised before (field numbers as in its .proto)."""
    kinds = {FIRST: _CONTROL, PADDING: _CONTROL, LAST: _CONTROL, UNKNOWN: _UNKNOWN}
    listed = b"".join(
        _bytes(1, _bytes(1, piece.encode()) + _float(2, score) + _number(3, kinds.get(piece, _NORMAL)))
        for piece, score in zip(pieces, scores, strict=True)
    )
    numbers = {40: marks.unknown, 41: marks.first, 42: marks.last, 43: marks.padding}
    trainer = _number(3, _UNIGRAM) + b"".join(_number(field, value) for field, value in numbers.items())
    prefix_and_blanks = b"".join(_number(field, 1) for field in (3, 4, 5))
    return listed + _bytes(2, trainer) + _bytes(3, _bytes(1, b"identity") + prefix_and_blanks)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", value)
