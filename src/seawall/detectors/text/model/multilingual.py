"""Harms in languages other than English: the multilingual encoder, and a detector for each harm.

One encoder reads all languages. What its log-odds are worth differs from language to language, so each harm has a curve
and tables for every language in which it was measured, and is *unknown* (``language``) in all others. English is left
to the English model. The weights and ``card.json``, which says what they were made from and how they did, are in
``data/multilingual``; ``seawall.learn.encoder.multilingual`` and ``seawall.learn.languages`` make them.

    >>> from seawall.model import Modality, Part
    >>> [hate, harassment, sexism] = language_detectors(MultilingualModel())
    >>> text = "Danke für das schöne Konzert gestern"
    >>> [answer] = hate.detect([Part(path="body", modality=Modality.TEXT, field="body", text=text, language="de")])
    >>> answer[0].value < 0.5
    True
"""

from __future__ import annotations

import json
import re
import threading
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from seawall.detectors.text.model.artefact import CARD, ENCODER, ArtefactError
from seawall.detectors.text.model.classifier import DESCRIPTIONS, MAX_CHARACTERS, shipped
from seawall.detectors.text.model.encoder import OnnxEncoder
from seawall.detectors.text.model.encoder_input import multilingual_text
from seawall.measure.calibrate import Platt
from seawall.model import (
    CalibrationPoint,
    CalibrationTable,
    Cost,
    DetectorResult,
    DetectorSpec,
    Modality,
    OperatingPoint,
    Part,
    Signal,
    SignalKind,
    SignalSpec,
    Span,
    SpanUnit,
    Unknown,
    UnknownReason,
)

FOLDER: Final = "multilingual"
LONGEST, OVERLAP = 60, 20
"""Pieces of a window, as long as the texts of training: an insult among other words is lost in a longer one."""
MOST_WINDOWS: Final = 400
"""Windows of a text that are read, sentences among them: some 2,500 words. A longer one is *unknown*."""
EVIDENCE_FLOOR: Final = 0.3  # no evidence is looked for below this probability
_LEAST: Final = 12  # pieces of a sentence that is read by itself
_SENTENCE: Final = re.compile(r"[^.!?。！？؟।\n]+[.!?。！？؟।\n]*")

_SPACELESS: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORDS: Final = re.compile(rf"[{_SPACELESS}]|[^\s{_SPACELESS}]+")
_RUN: Final = 4  # words of a span
_RUN_OF_CHARACTERS: Final = 8  # in a script without spaces
_CHUNKS: Final = 4

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LanguageHead:
    """One harm: by language, the curve from log-odds to a probability; and what the calibration texts show."""

    name: str
    curves: Mapping[str, Platt]
    operating_points: tuple[OperatingPoint, ...]
    calibration: tuple[CalibrationTable, ...]


@dataclass(frozen=True, slots=True)
class LanguageArtefact:
    """The content of a ``card.json``. ``encoder``: digest of the encoder's file."""

    version: str
    encoder: str
    heads: tuple[LanguageHead, ...]
    card: Mapping[str, Any]


def read_artefact(folder: Path) -> LanguageArtefact:
    """The card of a model. Raises ``ArtefactError`` when it is missing or broken."""
    path = folder / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        heads = tuple(_head(name, card["heads"][name]) for name in card["heads"])
        return LanguageArtefact(card["version"], card["encoder"], heads, card)
    except OSError as error:
        raise ArtefactError(f"the multilingual text model is missing: {error}; restore it, or make it again") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtefactError(f"{path} is broken: {error!r}; restore it, or make it again") from error


def _head(name: str, noted: Mapping[str, Any]) -> LanguageHead:
    curves = {language: Platt(*map(float, curve)) for language, curve in noted["curves"].items()}
    points = tuple(OperatingPoint(**row) for row in noted["operating_points"])
    tables = tuple(
        CalibrationTable(**{**table, "points": tuple(CalibrationPoint(**row) for row in table["points"])})
        for table in noted["calibration"]
    )
    return LanguageHead(name, curves, points, tables)


