"""A segment finds what comparing every hash finds: whatever the data, the radius and the number of tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from seawall.match.hashindex.bits import mix, mix_one, read_hashes, scan
from seawall.match.hashindex.segments import (
    Probe,
    Segment,
    best_tables,
    build_segment,
    key_widths,
    load_segment,
    save_segment,
)
from seawall.match.pdq import pdq_luma
from support.examples import examples

ROWS = 30_000


def _uniform(random: np.random.Generator) -> NDArray[np.uint64]:
    return random.integers(0, 2**64, (ROWS, 4), dtype=np.uint64)


def _clustered(random: np.random.Generator) -> NDArray[np.uint64]:
    """A few hundred images, each in a hundred variants; and one of them in thousands of copies."""
    centres = random.integers(0, 2**64, (300, 4), dtype=np.uint64)
    noise = random.integers(0, 2**64, (4, ROWS, 4), dtype=np.uint64)
    hashes = centres[random.integers(0, 300, ROWS)] ^ (noise[0] & noise[1] & noise[2] & noise[3])
    hashes[:3000] = centres[0]
    return hashes


def _gradients(random: np.random.Generator) -> NDArray[np.uint64]:
    """What PDQ makes of faint clouds on the same light gradient: hashes that share many of their bits."""
    across, down = np.meshgrid(np.linspace(0, 1, 64), np.linspace(0, 1, 64))
    slope = 90 * across + 60 * down
    falling = 1 / np.maximum(np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64))), 1 / 64)
    made = []
    for _ in range(600):
        clouds = np.fft.ifft2(np.fft.fft2(random.normal(size=(64, 64))) * falling).real
        made.append(pdq_luma(slope * random.uniform(0.5, 2) + clouds).hash)
    base = read_hashes(made)
    noise = random.integers(0, 2**64, (3, ROWS, 4), dtype=np.uint64)
    return base[random.integers(0, len(base), ROWS)] ^ (noise[0] & noise[1] & noise[2])


DATA = {"uniform": _uniform, "clustered": _clustered, "gradients": _gradients}


@pytest.fixture(scope="module", params=[(name, tables) for name in DATA for tables in (13, 16, 24)], ids=str)
def held(request: pytest.FixtureRequest) -> tuple[NDArray[np.uint64], Segment]:
    name, tables = request.param
    hashes = DATA[name](np.random.default_rng(3))
    return hashes, build_segment(np.arange(ROWS), mix(hashes), tables)


def _flipped(hash: NDArray[np.uint64], bits: list[int]) -> bytes:
    number = int.from_bytes(hash.tobytes(), "little")
    for bit in bits:
        number ^= 1 << bit
    return number.to_bytes(32, "little")


def _compare_all(hashes: NDArray[np.uint64], query: bytes, radius: int) -> dict[int, int]:
    distances = np.bitwise_count(hashes ^ np.frombuffer(query, dtype=np.uint64)).sum(axis=1)
    return {int(row): int(distances[row]) for row in np.flatnonzero(distances <= radius)}


@settings(max_examples=examples(60))
@given(
    row=st.integers(0, ROWS - 1),
    bits=st.lists(st.integers(0, 255), unique=True, max_size=60),
    radius=st.one_of(st.integers(0, 40), st.just(31), st.integers(0, 256)),
)
def test_finds_what_comparing_all_finds(
    held: tuple[NDArray[np.uint64], Segment], row: int, bits: list[int], radius: int
) -> None:
    hashes, segment = held
    query = _flipped(hashes[row], bits)
    rows, distances = segment.search(Probe.of(mix_one(query)), radius)
    assert dict(zip(rows.tolist(), distances.tolist(), strict=True)) == _compare_all(hashes, query, radius)
    assert len(set(rows.tolist())) == len(rows)


@pytest.mark.parametrize("tables", [16, 13])
def test_a_hash_at_exactly_the_radius_is_found_wherever_its_bits_differ(tables: int) -> None:
    """Evenly over all keys, and all in the fewest keys: the worst cases of the pigeonhole."""
    random = np.random.default_rng(5)
    hashes = random.integers(0, 2**64, (ROWS, 4), dtype=np.uint64)
    segment = build_segment(np.arange(ROWS), mix(hashes), tables)
    for spread in (random.permutation(256), np.arange(256), np.arange(0, 2048, 8) % 257 % 256):
        for radius in range(32):
            bits = list(dict.fromkeys(spread.tolist()))[:radius]
            rows, distances = segment.search(Probe.of(mix_one(_flipped(hashes[17], bits))), radius)
            assert (17, radius) in zip(rows.tolist(), distances.tolist(), strict=True)


def test_ten_thousand_queries_among_a_hundred_thousand(full: bool) -> None:
    """The short form asks a thousand of them, among as many hashes."""
    random = np.random.default_rng(7)
    hashes = random.integers(0, 2**64, (100_000, 4), dtype=np.uint64)
    hashes[50_000:] = np.concatenate([_gradients(random), hashes[:20_000]])
    words = mix(hashes)
    segment = build_segment(np.arange(len(hashes)), words)
    assert len(segment.widths) == 16
    for number in range(10_000 if full else 1_000):
        flips = random.choice(256, number % 40, replace=False).tolist()
        query = mix_one(_flipped(hashes[random.integers(len(hashes))], flips))
        rows, distances = segment.search(Probe.of(query), 31)
        expected, their_distances = scan(words, query, 31)
        assert np.array_equal(rows, expected)
        assert np.array_equal(distances, their_distances)


def test_mixing_keeps_every_distance() -> None:
    random = np.random.default_rng(1)
    hashes = random.integers(0, 2**64, (5000, 4), dtype=np.uint64)
    mixed = mix(hashes)
    assert mixed.shape == (4, 5000)
    before = np.bitwise_count(hashes ^ hashes[0]).sum(axis=1)
    after = np.bitwise_count(mixed ^ mixed[:, :1]).sum(axis=0)
    assert np.array_equal(before, after)
    assert np.array_equal(mixed[:, 9], mix_one(hashes[9].tobytes()))


def test_mixing_is_the_same_for_ever() -> None:
    """Files hold mixed hashes: another order would find nothing in them."""
    assert mix_one(bytes(range(32))).tobytes().hex() == MIXED


MIXED = "0101b4206043f408a67840928222f9d02f081191aa05840023c206021bc30800"


def test_keys_cover_every_bit_once() -> None:
    for tables in range(1, 41):
        assert sum(key_widths(tables)) == 256
        assert max(key_widths(tables)) - min(key_widths(tables)) <= 1
    assert key_widths(0) == ()


def test_more_hashes_get_fewer_and_wider_keys() -> None:
    chosen = [best_tables(rows) for rows in (10, 100_000, 500_000, 2_000_000, 10_000_000, 100_000_000)]
    assert chosen == [0, 16, 14, 13, 11, 10]


@pytest.mark.parametrize("tables", [0, 16])
def test_a_saved_segment_is_the_same(tmp_path: Path, tables: int) -> None:
    random = np.random.default_rng(2)
    hashes = random.integers(0, 2**64, (ROWS, 4), dtype=np.uint64)
    segment = build_segment(random.permutation(ROWS), mix(hashes), tables)
    save_segment(segment, tmp_path / "one")
    loaded = load_segment(tmp_path / "one", tables)
    probe = Probe.of(mix_one(hashes[5].tobytes()))
    assert len(loaded) == ROWS
    assert [part.tolist() for part in loaded.search(probe, 31)] == [part.tolist() for part in segment.search(probe, 31)]
    with pytest.raises(ValueError, match="do not fit"):
        load_segment(tmp_path / "one", tables + 1)


def test_crowded_keys_cost_no_more_than_a_scan_and_miss_nothing() -> None:
    """Everything under the same keys, at distance 32 and 31 of the query."""
    hashes = np.zeros((ROWS, 4), dtype=np.uint64)
    hashes[: ROWS // 2, 3] = 1
    segment = build_segment(np.arange(ROWS), mix(hashes), 16)
    query = ((1 << 31) - 1).to_bytes(32, "little")
    rows, distances = segment.search(Probe.of(mix_one(query)), 31)
    assert rows.tolist() == list(range(ROWS // 2, ROWS))
    assert set(distances.tolist()) == {31}
