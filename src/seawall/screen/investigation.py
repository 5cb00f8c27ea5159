"""Investigation: past decisions asked in the language of policies, with how much was read and what nobody knows.

The newest decisions of the period are read first, page by page, until the period ends or a bound is met: rows, time, or
content of people. Decisions about items that the person may not see are left out before anything is asked of them: a
number that depends on the query would tell what is in them.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from seawall.model import DecisionSource, Prohibition
from seawall.policy import Bundle, PolicyErrors, RowQuery, compile_query, parse_query
from seawall.screen.past_rows import PastAnswer, PastDecision, PastOutcome, WhyUnknown, answer_page
from seawall.screen.tables import decision, item
from seawall.storage import Database, Vault
from seawall.storage.ledger import event

MOST_DECISIONS: Final = 300_000
"""Decisions that one investigation reads."""

MOST_SECONDS: Final = 10.0
MOST_BYTES: Final = 40_000_000
"""Of content and personal features that one investigation opens."""

MOST_AT_ONCE: Final = 2
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
LISTED: Final = 50
"""Accounts, rules, languages and features that are named."""

SAMPLED: Final = 200
"""Matching items that are named, the newest."""

_HOURS: Final = 3 * DAY_MS  # longest period that is charted by hours
_PAGE: Final = 1_000
_BY_PEOPLE: Final = (DecisionSource.REVIEW.value, DecisionSource.UNDO.value)

Hidden: TypeAlias = Callable[[Connection, Sequence[str]], Collection[str]]
"""Those of the items that whoever asks may not see."""


class InvestigationsBusy(Exception):
    """As many investigations run as may at once in this process."""

    def __init__(self) -> None:
        super().__init__(f"{MOST_AT_ONCE} investigations are running. Wait a few seconds and ask again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class InvestigationFilters:
    """Which decisions are asked: from ``since`` (included) to ``until`` (not included), in ms since 1970."""

    since: int
    until: int
    verdict: str = ""
    actor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A query by content type, and why other content types cannot be asked it: their first problems in words.

    ``prohibitions``: those in force.
    """

    queries: Mapping[str, RowQuery]
    prohibitions: tuple[Prohibition, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeStep:
    """Decisions in one hour or day from ``at`` on."""

    at: int
    matched: int
    unknown: int
    read: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCount:
    """Of the decisions of one group, how many match. ``read`` None: not counted."""

    name: str
    matched: int
    read: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedItem:
    """An item, and the newest of its decisions that match."""

    item: str
    content_type: str
    revision: int
    decision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingFeature:
    """A feature without a value, and the number of decisions whose answer it left open."""

    name: str
    why: WhyUnknown
    decisions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Investigation:
    """The answer. ``read`` decisions of ``total`` in the period were asked, those since ``reached``.

    ``hidden``: left out, because whoever asks may not see their items. ``stopped_by``: "", decisions, time or content.
    ``newest``: of the items that match, the first of them.
    """

    filters: InvestigationFilters
    total: int
    read: int
    reached: int
    stopped_by: str
    matched: int
    not_matched: int
    unknown: int
    unreadable: int
    hidden: int
    opened: int  # decisions for which content or personal features were read
    items: int  # that the matching decisions are about
    step_ms: int
    steps: tuple[TimeStep, ...]
    content_types: tuple[GroupCount, ...]
    languages: tuple[GroupCount, ...]
    surfaces: tuple[GroupCount, ...]
    verdicts: tuple[GroupCount, ...]
    rules: tuple[GroupCount, ...]
    actors: tuple[GroupCount, ...]
    missing: tuple[MissingFeature, ...]
    newest: tuple[MatchedItem, ...]


def ask(text: str, bundle: Bundle, content_types: Sequence[str] = ()) -> Asked:
    """The query for these content types, or for all that it can be asked of. Raises PolicyErrors, KeyError.

    A content type that was named and cannot be asked is an error; of the others one suffices.
    """
    expression = parse_query(text)
    queries: dict[str, RowQuery] = {}
    refused: dict[str, PolicyErrors] = {}
    for name in content_types or sorted(bundle.content_types):
        try:
            queries[name] = compile_query(expression, bundle, name)
        except PolicyErrors as error:
            if content_types:
                raise
            refused[name] = error
    if not queries:
        raise PolicyErrors(list(dict.fromkeys(one for error in refused.values() for one in error.problems))[:1])
    reasons = {name: error.problems[0].message for name, error in refused.items()}
    return Asked(queries=queries, prohibitions=bundle.not_permitted, refused=reasons)


_running = threading.BoundedSemaphore(MOST_AT_ONCE)


@contextmanager
def _one_of_few() -> Iterator[None]:
    if not _running.acquire(blocking=False):
        raise InvestigationsBusy
    try:
        yield
    finally:
        _running.release()


def investigate(
    database: Database,
    vault: Vault,
    asked: Asked,
    filters: InvestigationFilters,
    hidden: Hidden,
    *,
    most: int = MOST_DECISIONS,
    most_seconds: float = MOST_SECONDS,
    most_bytes: int = MOST_BYTES,
) -> Investigation:
    """Ask the decisions of the period, newest first. Raises InvestigationsBusy."""
    with _one_of_few():
        tally = _Tally(filters, {name: query.content_type.surface for name, query in asked.queries.items()})
        until, started = filters.until, time.monotonic()
        where = _conditions(filters, asked.queries)
        with database.read() as connection:
            of_period = (*where, decision.c.at < filters.until)
            total = connection.execute(select(func.count()).select_from(decision).where(*of_period)).scalar_one()
        after: tuple[int, str] | None = None
        while True:
            with database.read() as connection:
                page = _page(connection, where, filters.until, after)
                aside = frozenset(hidden(connection, list(dict.fromkeys(one.item for one in page))))
            seen = [one for one in page if one.item not in aside]
            tally.hidden += len(page) - len(seen)
            for answer in answer_page(vault, asked.queries, seen, asked.prohibitions):
                tally.add(answer)
            if len(page) < _PAGE:
                return tally.result(total, filters.since, "")
            after = page[-1].at, page[-1].id
            until = page[-1].at
            if tally.read + tally.hidden >= most:
                return tally.result(total, until, "decisions")
            if tally.bytes >= most_bytes:
                return tally.result(total, until, "content")
            if time.monotonic() - started >= most_seconds:
                return tally.result(total, until, "time")


def _conditions(filters: InvestigationFilters, types: Collection[str]) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [
        decision.c.at >= filters.since,
        decision.c.source.not_in(_BY_PEOPLE),
        decision.c.content_type.in_(sorted(types)),
    ]
    if filters.verdict:
        wanted.append(decision.c.verdict == filters.verdict)
    if filters.actor is not None:
        wanted.append(decision.c.actor == filters.actor)
    return wanted


_COLUMNS: Final = ("id", "at", "item", "content_type", "revision", "actor", "verdict")


def _page(
    connection: Connection, where: Sequence[ColumnElement[bool]], until: int, after: tuple[int, str] | None
) -> list[PastDecision]:
    """The next decisions, newest first, with their records.

    One upper bound of the time only: SQLite takes the first of several, and would scan what was read once more.
    """
    last = decision.c.at < until
    if after is not None:
        last = and_(decision.c.at <= after[0], or_(decision.c.at < after[0], decision.c.id < after[1]))
    query = (
        select(*(decision.c[name] for name in _COLUMNS), item.c.language, event.c.version, event.c.body)
        .join_from(decision, event, event.c.seq == decision.c.seq)
        .outerjoin(item, item.c.ref == decision.c.item)
        .where(*where, last)
        .order_by(decision.c.at.desc(), decision.c.id.desc())
        .limit(_PAGE)
    )
    return [PastDecision(*tuple(row)) for row in connection.execute(query).all()]


_Kind: TypeAlias = tuple[PastOutcome, int, str, str, str]
"""What is counted together: outcome, step of time, content type, language, verdict."""


class _Tally:
    """Counts of the answers."""

    def __init__(self, filters: InvestigationFilters, surfaces: Mapping[str, str]) -> None:
        self.filters = filters
        self.read = self.hidden = self.opened = self.bytes = 0
        self._surfaces = surfaces
        self._step = HOUR_MS if filters.until - filters.since <= _HOURS else DAY_MS
        self._counts: Counter[_Kind] = Counter()
        self._rules: Counter[str] = Counter()
        self._actors: Counter[str] = Counter()
        self._missing: Counter[tuple[str, WhyUnknown]] = Counter()
        self._items: set[str] = set()
        self._newest: list[MatchedItem] = []

    def add(self, answer: PastAnswer) -> None:
        """Count one answer."""
        past, outcome = answer.past, answer.outcome
        self.read += 1
        self.opened += answer.read > 0
        self.bytes += answer.read
        self._counts[outcome, past.at // self._step, past.content_type, past.language or "", past.verdict] += 1
        if outcome is PastOutcome.MATCHED:
            self._rules.update(answer.rules)
            self._list(past)
            if past.actor is not None:
                self._actors[past.actor] += 1
        if answer.missing:
            self._missing.update(answer.missing.items())

    def _list(self, past: PastDecision) -> None:
        if past.item not in self._items and len(self._newest) < SAMPLED:
            self._newest.append(
                MatchedItem(item=past.item, content_type=past.content_type, revision=past.revision, decision=past.id)
            )
        self._items.add(past.item)

    def result(self, total: int, reached: int, stopped_by: str) -> Investigation:
        """The answer, when the decisions since ``reached`` are counted."""
        counted: Counter[PastOutcome] = Counter()
        for (outcome, *_), count in self._counts.items():
            counted[outcome] += count
        return Investigation(
            filters=self.filters,
            total=total,
            read=self.read,
            reached=reached,
            stopped_by=stopped_by,
            matched=counted[PastOutcome.MATCHED],
            not_matched=counted[PastOutcome.NOT_MATCHED],
            unknown=counted[PastOutcome.UNKNOWN],
            unreadable=counted[PastOutcome.UNREADABLE],
            hidden=self.hidden,
            opened=self.opened,
            items=len(self._items),
            step_ms=self._step,
            steps=self._charted(reached),
            content_types=self._groups(lambda kind: kind[2]),
            languages=self._groups(lambda kind: kind[3]),
            surfaces=self._groups(lambda kind: self._surfaces[kind[2]]),
            verdicts=self._groups(lambda kind: kind[4]),
            rules=_most_common(self._rules),
            actors=_most_common(self._actors),
            missing=tuple(
                MissingFeature(name=name, why=why, decisions=count)
                for (name, why), count in self._missing.most_common(LISTED)
            ),
            newest=tuple(self._newest),
        )

    def _charted(self, reached: int) -> tuple[TimeStep, ...]:
        """Every step that was read, also those in which nothing happened."""
        counts: Counter[tuple[int, PastOutcome]] = Counter()
        for (outcome, step, *_), count in self._counts.items():
            counts[step, outcome] += count
        if not counts:
            return ()
        read = [step for step, _ in counts]
        return tuple(
            TimeStep(
                at=step * self._step,
                matched=counts[step, PastOutcome.MATCHED],
                unknown=counts[step, PastOutcome.UNKNOWN] + counts[step, PastOutcome.UNREADABLE],
                read=sum(counts[step, outcome] for outcome in PastOutcome),
            )
            for step in range(max(reached // self._step, min(read)), max(read) + 1)
        )

    def _groups(self, name_of: Callable[[_Kind], str]) -> tuple[GroupCount, ...]:
        matched, read = Counter[str](), Counter[str]()
        for kind, count in self._counts.items():
            read[name_of(kind)] += count
            matched[name_of(kind)] += count if kind[0] is PastOutcome.MATCHED else 0
        counts = [GroupCount(name=name, matched=matched[name], read=count) for name, count in read.items()]
        return tuple(sorted(counts, key=lambda one: (-one.matched, -(one.read or 0), one.name))[:LISTED])


def _most_common(counts: Counter[str]) -> tuple[GroupCount, ...]:
    return tuple(GroupCount(name=name, matched=count) for name, count in counts.most_common(LISTED))
