"""Search of items: conditions on what is recorded by SQL, words and signals by reading items one by one.

What people wrote is encrypted under a key for each account, and no index of its words is kept: an index would outlive
erasure (docs/decisions/0011-search.md). Words are therefore looked for in the newest items, a bounded number at a
time, and the answer says how far it got and what it could not read.
"""

from __future__ import annotations

import operator
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, select, tuple_

from seawall.model import Decision, DecisionSource
from seawall.screen.artifacts import derived_name, read_artifacts
from seawall.screen.content import decode, fields_name
from seawall.screen.events import DECISION_MADE
from seawall.screen.queries import ItemRow
from seawall.screen.tables import decision, fired_rule, item
from seawall.storage import Database, Vault
from seawall.storage.ledger import event
from seawall.storage.queries import select_in_chunks

MOST_READ: Final = 2_000
"""Items that one search reads one by one."""

MOST_CHARACTERS: Final = 20_000_000
"""Characters of them: a few thousand books would otherwise occupy the console."""

_PAGE: Final = 200
_AROUND: Final = 40  # characters before and after what was found


class Comparison(StrEnum):
    """How a signal's value is compared with a number."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="


_COMPARE: Final[Mapping[Comparison, Callable[[float, float], bool]]] = MappingProxyType(
    {
        Comparison.ABOVE: operator.gt,
        Comparison.AT_LEAST: operator.ge,
        Comparison.BELOW: operator.lt,
        Comparison.AT_MOST: operator.le,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalCondition:
    """The strongest value that a signal has in the item, compared with a number."""

    name: str
    comparison: Comparison
    value: float

    def holds(self, made: Decision) -> bool | None:
        """None: the decision has no such signal, so nobody knows."""
        values = [signal.value for signal in made.signals if signal.name == self.name]
        return _COMPARE[self.comparison](max(values), self.value) if values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFilters:
    """Conditions on the item and the decision in force; None is no condition. ``until`` is not included.

    ``among``, ``not_among``: further conditions of other services, as SELECTs of items' surrogates.
    """

    content_type: str | None = None
    verdict: str | None = None  # allow | hold | block | undecided
    policy: str | None = None
    rule: str | None = None
    harm: str | None = None
    actor: str | None = None
    by_person: bool | None = None
    reviewer: str | None = None
    since: int | None = None
    until: int | None = None
    degraded: bool | None = None
    among: tuple[Select[Any], ...] = ()
    not_among: tuple[Select[Any], ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class SearchPosition:
    """A place in the list of items, newest first: the last item that was looked at."""

    submitted_at: int
    ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundItem:
    """An item, and where words were found in it: a short stretch of the text around them."""

    item: ItemRow
    excerpt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """What was found, newest first, and what was looked at. ``further``: where to go on; None: there is no more.

    ``unreadable``: erased, or their retention ended. ``unmeasured``: without a signal that was asked for.
    """

    found: tuple[FoundItem, ...]
    looked_at: int
    unreadable: int = 0
    unmeasured: int = 0
    further: SearchPosition | None = None


def find_items(
    connection: Connection, filters: ItemFilters, *, limit: int, after: SearchPosition | None = None
) -> list[ItemRow]:
    """Items that meet the conditions, newest first, from the one that follows ``after``."""
    query = (
        select(*(item.c[name] for name in ItemRow.__dataclass_fields__))
        .outerjoin_from(item, decision, decision.c.id == item.c.decision)
        .where(*_conditions(filters))
        .order_by(item.c.submitted_at.desc(), item.c.ref.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(item.c.submitted_at, item.c.ref) < tuple_(after.submitted_at, after.ref))
    return [ItemRow(**row) for row in connection.execute(query).mappings()]


def _conditions(filters: ItemFilters) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    for column, value in ((item.c.content_type, filters.content_type), (item.c.actor, filters.actor)):
        if value is not None:
            wanted.append(column == value)
    if filters.verdict is not None:
        wanted.append(item.c.verdict.is_(None) if filters.verdict == "undecided" else item.c.verdict == filters.verdict)
    if filters.degraded is not None:
        wanted.append(item.c.degraded.is_(filters.degraded))
    if filters.since is not None:
        wanted.append(item.c.submitted_at >= filters.since)
    if filters.until is not None:
        wanted.append(item.c.submitted_at < filters.until)
    if filters.by_person is not None:
        by_person = decision.c.source == DecisionSource.REVIEW.value
        wanted.append(by_person if filters.by_person else ~by_person)
    if filters.reviewer is not None:
        wanted.append(decision.c.reviewer == filters.reviewer)
    wanted += _fired(filters)
    wanted += [item.c.ref.in_(one) for one in filters.among]
    wanted += [item.c.ref.not_in(one) for one in filters.not_among]
    return wanted


def _fired(filters: ItemFilters) -> list[ColumnElement[bool]]:
    """Policy, rule and harm are those of one reason: a rule with effect, or what a person found."""
    named = {"policy": filters.policy, "rule": filters.rule, "harm": filters.harm}
    given = {name: value for name, value in named.items() if value is not None}
    if not given:
        return []
    reasons = exists().where(fired_rule.c.decision == item.c.decision, fired_rule.c.mode != "shadow")
    return [reasons.where(*(fired_rule.c[name] == value for name, value in given.items()))]


def search_items(
    database: Database,
    vault: Vault,
    filters: ItemFilters,
    *,
    words: Sequence[str] = (),
    signals: Sequence[SignalCondition] = (),
    limit: int,
    after: SearchPosition | None = None,
    most: int = MOST_READ,
) -> SearchResult:
    """Items that meet all conditions, at most ``limit``. With words or signals at most ``most`` items are read."""
    if not words and not signals:
        with database.read() as connection:
            rows = find_items(connection, filters, limit=limit + 1, after=after)
        shown = tuple(FoundItem(item=row) for row in rows[:limit])
        further = _position(shown[-1].item) if len(rows) > limit else None
        return SearchResult(found=shown, looked_at=len(shown), further=further)
    found: list[FoundItem] = []
    counts: Counter[_Outcome] = Counter()
    characters = 0
    for row, outcome, excerpt, length in _read(database, vault, filters, words, signals, after):
        counts[outcome] += 1
        characters += length
        if outcome is _Outcome.FOUND:
            found.append(FoundItem(item=row, excerpt=excerpt))
        if len(found) == limit or counts.total() >= most or characters >= MOST_CHARACTERS:
            further = _position(row)
            break
    else:
        further = None
    return SearchResult(
        found=tuple(found),
        looked_at=counts.total(),
        unreadable=counts[_Outcome.UNREADABLE],
        unmeasured=counts[_Outcome.UNMEASURED],
        further=further,
    )


class _Outcome(Enum):
    FOUND = 1
    NOT_FOUND = 2
    UNREADABLE = 3
    UNMEASURED = 4


def _read(
    database: Database,
    vault: Vault,
    filters: ItemFilters,
    words: Sequence[str],
    signals: Sequence[SignalCondition],
    after: SearchPosition | None,
) -> Iterator[tuple[ItemRow, _Outcome, str, int]]:
    """Every item from there on: what came of it, the text around the first word, and the characters that were read."""
    folded = [_fold(word) for word in words]
    while True:
        with database.read() as connection:
            rows = find_items(connection, filters, limit=_PAGE, after=after)
            evaluated = evaluations_of(connection, [row.ref for row in rows])
            measured = _measured(connection, evaluated, signals) if signals else {}
        wanted = [row for row in rows if not signals or measured.get(row.ref) is not False]
        texts = texts_of(vault, wanted, evaluated) if words else {}
        for row in rows:
            holds = measured.get(row.ref) if signals else True
            mine = texts.get(row.ref)
            excerpt = _excerpt(mine, folded) if mine is not None else None
            if holds is False or (words and mine is not None and excerpt is None):
                outcome = _Outcome.NOT_FOUND
            elif words and mine is None:
                outcome = _Outcome.UNREADABLE
            else:
                outcome = _Outcome.FOUND if holds else _Outcome.UNMEASURED
            yield row, outcome, excerpt or "", sum(map(len, mine or ()))
        if len(rows) < _PAGE:
            return
        after = _position(rows[-1])


def _position(row: ItemRow) -> SearchPosition:
    return SearchPosition(row.submitted_at, row.ref)


def evaluations_of(connection: Connection, refs: Sequence[str]) -> dict[str, tuple[str, int]]:
    """The last evaluation by detectors of the items' newest revisions: its id and number. A review has no signals."""
    newest = (
        select(decision.c.item, func.max(decision.c.seq).label("seq"))
        .join(item, and_(item.c.ref == decision.c.item, item.c.revision == decision.c.revision))
        .where(decision.c.source.not_in((DecisionSource.REVIEW.value, DecisionSource.UNDO.value)))
        .group_by(decision.c.item)
    )
    seqs = [row.seq for row in select_in_chunks(connection, newest, decision.c.item, refs)]
    query = select(decision.c.item, decision.c.id, decision.c.seq)
    return {row.item: (row.id, row.seq) for row in select_in_chunks(connection, query, decision.c.seq, seqs)}


