"""The operations of a unit of work: append events, seal content, enqueue jobs, write operational rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Executable, Result, Select, Table, select

from seawall.model import EventBody, new_id
from seawall.storage.errors import Erased
from seawall.storage.keys import KEY_BYTES, seal
from seawall.storage.subjects import KnownSubject
from seawall.storage.tables import subject

if TYPE_CHECKING:
    from seawall.storage.batch import CommitBatch
    from seawall.storage.jobs import Job

T = TypeVar("T")

Key = Any
"""A primary key: the value of a single column, or a tuple of the columns in the table's order."""


class Prefetch(msgspec.Struct, frozen=True):
    """The rows and subjects that a unit will read, so that a batch fetches them in one SELECT per table.

    ``subjects``: (kind, platform id). ``refs``: subjects to seal for that are known by ref only.
    ``rows``: (table, primary key).
    """

    subjects: Sequence[tuple[str, str]] = ()
    refs: Sequence[str] = ()
    rows: Sequence[tuple[Table, Key]] = ()


@dataclass(slots=True)
class Writes:
    """Buffered writes, in the order of appending."""

    events: list[tuple[str, int, bytes, EventBody]] = field(default_factory=list)  # kind, version, bytes, body
    subjects: list[tuple[str, bytes, str | None, bytes | None]] = field(default_factory=list)
    vault: list[tuple[str, str, bytes, str | None]] = field(default_factory=list)
    rows: list[tuple[Table, dict[str, Any]]] = field(default_factory=list)
    jobs: list[tuple[str, str, str, bytes, int]] = field(default_factory=list)
    finished: list[tuple[str, int]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.events or self.subjects or self.vault or self.rows or self.jobs or self.finished)

    def absorb(self, other: Writes) -> None:
        """Append the writes of ``other``, which must not be used any more."""
        self.events += other.events
        self.subjects += other.subjects
        self.vault += other.vault
        self.rows += other.rows
        self.jobs += other.jobs
        self.finished += other.finished


