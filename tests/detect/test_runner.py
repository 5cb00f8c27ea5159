"""Deadlines hold, failures become unknown, and one bad part harms only itself."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from seawall.detect import Findings, QueueLimits, Runner
from seawall.detect.cascade import ScoreRange
from seawall.detect.detector_run import LateResults
from seawall.model import (
    Cost,
    DetectorResult,
    DetectorSpec,
    Modality,
    Part,
    Signal,
    SignalKind,
    SignalSpec,
    Thresholds,
    Unknown,
    UnknownReason,
)

PATIENCE_S = 20  # never waited for in full by a test that passes


@dataclass
class Fake:
    """A detector of the signal ``<name>_score`` that does what ``act`` says."""

    name: str = "fake"
    act: Callable[[Sequence[Part]], Sequence[DetectorResult]] | None = None
    cost: Cost = Cost.CPU
    kind: SignalKind = SignalKind.PROBABILITY
    languages: frozenset[str] | None = None
    calls: list[list[str]] = field(default_factory=list)

    @property
    def spec(self) -> DetectorSpec:
        return DetectorSpec(
            name=self.name,
            version="1",
            signals=(SignalSpec(name=f"{self.name}_score", kind=self.kind),),
            modalities=frozenset({Modality.TEXT}),
            languages=self.languages,
            cost=self.cost,
        )

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        self.calls.append([part.path for part in parts])
        return self.act(parts) if self.act else [self.answer(part) for part in parts]

    def answer(self, part: Part, value: float = 0.5) -> DetectorResult:
        return (Signal(name=f"{self.name}_score", value=value, part=part.path, detector=self.name, version="1"),)


def part(path: str, language: str | None = None) -> Part:
    return Part(path=path, modality=Modality.TEXT, field=path, text=path, language=language)


def reasons(findings: Findings) -> list[tuple[str, str, str]]:
    return [(unknown.detector, unknown.part, unknown.reason.value) for unknown in findings.unknown]


def scores(findings: Findings) -> dict[str, float]:
    return {signal.part: signal.value for signal in findings.signals}


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())  # an API that was tested before keeps threads for fetching
    yield
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith("seawall-"):
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), f"{thread.name} was left behind"


@dataclass
class Hang:
    """An action that waits for ``release``; ``entered`` tells that it began."""

    entered: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    def __call__(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        self.entered.set()
        assert self.release.wait(PATIENCE_S)
        return [Fake("slow").answer(each) for each in parts]


@pytest.fixture
def hang() -> Iterator[Hang]:
    action = Hang()
    yield action
    action.release.set()


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


# ── answers ──


@pytest.mark.parametrize("cost", [Cost.INLINE, Cost.CPU])
def test_every_fitting_part_is_answered_in_order(cost: Cost) -> None:
    first, second = Fake("one", cost=cost), Fake("two", cost=Cost.INLINE)
    image = Part(path="cover", modality=Modality.IMAGE, field="cover", data=b"")
    with Runner([first, second]) as runner:
        findings = runner.start([part("a"), image, part("b")], deadline_ms=PATIENCE_S * 1000).wait()
    assert [(signal.detector, signal.part) for signal in findings.signals] == [
        ("one", "a"),
        ("one", "b"),
        ("two", "a"),
        ("two", "b"),
    ]
    assert findings.unknown == ()


def test_only_wanted_detectors_are_asked_and_slow_ones_must_be_named() -> None:
    one, two, slow = Fake("one"), Fake("two"), Fake("slow", cost=Cost.SLOW)
    with Runner([one, two, slow]) as runner:
        runner.start([part("a")], wanted={"two"}).wait()
        assert (one.calls, two.calls) == ([], [["a"]])
        runner.start([part("a")]).wait()
        assert slow.calls == []
        assert len(runner.start([part("a")], wanted={"slow"}).wait().signals) == 1
        with pytest.raises(ValueError, match="unknown detector thee; known: one, two, slow"):
            runner.start([part("a")], wanted={"thee"})


def test_two_detectors_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two detectors are named same"):
        Runner([Fake("same"), Fake("same")])


def test_a_part_in_a_language_the_detector_does_not_know_is_unknown() -> None:
    english = Fake("english", languages=frozenset({"en"}), cost=Cost.INLINE)
    with Runner([english]) as runner:
        findings = runner.start([part("a", "en"), part("b", "fr"), part("c")]).wait()
    assert sorted(scores(findings)) == ["a", "c"]
    assert reasons(findings) == [("english", "b", "language")]


# ── failures ──


def test_a_detector_that_would_end_its_thread_does_not() -> None:
    def leave(parts: Sequence[Part]) -> Sequence[DetectorResult]:
        raise SystemExit

    with Runner([Fake(act=leave)]) as runner:
        for _ in range(2):
            assert reasons(runner.start([part("a")], deadline_ms=PATIENCE_S * 1000).wait()) == [("fake", "a", "error")]


@pytest.mark.parametrize("cost", [Cost.INLINE, Cost.CPU])
def test_a_poison_part_harms_only_itself(cost: Cost) -> None:
    fake = Fake(cost=cost)

    def choke(parts: Sequence[Part]) -> Sequence[DetectorResult]:
        if any(each.path == "poison" for each in parts):
            raise RuntimeError("secret content")
        return [fake.answer(each) for each in parts]

    fake.act = choke
    with Runner([fake]) as runner:
        findings = runner.start([part("a"), part("poison"), part("b")]).wait()
    assert sorted(scores(findings)) == ["a", "b"]
    [unknown] = findings.unknown
    assert (unknown.part, unknown.reason) == ("poison", UnknownReason.ERROR)
    assert unknown.detail.startswith("RuntimeError at test_runner.py:")
    assert "secret" not in unknown.detail


@pytest.mark.parametrize("value", [math.nan, math.inf, -0.1, 1.1])
def test_a_value_that_is_no_probability_is_an_error(value: float) -> None:
    fake = Fake(cost=Cost.INLINE)
    fake.act = lambda parts: [fake.answer(each, value if each.path == "a" else 0.5) for each in parts]
    with Runner([fake]) as runner:
        findings = runner.start([part("a"), part("b")]).wait()
    assert reasons(findings) == [("fake", "a", "error")]
    assert scores(findings) == {"b": 0.5}


def test_counts_may_exceed_one_but_not_fall_below_zero() -> None:
    fake = Fake(cost=Cost.INLINE, kind=SignalKind.COUNT)
    fake.act = lambda parts: [fake.answer(each, 7 if each.path == "a" else -1) for each in parts]
    with Runner([fake]) as runner:
        findings = runner.start([part("a"), part("b")]).wait()
    assert scores(findings) == {"a": 7}
    assert reasons(findings) == [("fake", "b", "error")]


def _break(answer: DetectorResult, **changes: object) -> DetectorResult:
    assert isinstance(answer, tuple)
    [signal] = answer
    return (Signal(**{name: changes.get(name, getattr(signal, name)) for name in signal.__slots__}),)  # type: ignore[arg-type]


class _Incomparable:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("never compare me")

    __hash__ = object.__hash__


@pytest.mark.parametrize(
    "broken",
    [
        lambda fake, each: [],
        lambda fake, each: None,
        lambda fake, each: (0.5,),
        lambda fake, each: np.zeros(2),  # compared with (), it has no truth value
        lambda fake, each: _Incomparable(),
        lambda fake, each: _break(fake.answer(each), value="0.5"),
        lambda fake, each: _break(fake.answer(each), name="unpromised"),
        lambda fake, each: _break(fake.answer(each), part="elsewhere"),
        lambda fake, each: Unknown(detector="fake", part="elsewhere", reason=UnknownReason.ERROR),
    ],
)
def test_an_answer_that_breaks_the_promise_is_an_error(broken: Callable[[Fake, Part], DetectorResult]) -> None:
    fake = Fake(cost=Cost.INLINE)
    fake.act = lambda parts: [broken(fake, each) for each in parts]
    with Runner([fake]) as runner:
        findings = runner.start([part("a")]).wait()
    assert reasons(findings) == [("fake", "a", "error")]


def test_a_wrong_number_of_answers_is_an_error() -> None:
    fake = Fake(cost=Cost.INLINE)
    fake.act = lambda parts: [fake.answer(parts[0])] * (len(parts) + 1)
    with Runner([fake]) as runner:
        findings = runner.start([part("a")]).wait()
    assert findings.unknown[0].detail == "2 answers for 1 parts"


# ── deadlines ──


def test_the_deadline_is_kept_though_a_detector_never_answers(hang: Hang) -> None:
    with Runner([Fake("slow", hang), Fake("quick")]) as runner:
        findings = runner.start([part("a")], deadline_ms=30).wait()
        assert ("slow", "a", "deadline") in reasons(findings)
        hang.release.set()


def test_the_deadline_is_kept_in_an_event_loop_that_goes_on_meanwhile(hang: Hang) -> None:
    async def ask(runner: Runner) -> tuple[Findings, Findings]:
        waiting = asyncio.create_task(runner.start([part("a")], wanted={"slow"}, deadline_ms=200).wait_async())
        await asyncio.to_thread(hang.entered.wait, PATIENCE_S)
        other = await runner.start([part("b")], wanted={"quick"}).wait_async()
        assert not waiting.done()
        return await waiting, other

    with Runner([Fake("slow", hang), Fake("quick")]) as runner:
        late, other = asyncio.run(ask(runner))
        hang.release.set()
    assert reasons(late) == [("slow", "a", "deadline")]
    assert scores(other) == {"b": 0.5}


def test_waiting_twice_gives_the_same_findings_though_answers_came_in_between(hang: Hang) -> None:
    late = threading.Event()
    with Runner([Fake("slow", hang)]) as runner:
        pending = runner.start([part("a")], deadline_ms=0)
        first = pending.wait()
        pending.on_late(lambda findings: late.set())
        hang.release.set()
        assert late.wait(PATIENCE_S)
        assert pending.wait() is first


def test_late_answers_arrive_once_and_complete(hang: Hang) -> None:
    heard: list[Findings] = []
    done = threading.Event()

    def hear(findings: Findings) -> None:
        heard.append(findings)
        done.set()

    with Runner([Fake("slow", hang), Fake("quick", cost=Cost.INLINE)]) as runner:
        pending = runner.start([part("a"), part("b")], deadline_ms=0)
        pending.on_late(hear)
        assert len(pending.wait().unknown) == 2
        hang.release.set()
        assert done.wait(PATIENCE_S)
    [findings] = heard
    assert findings.unknown == ()
    assert [(signal.detector, signal.part) for signal in findings.signals] == [
        ("slow", "a"),
        ("slow", "b"),
        ("quick", "a"),
        ("quick", "b"),
    ]


def test_a_listener_that_comes_after_the_late_answers_still_hears_them(hang: Hang) -> None:
    first, second = threading.Event(), threading.Event()
    with Runner([Fake("slow", hang)]) as runner:
        pending = runner.start([part("a")], deadline_ms=0)
        pending.wait()
        pending.on_late(lambda findings: first.set())
        hang.release.set()
        assert first.wait(PATIENCE_S)
        pending.on_late(lambda findings: second.set())
        assert second.wait(PATIENCE_S)


def test_nothing_is_late_when_everything_was_in_time() -> None:
    heard: list[Findings] = []
    with Runner([Fake("quick")]) as runner:
        pending = runner.start([part("a")])
        pending.on_late(heard.append)
        pending.wait()
    assert heard == []


def test_a_listener_that_fails_does_not_stop_the_next_one(hang: Hang) -> None:
    done = threading.Event()

    def fail(findings: Findings) -> None:
        raise RuntimeError

    with Runner([Fake("slow", hang)]) as runner:
        for listener in (fail, lambda findings: done.set()):
            pending = runner.start([part("a")], deadline_ms=0)
            pending.on_late(listener)
            pending.wait()
        hang.release.set()
        assert done.wait(PATIENCE_S)


def test_late_results_that_wait_are_bounded_in_number_and_in_media() -> None:
    video = Findings((), (), parts=(Part(path="clip", modality=Modality.VIDEO, field="clip", data=b"x" * 60),))
    entered, release = threading.Event(), threading.Event()
    heard: list[str] = []

    def block(findings: Findings) -> None:
        entered.set()
        assert release.wait(PATIENCE_S)

    late = LateResults(most=3, most_bytes=100)
    late.call(block, video)
    assert entered.wait(PATIENCE_S)
    late.call(lambda findings: heard.append("too much media"), video)
    for name in ("second", "third", "one too many"):
        late.call(lambda findings, name=name: heard.append(name), Findings((), ()))  # type: ignore[misc]
    release.set()
    late.close()
    late.call(lambda findings: heard.append("closed"), Findings((), ()))
    assert heard == ["second", "third"]


# ── batches and load ──


def test_concurrent_requests_share_batches(hang: Hang) -> None:
    slow = Fake("slow", hang)
    with Runner([slow], limits=QueueLimits(batch_size=4)) as runner:
        first = runner.start([part("first")])
        assert hang.entered.wait(PATIENCE_S)
        others = [runner.start([part(f"{n}")]) for n in range(6)]
        hang.release.set()
        assert scores(first.wait()) == {"first": 0.5}
        assert [scores(other.wait()) for other in others] == [{f"{n}": 0.5} for n in range(6)]
    assert slow.calls == [["first"], ["0", "1", "2", "3"], ["4", "5"]]


def test_a_detector_of_several_calls_at_once_answers_beside_one_that_waits(hang: Hang) -> None:
    slow = Fake("slow")
    slow.act = lambda parts: hang(parts) if parts[0].path == "first" else [slow.answer(each) for each in parts]
    slow.calls_at_once = 2  # type: ignore[attr-defined]
    with Runner([slow]) as runner:
        first = runner.start([part("first")])
        assert hang.entered.wait(PATIENCE_S)
        for number in range(3):
            assert scores(runner.start([part(f"{number}")]).wait()) == {f"{number}": 0.5}
        hang.release.set()
        assert first.wait().unknown == ()
    assert slow.calls == [["first"], ["0"], ["1"], ["2"]]


def test_a_full_queue_refuses_at_once(hang: Hang) -> None:
    with Runner([Fake("slow", hang)], limits=QueueLimits(batch_size=1, queue_limit=2)) as runner:
        running = runner.start([part("running")])
        assert hang.entered.wait(PATIENCE_S)
        queued = [runner.start([part("x")]) for _ in range(2)]
        refused = runner.start([part("refused")]).wait()
        assert reasons(refused) == [("slow", "refused", "overloaded")]
        assert runner.states()[0].overloaded
        hang.release.set()
        assert all(pending.wait().unknown == () for pending in (running, *queued))


def test_fresh_work_goes_before_work_whose_deadline_has_passed(hang: Hang) -> None:
    clock = Clock()
    slow = Fake("slow", hang)
    with Runner([slow], limits=QueueLimits(batch_size=1), clock=clock) as runner:
        running = runner.start([part("running")])
        assert hang.entered.wait(PATIENCE_S)
        done = threading.Event()
        stale = runner.start([part("stale")], deadline_ms=10)
        clock.now = 1.0
        stale.wait()
        stale.on_late(lambda findings: done.set())
        fresh = runner.start([part("fresh")])
        hang.release.set()
        running.wait()
        fresh.wait()
        assert done.wait(PATIENCE_S)
    assert slow.calls == [["running"], ["fresh"], ["stale"]]


def test_a_hung_detector_gets_a_fresh_thread_then_is_overloaded_until_one_returns() -> None:
    hangs: list[Hang] = [Hang() for _ in range(3)]
    turn = iter(hangs)
    slow = Fake("slow", lambda parts: next(turn)(parts))
    clock = Clock()
    limits = QueueLimits(hang_s=30, abandoned=2)
    with Runner([slow], limits=limits, clock=clock) as runner:
        for number, hung in enumerate(hangs):
            pending = runner.start([part(f"{number}")], deadline_ms=1000)
            assert hung.entered.wait(PATIENCE_S), "a fresh thread took over"
            clock.now += 31
            assert reasons(pending.wait()) == [("slow", f"{number}", "deadline")]
        refused = runner.start([part("refused")]).wait()
        assert reasons(refused) == [("slow", "refused", "overloaded")]
        assert runner.states()[0].hung == 2

        returned = next(thread for thread in threading.enumerate() if thread.name == "seawall-slow-1")
        turn = iter([lambda parts: [slow.answer(each) for each in parts]])  # type: ignore[list-item]
        hangs[0].release.set()
        returned.join(PATIENCE_S)
        assert scores(runner.start([part("again")]).wait()) == {"again": 0.5}
        for hung in hangs:
            hung.release.set()


def test_an_offline_batch_gives_what_single_requests_give() -> None:
    english = Fake("english", languages=frozenset({"en"}))
    other = Fake("other", cost=Cost.INLINE)
    items = [[part("a"), part("b", "fr")], [], [part("c", "en")]]
    with Runner([english, other]) as runner:
        assert runner.run_batch([]) == []
        together = runner.run_batch(items)
        assert english.calls == [["a", "c"]]
        assert together == [runner.start(each).wait() for each in items]


def test_detectors_that_prepare_are_warmed_up() -> None:
    class Preparing(Fake):
        started = 0

        def start(self) -> None:
            self.started += 1

    preparing = Preparing()
    with Runner([preparing, Fake("other")]) as runner:
        runner.warm_up()
    assert preparing.started == 1


def test_closing_answers_what_is_queued_and_refuses_what_comes(hang: Hang) -> None:
    class Closing(Fake):
        closed = False

        def close(self) -> None:
            self.closed = True

    slow = Closing("slow", hang)
    runner = Runner([slow], limits=QueueLimits(batch_size=1))
    running = runner.start([part("running")])
    assert hang.entered.wait(PATIENCE_S)
    queued = runner.start([part("queued")])
    runner.close(timeout_s=0)
    assert reasons(queued.wait()) == [("slow", "queued", "overloaded")]
    assert reasons(runner.start([part("after")]).wait()) == [("slow", "after", "overloaded")]
    assert slow.closed
    hang.release.set()
    assert scores(running.wait()) == {"running": 0.5}


# ── accounts take turns ──


def test_an_account_that_sends_much_delays_nobody_else(hang: Hang) -> None:
    slow = Fake("slow", hang)
    with Runner([slow], limits=QueueLimits(batch_size=2)) as runner:
        running = [runner.start([part("running")], account="ada")]
        assert hang.entered.wait(PATIENCE_S)
        running += [runner.start([part(f"ada {number}")], account="ada") for number in range(3)]
        running += [runner.start([part(f"bob {number}")], account="bob") for number in range(2)]
        running += [runner.start([part("nobody")])]
        hang.release.set()
        assert all(run.wait().unknown == () for run in running)
    assert [path for call in slow.calls for path in call] == [
        "running",
        "bob 0",  # ada had a turn
        "nobody",
        "ada 0",
        "bob 1",
        "ada 1",
        "ada 2",
    ]


def test_an_account_has_a_share_of_the_calls_at_a_time(hang: Hang) -> None:
    slow = Fake("slow")
    slow.act = lambda parts: hang(parts) if "hostile" in parts[0].path else [slow.answer(each) for each in parts]
    slow.calls_at_once = 6  # type: ignore[attr-defined]
    with Runner([slow]) as runner:
        hostile = [runner.start([part(f"hostile {number}")], account="eve") for number in range(20)]
        assert hang.entered.wait(PATIENCE_S)
        for number in range(3):
            usual = runner.start([part(f"{number}")], account="ada").wait()
            assert scores(usual) == {f"{number}": 0.5}, "though its twenty files wait for each other"
        assert sum("hostile" in path for call in slow.calls for path in call) <= 2
        hang.release.set()
        assert all(run.wait().unknown == () for run in hostile), "nothing is lost"


@dataclass
class Sparing(Fake):
    """Remembers what its callers tell apart."""

    asked: list[tuple[list[str], Thresholds]] = field(default_factory=list)

    def detect_above(self, parts: Sequence[Part], thresholds: Thresholds) -> Sequence[DetectorResult]:
        self.asked.append(([part.path for part in parts], thresholds))
        return [self.answer(part, 0.1) for part in parts]


def test_a_detector_learns_what_its_caller_tells_apart_and_batches_do_not_mix_it() -> None:
    go_on = threading.Event()

    def hold(parts: Sequence[Part]) -> Sequence[DetectorResult]:
        assert go_on.wait(PATIENCE_S)
        return [() for _ in parts]

    sparing = Sparing(act=hold)
    lenient, strict = {"fake_score": 0.9}, {"fake_score": 0.2}
    with Runner([sparing]) as runner:
        first = runner.start([part("a")])  # without thresholds: everything; the queue fills behind it
        runs = [
            runner.start([part(path)], thresholds=limits)
            for path, limits in (("b", lenient), ("c", strict), ("d", dict(lenient)), ("e", strict))
        ]
        go_on.set()
        assert [len(run.wait().signals) for run in (first, *runs)] == [0, 1, 1, 1, 1]
    assert sparing.calls == [["a"]]
    assert sparing.asked == [(["b", "d"], lenient), (["c", "e"], strict)]


def test_a_range_that_leads_to_another_detector_is_told_apart_too() -> None:
    sparing, dear = Sparing(), Judge("judge")
    with Runner([sparing, dear]) as runner:
        runner.start([part("a")], thresholds={"fake_score": 0.9}).wait()
        runner.start([part("b")], wanted={"fake"}, thresholds={"fake_score": 0.9}).wait()
    assert sparing.asked == [(["a"], {"fake_score": 0.4}), (["b"], {"fake_score": 0.9})]


@dataclass
class Judge(Fake):
    """Asked where the other one is in doubt."""

    ask_when: tuple[ScoreRange, ...] = (ScoreRange(signal="fake_score", low=0.4, high=0.6),)


# -- languages ---------------------------------------------------------------------------------------------------


@dataclass
class Reader(Fake):
    """A detector of given signals in given languages."""

    signals: tuple[str, ...] = ("hate",)

    @property
    def spec(self) -> DetectorSpec:
        signals = tuple(SignalSpec(name=name, kind=self.kind) for name in self.signals)
        return DetectorSpec(
            name=self.name,
            version="1",
            signals=signals,
            modalities=frozenset({Modality.TEXT}),
            languages=self.languages,
            cost=self.cost,
        )

    def answer(self, part: Part, value: float = 0.5) -> DetectorResult:
        return tuple(
            Signal(name=name, value=value, part=part.path, detector=self.name, version="1") for name in self.signals
        )


def of_languages(
    *detectors: Reader, wanted: set[str] | None = None
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Signals and language refusals by detector and part, of one English, one German and one Finnish text."""
    parts = [
        Part(path=language, modality=Modality.TEXT, field="body", text="x", language=language)
        for language in ("en", "de", "fi")
    ]
    with Runner(detectors) as runner:
        found = runner.start(parts, wanted).wait()
    refused = {(one.detector, one.part) for one in found.unknown if one.reason is UnknownReason.LANGUAGE}
    assert len(refused) == len(found.unknown)
    return {(one.detector, one.part) for one in found.signals}, refused


ENGLISH = frozenset({"en"})
GERMAN = frozenset({"de"})


def test_a_language_that_another_detector_of_the_signals_reads_is_left_to_it() -> None:
    given, refused = of_languages(
        Reader(name="english", languages=ENGLISH, signals=("hate", "spam")), Reader(name="german", languages=GERMAN)
    )
    assert given == {("english", "en"), ("german", "de")}
    assert refused == {("english", "de"), ("english", "fi"), ("german", "fi")}  # nobody gives spam in German


def test_a_detector_that_is_not_wanted_is_not_asked_in_place_of_another() -> None:
    """It may not be permitted."""
    english = Reader(name="english", languages=ENGLISH, signals=("hate", "spam"))
    given, _ = of_languages(english, Reader(name="german", languages=GERMAN), wanted={"german"})
    assert given == {("german", "de")}
    assert english.calls == []


def test_a_detector_that_reads_every_language_takes_none_from_the_others() -> None:
    _, refused = of_languages(Reader(name="german", languages=GERMAN), Reader(name="any", languages=None))
    assert refused == {("german", "en"), ("german", "fi")}
