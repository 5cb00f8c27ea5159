"""Events of bulk decisions. The answers themselves are ordinary reviews that name the bulk decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from seawall.model import Action
from seawall.storage import EventSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkItem:
    """One item as its preview showed it. ``skip``: why it is not decided, a key of ``WHY_SKIPPED``; empty: it is.

    ``decision`` and ``reports``: what was in force, and the reports that its case had received. ``case_state``: none,
    open or closed. ``applied`` and ``reversed``: the kinds of actions that the answer would apply and reverse.
    ``no_actor``: some would act on the author, and the item names none.
    """

    item: str
    content_type: str
    revision: int
    decision: str | None
    reports: int
    actor: str | None
    case_state: str
    skip: str = ""
    applied: tuple[str, ...] = ()
    reversed: tuple[str, ...] = ()
    no_actor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPrepared:
    """A person chose items and an answer, and was shown what it would do. Nothing is decided yet.

    The note, and what was searched for, are kept sealed beside the ledger until the bulk decision has ended.
    """

    bulk: str
    by: str
    answer: str
    policy: str | None
    actions: tuple[Action, ...]
    reason: str
    source: str  # search | queue | near_duplicates
    items: tuple[BulkItem, ...]
    judged: Mapping[str, str] = field(default_factory=dict)
    case: str | None = None  # of which the items are near-duplicates
    child_safety: bool = False  # some of the items are of child safety: for its specialists only


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkConfirmed:
    """Who prepared it wants it done: at once, or once somebody else has approved it, until ``expires_at``."""

    bulk: str
    by: str
    needs_approval: bool
    expires_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkApproved:
    """A second person approved it."""

    bulk: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkCancelled:
    """It will not be done: who prepared it withdrew it, or somebody else refused it."""

    bulk: str
    by: str
    why: str  # withdrawn | refused


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkItemSkipped:
    """An item was not decided, or with ``undoing`` not taken back. ``why``: a key of ``WHY_SKIPPED``."""

    bulk: str
    item: str
    why: str
    undoing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkUndoAsked:
    """Somebody takes the whole bulk decision back; items that it has not decided yet are left alone."""

    bulk: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkFinished:
    """Every item is decided or skipped; with ``undoing``, taken back or skipped."""

    bulk: str
    undoing: bool = False


BULK_EVENTS = (
    EventSpec("review.bulk_prepared", BulkPrepared),
    EventSpec("review.bulk_confirmed", BulkConfirmed),
    EventSpec("review.bulk_approved", BulkApproved),
    EventSpec("review.bulk_cancelled", BulkCancelled),
    EventSpec("review.bulk_item_skipped", BulkItemSkipped),
    EventSpec("review.bulk_undo_asked", BulkUndoAsked),
    EventSpec("review.bulk_finished", BulkFinished),
)
