"""Replay: sends a dead or delivered message again, under the same id."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Select, select

from seawall.enforce.delivery_state import UNFINISHED
from seawall.enforce.enforce import JOB_KIND
from seawall.enforce.events import DeliveryReplayed
from seawall.enforce.tables import delivery as delivery_table
from seawall.enforce.tables import enforcement as enforcement_table
from seawall.storage import Ledger, Transaction


class UnknownDelivery(LookupError):
    """No delivery has that id."""

    def __init__(self, delivery: str) -> None:
        super().__init__(f"There is no delivery {delivery!r}. See the list of deliveries for its id.")


class CannotReplay(ValueError):
    """The message is still queued, or a later one supersedes it. The text says which."""


def replay(ledger: Ledger, delivery: str, *, person: str) -> None:
    """Queue a dead or delivered message again, with all its retries.

    ``person`` is the surrogate of the requesting person. Raises UnknownDelivery, or CannotReplay: an old message sent
    after a newer one about the same action would restore an outdated state at the platform.
    """

    def unit(tx: Transaction) -> None:
        row = tx.execute(_WHAT.where(delivery_table.c.id == delivery)).first()
        if row is None:
            raise UnknownDelivery(delivery)
        if row.state in UNFINISHED:
            raise CannotReplay(f"{delivery} is {row.state}: it will be retried automatically.")
        newer = tx.execute(_newer(row)).scalar()
        if newer is not None:
            raise CannotReplay(f"{delivery} is outdated: {newer} reports a later change. Replay that one.")
        tx.append(DeliveryReplayed(delivery=delivery, person=person))
        tx.enqueue(JOB_KIND, delivery, {"delivery": delivery})

    ledger.commit(unit)


_WHAT = select(
    delivery_table.c.seq,
    delivery_table.c.endpoint,
    delivery_table.c.state,
    enforcement_table.c.item,
    enforcement_table.c.subject,
    enforcement_table.c.kind,
).join(enforcement_table, enforcement_table.c.id == delivery_table.c.enforcement)


def _newer(row: Row[Any]) -> Select[tuple[str]]:
    return (
        select(delivery_table.c.id)
        .join(enforcement_table, enforcement_table.c.id == delivery_table.c.enforcement)
        .where(
            delivery_table.c.endpoint == row.endpoint,
            delivery_table.c.seq > row.seq,
            enforcement_table.c.item == row.item,
            enforcement_table.c.subject == row.subject,
            enforcement_table.c.kind == row.kind,
        )
        .order_by(delivery_table.c.seq.desc())
        .limit(1)
    )
