"""An index that grows and shrinks finds, at every moment, what a plain list would."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seawall.match.hashindex import index as index_module
from seawall.match.hashindex.index import HashIndex
from seawall.match.hashindex.manifest import IndexDamaged
from support.examples import examples

CENTRES = [bytes([n]) * 32 for n in (0, 15, 170)]


def _flip(hash: bytes, bits: list[int]) -> bytes:
    number = int.from_bytes(hash, "big")
    for bit in bits:
        number ^= 1 << bit
    return number.to_bytes(32, "big")


def _distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def _nearest(rows: list[tuple[int, bytes]], query: bytes, radius: int) -> dict[int, int]:
    """What an index that holds these rows must find."""
    found: dict[int, int] = {}
    for number, hash in rows:
        distance = _distance(hash, query)
        if distance <= radius:
            found[number] = min(distance, found.get(number, distance))
    return found


_hash = st.builds(_flip, st.sampled_from(CENTRES), st.lists(st.integers(0, 255), max_size=40, unique=True))
_id = st.one_of(st.integers(-3, 12), st.sampled_from([2**63 - 1, -(2**63)]))
_rows = st.lists(st.tuples(_id, _hash), max_size=12)
_step = st.one_of(
    st.tuples(st.just("add"), _rows),
    st.tuples(st.just("instead"), _rows),
    st.tuples(st.just("remove"), st.lists(_id, max_size=4)),
    st.tuples(st.just("merge"), st.booleans()),
    st.tuples(st.just("reopen"), st.none()),
)


@pytest.mark.parametrize("kept", ["memory", "folder"])
@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 1), _step), max_size=25), query=_hash, radius=st.integers(0, 80))
def test_like_a_list_whatever_happens(
    tmp_path_factory: pytest.TempPathFactory,
    kept: str,
    steps: list[tuple[int, tuple[str, object]]],
    query: bytes,
    radius: int,
) -> None:
    folder = tmp_path_factory.mktemp("index") if kept == "folder" else None
    made = HashIndex.in_memory() if folder is None else HashIndex.open(folder)
    handles = [made, made if folder is None else HashIndex.open(folder)]
    rows: list[tuple[int, bytes]] = []
    with patch.object(index_module, "DELTA_ROWS", 6), contextlib.ExitStack() as stack:
        for mark, (who, (what, given)) in enumerate(steps, start=1):
            handle = handles[who]
            if what in ("add", "instead"):
                new: list[tuple[int, bytes]] = given  # type: ignore[assignment]
                if what == "instead":
                    rows = [row for row in rows if row[0] not in {number for number, _ in new}]
                handle.add([row[0] for row in new], [row[1] for row in new], mark=mark, instead=what == "instead")
                rows = [*rows, *new]
            elif what == "remove":
                handle.remove(given, mark=mark)  # type: ignore[arg-type]
                rows = [row for row in rows if row[0] not in given]  # type: ignore[operator]
            elif what == "merge":
                handle.merge(everything=bool(given))
            elif folder is not None:
                handle.close()
                handles[who] = HashIndex.open(folder)
            for each in handles:
                each.refresh()
                assert len(each) == len(rows)
                found = each.search(query, radius)
                assert dict(found) == _nearest(rows, query, radius)
                assert len(dict(found)) == len(found)
                assert [distance for _, distance in found] == sorted(distance for _, distance in found)
                if what in ("add", "instead", "remove"):
                    assert each.mark == mark
        for each in handles:
            stack.callback(each.close)


@pytest.fixture(params=["memory", "folder"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HashIndex]:
    with HashIndex.in_memory() if request.param == "memory" else HashIndex.open(tmp_path / "index") as made:
        yield made


def test_the_life_of_an_entry(index: HashIndex) -> None:
    index.add([7, 8], [bytes(32), _flip(bytes(32), [0, 9])], mark=3)
    assert index.search(bytes(32), 31) == [(7, 0), (8, 2)]
    assert index.search(bytes(32), 1) == [(7, 0)]
    index.remove([7, 99])
    assert index.search(bytes(32), 31) == [(8, 2)]
    assert (len(index), index.mark) == (1, 3)
    index.add([7], [_flip(bytes(32), [5])])
    assert index.search(bytes(32), 31) == [(7, 1), (8, 2)]


def test_entries_of_the_same_hash_are_all_found_and_an_entry_once(index: HashIndex) -> None:
    index.add([1, 2, 1], [bytes(32), bytes(32), _flip(bytes(32), [1])])
    assert index.search(bytes(32), 31) == [(1, 0), (2, 0)]
    index.remove([1])
    assert index.search(bytes(32), 31) == [(2, 0)]
    assert len(index) == 1


def test_many_entries_at_once_become_a_segment(index: HashIndex) -> None:
    random = np.random.default_rng(1)
    hashes = random.integers(0, 2**64, (60_000, 4), dtype=np.uint64)
    index.add(np.arange(60_000), hashes, mark=5)
    index.add([60_000], [hashes[9].tobytes()], mark=6)
    assert not index.wants_merge
    assert index.search(_flip(hashes[9].tobytes(), list(range(31))), 31) == [(9, 31), (60_000, 31)]
    index.remove(np.arange(50_000))
    assert index.wants_merge
    assert index.search(hashes[9].tobytes(), 31) == [(60_000, 0)]
    assert index.merge()
    assert (len(index), index.mark, index.wants_merge) == (10_001, 6, False)
    assert index.search(hashes[9].tobytes(), 31) == [(60_000, 0)]
    assert index.search(hashes[59_999].tobytes(), 31) == [(59_999, 0)]
    assert not index.merge()


def test_what_cannot_be_added_is_refused(index: HashIndex) -> None:
    with pytest.raises(ValueError, match="2 ids, 1 hashes"):
        index.add([1, 2], [bytes(32)])
    with pytest.raises(ValueError, match="hash 1 has 31 bytes"):
        index.add([1, 2], [bytes(32), bytes(31)])
    with pytest.raises(ValueError, match="float64 of shape"):
        index.add([1], np.zeros((1, 4)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="64 bits"):
        index.add([2**63], [bytes(32)])
    with pytest.raises(ValueError, match="the hash has 3 bytes"):
        index.search(b"abc", 31)
    assert len(index) == 0


def test_searches_go_on_while_it_merges_and_changes(index: HashIndex) -> None:
    """One thread merges without end, this one adds, removes and searches: nothing is ever missing or too much."""
    random = np.random.default_rng(4)
    hashes = random.integers(0, 2**64, (3000, 4), dtype=np.uint64)
    ended = threading.Event()
    failures: list[BaseException] = []

    def merge() -> None:
        try:
            while not ended.is_set():
                index.merge(everything=True)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=merge)
    thread.start()
    try:
        for n in range(0, 3000, 20):
            index.add(np.arange(n, n + 20), hashes[n : n + 20], mark=n)
            index.remove([n, n + 1])
            for number in (n, n + 1, n + 2, n // 2 // 20 * 20, n // 2 // 20 * 20 + 5):
                gone = number % 20 < 2
                assert index.search(hashes[number].tobytes(), 31) == ([] if gone else [(number, 0)])
            assert len(index) == (n // 20 + 1) * 18
    finally:
        ended.set()
        thread.join()
    assert not failures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


def test_other_processes_see_changes_at_once(folder: Path) -> None:
    with HashIndex.open(folder) as writer, HashIndex.open(folder) as reader:
        assert not reader.refresh()
        writer.add([1], [bytes(32)], mark=2)
        assert reader.search(bytes(32), 31) == []
        assert reader.refresh()
        assert reader.search(bytes(32), 31) == [(1, 0)]
        assert not reader.refresh()
        assert writer.merge()
        assert reader.refresh()
        assert reader.search(bytes(32), 31) == [(1, 0)]
        writer.remove([1])
        assert reader.refresh()
        assert (reader.search(bytes(32), 31), len(reader), reader.mark) == ([], 0, 2)


def test_only_its_owner_may_read_the_folder(folder: Path) -> None:
    with HashIndex.open(folder) as index:
        index.add([1], [bytes(32)])
        assert index.merge()
    assert folder.stat().st_mode & 0o077 == 0


def test_a_merge_leaves_no_old_files(folder: Path) -> None:
    with HashIndex.open(folder) as index:
        for n in range(5):
            index.add([n], [bytes([n]) * 32])
            assert index.merge(everything=True)
        index.add([9], [bytes([9]) * 32])
        assert index.merge(everything=True)
        names = sorted(path.name.split("-")[0] for path in folder.iterdir())
        assert names.count("journal") == 1
        assert names.count("segment") <= 2  # the present one, and the one before until the next merge


def test_one_merge_at_a_time(folder: Path) -> None:
    with HashIndex.open(folder) as one, HashIndex.open(folder) as other:
        one.add([1], [bytes(32)])
        build, tried = index_module.build_segment, []

        def meanwhile(*arguments: object) -> object:
            tried.append(other.merge())
            other.add([2], [bytes(32)])
            return build(*arguments)  # type: ignore[arg-type]

        with patch.object(index_module, "build_segment", meanwhile):
            assert one.merge()
        assert tried == [False]
        assert one.search(bytes(32), 0) == [(1, 0), (2, 0)]
        assert len(one) == 2


def test_a_closed_index_says_so(folder: Path) -> None:
    index = HashIndex.open(folder)
    index.close()
    with pytest.raises(ValueError, match="has been closed"):
        index.refresh()
    with pytest.raises(ValueError, match="has been closed"):
        index.add([1], [bytes(32)])


@pytest.mark.parametrize("damage", ["manifest", "format", "segment gone", "segment short", "other arrays"])
def test_damage_is_named_with_its_remedy(folder: Path, damage: str) -> None:
    with HashIndex.open(folder) as index:
        index.add([1], [bytes(32)])
        assert index.merge()
    (segment,) = folder.glob("segment-*")
    if damage == "manifest":
        (folder / "manifest.json").write_text("{")
    elif damage == "format":
        (folder / "manifest.json").write_text('{"format": 99}')
    elif damage == "segment gone":
        (segment / "ids.npy").unlink()
    elif damage == "segment short":
        os.truncate(segment / "words.npy", 100)
    else:
        np.save(segment / "ids.npy", np.arange(7))
    with pytest.raises(IndexDamaged, match="remove the folder and add its entries again"):
        HashIndex.open(folder)


def test_a_journal_cut_anywhere_ends_with_the_last_whole_change(folder: Path) -> None:
    with HashIndex.open(folder) as index:
        index.add([1], [bytes(32)], mark=1)
        (journal,) = folder.glob("journal-*")
        before = journal.stat().st_size
        index.add([2, 3], [bytes(32)] * 2, mark=2)
        whole = journal.read_bytes()
    for size in range(before, len(whole)):
        journal.write_bytes(whole[:size])
        with HashIndex.open(folder) as index:
            assert (index.search(bytes(32), 0), index.mark) == ([(1, 0)], 1)
    for at in range(before, len(whole)):
        journal.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with HashIndex.open(folder) as index:
            assert (index.search(bytes(32), 0), index.mark) == ([(1, 0)], 1)
    with HashIndex.open(folder) as index:  # the next change is written over the torn one
        index.add([4], [bytes(32)], mark=4)
    with HashIndex.open(folder) as index:
        assert (index.search(bytes(32), 0), index.mark) == ([(1, 0), (4, 0)], 4)


class Crash(Exception):
    """The machine stops here."""


@pytest.mark.parametrize("what", ["add", "segment", "remove", "merge", "instead"])
def test_a_crash_at_any_write_leaves_before_or_after(tmp_path: Path, what: str) -> None:
    """Every fsync, in turn, is the last thing that happens; then the index is opened anew."""
    before = {1: 0, 2: 0}
    after = {"add": {**before, 3: 0}, "segment": dict.fromkeys(range(10), 0), "remove": {2: 0}, "merge": before}
    after["instead"] = {1: 1, 2: 0}
    crashes, done = 0, False
    while not done:
        folder = tmp_path / f"index-{crashes}"
        index = HashIndex.open(folder)
        index.add([1], [bytes(32)], mark=1)
        assert index.merge()
        index.add([2], [bytes(32)], mark=2)
        left = crashes

        def crash(descriptor: int) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                raise Crash

        with patch.object(os, "fsync", crash), patch.object(index_module, "DELTA_ROWS", 6):
            try:
                if what == "add":
                    index.add([3], [bytes(32)], mark=3)
                elif what == "segment":
                    index.add(range(10), [bytes(32)] * 10, mark=3)
                elif what == "remove":
                    index.remove([1], mark=3)
                elif what == "instead":
                    index.add([1], [_flip(bytes(32), [0])], mark=3, instead=True)
                else:
                    index.merge(everything=True)
                done = True
            except Crash:
                crashes += 1
        with HashIndex.open(folder) as opened:
            found = dict(opened.search(bytes(32), 31))
            assert found in (before, after[what])
            assert opened.mark == (3 if found == after[what] and what != "merge" else 2) or what == "instead"
            if done:
                assert found == after[what]
            opened.add([50], [bytes(32)], mark=9)
            opened.merge(everything=True)
            assert dict(opened.search(bytes(32), 31)) == {**found, 50: 0}
            assert opened.mark == 9
        index.close()
    assert crashes >= (8 if what in ("merge", "segment") else 1)


WRITER = """
import sys
from seawall.match.hashindex.index import HashIndex
folder, number = sys.argv[1], int(sys.argv[2])
with HashIndex.open(folder) as index:
    for n in range(number, 10**9, 2):
        index.add([n], [n.to_bytes(32, "little")])
        if n >= 40:
            index.remove([n - 40])
        if n % 30 < 2:
            index.merge()
        print(n, flush=True)
