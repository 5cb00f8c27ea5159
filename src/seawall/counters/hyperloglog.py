"""HyperLogLog: the number of distinct values in 2 KB, with an error of about 2.3 %.

The estimator is Ertl's ("New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6): it needs
no tables of corrections and is unbiased over the whole range. Values are 64-bit numbers that are spread evenly, such
as digests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import inf, log, sqrt
from typing import Final

import numpy as np

PRECISION: Final = 11
REGISTERS: Final = 1 << PRECISION
_BITS: Final = 64 - PRECISION  # of a value, beside those that choose its register


def empty() -> bytearray:
    """The registers before any value."""
    return bytearray(REGISTERS)


def add(registers: bytearray, value: int) -> None:
    """Count a value: its first bits choose a register, which keeps the longest run of zeros seen in the others."""
    index, rest = value >> _BITS, value & ((1 << _BITS) - 1)
    rank = _BITS - rest.bit_length() + 1
    if rank > registers[index]:
        registers[index] = rank


def merge(into: bytearray, other: bytes | bytearray) -> None:
    """Count all that ``other`` has counted."""
    registers = np.frombuffer(into, np.uint8)
    np.maximum(registers, np.frombuffer(other, np.uint8), out=registers)


def of(values: Iterable[int]) -> bytearray:
    """The registers of these values."""
    registers = empty()
    for value in values:
        add(registers, value)
    return registers


def estimate(registers: bytes | bytearray) -> int:
    """The number of distinct values."""
    held = Counter(registers)
    total = REGISTERS * _tau(1 - held[_BITS + 1] / REGISTERS)
    for rank in range(_BITS, 0, -1):
        total = (total + held[rank]) / 2
    total += REGISTERS * _sigma(held[0] / REGISTERS)
    return 0 if total == inf else round(REGISTERS * REGISTERS / (2 * log(2)) / total)


def _sigma(share: float) -> float:
    if share == 1:
        return inf
    power, found, before = 1.0, share, -1.0
    while found != before:
        before = found
        share *= share
        found += share * power
        power += power
    return found


def _tau(share: float) -> float:
    if share in (0, 1):
        return 0.0
    power, found, before = 1.0, 1 - share, -1.0
    while found != before:
        before = found
        share = sqrt(share)
        power /= 2
        found -= (1 - share) ** 2 * power
    return found / 3
