"""What the ledger says that accounts did: its events as activities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select

from seawall.content.normalise import normalise
from seawall.counters.engine import Activity
from seawall.counters.events import ActivityRecorded
from seawall.match.entries import words_of
from seawall.match.neartext import minhash
from seawall.model import (
    Decision,
    DecisionMade,
    DecisionSource,
    Event,
    EventBody,
    ItemSubmitted,
    ReportReceived,
    SubjectErased,
    is_account,
)
from seawall.model.counters import ACTOR, DECIDED, NEAR, OWN, SENT
from seawall.storage import Vault
from seawall.storage.events import Events
from seawall.storage.ledger import event as event_table
from seawall.storage.tables import subject

REPORT: Final = f"{OWN}report"
REVIEW: Final = f"{OWN}review"
_BY_REVIEW: Final = f'"source":"{DecisionSource.REVIEW.value}"'.encode()
_BY_SCREENING: Final = f'"source":"{DecisionSource.SCREEN.value}"'.encode()

Needs = Mapping[str, frozenset[str]]
"""By activity, the attributes that are needed of it."""
FieldsOf = Callable[[Sequence[str]], Mapping[str, Mapping[str, Any]]]
"""From items (surrogates) to the fields of their first revisions; erased ones are absent."""

_KEYS: Final = 8
_MINIMA_OF_KEY: Final = 8

_READ: Final = (
    select(
        event_table.c.seq,
        event_table.c.id,
        event_table.c.at,
        event_table.c.kind,
        event_table.c.version,
        event_table.c.body,
    )
    .where(
        event_table.c.seq > bindparam("after"),
        event_table.c.seq <= bindparam("upto"),
        event_table.c.kind.in_(bindparam("kinds", expanding=True)),
    )
    .order_by(event_table.c.seq)
    .limit(bindparam("limit"))
)


def text_digest(vault: Vault, text: str) -> str:
    """The keyed digest that stands for a text in counters: sixteen hexadecimal digits."""
    return vault.digest(b"counted\0" + text.encode(errors="surrogatepass"))[:16]


def bodies_of(needs: Needs) -> tuple[type[EventBody], ...]:
    """The kinds of events that have these activities, and erasures."""
    bodies: list[type[EventBody]] = [SubjectErased, ItemSubmitted, ActivityRecorded]
    if REPORT in needs:
        bodies.append(ReportReceived)
    if REVIEW in needs or any(name.startswith(DECIDED) for name in needs):
        bodies.append(DecisionMade)
    return tuple(bodies)


def read_counted(
    connection: Connection, events: Events, needs: Needs, after: int, upto: int, limit: int
) -> tuple[list[Event], int]:
    """The events that have these activities after a number, at most ``limit``; and the number up to which they are all.

    Decisions that nobody counts are left out before they are decoded: they are most of a ledger.
    """
    kinds = [events.kind_of(body) for body in bodies_of(needs)]
    rows = connection.execute(_READ, {"after": after, "upto": upto, "limit": limit, "kinds": kinds}).all()
    counted = [name.removeprefix(DECIDED).encode() for name in needs if name.startswith(DECIDED)]
    found = [
        Event(seq=row.seq, id=row.id, at=row.at, kind=row.kind, body=events.decode(row.kind, row.version, row.body))
        for row in rows
        if row.kind != _DECISION or _BY_REVIEW in row.body or (counted and _may_count(row.body, counted))
    ]
    return found, (rows[-1].seq if len(rows) == limit else upto)


_DECISION: Final = "decision.made"


def _may_count(body: bytes, content_types: Sequence[bytes]) -> bool:
    """Whether a decision may be the first one about an item of these types, by its bytes."""
    return _BY_SCREENING in body and any(b'"%b"' % name in body for name in content_types)


def activities_of(
    connection: Connection, events: Iterable[Event], needs: Needs, vault: Vault, fields_of: FieldsOf
) -> Iterator[Activity | SubjectErased]:
    """The activities among some events, and the erasures, in order.

    An item is an activity once, however often it is edited: as its first revision, at the time it was submitted; and
    once with what its first decision found, at the time of that decision.
    """
    events = list(events)
    submitted = [
        one.body.item.ref
        for one in events
        if isinstance(one.body, ItemSubmitted)
        and _is_counted(one.body, needs)
        and needs[one.body.item.content_type] - {ACTOR}
    ]
    submitted += [made.item.ref for one in events if (made := _first_decision(one.body, needs)) is not None]
    fields = fields_of(list(dict.fromkeys(submitted))) if submitted else {}
    reported = [one.body.item.ref for one in events if isinstance(one.body, ReportReceived)]
    owners = _owners(connection, reported)
    for one in events:
        match one.body:
            case SubjectErased() as body:
                yield body
            case ItemSubmitted() as body if _is_counted(body, needs):
                name = body.item.content_type
                found = attributes_of(fields.get(body.item.ref, {}), needs[name], vault)
                yield _activity(name, one, one.at, body.actor, found)
            case ActivityRecorded() as body if (name := SENT + body.activity) in needs:
                yield _activity(name, one, body.time, body.actor, body.attributes)
            case ReportReceived() as body if not body.muted:
                kind = attributes_of({"kind": body.kind}, needs[REPORT], vault)
                yield _activity(REPORT, one, one.at, owners.get(body.item.ref), kind)
            case DecisionMade(decision=decision) if decision.source is DecisionSource.REVIEW:
                yield _activity(REVIEW, one, one.at, decision.actor, {"violates": bool(decision.reasons)})
            case DecisionMade(decision=decision) if _first_decision(one.body, needs) is not None:
                name = DECIDED + decision.item.content_type
                of_item = attributes_of(fields.get(decision.item.ref, {}), needs[name], vault)
                yield _activity(name, one, one.at, decision.actor, {**_signals_of(decision, needs[name]), **of_item})


def _is_counted(body: ItemSubmitted, needs: Needs) -> bool:
    return body.item.revision == 1 and body.item.content_type in needs


def _first_decision(body: EventBody, needs: Needs) -> Decision | None:
    """The decision, if it is the first one about an item that is counted with its signals."""
    if not isinstance(body, DecisionMade) or DECIDED + body.decision.item.content_type not in needs:
        return None
    made = body.decision
    is_first = made.item.revision == 1 and made.supersedes is None and made.source is DecisionSource.SCREEN
    return made if is_first else None


def _signals_of(decision: Decision, names: frozenset[str]) -> dict[str, float]:
    """The largest value of each signal; those that nobody found, or that were unknown, are absent."""
    found: dict[str, float] = {}
    for signal in decision.signals:
        if signal.name in names:
            found[signal.name] = max(found.get(signal.name, signal.value), signal.value)
    return found


def _activity(name: str, event: Event, at: int, actor: str | None, attributes: Mapping[str, Any]) -> Activity:
    known = dict(attributes) if actor is None else {**attributes, ACTOR: actor}
    return Activity(name, at, event.at, known)


def attributes_of(fields: Mapping[str, Any], names: Iterable[str], vault: Vault) -> dict[str, Any]:
    """Fields as attributes of an activity: texts as digests; files and what is absent are left out."""
    found: dict[str, Any] = {}
    for name in names:
        if name.startswith(NEAR):
            if keys := _near_keys(fields.get(name.removeprefix(NEAR)), vault):
                found[name] = keys
            continue
        value = fields.get(name)
        if isinstance(value, str):
            found[name] = text_digest(vault, value)
        elif isinstance(value, list | tuple):
            found[name] = tuple([text_digest(vault, one) for one in value])
        elif isinstance(value, int | float):
            found[name] = value
    return found


def _near_keys(value: Any, vault: Vault) -> frozenset[str]:
    """Keys of which near-duplicates of a text share some: digests of parts of its MinHash.

    Two texts share one in 99 of 100 cases when 90 % of their 5-grams are the same, in 38 when it is 70 %, in 3 at half.
    """
    text = "\n".join(value) if isinstance(value, list | tuple) else value
    words = " ".join(word[0] for word in words_of(normalise(text).text)) if isinstance(text, str) else ""
    if not words:
        return frozenset()
    parts = minhash(words).reshape(-1, _MINIMA_OF_KEY)[:_KEYS]
    return frozenset(text_digest(vault, f"{number} {part.tobytes().hex()}") for number, part in enumerate(parts))


def _owners(connection: Connection, reported: Sequence[str]) -> dict[str, str]:
    """Who is counted as reported: the account itself, or the author of the item."""
    owners = {ref: ref for ref in reported if is_account(ref)}
    items = [ref for ref in dict.fromkeys(reported) if ref not in owners]
    for start in range(0, len(items), 500):
        query = select(subject.c.ref, subject.c.owner).where(subject.c.ref.in_(items[start : start + 500]))
        owners.update((row.ref, row.owner) for row in connection.execute(query) if row.owner is not None)
    return owners
