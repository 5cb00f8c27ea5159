"""Runs followers of the ledger: events are read by a cursor, effects and cursor committed in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from sqlalchemy import delete, insert, select

from seawall.model import now_ms
from seawall.storage.component import Follower, ServiceContext
from seawall.storage.replay import last_seq, read_events
from seawall.storage.tables import follower_state as table
from seawall.storage.transaction import Transaction

_EVENTS: Final = 500
_LEAD_MS: Final = 15_000

Unit = Callable[[Transaction], None]


def follow(context: ServiceContext, follower: Follower, process: str) -> bool:
    """Give a follower the next events; False when there were none, or another process leads it.

    A process leads for some seconds after its last step, so that others do not prepare the same step. Correctness does
    not depend on clocks: a step is committed only if the cursor is still where the step began.
    """
    kinds = [context.ledger.schema.events.kind_of(body) for body in follower.handles]
    with context.database.read() as connection:
        row = connection.execute(_state(follower)).first()
        head = last_seq(connection)
        after = _position(follower, row, head)
        known = row is not None and row.version == follower.version
        if (known and after >= head) or _led_by_another(row, process, now_ms()):
            return False
        events = read_events(connection, context.ledger.schema.events, after, _EVENTS, kinds)
    upto = events[-1].seq if len(events) == _EVENTS else max(head, after)
    if known and not events and upto - after < _EVENTS:
        return False  # no work; the cursor moves with the next effect, or after many events
    unit = follower.step(context, events) if events else None
    return context.ledger.commit(partial(_advance, follower, row, upto, unit, process))


def _advance(follower: Follower, before: Any, upto: int, unit: Unit | None, process: str, tx: Transaction) -> bool:
    """Apply the effects and move the cursor; do nothing when another process was faster."""
    row = tx.execute(_state(follower)).first()
    if _cursor(row) != _cursor(before) or _led_by_another(row, process, tx.at):
        return False
    if unit is not None:
        unit(tx)
    tx.execute(delete(table).where(table.c.name == follower.name))
    tx.execute(
        insert(table).values(
            name=follower.name, version=follower.version, seq=upto, leader=process, leader_until=tx.at + _LEAD_MS
        )
    )
    return True


def _state(follower: Follower) -> Any:
    return select(table).where(table.c.name == follower.name)


def _cursor(row: Any) -> tuple[int, int] | None:
    return None if row is None else (row.version, row.seq)


def _led_by_another(row: Any, process: str, now: int) -> bool:
    return row is not None and row.leader not in (None, process) and row.leader_until > now


def _position(follower: Follower, row: Any, head: int) -> int:
    if row is not None and row.version == follower.version:
        return int(row.seq)
    return 0 if follower.from_start else head
