"""A backup of a running installation holds every event, and is restored elsewhere as a whole."""

from __future__ import annotations

import io
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Picture

from databases import MIGRATIONS
from seawall.app import COMPONENTS, open_app
from seawall.model import Image, now_ms
from seawall.screen import load_item
from seawall.screen.queries import find_item_ref
from seawall.screen.retention import enforce_retention
from seawall.storage import StorageError, open_database
from seawall.storage.backup import back_up, head_of, restore
from seawall.storage.collector import delete_unused_files, missing_files
from seawall.storage.erasure import erase_subject, find_subject
from seawall.storage.rotation import next_key, put_in_place, rotate_master_key
from support.app import Rig, opened, settings


def image() -> Image:
    file = io.BytesIO()
    Picture.new("RGB", (40, 30), (9, 40, 60)).save(file, "PNG")
    return Image(file.getvalue())


def fill(rig: Rig) -> None:
    rig.screen("with a picture", image=image(), id="n-0")
    for number in range(5):
        rig.screen(f"number {number}\twith\\ odd\nwords", id=f"n-{number + 1}", mood="\\N")


def test_a_backup_is_restored_elsewhere_and_verifies(
    database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with opened(tmp_path, database_url, "rude", "gore") as rig:
        fill(rig)
        decisions = [event for event in rig.events() if event.kind == "decision.made"]
        made = back_up(rig.app.database, rig.app.settings.data_dir, tmp_path / "backup", with_key=True)
        assert (made.events, made.with_key, made.blobs) == (rig.app.ledger.head(), True, 2)
        rig.screen("after the backup", id="n-later")
    shutil.rmtree(tmp_path / "data" / "blobs")
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "data").mkdir(parents=True)
    url = None if database_url.startswith("sqlite") else request.getfixturevalue("empty_postgres_url")
    chosen = settings(elsewhere, url)
    target = open_database(chosen.database_url)
    restored = restore(target, chosen.data_dir, tmp_path / "backup", MIGRATIONS)
    with pytest.raises(StorageError, match="not empty"):
        restore(target, chosen.data_dir, tmp_path / "backup", MIGRATIONS)
    target.close()
    assert restored == made
    with open_app(chosen) as app:
        verified = app.ledger.verify(expected=head_of(made))
        assert (verified.ok, verified.events) == (True, made.events), verified
        assert app.ledger.rebuild().equal
        found = [event for event in app.ledger.events() if event.kind == "decision.made"]
        assert found == decisions
        ref = find_item_ref(app.database, app.vault, "note", "n-0")
        assert ref is not None
        assert load_item(app.database, app.vault, app.blobs, ref.ref, 1).fields["image"] == image()
        assert find_item_ref(app.database, app.vault, "note", "n-later") is None
        assert app.bundle.hash


def test_a_backup_of_a_busy_database_holds_what_was_committed(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, "rude") as rig:
        stop, written = threading.Event(), []

        def write() -> None:
            while not stop.is_set():
                written.append(rig.screen("busy", id=f"n-{len(written)}"))

        thread = threading.Thread(target=write)
        thread.start()
        try:
            for number in range(3):
                before = rig.app.ledger.head()
                made = back_up(rig.app.database, rig.app.settings.data_dir, tmp_path / f"backup-{number}")
                assert made.events >= before
                head = head_of(made)
                assert head is not None
                assert 0 < head.seq <= made.events  # the last quarter of a second may not be signed yet
        finally:
            stop.set()
            thread.join()


def test_what_is_deleted_while_a_backup_is_made_is_in_it(database_url: str, tmp_path: Path, request: Any) -> None:
    with opened(tmp_path, database_url, "rude") as rig:
        for who in ("A", "B", "C"):
            rig.screen("with a picture", image=image(), id=f"n-{who}", actor=who)

        def meanwhile(copied: str) -> None:
            context = rig.app.context
            if copied == "blobs":  # before the database: a new item, and an erasure that the backup knows
                rig.screen("newer", image=image(), id="n-D", actor="D")
                erase_subject(context, find_subject(context, "account", "C"), by="per_1")
            elif copied == "database":  # after it: an erasure and an end of retention that the backup does not know
                erase_subject(context, find_subject(context, "account", "A"), by="per_1")
                enforce_retention(context, now=now_ms() + 181 * 86_400_000)
                delete_unused_files(context, grace_ms=-60_000)

        back_up(rig.app.database, rig.app.settings.data_dir, tmp_path / "backup", with_key=True, progress=meanwhile)
        assert missing_files(rig.app.context) == 0
    elsewhere = tmp_path / "elsewhere"
    url = None if database_url.startswith("sqlite") else request.getfixturevalue("empty_postgres_url")
    chosen = settings(elsewhere, url)
    chosen.data_dir.mkdir(parents=True)
    target = open_database(chosen.database_url)
    restore(target, chosen.data_dir, tmp_path / "backup", MIGRATIONS)
    target.close()
    with open_app(chosen) as app:
        for who in ("A", "B"):
            ref = find_item_ref(app.database, app.vault, "note", f"n-{who}")
            assert ref is not None
            assert load_item(app.database, app.vault, app.blobs, ref.ref, 1).fields["image"] == image()
        assert find_item_ref(app.database, app.vault, "note", "n-C") is None
        assert missing_files(app.context) == 1  # of n-D: stored and deleted while the backup was made


