"""What is decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from seawall.model.actions import Action
from seawall.model.content import ItemRef
from seawall.model.harms import HARMS
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
"""All that a decision read: canonical feature name → value; None is an absent optional field."""


class Verdict(StrEnum):
    """What the caller gets at once."""

    ALLOW = "allow"
    HOLD = "hold"
    BLOCK = "block"


class DecisionSource(StrEnum):
    """Who or what decided, and when in the life of the item."""

    SCREEN = "screen"  # the first look
    LATE = "late"  # a detector finished after the verdict
    RESCREEN = "rescreen"  # a pending rescreen was paid, or the item was looked at again
    RETRO_MATCH = "retro_match"  # what is known now (a new bank entry) was looked for in the past
    REVIEW = "review"  # a person decided a case


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why: the policy and rule that fired (or the fail mode), with the harm they stand for."""

    policy: str
    rule: str
    harm: str
    mode: str = "live"


def gravest(reasons: Sequence[Reason]) -> Reason | None:
    """The reason to name first: that of the gravest harm, then the first given."""
    if not reasons:
        return None
    return max(reasons, key=lambda reason: HARMS[reason.harm].severity if reason.harm in HARMS else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The immutable record of one decision. Holds surrogates, codes and numbers only: it goes into the ledger.

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
    skipped: tuple[str, ...] = ()  # "detector/part": the part lay outside the detector's bands
    reused: tuple[str, ...] = ()  # "extractor/part": not derived anew, an earlier look at the item had done so
    degraded: bool = False
    fail_mode: str | None = None  # applied because the decision was degraded
    rescreen_due: int | None = None  # re-screen by then
    supersedes: str | None = None
    reviewer: str | None = None  # surrogate of the person, for source "review"
    signals: tuple[Signal, ...] = ()
    features: Mapping[str, str | int | float | bool | None] | None = None
    unknown_features: tuple[str, ...] = ()
    vault_features: tuple[str, ...] = ()
