"""Queries of screening as typed rows: items, revisions, decisions, rules that fired, traffic, rescreens.

Entry points use these and never import the tables. Content and whole decisions: ``stored_content.py``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, case, exists, func, literal, or_, select, union_all

from seawall.model import HARMS, DecisionSource, ItemRef
from seawall.screen.submission import item_kind
from seawall.screen.tables import decision, fired_rule, item, pending_rescreen, revision, traffic, traffic_total
from seawall.storage import Database, Vault
from seawall.storage.queries import select_in_chunks

_SAMPLED: Final = 500  # of an account's items, from which the gravest are taken
_STRICTNESS: Final = {"hold": 1, "block": 2}
_RULES_IN_STATEMENT: Final = 200  # SQLite takes 500 SELECTs in one compound statement


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """An item in its newest revision, and the decision in force. ``decision`` None: submitted, not yet decided."""

    ref: str
    content_type: str
    actor: str | None
    language: str | None
    revision: int
    digest: str
    submitted_at: int
    decision: str | None
    verdict: str | None
    degraded: bool | None
    decided_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionRow:
    """One submission of an item."""

    item: str
    revision: int
    seq: int
    at: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """One decision in a list. ``policy``, ``rule`` and ``harm`` are those of its first reason."""

    id: str
    seq: int
    at: int
    item: str
    content_type: str
    revision: int
    actor: str | None
    source: str
    stage: str | None
    bundle: str | None
    verdict: str
    degraded: bool
    policy: str | None
    rule: str | None
    harm: str | None
    supersedes: str | None
    reviewer: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingRescreenRow:
    """An item decided while a detector did not answer, which is screened again by ``due_at``."""

    decision: str
    item: str
    content_type: str
    opened_at: int
    due_at: int
    detectors: str  # names, joined by commas
    fail_mode: str
    state: str  # open | paid (rescreened) | erased
    resolved_by: str | None
    resolved_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RescreenOutcome:
    """A pending rescreen with the verdicts before and after it; ``became`` None: not screened again yet."""

    rescreen: PendingRescreenRow
    was: str | None
    became: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RescreenSummary:
    """How many rescreens are pending, since when, and how many are overdue."""

    pending: int
    oldest_at: int | None
    overdue: int
    next_due_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FiredRuleCount:
    """How often one rule fired."""

    policy: str
    rule: str
    mode: str
    harm: str
    fired: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFilters:
    """Filters of a list of decisions; an empty field filters nothing. ``rule`` needs ``policy``."""

    verdict: str = ""
    source: str = ""
    content_type: str = ""
    policy: str = ""
    rule: str = ""
    degraded: bool = False


def _columns(table: Any, row: type[Any]) -> Select[Any]:
    return select(*(table.c[name] for name in row.__dataclass_fields__))


_ITEM = _columns(item, ItemRow)
_DECISION = _columns(decision, DecisionRow)
_RESCREEN = _columns(pending_rescreen, PendingRescreenRow)


def find_item(database: Database, vault: Vault, content_type: str, item_id: str) -> ItemRow | None:
    """An item by its content type and the platform's own id."""
    ref = vault.find(item_kind(content_type), item_id)
    if ref is None:
        return None
    with database.read() as connection:
        return get_item(connection, ref)


def find_item_ref(database: Database, vault: Vault, content_type: str, item_id: str) -> ItemRef | None:
    """The same, as the reference to its newest revision."""
    row = find_item(database, vault, content_type, item_id)
    return None if row is None else ItemRef(row.content_type, row.ref, row.revision)


def get_item(connection: Connection, ref: str) -> ItemRow | None:
    """An item by its surrogate."""
    row = connection.execute(_ITEM.where(item.c.ref == ref)).mappings().one_or_none()
    return None if row is None else ItemRow(**row)


def items_by_ref(connection: Connection, refs: Iterable[str]) -> dict[str, ItemRow]:
    """Items by their surrogates; unknown ones are left out."""
    rows = select_in_chunks(connection, _ITEM, item.c.ref, refs)
    return {row.ref: ItemRow(**row._mapping) for row in rows}


