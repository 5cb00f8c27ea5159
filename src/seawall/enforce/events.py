"""Events of enforcement: what was applied or undone, and how its delivery went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from seawall.model import Action, ItemRef
from seawall.storage import EventSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementApplied:
    """One action was applied to one subject (its delivery follows)."""

    enforcement: str
    decision: str
    item: ItemRef
    subject: str  # surrogate of the item or entity
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementReversed:
    """An enforcement was undone because of a later decision."""

    enforcement: str
    decision: str  # the one that undid it


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementRestored:
    """A reversal was taken back before any receiver was told of it: the enforcement never ceased."""

    enforcement: str
    decision: str  # the one that took it back


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryCancelled:
    """A message is not sent, because what it says was undone before the first attempt."""

    delivery: str
    decision: str  # the one that undid it


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementLifted:
    """A person ended a restriction on an account without another decision. Their words are with the account."""

    enforcement: str
    lift: str  # its own id, which stands where the id of a reversing decision does
    person: str
    reason: str  # one of ``LIFT_REASONS``


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryQueued:
    """An enforcement (or its reversal) is on its way to one receiver."""

    delivery: str  # also the message id at the receiver
    enforcement: str
    endpoint: str
    change: str  # "applied" or "reversed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAttempted:
    """One try: ``delivered``, ``failed`` (will be retried) or ``dead`` (given up until replayed)."""

    delivery: str
    attempt: int
    outcome: str
    status: int | None = None  # HTTP status
    detail: str = ""  # a code such as "timeout"; no response bodies


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReplayed:
    """A person sent a dead or delivered message again, under the same id."""

    delivery: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointAdded:
    """A receiver was registered. Its address and secret are not in the ledger."""

    endpoint: str
    content_types: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSwitched:
    """A receiver was switched on or off."""

    endpoint: str
    enabled: bool
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSecretRotated:
    """A receiver has a new signing secret."""

    endpoint: str
    by: str


LIFT: Final = "lift"
"""Prefix of the ids of liftings."""


def is_lift(reversed_by: str | None) -> bool:
    """Whether an enforcement was reversed by a lifting, not by a decision."""
    return reversed_by is not None and reversed_by.startswith(f"{LIFT}_")


EVENTS = (
    EventSpec("endpoint.added", EndpointAdded),
    EventSpec("endpoint.switched", EndpointSwitched),
    EventSpec("endpoint.secret_rotated", EndpointSecretRotated),
    EventSpec("enforcement.applied", EnforcementApplied),
    EventSpec("enforcement.reversed", EnforcementReversed),
    EventSpec("enforcement.restored", EnforcementRestored),
    EventSpec("enforcement.lifted", EnforcementLifted),
    EventSpec("delivery.queued", DeliveryQueued),
    EventSpec("delivery.cancelled", DeliveryCancelled),
    EventSpec("delivery.attempted", DeliveryAttempted),
    EventSpec("delivery.replayed", DeliveryReplayed),
)
