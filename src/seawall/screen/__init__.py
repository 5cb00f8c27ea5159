"""Screening: item → parts → signals → decision, recorded before the response is sent.

screener = Screener(ledger=ledger, blobs=blobs, runner=runner, in_force=bundle)
answer = screener.screen(item, deadline_ms=80)
answer.verdict, answer.degraded                              # a ScreenResponse
"""

from seawall.screen.artifacts import DerivedPart, load_derived, load_hashes
from seawall.screen.backfill import StoredItem, iter_items
from seawall.screen.component import COMPONENT
from seawall.screen.content import MediaFile
from seawall.screen.edits import EDIT_SIMILARITY, EDITED_RULE, NEAR_DUPLICATE_RULE, EditComparison, edit_of
from seawall.screen.examples import ExampleReport, ScreenedColumns, run_both_columns, screen_examples
from seawall.screen.fail_modes import FAIL_MODE_POLICY, FAIL_MODE_RULES
from seawall.screen.item_status import ItemStatus, recorded_decision, status_of
from seawall.screen.not_permitted_report import NotPermittedReport, WithheldCount, report_not_permitted
from seawall.screen.result import Idempotency, IdempotencyConflict, ScreenResponse, still_pending
from seawall.screen.screen import Screener
from seawall.screen.stored_content import (
    ItemContent,
    MediaInfo,
    feature_row,
    load_decision,
    load_item,
    media_bytes,
    media_file,
    read_content,
    read_contents,
)
from seawall.screen.submission import ACCOUNT, item_kind
from seawall.screen.trial_fields import item_of_json, item_of_texts
from seawall.screen.trying import ItemTrial, ItemTrials, TooManyTries, TrialOutcome, try_item
from seawall.screen.units import rescreen_again

__all__ = [
    "ACCOUNT",
    "COMPONENT",
    "EDITED_RULE",
    "EDIT_SIMILARITY",
    "FAIL_MODE_POLICY",
    "FAIL_MODE_RULES",
    "NEAR_DUPLICATE_RULE",
    "DerivedPart",
    "EditComparison",
    "ExampleReport",
    "Idempotency",
    "IdempotencyConflict",
    "ItemContent",
    "ItemStatus",
    "ItemTrial",
    "ItemTrials",
    "MediaFile",
    "MediaInfo",
    "NotPermittedReport",
    "ScreenResponse",
    "ScreenedColumns",
    "Screener",
    "StoredItem",
    "TooManyTries",
    "TrialOutcome",
    "WithheldCount",
    "edit_of",
    "feature_row",
    "item_kind",
    "item_of_json",
    "item_of_texts",
    "iter_items",
    "load_decision",
    "load_derived",
    "load_hashes",
    "load_item",
    "media_bytes",
    "media_file",
    "read_content",
    "read_contents",
    "recorded_decision",
    "report_not_permitted",
    "rescreen_again",
    "run_both_columns",
    "screen_examples",
    "status_of",
    "still_pending",
    "try_item",
]