"""


def test_processes_that_write_at_once_and_are_killed_lose_nothing(folder: Path) -> None:
    """Two write, merge and are killed in the middle; what they had said was added is there, what they removed not."""
    for _ in range(3):
        with contextlib.ExitStack() as stack:
            writers = [
                stack.enter_context(
                    subprocess.Popen(
                        [sys.executable, "-c", WRITER, folder, str(n)], stdout=subprocess.PIPE, encoding="ascii"
                    )
                )
                for n in (0, 1)
            ]
            for _ in range(100):
                for writer in writers:
                    assert writer.stdout is not None
                    assert writer.stdout.readline()
            for writer in writers:
                writer.kill()
            said = [[int(line) for line in writer.stdout or () if line.endswith("\n")] for writer in writers]
        last = [max(lines, default=198 + n) for n, lines in enumerate(said)]
        with HashIndex.open(folder) as index:
            for n in range(2):
                for number in range(n, last[n] + 1, 2):
                    found = (number, 0) in index.search(number.to_bytes(32, "little"), 0)
                    if number > last[n] - 38:  # the write after the last that was said may have happened
                        assert found
                    elif number <= last[n] - 40:
                        assert not found
            index.remove(range(max(last) + 3))  # each may have added one more than it said
            assert len(index) == 0
