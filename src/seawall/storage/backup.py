"""Backup of a running installation, and its restoration elsewhere: the database at one moment, with its blobs.

A copy of a live SQLite file lacks what is still in its write-ahead log. A backup is a folder::

    manifest.json    what it is: release, migrations, number of events, signed head
    seawall.db       SQLite; or, of PostgreSQL, tables/<name>.copy
    blobs/           every blob
    master.key       only if asked for

It is written under another name and renamed at the end, so a folder without ``.partial`` is complete.

Blobs are copied before the database and again after it. Copied after it only, those that an erasure or the end of a
retention deleted meanwhile would lack, and the restored database would refer to them. What is stored and deleted again
while the backup is made may still lack: ``collector.missing_files`` counts it after a restoration.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, inspect, select

import seawall
from seawall.model import now_ms
from seawall.storage.blobs import Blobs
from seawall.storage.database import Database, open_database
from seawall.storage.errors import StorageError
from seawall.storage.keys import read_master_key
from seawall.storage.migrate import MigrationSource, applied_migrations, upgrade
from seawall.storage.replay import LedgerHead, last_seq, signed_head
from seawall.storage.tables import state
from seawall.storage.vault import KEY_FILE, NEXT_KEY_FILE

_FORMAT: Final = 1
_MANIFEST: Final = "manifest.json"
_SQLITE: Final = "seawall.db"
_NOT_COPIED: Final = ("schema_migration", "projection_build")  # made by the migrations; builds begin anew


class BackupManifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup is. ``head``: the signed head of its ledger, which the restored one must have."""

    format: int
    release: str
    database: str  # sqlite | postgresql
    made_at: int
    events: int
    head: str | None
    migrations: tuple[tuple[str, str], ...]
    with_key: bool
    blobs: int = 0


