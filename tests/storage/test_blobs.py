"""Blobs: what is put under a digest is what comes back."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.storage import Blobs, StorageError


@given(st.binary())
def test_bytes_come_back(data: bytes) -> None:
    blobs = Blobs.memory()
    assert blobs.get(blobs.put(data)) == data


def test_a_blob_is_addressed_by_its_content(tmp_path: Path) -> None:
    blobs = Blobs.local(tmp_path / "deep" / "blobs")
    digest = blobs.put(b"image")
    assert digest == sha256(b"image").hexdigest()
    assert blobs.put(b"image") == digest
    assert Blobs.local(tmp_path / "deep" / "blobs").get(digest) == b"image"


@pytest.mark.parametrize("digest", ["0" * 64, "../../etc/passwd", "", "0" * 63 + "G"])
def test_unknown_digests(tmp_path: Path, digest: str) -> None:
    with pytest.raises(KeyError):
        Blobs.local(tmp_path).get(digest)


def test_damage_is_noticed(tmp_path: Path) -> None:
    blobs = Blobs.local(tmp_path)
    digest = blobs.put(b"image")
    (tmp_path / digest[:2] / digest).write_bytes(b"other")
    with pytest.raises(StorageError, match="damaged"):
        blobs.get(digest)


def test_a_place_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="cannot be used"):
        Blobs.local(tmp_path / "file" / "blobs")
    blobs = Blobs.local(tmp_path / "blobs")
    digest = sha256(b"image").hexdigest()
    (tmp_path / "blobs" / digest[:2]).write_text("in the way")
    with pytest.raises(StorageError, match="cannot be stored"):
        blobs.put(b"image")
