"""Hashes, queries and peers of the matching benchmark."""

from __future__ import annotations

import importlib.util
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seawall.match.hashindex.bits import scan
from seawall.match.hashindex.index import HashIndex
from seawall.match.pdq import pdq_luma

RADIUS = 31
_BLOCK = 50_000
Hashes = NDArray[np.uint64]


def uniform(rows: int, random: np.random.Generator) -> Hashes:
    """Hashes of images that have nothing in common."""
    return random.integers(0, 2**64, (rows, 4), dtype=np.uint64)


def skewed(rows: int, random: np.random.Generator) -> Hashes:
    """PDQ hashes of faint clouds on light gradients, with many variants of each: they share bits, and lie together."""
    across, down = np.meshgrid(np.linspace(0, 1, 64), np.linspace(0, 1, 64))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64)))
    made = []
    for _ in range(max(1, min(5000, rows // 100))):
        clouds = np.fft.ifft2(np.fft.fft2(random.normal(size=(64, 64))) / np.maximum(frequency, 1 / 64)).real
        made.append(pdq_luma(120 * random.uniform(0.5, 1) * (across + random.uniform(0.3, 1) * down) + clouds).hash)
    base = np.frombuffer(b"".join(made), dtype=np.uint64).reshape(-1, 4)
    hashes = base[random.integers(0, len(base), rows)]
    for first in range(0, rows, 1_000_000):
        noise = random.integers(0, 2**64, (4, min(1_000_000, rows - first), 4), dtype=np.uint64)
        hashes[first : first + 1_000_000] ^= noise[0] & noise[1] & noise[2] & noise[3]  # 16 bits
    return hashes


def make_queries(hashes: Hashes, count: int, random: np.random.Generator) -> list[bytes]:
    """Hashes of the index with 0 to 31 bits flipped, and every fourth one of nothing that it holds."""
    queries = []
    for number in range(count):
        bits = np.unpackbits(hashes[random.integers(len(hashes))].view(np.uint8))
        bits[random.choice(256, number // 4 * 3 % 32 if number % 4 else 0, replace=False)] ^= 1
        queries.append(np.packbits(bits).tobytes() if number % 4 else random.bytes(32))
    return queries


def full_scan(hashes: Hashes, queries: Sequence[bytes]) -> list[set[int]]:
    """What is within the radius of each query, found by comparing every hash; every hundredth twice, the plain way."""
    words = [np.frombuffer(query, dtype=np.uint64) for query in queries]
    found: list[set[int]] = [set() for _ in queries]
    for first in range(0, len(hashes), _BLOCK):  # small enough to stay in the cache for all queries
        block = np.ascontiguousarray(hashes[first : first + _BLOCK].T)
        for each, query in zip(found, words, strict=True):
            each.update(first + row for row in scan(block, query, RADIUS)[0].tolist())
    for each, query in zip(found[::100], words[::100], strict=True):
        assert each == set(np.flatnonzero(np.bitwise_count(hashes ^ query).sum(axis=1) <= RADIUS).tolist())
    return found


def resident_mb() -> float:
    """Memory of this process that is its own or mapped, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclass(frozen=True)
class Engine:
    """An index that is built. ``search`` takes a query as ``prepare`` made it; ``ids`` reads its answer."""

    name: str
    prepare: Callable[[bytes], Any]
    search: Callable[[Any], Any]
    ids: Callable[[Any], set[int]]
    add: Callable[[int], None]  # one more entry of that id


def seawall(hashes: Hashes, stack: ExitStack) -> Engine:
    """Ours, in a folder, as every process uses it."""
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    with HashIndex.open(folder) as index:
        index.add(np.arange(len(hashes)), hashes)
    index = stack.enter_context(HashIndex.open(folder))
    return Engine(
        "seawall",
        prepare=lambda query: query,
        search=lambda query: index.search(query, RADIUS),
        ids=lambda found: {number for number, _ in found},
        add=lambda number: index.add([number], [b"\xff" * 31 + bytes([number % 256])]),
    )


def threatexchange(hashes: Hashes, stack: ExitStack) -> Engine:
    """What python-threatexchange and HMA ask."""
    from threatexchange.signal_type.pdq.pdq_index import PDQIndex

    data = hashes.tobytes().hex()
    index = PDQIndex((data[64 * row : 64 * row + 64], row) for row in range(len(hashes)))
    return Engine(
        "threatexchange PDQIndex",
        prepare=lambda query: query.hex(),
        search=index.query,
        ids=lambda found: {match.metadata for match in found},
        add=lambda number: index.add("ff" * 31 + f"{number % 256:02x}", number),
    )


def faiss_flat(hashes: Hashes, stack: ExitStack) -> Engine:
    """FAISS, comparing every hash."""
    import faiss

    return _faiss("FAISS IndexBinaryFlat", faiss.IndexBinaryFlat(256), hashes)


def faiss_multihash(hashes: Hashes, stack: ExitStack) -> Engine:
    """FAISS with multi-index hashing: 16 tables of 16 bits, one flip, as threatexchange has it."""
    import faiss

    index = faiss.IndexBinaryMultiHash(256, 16, 16)
    index.nflip = 1
    return _faiss("FAISS MultiHash 16x16", index, hashes)


def _faiss(name: str, index: Any, hashes: Hashes) -> Engine:
    import faiss

    faiss.omp_set_num_threads(1)
    index.add(hashes.view(np.uint8))
    return Engine(
        name,
        prepare=lambda query: np.frombuffer(query, dtype=np.uint8)[None],
        search=lambda query: index.range_search(query, RADIUS + 1),
        ids=lambda found: set(found[2].tolist()),
        add=lambda number: index.add(np.full((1, 32), number % 256, dtype=np.uint8)),
    )


MAKERS: dict[str, tuple[str, Callable[[Hashes, ExitStack], Engine]]] = {
    "threatexchange": ("threatexchange", threatexchange),
    "flat": ("faiss", faiss_flat),
    "multihash": ("faiss", faiss_multihash),
}


def available(names: Sequence[str]) -> tuple[list[Callable[[Hashes, ExitStack], Engine]], list[str]]:
    """Peers that can be built here, and the packages that are not installed."""
    there = [MAKERS[name][1] for name in names if importlib.util.find_spec(MAKERS[name][0])]
    return there, sorted({MAKERS[name][0] for name in names if not importlib.util.find_spec(MAKERS[name][0])})


def seconds(run: Callable[[], object]) -> float:
    """How long one call took."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def cpu_seconds(run: Callable[[], object]) -> float:
    """For how long one call kept this thread's core busy: what it takes where nothing else runs."""
    started = time.thread_time()
    run()
    return time.thread_time() - started
