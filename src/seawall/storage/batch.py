"""A transaction in progress: the units that share it, their buffered writes, and the flush to the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Executable, Result, Table, select, tuple_, update

from seawall.model import Event, EventBody, new_id, now_ms
from seawall.storage.codec import GENESIS, chain_hash, leaf_hash
from seawall.storage.driver import run, run_many
from seawall.storage.errors import LeaseLost
from seawall.storage.keys import MasterKey
from seawall.storage.projection import LedgerSchema
from seawall.storage.subjects import KnownSubject, Subjects
from seawall.storage.tables import event as event_table
from seawall.storage.tables import ledger_head
from seawall.storage.transaction import Key, Prefetch, Transaction, Writes
from seawall.storage.upsert import insert_rows

WriterLock = Callable[[Connection], None]

_LOCK_KEY: Final = 0x5EA_3A11  # Seawall's writers, in PostgreSQL's space of advisory locks (one space a database)
_IN: Final = 1000
_SIGNED: Final = select(
    ledger_head,  # a subquery, because PostgreSQL, not knowing that this is one row, joins by reading every event
    select(event_table.c.chain).where(event_table.c.seq == ledger_head.c.seq).scalar_subquery().label("there"),
)


def writer_lock(connection: Connection) -> None:
    """Take the writer lock until the transaction ends, so that sequence numbers become visible in order."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")
    # SQLite: BEGIN IMMEDIATE has taken the lock.


class HotPathSql:
    """SQL of the hot path in one driver's dialect, made once: no compilation and no per-row processing."""

    def __init__(self, dialect: str) -> None:
        sqlite = dialect == "sqlite"
        mark = "?" if sqlite else "%s"
        least = "min" if sqlite else "least"

        def insert(table: str, columns: str) -> str:
            marks = ", ".join(mark for _ in columns.split(","))
            return f"INSERT INTO {table} ({columns}) VALUES ({marks})"  # noqa: S608 - names of our own

        self.head = (
            "SELECT state.value, last.seq, last.chain, "
            "(SELECT value FROM storage_state WHERE name = 'projections') FROM storage_state AS state "
            "LEFT JOIN (SELECT seq, chain FROM event ORDER BY seq DESC LIMIT 1) AS last ON true "
            "WHERE state.name = 'erasures'"
        )
        self.event = insert("event", "seq, id, at, kind, version, body, leaf, chain")
        self.subject = insert("subject", "ref, lookup, owner, key")
        self.vault = (
            insert("vault", "ref, name, data, holder")
            + " ON CONFLICT (ref, name) DO UPDATE SET data = excluded.data, holder = excluded.holder"
        )
        self.job = (
            insert("job", "id, kind, key, payload, due_at, state, attempts").removesuffix(f"{mark}, {mark})")
            + "'pending', 0) ON CONFLICT (kind, key) WHERE state = 'pending' DO UPDATE SET "
            f"due_at = {least}(job.due_at, excluded.due_at), payload = excluded.payload"
        )
        self.finish = f"DELETE FROM job WHERE id = {mark} AND attempts = {mark} AND state = 'leased'"  # noqa: S608


