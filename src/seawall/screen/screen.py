"""The screener: item → parts → signals → decision → ledger. A response is sent only after it is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy import select

from seawall.content.creators import creator_of
from seawall.counters.follower import CounterReading, Counters, unread
from seawall.detect import DetectorRun, ExtractionCache, Findings, Runner
from seawall.model import DecisionSource, Item, ItemRef, Part, Unknown, UnknownReason, now_ms
from seawall.model.latencies import Latencies
from seawall.policy import Bundle, Feature
from seawall.screen.artifacts import artifacts_of
from seawall.screen.counter_reads import counters_to_read
from seawall.screen.creator_overlays import CreatorOverlays
from seawall.screen.evaluation import DraftDecision, ItemEvaluation, decide, evaluation_of
from seawall.screen.extraction_cache import load_extractions
from seawall.screen.journal import AnswerJournal
from seawall.screen.plans import POST_PUBLISH, PRE_PUBLISH, StagePlan, stage_plan
from seawall.screen.prohibitions import counted, not_permitted, permitted_plan, prohibitions_on, with_uncounted
from seawall.screen.result import Idempotency, ScreenResponse, repeated_response
from seawall.screen.snoozes import Snoozes
from seawall.screen.stored_content import load_decision
from seawall.screen.submission import (
    ItemSubmission,
    item_kind,
    keeping_recorded_media,
    record,
    recorded_digest,
    store_changed_media,
    subjects_of,
)
from seawall.screen.tables import idempotency as idempotency_table
from seawall.screen.units import DraftInForce, Evaluated, first_unit, next_unit, prefetch_of
from seawall.screen.unrecorded import Answered, Unrecorded, answer
from seawall.storage import Blobs, CommitDelayed, Job, Ledger, Prefetch, Transaction

_log = structlog.get_logger(__name__)

_NO_OVERLAYS: Final[frozenset[str]] = frozenset()
_PLANS: Final = 256  # cached: for each content type, stage, and sets of overlays and prohibitions of the bundles in use
_DETECTORS_SHARE: Final = 0.8  # of a request's deadline; the rest is for the durable record
_READS_SHARE: Final = 0.2  # of a request's deadline: for what an item with media reads from the database first
_LONGEST_READ_S: Final = 5.0  # the same without a deadline
_ITEMS_AT_ONCE: Final = 25  # submitted: about 5 ms of the writer's time
_LONGEST_REST_S: Final = 0.05  # after it, as long as it took
_READERS: Final = 4  # threads for that: as many may hang when the database does
_NOTHING: Final = CounterReading({}, 0)
_SHORTEST_WAIT_S: Final = 0.025  # for a commit: a disk takes that long, however short the deadline


class KnownItem(msgspec.Struct, frozen=True):
    """What the database knows of a submitted item with media; nothing, if it does not answer in time.

    ``seen``: the row of the request's idempotency key. ``digest``: of the newest revision. ``memory``: extractors'
    results of earlier evaluations.
    """

    seen: dict[str, Any] | None = None
    digest: str | None = None
    memory: ExtractionCache = {}


class Screener:
    """Screens items with the bundle that ``in_force`` returns. Safe for threads and event loops."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        blobs: Blobs,
        runner: Runner,
        in_force: Callable[[], Bundle],
        counters: Counters,
        journal: AnswerJournal,
        snoozes: Snoozes,
        creators: CreatorOverlays,
    ) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._runner = runner
        self._specs = {spec.name: spec for spec in runner.specs}
        self._in_force = in_force
        self._snoozes = snoozes
        self._creators = creators
        self._counters = counters
        self._plans: dict[tuple[str, ...], StagePlan] = {}
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="seawall-screen-reads")
        self._unrecorded = Unrecorded(ledger, blobs, journal)
        self._detecting, self._deciding = Latencies(), Latencies()

    @property
    def latencies(self) -> Mapping[str, Latencies]:
        """How long the stages before the commit took: ``detect``, with all extraction and matching, and ``decide``."""
        return {"detect": self._detecting, "decide": self._deciding}

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
        known = self._look_up(item, evaluation.extracts, idempotency) if evaluation.has_media else KnownItem()
        if known.seen is not None and idempotency is not None:
            return repeated_response(known.seen, idempotency)
        started = perf_counter()
        pending = self._start(evaluation, deadline_ms, known.memory)
        submission = self._submission(evaluation, known.digest)
        evaluation = self._with_counters(evaluation, pending)
        findings = pending.wait()
        self._detecting.observe(perf_counter() - started)
        answered = self._answered(evaluation, findings, submission, idempotency)
        with keeping_recorded_media((submission,)):
            response = self._ledger.commit(answered.unit, prefetch=prefetch_of(item, idempotency))
        self._await_late(evaluation, pending, response)
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

        ``deadline_ms`` is kept when the database does not answer or commit: then the answer is the stage's fail mode,
        not recorded yet, and the record follows. Without one, CommitDelayed is raised after 10 s.
        """
        started = asyncio.get_running_loop().time()
        evaluation = self._evaluation(item, PRE_PUBLISH, bundle)
        if evaluation.has_media:
            known = await self._look_up_within(evaluation, deadline_ms, idempotency)
            if known.seen is not None and idempotency is not None:
                return repeated_response(known.seen, idempotency)
            detectors_ms = _time_to_detect(started, deadline_ms)
            pending = await asyncio.to_thread(self._start, evaluation, detectors_ms, known.memory)
            evaluation = await self._with_counters_within(evaluation, pending, deadline_ms)
            findings = await pending.wait_async()
            submission = await asyncio.to_thread(self._submission, evaluation, known.digest)
        else:
            detectors_ms = None if deadline_ms is None else max(1, int(deadline_ms * _DETECTORS_SHARE))
            pending = self._start(evaluation, detectors_ms, {})
            evaluation = await self._with_counters_within(evaluation, pending, deadline_ms)
            findings = await pending.wait_async()
            submission = self._submission(evaluation, None)
        self._detecting.observe(asyncio.get_running_loop().time() - started)
        answered = self._answered(evaluation, findings, submission, idempotency)
        on_late = partial(self._unrecorded.settle_late, answered)
        try:
            with keeping_recorded_media((submission,)):
                response = await self._ledger.commit_within(
                    answered.unit,
                    _time_to_commit(started, deadline_ms),
                    on_late,
                    prefetch=prefetch_of(item, idempotency),
                )
        except CommitDelayed as delay:
            return await self._answer_unrecorded(answered, evaluation, deadline_ms, delay)
        self._await_late(evaluation, pending, response)
        return response

    async def _answer_unrecorded(
        self, answered: Answered, evaluation: ItemEvaluation, deadline_ms: int | None, delay: CommitDelayed
    ) -> ScreenResponse:
        """The answer at the deadline. Raises ``delay`` if none may be given ahead of its record."""
        outcome = answered.in_force.outcome
        if isinstance(outcome, ScreenResponse):
            return outcome  # it was committed just now
        if isinstance(outcome, BaseException):
            raise outcome
        if deadline_ms is None or self._unrecorded.is_full(evaluation.has_media):
            raise delay
        response = answer(answered.in_force, evaluation.plan)
        await self._unrecorded.add(answered)
        return response

    def record_left(self) -> None:
        """Record what processes answered that were killed before its record. Raises nothing: it is tried again."""
        self._unrecorded.record_left()

    def close(self) -> None:
        """Record what was answered ahead of its record."""
        self._unrecorded.close()
        self._readers.shutdown(wait=False, cancel_futures=True)

    async def submit(self, items: list[Item]) -> list[str]:
        """Record items for screening by a worker; return their surrogates once all are durable.

        Each ``_ITEMS_AT_ONCE`` are one unit, with a rest after it, so that requests do not wait for a thousand. Raises
        CommitDelayed after 10 s of waiting for one of them; items that were recorded before it are not recorded again
        by another try.
        """
        refs: list[str] = []
        clock = asyncio.get_running_loop().time
        for start in range(0, len(items), _ITEMS_AT_ONCE):
            began = clock()
            refs += await self._submit(items[start : start + _ITEMS_AT_ONCE])
            if start + _ITEMS_AT_ONCE < len(items):
                await asyncio.sleep(min(clock() - began, _LONGEST_REST_S))
        return refs

    async def _submit(self, items: Sequence[Item]) -> list[str]:
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
        evaluation, pending, findings = self._looked_at(self._evaluation(item, POST_PUBLISH), ref)
        unit = self._next_unit(evaluation, findings, ref, None, DecisionSource.SCREEN, job)
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
        evaluation, _, findings = self._looked_at(self._evaluation(item, POST_PUBLISH), ref, after)
        return self._ledger.commit(self._next_unit(evaluation, findings, ref, after, source, job))

    # -- counters ------------------------------------------------------------------------------------------------

    def _with_counters(
        self, evaluation: ItemEvaluation, run: DetectorRun, ref: ItemRef | None = None, after: str | None = None
    ) -> ItemEvaluation:
        """The evaluation with what its rules read of the past, as far as it can matter.

        ``after``: an earlier decision. What it read about the same revision is kept: the state before the item.
        """
        if not evaluation.plan.program.counters:
            return evaluation
        earlier = None if after is None else load_decision(self._ledger.database, after)
        known = (earlier.features or {}) if earlier is not None and earlier.item == ref else {}
        mattering = self._to_read(evaluation, run)
        wanted = [each for each in counted(evaluation.plan) if each in mattering or each.name in known]
        return _with_reading(evaluation, self._counters.read(wanted, evaluation.item, known) if wanted else _NOTHING)

    async def _with_counters_within(
        self, evaluation: ItemEvaluation, run: DetectorRun, deadline_ms: int | None
    ) -> ItemEvaluation:
        """The same of a new request, in time: without an answer of the database its counters are unknown."""
        if not evaluation.plan.program.counters:
            return evaluation
        wanted = self._to_read(evaluation, run)
        if not wanted:
            return _with_reading(evaluation, _NOTHING)
        limit = _LONGEST_READ_S if deadline_ms is None else deadline_ms / 1000 * _READS_SHARE
        read = partial(self._counters.read, wanted, evaluation.item)
        try:
            reading = await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(self._readers, read), limit)
        except TimeoutError:
            reading = unread(wanted)
        return _with_reading(evaluation, reading)

    def _to_read(self, evaluation: ItemEvaluation, run: DetectorRun) -> tuple[Feature, ...]:
        plan, parts = evaluation.plan, evaluation.parts
        unasked = (*self._postponed(plan, parts), *not_permitted(plan, parts, self._runner))
        mattering = counters_to_read(evaluation, run, unasked, self._snoozes.of(evaluation.item.actor, plan.program))
        permitted = counted(plan)
        return tuple(each for each in mattering if each in permitted)

    # -- evaluating ----------------------------------------------------------------------------------------------

    def _evaluation(self, item: Item, stage: str, bundle: Bundle | None = None) -> ItemEvaluation:
        """Raises LookupError when the content type is not in force."""
        bundle = bundle or self._in_force()
        content_type = bundle.content_types.get(item.content_type)
        if content_type is None:
            raise LookupError(
                f"The content type {item.content_type!r} is no longer in force. Publish it again: items of it "
                "wait to be screened."
            )
        on = self._creators.of(creator_of(item, content_type))
        overlays = bundle.overlays_on(content_type.name, on.names) if on is not None else _NO_OVERLAYS
        key = (bundle.hash, item.content_type, stage, " ".join(sorted(overlays)))
        planned = self._plans.get(key)
        if planned is None:
            plan = stage_plan(bundle, content_type, stage, self._specs, self._runner.extractors, overlays)
            planned = self._keep_plan(key, plan)
        if planned.prohibitions:
            planned = self._permitted(planned, item, key)
        return evaluation_of(item, bundle, planned, on)

    def _permitted(self, planned: StagePlan, item: Item, key: tuple[str, ...]) -> StagePlan:
        """The plan for an item without the detectors that are not permitted for it now."""
        applied = prohibitions_on(planned, item, now_ms())
        if not applied:
            return planned
        own = (*key, *(each.name for each in applied))
        permitted = self._plans.get(own)
        if permitted is None:
            permitted = self._keep_plan(own, permitted_plan(planned, applied, self._runner))
        return permitted

    def _keep_plan(self, key: tuple[str, ...], plan: StagePlan) -> StagePlan:
        if len(self._plans) > _PLANS:
            self._plans.clear()  # plans of replaced bundles, and of rare sets of prohibitions
        self._plans[key] = plan
        return plan

    def _look_up(self, item: Item, extracts: bool, idempotency: Idempotency | None) -> KnownItem:
        """What the database knows of an item with media. Its unit looks again at what matters."""
        ledger, seen = self._ledger, None
        if idempotency is not None:
            query = select(idempotency_table).where(idempotency_table.c.key == idempotency.key)
            with ledger.database.read() as connection:
                row = connection.execute(query).mappings().one_or_none()
            seen = None if row is None else dict(row)
        if seen is not None:
            return KnownItem(seen)
        ref = ledger.vault.find(item_kind(item.content_type), item.id)
        if ref is None:
            return KnownItem()
        memory = load_extractions(ledger.database, ledger.vault, ref) if extracts else {}
        return KnownItem(None, recorded_digest(item, ledger), memory)

    async def _look_up_within(
        self, evaluation: ItemEvaluation, deadline_ms: int | None, idempotency: Idempotency | None
    ) -> KnownItem:
        """The same, in time: without it, extractors run again and the files are stored once more."""
        limit = _LONGEST_READ_S if deadline_ms is None else deadline_ms / 1000 * _READS_SHARE
        look_up = partial(self._look_up, evaluation.item, evaluation.extracts, idempotency)
        try:
            return await asyncio.wait_for(asyncio.get_running_loop().run_in_executor(self._readers, look_up), limit)
        except TimeoutError:
            return KnownItem()

    def _memory(self, evaluation: ItemEvaluation, ref: str) -> ExtractionCache:
        return load_extractions(self._ledger.database, self._ledger.vault, ref) if evaluation.extracts else {}

    def _start(self, evaluation: ItemEvaluation, deadline_ms: int | None, memory: ExtractionCache) -> DetectorRun:
        """Ask detectors and extractors; extractors' results in ``memory`` are reused."""
        planned = evaluation.plan
        budget = planned.stage.budget_ms
        account = (evaluation.item.actor or "") if evaluation.extracts else ""  # texts take turns as they come
        return self._runner.start(
            evaluation.parts,
            planned.wanted | planned.reading,
            budget if deadline_ms is None else min(budget, deadline_ms),
            extract=planned.extract,
            unchecked=planned.unchecked,
            memory=memory,
            account=account,
            thresholds=planned.program.thresholds,
        )

    def _looked_at(
        self, evaluation: ItemEvaluation, ref: ItemRef, after: str | None = None
    ) -> tuple[ItemEvaluation, DetectorRun, Findings]:
        """Ask about a recorded item, read the counters, and wait for the answers. ``after``: an earlier decision."""
        started = perf_counter()
        run = self._start(evaluation, None, self._memory(evaluation, ref.ref))
        evaluation = self._with_counters(evaluation, run, ref, after)
        findings = run.wait()
        self._detecting.observe(perf_counter() - started)
        return evaluation, run, findings

    def _decide(self, evaluation: ItemEvaluation, findings: Findings, source: DecisionSource) -> DraftDecision:
        started = perf_counter()
        snoozed = self._snoozes.of(evaluation.item.actor, evaluation.plan.program)
        withheld = not_permitted(evaluation.plan, findings.parts, self._runner)
        postponed = self._postponed(evaluation.plan, findings.parts)
        draft = decide(evaluation, findings, postponed, source, snoozed, withheld)
        self._deciding.observe(perf_counter() - started)
        return draft

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
            planned.wanted | planned.later | planned.reading,
            UnknownReason.LATER,
            extract=planned.extract_ever,
            later=planned.extract_later,
            unchecked=planned.unchecked,
        )

    # -- recording -----------------------------------------------------------------------------------------------

    def _submission(self, evaluation: ItemEvaluation, recorded: str | None) -> ItemSubmission:
        """The submission, with its files stored unless they are those of the recorded revision (its digest)."""
        submission = ItemSubmission(evaluation.item, self._ledger.vault, self._blobs)
        if evaluation.has_media and submission.digest != recorded:
            submission.store_media()
        return submission

    def _submissions(self, items: Sequence[Item]) -> list[ItemSubmission]:
        submissions = [ItemSubmission(item, self._ledger.vault, self._blobs) for item in items]
        store_changed_media(submissions, self._ledger)
        return submissions

    def _answered(
        self,
        evaluation: ItemEvaluation,
        findings: Findings,
        submission: ItemSubmission,
        idempotency: Idempotency | None,
    ) -> Answered:
        """The request with its decision, and the unit that records both."""
        in_force = DraftInForce(self._decide(evaluation, findings, DecisionSource.SCREEN))
        evaluated = _evaluated(evaluation, findings)
        return Answered(
            evaluated=evaluated,
            in_force=in_force,
            submission=submission,
            idempotency=idempotency,
            unit=first_unit(self._ledger, evaluated, in_force, submission, idempotency),
        )

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
        return next_unit(self._ledger, _evaluated(evaluation, findings), draft, ref, after, job)

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


