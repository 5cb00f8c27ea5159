"""The main job: item → parts → signals → decision → ledger. Nothing is answered before it is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from sqlalchemy import func, select

from seawall import enforce
from seawall.content import parts_of
from seawall.content.links import add_link_parts
from seawall.detect import Findings, Memory, Pending, Runner
from seawall.model import (
    Decision,
    DecisionMade,
    DecisionSource,
    Item,
    ItemRef,
    Part,
    Unknown,
    UnknownReason,
    UnknownValue,
    new_id,
    now_ms,
)
from seawall.policy import Bundle, Context
from seawall.screen.artifacts import seal_artifacts
from seawall.screen.content import features_name
from seawall.screen.extraction_cache import load_extractions
from seawall.screen.fail_modes import fail_mode
from seawall.screen.item_state import ItemState, item_state_of
from seawall.screen.plans import POST_PUBLISH, PRE_PUBLISH, StagePlan, stage_plan
from seawall.screen.result import Idempotency, ScreeningResult, repeat, result_of, standing_result
from seawall.screen.submission import item_kind, record_revision, seal_item, subjects_of
from seawall.screen.tables import idempotency as idempotency_table
from seawall.screen.tables import pending_rescreen
from seawall.storage import Blobs, Job, Ledger, Prefetch, Transaction

_log = structlog.get_logger(__name__)
_ENCODER = msgspec.json.Encoder()

_PLANS = 256  # kept: one for each content type and stage of the bundles in use
_RESCREEN_AFTER_MS = 1_000  # time for late answers to pay the pending rescreen before the worker does
_LONGEST_DELAY_MS = 60_000
_LASTING = frozenset({UnknownReason.UNREADABLE, UnknownReason.LANGUAGE})  # until detectors or limits change
_LONGEST_LASTING_MS = 86_400_000
_PENDING_SINCE = select(func.min(pending_rescreen.c.opened_at)).where(pending_rescreen.c.state == "open")


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at an item: what is needed to gather features and decide."""

    item: Item
    bundle: Bundle
    plan: StagePlan
    parts: tuple[Part, ...]

    @property
    def has_media(self) -> bool:
        """Whether there are encoded files to keep."""
        return any(part.data is not None for part in self.parts)

    @property
    def extracts(self) -> bool:
        """Whether extractors are asked, who may have been asked about the same media before."""
        return self.has_media and bool(self.plan.extract)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A decision without its place in the ledger: surrogates and revision are known only in the transaction."""

    made: Mapping[str, Any]
    vault_features: Mapping[str, Any]
    findings: Findings
    postponed: bool  # a later stage has something to ask


class Screener:
    """Screens items with the bundle that ``in_force`` returns. Threads and event loops may share one."""

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

    def screen(
        self,
        item: Item,
        *,
        deadline_ms: int | None = None,
        idempotency: Idempotency | None = None,
    ) -> ScreeningResult:
        """Screen before publication, synchronously. ``deadline_ms`` may shorten the stage's budget, not lengthen it."""
        look = self._look(item, PRE_PUBLISH)
        pending = self._start_first(look, deadline_ms)
        unit = self._unit(look, pending.wait(), idempotency)
        answer = self._ledger.commit(unit, prefetch=_prefetch(item, idempotency))
        self._await_late(look, pending, answer)
        return answer

    async def screen_async(
        self, item: Item, *, deadline_ms: int | None = None, idempotency: Idempotency | None = None
    ) -> ScreeningResult:
        """As ``screen``, from an event loop."""
        look = self._look(item, PRE_PUBLISH)
        if look.has_media:  # reading earlier looks, and sealing, take a while: not on the event loop
            pending = await asyncio.to_thread(self._start_first, look, deadline_ms)
        else:
            pending = self._start_first(look, deadline_ms)
        findings = await pending.wait_async()
        if look.has_media:
            unit = await asyncio.to_thread(self._unit, look, findings, idempotency)
        else:
            unit = self._unit(look, findings, idempotency)
        answer = await self._ledger.commit_async(unit, prefetch=_prefetch(item, idempotency))
        self._await_late(look, pending, answer)
        return answer

    async def submit(self, items: list[Item]) -> list[str]:
        """Take items for screening by a worker; their surrogates, once durable. All or none."""

        contents = await asyncio.to_thread(lambda: [seal_item(item, self._blobs) for item in items])

        def unit(tx: Transaction) -> list[str]:
            refs = []
            for item, content in zip(items, contents, strict=True):
                placed = record_revision(tx, item, content)
                payload = {"item": placed.ref.ref, "revision": placed.ref.revision}
                tx.enqueue("screen", f"{placed.ref.ref}/{placed.ref.revision}", payload)
                refs.append(placed.ref.ref)
            return refs

        subjects = {subject for item in items for subject in subjects_of(item)}
        return await self._ledger.commit_async(unit, prefetch=Prefetch(subjects=tuple(subjects)))

    def screen_submitted(self, item: Item, ref: ItemRef, *, job: Job | None = None) -> ScreeningResult | None:
        """Screen a revision that ``submit`` took, with the budget of the stage after publication.

        None: nothing to do any more (a newer revision came, or a person has decided this one).
        """
        look = self._look(item, POST_PUBLISH)
        pending = self._start(look, None, ref.ref)
        answer = self._ledger.commit(self._again(look, pending.wait(), ref, None, DecisionSource.SCREEN, job))
        if answer is not None:
            self._await_late(look, pending, answer)
        return answer

    def rescreen(
        self,
        item: Item,
        ref: ItemRef,
        after: str,
        *,
        job: Job | None = None,
        source: DecisionSource = DecisionSource.RESCREEN,
    ) -> ScreeningResult | None:
        """Look again at a revision after the decision ``after``, with the budget of the stage after publication.

        None: nothing to do any more (a newer revision came, a person has decided this one, or the pending rescreen is paid).
        """
        look = self._look(item, POST_PUBLISH)
        findings = self._start(look, None, ref.ref).wait()
        return self._ledger.commit(self._again(look, findings, ref, after, source, job))

    # -- one look ------------------------------------------------------------------------------------------------

    def _look(self, item: Item, stage_name: str) -> _Look:
        bundle = self._in_force()
        content_type = bundle.content_types[item.content_type]
        key = (bundle.hash, content_type.name, stage_name)
        planned = self._plans.get(key)
        if planned is None:
            if len(self._plans) > _PLANS:
                self._plans.clear()  # of bundles long replaced
            planned = self._plans[key] = stage_plan(
                bundle, content_type, stage_name, self._specs, self._runner.extractors
            )
        parts = tuple(add_link_parts(parts_of(item, content_type)))
        return _Look(item, bundle, planned, parts)

    def _start_first(self, look: _Look, deadline_ms: int | None) -> Pending:
        """Of an item that may have been looked at in another revision."""
        ref = self._ledger.vault.find(item_kind(look.item.content_type), look.item.id) if look.extracts else None
        return self._start(look, deadline_ms, ref)

    def _start(self, look: _Look, deadline_ms: int | None, ref: str | None) -> Pending:
        """Ask detectors and extractors; what extractors gave in earlier looks at the item ``ref`` is used again."""
        planned = look.plan
        budget = planned.stage.budget_ms
        due = budget if deadline_ms is None else min(budget, deadline_ms)
        memory: Memory = {}
        if ref is not None and look.extracts:
            memory = load_extractions(self._ledger.database, self._ledger.vault, ref)
        return self._runner.start(
            look.parts, planned.wanted, due, extract=planned.extract, unchecked=planned.unchecked, memory=memory
        )

    # -- deciding ------------------------------------------------------------------------------------------------

    def _judge(self, look: _Look, findings: Findings, source: DecisionSource) -> _Judged:
        postponed = self._postponed(look.plan, findings.parts)
        at = now_ms()
        row = look.plan.program.row(_context(look, findings, findings.unknown + postponed, at))
        outcome = look.plan.program.decide(row)
        degraded = outcome.degraded
        if degraded and postponed:
            # What a later stage will answer is no gap of this one: would it be degraded without that?
            degraded = look.plan.program.decide(
                look.plan.program.row(_context(look, findings, findings.unknown, at))
            ).degraded
        personal = look.plan.program.personal
        features: dict[str, str | int | float | bool | None] = {}
        sealed: dict[str, Any] = {}
        missing: list[str] = []
        for name, value in row.items():
            if isinstance(value, UnknownValue):
                missing.append(name)
            elif name in personal:
                sealed[name] = value
            else:
                features[name] = value
        made: dict[str, Any] = {
            "id": new_id("dec", at),
            "at": at,
            "source": source,
            "verdict": outcome.verdict,
            "actions": outcome.actions,
            "reasons": outcome.reasons,
            "stage": look.plan.stage.name,
            "bundle": look.bundle.hash,
            "shadow": outcome.shadow,
            "undetermined": outcome.undetermined,
            "unknown": findings.unknown + postponed,
            "degraded": degraded,
            "skipped": tuple(f"{detector}/{part}" for detector, part in findings.skipped),
            "reused": tuple(f"{extractor}/{part}" for extractor, part in findings.reused),
            "signals": findings.signals,
            "features": features,
            "unknown_features": tuple(missing),
            "vault_features": tuple(sealed),
        }
        if degraded:
            made.update(fail_mode(outcome, look.plan.stage, at))
        return _Judged(made, sealed, findings, bool(postponed))

    def _postponed(self, planned: StagePlan, parts: Sequence[Part]) -> tuple[Unknown, ...]:
        """What a later stage will ask about these parts."""
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

    def _unit(
        self,
        look: _Look,
        findings: Findings,
        idempotency: Idempotency | None,
    ) -> Callable[[Transaction], ScreeningResult]:
        """The first look at what just came in."""
        judged = self._judge(look, findings, DecisionSource.SCREEN)
        content = seal_item(look.item, self._blobs)

        def unit(tx: Transaction) -> ScreeningResult:
            if idempotency is not None:
                seen = tx.prefetched(idempotency_table, idempotency.key)
                if seen is not None:
                    return repeat(seen, idempotency)
            placed = record_revision(tx, look.item, content)
            head = placed.head
            if head is not None and head.by_person and head.revision == placed.ref.revision:
                answer = standing_result(head, look.plan.stage.name)  # a person has answered for this very content
            else:
                answer = self._record(tx, look, judged, placed.ref, placed.actor, head)
            if idempotency is not None:
                row = {"key": idempotency.key, "request": idempotency.request, "at": tx.at}
                row["response"] = _ENCODER.encode(answer)
                tx.insert(idempotency_table, row)
                tx.remember(idempotency_table, idempotency.key, row)
            return answer

        return unit

    def _again(
        self, look: _Look, findings: Findings, ref: ItemRef, after: str | None, source: DecisionSource, job: Job | None
    ) -> Callable[[Transaction], ScreeningResult | None]:
        """A look at a revision that is in the ledger; ``after`` is the decision that asked for it, if one did."""
        judged = self._judge(look, findings, source)

        def unit(tx: Transaction) -> ScreeningResult | None:
            if job is not None:
                tx.finish(job)
            head = item_state_of(tx, ref.ref)
            if head is None or head.revision != ref.revision or head.by_person:
                return None
            if after is not None and head.decision != after and not head.degraded:
                return None  # somebody has decided meanwhile, knowing all that was asked
            return self._record(tx, look, judged, ref, head.actor, head)

        return unit

    def _record(
        self, tx: Transaction, look: _Look, judged: _Judged, ref: ItemRef, actor: str | None, head: ItemState | None
    ) -> ScreeningResult:
        supersedes = head.decision if head is not None else None
        decision = Decision(item=ref, actor=actor, supersedes=supersedes, **judged.made)
        tx.append(DecisionMade(decision=decision))
        if judged.vault_features:
            tx.seal(ref.ref, features_name(decision.id), _ENCODER.encode(judged.vault_features))
        first = head is None or head.revision != ref.revision
        seal_artifacts(tx, decision.id, ref, judged.findings, first=first)
        enforce.apply(tx, decision, item_is_new=head is None)
        payload = {"item": ref.ref, "revision": ref.revision, "decision": decision.id}
        if decision.rescreen_due is not None:
            tx.enqueue("rescreen", ref.ref, payload, due_at=tx.at + self._delay(tx, decision, head))
        elif judged.postponed:
            tx.enqueue("rescreen", ref.ref, payload)
        return result_of(decision)

    def _delay(self, tx: Transaction, decision: Decision, head: ItemState | None) -> int:
        """Soon at first; then after a quarter of the pending rescreen's age, between one second and a minute.

        What can hardly be read by then either, such as a damaged file, after as long as it has waited, up to a day:
        each look is a decision in the ledger.
        """
        if head is None or not head.degraded:
            return _RESCREEN_AFTER_MS
        opened = tx.execute(_PENDING_SINCE.where(pending_rescreen.c.item == decision.item.ref)).scalar()
        age = tx.at - opened if opened is not None else 0
        if all(unknown.reason in _LASTING for unknown in decision.unknown):
            return max(_RESCREEN_AFTER_MS, min(age, _LONGEST_LASTING_MS))
        return max(_RESCREEN_AFTER_MS, min(age // 4, _LONGEST_DELAY_MS))

    # -- late answers --------------------------------------------------------------------------------------------

    def _await_late(self, look: _Look, pending: Pending, answer: ScreeningResult) -> None:
        if not answer.degraded:
            return

        def supersede(findings: Findings) -> None:
            ref = ItemRef(look.item.content_type, answer.item, answer.revision)
            try:
                self._ledger.commit(self._again(look, findings, ref, answer.decision, DecisionSource.LATE, None))
            except Exception:
                # The pending rescreen is in the ledger and its job in the queue: the worker pays it.
                _log.exception("late answer not recorded", decision=answer.decision)

        pending.on_late(supersede)


def _prefetch(item: Item, idempotency: Idempotency | None) -> Prefetch:
    rows = ((idempotency_table, idempotency.key),) if idempotency is not None else ()
    return Prefetch(subjects=subjects_of(item), rows=rows)


def _context(look: _Look, findings: Findings, unknown: tuple[Unknown, ...], at: int) -> Context:
    return Context(item=look.item, parts=findings.parts, signals=findings.signals, unknown=unknown, now_ms=at)
