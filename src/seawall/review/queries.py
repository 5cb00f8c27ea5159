"""Reading cases and reviews, as typed rows. Pages and programs read through here and never import the tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, func, select

from seawall.model.case_scope import EVERY_CASE, CaseScopes
from seawall.review.case_policies import CasePolicy, read_policies
from seawall.review.case_scopes import in_scopes
from seawall.review.leases import in_force
from seawall.review.tables import case, case_assignment, case_handover, case_passing, case_skip, lease, review
from seawall.storage.queries import select_in_chunks
from seawall.storage.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One case in a list. ``holder``: the person who holds its lease; None: nobody does. ``assigned_to``: the person
    who has it to themselves.

    ``severe_revision``: flagged for a severe harm and not judged yet, whatever revisions came after it.
    ``policies``: all that fired or were named by a report since it was opened; ``policy``, ``rule`` and ``harm`` are
    those of the gravest. ``child_safety``: only people with ``review.see_child_safety`` may see the case and its item.
    ``unnamed_claim``: the highest priority of the reports that name no policy. ``score``: the order of open cases.
    ``subject``: item or account, whose surrogate is ``item``. ``openings``: the times that something new opened it.
    ``language``: of the item, known a moment after the case was opened; None: not known.
    """

    id: str
    item: str
    content_type: str
    actor: str | None
    queue: str
    priority: float
    state: str  # open | closed
    opened_at: int
    closed_at: int | None
    decision: str | None
    policy: str | None
    rule: str | None
    harm: str | None
    reports: int
    reviews: int
    answer: str | None
    severe_revision: int | None
    policies: tuple[CasePolicy, ...]
    child_safety: bool
    queue_by: str  # rule | route | person
    reporter: str | None
    unnamed_claim: float
    visible: bool
    score: float
    holder: str | None
    appeals: int = 0
    subject: str = "item"
    openings: int = 0
    language: str | None = None
    assigned_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRow:
    """One answer of a reviewer. The note is in the vault."""

    id: str
    seq: int
    at: int
    case: str
    reviewer: str
    decision: str
    policy: str | None
    answer: str
    reason: str
    undone_at: int | None = None  # when the reviewer took it back
    bulk: str | None = None  # the bulk decision that it belongs to: nobody looked at the item for it


@dataclass(frozen=True, slots=True, kw_only=True)
class PassingRow:
    """A reviewer left a case to others. The note is in the vault."""

    id: str
    seq: int
    at: int
    case: str
    person: str
    why: str  # a key of ``passing_on.WHY``


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverRow:
    """A case was given to ``person``; ``ended``: they declined it, or ``by`` took it away. The note is in the vault."""

    id: str
    seq: int
    at: int
    person: str
    by: str
    why: str  # a key of ``assignments.WHY_ASSIGN``; of WHY_DECLINE when they declined it
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SkipRow:
    """A reviewer put a case back for now."""

    seq: int
    at: int
    person: str
    why: str  # a key of ``leases.WHY_SKIP``


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentRow:
    """A case that a person has to themselves until ``until``. The note is in the vault."""

    id: str
    case: str
    person: str
    by: str
    why: str  # a key of ``assignments.WHY_ASSIGN``
    at: int
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilters:
    """Which cases a list shows; an empty field filters nothing. ``child_safety``: with those of child safety.

    ``scopes``: only those that one of them admits.
    """

    state: str = "open"
    queue: str = ""
    content_type: str = ""
    child_safety: bool = False
    scopes: CaseScopes = EVERY_CASE


UNDO_MS: Final = 10 * 60 * 1000
"""How long a reviewer can take an answer back. Later the case is decided again, by anybody."""
_CASE_COLUMNS = tuple(case.c[name] for name in CaseRow.__dataclass_fields__ if name not in ("holder", "assigned_to"))
_REVIEW = select(*(review.c[name] for name in ReviewRow.__dataclass_fields__))


def list_cases(connection: Connection, filters: CaseFilters, now: int, *, limit: int, skip: int = 0) -> list[CaseRow]:
    """A page of cases: open ones the most urgent first, closed ones the newest first."""
    query = _cases(now).where(case.c.state == filters.state, case.c.state != "none")
    if filters.queue:
        query = query.where(case.c.queue == filters.queue)
    if filters.content_type:
        query = query.where(case.c.content_type == filters.content_type)
    if not filters.child_safety:
        query = query.where(case.c.child_safety.is_(False))
    if filters.scopes != EVERY_CASE:
        query = query.where(in_scopes(filters.scopes))
    if filters.state == "open":
        query = query.order_by(case.c.score.desc(), case.c.id.desc())
    else:
        query = query.order_by(case.c.closed_at.desc(), case.c.id)
    return [_row(row) for row in connection.execute(query.limit(limit).offset(skip)).mappings()]


