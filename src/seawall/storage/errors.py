"""Exceptions of storage, and translation of driver errors into messages with a remedy."""

from __future__ import annotations

import sqlite3
from typing import Final

import psycopg
from sqlalchemy.exc import DBAPIError


class StorageError(Exception):
    """A failure of the database; the message names the remedy."""


class Overloaded(StorageError):
    """The writer's queue is full: the unit was refused at once, and nothing of it was recorded."""


class OutcomeUnknown(StorageError):
    """The connection broke while committing: the work may or may not be durable. Check before repeating it."""


class CommitDelayed(OutcomeUnknown):
    """The commit took longer than its caller could wait: the work is queued, and recorded once commits happen again."""

    def __init__(self, place: str, seconds: float) -> None:
        super().__init__(
            f"The database {place} has not committed within {seconds:.3g} s (locked, frozen or overloaded?); the work "
            "is queued. Look it up by its id, or send it again with the same idempotency key."
        )


class DatabaseUnreachable(StorageError):
    """No connection to the database's server."""


class Erased(Exception):
    """The subject was erased: its key is destroyed and nothing sealed for it can be read or added."""


class LeaseLost(Exception):
    """A job's lease expired and another worker has it: this worker's result must not be committed."""


class NotRunnable(Exception):
    """A job cannot run before a person changes something: it is dead at once. The message says what to change."""


_SQLITE: Final = {
    sqlite3.SQLITE_BUSY: "The database {place} is locked by another process. "
    "Wait until its long write (a rebuild, a backup, an open sqlite3 shell) ends, or stop it, and try again.",
    sqlite3.SQLITE_LOCKED: "The database {place} is locked within this process. Try again.",
    sqlite3.SQLITE_READONLY: "The database {place} is read-only. "
    "Give this user the right to write to the file and to its folder.",
    sqlite3.SQLITE_FULL: "The disk that holds {place} is full. "
    "Free space on it and try again; nothing was half-written.",
    sqlite3.SQLITE_CANTOPEN: "The database {place} cannot be opened. "
    "Check that its folder exists and may be written to.",
    sqlite3.SQLITE_IOERR: "The disk that holds {place} failed to read or write. Check the disk and its free space.",
    sqlite3.SQLITE_CORRUPT: "The database {place} is damaged. "
    "Restore it from a backup, then run 'seawall ledger verify'.",
    sqlite3.SQLITE_NOTADB: "The file {place} is not a SQLite database. Give the path of another file.",
    sqlite3.SQLITE_PERM: "The database {place} may not be opened by this user. Check the rights of the file.",
}

_POSTGRESQL: Final = {
    "25006": "The database {place} is read-only (a standby?). Connect to the primary server.",
    "53100": "The disk of the database {place} is full. "
    "Free space on the server and try again; nothing was half-written.",
    "53200": "The database {place} is out of memory. Try again with less load.",
    "53300": "The database {place} has too many connections. Raise max_connections or stop some processes.",
    "55P03": "The database {place} is locked by another session. Wait until its long write ends and try again.",
    "57014": "A statement on {place} was cancelled (statement_timeout?). Try again, or raise the timeout.",
    "42501": "This user lacks a right on {place}. Grant it SELECT, INSERT, UPDATE and DELETE on Seawall's tables.",
    "28P01": "The database {place} refused the password. Correct the URL.",
    "3D000": "The database {place} does not exist. Create it with CREATE DATABASE, or correct the URL.",
}

_CONNECTION: Final = (
    "The database {place} cannot be reached. Check that the server runs and the URL is right. ({detail})"
)
_UNMIGRATED: Final = "The database {place} lacks Seawall's tables ({detail}). Run 'seawall migrate'."


def explain(error: BaseException, place: str) -> StorageError | None:
    """The StorageError for a driver's ``error``, or None when the statement itself is at fault."""
    if isinstance(error, StorageError):
        return error
    original = error.orig if isinstance(error, DBAPIError) else error
    detail = str(original).strip().splitlines()[0] if str(original).strip() else type(original).__name__
    text: str | None = None
    if isinstance(original, sqlite3.Error):
        if isinstance(original, sqlite3.OperationalError) and "no such table" in detail:
            text = _UNMIGRATED
        else:
            code = getattr(original, "sqlite_errorcode", None)  # absent when Python itself raised it
            text = _SQLITE.get(code & 0xFF) if code is not None else None
    elif isinstance(original, psycopg.Error):
        state = original.sqlstate
        if state == "42P01":
            text = _UNMIGRATED
        elif state is not None and state in _POSTGRESQL:
            text = _POSTGRESQL[state]
        elif (state is None or state[:2] in ("08", "57")) and isinstance(
            original, psycopg.OperationalError | psycopg.InterfaceError
        ):
            return DatabaseUnreachable(_CONNECTION.format(place=place, detail=detail))
    return StorageError(text.format(place=place, detail=detail)) if text else None


def is_conflict(error: BaseException) -> bool:
    """Whether PostgreSQL aborted a transaction that can be retried (deadlock, serialisation)."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(original, psycopg.Error) and original.sqlstate in ("40001", "40P01")
