"""The n-gram model: a sum of weights over hashed features per harm, and the words that contribute most to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seawall.content.normalise import Normalised, normalise
from seawall.detectors.text.model.artefact import Artefact, dequantise_idf
from seawall.detectors.text.model.canonical import Tokens, tokenise
from seawall.detectors.text.model.features import BITS, batches, count, occurrences, values
from seawall.detectors.text.model.windows import windows

_EVIDENCE_WORDS = 4  # at most, around the heaviest


@dataclass(frozen=True, slots=True)
class TokenisedText:
    """A tokenised text, and the mapping of token positions to the original."""

    view: Normalised
    tokens: Tokens

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Characters of the original from one token to another, both included."""
        return self.view.span(self.tokens.spans[first][0], self.tokens.spans[last][1])


def read(text: str) -> TokenisedText:
    """Undo evasion, then tokenise. Used for training and serving."""
    view = normalise(text)
    return TokenisedText(view, tokenise(view.text))


@dataclass(frozen=True, slots=True, eq=False)
class LinearScores:
    """Texts cut into windows, and their scores."""

    cut: tuple[tuple[int, int, int], ...]  # each window: its text, first token, token after the last
    pieces: tuple[Sequence[str], ...]  # tokens of each window
    scores: NDArray[np.float64]  # windows × heads, raw
    first: NDArray[np.int64]  # the first window of each text

    @property
    def worst(self) -> NDArray[np.float64]:
        """Texts × heads: the raw score of each text's worst window."""
        return np.maximum.reduceat(self.scores, self.first, axis=0) if len(self.first) else self.scores

    def windows_of(self, text: int) -> range:
        """The windows of one text."""
        stop = self.first[text + 1] if text + 1 < len(self.first) else len(self.cut)
        return range(int(self.first[text]), int(stop))


class Linear:
    """The weights of an artefact, arranged for summing."""

    def __init__(self, artefact: Artefact) -> None:
        self._idf = dequantise_idf(artefact.idf)
        # One row per bucket, one column per head: a text's features are then one gather.
        self._weights = np.ascontiguousarray(
            np.stack([head.weights.astype(np.float32) * np.float32(head.scale) for head in artefact.heads], axis=1)
        )
        self._bias = np.array([head.bias for head in artefact.heads])

    def judge(self, readings: Sequence[TokenisedText]) -> LinearScores:
        """Raw scores of every window of every text."""
        cut = [(number, *window) for number, r in enumerate(readings) for window in windows(len(r.tokens.words))]
        pieces = [readings[number].tokens.words[begin:end] for number, begin, end in cut]
        scores = np.empty((len(cut), len(self._bias)))
        for begin, end in batches(pieces):
            scores[begin:end] = self._scores(pieces[begin:end])
        first = np.searchsorted(np.array([number for number, _, _ in cut]), np.arange(len(readings)))
        return LinearScores(tuple(cut), tuple(pieces), scores, first)

    def _scores(self, pieces: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        counts = count(occurrences(pieces), len(pieces))
        value = values(counts, self._idf)
        weighted = self._weights[counts.bucket] * value[:, None]
        total = np.stack(
            [np.bincount(counts.text, weights=column, minlength=len(pieces)) for column in weighted.T], axis=1
        )
        return np.asarray(total + self._bias, dtype=np.float64)

    def evidence(
        self, judged: LinearScores, asked: Sequence[tuple[int, int]], readings: Sequence[TokenisedText]
    ) -> Iterator[tuple[int, int] | None]:
        """For each (text, head) the characters that add most to the head's score in its worst window, or None."""
        worst = judged.worst
        wanted = []
        for text, head in asked:
            first = int(judged.first[text])
            wanted.append((first + int(np.flatnonzero(judged.scores[first:, head] == worst[text, head])[0]), head))
        for (piece, _), run in zip(wanted, self._runs(judged.pieces, wanted), strict=True):
            text, begin, _ = judged.cut[piece]
            yield None if run is None else readings[text].span(begin + run[0], begin + run[1])

    def _runs(
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
        """Each token's contribution to each head's score; a feature's value is shared among its occurrences."""
        found = occurrences(texts)
        counts = count(found, len(texts))
        share = values(counts, self._idf) / counts.count
        where = np.searchsorted(counts.text << BITS | counts.bucket, found.text << BITS | found.bucket)
        part = self._weights[found.bucket] * share[where, None]
        tokens = sum(map(len, texts))
        return np.stack([np.bincount(found.token, weights=column, minlength=tokens) for column in part.T], axis=1)


def _heaviest_run(added: Sequence[float]) -> tuple[int, int] | None:
    """First and last of the adjacent tokens with the largest sum over the root of their number, if above 0.

    The root prefers shorter runs.
    """
    best, heaviest = None, 0.0
    for first in range(len(added)):
        total = 0.0
        for size in range(1, min(_EVIDENCE_WORDS, len(added) - first) + 1):
            total += added[first + size - 1]
            if total > heaviest * size**0.5:
                best, heaviest = (first, first + size - 1), total / size**0.5
    return best
