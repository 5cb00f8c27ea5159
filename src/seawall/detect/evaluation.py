"""Evaluation of one request: queues first, then cascades and extraction as plain awaits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seawall.detect.call import Installed
from seawall.detect.cascade import choose, measured, measuring
from seawall.detect.detector_run import DetectorRun
from seawall.detect.extraction import Extracted, Extraction
from seawall.detect.findings import DetectorCall, ExtractorCall
from seawall.model.content import Part
from seawall.model.signals import ExtractedParts, Unknown


@dataclass(frozen=True, slots=True)
class CallPlan:
    """Calls about some parts to make at once. Each detector comes after those whose signals it waits for."""

    calls: Sequence[tuple[Installed, DetectorCall]]
    extractor_calls: Sequence[ExtractorCall] = ()
    unknown: Sequence[Unknown] = ()


@dataclass(slots=True)
class Evaluation:
    """Calls detectors and extractors for one request's parts, and for parts that extractors make of them.

    A detector that reads parts together is called at once for the item's own parts (``first``), and again after the
    last extractor's answer for changed ones (``again``); the second answer replaces the first. Until then, parts made
    by extractors are missing for it.
    """

    run: DetectorRun
    detectors: Sequence[Installed]
    extractors: Mapping[str, Installed]
    extraction: Extraction | None
    first: Sequence[tuple[Installed, DetectorCall]] = ()  # of detectors that read parts together
    again: Sequence[DetectorCall] = ()
    extractors_missing: int = 0  # answers
    is_measured: bool = True  # inline detectors' calls too

    def begin(self, parts: Sequence[Part], calls: Sequence[tuple[Installed, DetectorCall]]) -> CallPlan:
        """Ask about the item's own parts, in the caller's thread; dependent calls are left to ``follow``."""
        extractor_calls, unknown = self.extraction.plan(parts) if self.extraction is not None else ([], [])
        self.first = [(detector, call) for detector, call in calls if detector.composes]
        self.again = [DetectorCall(detector.name, (), again=True) for detector, _ in self.first]
        plan = CallPlan(calls, extractor_calls, unknown)
        with self.run.lock:
            self._add(plan, parts)
            self.run.calls += self.again
        self._send(plan)
        return plan

    async def follow(self, plan: CallPlan) -> None:
        """Make all calls that wait for an answer, to the end."""
        async with asyncio.TaskGroup() as cascades:
            await self._follow(plan, cascades)
            if plan.extractor_calls and self.first:
                self._cascade(await asyncio.to_thread(self._ask_again), cascades)

    async def _follow(self, plan: CallPlan, cascades: asyncio.TaskGroup) -> None:
        self._cascade(plan, cascades)
        await asyncio.gather(*(self._extract(call, cascades) for call in plan.extractor_calls))

    # ── cascades: await the cheap detectors, then call the expensive one within its score ranges ──

    def _cascade(self, plan: CallPlan, cascades: asyncio.TaskGroup) -> None:
        answered: dict[str, list[asyncio.Future[Any]]] = {}
        for detector, call in plan.calls:
            if detector.ranges:
                named = measuring(detector.ranges, [other.spec for other, _ in plan.calls])
                cheap = [(other, each) for other, each in plan.calls if other.name in named and other is not detector]
                waits_for = [future for other, _ in cheap for future in answered.get(other.name, ())]
                work = self._ask_in_doubt(detector, call, cheap, waits_for)
                answered[detector.name] = [cascades.create_task(work)]
            else:
                answered[detector.name] = [asyncio.wrap_future(reply) for reply in call.replies]

    async def _ask_in_doubt(
        self,
        detector: Installed,
        call: DetectorCall,
        cheap: Sequence[tuple[Installed, DetectorCall]],
        waits_for: Sequence[asyncio.Future[Any]],
    ) -> None:
        if waits_for:
            await asyncio.wait(waits_for)
        values = measured((other.spec, part, answer) for other, each in cheap for part, answer in each.results())
        asked, skipped = choose(detector.ranges, call.unanswered, values)
        with self.run.lock:
            call.narrow(asked, skipped)
            self.run.note_late([()] * len(skipped))  # they no longer count as missing
        self._ask(detector, call)
        if call.replies:
            await asyncio.wait([asyncio.wrap_future(reply) for reply in call.replies])

    # ── extraction: await the extractor; if it made parts, ask about those ──

    async def _extract(self, call: ExtractorCall, cascades: asyncio.TaskGroup) -> None:
        answer: ExtractedParts | Unknown
        if call.recalled is not None:
            answer = call.recalled
        elif call.reply is not None:
            [answer] = await asyncio.wrap_future(call.reply)
        else:
            [answer] = await asyncio.to_thread(self.extractors[call.extractor].ask_measured, (call.part,))
        plan = await asyncio.to_thread(self._take, call, answer)  # reads texts and digests media
        await self._follow(plan, cascades)

    def _take(self, call: ExtractorCall, answer: ExtractedParts | Unknown) -> CallPlan:
        assert self.extraction is not None
        extracted = self.extraction.take(call, answer) if isinstance(answer, ExtractedParts) else Extracted()
        detectors = [detector for detector in self.detectors if not detector.composes] if extracted.parts else []
        calls = [(detector, detector.plan(extracted.parts)) for detector in detectors]
        plan = CallPlan(calls, *self.extraction.plan(extracted.parts))
        modalities = [detector.spec.modalities for detector, _ in self.first]
        run = self.run
        with run.lock:  # the answer and its follow-up calls together
            self._add(plan, extracted.parts)
            run.notes += extracted.notes
            run.made += [] if extracted.made is None else [extracted.made]
            call.answer = answer
            run.note_late((answer,))
            self.extractors_missing -= 1
            for (_, first), again, reads in zip(self.first, self.again, modalities, strict=True):
                again.expect([part for part in extracted.parts if part.modality in reads])
                if not self.extractors_missing:  # further answers may change the first one
                    again.expect(first.parts)
        self._send(plan)
        return plan

    def _ask_again(self) -> CallPlan:
        calls = []
        for (detector, first), again in zip(self.first, self.again, strict=True):
            changed = detector.plan(self.run.parts, before=first)
            with self.run.lock:
                self.run.note_late([()] * (len(again.parts) - len(changed.parts)))  # as above
                again.parts, again.answers = changed.parts, changed.answers
            calls.append((detector, again))
        plan = CallPlan(calls)
        self._send(plan)
        return plan

    # ── calls ──

    def _add(self, plan: CallPlan, parts: Sequence[Part]) -> None:
        """With the lock held: from now on unanswered parts count as missing."""
        self.run.calls += [call for _, call in plan.calls]
        self.run.extractor_calls += plan.extractor_calls
        self.extractors_missing += len(plan.extractor_calls)
        self.run.notes += plan.unknown
        self.run.parts += parts

    def _send(self, plan: CallPlan) -> None:
        """Make all calls without dependencies: extractors first, since they take longest; inline detectors run while
        queues work."""
        for each in plan.extractor_calls:
            queue = self.extractors[each.extractor].queue
            if queue is not None and each.recalled is None:
                each.reply = queue.call((each.part,), self.run.deadline, self.run.account)
        for queued in (True, False):
            for detector, call in plan.calls:
                if not detector.ranges and (detector.queue is not None) is queued:
                    self._ask(detector, call)

    def _ask(self, detector: Installed, call: DetectorCall) -> None:
        parts = call.unanswered
        if detector.queue is not None:
            self.run.send(call, detector.queue)
        elif parts:
            ask = detector.ask_measured if self.is_measured else detector.ask
            self.run.settle(call, 0, ask(parts))