class CommitBatch:
    """Units joined in one transaction. Created under the writer lock; used by the writer's thread only."""

    def __init__(
        self,
        connection: Connection,
        sql: HotPathSql,
        subjects: Subjects,
        master: MasterKey,
        schema: LedgerSchema,
        head: tuple[int, bytes],
        built: str,
        job_numbers: Iterator[int],
    ) -> None:
        self.at = now_ms()
        self.master = master
        self.subjects = subjects
        self.head, self._chain = head
        self.appended = False  # events, in this batch
        self._job_numbers = job_numbers
        self._connection = connection
        self._sql = sql
        self.schema = schema
        self._is_current = built == schema.built  # the writer lock keeps it so
        self._writes: Writes | None = None  # not flushed yet
        self._rows: dict[tuple[Table, Key], Mapping[str, Any] | None] = {}
        self._lookups: dict[tuple[str, str], bytes] = {}  # of names already requested
        self._created: list[tuple[tuple[str, str], str]] = []
        self.cache: dict[Hashable, Any] = {}

    # -- before the units run ---------------------------------------------------------------------------------------

    def prefetch(self, wanted: Iterable[Prefetch]) -> None:
        """Fetch the rows and subjects that the units declared, together."""
        names: set[tuple[str, str]] = set()
        refs: set[str] = set()
        rows: defaultdict[Table, set[Key]] = defaultdict(set)
        for one in wanted:
            names.update(one.subjects)
            refs.update(one.refs)
            for table, key in one.rows:
                rows[table].add(key)
        if names:
            self._lookups.update(self.subjects.load_names(self._connection, names))
        if refs:
            self.subjects.load_refs(self._connection, refs)
        for table, keys in rows.items():
            self._fetch(table, list(keys))

    def _fetch(self, table: Table, keys: list[Key]) -> None:
        columns = list(table.primary_key)
        single = len(columns) == 1
        names = [column.name for column in columns]
        self._rows.update(((table, key), None) for key in keys)
        target = columns[0] if single else tuple_(*columns)
        for start in range(0, len(keys), _IN):
            statement = table.select().where(target.in_(keys[start : start + _IN]))
            for found in self._connection.execute(statement):
                row = found._asdict()
                self._rows[table, row[names[0]] if single else tuple(row[name] for name in names)] = row

    # -- while they run ---------------------------------------------------------------------------------------------

    def subject(self, kind: str, platform_id: str) -> KnownSubject | None:
        """The subject of a platform id, from the cache or else from the database."""
        name = (kind, platform_id)
        known = self.subjects.named(kind, platform_id)
        if known is None and name not in self._lookups:
            self._lookups.update(self.subjects.load_names(self._connection, (name,)))
            known = self.subjects.named(kind, platform_id)
        return known

    def lookup(self, kind: str, platform_id: str) -> bytes:
        """The look-up key of a subject that ``subject`` did not find."""
        return self._lookups.get((kind, platform_id)) or self.master.lookup(kind, platform_id)

    def subject_of(self, ref: str) -> KnownSubject | None:
        """The subject of a ref; None when unknown or erased."""
        known = self.subjects.of(ref)
        if known is None:
            self.subjects.load_refs(self._connection, (ref,))
            known = self.subjects.of(ref)
        return known

    def prefetched(self, table: Table, key: Key) -> Mapping[str, Any] | None:
        """See ``Transaction.prefetched``."""
        try:
            return self._rows[table, key]
        except KeyError:
            raise LookupError(f"row {key!r} of {table.name} was not named in Prefetch(rows=…)") from None

    def job_id(self) -> str:
        """An id that sorts after those of earlier jobs of this process, even within one millisecond, so that jobs due
        at the same time are claimed in the order of their enqueuing."""
        made = new_id("job", self.at)  # "job_", 10 characters of time, 16 random ones
        return f"{made[:14]}{next(self._job_numbers) % 10**9:09}{made[-7:]}"

    def absorb(self, unit: Transaction) -> None:
        """Take over a unit's buffered writes, which it must not add to afterwards."""
        if self._writes is None:
            self._writes = unit.writes
        else:
            self._writes.absorb(unit.writes)
        created, remembered = unit.release()
        self._created += created
        self._rows.update(remembered)

    def execute(self, statement: Executable) -> Result[Any]:
        """Flush, then run the statement."""
        self.flush()
        return self._connection.execute(statement)

    # -- to the database --------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write the buffered rows and events, and apply the projections."""
        writes, connection, sql = self._writes, self._connection, self._sql
        if not writes:
            return
        self._writes = None
        if writes.subjects:
            run_many(connection, sql.subject, writes.subjects)
        if writes.vault:
            run_many(connection, sql.vault, writes.vault)
        if writes.rows:
            self._insert_rows(writes.rows)
        if writes.finished and run_many(connection, sql.finish, writes.finished) != len(writes.finished):
            raise LeaseLost("the job's lease expired before its work was committed; another worker has it")
        if writes.jobs:
            run_many(connection, sql.job, writes.jobs)
        if writes.events:
            self._append(writes.events)

    def _append(self, bodies: list[tuple[str, int, bytes, EventBody]]) -> None:
        seq, chain, at = self.head, self._chain, self.at
        rows, events = [], []
        for kind, version, data, body in bodies:
            seq += 1
            event_id = new_id("ev", at)
            leaf = leaf_hash(event_id, at, kind, version, data)
            chain = chain_hash(chain, leaf)
            rows.append((seq, event_id, at, kind, version, data, leaf, chain))
            events.append(Event(seq=seq, id=event_id, at=at, kind=kind, body=body))
        if not self._is_current:
            self.schema.check(self._connection)
            self._is_current = True
        run_many(self._connection, self._sql.event, rows)
        self.schema.project(self._connection, events)
        self.head, self._chain, self.appended = seq, chain, True

    def sign_head(self) -> None:
        """Move the signed head to the last event, but only from a head that fits the ledger.

        A head that does not fit stays as it is: signing a ledger that was cut or rewritten would hide it.
        """
        sign, connection = self.master.sign_head, self._connection
        new = {"seq": self.head, "chain": self._chain, "mac": sign(self.head, self._chain)}
        found = connection.execute(_SIGNED).first()
        if found is None:  # the first events, or those of a ledger that was written before heads were signed
            insert_rows(connection, ledger_head, [{"name": "head", **new}])
            return
        signed, link, there = int(found.seq), bytes(found.chain), found.there
        if there is not None and bytes(there) == link and sign(signed, link) == bytes(found.mac):
            connection.execute(update(ledger_head).values(**new))

    def _insert_rows(self, rows: list[tuple[Table, dict[str, Any]]]) -> None:
        grouped: dict[tuple[Table, frozenset[str]], list[dict[str, Any]]] = {}
        for table, row in rows:
            grouped.setdefault((table, frozenset(row)), []).append(row)
        for (table, _), group in grouped.items():
            insert_rows(self._connection, table, group)

    def forget_keys(self) -> None:
        """A key was destroyed: drop cached subjects."""
        self.subjects.clear()
        self._lookups.clear()

    def undo(self) -> None:
        """The transaction was rolled back: drop what it created from the cache."""
        for name, ref in self._created:
            self.subjects.forget(name, ref)


def read_head(connection: Connection, sql: HotPathSql) -> tuple[str | None, int, bytes, str]:
    """Mark of the last erasure, last sequence number, its chain hash, and the built projections in one text.

    Valid under the writer lock.
    """
    ((erasures, seq, chain, built),) = run(connection, sql.head)
    return erasures, seq or 0, bytes(chain) if chain is not None else GENESIS, built or ""