def item_languages() -> Select[Any]:
    """A SELECT of the items whose language is known, ``ref`` and ``language``: for the queries of other services."""
    return select(item.c.ref, item.c.language).where(item.c.language.is_not(None))


def revisions_of(connection: Connection, ref: str, *, limit: int) -> list[RevisionRow]:
    """The submissions of an item, newest first."""
    query = _columns(revision, RevisionRow).where(revision.c.item == ref).order_by(revision.c.seq.desc()).limit(limit)
    return [RevisionRow(**row) for row in connection.execute(query).mappings()]


def newest_decisions(
    connection: Connection, filters: DecisionFilters, *, limit: int, before: int | None = None
) -> list[DecisionRow]:
    """A page of decisions, newest first: those with numbers below ``before``."""
    query = _DECISION.order_by(decision.c.seq.desc()).limit(limit)
    if filters.verdict:
        query = query.where(decision.c.verdict == filters.verdict)
    if filters.source:
        query = query.where(decision.c.source == filters.source)
    if filters.content_type:
        query = query.where(decision.c.content_type == filters.content_type)
    if filters.degraded:
        query = query.where(decision.c.degraded.is_(True))
    if filters.policy:
        fired = exists().where(fired_rule.c.decision == decision.c.id, fired_rule.c.policy == filters.policy)
        query = query.where(fired.where(fired_rule.c.rule == filters.rule) if filters.rule else fired)
    if before is not None:
        query = query.where(decision.c.seq < before)
    return _decisions(connection, query)


def get_decision(connection: Connection, decision_id: str) -> DecisionRow | None:
    """One decision by its id."""
    return next(iter(_decisions(connection, _DECISION.where(decision.c.id == decision_id))), None)


def decision_that_supersedes(connection: Connection, decision_id: str) -> DecisionRow | None:
    """The decision that superseded this one."""
    return next(iter(_decisions(connection, _DECISION.where(decision.c.supersedes == decision_id).limit(1))), None)


def decisions_of_item(connection: Connection, ref: str, *, limit: int | None = None) -> list[DecisionRow]:
    """The decisions about an item, newest first."""
    return _decisions(connection, _DECISION.where(decision.c.item == ref).order_by(decision.c.seq.desc()).limit(limit))


def newest_decision_of_revision(connection: Connection, ref: str, number: int) -> str | None:
    """The id of the last decision about one revision of an item."""
    query = select(decision.c.id).where(decision.c.item == ref, decision.c.revision == number)
    return connection.execute(query.order_by(decision.c.seq.desc()).limit(1)).scalar()


def last_evaluation(connection: Connection, ref: str, revision: int, before: str) -> str | None:
    """The machine's last decision about a revision, among those recorded before the decision ``before``."""
    by_people = (DecisionSource.REVIEW.value, DecisionSource.UNDO.value)
    until = select(decision.c.seq).where(decision.c.id == before).scalar_subquery()
    query = select(decision.c.id).where(decision.c.item == ref, decision.c.revision == revision, decision.c.seq < until)
    query = query.where(decision.c.source.not_in(by_people)).order_by(decision.c.seq.desc()).limit(1)
    return connection.execute(query).scalar()


def decisions_of_actor(connection: Connection, actor: str, *, except_item: str, limit: int) -> list[DecisionRow]:
    """The decisions in force about an actor's other items, newest first."""
    query = (
        _DECISION.join(item, item.c.decision == decision.c.id)
        .where(item.c.actor == actor, item.c.ref != except_item)
        .order_by(decision.c.seq.desc())
        .limit(limit)
    )
    return _decisions(connection, query)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorTotals:
    """What an account submitted, in numbers: items by the verdict in force, and when the first and the last came."""

    verdicts: Mapping[str, int]  # "": not decided
    first_at: int | None
    last_at: int | None


def totals_of_actor(connection: Connection, actor: str) -> ActorTotals:
    """The numbers of an account's items."""
    first, last = func.min(item.c.submitted_at), func.max(item.c.submitted_at)
    query = select(item.c.verdict, func.count(), first, last).where(item.c.actor == actor).group_by(item.c.verdict)
    rows = connection.execute(query).all()
    return ActorTotals(
        verdicts={verdict or "": count for verdict, count, _, _ in rows},
        first_at=min((row[2] for row in rows), default=None),
        last_at=max((row[3] for row in rows), default=None),
    )


