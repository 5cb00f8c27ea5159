"""Projections: tables derived from events, each with the kinds of events it handles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final, Protocol, TypeVar, cast

from sqlalchemy import Connection, Table, delete

from seawall.model import Event, EventBody
from seawall.storage.driver import run
from seawall.storage.errors import StorageError
from seawall.storage.events import Events
from seawall.storage.tables import projection_state


class Projection(Protocol):
    """Tables derived from events: a frozen dataclass whose only field is ``tables``.

    The rows depend on the events and their order alone, not on how they are batched. ``apply`` reads and writes
    ``self.tables`` and no other table, so that the same projection can fill other tables of the same shape. A change
    of what it computes, of its tables' columns or of what it handles is a new ``version``.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def name(self) -> str:
        """Its name in the database and in reports."""

    @property
    def version(self) -> int:
        """From 1. When it is higher than the database's, the tables are rebuilt."""

    @property
    def handles(self) -> tuple[type[EventBody], ...]:
        """The types of events that it is given."""

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables it fills; nothing else writes to them."""

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Update the tables with ``events``, which follow those applied before."""


AnyProjection = TypeVar("AnyProjection", bound=Projection)

_VERSIONS: Final = "SELECT name, version FROM projection_state"


def on_tables(projection: AnyProjection, tables: Sequence[Table]) -> AnyProjection:
    """The same projection, filling other tables."""
    return cast(AnyProjection, replace(cast(Any, projection), tables=tuple(tables)))


class LedgerSchema:
    """The events and projections of a ledger. Raises ValueError for declarations that collide."""

    def __init__(self, events: Events, projections: Sequence[Projection]) -> None:
        self.events = events
        self.projections = tuple(projections)
        self.versions = {projection.name: projection.version for projection in self.projections}
        self.built = " ".join(f"{name}={version}" for name, version in sorted(self.versions.items()))
        """What ``read_head`` finds in a database whose tables this code built."""
        self._handlers: dict[type[EventBody], list[int]] = {}
        for index, projection in enumerate(self.projections):
            for body in projection.handles:
                events.kind_of(body)
                self._handlers.setdefault(body, []).append(index)
        tables = Counter(table.name for projection in self.projections for table in projection.tables)
        if twice := [name for name, times in tables.items() if times > 1]:
            raise ValueError(f"two projections fill the table {twice[0]}")
        if len(self.versions) < len(self.projections):
            raise ValueError(f"two projections have one name: {[one.name for one in self.projections]}")

    def kinds_for(self, projection: Projection) -> tuple[str, ...]:
        """The kinds of events that a projection handles."""
        return tuple(self.events.kind_of(body) for body in projection.handles)

    def project(self, connection: Connection, events: Sequence[Event]) -> None:
        """Apply new events to the projections that handle them, in the order of the ledger.

        The caller holds the writer lock and has called ``check`` under it.
        """
        given: dict[int, list[Event]] = {}
        for event in events:
            for index in self._handlers.get(type(event.body), ()):
                given.setdefault(index, []).append(event)
        for index in sorted(given):
            self.projections[index].apply(connection, given[index])

    def check(self, connection: Connection) -> None:
        """Refuse to write when other code built the tables; drop the state of projections that this process lacks.

        Those projections miss the new events: when their component is back, their tables are rebuilt. Raises
        StorageError.
        """
        found = dict(run(connection, _VERSIONS))
        if found == self.versions:
            return
        for name, version in self.versions.items():
            if found.get(name) != version:
                raise StorageError(
                    f"The projection {name!r} is at version {found.get(name, 'none')} in the database and {version} in "
                    "this process: other code, or another list of components, is in use. Restart this process with the "
                    "code that the other processes run."
                )
        for name in found.keys() - self.versions.keys():
            connection.execute(delete(projection_state).where(projection_state.c.name == name))