class MultilingualModel:
    """The encoder with its curves. Weights are read at first use. Thread-safe."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or shipped() / FOLDER
        self._lock = threading.Lock()

    @cached_property
    def artefact(self) -> LanguageArtefact:
        """Raises ``ArtefactError`` when it is missing or broken."""
        return read_artefact(self.folder)

    @property
    def version(self) -> str:
        """Of the weights and the card."""
        return self.artefact.version

    @cached_property
    def encoder(self) -> OnnxEncoder:
        """Raises ``ArtefactError`` when the file is missing, or another than the card says."""
        with self._lock:
            return OnnxEncoder(self.folder / ENCODER, self.artefact.encoder)

    def windows(self, text: str) -> list[list[int]]:
        """The pieces of a text as the encoder reads them."""
        return language_windows(self.encoder, text)

    def odds(self, texts: Sequence[str], head: str) -> Floats:
        """The log-odds of a head for each text: those of its worst window. No language is asked for."""
        return worst_odds(self.encoder, [self.windows(text) for text in texts], head)


def worst_odds(encoder: OnnxEncoder, cut: Sequence[Sequence[Sequence[int]]], head: str) -> Floats:
    """The log-odds of a head for each text, cut into windows: those of its worst window."""
    column = encoder.heads.index(head)
    return np.array([encoder.run(windows).odds[:, column].max() for windows in cut], dtype=np.float64)


def language_windows(encoder: OnnxEncoder, text: str) -> list[list[int]]:
    """The pieces of a text in the windows that the multilingual encoder reads; at least one.

    A post of one or two windows is read in these. Of a longer text, each sentence is read by itself as well: one insult
    among friendly sentences is lost in a window with them. Short sentences are read together.
    """
    whole = encoder.cut(multilingual_text(text), LONGEST, OVERLAP)
    if len(whole) <= 2:
        return whole
    windows, sentence = list(whole), list[int]()
    for match in _SENTENCE.finditer(text):
        sentence += [piece for window in encoder.cut(multilingual_text(match[0]), LONGEST, 0) for piece in window]
        if len(sentence) >= _LEAST:
            windows += [sentence[start : start + LONGEST] for start in range(0, len(sentence), LONGEST)]
            sentence = []
    return windows if not sentence else [*windows, sentence]


class LanguageDetector:
    """One harm in the languages in which it was measured.

    The value of a text is that of its worst window. A part in another language is *unknown* (``language``). One whose
    language cannot be told gets no answer here: the English model gives one, or says why not. A text of more than
    ``MOST_WINDOWS`` windows is *unknown* (``unreadable``), because none is judged by its beginning. Thread-safe.
    """

    def __init__(self, model: MultilingualModel, head: LanguageHead) -> None:
        self._model = model
        self._head = head
        signal = SignalSpec(
            name=head.name,
            kind=SignalKind.PROBABILITY,
            harm=head.name,
            description=DESCRIPTIONS[head.name],
            operating_points=head.operating_points,
            calibration=head.calibration,
        )
        self.spec = DetectorSpec(
            name=f"multilingual-{head.name}",
            version=model.artefact.version,
            signals=(signal,),
            modalities=frozenset({Modality.TEXT}),
            languages=frozenset(head.curves),
            cost=Cost.CPU,
        )

    def start(self) -> None:
        """Read the weights, so that the first request does not wait for it."""
        self._model.odds(["hello"], self._head.name)

    def detect(self, parts: Sequence[Part]) -> list[DetectorResult]:
        """One answer per part: the probability, with the words that alone are worst. Raises ``ArtefactError``."""
        return [self._answer(part) for part in parts]

    def _answer(self, part: Part) -> DetectorResult:
        text = part.text or ""
        if part.language is None:
            return ()
        curve = self._head.curves.get(part.language.lower().split("-")[0])
        if curve is None:
            known = ", ".join(sorted(self._head.curves))
            return self._unknown(part, UnknownReason.LANGUAGE, f"reads {known}, not {part.language[:8]}")
        if len(text) > MAX_CHARACTERS:
            return self._unknown(part, UnknownReason.UNREADABLE, f"{len(text)} characters, at most {MAX_CHARACTERS}")
        windows = self._model.windows(text)
        if len(windows) > MOST_WINDOWS:
            detail = f"{len(windows)} windows of words, at most {MOST_WINDOWS}"
            return self._unknown(part, UnknownReason.UNREADABLE, detail)
        [value] = curve.apply(worst_odds(self._model.encoder, [windows], self._head.name)).tolist()
        span = None
        if value >= EVIDENCE_FLOOR:
            span = worst_run(text, lambda texts: self._model.odds(texts, self._head.name))
        signal = Signal(
            name=self._head.name,
            value=value,
            part=part.path,
            detector=self.spec.name,
            version=self.spec.version,
            span=None if span is None else Span(SpanUnit.CHARACTERS, *span),
        )
        return (signal,)

    def _unknown(self, part: Part, reason: UnknownReason, detail: str) -> Unknown:
        return Unknown(detector=self.spec.name, part=part.path, reason=reason, detail=detail)


def language_detectors(model: MultilingualModel) -> tuple[LanguageDetector, ...]:
    """A detector for each harm of the model. Raises ``ArtefactError``."""
    return tuple(LanguageDetector(model, head) for head in model.artefact.heads)


def worst_run(text: str, score: Callable[[Sequence[str]], Floats]) -> tuple[int, int] | None:
    """Start and end of the few words that alone have the highest score; None of a text without words.

    Overlapping stretches of a quarter of the text are scored, then those of the worst, until it is short enough.

    >>> worst_run("some words and a BAD one", lambda texts: np.array([text.count("BAD") for text in texts]))
    (5, 20)
    """
    words = [match.span() for match in _WORDS.finditer(text)]
    if not words:
        return None
    spaceless = 2 * sum(end - start == 1 for start, end in words) > len(words)
    size, low, high = _RUN_OF_CHARACTERS if spaceless else _RUN, 0, len(words)
    while high - low > size:
        length = max(size, -((low - high) // _CHUNKS))
        starts = [*range(low, high - length, max(1, length // 2)), high - length]
        scores = score([text[words[start][0] : words[start + length - 1][1]] for start in starts])
        low = starts[int(np.argmax(scores))]
        high = low + length
    first, last = words[low][0], words[high - 1][1]
    while first > 0 and unicodedata.category(text[first]).startswith("M"):
        first -= 1  # a mark belongs to the letter before it
    while last < len(text) and unicodedata.category(text[last]).startswith("M"):
        last += 1
    return first, last
