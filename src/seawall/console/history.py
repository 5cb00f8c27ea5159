"""The history of one item, newest first, for the case page and the item page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from seawall import review
from seawall.appeal.queries import ReportRow, appeals_of_item, reports_of_item
from seawall.console.languages import marked
from seawall.enforce.queries import EnforcementRow
from seawall.review import bulk
from seawall.review.bulk.queries import bulk_previews_of_item
from seawall.review.queries import (
    HandoverRow,
    PassingRow,
    ReviewRow,
    handovers_of_item,
    passings_of_item,
    reviews_of_item,
    skips_of_item,
)
from seawall.screen.queries import decisions_of_item, revisions_of
from seawall.storage import Vault

LIMIT = 200

# Codes that the templates show in words: the catalogues know them from here.
_REPORTERS = (marked("user"), marked("trusted flagger"), marked("authority"), marked("staff"))
_APPEALS = (marked("open"), marked("upheld"), marked("overturned"), marked("partly"), marked("withdrawn"))
_ANSWERS = (marked("violates"), marked("does not violate"), marked("keeps measure"))
_REASONS = (
    *(marked("clear violation"), marked("violation in context"), marked("repeated behaviour"), marked("known content")),
    *(marked("not a violation"), marked("quoted or condemned"), marked("reclaimed or joking")),
    *(marked("detector mistaken"), marked("not enough evidence")),
    *(marked("person at risk"), marked("audience informed")),
)
_PASSED_ON = (marked("not my language"), marked("cannot tell"), marked("needs specialist"))
_DELIVERIES = (marked("queued"), marked("retrying"), marked("delivered"), marked("dead"), marked("cancelled"))
_CHANGES = (marked("applied"), marked("reversed"))

_TITLES: Final[Mapping[str, Mapping[str, str]]] = {
    "handed_over": {**review.WHY_ASSIGN, **review.WHY_DECLINE},
    "skipped": review.WHY_SKIP,
    "previewed": bulk.WHY_SKIPPED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One entry of the history. ``kind``: submitted | decided | enforced | reversed | reported | reviewed |
    passed_on | handed_over | skipped | previewed | appealed."""

    at: int
    seq: float  # place in the ledger; a reversal comes directly after the decision that caused it
    kind: str
    what: Any  # the row that records it
    why: str = ""  # in words, of what reviewers did with the case; empty: there is no reason


def timeline(connection: Connection, item: str, enforced: Sequence[EnforcementRow]) -> list[HistoryEntry]:
    """The history of the item, newest first."""
    decided = decisions_of_item(connection, item, limit=LIMIT)
    places = {row.id: row.seq for row in decided}
    happened: list[tuple[str, Sequence[Any]]] = [
        ("submitted", revisions_of(connection, item, limit=LIMIT)),
        ("reported", reports_of_item(connection, item, limit=LIMIT)),
        ("reviewed", reviews_of_item(connection, item, limit=LIMIT)),
        ("passed_on", passings_of_item(connection, item, limit=LIMIT)),
        ("handed_over", handovers_of_item(connection, item, limit=LIMIT)),
        ("skipped", skips_of_item(connection, item, limit=LIMIT)),
        ("previewed", bulk_previews_of_item(connection, item, limit=LIMIT)),
        ("appealed", appeals_of_item(connection, item, limit=LIMIT)),
        ("decided", decided),
        ("enforced", enforced),
    ]
    entries = [
        HistoryEntry(at=row.at, seq=row.seq, kind=kind, what=row, why=_why(kind, row))
        for kind, rows in happened
        for row in rows
    ]
    entries += [
        HistoryEntry(at=row.reversed_at, seq=_place(row, entries, places), kind="reversed", what=row)
        for row in enforced
        if row.reversed_at is not None
    ]
    return sorted(entries, key=lambda entry: entry.seq, reverse=True)


def _why(kind: str, row: Any) -> str:
    """The title of the reason, before it is translated."""
    titles = _TITLES.get(kind)
    return "" if titles is None or row.why is None else titles.get(row.why, row.why)


def _place(row: EnforcementRow, entries: Sequence[HistoryEntry], places: Mapping[str, int]) -> float:
    """Directly after the decision that reversed it; a lifting has none and comes after what was there then."""
    if not row.is_lifted:
        return places.get(row.reversed_by or "", 0) + 0.5
    return max((entry.seq for entry in entries if entry.at <= (row.reversed_at or 0)), default=0.0) + 0.5


def notes(
    vault: Vault, item: str, reports: Sequence[ReportRow], answers: Sequence[ReviewRow | PassingRow | HandoverRow]
) -> Mapping[str, str]:
    """Notes of reporters and reviewers by the id of the report, review or passing; erased ones are left out."""
    wanted = [(item, f"report/{row.id}") for row in reports] + [(item, f"review/{row.id}") for row in answers]
    return {
        name.partition("/")[2]: note.decode(errors="replace")
        for (_, name), note in vault.open_many(wanted).items()
        if note is not None
    }
