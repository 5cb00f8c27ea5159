"""Units of the ledger that record an evaluation: the submission, its decision, its effects, what follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from sqlalchemy import func, select

from seawall import enforce
from seawall.model import Decision, DecisionMade, DecisionSource, Item, ItemRef
from seawall.screen.artifacts import NO_ARTIFACTS, EvaluationArtifacts, seal_artifacts
from seawall.screen.content import features_name
from seawall.screen.edits import keeping_restriction
from seawall.screen.evaluation import DraftDecision
from seawall.screen.fail_modes import strictness
from seawall.screen.item_status import ItemStatus, decision_in_force, fail_mode_in_force, status_of
from seawall.screen.result import (
    Idempotency,
    ScreenResponse,
    encode_response,
    repeated_response,
    response_of,
    standing_result,
)
from seawall.screen.submission import ItemSubmission, record, subjects_of
from seawall.screen.tables import decision as decision_table
from seawall.screen.tables import idempotency as idempotency_table
from seawall.screen.tables import item as item_table
from seawall.screen.tables import pending_rescreen
from seawall.storage import Job, Ledger, Prefetch, Transaction

_ENCODER = msgspec.json.Encoder()

_RESCREEN_AFTER_MS: Final = 1_000  # time for late answers to complete the rescreen before the worker starts it
_LONGEST_DELAY_MS: Final = 60_000
_PENDING_SINCE = select(func.min(pending_rescreen.c.opened_at)).where(pending_rescreen.c.state == "open")


class Evaluated(msgspec.Struct, frozen=True):
    """An item that was evaluated, and what is sealed of the evaluation beside its decision."""

    item: Item
    artifacts: EvaluationArtifacts


class DraftInForce:
    """The draft that the unit of one request records. The event loop replaces it at the deadline.

    ``outcome``: what the unit's commit gave after the deadline, if the loop knows it.
    """

    __slots__ = ("draft", "is_answered", "outcome")

    def __init__(self, draft: DraftDecision) -> None:
        self.draft = draft
        self.is_answered = False  # the caller has been told ``draft`` already
        self.outcome: ScreenResponse | BaseException | None = None


def first_unit(
    ledger: Ledger,
    evaluated: Evaluated,
    in_force: DraftInForce,
    submission: ItemSubmission,
    idempotency: Idempotency | None,
) -> Callable[[Transaction], ScreenResponse]:
    """The unit that records a submission and its decision."""

    def unit(tx: Transaction) -> ScreenResponse:
        draft = in_force.draft
        submission.recorded = False
        if idempotency is not None:
            seen = tx.prefetched(idempotency_table, idempotency.key)
            if seen is not None:
                return repeated_response(seen, idempotency)
        recorded = record(tx, submission)
        before = recorded.before
        if before is not None and before.by_person and before.revision == recorded.ref.revision:
            response = standing_result(before, draft.stage)  # a person has decided this content
        elif before is not None and before.decision == draft.id:
            response = response_of(decision_in_force(tx, before))  # an earlier try was recorded after all
        else:
            response = record_decision(tx, ledger, evaluated, draft, recorded.ref, recorded.actor, before)
        if in_force.is_answered:
            _correct(tx, recorded.ref, response, draft)
        if idempotency is not None:
            _remember(tx, idempotency, response)
        return response

    return unit


def next_unit(
    ledger: Ledger, evaluated: Evaluated, draft: DraftDecision, ref: ItemRef, after: str | None, job: Job | None
) -> Callable[[Transaction], ScreenResponse | None]:
    """The unit that records a decision about a recorded revision; ``after``: the decision that caused it."""

    def unit(tx: Transaction) -> ScreenResponse | None:
        if job is not None:
            tx.finish(job)
        status = status_of(tx, ref.ref)
        if status is None or status.revision != ref.revision or status.by_person:
            return None
        if after is not None and status.decision != after and not status.degraded:
            return None  # another evaluation has decided meanwhile, with every answer
        if draft.source is DecisionSource.RESCREEN and status.degraded and not _is_pending(tx, ref.ref):
            return None  # another evaluation has found meanwhile that nobody can read it
        strict = draft.at_least(fail_mode_in_force(tx, status))
        return record_decision(tx, ledger, evaluated, strict, ref, status.actor, status)

    return unit


def follow_unit(
    ledger: Ledger, evaluated: Evaluated, answered: DraftDecision, recorded: ScreenResponse
) -> Callable[[Transaction], None]:
    """The unit that lets the record say what was answered, when another draft was recorded meanwhile.

    A stricter record stays; then the platform is told."""
    ref = ItemRef(evaluated.item.content_type, recorded.item, recorded.revision)

    def unit(tx: Transaction) -> None:
        status = status_of(tx, ref.ref)
        if status is None:
            return
        if is_stricter(recorded, answered):
            _correct(tx, ref, recorded, answered)
        elif status.decision == recorded.decision and not status.by_person:
            record_decision(tx, ledger, evaluated, answered, ref, status.actor, status)

    return unit


def is_stricter(recorded: ScreenResponse, answered: DraftDecision) -> bool:
    """Whether the record restricts more than the caller was told: by what a person decided, for example."""
    return strictness(recorded.verdict) > strictness(answered.verdict)


def _correct(tx: Transaction, ref: ItemRef, recorded: ScreenResponse, answered: DraftDecision) -> None:
    """Tell the platform what is in force on the item, if it was told less: no enforcement changes that would say so."""
    if is_stricter(recorded, answered):
        enforce.send_again(tx, ref)


def late_record_unit(
    ledger: Ledger,
    evaluated: Evaluated,
    answered: DraftDecision,
    submission: ItemSubmission,
    idempotency: Idempotency | None,
) -> Callable[[Transaction], bool]:
    """The unit that records what an ended process answered; False: a later revision is there, which stays.

    It may be run for an answer that was recorded after all: then it changes nothing.
    """

    def unit(tx: Transaction) -> bool:
        if tx.execute(select(decision_table.c.seq).where(decision_table.c.id == answered.id)).first() is not None:
            return True
        submission.recorded = False
        if _is_superseded(tx, submission, answered.at):
            return False
        recorded = record(tx, submission)
        before = recorded.before
        if before is not None and before.by_person and before.revision == recorded.ref.revision:
            _correct(tx, recorded.ref, standing_result(before, answered.stage), answered)
            return True
        response = record_decision(tx, ledger, evaluated, answered, recorded.ref, recorded.actor, before)
        _correct(tx, recorded.ref, response, answered)
        if idempotency is not None and tx.prefetched(idempotency_table, idempotency.key) is None:
            _remember(tx, idempotency, response)
        return True

    return unit


def record_decision(
    tx: Transaction,
    ledger: Ledger,
    evaluated: Evaluated,
    draft: DraftDecision,
    ref: ItemRef,
    actor: str | None,
    before: ItemStatus | None,
) -> ScreenResponse:
    """Append the decision, seal what belongs to it, enforce it, and enqueue the rescreen that follows."""
    made = evaluated.artifacts
    if before is not None and before.review is not None:
        draft = keeping_restriction(draft, before.review, evaluated.item, made, ledger.database, ledger.vault)
    decision = draft.at_item(ref, actor, before.decision if before is not None else None)
    tx.append(DecisionMade(decision=decision))
    first = before is None or before.revision != ref.revision
    author = actor if first or before is None else before.actor  # who wrote this revision
    if draft.personal_features:
        tx.seal(ref.ref, features_name(decision.id), _ENCODER.encode(draft.personal_features), author)
    if made is not NO_ARTIFACTS:
        seal_artifacts(tx, decision.id, ref, made, author=author, first=first)
    enforce.apply(tx, decision, item_is_new=before is None)
    if decision.rescreen_due is not None or draft.postponed:
        payload = {"item": ref.ref, "revision": ref.revision, "decision": decision.id}
        due = None if decision.rescreen_due is None else tx.at + _delay(tx, decision, before)
        tx.enqueue("rescreen", ref.ref, payload, due_at=due)
    return response_of(decision)


def rescreen_again(tx: Transaction, decision: Decision) -> None:
    """Enqueue the rescreen of a degraded decision that is in force again."""
    payload = {"item": decision.item.ref, "revision": decision.item.revision, "decision": decision.id}
    tx.enqueue("rescreen", decision.item.ref, payload)


def prefetch_of(item: Item, idempotency: Idempotency | None) -> Prefetch:
    """What the unit of a submission reads."""
    rows = ((idempotency_table, idempotency.key),) if idempotency is not None else ()
    return Prefetch(subjects=subjects_of(item), rows=rows)


def _remember(tx: Transaction, idempotency: Idempotency, response: ScreenResponse) -> None:
    row = {"key": idempotency.key, "request": idempotency.request, "at": tx.at}
    row["response"] = encode_response(response)
    tx.insert(idempotency_table, row)
    tx.remember(idempotency_table, idempotency.key, row)


def _is_superseded(tx: Transaction, submission: ItemSubmission, at: int) -> bool:
    """Whether other content of the item was recorded after ``at``."""
    kind, platform_id = subjects_of(submission.item)[0]
    ref = tx.find_subject(kind, platform_id)
    if ref is None:
        return False
    newest = tx.execute(select(item_table.c.digest, item_table.c.submitted_at).where(item_table.c.ref == ref)).first()
    return newest is not None and newest.digest != submission.digest and newest.submitted_at > at


def _delay(tx: Transaction, decision: Decision, before: ItemStatus | None) -> int:
    """Delay of a rescreen in ms: short at first, then a quarter of the pending rescreen's age, 1 s to 1 min."""
    if before is None or not before.degraded:
        return _RESCREEN_AFTER_MS
    opened = tx.execute(_PENDING_SINCE.where(pending_rescreen.c.item == decision.item.ref)).scalar()
    age = tx.at - opened if opened is not None else 0
    return max(_RESCREEN_AFTER_MS, min(age // 4, _LONGEST_DELAY_MS))


def _is_pending(tx: Transaction, item: str) -> bool:
    return tx.execute(_PENDING_SINCE.where(pending_rescreen.c.item == item)).scalar() is not None
