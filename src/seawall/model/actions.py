"""Registry of action kinds: their inverse, their parameters, and their meaning under the DSA."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ActionSubject(StrEnum):
    """The kind of subject an action applies to."""

    ITEM = "item"
    ENTITY = "entity"  # the item's actor
    INTERNAL = "internal"  # internal: review tasks and tags


class ParameterType(StrEnum):
    """The type of an action's parameter."""

    TEXT = "text"
    NUMBER = "number"
    DURATION = "duration"  # "10m", "1d"; compared by length


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter. When two rules set it, the stronger value wins: the larger number, the longer duration."""

    name: str
    type: ParameterType
    required: bool = False
    expression: bool = False  # may be any numeric expression over features (a queue's priority)


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionKind:
    """A registered kind of effect."""

    name: str
    title: str
    subject: ActionSubject
    inverse: str | None  # name of the platform's reversing action; None: nothing to undo
    adverse: bool  # restricts someone: needs an appeal route and a statement of reasons
    parameters: tuple[Parameter, ...] = ()
    covers: frozenset[str] = frozenset()
    decision_visibility: str | None = None
    decision_monetary: str | None = None
    decision_account: str | None = None
    decision_provision: str | None = None


_FOR = Parameter(name="for", type=ParameterType.DURATION)
_NOTE = Parameter(name="text", type=ParameterType.TEXT)

ACTIONS: dict[str, ActionKind] = {
    kind.name: kind
    for kind in (
        ActionKind(
            name="remove",
            title="Remove",
            subject=ActionSubject.ITEM,
            inverse="restore",
            adverse=True,
            covers=frozenset(
                {
                    *("disable", "hold", "demote", "hold_from_recommendation", "demonetise"),
                    *("age_restrict", "age_hold", "advisory", "label_synthetic"),
                }
            ),
            decision_visibility="DECISION_VISIBILITY_CONTENT_REMOVED",
        ),
        ActionKind(
            name="disable",
            title="Disable access",
            subject=ActionSubject.ITEM,
            inverse="enable",
            adverse=True,
            decision_visibility="DECISION_VISIBILITY_CONTENT_DISABLED",
        ),
        ActionKind(
            name="hold",
            title="Hold before publication",
            subject=ActionSubject.ITEM,
            inverse="release",
            adverse=True,
            decision_visibility="DECISION_VISIBILITY_OTHER",
        ),
        ActionKind(
            name="demote",
            title="Demote",
            subject=ActionSubject.ITEM,
            inverse="undemote",
            adverse=True,
            decision_visibility="DECISION_VISIBILITY_CONTENT_DEMOTED",
        ),
        ActionKind(
            name="hold_from_recommendation",  # until a person has decided; whoever looks for it finds it
            title="Hold from recommendations",
            subject=ActionSubject.ITEM,
            inverse="release_to_recommendation",
            adverse=True,
            decision_visibility="DECISION_VISIBILITY_CONTENT_DEMOTED",
        ),
        ActionKind(
            name="demonetise",
            title="Stop monetisation",
            subject=ActionSubject.ITEM,
            inverse="remonetise",
            adverse=True,
            decision_monetary="DECISION_MONETARY_SUSPENSION",
        ),
        ActionKind(
            name="age_restrict",
            title="Restrict to adults",
            subject=ActionSubject.ITEM,
            inverse="lift_age_restriction",
            adverse=True,
            decision_visibility="DECISION_VISIBILITY_CONTENT_AGE_RESTRICTED",
        ),
        ActionKind(
            name="age_hold",  # from accounts that are below the age, and from those whose age nobody has assured
            title="Hold until age is assured",
            subject=ActionSubject.ITEM,
            inverse="release_age_hold",
            adverse=True,
            decision_visibility="DECISION_VISIBILITY_CONTENT_AGE_RESTRICTED",
        ),
        ActionKind(
            name="advisory",
            title="Add an advisory label",
            subject=ActionSubject.ITEM,
            inverse="remove_advisory",
            adverse=True,
            parameters=(_NOTE,),
            decision_visibility="DECISION_VISIBILITY_CONTENT_LABELLED",
        ),
        ActionKind(
            name="label_synthetic",
            title="Label as AI-made",
            subject=ActionSubject.ITEM,
            inverse="remove_synthetic_label",
            adverse=True,
            decision_visibility="DECISION_VISIBILITY_CONTENT_LABELLED",
        ),
        ActionKind(
            name="exclude_from_counts",
            title="Exclude from counts",
            subject=ActionSubject.ITEM,
            inverse="include_in_counts",
            adverse=True,
            decision_monetary="DECISION_MONETARY_OTHER",
        ),
        ActionKind(
            name="warn",
            title="Warn",
            subject=ActionSubject.ENTITY,
            inverse="withdraw_warning",
            adverse=False,
            parameters=(_NOTE,),
        ),
        ActionKind(
            name="strike",
            title="Strike",
            subject=ActionSubject.ENTITY,
            inverse="remove_strike",
            adverse=True,
            parameters=(Parameter(name="weight", type=ParameterType.NUMBER), _FOR),
        ),
        ActionKind(
            name="limit",
            title="Limit the account",
            subject=ActionSubject.ENTITY,
            inverse="unlimit",
            adverse=True,
            parameters=(_FOR,),
            decision_provision="DECISION_PROVISION_PARTIAL_SUSPENSION",
        ),
        ActionKind(
            name="suspend",
            title="Suspend the account",
            subject=ActionSubject.ENTITY,
            inverse="unsuspend",
            adverse=True,
            parameters=(_FOR,),
            decision_account="DECISION_ACCOUNT_SUSPENDED",
        ),
        ActionKind(
            name="terminate",
            title="Terminate the account",
            subject=ActionSubject.ENTITY,
            inverse="reinstate",
            adverse=True,
            decision_account="DECISION_ACCOUNT_TERMINATED",
        ),
        ActionKind(
            name="review",
            title="Send to review",
            subject=ActionSubject.INTERNAL,
            inverse=None,
            adverse=False,
            parameters=(
                Parameter(name="queue", type=ParameterType.TEXT, required=True),
                Parameter(name="priority", type=ParameterType.NUMBER, expression=True),
            ),
        ),
        ActionKind(
            name="tag",
            title="Tag the account",
            subject=ActionSubject.INTERNAL,
            inverse="untag",
            adverse=False,
            parameters=(Parameter(name="name", type=ParameterType.TEXT, required=True), _FOR),
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Action:
    """One action chosen by a decision. Durations are seconds; numbers are floats; strings are codes."""

    kind: str
    parameters: Mapping[str, str | float] = field(default_factory=dict)