def get_case(connection: Connection, case_id: str, now: int) -> CaseRow | None:
    """One case by its id."""
    return _first(connection, _cases(now).where(case.c.id == case_id, case.c.state != "none"))


def case_of_item(connection: Connection, item: str, now: int) -> CaseRow | None:
    """The one case of an item or account."""
    return _first(connection, _cases(now).where(case.c.item == item, case.c.state != "none"))


def admits(scopes: CaseScopes, found: CaseRow) -> bool:
    """Whether one of the scopes admits this case, as ``case_scopes.in_scopes`` says in SQL."""
    harms = {one.harm for one in found.policies} | {found.harm}
    return any(
        scope.admits(queue=found.queue, harms=harms, content_type=found.content_type, child_safety=found.child_safety)
        for scope in scopes
    )


def items_of_child_safety(connection: Connection, items: Iterable[str]) -> frozenset[str]:
    """Those of the items that only people with ``review.see_child_safety`` may see, whether they have a case or not."""
    query = select(case.c.item).where(case.c.child_safety.is_(True))
    return frozenset(row.item for row in select_in_chunks(connection, query, case.c.item, sorted(set(items))))


def _cases(now: int) -> Select[Any]:
    live = and_(lease.c.case == case.c.id, lease.c.until > now)
    assigned = and_(case_assignment.c.case == case.c.id, in_force(now))
    columns = (*_CASE_COLUMNS, lease.c.person.label("holder"), case_assignment.c.person.label("assigned_to"))
    return select(*columns).outerjoin_from(case, lease, live).outerjoin(case_assignment, assigned)


def _first(connection: Connection, query: Select[Any]) -> CaseRow | None:
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _row(row)


def _row(row: Mapping[Any, Any]) -> CaseRow:
    return CaseRow(**{**row, "policies": read_policies(row["policies"])})


def assignment_of_case(connection: Connection, case_id: str, now: int) -> AssignmentRow | None:
    """Whom the case is assigned to now, by whom and why; None: nobody."""
    row = connection.execute(_assignments(now).where(case_assignment.c.case == case_id)).mappings().first()
    return None if row is None else AssignmentRow(**row)


def count_assigned(connection: Connection, person: str, now: int) -> int:
    """How many open cases are assigned to the person now."""
    mine = _assignments(now).where(case_assignment.c.person == person, case.c.state == "open").subquery()
    return connection.execute(select(func.count()).select_from(mine)).scalar_one()


def _assignments(now: int) -> Select[Any]:
    columns = (case_assignment.c[name] for name in AssignmentRow.__dataclass_fields__)
    return select(*columns).join(case, case.c.id == case_assignment.c.case).where(in_force(now))


@dataclass(frozen=True, slots=True)
class CaseCounts:
    """Cases of one state, counted: by queue and by content type, each in alphabetical order."""

    queues: Sequence[tuple[str, int]]
    content_types: Sequence[tuple[str, int]]


