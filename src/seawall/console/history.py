"""Everything that happened to one item, newest first: what the case page and the item page tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from seawall.appeal.tables import report
from seawall.enforce.tables import delivery, enforcement
from seawall.review.tables import case, review
from seawall.screen.tables import decision, revision
from seawall.storage import Vault

LIMIT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementEntry:
    """An enforcement with the deliveries of its application and its reversal."""

    row: Row[Any]
    parameters: dict[str, Any]
    deliveries: Sequence[Row[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One thing that happened. ``kind``: submitted | decided | enforced | reversed | reported | reviewed."""

    at: int
    seq: float  # place in the ledger; a reversal stands just behind the decision that caused it
    kind: str
    what: Any


def enforcements(connection: Connection, item: str) -> list[EnforcementEntry]:
    """Every enforcement that came of an item, newest first."""
    rows = connection.execute(
        select(enforcement).where(enforcement.c.item == item).order_by(enforcement.c.seq.desc()).limit(LIMIT)
    ).all()
    sent: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(
        select(delivery).where(delivery.c.enforcement.in_([row.id for row in rows])).order_by(delivery.c.seq)
    ):
        sent[row.enforcement].append(row)
    return [
        EnforcementEntry(row=row, parameters=msgspec.json.decode(row.parameters), deliveries=sent.get(row.id, ()))
        for row in rows
    ]


def timeline(connection: Connection, item: str, enforced: Sequence[EnforcementEntry]) -> list[HistoryEntry]:
    """All that happened to the item, newest first."""
    decided = _rows(connection, decision, item)
    places = {row.id: row.seq for row in decided}
    entries = [
        *(
            HistoryEntry(at=row.at, seq=row.seq, kind="submitted", what=row)
            for row in _rows(connection, revision, item)
        ),
        *(HistoryEntry(at=row.at, seq=row.seq, kind="reported", what=row) for row in _rows(connection, report, item)),
        *(HistoryEntry(at=row.at, seq=row.seq, kind="reviewed", what=row) for row in reviews(connection, item)),
        *(HistoryEntry(at=row.at, seq=row.seq, kind="decided", what=row) for row in decided),
        *(HistoryEntry(at=one.row.at, seq=one.row.seq, kind="enforced", what=one) for one in enforced),
        *(
            HistoryEntry(
                at=one.row.reversed_at, seq=places.get(one.row.reversed_by, 0) + 0.5, kind="reversed", what=one
            )
            for one in enforced
            if one.row.reversed_at is not None
        ),
    ]
    return sorted(entries, key=lambda entry: entry.seq, reverse=True)


def reviews(connection: Connection, item: str) -> Sequence[Row[Any]]:
    """Reviews of the item's case, newest first."""
    return connection.execute(
        select(review)
        .join(case, case.c.id == review.c.case)
        .where(case.c.item == item)
        .order_by(review.c.seq.desc())
        .limit(LIMIT)
    ).all()


def notes(vault: Vault, item: str, reports: Sequence[Row[Any]], answers: Sequence[Row[Any]]) -> Mapping[str, str]:
    """What reporters and reviewers wrote, by the id of the report or review; nothing of what was erased."""
    wanted = [(item, f"report/{row.id}") for row in reports] + [(item, f"review/{row.id}") for row in answers]
    return {
        name.partition("/")[2]: note.decode(errors="replace")
        for (_, name), note in vault.open_many(wanted).items()
        if note is not None
    }


def _rows(connection: Connection, table: Any, item: str) -> Sequence[Row[Any]]:
    return connection.execute(select(table).where(table.c.item == item).order_by(table.c.seq.desc()).limit(LIMIT)).all()
