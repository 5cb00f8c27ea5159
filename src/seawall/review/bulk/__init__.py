"""Bulk decisions: one answer for many items, previewed, approved by a second person if many, taken back as a whole.

    bulk_id = bulk.prepare(ledger, vault, rulebook, person, answer, heads, …)    # the preview; nothing is decided
    bulk.confirm(ledger, bulk_id, person, limits)                                # starts it, or asks for approval
    bulk.approve(ledger, bulk_id, colleague)                                     # somebody else; starts it
    bulk.ask_undo(ledger, bulk_id, person)                                       # all of it

A worker decides the items in small transactions (``work``). Each answer is an ordinary review with the id of the bulk
decision; nobody looked at the item for it, and it says so. What changed since the preview is skipped, with the reason.
"""

from seawall.review.bulk.approval import (
    ALONE_MS,
    PREVIEW_MS,
    BulkLimits,
    BulkRefused,
    approve,
    cancel,
    confirm,
    needs_approval,
)
from seawall.review.bulk.examine import WHY_SKIPPED
from seawall.review.bulk.prepare import MOST_ITEMS, prepare
from seawall.review.bulk.undo import BULK_UNDO_MS, UndoPreview, ask_undo, preview_undo
from seawall.review.bulk.words import BulkWords, bulk_words

__all__ = [
    "ALONE_MS",
    "BULK_UNDO_MS",
    "MOST_ITEMS",
    "PREVIEW_MS",
    "WHY_SKIPPED",
    "BulkLimits",
    "BulkRefused",
    "BulkWords",
    "UndoPreview",
    "approve",
    "ask_undo",
    "bulk_words",
    "cancel",
    "confirm",
    "needs_approval",
    "prepare",
    "preview_undo",
]
