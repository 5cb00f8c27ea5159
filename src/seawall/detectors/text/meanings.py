"""Bank entries of kind ``meaning``: texts that say the same as an example, by the cosine of their embeddings.

The embeddings of the examples are derived from their texts and kept in memory only: another text model, in another
process, makes its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from seawall.content.languages import language_of, reads_as
from seawall.detectors.banks import BankDetector, BankFollowingDetector, bank_spec, to_signals
from seawall.match import BankEntry, BankMatcher, Hit, MeaningIndex
from seawall.match.entries import words_of
from seawall.model.content import Modality, Part
from seawall.model.ids import now_ms
from seawall.model.signals import Cost, DetectorResult, DetectorSpec, Thresholds, Unknown, UnknownReason

NAME: Final = "meanings"
VERSION: Final = "1"

_PASSAGE, _STEP = 60, 40  # words of a passage of a long text, and from one to the next
_MOST_PASSAGES: Final = 24  # of one text: bounds the cost

Floats = NDArray[np.float32]


class TextEncoder(Protocol):
    """What embeds texts, and the languages it knows: the text model."""

    @property
    def spec(self) -> DetectorSpec:
        """Its version changes with its embeddings."""

    def embed(self, texts: Sequence[str]) -> Floats:
        """One row of length 1 per text."""


class MeaningDetector:
    """Finds texts that mean the same as an example in a bank.

    A short text is compared as a whole, a long one in passages of 60 words. In a language that the encoder does not
    know, or beyond 1,000 words without a match, a text is *unknown*. The encoder is asked only while a bank holds
    examples (``idle``) that a rule in force reads (``detect_above``). Thread-safe.
    """

    def __init__(self, banks: BankDetector, encoder: TextEncoder) -> None:
        self._banks = banks
        self.encoder = encoder
        self._embedded: dict[str, Floats] = {}  # by example
        self._indexed: tuple[BankMatcher, MeaningIndex] | None = None
        self._lock = threading.Lock()

        def describe(matcher: BankMatcher) -> DetectorSpec:
            version = f"{VERSION} {encoder.spec.version}"
            return bank_spec(NAME, version, matcher, (Modality.TEXT,), Cost.CPU)

        self._following = BankFollowingDetector(banks, describe)

    @property
    def spec(self) -> DetectorSpec:
        """Declares a signal per bank."""
        return self._following.spec

    @property
    def idle(self) -> bool:
        """Whether no bank holds an example, so that no part need be read."""
        return not self._banks.matcher.has("meaning")

    @property
    def languages(self) -> frozenset[str] | None:
        """The languages of which the encoder knows the meaning; None: all."""
        return self.encoder.spec.languages

    def start(self) -> None:
        """Embed the examples, so that no request waits for it."""
        if not self.idle:
            self._index(self._banks.matcher)

    def detect(self, parts: Sequence[Part]) -> list[DetectorResult]:
        """One answer per part: a signal for each example that it says the same as."""
        return self.detect_above(parts, None)

    def detect_above(self, parts: Sequence[Part], thresholds: Thresholds | None) -> list[DetectorResult]:
        """As ``detect``; nothing if ``thresholds`` name no bank that holds an example. Raises ``ArtefactError``."""
        matcher = self._banks.matcher
        if not matcher.has("meaning"):
            return [()] * len(parts)
        examples = self._index(matcher)
        if thresholds is not None and not any(f"bank:{bank}" in thresholds for bank in examples.banks):
            return [()] * len(parts)
        return [self._answer(matcher, examples, part) for part in parts]

    def entries(self) -> list[BankEntry]:
        """The examples of all banks that have not expired, with their thresholds."""
        now = now_ms()
        return [each for each in self._banks.matcher.meanings() if each.expires is None or each.expires > now]

    def embedded(self, texts: Sequence[str]) -> Floats:
        """The embeddings of texts, one row of length 1 each; those of examples in use are held."""
        held = self._embedded
        fresh = [text for text in dict.fromkeys(texts) if text not in held]
        known = {**held, **dict(zip(fresh, self.encoder.embed(fresh), strict=True))} if fresh else held
        return np.array([known[text] for text in texts], np.float32)

    def knows(self, text: str, declared: str | None = None) -> bool:
        """Whether the encoder knows the language of a text, as far as it can be told."""
        languages = self.languages
        if languages is None:
            return True
        language = language_of(text, declared)
        if language is not None:
            return language.lower().split("-")[0] in languages
        return any(reads_as(text, each) for each in languages)

    def _answer(self, matcher: BankMatcher, examples: MeaningIndex, part: Part) -> DetectorResult:
        text = part.text or ""
        if not any(map(str.isalpha, text)):
            return ()
        if not self.knows(text, part.language):
            known = ", ".join(sorted(self.languages or ()))
            return _unknown(part, UnknownReason.LANGUAGE, f"knows the meaning of {known} only")
        spans = list(passages(text))
        embeddings = self.encoder.embed([text[start:end] for start, end in spans[:_MOST_PASSAGES]])
        nearest: dict[str, Hit] = {}  # by example: its nearest passage
        for (start, end), embedding in zip(spans, embeddings, strict=False):
            for hit in matcher.match_meaning(examples, embedding, start, end):
                other = nearest.get(hit.entry)
                if other is None or (hit.distance or 0) < (other.distance or 0):
                    nearest[hit.entry] = hit
        if not nearest and len(spans) > _MOST_PASSAGES:
            return _unknown(part, UnknownReason.UNREADABLE, f"compared up to {_MOST_PASSAGES * _STEP} words")
        return to_signals(matcher, nearest.values(), part, NAME)

    def _index(self, matcher: BankMatcher) -> MeaningIndex:
        """The examples of this snapshot with their embeddings; only those not embedded before are embedded now."""
        with self._lock:
            if self._indexed is not None and self._indexed[0] is matcher:
                return self._indexed[1]
            entries = matcher.meanings()
            values = [entry.value for entry in entries]
            vectors = self.embedded(values)
            self._embedded = dict(zip(values, vectors, strict=True))
            index = MeaningIndex(entries, vectors)
            self._indexed = (matcher, index)
            return index


def passages(text: str) -> Iterator[tuple[int, int]]:
    """Where a text is compared: all of a short one; of a long one, overlapping passages."""
    words = [match.span() for match in words_of(text)]
    if len(words) <= _PASSAGE:
        yield 0, len(text)
        return
    last = len(words) - _PASSAGE
    for start in [*range(0, last, _STEP), last]:
        yield words[start][0], words[start + _PASSAGE - 1][1]


def _unknown(part: Part, reason: UnknownReason, detail: str) -> Unknown:
    return Unknown(detector=NAME, part=part.path, reason=reason, detail=detail)
