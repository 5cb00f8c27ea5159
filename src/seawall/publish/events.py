"""Events of publishing: bundles put in force, banks and their entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seawall.storage import EventSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class BundlePublished:
    """A bundle came into force. Its bytes are a blob under its hash."""

    bundle: str
    previous: str | None
    by: str
    policies: int
    rules: int
    detectors: tuple[str, ...] = ()
    kind: str = "publish"
    """publish: by a person. start: by a process that started. rebuild: by one that has other detectors than before.
    rollback: an earlier one again, by a person."""
    source: str = ""  # where its policies and content types were read; empty: an older release did not say
    changes: Mapping[str, int] | None = None  # numbers of what is added, changed, dropped; None: not counted
    approved_by: str | None = None  # the second person, where one is needed
    screened: bool | None = None
    """Whether its examples were screened by the real detectors first. False: who published it left that out. None:
    nobody is asked to (a start, a rollback), or an older release did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleProposed:
    """A publication waits for another person's approval. The bundle's bytes are a blob under its hash."""

    proposal: str
    bundle: str
    instead_of: str | None  # the bundle in force that it was compared with
    by: str
    expires: int
    kind: str  # publish | rollback
    source: str
    changes: Mapping[str, int] | None  # numbers, as in BundlePublished
    screened: bool | None = None  # as in BundlePublished


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleProposalClosed:
    """A proposal came to its end. An approved one is published in the same transaction."""

    proposal: str
    by: str
    outcome: str  # approved | declined | withdrawn


@dataclass(frozen=True, slots=True, kw_only=True)
class BankConfigured:
    """All settings of a bank from now on."""

    bank: str
    by: str
    title: str
    role: str = "block"  # block | allow: a match with an allow-bank suppresses those with block-banks on the same part
    thresholds: Mapping[str, int] = field(default_factory=dict)  # kind → threshold of entries that have none
    owner: str = ""
    harm: str | None = None
    expires_after_days: int | None = None  # of entries that have no expiry
    flood_limit: int | None = None  # items an hour in which one entry may be found; more: quarantine
    on_erasure: str = "keep"  # keep | remove: entries made from the content of somebody who is erased


@dataclass(frozen=True, slots=True, kw_only=True)
class BankEntryAdded:
    """An entry was added to a bank. The vault has its value as ``entry/<id>``, its note as ``note/<id>``."""

    bank: str
    entry: str
    kind: str  # text | near_text | pattern | domain | image | video | audio | digest
    digest: str  # keyed digest of the canonical value
    source: str  # provenance, a code
    by: str
    expires: int | None = None
    threshold: int | None = None  # image: largest Hamming distance that matches
    exchange: str | None = None  # the exchange that gave it
    record: str | None = None  # keyed digest of the exchange's own key; the raw record is sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class BankEntrySourced:
    """The content that an entry was made from: surrogates of the item, and of the account that wrote it."""

    bank: str
    entry: str
    by: str
    item: str | None = None
    account: str | None = None
    new: bool = True  # False: the entry was in the bank already


@dataclass(frozen=True, slots=True, kw_only=True)
class BankEntrySourceErased:
    """The content that an entry was made from was erased: what the entry said about it is gone, with its note."""

    bank: str
    entry: str
    source: int  # number of the event BankEntrySourced
    item_only: bool = False  # the retention of the item ended; its account stays


@dataclass(frozen=True, slots=True, kw_only=True)
class BankEntryRemoved:
    """An entry was removed from a bank, permanently."""

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
    confirmed: int = 0  # reviews that the guard counted
    overturned: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BankEntryQuarantined:
    """An entry exceeded the flood limit: until it is restored, its matches go to review instead of acting."""

    bank: str
    entry: str
    by: str
    hits: int  # items within the hour
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BankEntryRestored:
    """A suspended or quarantined entry is in use again."""

    bank: str
    entry: str
    by: str
    reason: str = ""  # a code


def _without_kind(body: dict[str, Any]) -> dict[str, Any]:
    """Version 1: servers and demos published their folders at each start, under these names."""
    return {**body, "kind": "start" if body["by"] in ("serve", "demo") else "publish"}


EVENTS = (
    EventSpec("bundle.published", BundlePublished, version=2, upcast={1: _without_kind}),
    EventSpec("bundle.proposed", BundleProposed),
    EventSpec("bundle.proposal_closed", BundleProposalClosed),
    EventSpec("bank.configured", BankConfigured),
    EventSpec("bank.entry_added", BankEntryAdded),
    EventSpec("bank.entry_sourced", BankEntrySourced),
    EventSpec("bank.entry_source_erased", BankEntrySourceErased),
    EventSpec("bank.entry_removed", BankEntryRemoved),
    EventSpec("bank.entry_suspended", BankEntrySuspended),
    EventSpec("bank.entry_quarantined", BankEntryQuarantined),
    EventSpec("bank.entry_restored", BankEntryRestored),
)
