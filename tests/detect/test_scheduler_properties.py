"""What the scheduler promises for any set of detectors, extractors, faults and hangs.

1. At every moment each part is measured, skipped or unknown to each detector that reads it.
2. The deadline is kept, whatever does not answer.
3. A hang costs one queue.
4. A late answer settles once.

Time is a number that the test sets; what is slow waits for permits that the test gives.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detect.extractors import SHAPES, piece
from seawall.detect import ExtractorsByField, Findings, QueueLimits, Runner
from seawall.detect.cascade import ScoreRange
from seawall.detect.detector_queue import DetectorQueue
from seawall.model import (
    Cost,
    DetectorResult,
    DetectorSpec,
    ExtractedParts,
    ExtractorSpec,
    Modality,
    Part,
    Signal,
    SignalKind,
    SignalSpec,
    Thresholds,
    Unknown,
    UnknownReason,
)

PATIENCE_S = 30  # never waited for in full by a test that passes
FAULTS = ("raises", "array", "unknown", "unpromised", "no name", "misnamed", "too many", "exits")
FIELDS = {"body": Modality.TEXT, "cover": Modality.IMAGE, "clip": Modality.VIDEO}


class Clock:
    """Time that passes when the test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Permits:
    """Slow calls take one each. ``exhausted`` is set when a call waits for one, or when nothing is left to do."""

    def __init__(self, count: int) -> None:
        self._changed = threading.Condition()
        self._left: float = count
        self.exhausted = threading.Event()

    def take(self) -> None:
        with self._changed:
            if self._left <= 0:
                self.exhausted.set()
            assert self._changed.wait_for(lambda: self._left > 0, PATIENCE_S)
            self._left -= 1

    def give_all(self) -> None:
        with self._changed:
            self._left = float("inf")
            self._changed.notify_all()


@dataclass
class Scripted:
    """Answers about a part by its path: a value or a fault. Hangs while ``hang`` is set and not released."""

    name: str
    reads: frozenset[Modality]
    script: Sequence[float | str]
    cost: Cost
    ask_when: tuple[ScoreRange, ...] = ()
    permits: Permits = field(default_factory=lambda: Permits(1_000_000))
    hang: threading.Event | None = None
    entered: threading.Event = field(default_factory=threading.Event)

    @property
    def spec(self) -> Any:
        return DetectorSpec(
            name=self.name,
            version="1",
            signals=(SignalSpec(name=f"{self.name}_score", kind=SignalKind.SCORE),),
            modalities=self.reads,
            cost=self.cost,
        )

    def says(self, part: Part) -> float | str:
        return self.script[sum(map(ord, part.path)) % len(self.script)]

    def wait(self) -> None:
        if self.cost is not Cost.INLINE:
            self.permits.take()
        hang = self.hang
        if hang is not None:
            self.entered.set()
            assert hang.wait(PATIENCE_S)

    def detect(self, parts: Sequence[Part]) -> Any:
        self.wait()
        said = [self.says(part) for part in parts]
        if "raises" in said:
            raise ValueError("content")
        if "exits" in said:
            raise SystemExit
        if "too many" in said:
            return np.zeros((len(parts) + 1, 2))
        return [self._answer(part, each) for part, each in zip(parts, said, strict=True)]

    def _answer(self, part: Part, said: float | str) -> Any:
        if said == "array":
            return np.ones(3)
        if said in ("unknown", "misnamed"):
            name = self.name if said == "unknown" else "another"
            return Unknown(detector=name, part=part.path, reason=UnknownReason.UNREADABLE, detail="scripted")
        name = self.name if said == "unpromised" else f"{self.name}_score"
        if said == "no name":
            name = [self.name]  # type: ignore[assignment]
        value = 0.5 if isinstance(said, str) else said
        return (Signal(name=name, value=value, part=part.path, detector=self.name, version="1"),)


class Together(Scripted):
    """Reads every image with all texts."""

    def compose(self, parts: Sequence[Part]) -> list[Part]:
        texts = sorted(part.text or "" for part in parts if part.modality is Modality.TEXT)
        return [replace(part, text=" ".join(texts)) for part in parts if part.modality is Modality.IMAGE]


