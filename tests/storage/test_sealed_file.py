"""Large files are sealed in chunks: any range comes back, anything changed is refused, and memory stays small."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.storage import Blobs, StorageError
from seawall.storage.sealed_file import CHUNK, open_file, seal_file

HEADER, TAG = 20, 16


def stored(data: bytes, chunk: int) -> tuple[Blobs, str, bytes]:
    blobs = Blobs.memory()
    return (blobs, *seal_file(blobs, data, chunk=chunk))


def read(blobs: Blobs, digest: str, key: bytes, size: int) -> bytes:
    return b"".join(open_file(blobs, digest, key, size).read(0, size))


@given(st.binary(max_size=300), st.integers(1, 64), st.data())
def test_any_range_comes_back(data: bytes, chunk: int, draw: st.DataObject) -> None:
    blobs, digest, key = stored(data, chunk)
    assert sha256(blobs.get(digest)).hexdigest() == digest
    start = draw.draw(st.integers(0, len(data)))
    end = draw.draw(st.integers(start, len(data)))
    assert b"".join(open_file(blobs, digest, key, len(data)).read(start, end)) == data[start:end]
    assert read(blobs, digest, key, len(data)) == data


def flipped(blob: bytes, chunk: int, draw: st.DataObject) -> bytes:
    at = draw.draw(st.integers(0, len(blob) - 1))
    return blob[:at] + bytes([blob[at] ^ (1 << draw.draw(st.integers(0, 7)))]) + blob[at + 1 :]


def cut(blob: bytes, chunk: int, draw: st.DataObject) -> bytes:
    return blob[: draw.draw(st.integers(0, len(blob) - 1))]


def longer(blob: bytes, chunk: int, draw: st.DataObject) -> bytes:
    return blob + draw.draw(st.binary(min_size=1, max_size=80))


def moved(blob: bytes, chunk: int, draw: st.DataObject) -> bytes:
    """Two whole chunks change places."""
    size = chunk + TAG
    pieces = [blob[at : at + size] for at in range(HEADER, len(blob), size)]
    one, other = draw.draw(st.permutations(range(len(pieces))))[:2]
    pieces[one], pieces[other] = pieces[other], pieces[one]
    return blob[:HEADER] + b"".join(pieces)


def repeated(blob: bytes, chunk: int, draw: st.DataObject) -> bytes:
    """The first chunk stands also in the place of the second."""
    size = chunk + TAG
    return blob[: HEADER + size] + blob[HEADER : HEADER + size] + blob[HEADER + 2 * size :]


def cut_at_a_chunk(blob: bytes, chunk: int, draw: st.DataObject) -> bytes:
    """The last chunk is gone, and the header says so."""
    size = (len(blob) - HEADER - 1) // (chunk + TAG) * chunk
    return blob[: HEADER - 8] + size.to_bytes(8, "big") + blob[HEADER : HEADER + size // chunk * (chunk + TAG)]


@pytest.mark.parametrize("change", [flipped, cut, longer, moved, repeated, cut_at_a_chunk])
@given(st.binary(min_size=130, max_size=300), st.integers(1, 64), st.data())
def test_anything_changed_is_refused(
    change: Callable[[bytes, int, st.DataObject], bytes], data: bytes, chunk: int, draw: st.DataObject
) -> None:
    blobs, digest, key = stored(data, chunk)
    changed = change(blobs.get(digest), chunk, draw)
    if changed == blobs.get(digest):
        return
    for size in (len(data), len(changed), int.from_bytes(changed[12:20], "big")):
        with pytest.raises(StorageError):
            read(blobs, blobs.put(changed), key, size)


@given(st.binary(min_size=100, max_size=200), st.integers(1, 64))
def test_a_chunk_of_another_file_is_refused(data: bytes, chunk: int) -> None:
    blobs, digest, key = stored(data, chunk)
    other, _ = seal_file(blobs, data, chunk=chunk)
    assert other != digest
    place = slice(HEADER, HEADER + chunk + TAG)
    mixed = bytearray(blobs.get(digest))
    mixed[place] = blobs.get(other)[place]
    for swapped in (other, blobs.put(bytes(mixed))):
        with pytest.raises(StorageError, match="damaged"):
            read(blobs, swapped, key, len(data))


def test_a_newer_format_is_named() -> None:
    blobs, digest, key = stored(b"moving", 4)
    newer = blobs.get(digest)
    with pytest.raises(StorageError, match="unknown format 2"):
        open_file(blobs, blobs.put(newer[:7] + b"\x02" + newer[8:]), key, 6)


def test_what_is_no_sealed_file(tmp_path: Path) -> None:
    blobs = Blobs.local(tmp_path)
    for data in (b"", b"seawall", b"\0" * 300):
        with pytest.raises(StorageError, match="damaged"):
            open_file(blobs, blobs.put(data), bytes(32), len(data))
    with pytest.raises(KeyError):
        open_file(blobs, "0" * 64, bytes(32), 1)


def test_a_kilobyte_of_a_large_file_is_read_with_little_memory(tmp_path: Path) -> None:
    blobs = Blobs.local(tmp_path)
    size = 64 * CHUNK
    digest, key = seal_file(blobs, bytes(size))
    tracemalloc.start()
    try:
        piece = b"".join(open_file(blobs, digest, key, size).read(size // 2, size // 2 + 1024))
        assert piece == bytes(1024)
        whole = sum(map(len, open_file(blobs, digest, key, size).read(0, size)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert whole == size
    assert peak < 6 * CHUNK


def test_writing_holds_no_second_copy(tmp_path: Path) -> None:
    data = os.urandom(32 * CHUNK)
    tracemalloc.start()
    try:
        digest, _ = seal_file(Blobs.local(tmp_path), data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 * CHUNK
    assert (tmp_path / digest[:2] / digest).stat().st_size == HEADER + 32 * (CHUNK + TAG)


def test_a_copy_is_checked_and_a_damaged_one_leaves_nothing(tmp_path: Path) -> None:
    source, target = Blobs.local(tmp_path / "source"), Blobs.local(tmp_path / "target")
    digest, key = seal_file(source, bytes(3 * CHUNK + 5))
    source.copy(digest, target)
    assert target.get(digest) == source.get(digest)
    assert read(target, digest, key, 3 * CHUNK + 5) == bytes(3 * CHUNK + 5)
    target.delete(digest)
    file = tmp_path / "source" / digest[:2] / digest
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(StorageError, match="damaged"):
        source.copy(digest, target)
    assert [path for path in (tmp_path / "target").rglob("*") if path.is_file()] == []
    with pytest.raises(KeyError):
        source.copy("0" * 64, target)
