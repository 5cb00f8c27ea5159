"""The index finds what comparing every pair finds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.match import HammingIndex
from support.examples import examples

_HASHES = st.binary(min_size=32, max_size=32)


def _flip(value: bytes, bits: frozenset[int]) -> bytes:
    number = int.from_bytes(value, "big")
    for bit in bits:
        number ^= 1 << bit
    return number.to_bytes(32, "big")


@settings(max_examples=examples(200))
@given(
    _HASHES,
    st.lists(st.tuples(st.one_of(st.frozensets(st.integers(0, 255), max_size=70)), st.integers(0, 64)), max_size=20),
)
def test_every_entry_within_its_radius_and_no_other(query: bytes, entries: list[tuple[frozenset[int], int]]) -> None:
    index = HammingIndex([_flip(query, bits) for bits, _ in entries], [radius for _, radius in entries])
    expected = {(number, len(bits)) for number, (bits, radius) in enumerate(entries) if len(bits) <= radius}
    found = index.search(query)
    assert set(found) == expected
    assert [distance for _, distance in found] == sorted(distance for _, distance in found)


def test_an_empty_index_finds_nothing() -> None:
    assert HammingIndex([], []).search(bytes(32)) == []


def test_wrong_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="hash 1 has 31 bytes"):
        HammingIndex([bytes(32), bytes(31)], [0, 0])
    with pytest.raises(ValueError, match="1 hashes, 2 radii"):
        HammingIndex([bytes(32)], [0, 0])


@settings(max_examples=examples(200))
@given(st.data(), st.sampled_from([8, 24, 64, 72, 256, 520]))
def test_prints_of_any_length(data: st.DataObject, bits: int) -> None:
    size = bits // 8
    hash_ = st.binary(min_size=size, max_size=size)
    query = data.draw(hash_)
    known = data.draw(st.lists(st.tuples(hash_ | st.just(query), st.integers(0, bits)), max_size=20))
    index = HammingIndex([each for each, _ in known], [radius for _, radius in known], bits)
    distances = [(int.from_bytes(each, "big") ^ int.from_bytes(query, "big")).bit_count() for each, _ in known]
    expected = [(row, apart) for row, apart in enumerate(distances) if apart <= known[row][1]]
    assert sorted(index.search(query)) == expected


def test_wrong_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="hash 1 has 7 bytes, not 8"):
        HammingIndex([bytes(8), bytes(7)], [0, 0], 64)
    with pytest.raises(ValueError, match="has 32 bytes, not 8"):
        HammingIndex([bytes(8)], [0], 64).search(bytes(32))
