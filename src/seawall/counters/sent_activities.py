"""Records activities that the platform sends: plays, renames, follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from seawall.counters.activities import text_digest
from seawall.counters.events import ActivityRecorded
from seawall.counters.tables import activity as activity_table
from seawall.storage import Ledger, Prefetch, Transaction

_ACCOUNT = "account"  # the kind of subject of accounts
_AT_ONCE = 100  # in one unit: some milliseconds of the writer's time


class SentActivity(msgspec.Struct, frozen=True, kw_only=True):
    """An activity as the platform sends it. ``time``: milliseconds since 1970; ``actor``: the account's id."""

    id: str
    activity: str
    actor: str
    time: int
    attributes: Mapping[str, str | int | float | bool]


async def record_activities(ledger: Ledger, sent: Sequence[SentActivity]) -> int:
    """Record those that are not known yet; return how many, once they are durable.

    Raises StorageError; Erased when an account was erased just now. What was recorded before is not recorded again by
    another try.
    """
    recorded = 0
    for start in range(0, len(sent), _AT_ONCE):
        recorded += await _record(ledger, sent[start : start + _AT_ONCE])
    return recorded


async def _record(ledger: Ledger, sent: Sequence[SentActivity]) -> int:
    vault = ledger.vault
    ids = [vault.digest(f"activity\0{one.activity}\0{one.id}".encode()) for one in sent]
    attributes = [
        {name: text_digest(vault, value) if isinstance(value, str) else value for name, value in one.attributes.items()}
        for one in sent
    ]

    def unit(tx: Transaction) -> int:
        new = 0
        for number, one in enumerate(sent):
            if tx.prefetched(activity_table, ids[number]) is not None:
                continue
            actor = tx.subject(_ACCOUNT, one.actor)
            tx.remember(activity_table, ids[number], {"id": ids[number], "actor": actor})
            tx.append(
                ActivityRecorded(
                    id=ids[number],
                    activity=one.activity,
                    actor=actor,
                    time=one.time,
                    attributes=attributes[number],
                )
            )
            new += 1
        return new

    return await ledger.commit_async(
        unit,
        prefetch=Prefetch(
            subjects=tuple({(_ACCOUNT, one.actor) for one in sent}),
            rows=tuple((activity_table, one) for one in dict.fromkeys(ids)),
        ),
    )
