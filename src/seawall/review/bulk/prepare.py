"""The preview of a bulk decision: what the answer would do with each item, stored as it was shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from seawall.enforce import RecordedItems
from seawall.model import is_account, new_id, now_ms
from seawall.review.bulk.approval import PREVIEW_MS, BulkRefused
from seawall.review.bulk.events import BulkItem, BulkPrepared
from seawall.review.bulk.examine import account_set_aside, examine
from seawall.review.bulk.words import BulkWords, forget_old_words, keep_words, seal_words
from seawall.review.review_answer import ReviewAnswer, Rulebook, check_answer
from seawall.storage import Database, Vault
from seawall.storage.ledger import Ledger, Transaction

MOST_ITEMS: Final = 500
"""Items of one bulk decision: what a person can still look through before they answer for it."""

_OLD_MS: Final = 8 * 24 * 60 * 60 * 1000  # no approval waits longer


def prepare(
    ledger: Ledger,
    database: Database,
    vault: Vault,
    recorded: RecordedItems,
    rulebook: Rulebook,
    person: str,
    answer: ReviewAnswer,
    items: Sequence[str],
    *,
    source: str,
    query: str = "",
    case: str | None = None,
    child_safety: bool = False,
) -> str:
    """Find out what ``answer`` would do with each of the items, and record it. Returns the bulk decision's id.

    Nothing is decided. ``child_safety``: the person may decide items of child safety. Items that do not exist are not
    part of it; accounts are, and are left out. Raises BadAnswer, and BulkRefused when there is none, or too many.
    """
    check_answer(answer, rulebook)
    if len(items) > MOST_ITEMS:
        raise BulkRefused(f"At most {MOST_ITEMS} items are decided at once; these are {len(items)}. Narrow the search.")
    bulk, now = new_id("bulk"), now_ms()
    with database.read() as connection:
        found = [
            _examined(connection, recorded, item, person, answer, rulebook, now, child_safety=child_safety)
            for item in dict.fromkeys(items)
        ]
    shown = [one[0] for one in found if one is not None]
    guarded = child_safety and any(one[1] for one in found if one is not None)
    if not shown:
        raise BulkRefused("No item was chosen. Tick some, or choose all that the search finds.")
    sealed = seal_words(vault, bulk, BulkWords(answer.note, query))

    def unit(tx: Transaction) -> str:
        forget_old_words(tx, tx.at - max(_OLD_MS, PREVIEW_MS))
        keep_words(tx, bulk, sealed)
        tx.append(
            BulkPrepared(
                bulk=bulk,
                by=person,
                answer=answer.answer,
                policy=answer.policy,
                actions=answer.actions,
                reason=answer.reason,
                source=source,
                items=tuple(shown),
                judged=answer.judged,
                case=case,
                child_safety=guarded,
            )
        )
        return bulk

    return ledger.commit(unit)


def _examined(
    connection: Connection,
    recorded: RecordedItems,
    item: str,
    person: str,
    answer: ReviewAnswer,
    rulebook: Rulebook,
    now: int,
    *,
    child_safety: bool,
) -> tuple[BulkItem, bool] | None:
    """The item as the preview shows it, and whether it is of child safety; None when there is none."""
    if is_account(item):
        return account_set_aside(connection, item, child_safety=child_safety)
    head = recorded.head(connection, item)
    if head is None:
        return None
    found = examine(connection, item, head, person, answer, rulebook, now=now, child_safety=child_safety)
    return found.as_item(), found.case.child_safety