@dataclass
class Extractor(Scripted):
    """Makes two parts of each part."""

    @property
    def spec(self) -> ExtractorSpec:
        reads, gives, makes = SHAPES[self.name]
        return ExtractorSpec(
            name=self.name,
            version="1",
            modalities=frozenset({reads}),
            gives=frozenset(gives),
            makes=makes,
            cost=self.cost,
        )

    def extract(self, parts: Sequence[Part]) -> Any:
        return self.detect(parts)

    def _answer(self, part: Part, said: float | str) -> Any:
        if isinstance(said, str):
            return super()._answer(part, said)
        modality = Modality.IMAGE if self.name == "frames" else Modality.TEXT
        makes = SHAPES[self.name][2]
        text = f"see example.com of {part.path}" if modality is Modality.TEXT else None
        return ExtractedParts(tuple(piece(part, f"{makes}.{at}", modality, text) for at in range(2)))


@dataclass
class Case:
    """A set of detectors and extractors, an item, and how many slow calls are done in time."""

    detectors: list[Scripted]
    extractors: list[Extractor]
    parts: list[Part]
    wanted: dict[str, tuple[str, ...]]
    permits: Permits

    def slow(self) -> list[Scripted]:
        return [one for one in (*self.detectors, *self.extractors) if one.cost is not Cost.INLINE]


COSTS = st.sampled_from([Cost.INLINE, Cost.CPU, Cost.CPU, Cost.SLOW])
VALUES = st.sampled_from([0.0, 0.1, 0.5, 0.9, *FAULTS])
READS = st.sets(st.sampled_from([Modality.TEXT, Modality.IMAGE, Modality.LINK, Modality.VIDEO]), min_size=1)


@st.composite
def cases(draw: st.DrawFn, *, most_permits: int = 12) -> Case:
    permits = Permits(draw(st.integers(0, most_permits)))
    detectors: list[Scripted] = []
    for number in range(draw(st.integers(1, 5))):
        cheaper = [one.name for one in detectors]
        ranges = st.builds(
            lambda name, ends: ScoreRange(signal=f"{name}_score", low=min(ends), high=max(ends)),
            st.sampled_from(cheaper or [""]),
            st.tuples(st.sampled_from([0.0, 0.2, 0.6]), st.sampled_from([0.3, 0.9, 1.0])),
        )
        ask_when = tuple(draw(st.lists(ranges, max_size=2))) if cheaper else ()
        script = draw(st.lists(VALUES, min_size=1, max_size=4))
        detectors.append(Scripted(f"d{number}", frozenset(draw(READS)), script, draw(COSTS), ask_when, permits))
    if draw(st.booleans()):
        detectors.append(Together("together", frozenset({Modality.IMAGE}), [0.5], draw(COSTS), (), permits))
    detectors = draw(st.permutations(detectors))
    names = draw(st.sets(st.sampled_from(["words", "codes", "frames"]))) | draw(st.sampled_from([set(), {"frames"}]))
    extractors = [
        Extractor(name, frozenset(), draw(st.lists(VALUES, min_size=1, max_size=3)), draw(COSTS), (), permits)
        for name in sorted(names)
    ]
    parts = [
        Part(path=name, modality=modality, field=name, data=b"media", text="typed" if name == "body" else None)
        for name, modality in FIELDS.items()
        if draw(st.booleans())
    ]
    makers = st.sets(st.sampled_from(["words", "codes", "frames"]), min_size=1)
    wanted = {name: tuple(sorted(draw(makers))) for name in ("cover", "clip")}
    return Case(list(detectors), extractors, parts, wanted, permits)


def uncovered(case: Case, found: Findings, wanted: ExtractorsByField) -> list[str]:
    """What is neither measured, nor skipped, nor unknown; or more than one of these."""
    known = Counter((signal.detector, signal.part) for signal in found.signals)
    known.update(found.skipped)
    gaps = {(unknown.detector, unknown.part) for unknown in found.unknown}
    wrong = [f"{key} is told {count} times" for key, count in known.items() if count > 1]
    for detector in case.detectors:
        for part in found.parts:
            key = (detector.name, part.path)
            if part.modality in detector.reads and key not in known and key not in gaps:
                wrong.append(f"{key} is neither measured nor unknown")
    made = {part.parent for part in found.parts if part.parent is not None}
    for part in found.parts:
        for name in wanted.get(part.field, ()):
            reads, gives, makes = SHAPES[name]
            if part.modality is not reads or f">{makes}." in part.path:
                continue
            extracted = any(each.path.startswith(f"{part.path}>{makes}.") for each in found.parts)
            readers = [one.name for one in case.detectors if one.reads & gives]
            missing = {(reader, f"{part.path}>{makes}") for reader in readers} - gaps
            if not extracted and ((name, part.path) not in gaps or missing):
                wrong.append(f"what {name} makes of {part.path} is neither there nor unknown: {missing}")
    assert made <= {part.path for part in found.parts}
    return wrong


