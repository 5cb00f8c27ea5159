"""Difference between enforcements in force and a new decision: what to reverse and what to apply. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from seawall.model import ACTIONS, Action, ActionSubject, Decision, DecisionSource, is_account

_ENCODER = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveEnforcement:
    """An enforcement in force, as compared here. ``parameters`` is canonical JSON."""

    id: str
    decision: str
    revision: int
    subject: str
    kind: str
    parameters: str


@dataclass(frozen=True, slots=True)
class ToApply:
    """An action with the surrogate of its subject."""

    action: Action
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementDiff:
    """The changes from the current to the wanted state. ``skipped``: actions on an actor, for items without one."""

    reverse: tuple[ActiveEnforcement, ...] = ()
    apply: tuple[ToApply, ...] = ()
    skipped: tuple[Action, ...] = ()


def canonical_parameters(action: Action) -> str:
    """The parameters as JSON with sorted keys; numbers are floats, so that 1 and 1.0 are equal."""
    plain = {name: value if isinstance(value, str) else float(value) for name, value in action.parameters.items()}
    return _ENCODER.encode(plain).decode()


def enforcement_diff(
    active: Iterable[ActiveEnforcement], decision: Decision, *, overturned_revision: int | None = None
) -> EnforcementDiff:
    """Compare the enforcements of an item with what ``decision`` wants.

    Same kind, subject and parameters: unchanged. Missing: reversed. New: applied. Changed parameters: reversed and
    applied again. Enforcements that the decision does not concern (see ``_concerns``) stay. ``overturned_revision``:
    the revision whose decision an appeal overturned; what was put on its author because of it is reversed as well.

    A decision about an account itself is compared with what an earlier decision about the same matter put on it: a
    second strike is a second one, and finding nothing this time ends no suspension for something else.
    """
    active = tuple(active)
    if is_account(decision.item.ref):
        active = tuple(one for one in active if one.revision == decision.item.revision)
    wanted: dict[tuple[str, str, str], ToApply] = {}
    skipped: list[Action] = []
    for action in decision.actions:
        kind = ACTIONS[action.kind]
        if kind.inverse is None:
            continue  # internal work (review): nothing is in force afterwards
        subject = decision.item.ref if kind.subject is ActionSubject.ITEM else decision.actor
        if subject is None:
            skipped.append(action)
        else:
            wanted.setdefault((action.kind, subject, canonical_parameters(action)), ToApply(action, subject))
    stays = {(one.kind, one.subject, one.parameters) for one in active}
    return EnforcementDiff(
        reverse=tuple(
            one
            for one in active
            if (one.kind, one.subject, one.parameters) not in wanted
            and (one.revision == overturned_revision or _concerns(decision, one))
        ),
        apply=tuple(to_apply for key, to_apply in wanted.items() if key not in stays),
        skipped=tuple(skipped),
    )


def _concerns(decision: Decision, enforcement: ActiveEnforcement) -> bool:
    """Whether the decision may reverse the enforcement.

    Enforcements on an item follow the item's newest decision. An enforcement on a person for one revision is reversed
    only by a decision about that revision, or by a person's decision that names the overturned one, or by the undoing
    of such a decision: otherwise the author of an attack would lose the strike by editing the attack away.
    """
    if ACTIONS[enforcement.kind].subject is ActionSubject.ITEM:
        return True
    if enforcement.revision == decision.item.revision:
        return True
    by_person = decision.source in (DecisionSource.REVIEW, DecisionSource.UNDO)
    return by_person and decision.supersedes == enforcement.decision
