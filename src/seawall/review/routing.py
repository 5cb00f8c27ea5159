"""The follower that moves cases to the queues that routes choose for them, and says in which language they are.

A route is read from a file that may change, so its result is an event: a projection depends on events alone, and is
rebuilt to the same rows whatever the file says by then (docs/decisions/0012-routes-are-events.md). So is the language,
which the item's submission had, long before its case perhaps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Row, select

from seawall.model import DecisionMade, DecisionSource, Event, ReportReceived
from seawall.model.events import AppealReceived
from seawall.model.stored_items import GivenAnswer, ItemAnswers, ItemLanguages
from seawall.review.bulk.approval import BulkLimits
from seawall.review.case_policies import queue_of, read_policies
from seawall.review.events import CaseLanguageFound, CaseRouted
from seawall.review.machine import BY_PERSON, BY_ROUTE, REPORTS_QUEUE, CaseState, asks_for_review, case_id
from seawall.review.queries import answers_after
from seawall.review.queue_file import read_queues
from seawall.review.queues import Queues, case_features
from seawall.review.tables import case as case_table
from seawall.settings import SettingsError
from seawall.shipped import Folder
from seawall.storage import Database, Transaction
from seawall.storage.component import Follower, ServiceContext
from seawall.yamlfile.source import PolicyErrors

_FILE = "queues.yaml"
_ALWAYS = "always"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSettings:
    """Settings of reviewing. ``queues``: the queue file; None: ``queues.yaml`` in the data folder, else the shipped.

    ``bulk_alone``: the most items that one person decides in bulk, within an hour, without the approval of a second
    one. ``bulk_approval_hours``: how long an approval is waited for, 1 to 168.
    """

    queues: Path | None = None
    bulk_alone: int = 20
    bulk_approval_hours: int = 24


def services(context: ServiceContext) -> tuple[object, ...]:
    """The queues and routes, how far bulk decisions go, and what people answered. Raises SettingsError."""
    settings = context.get(ReviewSettings)
    queues = load_queues(settings.queues, context.settings.data_dir)
    return queues, _bulk_limits(settings), StoredAnswers(context.database)


def _bulk_limits(settings: ReviewSettings) -> BulkLimits:
    if settings.bulk_alone < 0:
        raise SettingsError("SEAWALL_BULK_ALONE: a number of items, from 0: everything needs a second person")
    if not 1 <= settings.bulk_approval_hours <= 168:
        raise SettingsError("SEAWALL_BULK_APPROVAL_HOURS: from 1 to 168 hours")
    return BulkLimits(alone=settings.bulk_alone, approval_ms=settings.bulk_approval_hours * 3_600_000)


class StoredAnswers(ItemAnswers):
    """The answers of reviews."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def answers_of(self, item: str, answers: Sequence[str]) -> Sequence[GivenAnswer]:
        """The reviews of an item that stand and gave one of ``answers``, oldest first."""
        with self._database.read() as connection:
            return answers_after(connection, [item], answers).get(item, [])


def load_queues(file: Path | None, data_dir: Path) -> Queues:
    """The queues of the file, of the data folder, or the shipped ones. Raises SettingsError."""
    own = data_dir / _FILE
    path = file or (own if own.is_file() else None)
    try:
        if path is None:
            return read_queues(Folder("seawall.shipped", "queue file").read("queues"), f"shipped {_FILE}")
        return read_queues(path.read_text(encoding="utf-8"), str(path))
    except PolicyErrors as error:
        raise SettingsError(f"SEAWALL_QUEUES: the queue file cannot be used\n{error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"SEAWALL_QUEUES: {path} cannot be read: {error}") from error


def route_cases(context: ServiceContext, events: Sequence[Event]) -> Callable[[Transaction], None] | None:
    """Move the cases that the events are about, and give them their languages; None when there is nothing to do."""
    queues = context.get(Queues)
    asked = {item for event in events if (item := _item(event)) is not None}
    items = sorted(asked | {item for event in events if (item := _changed(event)) is not None})
    if not items:
        return None
    languages = context.get(ItemLanguages).languages_of(items)

    def unit(tx: Transaction) -> None:
        query = select(case_table).where(case_table.c.id.in_([case_id(item) for item in items]))
        for row in tx.execute(query.order_by(case_table.c.id)).all():
            if row.state == CaseState.OPEN and row.language != languages.get(row.item):
                tx.append(CaseLanguageFound(case=row.id, language=languages.get(row.item)))
            if row.item in asked and queues.routes and (moved := routed(row, queues, languages)) is not None:
                tx.append(moved)

    return unit


def routed(row: Row[Any], queues: Queues, languages: Mapping[str, str]) -> CaseRouted | None:
    """Where a case is to be moved; None: it stays, because it is there, a person put it there, or it is closed."""
    if row.state != CaseState.OPEN or row.queue_by == BY_PERSON:
        return None
    policies = read_policies(row.policies)
    asked = queue_of(policies) or (row.queue if row.queue_by != BY_ROUTE else REPORTS_QUEUE)
    features = case_features(
        row.content_type,
        policies,
        subject=row.subject,
        asked=asked,
        language=languages.get(row.item),
        reports=row.reports,
        reporter=row.reporter,
        priority=row.priority,
    )
    place = row.returns_to if row.appeals else row.queue  # an appeal is answered first
    route = queues.route(features)
    if route is not None and route.queue != place:
        return CaseRouted(case=row.id, queue=route.queue, route=route.when or _ALWAYS)
    if route is None and row.queue_by == BY_ROUTE and asked != place:
        return CaseRouted(case=row.id, queue=asked, route="none")
    return None


def _item(event: Event) -> str | None:
    """The item whose case may have to move because of the event."""
    match event.body:
        case DecisionMade(decision=made) if made.source is not DecisionSource.REVIEW and asks_for_review(made):
            return made.item.ref
        case ReportReceived(item=item):
            return item.ref
    return None


def _changed(event: Event) -> str | None:
    """The item whose language may be new to its case: it was edited, or appealed for without a case."""
    match event.body:
        case DecisionMade(decision=made) if made.item.revision > 1 and made.source is not DecisionSource.REVIEW:
            return made.item.ref
        case AppealReceived(item=item):
            return item.ref
    return None


ROUTER = Follower(
    name="case_router", handles=(DecisionMade, ReportReceived, AppealReceived), step=route_cases, from_start=False
)
