"""What the case page shows about appeals and reporters: the open appeal with its conversation, reporters' records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from seawall import appeal
from seawall.app import App
from seawall.appeal import ANSWERS, AppealSettings, ReporterAccuracy, may_mute
from seawall.appeal.queries import (
    REPORTS_OF_REPORTER,
    AppealMessage,
    AppealRow,
    ReporterStanding,
    ReportRow,
    conversation,
    open_appeal_of_item,
    overturning_appeals,
    reports_by,
    standings,
)
from seawall.review import is_decider
from seawall.review.queries import answers_after
from seawall.screen.queries import DecisionRow, get_decision


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealOnCase:
    """An appeal with what was written about it. ``own``: the reader decided what is appealed, and may not answer."""

    row: AppealRow
    decision: DecisionRow | None
    messages: Sequence[AppealMessage]
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterRecord:
    """How accurate a reporter was, and whether they were warned or muted."""

    accuracy: ReporterAccuracy
    standing: ReporterStanding
    muted: bool
    may_be_muted: bool


def open_appeal(app: App, connection: Connection, item: str, case: str, person: str) -> AppealOnCase | None:
    """The open appeal about an item as ``person`` sees it on its case."""
    row = open_appeal_of_item(connection, item)
    return None if row is None else appeal_on_case(app, connection, row, case, person)


def appeal_on_case(app: App, connection: Connection, row: AppealRow, case: str, person: str) -> AppealOnCase:
    """An appeal as ``person`` sees it."""
    return AppealOnCase(
        row=row,
        decision=get_decision(connection, row.decision),
        messages=conversation(connection, app.vault, row, notes=True),
        own=is_decider(connection, case, person),
    )


def reporter_records(
    app: App, connection: Connection, reports: Sequence[ReportRow], now: int
) -> Mapping[str, ReporterRecord]:
    """The record of each known reporter among the reports."""
    reporters = list(dict.fromkeys(one.reporter for one in reports if one.reporter is not None))
    theirs = {one: reports_by(connection, one, limit=REPORTS_OF_REPORTER) for one in reporters}
    answers = answers_after(connection, [row.item for rows in theirs.values() for row in rows], ANSWERS)
    changed = overturning_appeals(connection, [one.decision for found in answers.values() for one in found])
    known = standings(connection, reporters)
    terms = app.context.get(AppealSettings).misuse
    records: dict[str, ReporterRecord] = {}
    for reporter, rows in theirs.items():
        decided = appeal.decided_reports(rows, answers, changed)
        standing = known[reporter]
        muted = standing.muted_until is not None and standing.muted_until > now
        records[reporter] = ReporterRecord(
            accuracy=appeal.reporter_accuracy(decided),
            standing=standing,
            muted=muted,
            may_be_muted=not muted and may_mute(decided, standing.warned_at, now, terms),
        )
    return records
