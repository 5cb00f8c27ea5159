"""Hashes of many substrings at once.

The classifier hashes hundreds of character n-grams and word pairs per text. Hashing them one by one in Python costs
more than everything else together, so a text (or a concatenated batch of texts) is hashed with one cumulative sum, from
which the hash of any substring follows by two look-ups::

    prefix[i] = sum(code(c_k) * base**k for k < i)          modulo 2**64
    hash(i, j) = (prefix[j] - prefix[i]) * base**-i         the same at any position

``base`` is odd, hence invertible modulo 2**64. This is Karp and Rabin's fingerprint (1987) in Horner's other direction.
It is not collision-resistant against an attacker; a collision costs accuracy of one feature, not memory or time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)
MAX_LENGTH = 1 << 16  # code points hashed together; callers split longer input


def _powers(base: int) -> Hashes:
    factors = np.full(MAX_LENGTH, base, dtype=np.uint64)
    factors[0] = 1
    return np.multiply.accumulate(factors)


_POWERS = _powers(_BASE)
_INVERSES = _powers(_INVERSE)


def mix(value: Hashes) -> Hashes:
    """Scatter the bits of 64-bit words (the finaliser of splitmix64, Steele, Lea and Flood 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def code_points(text: str) -> NDArray[np.uint32]:
    """The code points of a text; lone surrogates included."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


class Substrings:
    """Hashes of the substrings of one sequence of code points, at most ``MAX_LENGTH`` long."""

    __slots__ = ("_prefix",)

    def __init__(self, codes: NDArray[np.uint32]) -> None:
        if len(codes) > MAX_LENGTH:
            raise ValueError(f"{len(codes)} code points in one batch, at most {MAX_LENGTH}")
        terms = mix(codes.astype(np.uint64) + np.uint64(1)) * _POWERS[: len(codes)]
        self._prefix = np.zeros(len(codes) + 1, dtype=np.uint64)
        np.cumsum(terms, out=self._prefix[1:])

    def hash(self, start: NDArray[np.int64], end: NDArray[np.int64]) -> Hashes:
        """One hash for each pair of positions, ``end`` excluded. ``start`` must be below ``MAX_LENGTH``."""
        return (self._prefix[end] - self._prefix[start]) * _INVERSES[start]
