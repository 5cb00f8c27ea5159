"""The text classifier: five harms, each with its own weights and its own calibrated probability."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from seawall.detect.text.model.artefact import Artefact, ArtefactError, dequantise_idf, load
from seawall.detect.text.model.canonical import Tokens, tokenise
from seawall.detect.text.model.features import BITS, batches, count, occurrences, values
from seawall.detect.text.model.language import plainly_not_english
from seawall.detect.text.model.windows import windows
from seawall.detect.text.normalise import Normalised, normalise
from seawall.model import (
    Answer,
    Cost,
    DetectorSpec,
    Modality,
    Part,
    Signal,
    SignalKind,
    SignalSpec,
    Span,
    SpanUnit,
    Unknown,
    UnknownReason,
)

NAME = "text-model"
LANGUAGES = frozenset({"en"})
MAX_CHARACTERS = 200_000
EVIDENCE_FLOOR = 0.3  # below this probability nobody asks where
_EVIDENCE_WORDS = 4  # at most, around the heaviest
_PER_ROUND = 512  # texts held as tokens at a time

_Judged: TypeAlias = tuple[NDArray[np.float64], list[tuple[int, int] | None]]  # for each head: probability, where

_DESCRIPTIONS = {
    "hate": "attacks people for who they are: origin, religion, gender, orientation, disability",
    "harassment": "insults, abuses or demeans somebody",
    "sexism": "sexist or misogynist",
    "spam": "unsolicited bulk message",
    "sexual": "sexually explicit",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """One text as the model reads it: tokens, and how their places lead back to the original."""

    view: Normalised
    tokens: Tokens

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Characters of the original from one token to another, both included."""
        return self.view.span(self.tokens.spans[first][0], self.tokens.spans[last][1])


def read(text: str) -> Reading:
    """Undo evasion, then tokenise. Training and serving both start here."""
    view = normalise(text)
    return Reading(view, tokenise(view.text))


_PROBES = (
    "Plain words, don't you think?",
    "k1ll y.o.u 1d10t sooooo b@d",
    "Ｆｕｌｌ ｗｉｄｔｈ, ᴄᴀᴘꜱ, zero\u200bwidth, Су́ка vs cyka",
    "@someone see https://example.org/a?b=1 call 07911 123456 £5 100%",
    'my muslim women friends 🐀🔪👳🏽‍♂️ ❤️ "quoted" #tag &amp; end',
)


def reading_digest() -> str:
    """A digest of how some probing texts are read: kept in a model's card, so that a test notices when reading changes.

    A model goes on working after a small change to ``normalise`` or ``tokenise``, but what was measured was another
    reading: train again.
    """
    return hashlib.sha256("\n".join(" ".join(read(probe).tokens.words) for probe in _PROBES).encode()).hexdigest()[:16]


def shipped() -> Path:
    """Where the weights that come with the package lie."""
    return Path(str(files("seawall.detect.text.model") / "data"))


