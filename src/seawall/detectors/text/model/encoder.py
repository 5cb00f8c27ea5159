"""The encoder: a small transformer in an ONNX file, run by onnxruntime on one thread.

The file is self-contained: 8-bit weights (the multilingual one's table of pieces has 4), the vocabulary and the names
of its heads in its metadata. It is made by ``seawall.learn.encoder``. Each text runs alone: activations are rounded to
8 bits by their largest value, so texts in one run would change each other's results, and on a CPU batching gains
little.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seawall.detectors.text.model.artefact import ArtefactError
from seawall.detectors.text.model.unigram import Unigram
from seawall.detectors.text.model.wordpiece import WordPiece

LONGEST_PIECES = 126  # per window, without start and end marks
OVERLAP_PIECES = 30
_REMEMBERED = 64  # windows whose output is kept

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """The encoder's output for windows of text: windows × heads log-odds, windows × hidden embedding (length 1)."""

    odds: Floats
    general: Floats


def _pieces(notes: Mapping[str, str]) -> WordPiece | Unigram:
    """What cuts texts for an encoder, by the vocabulary in its file."""
    if "pieces" in notes:
        return Unigram(notes["pieces"].split("\n"), json.loads(notes["scores"]))
    return WordPiece(notes["vocabulary"].split("\n"))


class OnnxEncoder:
    """An encoder, read and checked on construction. Thread-safe.

    Raises ``ArtefactError`` when the file is missing, is not the one in the card (``sha256``), or does not run.
    """

    def __init__(self, path: Path, sha256: str | None = None) -> None:
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise ArtefactError(f"the text model's encoder is missing: {error}; restore it, or train again") from error
        if sha256 is not None and hashlib.sha256(raw).hexdigest() != sha256:
            raise ArtefactError(f"{path} is not the file that the model's card describes: restore it, or train again")
        runtime = importlib.import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            self._session: Any = runtime.InferenceSession(raw, options, providers=["CPUExecutionProvider"])
            notes = self._session.get_modelmeta().custom_metadata_map
            self.heads: tuple[str, ...] = tuple(json.loads(notes["heads"]))
            self.notes: dict[str, object] = json.loads(notes.get("about", "{}"))  # how it was made, for the card
            self._pieces = _pieces(notes)
        except Exception as error:  # onnxruntime's errors have no common class
            raise ArtefactError(f"{path} is not an encoder that onnxruntime can run: {error}") from error
        self.hidden = int(self._session.get_outputs()[1].shape[1])
        self._of_window = lru_cache(_REMEMBERED)(self._read)  # detectors of one request read the same texts

    def cut(self, sentence: str, longest: int = LONGEST_PIECES, overlap: int = OVERLAP_PIECES) -> list[list[int]]:
        """The pieces of a sentence (see ``wording``) in windows of at most ``longest``; one window if it is empty."""
        pieces = self._pieces.cut(sentence)
        if len(pieces) <= longest:
            return [pieces]
        starts = [*range(0, len(pieces) - longest, longest - overlap), len(pieces) - longest]
        return [pieces[start : start + longest] for start in starts]

    def run(self, windows: Sequence[Sequence[int]]) -> Encoded:
        """Every window, in order."""
        odds = np.zeros((len(windows), len(self.heads)), dtype=np.float32)
        general = np.zeros((len(windows), self.hidden), dtype=np.float32)
        for row, window in enumerate(windows):  # one by one: activations are rounded per call
            odds[row], general[row] = self._of_window(tuple(window))
        return Encoded(odds, general)

    def _read(self, window: tuple[int, ...]) -> tuple[Floats, Floats]:
        numbers = np.array([(self._pieces.first, *window, self._pieces.last)], dtype=np.int64)
        odds, general = self._session.run(("heads", "general"), {"pieces": numbers})
        return odds[0], general[0]
