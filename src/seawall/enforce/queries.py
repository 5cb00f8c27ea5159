"""Reading enforcements and their deliveries, as typed rows. Pages and programs never import the tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, select

from seawall.enforce.delivery_state import DeliveryState, EnforcementState
from seawall.enforce.events import is_lift
from seawall.enforce.tables import delivery, endpoint, enforcement
from seawall.storage.queries import select_in_chunks


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """One message to a receiver, and how far it got. ``status``: the last answer's, if there was one."""

    id: str
    seq: int
    enforcement: str
    endpoint: str
    change: str  # applied | reversed
    state: str  # queued | retrying | delivered | dead | cancelled
    attempts: int
    status: int | None
    detail: str
    queued_at: int
    updated_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLine:
    """A delivery with what it is about and where it goes, as far as those are known still."""

    delivery: DeliveryRow
    kind: str | None  # of the action
    item: str | None
    content_type: str | None
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementRow:
    """An action that was applied, with the deliveries of its application and its reversal, the first first."""

    id: str
    seq: int
    at: int
    decision: str
    item: str
    content_type: str
    revision: int
    subject: str
    kind: str
    parameters: Mapping[str, Any]
    state: str  # active | reversed
    reversed_at: int | None
    reversed_by: str | None  # decision, or the lifting by a person
    deliveries: Sequence[DeliveryRow]

    @property
    def is_lifted(self) -> bool:
        """Whether a person ended it without another decision."""
        return is_lift(self.reversed_by)

    @property
    def ends_at(self) -> int | None:
        """When it ends by itself, in milliseconds since 1970; None: it does not."""
        seconds = self.parameters.get("for")
        return self.at + int(seconds * 1000) if isinstance(seconds, int | float) else None

    def is_in_force(self, now: int) -> bool:
        """Whether it is neither reversed nor over."""
        return self.state == EnforcementState.ACTIVE and (self.ends_at is None or self.ends_at > now)


_DELIVERY_COLUMNS = tuple(delivery.c[name] for name in DeliveryRow.__dataclass_fields__)
_ENFORCEMENT = select(*(enforcement.c[name] for name in EnforcementRow.__dataclass_fields__ if name != "deliveries"))


def enforcements_of_item(connection: Connection, item: str, *, limit: int) -> list[EnforcementRow]:
    """Every enforcement that came of an item, newest first."""
    query = _ENFORCEMENT.where(enforcement.c.item == item).order_by(enforcement.c.seq.desc()).limit(limit)
    return _with_deliveries(connection, query)


def newest_deliveries(connection: Connection, *, limit: int) -> list[DeliveryRow]:
    """The deliveries that were queued last, newest first."""
    query = select(*_DELIVERY_COLUMNS).order_by(delivery.c.seq.desc()).limit(limit)
    return [DeliveryRow(**row) for row in connection.execute(query).mappings()]


def delivery_lines(
    connection: Connection, *, limit: int, state: str = "", delivery_id: str = "", before: int | None = None
) -> list[DeliveryLine]:
    """A page of deliveries, newest first: in a state, the one with that id, those with numbers below ``before``."""
    query: Select[Any] = (
        select(*_DELIVERY_COLUMNS, enforcement.c.kind, enforcement.c.item, enforcement.c.content_type, endpoint.c.url)
        .outerjoin_from(delivery, enforcement, enforcement.c.id == delivery.c.enforcement)
        .outerjoin(endpoint, endpoint.c.id == delivery.c.endpoint)
        .order_by(delivery.c.seq.desc())
        .limit(limit)
    )
    if state:
        query = query.where(delivery.c.state == state)
    if delivery_id:
        query = query.where(delivery.c.id == delivery_id)
    if before is not None:
        query = query.where(delivery.c.seq < before)
    return [
        DeliveryLine(
            delivery=DeliveryRow(**{name: row[name] for name in DeliveryRow.__dataclass_fields__}),
            **{name: row[name] for name in ("kind", "item", "content_type", "url")},
        )
        for row in connection.execute(query).mappings()
    ]


def deliveries_by_state(connection: Connection, *, except_state: str | None = None) -> dict[str, int]:
    """State → how many deliveries are in it. ``except_state``: this one's are not even looked at."""
    query = select(delivery.c.state, func.count()).group_by(delivery.c.state)
    if except_state is not None:  # a list of the others, for which the index is used
        query = query.where(delivery.c.state.in_([state for state in DeliveryState if state != except_state]))
    return {row.state: row[1] for row in connection.execute(query)}


def count_enabled_endpoints(connection: Connection) -> int:
    """How many receivers are registered and enabled."""
    query = select(func.count()).select_from(endpoint).where(endpoint.c.enabled)
    return connection.execute(query).scalar_one()


def get_enforcement(connection: Connection, enforcement_id: str) -> EnforcementRow | None:
    """One enforcement by its id."""
    return next(iter(_with_deliveries(connection, _ENFORCEMENT.where(enforcement.c.id == enforcement_id))), None)


def enforcements_on(connection: Connection, subject: str, *, limit: int) -> list[EnforcementRow]:
    """Every enforcement on a subject, an account for example, whichever items it came of, newest first."""
    query = _ENFORCEMENT.where(enforcement.c.subject == subject).order_by(enforcement.c.seq.desc()).limit(limit)
    return _with_deliveries(connection, query)


def _with_deliveries(connection: Connection, query: Select[Any]) -> list[EnforcementRow]:
    found = connection.execute(query).mappings().all()
    sent: defaultdict[str, list[DeliveryRow]] = defaultdict(list)
    deliveries = select_in_chunks(
        connection, select(*_DELIVERY_COLUMNS), delivery.c.enforcement, [row["id"] for row in found]
    )
    for row in sorted(deliveries, key=lambda row: int(row.seq)):
        sent[row.enforcement].append(DeliveryRow(**row._mapping))
    return [
        EnforcementRow(
            **{**row, "parameters": msgspec.json.decode(row["parameters"]), "deliveries": tuple(sent[row["id"]])}
        )
        for row in found
    ]
