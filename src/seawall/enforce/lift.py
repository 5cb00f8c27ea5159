"""Lifting of a restriction on an account: a person ends it without deciding anew about what it came of.

A decision says whether an item violates, becomes a label and may be appealed. That an account has waited long enough,
or was in somebody else's hands, says nothing about the item; so it is an event of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import select

from seawall.enforce.delivery_state import EnforcementState
from seawall.enforce.enforce import queue_deliveries
from seawall.enforce.events import LIFT, EnforcementLifted
from seawall.enforce.outbox import ran_out
from seawall.enforce.tables import enforcement as table
from seawall.model import ACTIONS, ActionSubject, new_id
from seawall.storage import Transaction

LIFT_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "served": "It lasted long enough",
        "mistake": "It was a mistake",
        "account_taken_over": "The account was in somebody else's hands",
        "promised": "The person promised to keep to the rules",
        "other": "Another reason",
    }
)
"""Codes of the reasons, with their titles."""


class CannotLift(ValueError):
    """A restriction that cannot be lifted. The text says why."""


def lift(tx: Transaction, enforcement: str, *, subject: str, reason: str, person: str) -> None:
    """End a restriction on an account and tell the platform, in this unit. ``subject``: the account it must be on.

    A strike, a warning, a limit or a suspension; what is on an item is changed by deciding its case. Raises CannotLift.
    """
    if reason not in LIFT_REASONS:
        raise CannotLift(f"Choose a reason: {', '.join(LIFT_REASONS)}.")
    row = tx.execute(select(table).where(table.c.id == enforcement, table.c.subject == subject)).first()
    if row is None or ACTIONS[row.kind].subject is not ActionSubject.ENTITY:
        raise CannotLift("There is no such restriction on this account. Reload the page.")
    if row.state != EnforcementState.ACTIVE:
        raise CannotLift("This restriction is no longer in force: it was reversed or lifted meanwhile.")
    if ran_out(row.parameters, row.at, tx.at):
        raise CannotLift("This restriction has ended by itself.")
    tx.append(EnforcementLifted(enforcement=row.id, lift=new_id(LIFT, tx.at), person=person, reason=reason))
    queue_deliveries(tx, row.content_type, row.id, row.kind, "reversed")
