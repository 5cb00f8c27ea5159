"""The main job: item → parts → signals → decision, recorded before it is answered.

screener = Screener(ledger=ledger, blobs=blobs, runner=runner, in_force=bundle)
answer = screener.screen(item, deadline_ms=80)
answer.verdict, answer.degraded
"""

from seawall.screen.artifacts import DerivedPart, load_derived, load_hashes
from seawall.screen.backfill import StoredItem, iter_items
from seawall.screen.projections import PROJECTIONS
from seawall.screen.result import Idempotency, IdempotencyConflict, ScreeningResult, result_of
from seawall.screen.screen import Screener
from seawall.screen.stored_content import (
    ItemContent,
    MediaInfo,
    feature_row,
    load_decision,
    load_item,
    media_bytes,
    read_content,
)
from seawall.screen.submission import item_kind

__all__ = [
    "PROJECTIONS",
    "DerivedPart",
    "Idempotency",
    "IdempotencyConflict",
    "ItemContent",
    "MediaInfo",
    "Screener",
    "ScreeningResult",
    "StoredItem",
    "feature_row",
    "item_kind",
    "iter_items",
    "load_decision",
    "load_derived",
    "load_hashes",
    "load_item",
    "media_bytes",
    "read_content",
    "result_of",
]
