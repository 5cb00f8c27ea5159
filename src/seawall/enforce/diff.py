"""What a new decision changes: the enforcements to reverse and the actions to apply. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from seawall.model import ACTIONS, Action, ActionSubject, Decision, DecisionSource

_ENCODER = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveEnforcement:
    """An enforcement in force, as the diff needs it. ``parameters`` is canonical JSON."""

    id: str
    decision: str
    revision: int
    subject: str
    kind: str
    parameters: str


@dataclass(frozen=True, slots=True)
class ToApply:
    """An action with the surrogate of the subject that it is done to."""

    action: Action
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementDiff:
    """From what is in force to what is wanted. ``skipped``: actions on an actor whom the item does not have."""

    reverse: tuple[ActiveEnforcement, ...] = ()
    apply: tuple[ToApply, ...] = ()
    skipped: tuple[Action, ...] = ()


def canonical_parameters(action: Action) -> str:
    """The parameters as JSON with sorted keys; a number is a float, so that 1 and 1.0 are one parameter."""
    plain = {name: value if isinstance(value, str) else float(value) for name, value in action.parameters.items()}
    return _ENCODER.encode(plain).decode()


def enforcement_diff(active: Iterable[ActiveEnforcement], decision: Decision) -> EnforcementDiff:
    """Compare what is in force because of the item with what ``decision`` wants.

    Same kind, subject and parameters: stays as it is. Gone: reversed. New: applied. Changed parameters: reversed and
    applied anew. Enforcements that the decision does not speak about (see ``_concerns``) stay.
    """
    active = tuple(active)
    wanted: dict[tuple[str, str, str], ToApply] = {}
    skipped: list[Action] = []
    for action in decision.actions:
        kind = ACTIONS[action.kind]
        if kind.inverse is None:
            continue  # work for the house (review): nothing is in force afterwards
        subject = decision.item.ref if kind.subject is ActionSubject.ITEM else decision.actor
        if subject is None:
            skipped.append(action)
        else:
            wanted.setdefault((action.kind, subject, canonical_parameters(action)), ToApply(action, subject))
    stays = {(one.kind, one.subject, one.parameters) for one in active}
    return EnforcementDiff(
        reverse=tuple(
            one for one in active if (one.kind, one.subject, one.parameters) not in wanted and _concerns(decision, one)
        ),
        apply=tuple(to_apply for key, to_apply in wanted.items() if key not in stays),
        skipped=tuple(skipped),
    )


def _concerns(decision: Decision, enforcement: ActiveEnforcement) -> bool:
    """Whether the decision may undo the enforcement.

    What is in force on an item follows the item's newest decision. What was done to a person for one revision is
    undone by a decision about that revision, or by a person's decision that names the one it overturns: otherwise
    the author of an attack would lose the strike by editing the attack away.
    """
    if ACTIONS[enforcement.kind].subject is ActionSubject.ITEM:
        return True
    if enforcement.revision == decision.item.revision:
        return True
    return decision.source is DecisionSource.REVIEW and decision.supersedes == enforcement.decision
