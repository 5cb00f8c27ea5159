"""The main job: item → parts → signals → decision, recorded before it is answered.

screener = Screener(ledger=ledger, blobs=blobs, runner=runner, in_force=bundle)
answer = screener.screen(item, deadline_ms=80)
answer.verdict, answer.degraded
"""

from seawall.screen.answers import Answer, Idempotency, IdempotencyConflict, answer_of
from seawall.screen.past import PastItem, walk_past
from seawall.screen.placing import item_kind
from seawall.screen.projections import PROJECTIONS
from seawall.screen.reads import Content, MediaInfo, feature_row, load_decision, load_item, media_bytes, read_content
from seawall.screen.screen import Screener
from seawall.screen.traces import DerivedPart, load_derived, load_prints

__all__ = [
    "PROJECTIONS",
    "Answer",
    "Content",
    "DerivedPart",
    "Idempotency",
    "IdempotencyConflict",
    "MediaInfo",
    "PastItem",
    "Screener",
    "answer_of",
    "feature_row",
    "item_kind",
    "load_decision",
    "load_derived",
    "load_item",
    "load_prints",
    "media_bytes",
    "read_content",
    "walk_past",
]
