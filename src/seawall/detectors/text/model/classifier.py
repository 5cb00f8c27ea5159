"""The text classifier: a calibrated probability per harm."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from seawall.content.languages import reads_as
from seawall.detectors.text.model.artefact import ENCODER, Artefact, ArtefactError, load
from seawall.detectors.text.model.calibration import read_tables
from seawall.detectors.text.model.encoder import OnnxEncoder
from seawall.detectors.text.model.encoder_input import encoder_text, normalised_text
from seawall.detectors.text.model.linear import Linear, LinearScores, TokenisedText, read
from seawall.detectors.text.model.number_spam import settle_numbers
from seawall.detectors.text.model.tiers import TierScores, read_tiers
from seawall.model import (
    Cost,
    DetectorResult,
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
FIRST_TIER = "n-grams"
"""Evidence of a signal that the encoder was not asked about, because it could hardly reach a threshold in force."""
_PLANS = 64  # sets of thresholds whose floors are remembered
EVIDENCE_FLOOR = 0.3  # no evidence is computed below this probability
_PER_ROUND = 512  # texts tokenised at a time

_ENCODED_TOKENS, _ENCODED_OVERLAP = 80, 20  # window of a long text for the encoder
_ENCODED_WINDOWS = 6  # maximum per text, with the n-gram model's worst: bounds the cost of a long text
_EMBEDDED_WINDOWS = 4  # per text, from its beginning

_Judged: TypeAlias = tuple[NDArray[np.float64], list[tuple[int, int] | None], bool]
"""Per head: probability, span; and whether the encoder read the text."""

DESCRIPTIONS = {
    "hate": "attacks people for who they are: origin, religion, gender, orientation, disability",
    "harassment": "insults, abuses or demeans somebody",
    "sexism": "sexist or misogynist",
    "spam": "unsolicited bulk message",
    "sexual": "sexually explicit",
    "toxic": "hateful or offensive in the widest sense: what most readers would call toxic",
}
_HARMS = {"toxic": "harassment"}  # of signals not named after their harm


_PROBES = (
    "Plain words, don't you think?",
    "k1ll y.o.u 1d10t sooooo b@d",
    "Ｆｕｌｌ ｗｉｄｔｈ, ᴄᴀᴘꜱ, zero\u200bwidth, Су́ка vs cyka",
    "@someone see https://example.org/a?b=1 call 07911 123456 £5 100%",
    'my muslim women friends 🐀🔪👳🏽‍♂️ ❤️ "quoted" #tag &amp; end',
)


def reading_digest() -> str:
    """A digest of how some sample texts are tokenised: stored in a model's card, so that a test notices changes.

    A model still works after a small change to ``normalise`` or ``tokenise``, but was measured with other tokens: train
    it again.
    """
    return _digest(" ".join(read(probe).tokens.words) for probe in _PROBES)


def wording_digest() -> str:
    """The same for the sentences that the encoder reads."""
    return _digest(map(encoder_text, _PROBES))


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def shipped() -> Path:
    """The folder of the shipped weights."""
    return Path(str(files("seawall.detectors.text.model") / "data"))


class TextModel:
    """A detector of harms in English text.

    Weights are read at first use (or by ``spec``), from the package or from a folder written by ``seawall train``. A
    part in a known language other than English is *unknown* (``language``); a part without language is answered unless
    it is told not to be English (``content.languages``). Texts beyond ``MAX_CHARACTERS`` are *unknown*
    (``unreadable``), because a text is never judged by its beginning alone. Thread-safe.

        >>> from seawall.model import Modality, Part
        >>> model = TextModel()
        >>> part = Part(path="body", modality=Modality.TEXT, field="body", text="have a lovely day")
        >>> [answer] = model.detect([part])
        >>> max(signal.value for signal in answer) < 0.5
        True
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or shipped()
        self._planned: dict[tuple[tuple[str, float], ...], NDArray[np.float64]] = {}
        self._lock = threading.Lock()

    @cached_property
    def artefact(self) -> Artefact:
        """The weights. Raises ``ArtefactError`` when they are missing or broken."""
        with self._lock:
            return load(self.folder)

    @cached_property
    def spec(self) -> DetectorSpec:
        """Its version is the digest of its weights."""
        tables = read_tables(self.folder, self.artefact.version)
        return DetectorSpec(
            name=NAME,
            version=self.artefact.version,
            signals=tuple(
                SignalSpec(
                    name=head.name,
                    kind=SignalKind.PROBABILITY,
                    harm=_HARMS.get(head.name, head.name),
                    description=DESCRIPTIONS.get(head.name, ""),
                    operating_points=head.operating_points,
                    calibration=(tables[head.name],) if head.name in tables else (),
                )
                for head in self.artefact.heads
            ),
            modalities=frozenset({Modality.TEXT}),
            languages=LANGUAGES,
            cost=Cost.CPU,
        )

    def start(self) -> None:
        """Read the weights and run the samples, so that the first request does not wait for it."""
        self.probabilities(_PROBES)

    def detect(self, parts: Sequence[Part]) -> list[DetectorResult]:
        """One answer per part: a probability per harm, with the span of text that contributes most to it."""
        return self.detect_above(parts, None)

    def detect_above(self, parts: Sequence[Part], thresholds: Mapping[str, float] | None) -> list[DetectorResult]:
        """As ``detect``; ``thresholds``: by signal, the lowest value that anybody tells apart.

        Where the encoder can hardly lift a text to one of them (see ``tiers``), it is not asked, and the signals are
        those of the n-gram model alone, with the evidence ``n-grams`` and without a span: such a value is too rough to
        mark words by. None: all that can be measured.
        """
        version = self.artefact.version
        floors = self.floors(thresholds)
        answers: list[DetectorResult] = [self._refuse(part) or () for part in parts]
        asked = [number for number, answer in enumerate(answers) if not isinstance(answer, Unknown)]
        for number, (probabilities, spans, encoded) in zip(
            asked, self._judge([parts[number].text or "" for number in asked], floors), strict=True
        ):
            answers[number] = tuple(
                Signal(
                    name=head.name,
                    value=float(probability),
                    part=parts[number].path,
                    detector=NAME,
                    version=version,
                    span=Span(SpanUnit.CHARACTERS, *span) if span and encoded else None,
                    evidence=None if encoded else FIRST_TIER,
                )
                for head, probability, span in zip(self.artefact.heads, probabilities, spans, strict=True)
            )
        return answers

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """One row per text, one column per head of ``artefact.heads``; no language check."""
        return self._probabilities(texts, self.floors(None))

    def first_tier(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """As ``probabilities``, of the n-gram model alone."""
        return self._probabilities(texts, np.full(len(self.artefact.heads), np.inf))

    def _probabilities(self, texts: Sequence[str], floors: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = [probabilities for probabilities, _, _ in self._judge(texts, floors, evidence=False)]
        return np.array(rows).reshape(len(texts), len(self.artefact.heads))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Semantic embeddings: one row of length 1 per text (384 numbers); similar texts have a high dot product.

        A long text is represented by its beginning (about 400 words). No language check: the encoder knows English.
        Raises ``ArtefactError`` when the model has no encoder.
        """
        encoder = self._encoder
        if encoder is None:
            raise ArtefactError(f"the text model in {self.folder} has no encoder: train it with `--encoder`")
        cut = [encoder.cut(encoder_text(text[:MAX_CHARACTERS]))[:_EMBEDDED_WINDOWS] for text in texts]
        general = encoder.run([window for windows in cut for window in windows]).general
        if not texts:
            return general
        first = np.cumsum([0, *(len(windows) for windows in cut[:-1])])
        total = np.add.reduceat(general, first, axis=0)
        return np.asarray(total / np.linalg.norm(total, axis=1, keepdims=True), dtype=np.float32)

    def floors(self, thresholds: Mapping[str, float] | None) -> NDArray[np.float64]:
        """By head, the n-gram probability from which the encoder is asked about a text."""
        own = self._own_floors
        if thresholds is None or self._tiers is None:
            return own
        key = tuple(sorted(thresholds.items()))
        planned = self._planned.get(key)
        if planned is None:
            planned = np.maximum(own, self._tiers.floors(thresholds))
            if len(self._planned) >= _PLANS:
                self._planned.clear()
            self._planned[key] = planned
        return planned

    @cached_property
    def _own_floors(self) -> NDArray[np.float64]:
        joined = [head.joined for head in self.artefact.heads]
        return np.array([one.floor if one else np.inf for one in joined])

    @cached_property
    def _tiers(self) -> TierScores | None:
        artefact = self.artefact
        if artefact.encoder is None:
            return None
        return read_tiers(self.folder, [head.name for head in artefact.heads], artefact.version)

    @cached_property
    def _linear(self) -> Linear:
        return Linear(self.artefact)

    @cached_property
    def _encoder(self) -> OnnxEncoder | None:
        artefact = self.artefact
        if artefact.encoder is None:
            return None
        with self._lock:
            return OnnxEncoder(self.folder / ENCODER, artefact.encoder)

    def _refuse(self, part: Part) -> Unknown | None:
        reason, detail = None, ""
        text = part.text or ""
        if part.language is not None and part.language.lower().split("-")[0] not in LANGUAGES:
            reason, detail = UnknownReason.LANGUAGE, f"reads en, not {part.language[:8]}"
        elif len(text) > MAX_CHARACTERS:
            reason, detail = UnknownReason.UNREADABLE, f"{len(text)} characters, at most {MAX_CHARACTERS}"
        elif part.language is None and not reads_as(text, "en"):
            reason, detail = UnknownReason.LANGUAGE, "reads en; the text is not English"
        return None if reason is None else Unknown(detector=NAME, part=part.path, reason=reason, detail=detail)

    def _judge(self, texts: Sequence[str], floors: NDArray[np.float64], *, evidence: bool = True) -> Iterator[_Judged]:
        """The results of all texts, in order."""
        for start in range(0, len(texts), _PER_ROUND):
            chosen = texts[start : start + _PER_ROUND]
            judged = list(self._judge_readings([read(text) for text in chosen], floors, evidence))
            self._settle_numbers(chosen, [probabilities for probabilities, _, _ in judged], floors)
            yield from judged

    def _settle_numbers(
        self, texts: Sequence[str], probabilities: Sequence[NDArray[np.float64]], floors: NDArray[np.float64]
    ) -> None:
        """Lower the probability of spam where numbers alone make it."""
        column = next((n for n, head in enumerate(self.artefact.heads) if head.name == "spam"), None)
        if column is None:
            return

        def judge(wordings: Sequence[str]) -> NDArray[np.float64]:
            readings = [read(text) for text in wordings]
            return np.array([found[column] for found, _, _ in self._judge_readings(readings, floors, evidence=False)])

        spam = np.array([found[column] for found in probabilities])
        settle_numbers(texts, spam, judge)
        for found, value in zip(probabilities, spam, strict=True):
            found[column] = value

    def _judge_readings(
        self, readings: Sequence[TokenisedText], floors: NDArray[np.float64], evidence: bool
    ) -> Iterator[_Judged]:
        heads = self.artefact.heads
        judged = self._linear.judge(readings)
        worst = judged.worst
        probabilities = np.stack([head.calibration.apply(worst[:, n]) for n, head in enumerate(heads)], axis=1)
        encoded = np.asarray((probabilities >= floors).any(axis=1), dtype=bool)
        if self.artefact.encoder is None:
            encoded[:] = True  # there is no second tier to leave out
        elif encoded.any() and (encoder := self._encoder) is not None:
            self._join(encoder, readings, judged, probabilities, np.flatnonzero(encoded).tolist())
        spans: list[list[tuple[int, int] | None]] = [[None] * len(heads) for _ in readings]
        if evidence:
            asked = [(int(text), int(head)) for text, head in np.argwhere(probabilities >= EVIDENCE_FLOOR)]
            for (text, head), span in zip(asked, self._linear.evidence(judged, asked, readings), strict=True):
                spans[text][head] = span
        yield from zip(probabilities, spans, encoded.tolist(), strict=True)

    def _join(
        self,
        encoder: OnnxEncoder,
        readings: Sequence[TokenisedText],
        judged: LinearScores,
        probabilities: NDArray[np.float64],
        asked: Sequence[int],
    ) -> None:
        """Replace the n-gram model's probabilities by the combined ones, for texts that the encoder reads."""
        joined = [head.joined for head in self.artefact.heads]
        cut = [encoder_windows(encoder, readings[text], judged, text) for text in asked]
        odds = encoder.run([window for windows in cut for window in windows]).odds
        worst = np.maximum.reduceat(odds, np.cumsum([0, *(len(windows) for windows in cut[:-1])]), axis=0)
        for column, (head, one) in enumerate(zip(self.artefact.heads, joined, strict=True)):
            if one is not None:
                theirs = worst[:, encoder.heads.index(head.name)]
                probabilities[asked, column] = one.apply(probabilities[asked, column], theirs)


def encoder_windows(encoder: OnnxEncoder, reading: TokenisedText, judged: LinearScores, text: int) -> list[list[int]]:
    """The encoder's input for one text: all of a short text, the windows worst by the n-gram model of a long one."""
    spans, shown = reading.tokens.spans, reading.view.text
    if len(spans) <= _ENCODED_TOKENS:
        return encoder.cut(normalised_text(shown))[:_ENCODED_WINDOWS]
    step = _ENCODED_TOKENS - _ENCODED_OVERLAP
    starts = [*range(0, len(spans) - _ENCODED_TOKENS, step), len(spans) - _ENCODED_TOKENS]
    if len(starts) > _ENCODED_WINDOWS:
        inner = np.array(judged.windows_of(text))
        begins = np.array([judged.cut[window][1] for window in inner])
        heavy = (judged.scores[inner] - judged.scores[inner].mean(axis=0)).max(axis=1)
        weights = [
            float(heavy[(begins >= start) & (begins < start + _ENCODED_TOKENS)].max(initial=-np.inf))
            for start in starts
        ]
        starts = sorted(
            start for _, start in sorted(zip(weights, starts, strict=True), reverse=True)[:_ENCODED_WINDOWS]
        )
    return [
        encoder.cut(normalised_text(shown[spans[start][0] : spans[start + _ENCODED_TOKENS - 1][1]]))[0]
        for start in starts
    ]


__all__ = ["ArtefactError", "TextModel", "read", "reading_digest", "shipped", "wording_digest"]