class TextModel:
    """A detector of harms in English text.

    Weights are read at first use (or by ``spec``), from the package or from a folder that ``seawall train`` wrote.
    A part in a known language other than English is *unknown* (``language``); one that does not say its language is
    answered unless it is plainly not English (see ``language``). Texts beyond ``MAX_CHARACTERS`` are *unknown*
    (``unreadable``): nothing is judged by its beginning alone. Thread-safe.

        >>> from seawall.model import Modality, Part
        >>> model = TextModel()
        >>> part = Part(path="body", modality=Modality.TEXT, field="body", text="have a lovely day")
        >>> [answer] = model.detect([part])
        >>> max(signal.value for signal in answer) < 0.5
        True
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or shipped()
        self._lock = threading.Lock()

    @cached_property
    def artefact(self) -> Artefact:
        """The weights. Raises ``ArtefactError`` when they are missing or broken."""
        with self._lock:
            return load(self.folder)

    @cached_property
    def spec(self) -> DetectorSpec:
        """Its version is the digest of its weights."""
        return DetectorSpec(
            name=NAME,
            version=self.artefact.version,
            signals=tuple(
                SignalSpec(
                    name=head.name,
                    kind=SignalKind.PROBABILITY,
                    harm=head.name,
                    description=_DESCRIPTIONS.get(head.name, ""),
                    operating_points=head.operating_points,
                )
                for head in self.artefact.heads
            ),
            modalities=frozenset({Modality.TEXT}),
            languages=LANGUAGES,
            cost=Cost.CPU,
        )

    def start(self) -> None:
        """Read the weights and judge the probes, so that no first request waits for it."""
        self.probabilities(_PROBES)

    def detect(self, parts: Sequence[Part]) -> list[Answer]:
        """One answer for each part: a probability for each harm, with the place in the text that speaks most for it."""
        version = self.artefact.version
        answers: list[Answer] = [self._refuse(part) or () for part in parts]
        asked = [number for number, answer in enumerate(answers) if not isinstance(answer, Unknown)]
        for number, (probabilities, spans) in zip(
            asked, self._judge([parts[number].text or "" for number in asked]), strict=True
        ):
            answers[number] = tuple(
                Signal(
                    name=head.name,
                    value=float(probability),
                    part=parts[number].path,
                    detector=NAME,
                    version=version,
                    span=Span(SpanUnit.CHARACTERS, *span) if span else None,
                )
                for head, probability, span in zip(self.artefact.heads, probabilities, spans, strict=True)
            )
        return answers

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """One row for each text, one column for each head of ``artefact.heads``; no language check."""
        rows = [probabilities for probabilities, _ in self._judge(texts, evidence=False)]
        return np.array(rows).reshape(len(texts), len(self.artefact.heads))

    @cached_property
    def _idf(self) -> NDArray[np.float32]:
        return dequantise_idf(self.artefact.idf)

    @cached_property
    def _weights(self) -> NDArray[np.float32]:
        """One row for each bucket that is used, one column for each head: a text's features are then one gather."""
        return np.ascontiguousarray(
            np.stack([head.weights.astype(np.float32) * np.float32(head.scale) for head in self.artefact.heads], axis=1)
        )

    def _refuse(self, part: Part) -> Unknown | None:
        reason, detail = None, ""
        text = part.text or ""
        if part.language is not None and part.language.lower().split("-")[0] not in LANGUAGES:
            reason, detail = UnknownReason.LANGUAGE, f"reads en, not {part.language[:8]}"
        elif len(text) > MAX_CHARACTERS:
            reason, detail = UnknownReason.UNREADABLE, f"{len(text)} characters, at most {MAX_CHARACTERS}"
        elif part.language is None and plainly_not_english(text):
            reason, detail = UnknownReason.LANGUAGE, "reads en; the text is plainly not English"
        return None if reason is None else Unknown(detector=NAME, part=part.path, reason=reason, detail=detail)

    def _judge(self, texts: Sequence[str], *, evidence: bool = True) -> Iterator[_Judged]:
        """Each text, judged, in order."""
        for start in range(0, len(texts), _PER_ROUND):
            yield from self._judge_readings([read(text) for text in texts[start : start + _PER_ROUND]], evidence)

    def _judge_readings(self, readings: Sequence[Reading], evidence: bool) -> Iterator[_Judged]:
        cut = [(number, *window) for number, r in enumerate(readings) for window in windows(len(r.tokens.words))]
        pieces = [readings[number].tokens.words[begin:end] for number, begin, end in cut]
        scores = np.empty((len(cut), len(self.artefact.heads)))
        for begin, end in batches(pieces):
            scores[begin:end] = self._scores(pieces[begin:end])
        first = np.searchsorted(np.array([number for number, _, _ in cut]), np.arange(len(readings)))
        worst = np.maximum.reduceat(scores, first, axis=0) if len(readings) else scores
        probabilities = np.stack(
            [head.calibration.apply(worst[:, column]) for column, head in enumerate(self.artefact.heads)], axis=1
        )
        spans: list[list[tuple[int, int] | None]] = [[None] * len(self.artefact.heads) for _ in readings]
        if evidence:
            asked = [
                (int(np.flatnonzero(scores[first[text] :, head] == worst[text, head])[0] + first[text]), int(head))
                for text, head in np.argwhere(probabilities >= EVIDENCE_FLOOR)
            ]
            for (piece, head), run in zip(asked, self._evidence(pieces, asked), strict=True):
                number, begin, _ = cut[piece]
                if run is not None:
                    spans[number][head] = readings[number].span(begin + run[0], begin + run[1])
        yield from zip(probabilities, spans, strict=True)

    def _scores(self, pieces: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """Raw scores: one row for each window, one column for each head."""
        counts = count(occurrences(pieces), len(pieces))
        value = values(counts, self._idf)
        weighted = self._weights[counts.bucket] * value[:, None]
        total = np.stack(
            [np.bincount(counts.text, weights=column, minlength=len(pieces)) for column in weighted.T], axis=1
        )
        return np.asarray(total + np.array([head.bias for head in self.artefact.heads]), dtype=np.float64)

    def _evidence(
        self, pieces: Sequence[Sequence[str]], asked: Sequence[tuple[int, int]]
    ) -> Iterator[tuple[int, int] | None]:
        """For each (window, head) the run of a few tokens, first and last, that adds most to the head's score."""
        chosen = sorted({piece for piece, _ in asked})
        added: dict[int, NDArray[np.float64]] = {}
        texts = [pieces[piece] for piece in chosen]
        for start, stop in batches(texts):
            per_token = self._contributions(texts[start:stop])
            ends = np.cumsum([len(words) for words in texts[start:stop]])
            added.update(zip(chosen[start:stop], np.split(per_token, ends[:-1]), strict=True))
        for piece, head in asked:
            yield _heaviest_run(added[piece][:, head].tolist())

    def _contributions(self, texts: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """What each token adds to each head's score: its features' parts, shared among a feature's occurrences."""
        found = occurrences(texts)
        counts = count(found, len(texts))
        share = values(counts, self._idf) / counts.count
        where = np.searchsorted(counts.text << BITS | counts.bucket, found.text << BITS | found.bucket)
        part = self._weights[found.bucket] * share[where, None]
        tokens = sum(map(len, texts))
        return np.stack([np.bincount(found.token, weights=column, minlength=tokens) for column in part.T], axis=1)


def _heaviest_run(added: Sequence[float]) -> tuple[int, int] | None:
    """First and last of the neighbouring tokens with the largest sum over the root of their number, if above 0.

    The root makes a longer run earn its length.
    """
    best, heaviest = None, 0.0
    for first in range(len(added)):
        total = 0.0
        for size in range(1, min(_EVIDENCE_WORDS, len(added) - first) + 1):
            total += added[first + size - 1]
            if total > heaviest * size**0.5:
                best, heaviest = (first, first + size - 1), total / size**0.5
    return best


__all__ = ["ArtefactError", "TextModel", "read", "reading_digest", "shipped"]