def _with_reading(evaluation: ItemEvaluation, reading: CounterReading) -> ItemEvaluation:
    """The evaluation with the counters that were read; the others could change nothing."""
    reading = with_uncounted(evaluation.plan, reading)
    left = frozenset(each.name for each in evaluation.plan.program.counters) - reading.values.keys()
    return msgspec.structs.replace(evaluation, counters=reading, uncounted=left)


def _evaluated(evaluation: ItemEvaluation, findings: Findings) -> Evaluated:
    return Evaluated(evaluation.item, artifacts_of(findings, has_media=evaluation.has_media))


def _time_to_detect(started: float, deadline_ms: int | None) -> int | None:
    """Milliseconds for the detectors of a request which came at ``started`` and has read from the database since."""
    if deadline_ms is None:
        return None
    passed_ms = 1000 * (asyncio.get_running_loop().time() - started)
    return max(1, int((deadline_ms - passed_ms) * _DETECTORS_SHARE))


def _time_to_commit(started: float, deadline_ms: int | None) -> float | None:
    """Seconds that a request which came at ``started`` may wait for its commit; None: as long as any."""
    if deadline_ms is None:
        return None
    return max(_SHORTEST_WAIT_S, started + deadline_ms / 1000 - asyncio.get_running_loop().time())
