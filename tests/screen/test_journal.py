"""The journal of answers ahead of their record: what is in it is on the disk, sealed, whole, and read once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.screen.journal import AnswerJournal, left_journals
from seawall.storage import StorageError, Vault, open_database


@pytest.fixture
def vault(sqlite_url: str, tmp_path: Path) -> Iterator[Vault]:
    database = open_database(sqlite_url)
    yield Vault.open_in(database, tmp_path)
    database.close()


def written(folder: Path, vault: Vault, *entries: bytes) -> AnswerJournal:
    journal = AnswerJournal(folder, vault)
    for number, added in enumerate([journal.add(entry) for entry in entries]):
        assert added.result(30) == number
    return journal


def left(folder: Path, vault: Vault) -> list[bytes]:
    return [entry for one in left_journals(folder, vault) for entry in one.entries()]


def test_entries_are_left_for_the_next_process_and_not_for_others(vault: Vault, tmp_path: Path) -> None:
    folder = tmp_path / "unrecorded"
    assert left(folder, vault) == []
    journal = written(folder, vault, b"one", b"", b"three" * 9_999)
    assert left(folder, vault) == []  # its process still runs
    (file,) = folder.iterdir()
    assert b"three" not in file.read_bytes()
    assert (folder.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o600)
    journal.close()
    journal.close()
    assert left(folder, vault) == [b"one", b"", b"three" * 9_999]
    for one in left_journals(folder, vault):
        one.remove()
    assert list(folder.iterdir()) == []


def test_a_journal_whose_answers_are_recorded_is_emptied_and_removed(vault: Vault, tmp_path: Path) -> None:
    journal = written(tmp_path / "unrecorded", vault, b"one", b"two")
    journal.done(0)
    assert journal.add(b"three").result(30) == 2
    journal.done(1)
    journal.done(2)
    number = journal.add(b"four").result(30)  # written after it was emptied
    (file,) = (tmp_path / "unrecorded").iterdir()
    assert file.stat().st_size < 100
    journal.done(number)
    journal.close()
    assert list((tmp_path / "unrecorded").iterdir()) == []


@pytest.mark.parametrize("cut", [1, 3, 20])
def test_half_an_entry_at_the_end_was_never_answered(vault: Vault, tmp_path: Path, cut: int) -> None:
    written(tmp_path / "unrecorded", vault, b"one", b"two").close()
    (file,) = (tmp_path / "unrecorded").iterdir()
    file.write_bytes(file.read_bytes()[:-cut])
    assert left(tmp_path / "unrecorded", vault) == [b"one"]


def test_entries_in_another_order_are_refused_and_kept(vault: Vault, tmp_path: Path) -> None:
    written(tmp_path / "unrecorded", vault, b"one", b"two").close()
    (file,) = (tmp_path / "unrecorded").iterdir()
    whole = file.read_bytes()
    half = len(whole) // 2
    file.write_bytes(whole[half:] + whole[:half])
    for one in left_journals(tmp_path / "unrecorded", vault):
        with pytest.raises(StorageError):
            list(one.entries())
    assert file.exists()


def test_a_folder_that_cannot_be_written_is_said(vault: Vault, tmp_path: Path) -> None:
    (tmp_path / "unrecorded").write_text("a file")
    journal = AnswerJournal(tmp_path / "unrecorded", vault)
    with pytest.raises(OSError, match="unrecorded"):
        journal.add(b"one").result(30)
    journal.close()