def in_time(future: Future[Findings]) -> Findings:
    return future.result(PATIENCE_S)


@contextmanager
def running(case: Case, clock: Clock) -> Iterator[Runner]:
    limits = QueueLimits(batch_size=3, hang_s=30)
    with Runner(case.detectors, case.extractors, limits=limits, clock=clock) as runner:
        try:
            yield runner
        finally:
            case.permits.give_all()
            for one in case.slow():
                if one.hang is not None:
                    one.hang.set()


@settings(max_examples=150, deadline=None)
@given(cases())
def test_nothing_is_lost_at_the_deadline_and_late_answers_settle_once(case: Case) -> None:
    clock = Clock()
    reported: list[Findings] = []
    with running(case, clock) as runner, ThreadPoolExecutor(1) as threads:
        names = [one.name for one in case.detectors]
        run = runner.start(case.parts, names, 1_000, extract=case.wanted)
        run.on_late(reported.append)
        run.complete.add_done_callback(lambda _: case.permits.exhausted.set())
        assert case.permits.exhausted.wait(PATIENCE_S)
        clock.now = 2.0  # the deadline has passed, with some calls done and some not
        found = in_time(threads.submit(run.wait))
        assert uncovered(case, found, case.wanted) == []
        case.permits.give_all()
        run.complete.result(PATIENCE_S)
        assert run.wait() is found
        offline = runner.run_batch([case.parts], names, extract=case.wanted)[0]
    open_ = {key(unknown) for unknown in found.unknown if unknown.reason is UnknownReason.DEADLINE}
    assert len(reported) <= 1
    last = reported[0] if reported else found
    assert uncovered(case, last, case.wanted) == []
    assert set(found.skipped) <= set(last.skipped)
    if not open_:
        assert reported == []
    if reported or not open_:
        assert not any(unknown.reason is UnknownReason.DEADLINE for unknown in last.unknown)
        assert set(last.signals) == set(offline.signals)
        assert set(last.unknown) == set(offline.unknown)
        assert set(last.skipped) == set(offline.skipped)
        assert sorted(part.path for part in last.parts) == sorted(part.path for part in offline.parts)
    else:  # all that came late was unknown
        assert open_ <= {key(unknown) for unknown in offline.unknown}


def key(unknown: Unknown) -> tuple[str, str]:
    return unknown.detector, unknown.part


@settings(max_examples=60, deadline=None)
@given(cases(most_permits=0), st.data())
def test_a_hang_costs_one_queue(case: Case, data: st.DataObject) -> None:
    case.permits.give_all()
    slow = [one for one in case.detectors if one.cost is not Cost.INLINE and not one.ask_when]
    if not slow:
        return
    hung = data.draw(st.sampled_from(slow))
    hung.hang = threading.Event()
    waits = {hung.name}
    for _ in case.detectors:
        waits |= {one.name for one in case.detectors for each in one.ask_when if each.signal[: -len("_score")] in waits}
    others = [one.name for one in case.detectors if one.name not in waits]
    clock = Clock()
    reported: list[Findings] = []
    with running(case, clock) as runner, ThreadPoolExecutor(1) as threads:
        run = runner.start(case.parts, [one.name for one in case.detectors], 1_000, extract=case.wanted)
        run.on_late(reported.append)
        asked = any(part.modality in hung.reads for part in case.parts)
        if asked:
            assert hung.entered.wait(PATIENCE_S)
        again = in_time(threads.submit(runner.start(case.parts, others, extract=case.wanted).wait))
        assert not any(unknown.reason in OVERDUE for unknown in again.unknown)
        first = hung.hang
        hung.hang = None
        clock.now = 100.0  # long after the deadline, and after what counts as a hang
        found = in_time(threads.submit(run.wait))
        assert uncovered(case, found, case.wanted) == []
        fresh = in_time(threads.submit(runner.start(case.parts, [hung.name], extract=case.wanted).wait))
        assert not any(unknown.reason in OVERDUE for unknown in fresh.unknown)
        first.set()
        in_time(threads.submit(runner.start(case.parts, [hung.name], extract=case.wanted).wait))
    assert len(reported) <= 1
    for last in reported:
        assert uncovered(case, last, case.wanted) == []
        hung_parts = {unknown.part for unknown in last.unknown if unknown.detail == "hung"}
        assert not hung_parts & {signal.part for signal in last.signals if signal.detector == hung.name}


OVERDUE = (UnknownReason.DEADLINE, UnknownReason.OVERLOADED)