def items_by_actor(actor: str) -> Select[Any]:
    """A SELECT of an account's items, for queries of other services."""
    return select(item.c.ref).where(item.c.actor == actor)


def gravest_items_of_actor(connection: Connection, actor: str, *, limit: int) -> list[ItemRow]:
    """A sample of an account's newest items: those with the gravest finding first, then the newest."""
    query = _ITEM.add_columns(decision.c.harm).where(item.c.actor == actor)
    query = query.outerjoin(decision, decision.c.id == item.c.decision).order_by(item.c.submitted_at.desc())
    rows = connection.execute(query.limit(_SAMPLED)).mappings().all()
    gravest = sorted(rows, key=_gravity, reverse=True)  # stable: the newest stay first
    return [ItemRow(**{name: row[name] for name in ItemRow.__dataclass_fields__}) for row in gravest[:limit]]


def _gravity(row: Mapping[Any, Any]) -> tuple[int, int]:
    """By what was found, then by what was done about it."""
    harm = row["harm"]
    return HARMS[harm].severity if harm in HARMS else 0, _STRICTNESS.get(row["verdict"], 0)


def reviews_of_actor(connection: Connection, actor: str, *, limit: int) -> list[DecisionRow]:
    """What people decided about an account and its items, newest first."""
    about = or_(decision.c.item == actor, decision.c.item.in_(items_by_actor(actor)))
    query = _DECISION.where(about, decision.c.source == DecisionSource.REVIEW.value)
    return _decisions(connection, query.order_by(decision.c.seq.desc()).limit(limit))


def decisions_by_id(connection: Connection, ids: Iterable[str]) -> dict[str, DecisionRow]:
    """Decisions by their ids; unknown ones are left out."""
    rows = select_in_chunks(connection, _DECISION, decision.c.id, ids)
    return {row.id: DecisionRow(**row._mapping) for row in rows}


def harms_of_decisions(connection: Connection, decisions: Iterable[str]) -> dict[str, frozenset[str]]:
    """The harms that rules with effect, or a person, found; decisions without one are left out."""
    query = select(fired_rule.c.decision, fired_rule.c.harm).where(fired_rule.c.mode != "shadow")
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in select_in_chunks(connection, query, fired_rule.c.decision, decisions):
        found[row.decision].add(row.harm)
    return {name: frozenset(harms) for name, harms in found.items()}


def _decisions(connection: Connection, query: Select[Any]) -> list[DecisionRow]:
    return [DecisionRow(**row) for row in connection.execute(query).mappings()]


def pending_rescreens(connection: Connection, *, limit: int) -> list[RescreenOutcome]:
    """Pending rescreens, the most urgent first."""
    return _rescreens(connection, "open", (pending_rescreen.c.due_at, pending_rescreen.c.decision), limit)


def finished_rescreens(connection: Connection, *, limit: int) -> list[RescreenOutcome]:
    """Completed rescreens, newest first."""
    return _rescreens(
        connection, "resolved", (pending_rescreen.c.resolved_at.desc(), pending_rescreen.c.decision), limit
    )


def _rescreens(connection: Connection, state: str, order: Sequence[Any], limit: int) -> list[RescreenOutcome]:
    before, after = decision.alias("before"), decision.alias("after")
    query = (
        _RESCREEN.add_columns(before.c.verdict.label("was"), after.c.verdict.label("became"))
        .outerjoin_from(pending_rescreen, before, before.c.id == pending_rescreen.c.decision)
        .outerjoin(after, after.c.id == pending_rescreen.c.resolved_by)
        .where(pending_rescreen.c.state == state)
        .order_by(*order)
        .limit(limit)
    )
    return [
        RescreenOutcome(
            rescreen=PendingRescreenRow(**{name: row[name] for name in PendingRescreenRow.__dataclass_fields__}),
            was=row["was"],
            became=row["became"],
        )
        for row in connection.execute(query).mappings()
    ]


