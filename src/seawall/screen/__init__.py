"""The main job: item → parts → signals → decision, recorded before it is answered.

screener = Screener(ledger=ledger, blobs=blobs, runner=runner, in_force=bundle)
answer = screener.screen(item, deadline_ms=80)
answer.verdict, answer.degraded
"""

from seawall.screen.answers import Answer, Idempotency, IdempotencyConflict, answer_of
from seawall.screen.placing import item_kind
from seawall.screen.projections import PROJECTIONS
from seawall.screen.reads import Content, feature_row, image_bytes, load_decision, load_item, read_content
from seawall.screen.screen import Screener

__all__ = [
    "PROJECTIONS",
    "Answer",
    "Content",
    "Idempotency",
    "IdempotencyConflict",
    "Screener",
    "answer_of",
    "feature_row",
    "image_bytes",
    "item_kind",
    "load_decision",
    "load_item",
    "read_content",
]
