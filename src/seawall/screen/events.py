"""Events of screening. Those of items and decisions are in the model, because other services handle them too."""

from __future__ import annotations

from dataclasses import dataclass

from seawall.model import DecisionMade, ItemSubmitted
from seawall.storage import EventSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountNoted:
    """A person noted something about an account. The words are sealed in the vault, under it, as ``note/<id>``."""

    note: str
    account: str
    person: str
    enforcement: str | None = None  # that the person lifted with these words
    reason: str | None = None  # code of the lifting


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSnoozed:
    """A person set a rule aside for an account until a date. The reason is sealed under it, as ``note/<snooze>``."""

    snooze: str
    account: str
    policy: str
    rule: str
    harm: str
    until: int
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SnoozeEnded:
    """A person ended a snooze before its date."""

    snooze: str
    account: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOverlaysSet:
    """Which creators' overlays are on in the place of an account, and how many words of its own it has: all of both.

    The words are sealed under the account, as ``creator_words``.
    """

    account: str
    overlays: tuple[str, ...]
    words: int
    digest: str  # keyed, of the words; empty: there are none
    by: str  # who set it: a person's id, "key/<id>", "cli"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentSearched:
    """A person searched what people wrote. The words are not recorded: they may name somebody."""

    person: str
    looked_at: int  # items that were read
    found: int


ITEM_SUBMITTED = EventSpec("item.submitted", ItemSubmitted)
DECISION_MADE = EventSpec("decision.made", DecisionMade)

EVENTS = (
    ITEM_SUBMITTED,
    DECISION_MADE,
    EventSpec("account.noted", AccountNoted),
    EventSpec("rule.snoozed", RuleSnoozed),
    EventSpec("rule.snooze_ended", SnoozeEnded),
    EventSpec("content.searched", ContentSearched),
    EventSpec("account.overlays_set", AccountOverlaysSet),
)