def rescreen_summary(connection: Connection, now: int) -> RescreenSummary:
    """Counts of the pending rescreens."""
    overdue = func.sum(case((pending_rescreen.c.due_at < now, 1), else_=0))
    query = select(func.count(), func.min(pending_rescreen.c.opened_at), overdue, func.min(pending_rescreen.c.due_at))
    pending, oldest_at, late, next_due_at = connection.execute(query.where(pending_rescreen.c.state == "open")).one()
    return RescreenSummary(pending=pending, oldest_at=oldest_at, overdue=int(late or 0), next_due_at=next_due_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficCount:
    """Decisions of one content type, source and verdict."""

    content_type: str
    source: str
    verdict: str
    decisions: int
    degraded: int


def traffic_between(connection: Connection, since: int | None, until: int | None) -> list[TrafficCount]:
    """Decisions in the minutes from ``since`` (included) to ``until`` (not included), in milliseconds since 1970."""
    labels = (traffic.c.content_type, traffic.c.source, traffic.c.verdict)
    decisions, degraded = func.sum(traffic.c.decisions), func.sum(traffic.c.degraded)
    query = select(*labels, decisions.label("decisions"), degraded.label("degraded")).group_by(*labels)
    if since is not None:
        query = query.where(traffic.c.minute >= since)
    if until is not None:
        query = query.where(traffic.c.minute < until)
    return [
        TrafficCount(
            content_type=row.content_type,
            source=row.source,
            verdict=row.verdict,
            decisions=int(row.decisions),
            degraded=int(row.degraded),
        )
        for row in connection.execute(query)
    ]


def total_traffic(connection: Connection) -> list[TrafficCount]:
    """Decisions since the beginning; the same names may come twice. Reads the last hours only, however long it ran."""
    rows = connection.execute(select(traffic_total)).mappings()
    sums = [TrafficCount(**{name: row[name] for name in TrafficCount.__dataclass_fields__}) for row in rows]
    return sums + traffic_between(connection, totalled_until(connection), None)


def totalled_until(connection: Connection) -> int | None:
    """The first minute that is not in the totals; None when they hold nothing."""
    return connection.execute(select(func.max(traffic_total.c.until))).scalar()


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemCount:
    """Items by where they stand now. ``verdict`` None: not decided yet."""

    verdict: str | None
    degraded: bool
    items: int


def items_since(connection: Connection, since: int) -> list[ItemCount]:
    """The items of which a revision was submitted since then, each once, however often it was decided."""
    labels = (item.c.verdict, item.c.degraded)
    query = select(*labels, func.count()).where(item.c.submitted_at >= since).group_by(*labels)
    return [
        ItemCount(verdict=verdict, degraded=bool(degraded), items=count)
        for verdict, degraded, count in connection.execute(query)
    ]


def decisions_by_minute(connection: Connection, since: int) -> Mapping[tuple[int, str], int]:
    """(minute, verdict) → decisions, from the minute ``since``."""
    query = (
        select(traffic.c.minute, traffic.c.verdict, func.sum(traffic.c.decisions))
        .where(traffic.c.minute >= since)
        .group_by(traffic.c.minute, traffic.c.verdict)
    )
    return {(minute, verdict): int(count) for minute, verdict, count in connection.execute(query)}


def fired_rules(connection: Connection, rules: Sequence[tuple[str, str]], since: int) -> list[FiredRuleCount]:
    """How often each of ``rules`` (policy, rule) fired since then, by mode; those that did not are left out.

    Each rule is counted by a range of the index (policy, rule, at): the cost grows with the rows since then, not with
    all rows.
    """
    found: list[FiredRuleCount] = []
    for start in range(0, len(rules), _RULES_IN_STATEMENT):
        counts = [
            select(
                literal(policy).label("policy"),
                literal(rule).label("rule"),
                fired_rule.c.mode,
                fired_rule.c.harm,
                func.count().label("fired"),
            )
            .where(fired_rule.c.policy == policy, fired_rule.c.rule == rule, fired_rule.c.at >= since)
            .group_by(fired_rule.c.mode, fired_rule.c.harm)
            for policy, rule in rules[start : start + _RULES_IN_STATEMENT]
        ]
        found += [FiredRuleCount(**row) for row in connection.execute(union_all(*counts)).mappings()]
    return found
