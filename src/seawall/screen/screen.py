"""The screener: item → parts → signals → decision → ledger. A response is sent only after it is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import msgspec
import structlog
from sqlalchemy import func, select

from seawall import enforce
from seawall.detect import DetectorRun, ExtractionCache, Findings, Runner
from seawall.model import Decision, DecisionMade, DecisionSource, Item, ItemRef, Part, Unknown, UnknownReason
from seawall.policy import Bundle
from seawall.screen.artifacts import seal_artifacts
from seawall.screen.content import features_name
from seawall.screen.edits import keeping_restriction
from seawall.screen.evaluation import DraftDecision, ItemEvaluation, decide, evaluation_of
from seawall.screen.extraction_cache import load_extractions
from seawall.screen.item_status import ItemStatus, decision_in_force, fail_mode_in_force, status_of
from seawall.screen.plans import POST_PUBLISH, PRE_PUBLISH, StagePlan, stage_plan
from seawall.screen.result import (
    Idempotency,
    ScreenResponse,
    encode_response,
    repeated_response,
    response_of,
    standing_result,
)
from seawall.screen.submission import (
    ItemSubmission,
    item_kind,
    keeping_recorded_media,
    record,
    store_changed_media,
    subjects_of,
)
from seawall.screen.tables import idempotency as idempotency_table
from seawall.screen.tables import pending_rescreen
from seawall.screen.unrecorded import DraftInForce, Unrecorded
from seawall.storage import Blobs, CommitDelayed, Job, Ledger, OutcomeUnknown, Prefetch, Transaction

_log = structlog.get_logger(__name__)
_ENCODER = msgspec.json.Encoder()

_PLANS = 256  # cached: one for each content type and stage of the bundles in use
_DETECTORS_SHARE = 0.8  # of a request's deadline; the rest is for the durable record
_SHORTEST_WAIT_S = 0.025  # for a commit: a disk takes that long, however short the deadline
_RESCREEN_AFTER_MS = 1_000  # time for late answers to complete the rescreen before the worker starts it
_LONGEST_DELAY_MS = 60_000
_PENDING_SINCE = select(func.min(pending_rescreen.c.opened_at)).where(pending_rescreen.c.state == "open")


class Screener:
    """Screens items with the bundle that ``in_force`` returns. Safe for threads and event loops."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        blobs: Blobs,
        runner: Runner,
        in_force: Callable[[], Bundle],
    ) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._runner = runner
        self._specs = {spec.name: spec for spec in runner.specs}
        self._in_force = in_force
        self._plans: dict[tuple[str, str, str], StagePlan] = {}
        self._unrecorded = Unrecorded(ledger)

    def screen(
        self,
        item: Item,
        *,
        bundle: Bundle | None = None,
        deadline_ms: int | None = None,
        idempotency: Idempotency | None = None,
    ) -> ScreenResponse:
        """Screen before publication, synchronously. ``deadline_ms`` may shorten the stage's budget, not lengthen it.

        ``bundle`` is the one that the item was validated with; None: the one in force.
        """
        evaluation = self._evaluation(item, PRE_PUBLISH, bundle)
        begun = self._begin(evaluation, deadline_ms, idempotency)
        if isinstance(begun, ScreenResponse):
            return begun
        submission = self._submission(evaluation)
        findings = begun.wait()
        draft = DraftInForce(self._decide(evaluation, findings, DecisionSource.SCREEN))
        unit = self._first_unit(evaluation, findings, draft, submission, idempotency)
        with keeping_recorded_media((submission,)):
            response = self._ledger.commit(unit, prefetch=_prefetch(item, idempotency))
        self._await_late(evaluation, begun, response)
        return response

    async def screen_async(
        self,
        item: Item,
        *,
        bundle: Bundle | None = None,
        deadline_ms: int | None = None,
        idempotency: Idempotency | None = None,
    ) -> ScreenResponse:
        """As ``screen``, from an event loop. Slow work on media runs in a thread.

        ``deadline_ms`` is kept when the database does not commit: then the answer is the stage's fail mode, not
        recorded yet, and the record follows. Without one, CommitDelayed is raised after 10 s. An item with media reads
        from the database first, and waits for that without a limit.
        """
        started = asyncio.get_running_loop().time()
        evaluation = self._evaluation(item, PRE_PUBLISH, bundle)
        detectors_ms = None if deadline_ms is None else max(1, int(deadline_ms * _DETECTORS_SHARE))
        if evaluation.has_media:
            begun = await asyncio.to_thread(self._begin, evaluation, detectors_ms, idempotency)
        else:
            begun = self._begin(evaluation, detectors_ms, idempotency)
        if isinstance(begun, ScreenResponse):
            return begun
        findings = await begun.wait_async()
        if evaluation.has_media:
            submission = await asyncio.to_thread(self._submission, evaluation)
        else:
            submission = self._submission(evaluation)
        draft = DraftInForce(self._decide(evaluation, findings, DecisionSource.SCREEN))
        unit = self._first_unit(evaluation, findings, draft, submission, idempotency)
        prefetch = _prefetch(item, idempotency)
        on_late = partial(self._recorded_late, unit, evaluation, findings, draft, submission)
        try:
            with keeping_recorded_media((submission,)):
                response = await self._ledger.commit_within(
                    unit, _time_to_commit(started, deadline_ms), on_late, prefetch=prefetch
                )
        except CommitDelayed:
            if deadline_ms is None or self._unrecorded.is_full(evaluation.has_media):
                raise
            self._unrecorded.add(unit, prefetch)
            return draft.answer(evaluation.plan)
        self._await_late(evaluation, begun, response)
        return response

    def close(self) -> None:
        """Record what was answered ahead of its record."""
        self._unrecorded.close()

    async def submit(self, items: list[Item]) -> list[str]:
        """Record items for screening by a worker, all or none; return their surrogates once durable.

        Raises CommitDelayed after 10 s.
        """
        submissions = await asyncio.to_thread(self._submissions, items)

        def unit(tx: Transaction) -> list[str]:
            refs = []
            for submission in submissions:
                submission.recorded = False
                ref = record(tx, submission).ref
                payload = {"item": ref.ref, "revision": ref.revision}
                tx.enqueue("screen", f"{ref.ref}/{ref.revision}", payload)
                refs.append(ref.ref)
            return refs

        subjects = {subject for item in items for subject in subjects_of(item)}
        with keeping_recorded_media(submissions):
            return await self._ledger.commit_within(
                unit, None, _nothing_more, prefetch=Prefetch(subjects=tuple(subjects))
            )

    def screen_submitted(self, item: Item, ref: ItemRef, *, job: Job | None = None) -> ScreenResponse | None:
        """Screen a revision recorded by ``submit``, with the budget of the stage after publication.

        None: nothing to do (a newer revision exists, or a person has decided this one).
        """
        evaluation = self._evaluation(item, POST_PUBLISH)
        pending = self._start(evaluation, None, ref.ref)
        unit = self._next_unit(evaluation, pending.wait(), ref, None, DecisionSource.SCREEN, job)
        response = self._ledger.commit(unit)
        if response is not None:
            self._await_late(evaluation, pending, response)
        return response

    def rescreen(
        self,
        item: Item,
        ref: ItemRef,
        after: str,
        *,
        job: Job | None = None,
        source: DecisionSource = DecisionSource.RESCREEN,
    ) -> ScreenResponse | None:
        """Evaluate a revision again after the decision ``after``, with the budget of the stage after publication.

        None: nothing to do (a newer revision exists, a person decided this one, or no rescreen is pending any more).
        """
        evaluation = self._evaluation(item, POST_PUBLISH)
        findings = self._start(evaluation, None, ref.ref).wait()
        return self._ledger.commit(self._next_unit(evaluation, findings, ref, after, source, job))

    # -- evaluating ----------------------------------------------------------------------------------------------

    def _evaluation(self, item: Item, stage: str, bundle: Bundle | None = None) -> ItemEvaluation:
        """Raises LookupError when the content type is not in force."""
        bundle = bundle or self._in_force()
        key = (bundle.hash, item.content_type, stage)
        planned = self._plans.get(key)
        if planned is None:
            content_type = bundle.content_types.get(item.content_type)
            if content_type is None:
                raise LookupError(
                    f"The content type {item.content_type!r} is no longer in force. Publish it again: items of it "
                    "wait to be screened."
                )
            if len(self._plans) > _PLANS:
                self._plans.clear()  # plans of replaced bundles
            planned = self._plans[key] = stage_plan(bundle, content_type, stage, self._specs, self._runner.extractors)
        return evaluation_of(item, bundle, planned)

    def _begin(
        self, evaluation: ItemEvaluation, deadline_ms: int | None, idempotency: Idempotency | None
    ) -> DetectorRun | ScreenResponse:
        """Ask the detectors. A repeated request with media gets its earlier response instead."""
        if evaluation.has_media and idempotency is not None:
            query = select(idempotency_table).where(idempotency_table.c.key == idempotency.key)
            with self._ledger.database.read() as connection:
                seen = connection.execute(query).mappings().one_or_none()
            if seen is not None:
                return repeated_response(dict(seen), idempotency)
        return self._start(evaluation, deadline_ms)

    def _start(self, evaluation: ItemEvaluation, deadline_ms: int | None, ref: str | None = None) -> DetectorRun:
        """Ask detectors and extractors; extractors' results of earlier evaluations of the item are reused.

        ``ref`` None: the item may have been recorded in another revision.
        """
        planned = evaluation.plan
        budget = planned.stage.budget_ms
        memory: ExtractionCache = {}
        account = ""  # texts take turns as they come
        if evaluation.extracts:
            item, ledger = evaluation.item, self._ledger
            account = item.actor or ""
            ref = ref or ledger.vault.find(item_kind(item.content_type), item.id)
            memory = load_extractions(ledger.database, ledger.vault, ref) if ref is not None else {}
        return self._runner.start(
            evaluation.parts,
            planned.wanted,
            budget if deadline_ms is None else min(budget, deadline_ms),
            extract=planned.extract,
            unchecked=planned.unchecked,
            memory=memory,
            account=account,
        )

    def _decide(self, evaluation: ItemEvaluation, findings: Findings, source: DecisionSource) -> DraftDecision:
        return decide(evaluation, findings, self._postponed(evaluation.plan, findings.parts), source)

    def _postponed(self, planned: StagePlan, parts: Sequence[Part]) -> tuple[Unknown, ...]:
        """The detectors that a later stage will ask about these parts."""
        if not planned.later and not planned.extract_later:
            return ()
        detectors = tuple(
            Unknown(detector=name, part=part.path, reason=UnknownReason.LATER)
            for name in sorted(planned.later - self._runner.extractors.keys())
            for part in parts
            if part.modality in self._specs[name].modalities
        )
        if not planned.extract_later:
            return detectors
        return detectors + self._runner.unread(
            parts,
            planned.wanted | planned.later,
            UnknownReason.LATER,
            extract=planned.extract_ever,
            later=planned.extract_later,
            unchecked=planned.unchecked,
        )

    # -- recording -----------------------------------------------------------------------------------------------

    def _submission(self, evaluation: ItemEvaluation) -> ItemSubmission:
        submission = ItemSubmission(evaluation.item, self._ledger.vault, self._blobs)
        if evaluation.has_media:
            store_changed_media((submission,), self._ledger)
        return submission

    def _submissions(self, items: Sequence[Item]) -> list[ItemSubmission]:
        submissions = [ItemSubmission(item, self._ledger.vault, self._blobs) for item in items]
        store_changed_media(submissions, self._ledger)
        return submissions

    def _first_unit(
        self,
        evaluation: ItemEvaluation,
        findings: Findings,
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
                response = self._record(tx, evaluation, draft, findings, recorded.ref, recorded.actor, before)
            if idempotency is not None:
                row = {"key": idempotency.key, "request": idempotency.request, "at": tx.at}
                row["response"] = encode_response(response)
                tx.insert(idempotency_table, row)
                tx.remember(idempotency_table, idempotency.key, row)
            return response

        return unit

    def _recorded_late(
        self,
        unit: Callable[[Transaction], ScreenResponse],
        evaluation: ItemEvaluation,
        findings: Findings,
        in_force: DraftInForce,
        submission: ItemSubmission,
        response: ScreenResponse | None,
        error: BaseException | None,
    ) -> None:
        """The outcome of a unit whose caller had no more time; runs in the event loop."""
        if response is None:
            self._unrecorded.settle(unit, error)
            if not in_force.is_answered and not isinstance(error, OutcomeUnknown):
                asyncio.get_running_loop().run_in_executor(None, submission.discard_media)
            return
        self._unrecorded.settle(unit, None)
        if not submission.recorded and submission.has_media:
            asyncio.get_running_loop().run_in_executor(None, submission.discard_media)
        if not in_force.is_answered or response.decision == in_force.draft.id or response.fail_mode is not None:
            return
        # The record was under way with the database when the deadline came: what was answered follows it.
        answered, ref = in_force.draft, ItemRef(evaluation.item.content_type, response.item, response.revision)

        def follow(tx: Transaction) -> None:
            status = status_of(tx, ref.ref)
            if status is not None and status.decision == response.decision and not status.by_person:
                self._record(tx, evaluation, answered, findings, ref, status.actor, status)

        self._unrecorded.submit(follow, Prefetch())

    def _next_unit(
        self,
        evaluation: ItemEvaluation,
        findings: Findings,
        ref: ItemRef,
        after: str | None,
        source: DecisionSource,
        job: Job | None,
    ) -> Callable[[Transaction], ScreenResponse | None]:
        """The unit that records a decision about a recorded revision; ``after``: the decision that caused it."""
        draft = self._decide(evaluation, findings, source)

        def unit(tx: Transaction) -> ScreenResponse | None:
            if job is not None:
                tx.finish(job)
            status = status_of(tx, ref.ref)
            if status is None or status.revision != ref.revision or status.by_person:
                return None
            if after is not None and status.decision != after and not status.degraded:
                return None  # another evaluation has decided meanwhile, with every answer
            if source is DecisionSource.RESCREEN and status.degraded and not _is_pending(tx, ref.ref):
                return None  # another evaluation has found meanwhile that nobody can read it
            strict = draft.at_least(fail_mode_in_force(tx, status))
            return self._record(tx, evaluation, strict, findings, ref, status.actor, status)

        return unit

    def _record(
        self,
        tx: Transaction,
        evaluation: ItemEvaluation,
        draft: DraftDecision,
        findings: Findings,
        ref: ItemRef,
        actor: str | None,
        before: ItemStatus | None,
    ) -> ScreenResponse:
        draft = keeping_restriction(draft, before)
        decision = draft.at_item(ref, actor, before.decision if before is not None else None)
        tx.append(DecisionMade(decision=decision))
        first = before is None or before.revision != ref.revision
        author = actor if first or before is None else before.actor  # who wrote this revision
        if draft.personal_features:
            tx.seal(ref.ref, features_name(decision.id), _ENCODER.encode(draft.personal_features), author)
        if evaluation.has_media or findings.hashes:
            seal_artifacts(tx, decision.id, ref, findings, author=author, first=first)
        enforce.apply(tx, decision, item_is_new=before is None)
        if decision.rescreen_due is not None or draft.postponed:
            payload = {"item": ref.ref, "revision": ref.revision, "decision": decision.id}
            due = None if decision.rescreen_due is None else tx.at + _delay(tx, decision, before)
            tx.enqueue("rescreen", ref.ref, payload, due_at=due)
        return response_of(decision)

    # -- late answers --------------------------------------------------------------------------------------------

    def _await_late(self, evaluation: ItemEvaluation, pending: DetectorRun, response: ScreenResponse) -> None:
        if not response.degraded:
            return

        def supersede(findings: Findings) -> None:
            ref = ItemRef(evaluation.item.content_type, response.item, response.revision)
            try:
                self._ledger.commit(
                    self._next_unit(evaluation, findings, ref, response.decision, DecisionSource.LATE, None)
                )
            except Exception:
                # The pending rescreen is in the ledger and its job in the queue: the worker completes it.
                _log.exception("late answer not recorded", decision=response.decision)

        pending.on_late(supersede)


def _nothing_more(_result: object, _error: BaseException | None) -> None:
    """What follows the late outcome of a submission: its caller was told to send it again."""


def _time_to_commit(started: float, deadline_ms: int | None) -> float | None:
    """Seconds that a request which came at ``started`` may wait for its commit; None: as long as any."""
    if deadline_ms is None:
        return None
    return max(_SHORTEST_WAIT_S, started + deadline_ms / 1000 - asyncio.get_running_loop().time())


def _delay(tx: Transaction, decision: Decision, before: ItemStatus | None) -> int:
    """Delay of a rescreen in ms: short at first, then a quarter of the pending rescreen's age, 1 s to 1 min."""
    if before is None or not before.degraded:
        return _RESCREEN_AFTER_MS
    opened = tx.execute(_PENDING_SINCE.where(pending_rescreen.c.item == decision.item.ref)).scalar()
    age = tx.at - opened if opened is not None else 0
    return max(_RESCREEN_AFTER_MS, min(age // 4, _LONGEST_DELAY_MS))


def _is_pending(tx: Transaction, item: str) -> bool:
    return tx.execute(_PENDING_SINCE.where(pending_rescreen.c.item == item)).scalar() is not None


def _prefetch(item: Item, idempotency: Idempotency | None) -> Prefetch:
    rows = ((idempotency_table, idempotency.key),) if idempotency is not None else ()
    return Prefetch(subjects=subjects_of(item), rows=rows)