def _measured(
    connection: Connection, evaluated: Mapping[str, tuple[str, int]], signals: Sequence[SignalCondition]
) -> dict[str, bool | None]:
    """Whether all conditions hold, by item; None: one is unknown, and none of the others is false."""
    query = select(event.c.version, event.c.body)
    bodies = select_in_chunks(connection, query, event.c.seq, [seq for _, seq in evaluated.values()])
    found: dict[str, bool | None] = {}
    for row in bodies:
        made = DECISION_MADE.decode(row.version, bytes(row.body)).decision
        held = [one.holds(made) for one in signals]
        found[made.item.ref] = False if False in held else None if None in held else True
    return found


def texts_of(
    vault: Vault, rows: Sequence[ItemRow], evaluated: Mapping[str, tuple[str, int]]
) -> dict[str, tuple[str, ...]]:
    """What was written in the items, and found in their media, by item; erased ones are absent."""
    entries = [(row.ref, fields_name(row.revision)) for row in rows]
    entries += [(row.ref, derived_name(evaluated[row.ref][0])) for row in rows if row.ref in evaluated]
    opened = vault.open_many(entries)
    found = {}
    for row in rows:
        sealed = opened.get((row.ref, fields_name(row.revision)))
        if sealed is None:
            continue
        extracted = opened.get((row.ref, derived_name(evaluated[row.ref][0]))) if row.ref in evaluated else None
        derived = (part.text for part in read_artifacts(extracted).parts if part.text)
        found[row.ref] = (*_strings(decode(sealed).fields.values()), *derived)
    return found


def _strings(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            yield from (one for one in value if isinstance(one, str))


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _excerpt(texts: Sequence[str], words: Sequence[str]) -> str | None:
    """The text around the first word, if every word is in one of the texts; None otherwise."""
    folded = [_fold(text) for text in texts]
    if not all(any(word in text for text in folded) for word in words):
        return None
    original, searched = next(pair for pair in zip(texts, folded, strict=True) if words[0] in pair[1])
    at = searched.find(words[0])
    shown = original if len(original) == len(searched) else searched  # else positions are not those of the original
    start, end = max(0, at - _AROUND), at + len(words[0]) + _AROUND
    return ("…" if start else "") + " ".join(shown[start:end].split()) + ("…" if end < len(shown) else "")