class Transaction:
    """One unit's view of the batch. Everything is buffered; nothing is durable before ``commit`` returns.

    A unit may be run again after a failed batch, so it must do nothing but use this object.
    """

    __slots__ = ("_batch", "_created", "_remembered", "at", "dirty", "failure", "writes")

    def __init__(self, batch: CommitBatch) -> None:
        self.at = batch.at
        self.writes = Writes()
        self.dirty = False  # some writes of this unit have reached the database
        self.failure: BaseException | None = None  # of a statement: the database's transaction is unusable
        self._batch = batch
        self._created: list[tuple[tuple[str, str], str]] = []
        self._remembered: dict[tuple[Table, Key], Mapping[str, Any]] = {}

    @property
    def head(self) -> int:
        """The number of the last event before this batch's unwritten ones."""
        return self._batch.head

    # -- the ledger -------------------------------------------------------------------------------------------------

    def append(self, body: EventBody) -> None:
        """Append an event. Raises KeyError for a type that is no event, msgspec.MsgspecError for an invalid body.

        Projections get the decoded bytes, not ``body`` itself, so a rebuild sees the same values.
        """
        self.writes.events.append(self._batch.schema.events.encode(body))

    # -- subjects and the vault -------------------------------------------------------------------------------------

    def find_subject(self, kind: str, platform_id: str) -> str | None:
        """The surrogate of a platform id, or None when it was never met (or is erased)."""
        known = self._batch.subject(kind, platform_id)
        return None if known is None else known.ref

    def subject(self, kind: str, platform_id: str, owner: str | None = None) -> str:
        """The surrogate of a platform id, created if needed: ``it_…`` for kinds ``item:…``, else ``en_…``.

        A new subject has its own key; with ``owner`` (a ref) its entries are sealed under the owner's key, and are
        erased with it. A subject that exists keeps its owner. Raises Erased when the owner was erased.
        """
        known = self._batch.subject(kind, platform_id)
        return known.ref if known is not None else self.create_subject(kind, platform_id, owner)

    def create_subject(self, kind: str, platform_id: str, owner: str | None = None) -> str:
        """Create a subject that ``find_subject`` did not find, as ``subject`` does. Raises Erased."""
        batch = self._batch
        ref = new_id("it" if kind.partition(":")[0] == "item" else "en", self.at)
        wrapped = None
        if owner is None:
            secret = os.urandom(KEY_BYTES)
            wrapped = batch.master.wrap(ref, secret)
            known = KnownSubject(ref, None, AESGCM(secret))
        else:
            holder = self._known(owner)
            known = KnownSubject(ref, holder.owner or holder.ref, holder.key)
        self.writes.subjects.append((ref, batch.lookup(kind, platform_id), known.owner, wrapped))
        name = (kind, platform_id)
        self._created.append((name, ref))
        batch.subjects.remember(name, known)
        self.writes.vault.append((ref, "id", seal(known.key, ref, "id", platform_id.encode()), None))
        return ref

    def _known(self, ref: str) -> KnownSubject:
        """The subject with its key. Raises Erased, or KeyError when unknown."""
        known = self._batch.subject_of(ref)
        if known is None:
            if self.execute(select(subject.c.ref).where(subject.c.ref == ref)).first() is None:
                raise KeyError(f"there is no subject {ref}")
            raise Erased(f"{ref} was erased: nothing can be sealed for it")
        return known

    def is_erased(self, ref: str) -> bool:
        """Whether nothing can be sealed for a subject any more."""
        return self._batch.subject_of(ref) is None

    def seal(self, ref: str, name: str, plaintext: bytes, holder: str | None = None) -> None:
        """Store ``plaintext`` in the vault as (ref, name), encrypted; an existing entry is overwritten.

        ``holder``: the subject who wrote it, under whose key it is sealed, so that it is erased with that one as
        well as with ``ref``; None: ``ref`` itself. Raises Erased, or KeyError when there is no such subject.
        """
        known = self._known(ref)
        key, under = known.key, None
        if holder is not None:
            writer = self._known(holder)
            if (writer.owner or writer.ref) != (known.owner or known.ref):
                key, under = writer.key, writer.owner or writer.ref
        self.writes.vault.append((ref, name, seal(key, ref, name, plaintext), under))

    def digest(self, data: bytes) -> str:
        """A keyed digest (HMAC-SHA-256, hex) that may be written to the ledger."""
        return self._batch.master.digest(data)

    # -- jobs -------------------------------------------------------------------------------------------------------

    def enqueue(self, kind: str, key: str, payload: Mapping[str, Any], due_at: int | None = None) -> None:
        """Enqueue a job, due at once or at ``due_at`` (ms). If one of the same (kind, key) is pending, none is added:
        it gets the earlier due time and the newer payload. A leased job does not count as pending."""
        data = msgspec.json.encode(payload)
        self.writes.jobs.append((self._batch.job_id(), kind, key, data, self.at if due_at is None else due_at))

    def finish(self, job: Job) -> None:
        """Finish the job in this transaction. The commit raises LeaseLost when the lease was lost."""
        self.writes.finished.append((job.id, job.attempts))

    # -- operational rows -------------------------------------------------------------------------------------------

    def insert(self, table: Table, row: dict[str, Any]) -> None:
        """Insert an operational row, buffered."""
        self.writes.rows.append((table, row))

    def execute(self, statement: Executable) -> Result[Any]:
        """Run a statement on operational tables, or read. Flushes what the batch buffered so far: not for hot paths.

        An error of the statement undoes the whole unit, even if the unit catches it.
        """
        self.dirty |= bool(self.writes) or not isinstance(statement, Select)
        self._batch.absorb(self)
        self.writes = Writes()
        try:
            return self._batch.execute(statement)
        except BaseException as error:
            self.failure = error
            raise

    def prefetched(self, table: Table, key: Key) -> Mapping[str, Any] | None:
        """The row with that primary key as a mapping, or None; no statement is run.

        Includes rows that earlier units of the batch passed to ``remember``. Raises LookupError if not in ``Prefetch``.
        """
        row = self._remembered.get((table, key))
        return row if row is not None else self._batch.prefetched(table, key)

    def remember(self, table: Table, key: Key, row: Mapping[str, Any]) -> None:
        """Give later ``prefetched`` calls of this batch the row as it is after this unit's writes."""
        self._remembered[table, key] = row

    def batch_cache(self, key: Hashable, make: Callable[[], T]) -> T:
        """The result of ``make``, called once per batch and ``key``: one SELECT serves the batch.

        For reads of tables that units do not write. ``key`` begins with the name of the calling package.
        """
        cache = self._batch.cache
        if key not in cache:
            cache[key] = make()
        return cast(T, cache[key])

    # -- for the batch ----------------------------------------------------------------------------------------------

    def release(self) -> tuple[list[tuple[tuple[str, str], str]], dict[tuple[Table, Key], Mapping[str, Any]]]:
        """Subjects created and rows remembered by the unit since the last call."""
        taken = self._created, self._remembered
        self._created, self._remembered = [], {}
        return taken

    def drop(self) -> None:
        """Discard the unit's writes, because it raised."""
        for name, ref in self._created:
            self._batch.subjects.forget(name, ref)

    def forget_keys(self) -> None:
        """A key was destroyed in this transaction: drop cached subjects."""
        self._batch.forget_keys()
