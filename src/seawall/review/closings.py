"""How each opening of a case ended: what the figures of leads count. An item that is decided again counts once."""

from __future__ import annotations

from typing import TypeAlias

from sqlalchemy import Connection, Table

from seawall.model import EventBody
from seawall.model.events import AppealDecided
from seawall.review.events import ReviewSubmitted, ReviewUndone
from seawall.review.machine import Case, CaseState
from seawall.storage.queries import select_in_chunks
from seawall.storage.upsert import insert_rows

_Row: TypeAlias = dict[str, object]


class BatchClosings:
    """The closings of a batch of events, in their order. Reads and writes nothing in a batch without any."""

    def __init__(self, conn: Connection, table: Table) -> None:
        self._conn = conn
        self._table = table
        self._ended: dict[tuple[str, int], _Row | None] = {}  # None: the answer was taken back

    def add(self, before: Case, after: Case, body: EventBody) -> None:
        """Note what the event did to the case."""
        if before.state is CaseState.OPEN and after.state is CaseState.CLOSED:
            key = (before.id, before.opened_at)
            if key not in self._ended or self._ended[key] is None:  # what was reopened is not decided anew
                self._ended[key] = _row(before, after, body)
        elif isinstance(body, ReviewUndone):
            self._take_back(before.id, body.by)

    def _take_back(self, case: str, person: str) -> None:
        """Forget the last closing of the case, if it was by this person."""
        table = self._table
        stored = self._conn.execute(table.select().where(table.c.case == case)).mappings()
        found: dict[tuple[str, int], _Row | None] = {(case, row["opened_at"]): dict(row) for row in stored}
        found |= {key: row for key, row in self._ended.items() if key[0] == case and (row or key in found)}
        there = {key: row for key, row in found.items() if row is not None}
        if there and there[last := max(there)]["reviewer"] == person:
            self._ended[last] = None
            self._conn.execute(table.delete().where(table.c.case == case, table.c.opened_at == last[1]))

    def store(self) -> None:
        """Write them; where one stands already, it stays."""
        new = {key: row for key, row in self._ended.items() if row is not None}
        if not new:
            return
        table = self._table
        rows = select_in_chunks(self._conn, table.select(), table.c.case, sorted({case for case, _ in new}))
        there = {(row.case, row.opened_at) for row in rows}
        insert_rows(self._conn, table, [row for key, row in new.items() if key not in there])


def _row(before: Case, after: Case, body: EventBody) -> _Row:
    """The case as it waited, and who ended that: nobody, when a later, complete evaluation cleared it."""
    reviewer = decision = seconds = None
    match body:
        case ReviewSubmitted():
            reviewer, decision = body.reviewer, body.decision
            seconds = None if body.attention is None else body.attention.seconds
        case AppealDecided():
            reviewer, decision = body.person, body.decision
        case _:
            pass
    return {
        "case": before.id,
        "opened_at": before.opened_at,
        "closed_at": after.closed_at,
        "queue": before.queue,
        "policy": before.policy,
        "child_safety": before.child_safety,
        "reviewer": reviewer,
        "decision": decision,
        "seconds": seconds,
    }