def back_up(
    database: Database,
    data_dir: Path,
    folder: Path,
    *,
    with_key: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> BackupManifest:
    """Write a backup to ``folder``, which must not exist; servers and workers go on meanwhile. Raises StorageError.

    ``progress`` is told what was copied: ``blobs``, ``database``, and ``newer blobs``.
    """
    if folder.exists():
        raise StorageError(f"{folder} exists. Name a new folder for the backup.")
    draft = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)  # of a backup that was killed
    draft.mkdir(parents=True, mode=0o700)
    source, target = Blobs.local(data_dir / "blobs"), Blobs.local(draft / "blobs")
    copied = _copy_blobs(source, target, set())
    progress("blobs")
    manifest, check = _copy_database(database, draft, with_key)
    progress("database")
    copied |= _copy_blobs(source, target, copied)
    progress("newer blobs")
    if with_key:
        _copy_key(_key_file(data_dir, check), draft / KEY_FILE)
    manifest = msgspec.structs.replace(manifest, blobs=len(copied))
    (draft / _MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    draft.rename(folder)
    return manifest


def _copy_blobs(source: Blobs, target: Blobs, copied: set[str]) -> set[str]:
    """Copy the blobs that are not copied yet; return which."""
    done = set()
    for digest, _ in source.listed():
        if digest not in copied:
            with suppress(KeyError):  # deleted meanwhile
                source.copy(digest, target)
                done.add(digest)
    return done


def restore(database: Database, data_dir: Path, folder: Path, sources: Sequence[MigrationSource]) -> BackupManifest:
    """Fill an empty database and data folder from a backup. Raises StorageError; then the database is unchanged.

    The caller opens the vault and verifies the ledger with the manifest's head.
    """
    manifest = read_manifest(folder)
    if manifest.database != database.dialect:
        raise StorageError(
            f"The backup is of {manifest.database}, and {database.place} is {database.dialect}. Give --database a "
            f"{manifest.database} one."
        )
    with database.read() as connection:
        if inspect(connection).get_table_names():
            raise StorageError(f"The database {database.place} is not empty. Restore into an empty one.")
    source, target = Blobs.local(folder / "blobs"), Blobs.local(data_dir / "blobs")
    there = {digest for digest, _ in target.listed()}  # of a restoration that was killed
    if there - {digest for digest, _ in source.listed()}:
        raise StorageError(f"The folder {data_dir / 'blobs'} is not empty. Restore into an empty data folder.")
    _copy_blobs(source, target, set())
    if manifest.with_key and not (data_dir / KEY_FILE).exists():
        _copy_key(folder / KEY_FILE, data_dir / KEY_FILE)
    if database.dialect == "sqlite":
        _restore_sqlite(database, folder / _SQLITE)
    else:
        with database.write() as connection:
            _restore_postgresql(connection, manifest, folder / "tables", sources)
    return manifest


def read_manifest(folder: Path) -> BackupManifest:
    """The manifest of a backup. Raises StorageError for a folder that is none."""
    try:
        manifest = msgspec.json.decode((folder / _MANIFEST).read_bytes(), type=BackupManifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise StorageError(f"{folder} is no complete backup: {_MANIFEST} cannot be read ({error}).") from error
    if manifest.format != _FORMAT:
        raise StorageError(
            f"The backup has format {manifest.format}; this version reads {_FORMAT}. Use Seawall {manifest.release}."
        )
    return manifest


def head_of(manifest: BackupManifest) -> LedgerHead | None:
    """The signed head that the restored ledger must have."""
    return None if manifest.head is None else LedgerHead.parse(manifest.head)


# -- the database ------------------------------------------------------------------------------------------------------


def _copy_database(database: Database, draft: Path, with_key: bool) -> tuple[BackupManifest, str]:
    """Copy it; return what it is, and the check of its master key."""
    if database.file is None:
        with database.read() as connection:
            _copy_tables(connection, draft / "tables")
            return _manifest(connection, with_key), _key_check(connection)
    with closing(sqlite3.connect(database.file)) as source:
        source.execute("VACUUM INTO ?", (str(draft / _SQLITE),))
    copy = open_database(f"sqlite:///{(draft / _SQLITE).absolute()}")
    try:
        with copy.read() as connection:
            return _manifest(connection, with_key), _key_check(connection)
    finally:
        copy.close()


def _key_check(connection: Connection) -> str:
    return str(connection.execute(select(state.c.value).where(state.c.name == "master_key")).scalar())


def _manifest(connection: Connection, with_key: bool) -> BackupManifest:
    head = signed_head(connection)
    return BackupManifest(
        format=_FORMAT,
        release=seawall.__version__,
        database=connection.dialect.name,
        made_at=now_ms(),
        events=last_seq(connection),
        head=None if head is None else str(head),
        migrations=tuple(sorted(applied_migrations(connection))),
        with_key=with_key,
    )


def _tables(connection: Connection) -> list[str]:
    names = inspect(connection).get_table_names()
    return [name for name in names if name not in _NOT_COPIED and not name.endswith("__building")]


def _copy_tables(connection: Connection, folder: Path) -> None:
    folder.mkdir()
    quote = connection.dialect.identifier_preparer.quote
    for name in _tables(connection):
        columns = ", ".join(quote(column["name"]) for column in inspect(connection).get_columns(name))
        with (folder / f"{name}.copy").open("wb") as file:
            file.write(columns.encode() + b"\n")
            with _cursor(connection).copy(f"COPY {quote(name)} ({columns}) TO STDOUT") as rows:
                for piece in rows:
                    file.write(piece)


def _restore_postgresql(
    connection: Connection, manifest: BackupManifest, folder: Path, sources: Sequence[MigrationSource]
) -> None:
    upgrade(connection, sources)
    if tuple(sorted(applied_migrations(connection))) != manifest.migrations:
        raise StorageError(
            f"The backup was made by Seawall {manifest.release}, whose tables differ from this version's. Restore it "
            "with that version, then upgrade."
        )
    quote = connection.dialect.identifier_preparer.quote
    for path in sorted(folder.glob("*.copy")):
        name = path.name.removesuffix(".copy")
        if name == "storage_state":  # the migrations have put rows there
            connection.exec_driver_sql("DELETE FROM storage_state")
        with path.open("rb") as file:
            columns = file.readline().decode().strip()
            with _cursor(connection).copy(f"COPY {quote(name)} ({columns}) FROM STDIN") as rows:
                while piece := file.read(1 << 20):
                    rows.write(piece)


def _restore_sqlite(database: Database, backup: Path) -> None:
    assert database.file is not None, "a SQLite database"
    database.close()
    draft = database.file.with_name(f"{database.file.name}.partial")
    shutil.copyfile(backup, draft)
    for ending in ("-wal", "-shm"):
        database.file.with_name(database.file.name + ending).unlink(missing_ok=True)
    draft.replace(database.file)


def _cursor(connection: Connection) -> Any:
    driver = connection.connection.driver_connection
    assert driver is not None, "a connection in use"
    return driver.cursor()


def _key_file(data_dir: Path, check: str) -> Path:
    """The file with the master key of the copied database, which a change of the key may have renamed meanwhile."""
    present = data_dir / KEY_FILE
    for file in (present, data_dir / NEXT_KEY_FILE, data_dir / f"{KEY_FILE}.{check[:8]}"):
        with suppress(OSError):
            if read_master_key(file.read_text("ascii"), f"The key file {file}").check == check:
                return file
    if not present.exists():
        return present  # for the message
    raise StorageError(
        f"The key file {present} is not the master key of the database. A key that is given as SEAWALL_MASTER_KEY is "
        "not in a file: keep it yourself, and leave out --with-key."
    )


def _copy_key(source: Path, target: Path) -> None:
    draft = target.with_name(f"{target.name}.partial")
    try:
        secret = source.read_bytes()
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError as error:
        raise StorageError(
            f"The key file {source} cannot be copied: {error}. A key that is given as SEAWALL_MASTER_KEY is not in "
            "a file: keep it yourself, and leave out --with-key."
        ) from error
