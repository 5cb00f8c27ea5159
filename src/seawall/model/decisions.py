"""Decisions: feature rows, verdicts, reasons, and the record of a decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from seawall.model.actions import ACTIONS, Action
from seawall.model.content import ItemRef
from seawall.model.harms import HARMS
from seawall.model.not_permitted import NotPermitted
from seawall.model.signals import Signal, Unknown


class UnknownValue:
    """The third truth value: a feature whose detector was asked and did not answer. Compare with ``is``."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "unknown"

    def __bool__(self) -> bool:
        raise TypeError("unknown is neither true nor false; compare with 'is UNKNOWN'")


UNKNOWN: Final = UnknownValue()

FeatureValue: TypeAlias = str | int | float | bool | UnknownValue | None
FeatureRow: TypeAlias = Mapping[str, FeatureValue]
"""Everything a decision read: canonical feature name → value; None is an absent optional field."""


class Verdict(StrEnum):
    """The immediate answer to the caller."""

    ALLOW = "allow"
    HOLD = "hold"
    BLOCK = "block"


class DecisionSource(StrEnum):
    """The origin of a decision: which evaluation, or a person."""

    SCREEN = "screen"  # the first evaluation
    LATE = "late"  # a detector finished after the verdict
    RESCREEN = "rescreen"  # a pending rescreen, or a repeated evaluation
    RETRO_MATCH = "retro_match"  # a new bank entry matched stored content
    REVIEW = "review"  # a person decided a case
    UNDO = "undo"  # a person took a review back: what the machine had decided before is in force again


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """The policy and rule that fired (or the fail mode), with their harm.

    ``queue`` and ``priority``: where the rule sends the item to review, if it does. The decision's actions have them
    merged over all rules, which no longer says which policy asked for which queue.
    """

    policy: str
    rule: str
    harm: str
    mode: str = "live"
    queue: str | None = None
    priority: float | None = None


def gravest(reasons: Sequence[Reason]) -> Reason | None:
    """The main reason: that of the most severe harm, then the first given."""
    if not reasons:
        return None
    return max(reasons, key=lambda reason: HARMS[reason.harm].severity if reason.harm in HARMS else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The immutable record of one decision: surrogates, codes and numbers only, because it is stored in the ledger.

    ``features`` is the stored feature row without its unknown values (named in ``unknown_features``) and
    without personal strings (named in ``vault_features``, kept in the vault).
    """

    id: str
    at: int
    item: ItemRef
    source: DecisionSource
    verdict: Verdict
    actions: tuple[Action, ...]
    reasons: tuple[Reason, ...]
    actor: str | None = None
    stage: str | None = None
    bundle: str | None = None
    shadow: tuple[Reason, ...] = ()  # shadow rules that fired: recorded, without effect
    undetermined: tuple[str, ...] = ()  # "policy/rule"
    unknown: tuple[Unknown, ...] = ()
    skipped: tuple[str, ...] = ()  # "detector/part": the part was outside the detector's score ranges
    reused: tuple[str, ...] = ()  # "extractor/part": taken from an earlier evaluation of the item
    degraded: bool = False
    fail_mode: str | None = None  # applied because the decision was degraded
    rescreen_due: int | None = None  # time by which to rescreen
    supersedes: str | None = None
    reviewer: str | None = None  # surrogate of the person, for source "review"
    signals: tuple[Signal, ...] = ()
    features: Mapping[str, str | int | float | bool | None] | None = None
    unknown_features: tuple[str, ...] = ()
    vault_features: tuple[str, ...] = ()
    unneeded: tuple[str, ...] = ()  # "detector/part": not asked, since no answer could have changed the outcome
    snoozed: tuple[str, ...] = ()  # "policy/rule": set aside for the account, as if they had not fired
    not_permitted: tuple[NotPermitted, ...] = ()  # detectors that did not run, because the law does not permit them
    overlays: tuple[str, ...] = ()  # that the creator had on in whose place the item stands


def is_adverse(decision: Decision) -> bool:
    """Whether the decision restricts somebody: the item is not simply public, or something is done to its author."""
    return decision.verdict is not Verdict.ALLOW or any(ACTIONS[action.kind].adverse for action in decision.actions)
