"""Ledger events: one frozen type per kind of event, and the table from kind to type.

Events hold surrogate ids, codes, numbers and salted digests only; personal data are stored in the vault. A kind's name
never changes; fields are only added, with defaults, so that old entries stay readable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from seawall.model.actions import Action
from seawall.model.content import ItemRef
from seawall.model.decisions import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSubmitted:
    """A product submitted one revision of an item; its content is sealed in the vault."""

    item: ItemRef
    actor: str | None
    digest: str  # keyed digest of the content
    language: str | None = None
    parts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionMade:
    """A decision, by rules or by a person."""

    decision: Decision


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
    """An enforcement was undone by a later decision."""

    enforcement: str
    decision: str  # the one that undid it


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryQueued:
    """An enforcement (or its reversal) was queued for one receiver."""

    delivery: str  # also the message id at the receiver
    enforcement: str
    endpoint: str
    change: str  # "applied" or "reversed"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryAttempted:
    """One attempt: ``delivered``, ``failed`` (will be retried) or ``dead`` (given up until replayed)."""

    delivery: str
    attempt: int
    outcome: str
    status: int | None = None  # HTTP status
    detail: str = ""  # a code such as "timeout"; no response bodies


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryReplayed:
    """A person resent a dead or delivered message, under the same id."""

    delivery: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportReceived:
    """An item was reported as bad. The note is sealed in the vault under ``report/<id>``."""

    report: str
    item: ItemRef
    reporter: str | None
    kind: str  # user | trusted_flagger | authority | staff
    policy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSubmitted:
    """One reviewer's answer on a case. The note is sealed in the vault under ``review/<id>``."""

    review: str
    case: str
    reviewer: str
    decision: str
    policy: str | None
    answer: str  # violates | does_not_violate
    actions: tuple[Action, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentViewed:
    """A person opened someone's content in the console."""

    person: str
    item: ItemRef
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BundlePublished:
    """A bundle was activated. Its bytes are a blob under its hash."""

    bundle: str
    previous: str | None
    by: str
    policies: int
    rules: int
    detectors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BankConfigured:
    """New settings of a bank; always the complete set."""

    bank: str
    by: str
    title: str
    role: str = "block"  # block | allow: an allow-bank's match suppresses those of block-banks on the same part
    thresholds: Mapping[str, int] = field(default_factory=dict)  # kind → threshold of entries without one
    owner: str = ""
    harm: str | None = None
    expires_after_days: int | None = None  # of entries without expiry
    flood_limit: int | None = None  # items per hour that one entry may match; more: quarantine


@dataclass(frozen=True, slots=True, kw_only=True)
class BankEntryAdded:
    """A bank gained an entry. Its value is sealed in the vault under ``entry/<id>``, a note under ``note/<id>``."""

    bank: str
    entry: str
    kind: str  # text | near_text | pattern | domain | image | video | audio | digest
    digest: str  # keyed digest of the canonical value
    source: str  # provenance, a code
    by: str
    expires: int | None = None
    threshold: int | None = None  # image: largest Hamming distance that matches
    exchange: str | None = None  # the exchange it came from
    record: str | None = None  # keyed digest of the exchange's own key; the raw record is sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class BankEntryRemoved:
    """An entry was removed from a bank permanently."""

    bank: str
    entry: str
    by: str
    reason: str = ""  # a code


@dataclass(frozen=True, slots=True, kw_only=True)
class BankEntrySuspended:
    """An entry stops matching until it is restored. By ``guard``: people overturned too many of its matches."""

    bank: str
    entry: str
    by: str
    reason: str  # a code
    confirmed: int = 0  # reviews that confirmed a match, as counted by the guard
    overturned: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BankEntryQuarantined:
    """An entry matched far too often: until it is restored, its matches go to review instead of having an effect."""

    bank: str
    entry: str
    by: str
    hits: int  # items within the hour
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BankEntryRestored:
    """A suspended or quarantined entry has an effect again."""

    bank: str
    entry: str
    by: str
    reason: str = ""  # a code


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectErased:
    """A subject's key was destroyed: data sealed for it cannot be read any more."""

    subject: str
    by: str


EventBody: TypeAlias = (
    ItemSubmitted
    | DecisionMade
    | EnforcementApplied
    | EnforcementReversed
    | DeliveryQueued
    | DeliveryAttempted
    | DeliveryReplayed
    | ReportReceived
    | ReviewSubmitted
    | ContentViewed
    | BundlePublished
    | BankConfigured
    | BankEntryAdded
    | BankEntryRemoved
    | BankEntrySuspended
    | BankEntryQuarantined
    | BankEntryRestored
    | SubjectErased
)

EVENT_KINDS: dict[str, type[EventBody]] = {
    "item.submitted": ItemSubmitted,
    "decision.made": DecisionMade,
    "enforcement.applied": EnforcementApplied,
    "enforcement.reversed": EnforcementReversed,
    "delivery.queued": DeliveryQueued,
    "delivery.attempted": DeliveryAttempted,
    "delivery.replayed": DeliveryReplayed,
    "report.received": ReportReceived,
    "review.submitted": ReviewSubmitted,
    "content.viewed": ContentViewed,
    "bundle.published": BundlePublished,
    "bank.entry_added": BankEntryAdded,
    "bank.entry_removed": BankEntryRemoved,
    "bank.configured": BankConfigured,
    "bank.entry_suspended": BankEntrySuspended,
    "bank.entry_quarantined": BankEntryQuarantined,
    "bank.entry_restored": BankEntryRestored,
    "subject.erased": SubjectErased,
}

KIND_OF: dict[type[EventBody], str] = {body: kind for kind, body in EVENT_KINDS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An entry of the ledger. ``seq`` counts from 1 without gaps; ``at`` is milliseconds since 1970."""

    seq: int
    id: str
    at: int
    kind: str
    body: EventBody
