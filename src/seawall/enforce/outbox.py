"""Webhook message bodies, built on sending from ledger and vault, so that no queue holds personal data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from seawall.enforce.delivery_state import EnforcementState
from seawall.enforce.tables import enforcement as enforcement_table
from seawall.model import ACTIONS, ActionSubject, Decision

_ENCODER = msgspec.json.Encoder()
_AS_OBJECT = msgspec.json.Decoder(dict[str, str | float])


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMessage:
    """A delivery with its enforcement."""

    id: str
    seq: int
    endpoint: str
    change: str  # applied | reversed
    state: str
    attempts: int
    queued_at: int
    enforcement: str
    decision: str  # that applied or reversed it, depending on ``change``
    item: str
    subject: str
    kind: str
    parameters: str
    lifted: bool = False  # reversed by a person without another decision; ``decision`` is the one that applied it


def body(
    delivery: OutboxMessage,
    decision: Decision,
    *,
    platform_id: Callable[[str], str],
    policy_title: Callable[[str], str | None],
    in_force: tuple[str, ...],
    appeal_url: str | None = None,
) -> bytes:
    """The message as JSON. ``appeal_url``: where the author reads why, and objects; told when something is applied.

    Raises what ``platform_id`` raises: Erased when a subject's key was destroyed.
    """
    kind = ACTIONS[delivery.kind]
    data = {
        "enforcement": delivery.enforcement,
        "decision": decision.id,
        "item": {
            "content_type": decision.item.content_type,
            "id": platform_id(delivery.item),
            "revision": decision.item.revision,
        },
        "subject": {"kind": kind.subject.value, "id": platform_id(delivery.subject)},
        "action": {"kind": kind.name, "parameters": _AS_OBJECT.decode(delivery.parameters)},
        "inverse": kind.inverse,
        "in_force": in_force,
        "verdict": decision.verdict,
        "reasons": [_reason(reason.policy, reason.rule, policy_title) for reason in decision.reasons],
        "source": decision.source,
        "supersedes": decision.supersedes,
        "sequence": delivery.seq,
    }
    if delivery.lifted:
        data["lifted"] = True
    if appeal_url is not None and delivery.change == "applied":
        data["appeal_url"] = appeal_url
    message = {"type": f"enforcement.{delivery.change}", "timestamp": rfc3339(delivery.queued_at), "data": data}
    return _ENCODER.encode(message)


def _reason(policy: str, rule: str, policy_title: Callable[[str], str | None]) -> Mapping[str, Any]:
    title = policy_title(policy)
    return {"policy": policy, "rule": rule} | ({} if title is None else {"title": title})


def kinds_in_force(connection: Connection, subject: str, now: int) -> tuple[str, ...]:
    """The kinds of action active on a subject, whichever items they come from, without expired ones.

    A receiver that sets the subject's state to this needs no history: of two limits, lifting one leaves a limit.
    """
    table = enforcement_table
    rows = connection.execute(
        select(table.c.kind, table.c.parameters, table.c.at).where(
            table.c.subject == subject, table.c.state == EnforcementState.ACTIVE.value
        )
    )
    return tuple(
        sorted(
            {
                row.kind
                for row in rows
                if ACTIONS[row.kind].subject is not ActionSubject.INTERNAL and not ran_out(row.parameters, row.at, now)
            }
        )
    )


def ran_out(parameters: str, at: int, now: int) -> bool:
    """Whether an action with a duration has ended by itself: ``at`` and ``now`` in milliseconds since 1970."""
    seconds = _AS_OBJECT.decode(parameters).get("for")
    return isinstance(seconds, int | float) and at + seconds * 1000 <= now


def rfc3339(at_ms: int) -> str:
    """Milliseconds since 1970 as text: ``2026-01-31T12:00:00.000Z``."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