def test_the_key_in_a_backup_is_that_of_the_database_in_it(sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, sqlite_url, "rude") as rig:
        data = rig.app.settings.data_dir

        def rotate(copied: str) -> None:
            if copied == "database":
                rotate_master_key(rig.app.database, rig.app.vault.master, next_key(data), COMPONENTS)
                put_in_place(data)

        old = (data / "master.key").read_bytes()
        back_up(rig.app.database, data, tmp_path / "backup", with_key=True, progress=rotate)
    assert (tmp_path / "backup" / "master.key").read_bytes() == old
    assert (data / "master.key").read_bytes() != old


def test_a_restoration_that_was_killed_goes_on(sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, sqlite_url, "rude") as rig:
        fill(rig)
        back_up(rig.app.database, rig.app.settings.data_dir, tmp_path / "backup", with_key=True)
    chosen = settings(tmp_path / "elsewhere")
    there = next(path for path in (tmp_path / "backup" / "blobs").rglob("*") if path.is_file())
    half = chosen.data_dir / "blobs" / there.parent.name
    half.mkdir(parents=True)
    shutil.copy(there, half)
    (chosen.data_dir / "master.key.partial").write_text("half of a k")
    target = open_database(chosen.database_url)
    restore(target, chosen.data_dir, tmp_path / "backup", MIGRATIONS)
    target.close()
    with open_app(chosen) as app:
        assert missing_files(app.context) == 0


def test_without_being_asked_no_key_is_copied(sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, sqlite_url, "rude") as rig:
        back_up(rig.app.database, rig.app.settings.data_dir, tmp_path / "backup")
    assert not (tmp_path / "backup" / "master.key").exists()
    chosen = settings(tmp_path / "elsewhere")
    chosen.data_dir.mkdir(parents=True)
    target = open_database(chosen.database_url)
    restore(target, chosen.data_dir, tmp_path / "backup", MIGRATIONS)
    target.close()
    with pytest.raises(StorageError, match="key file"), open_app(chosen):
        pass


def _cut(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")


def _newer(folder: Path) -> None:
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"format": 1', '"format": 2'))


def _damaged(folder: Path) -> None:
    path = next(path for path in (folder / "blobs").rglob("*") if path.is_file())
    path.write_bytes(b"other bytes")


@pytest.mark.parametrize(
    ("harm", "says"),
    [(_cut, "no complete backup"), (_newer, "format 2"), (_damaged, "is damaged"), (shutil.rmtree, "no")],
)
def test_what_is_no_good_backup_is_refused(
    sqlite_url: str, tmp_path: Path, harm: Callable[[Path], None], says: str
) -> None:
    with opened(tmp_path, sqlite_url, "rude") as rig:
        fill(rig)
        back_up(rig.app.database, rig.app.settings.data_dir, tmp_path / "backup")
        with pytest.raises(StorageError, match="exists"):
            back_up(rig.app.database, rig.app.settings.data_dir, tmp_path / "backup")
    harm(tmp_path / "backup")
    chosen = settings(tmp_path / "elsewhere")
    chosen.data_dir.mkdir(parents=True)
    target = open_database(chosen.database_url)
    with pytest.raises(StorageError, match=says):
        restore(target, chosen.data_dir, tmp_path / "backup", MIGRATIONS)
    with target.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar() == 0
    target.close()


def test_a_backup_that_was_killed_is_no_backup(sqlite_url: str, tmp_path: Path) -> None:
    partial = tmp_path / "backup.partial"
    partial.mkdir()
    (partial / "seawall.db").write_bytes(b"half")
    with opened(tmp_path, sqlite_url, "rude") as rig:
        fill(rig)
        back_up(rig.app.database, rig.app.settings.data_dir, tmp_path / "backup")
    assert not partial.exists()
    assert os.stat(tmp_path / "backup").st_mode & 0o077 == 0
