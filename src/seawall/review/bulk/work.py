"""The job that carries a bulk decision out, or takes it back: a few items in each transaction.

A worker that dies in between loses nothing and decides nothing twice: which items are left follows from the ledger, and
each transaction holds the answers together with what follows from them.
"""

from __future__ import annotations

from typing import Final

from seawall.enforce import RecordedItems
from seawall.model import new_id
from seawall.policy import PublishedBundles
from seawall.review.bulk.events import BulkFinished, BulkItem, BulkItemSkipped
from seawall.review.bulk.examine import examine
from seawall.review.bulk.queries import BulkDecisionRow, BulkItemRow, get_bulk_decision, items_of_bulk
from seawall.review.bulk.undo import why_kept
from seawall.review.bulk.words import bulk_words, forget_words
from seawall.review.errors import BadAnswer
from seawall.review.queues import Queues
from seawall.review.review_answer import ReviewAnswer, Rulebook, check_answer
from seawall.review.reviews import record_review
from seawall.review.tables import review as review_table
from seawall.review.undo import take_back
from seawall.storage import Job
from seawall.storage.component import ServiceContext
from seawall.storage.ledger import Transaction

_AT_ONCE: Final = 10  # items of one transaction: reviewers and screening wait for it


def carry_out(context: ServiceContext, job: Job) -> None:
    """Decide the items that are planned, or take back those that are decided, until none is left."""
    bulk = str(job.payload["bulk"])
    context.refresh()
    while not context.ledger.commit(lambda tx: _some(context, tx, bulk, job), bulk=True):
        context.jobs.heartbeat(job)


def _some(context: ServiceContext, tx: Transaction, bulk: str, job: Job) -> bool:
    """The next few items. Returns whether all are done, then the job is finished as well."""
    found = get_bulk_decision(tx, bulk)
    undoing = found is not None and found.undo_at is not None
    state = "decided" if undoing else "planned"
    is_over = found is None or found.started_at is None or (found.undone_at if undoing else found.finished_at)
    left = [] if is_over else items_of_bulk(tx, bulk, state=state, limit=_AT_ONCE)
    if found is not None and left:
        (_take_back if undoing else _decide)(context, tx, found, left)
        return False
    if not is_over:
        tx.append(BulkFinished(bulk=bulk, undoing=undoing))
        forget_words(tx, bulk)
    tx.finish(job)
    return True


def _decide(context: ServiceContext, tx: Transaction, found: BulkDecisionRow, items: list[BulkItemRow]) -> None:
    rulebook = rulebook_of(context)
    answer = ReviewAnswer(
        answer=found.answer,
        policy=found.policy,
        actions=found.actions,
        reason=found.reason,
        judged=found.judged,
        note=bulk_words(tx, context.vault, found.id).note,
    )
    try:
        check_answer(answer, rulebook)
        in_force = True
    except BadAnswer:
        in_force = False
    for one in items:
        skip = _decide_one(context, tx, found, one, answer, rulebook) if in_force else "not_in_force"
        if skip:
            tx.append(BulkItemSkipped(bulk=found.id, item=one.item, why=skip))


def _decide_one(
    context: ServiceContext,
    tx: Transaction,
    found: BulkDecisionRow,
    one: BulkItemRow,
    answer: ReviewAnswer,
    rulebook: Rulebook,
) -> str:
    """Decide the item if it is as it was shown; else why not."""
    head = context.get(RecordedItems).head(tx, one.item)
    if head is None:
        return "gone"
    # That it was prepared by somebody who sees them is on the record; what became one of them since is left out.
    outcome = examine(tx, one.item, head, found.by, answer, rulebook, now=tx.at, child_safety=found.child_safety)
    if skip := outcome.since(_shown(one)):
        return skip
    record_review(tx, outcome.case, head, found.by, outcome.answer, rulebook, new_id("rev", tx.at), bulk=found.id)
    return ""


def _take_back(context: ServiceContext, tx: Transaction, found: BulkDecisionRow, items: list[BulkItemRow]) -> None:
    recorded = context.get(RecordedItems)
    for one in items:
        if why := why_kept(tx, recorded, one):
            tx.append(BulkItemSkipped(bulk=found.id, item=one.item, why=why, undoing=True))
            continue
        made = tx.execute(review_table.select().where(review_table.c.id == one.review)).one()
        take_back(
            tx,
            made,
            found.undo_by or found.by,
            find_decision=recorded.decision,
            rescreen=recorded.rescreen,
            was_open=one.case_state == "open",
        )


def rulebook_of(context: ServiceContext) -> Rulebook:
    """What an answer may refer to, by the bundle in force."""
    bundle = context.get(PublishedBundles).current
    return Rulebook(
        content_types=bundle.content_types,
        harms={policy.name: policy.harm for policy in bundle.policies},
        queues=context.get(Queues),
    )


def _shown(one: BulkItemRow) -> BulkItem:
    return BulkItem(
        item=one.item,
        content_type=one.content_type,
        revision=one.revision,
        decision=one.decision,
        reports=one.reports,
        actor=one.actor,
        case_state=one.case_state,
        applied=one.applied,
        reversed=one.reversed,
        no_actor=one.no_actor,
    )
