"""Hashed features of tokens, for many texts at once. Used for training and serving.

Two blocks of features, each scaled to length 1 per text, so that neither dominates:

*words*: single tokens, pairs of neighbours, pairs with one token between them, and *context of a group* (each token up
to six places before or after a token that names people, see ``identity``); *characters*: n-grams of 2 to 5 inside a
token and its two borders (scikit-learn's ``char_wb``).

A feature's value is ``(1 + ln(count)) * idf[bucket]`` before scaling.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seawall.detectors.text.model.hashing import MAX_LENGTH, Hashes, Substrings, code_points, mix
from seawall.detectors.text.model.identity import CLASS_TOKENS

BITS = 20
BUCKETS = 1 << BITS
HALF = BUCKETS >> 1  # buckets below are words, from here on characters
NGRAMS = (2, 3, 4, 5)
NEAR = 6
VERSION = "1"  # of this file and of canonical.py, identity.py, hashing.py: part of every artefact

_SPACE = 0x20
_IDENTITY_CODES = np.array(sorted(ord(token) for token in CLASS_TOKENS), dtype=np.uint32)


@dataclass(frozen=True, slots=True)
class Occurrences:
    """All feature occurrences: the text's number, the token's number in the batch, the bucket."""

    text: NDArray[np.int64]
    token: NDArray[np.int64]
    bucket: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class FeatureCounts:
    """Distinct features of each text with their counts, ordered by text and bucket."""

    texts: int
    text: NDArray[np.int64]
    bucket: NDArray[np.int64]
    count: NDArray[np.int64]


def batches(texts: Sequence[Sequence[str]]) -> Iterator[tuple[int, int]]:
    """Cut token lists into slices ``[start, stop)`` small enough to be hashed together."""
    start, size = 0, 1
    for number, words in enumerate(texts):
        length = 1 + len(words) + sum(map(len, words))
        if length >= MAX_LENGTH:
            raise ValueError(f"one window of {length} characters, at most {MAX_LENGTH - 1}")
        if size + length > MAX_LENGTH:
            yield start, number
            start, size = number, 1
        size += length
    if start < len(texts):
        yield start, len(texts)


def _bucket(hashes: Hashes, salt: int, *, characters: bool) -> NDArray[np.int64]:
    mixed = mix(hashes + np.uint64(salt * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF))
    bucket = (mixed >> np.uint64(64 - BITS + 1)).astype(np.int64)
    return bucket + HALF if characters else bucket


def _pair(left: Hashes, right: Hashes) -> Hashes:
    return mix(left) * np.uint64(0xD6E8FEB86659FD93) + right


def occurrences(texts: Sequence[Sequence[str]]) -> Occurrences:
    """All features of one batch (see ``batches``)."""
    codes = code_points(" " + "".join(" ".join(words) + " " if words else " " for words in texts))
    space = codes == _SPACE
    # A text without words is a single space; ``lengths`` still maps each token to its text.
    starts = np.flatnonzero(space[:-1] & ~space[1:]) + 1
    ends = np.flatnonzero(~space[:-1] & space[1:]) + 1
    owner = np.repeat(np.arange(len(texts)), [len(words) for words in texts])
    substrings = Substrings(codes)
    word_owner, word_token, word_bucket = _word_features(substrings, codes, starts, ends, owner)
    token_of = np.cumsum(np.bincount(starts, minlength=len(codes)))  # 1 + number of the last token begun
    parts = [(word_owner, word_token, word_bucket)]
    blanks = np.concatenate(([0], np.cumsum(space)))
    for n in NGRAMS:
        if len(codes) < n:
            continue
        at = np.arange(len(codes) - n + 1)
        inner = blanks[at + n - 1] - blanks[at + 1] if n > 2 else np.zeros(len(at), dtype=np.int64)
        at = at[(inner == 0) & ~(space[at] & space[at + n - 1] & (n == 2))]
        inside = at + space[at]  # a border n-gram begins at the space before its token
        token = token_of[np.minimum(inside, len(codes) - 1)] - 1
        bucket = _bucket(substrings.hash(at, at + n), n, characters=True)
        parts.append((owner[token], token, bucket))
    return Occurrences(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _word_features(
    substrings: Substrings,
    codes: NDArray[np.uint32],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    owner: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    words = substrings.hash(starts, ends)
    number = np.arange(len(words))
    found = [(owner, number, _bucket(words, 11, characters=False))]
    for gap, salt in ((1, 12), (2, 13)):
        same = owner[:-gap] == owner[gap:]
        left = number[:-gap][same]
        found.append((owner[left], left, _bucket(_pair(words[left], words[left + gap]), salt, characters=False)))
    named = number[np.isin(codes[starts], _IDENTITY_CODES)] if len(words) else number
    for step in (*range(-NEAR, 0), *range(1, NEAR + 1)):
        near = named + step
        near = near[(near >= 0) & (near < len(words))]
        near = near[owner[near] == owner[near - step]]
        found.append((owner[near], near, _bucket(words[near], 14 if step < 0 else 15, characters=False)))
    return tuple(np.concatenate(column) for column in zip(*found, strict=True))  # type: ignore[return-value]


def count(found: Occurrences, texts: int) -> FeatureCounts:
    """Merge equal features of a text."""
    key = np.sort(found.text << BITS | found.bucket)
    first = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1]))) if len(key) else np.zeros(0, dtype=np.int64)
    counts = np.diff(np.append(first, len(key)))
    key = key[first]
    return FeatureCounts(texts, key >> BITS, key & (BUCKETS - 1), counts)


def values(counts: FeatureCounts, idf: NDArray[np.float32]) -> NDArray[np.float32]:
    """The value of each distinct feature: sublinear count times idf, each block of a text scaled to length 1."""
    value = (1 + np.log(counts.count.astype(np.float32))) * idf[counts.bucket]
    block = counts.text * 2 + (counts.bucket >= HALF)
    norm = np.sqrt(np.bincount(block, weights=value * value, minlength=2 * counts.texts))
    norm[norm == 0] = 1
    return (value / norm[block]).astype(np.float32)