def count_cases(
    connection: Connection, state: str, *, child_safety: bool = True, scopes: CaseScopes = EVERY_CASE
) -> CaseCounts:
    """The cases in a state, counted; without ``child_safety`` only those that everybody may see."""
    # Both values of child_safety are named, and groups are in the order of the index ix_review_case_counts, so that
    # SQLite reads that index and neither sorts nor reads the rows, which are much larger.
    shown = (False, True) if child_safety else (False,)
    groups = case.c.child_safety, case.c.queue, case.c.content_type
    query = select(*groups, func.count().label("cases")).group_by(*groups)
    query = query.where(case.c.state == state, case.c.child_safety.in_(shown))
    if scopes != EVERY_CASE:
        query = query.where(in_scopes(scopes))
    queues, content_types = Counter[str](), Counter[str]()
    for row in connection.execute(query):
        queues[row.queue] += row.cases
        content_types[row.content_type] += row.cases
    return CaseCounts(sorted(queues.items()), sorted(content_types.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedCase:
    """When an open case was opened, and where it waits."""

    opened_at: int
    queue: str
    content_type: str


def newest_open_cases(connection: Connection, *, scopes: CaseScopes, limit: int) -> list[OpenedCase]:
    """The open cases that were opened last and that one of the scopes admits, the newest first."""
    query = select(*(case.c[name] for name in OpenedCase.__dataclass_fields__)).where(case.c.state == "open")
    rows = connection.execute(query.where(in_scopes(scopes)).order_by(case.c.opened_at.desc()).limit(limit)).mappings()
    return [OpenedCase(**row) for row in rows]


def reviews_of_item(connection: Connection, item: str, *, limit: int) -> Sequence[ReviewRow]:
    """The answers about an item's case, newest first."""
    query = _REVIEW.join(case, case.c.id == review.c.case).where(case.c.item == item)
    rows = connection.execute(query.order_by(review.c.seq.desc()).limit(limit)).mappings()
    return [ReviewRow(**row) for row in rows]


def passings_of_item(connection: Connection, item: str, *, limit: int) -> Sequence[PassingRow]:
    """Who left an item's case to others, newest first."""
    query = select(*(case_passing.c[name] for name in PassingRow.__dataclass_fields__))
    query = query.join(case, case.c.id == case_passing.c.case).where(case.c.item == item)
    rows = connection.execute(query.order_by(case_passing.c.seq.desc()).limit(limit)).mappings()
    return [PassingRow(**row) for row in rows]


def handovers_of_item(connection: Connection, item: str, *, limit: int) -> Sequence[HandoverRow]:
    """To whom an item's case was given, and from whom it was taken, newest first."""
    query = select(*(case_handover.c[name] for name in HandoverRow.__dataclass_fields__))
    query = query.join(case, case.c.id == case_handover.c.case).where(case.c.item == item)
    rows = connection.execute(query.order_by(case_handover.c.seq.desc()).limit(limit)).mappings()
    return [HandoverRow(**row) for row in rows]


def skips_of_item(connection: Connection, item: str, *, limit: int) -> Sequence[SkipRow]:
    """Who put an item's case back for now, newest first."""
    query = select(*(case_skip.c[name] for name in SkipRow.__dataclass_fields__))
    query = query.join(case, case.c.id == case_skip.c.case).where(case.c.item == item)
    rows = connection.execute(query.order_by(case_skip.c.seq.desc()).limit(limit)).mappings()
    return [SkipRow(**row) for row in rows]


def undoable_review(connection: Connection, decision: str, person: str, now: int) -> ReviewRow | None:
    """The review that made a decision, if this person can still take it back; None otherwise.

    That the decision is in force still is checked when it is taken back.
    """
    own = (review.c.decision == decision) & (review.c.reviewer == person)
    stands = review.c.undone_at.is_(None) & review.c.ends_appeal.is_(False)
    row = connection.execute(_REVIEW.where(own, stands, review.c.at > now - UNDO_MS)).mappings().first()
    return None if row is None else ReviewRow(**row)


def answers_after(connection: Connection, items: Sequence[str], answers: Sequence[str]) -> dict[str, list[ReviewRow]]:
    """The reviews of these items that gave one of the answers and stand, oldest first, by item."""
    query = select(case.c.item, *(review.c[name] for name in ReviewRow.__dataclass_fields__))
    query = query.join(case, case.c.id == review.c.case).where(review.c.answer.in_(answers)).order_by(review.c.seq)
    query = query.where(review.c.undone_at.is_(None))
    found: dict[str, list[ReviewRow]] = {}
    for row in select_in_chunks(connection, query, case.c.item, sorted(set(items))):
        values = dict(row._mapping)
        found.setdefault(values.pop("item"), []).append(ReviewRow(**values))
    return found


def items_with_open_case(reader: Connection | Transaction, items: Sequence[str]) -> list[str]:
    """Those of the items that wait for a person."""
    query = select(case.c.item).where(case.c.state == "open")
    return [row.item for row in select_in_chunks(reader, query, case.c.item, items)]


def items_with_case(*, state: str | None = None, queue: str | None = None) -> Select[Any]:
    """A SELECT of the items that have a case, for a search: in this state, in this queue."""
    query = select(case.c.item)
    if state is not None:
        query = query.where(case.c.state == state)
    return query if queue is None else query.where(case.c.queue == queue)


def cases_of_items(connection: Connection, items: Sequence[str], now: int) -> dict[str, CaseRow]:
    """The cases of the items, by item; those without one are left out."""
    rows = select_in_chunks(connection, _cases(now), case.c.item, items)
    return {row.item: _row(row._mapping) for row in rows}


def get_review(connection: Connection, review_id: str) -> ReviewRow | None:
    """One answer by its id."""
    row = connection.execute(_REVIEW.where(review.c.id == review_id)).mappings().one_or_none()
    return None if row is None else ReviewRow(**row)
