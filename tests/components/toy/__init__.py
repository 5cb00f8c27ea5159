"""A component that Seawall does not ship: it counts the greetings that people send to items.

It has one of everything: an event whose first version had another field, a projection, a follower, a job, a schedule,
a permission, a section of the settings, a service, a migration, a page with a menu entry, a route and a command.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, select

from seawall.model import DecisionMade, Event, EventBody
from seawall.storage import EventSpec, Job, Ledger, Transaction
from seawall.storage.component import Component, Follower, JobSpec, PermissionSpec, Schedule, ServiceContext
from seawall.storage.upsert import upsert

_metadata = MetaData()
greeted = Table(
    "toy_greeted",
    _metadata,
    Column("who", Text, primary_key=True),
    Column("times", Integer, nullable=False),
)
answered = Table(  # operational: made by the migration
    "toy_answered",
    _metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstGreeting:
    """How version 1 was written: a name was called ``name``, and there was no warmth."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeted:
    """Somebody was greeted."""

    who: str
    warmth: int


@dataclass(frozen=True, slots=True)
class Greetings:
    """How often each was greeted."""

    name: ClassVar[str] = "toy_greetings"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (Greeted,)
    tables: tuple[Table, ...] = (greeted,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Count."""
        counts = Counter(event.body.who for event in events)  # type: ignore[attr-defined]  # it gets nothing else
        rows = [{"who": who, "times": times} for who, times in counts.items()]
        upsert(conn, self.tables[0], rows, add=("times",))


@dataclass(frozen=True, slots=True)
class GreetingsByWarmth(Greetings):
    """The next version counts warmth, not greetings."""

    version: ClassVar[int] = 2

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Add up."""
        counts: Counter[str] = Counter()
        for event in events:
            assert isinstance(event.body, Greeted)
            counts[event.body.who] += event.body.warmth
        rows = [{"who": who, "times": times} for who, times in counts.items()]
        upsert(conn, self.tables[0], rows, add=("times",))


@dataclass(frozen=True, slots=True, kw_only=True)
class ToySettings:
    """``SEAWALL_TOY_WARMTH``."""

    toy_warmth: int = 1


@dataclass(slots=True)
class Greeter:
    """The service of the component."""

    ledger: Ledger
    warmth: int
    polished: int = 0
    thanked: list[str] = field(default_factory=list)

    def greet(self, who: str) -> None:
        """Record a greeting."""
        self.ledger.commit(lambda tx: tx.append(Greeted(who=who, warmth=self.warmth)))


def _services(context: ServiceContext) -> tuple[object, ...]:
    return (Greeter(context.ledger, context.get(ToySettings).toy_warmth),)


def _answer(context: ServiceContext, events: Sequence[Event]) -> Callable[[Transaction], None]:
    """Each greeting and each decision is answered once: a second insert would fail."""

    def unit(tx: Transaction) -> None:
        for event in events:
            tx.execute(answered.insert().values(seq=event.seq))
            if isinstance(event.body, Greeted):
                tx.enqueue("toy_thank", event.body.who, {"who": event.body.who})

    return unit


def _thank(context: ServiceContext, job: Job) -> None:
    context.get(Greeter).thanked.append(job.payload["who"])
    context.ledger.commit(lambda tx: tx.finish(job))


def _polish(context: ServiceContext) -> None:
    context.get(Greeter).polished += 1


def _second_version(body: dict[str, Any]) -> dict[str, Any]:
    return {"who": body["name"], "warmth": 1}


FIRST_EVENT = EventSpec("toy.greeted", FirstGreeting)
ANSWERER = Follower(name="toy_answerer", handles=(Greeted, DecisionMade), step=_answer)
COMPONENT = Component(
    name="toy",
    events=(EventSpec("toy.greeted", Greeted, version=2, upcast={1: _second_version}),),
    projections=(Greetings(),),
    followers=(ANSWERER,),
    jobs=(JobSpec(kind="toy_thank", handler=_thank, pool="toy"),),
    schedules=(Schedule(name="toy_polish", task=_polish, every_s=0.01),),
    permissions=(PermissionSpec(name="toy.greet", description="Greet people."),),
    settings=ToySettings,
    services=_services,
    migrations="components.toy.migrations",
    api="components.toy.api",
    console="components.toy.console",
    cli="components.toy.cli",
)


def times(connection: Connection) -> dict[str, int]:
    """The projection's rows."""
    return {row.who: row.times for row in connection.execute(select(greeted))}