@settings(max_examples=60, deadline=None)
@given(cases(most_permits=4))
def test_closing_leaves_nothing_unanswered(case: Case) -> None:
    clock = Clock()
    with ThreadPoolExecutor(1) as threads:
        runner = Runner(case.detectors, case.extractors, limits=QueueLimits(batch_size=2), clock=clock)
        run = runner.start(case.parts, [one.name for one in case.detectors], extract=case.wanted)
        whole = threads.submit(run.wait)
        whole.add_done_callback(lambda _: case.permits.exhausted.set())
        assert case.permits.exhausted.wait(PATIENCE_S)
        closing = threading.Thread(target=runner.close)
        closing.start()
        case.permits.give_all()
        assert uncovered(case, in_time(whole), case.wanted) == []
        closing.join(PATIENCE_S)
        after = runner.start(case.parts, [one.name for one in case.detectors], extract=case.wanted)
        assert uncovered(case, in_time(threads.submit(after.wait)), case.wanted) == []


# ── the queue alone ─────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("call"), st.integers(1, 3)),
            st.tuples(st.just("late call"), st.integers(1, 3)),
            st.tuples(st.just("let one through"), st.just(0)),
            st.tuples(st.just("hang"), st.just(0)),
        ),
        max_size=25,
    )
)
def test_every_call_of_a_queue_is_settled_once_with_an_answer_for_each_part(steps: list[tuple[str, int]]) -> None:
    clock = Clock()
    permits = threading.Semaphore(0)
    settled: Counter[int] = Counter()

    def work(parts: Sequence[Part], _thresholds: Thresholds | None) -> list[DetectorResult]:
        assert permits.acquire(timeout=PATIENCE_S)
        return [() for _ in parts]

    limits = QueueLimits(batch_size=3, queue_limit=6, hang_s=10, abandoned=2)
    queue = DetectorQueue("queue", work, limits, clock)
    replies: list[tuple[list[Part], Future[list[Any]]]] = []
    for step, count in steps:
        if step == "hang":
            clock.now += 11
            queue.replace_hung_worker()
        elif step == "let one through":
            permits.release()
        else:
            number = len(replies)
            parts = [Part(path=f"{number}.{at}", modality=Modality.TEXT, field="a", text="a") for at in range(count)]
            reply = queue.call(parts, clock.now - 1 if step == "late call" else None)
            reply.add_done_callback(lambda _, number=number: settled.update([number]))  # type: ignore[misc]
            replies.append((parts, reply))
            assert queue.state().queued <= limits.queue_limit
            assert queue.state().hung <= limits.abandoned
    permits.release(1_000)
    queue.close(PATIENCE_S)
    for parts, reply in replies:
        answers = reply.result(PATIENCE_S)
        assert len(answers) == len(parts)
        assert all(answer == () or answer.part == part.path for part, answer in zip(parts, answers, strict=True))
    assert settled == Counter(range(len(replies)))


@pytest.mark.parametrize("cost", [Cost.INLINE, Cost.CPU])
def test_a_detector_that_no_longer_says_what_it_is_makes_unknown(cost: Cost) -> None:
    class Forgetful(Scripted):
        broken = False

        @property
        def spec(self) -> Any:
            if self.broken:
                raise RuntimeError("content")
            return super().spec

    one = Forgetful("one", frozenset({Modality.TEXT}), [0.5], cost)
    part = Part(path="body", modality=Modality.TEXT, field="body", text="a")
    with Runner([one]) as runner:
        assert len(runner.start([part], ["one"]).wait().signals) == 1
        for one.broken in (True, True):
            [unknown] = runner.start([part], ["one"]).wait().unknown
            assert (unknown.detector, unknown.reason) == ("one", UnknownReason.ERROR)
            assert unknown.detail.startswith("RuntimeError at test_scheduler_properties.py:")
        one.broken = False
        assert len(runner.start([part], ["one"]).wait().signals) == 1


def test_a_detector_that_cannot_read_parts_together_makes_unknown() -> None:
    class Broken(Scripted):
        def compose(self, parts: Sequence[Part]) -> list[Part]:
            raise RuntimeError("content")

    broken = Broken("one", frozenset({Modality.TEXT}), [0.5], Cost.CPU)
    part = Part(path="body", modality=Modality.TEXT, field="body", text="a")
    with Runner([broken]) as runner:
        [unknown] = runner.start([part], ["one"]).wait().unknown
    assert (unknown.detector, unknown.part, unknown.reason) == ("one", "body", UnknownReason.ERROR)
