"""Bands: who is asked when the cheap one doubts, who is spared when it is sure, and that doubt never looks away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.detect import Findings, Runner
from seawall.detect.cascade import CascadeError, ScoreRange, cascade_stages, choose, measured
from seawall.model import (
    Cost,
    DetectorResult,
    DetectorSpec,
    Modality,
    Part,
    Signal,
    SignalKind,
    SignalSpec,
    Unknown,
    UnknownReason,
)


class Scripted:
    """Says of a part what a table says: a value, or None for *unknown*. Remembers what it was asked."""

    def __init__(
        self,
        name: str,
        table: Mapping[str, float | None] | float,
        *score_ranges: ScoreRange,
        cost: Cost = Cost.CPU,
        modalities: frozenset[Modality] = frozenset({Modality.TEXT}),
        languages: frozenset[str] | None = None,
        wait_for: threading.Event | None = None,
    ) -> None:
        self.spec = DetectorSpec(
            name=name,
            version="1",
            signals=(SignalSpec(name=f"{name}_score", kind=SignalKind.SCORE),),
            modalities=modalities,
            languages=languages,
            cost=cost,
        )
        self.ask_when = score_ranges
        self.asked: list[str] = []
        self.called = threading.Event()
        self._table = table
        self._wait_for = wait_for

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        self.called.set()
        if self._wait_for is not None:
            self._wait_for.wait(30)
        self.asked.extend(part.path for part in parts)
        return [self._answer(part) for part in parts]

    def _answer(self, part: Part) -> DetectorResult:
        name = self.spec.name
        value = self._table if isinstance(self._table, float) else self._table.get(part.path, 0.0)
        if value is None:
            return Unknown(detector=name, part=part.path, reason=UnknownReason.ERROR, detail="scripted")
        return (Signal(name=f"{name}_score", value=value, part=part.path, detector=name, version="1"),) if value else ()


def _part(path: str, modality: Modality = Modality.TEXT, language: str | None = None) -> Part:
    return Part(path=path, modality=modality, field=path, text=path, language=language)


PARTS = [_part(path) for path in ("low", "middle", "high", "lost")]
CHEAP = {"low": 0.1, "middle": 0.5, "high": 0.95, "lost": None}
BAND = ScoreRange(signal="cheap_score", low=0.2, high=0.9)

Look = Callable[[Runner, Sequence[Part], set[str] | None], Findings]


def _live(runner: Runner, parts: Sequence[Part], wanted: set[str] | None) -> Findings:
    return runner.start(parts, wanted).wait()


def _batch(runner: Runner, parts: Sequence[Part], wanted: set[str] | None) -> Findings:
    return runner.run_batch([parts], wanted)[0]


ways = pytest.mark.parametrize("look", [_live, _batch], ids=["live", "batch"])
costs = pytest.mark.parametrize("cost", [Cost.INLINE, Cost.CPU, Cost.SLOW])


@ways
@costs
def test_a_dear_detector_is_asked_within_its_band_and_where_the_cheap_one_is_unknown(look: Look, cost: Cost) -> None:
    cheap, expensive = Scripted("cheap", CHEAP), Scripted("dear", 0.7, BAND, cost=cost)
    with Runner([expensive, cheap]) as runner:  # the order in which they are given does not matter
        found = look(runner, PARTS, {"cheap", "dear"})
    assert sorted(expensive.asked) == ["lost", "middle"]
    assert {signal.part for signal in found.signals if signal.detector == "dear"} == {"lost", "middle"}
    assert set(found.skipped) == {("dear", "low"), ("dear", "high")}
    assert {(unknown.detector, unknown.part) for unknown in found.unknown} == {("cheap", "lost")}


@ways
def test_the_cheap_one_is_asked_even_when_only_the_dear_one_is_wanted(look: Look) -> None:
    cheap, expensive = Scripted("cheap", CHEAP), Scripted("dear", 0.7, BAND)
    with Runner([cheap, expensive]) as runner:
        look(runner, PARTS, {"dear"})
    assert sorted(cheap.asked) == ["high", "lost", "low", "middle"]
    assert sorted(expensive.asked) == ["lost", "middle"]


@ways
def test_what_the_cheap_one_never_measures_is_asked(look: Look) -> None:
    both = frozenset({Modality.TEXT, Modality.LINK})
    cheap = Scripted("cheap", 0.1, languages=frozenset({"en"}))
    expensive = Scripted("dear", 0.7, BAND, modalities=both)
    parts = [_part("english", language="en"), _part("german", language="de"), _part("link", Modality.LINK)]
    with Runner([cheap, expensive]) as runner:
        found = look(runner, parts, {"cheap", "dear"})
    assert sorted(expensive.asked) == ["german", "link"]
    assert found.skipped == (("dear", "english"),)


@ways
def test_any_band_suffices(look: Look) -> None:
    one, two = Scripted("one", {"a": 0.5}), Scripted("two", {"b": 0.5})
    expensive = Scripted("dear", 0.7, ScoreRange(signal="one_score", low=0.4), ScoreRange(signal="two_score", low=0.4))
    with Runner([one, two, expensive]) as runner:
        look(runner, [_part("a"), _part("b"), _part("c")], {"dear"})
    assert sorted(expensive.asked) == ["a", "b"]


@ways
def test_a_cascade_of_three(look: Look) -> None:
    first = Scripted("first", {"a": 0.5, "b": 0.5, "c": 0.1, "d": None})
    second = Scripted("second", {"a": 0.5, "b": 0.05, "d": None}, ScoreRange(signal="first_score", low=0.2, high=0.9))
    third = Scripted("third", 0.9, ScoreRange(signal="second_score", low=0.2, high=0.9))
    with Runner([third, second, first]) as runner:
        found = look(runner, [_part(path) for path in "abcd"], {"third"})
    assert sorted(second.asked) == ["a", "b", "d"]
    assert sorted(third.asked) == ["a", "d"]
    assert set(found.skipped) == {("second", "c"), ("third", "b"), ("third", "c")}


def test_one_signal_of_two_detectors_is_in_doubt_when_either_is() -> None:
    specs = [DetectorSpec(name=name, version="1", signals=(SignalSpec(name="hate", kind=SignalKind.SCORE),),
                          modalities=frozenset({Modality.TEXT})) for name in ("a", "b")]  # fmt: skip
    part = _part("body")
    sure = (Signal(name="hate", value=0.1, part="body", detector="a", version="1"),)
    doubt = Unknown(detector="b", part="body", reason=UnknownReason.ERROR)
    found = measured([(specs[0], part, sure), (specs[1], part, doubt)])
    assert choose([ScoreRange(signal="hate", low=0.5)], [part], found) == ([part], [])
    found = measured([(specs[0], part, sure), (specs[1], part, ())])
    assert choose([ScoreRange(signal="hate", low=0.5)], [part], found) == ([], [part])


def test_when_the_cheap_one_misses_the_deadline_the_dear_one_is_unknown_and_asked_late() -> None:
    go = threading.Event()
    cheap, expensive = Scripted("cheap", CHEAP, wait_for=go), Scripted("dear", 0.7, BAND)
    late: list[Findings] = []
    reported = threading.Event()

    def keep(findings: Findings) -> None:
        late.append(findings)
        reported.set()

    with Runner([cheap, expensive]) as runner:
        pending = runner.start(PARTS, {"cheap", "dear"}, deadline_ms=20)
        found = pending.wait()
        pending.on_late(keep)
        assert {(unknown.detector, unknown.reason) for unknown in found.unknown} == {
            ("cheap", UnknownReason.DEADLINE),
            ("dear", UnknownReason.DEADLINE),
        }
        assert {unknown.part for unknown in found.unknown if unknown.detector == "dear"} == {
            part.path for part in PARTS
        }
        go.set()
        assert reported.wait(30)
    assert {signal.part for signal in late[0].signals if signal.detector == "dear"} == {"middle", "lost"}
    assert set(late[0].skipped) == {("dear", "low"), ("dear", "high")}


def test_when_only_the_dear_one_is_late_only_what_it_was_asked_is_unknown() -> None:
    go = threading.Event()
    now = [0.0]
    cheap, expensive = Scripted("cheap", CHEAP), Scripted("dear", 0.7, BAND, wait_for=go)
    with Runner([cheap, expensive], clock=lambda: now[0]) as runner:
        pending = runner.start(PARTS, {"cheap", "dear"}, deadline_ms=1_000)
        assert expensive.called.wait(30)
        now[0] = 2.0  # the deadline has passed
        found = pending.wait()
        go.set()
    assert {unknown.part for unknown in found.unknown if unknown.detector == "dear"} == {"middle", "lost"}
    assert set(found.skipped) == {("dear", "low"), ("dear", "high")}


def test_a_failing_cheap_one_opens_every_gate() -> None:
    class Failing(Scripted):
        def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
            raise RuntimeError("broken")

    expensive = Scripted("dear", 0.7, BAND)
    with Runner([Failing("cheap", {}), expensive]) as runner:
        runner.start(PARTS, {"dear"}).wait()
    assert sorted(expensive.asked) == sorted(part.path for part in PARTS)


@pytest.mark.parametrize(
    ("detectors", "message"),
    [
        (
            [Scripted("dear", 0.1, ScoreRange(signal="nobody"))],
            "asked by the signal 'nobody', which no detector measures",
        ),
        (
            [Scripted("a", 0.1, ScoreRange(signal="b_score")), Scripted("b", 0.1, ScoreRange(signal="a_score"))],
            "these detectors wait for each other's signals: a, b",
        ),
        ([Scripted("a", 0.1, ScoreRange(signal="a_score"))], "these detectors wait for each other's signals: a"),
    ],
)  # fmt: skip
def test_bands_that_cannot_be_kept_are_refused_at_once(detectors: list[Scripted], message: str) -> None:
    with pytest.raises(CascadeError, match=message):
        Runner(detectors)


def test_a_band_the_wrong_way_round_is_refused() -> None:
    with pytest.raises(ValueError, match=r"from 0.9 to 0.2: swap them"):
        ScoreRange(signal="hate", low=0.9, high=0.2)


_VALUES = st.none() | st.floats(0, 1)


@given(
    st.lists(_VALUES, min_size=1, max_size=6),
    st.lists(_VALUES, min_size=6, max_size=6),
    st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
    st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
    st.permutations([0, 1, 2]),
)
def test_live_and_batch_ask_the_same_and_exactly_what_the_bands_say(
    first: list[float | None],
    second: list[float | None],
    score_range: list[float],
    other: list[float],
    order: list[int],
) -> None:
    parts = [_part(f"p{number}") for number in range(len(first))]
    one, two = ({part.path: values[at] for at, part in enumerate(parts)} for values in (first, second))

    def detectors() -> list[Scripted]:
        made = [
            Scripted("one", one),
            Scripted("two", two, ScoreRange(signal="one_score", low=score_range[0], high=score_range[1])),
            Scripted("three", 0.5, ScoreRange(signal="two_score", low=other[0], high=other[1])),
        ]
        return [made[at] for at in order]

    for look in (_live, _batch):
        asked = detectors()
        with Runner(asked) as runner:
            found = look(runner, parts, {"three"})
        by_name = {one.spec.name: set(one.asked) for one in asked}
        for part, cheap, expensive in zip(parts, first, second, strict=False):
            in_band = cheap is None or score_range[0] <= cheap <= score_range[1]
            said: float | None = expensive if in_band else 0.0
            assert (part.path in by_name["two"]) is in_band
            assert (part.path in by_name["three"]) is (said is None or other[0] <= said <= other[1])
        skipped = {("two", p.path) for p in parts if p.path not in by_name["two"]}
        skipped |= {("three", p.path) for p in parts if p.path not in by_name["three"]}
        assert set(found.skipped) == skipped


@given(st.dictionaries(st.sampled_from("abcdef"), st.sets(st.sampled_from("abcdef"))))
def test_rounds_respect_every_wait_or_say_who_waits_in_a_circle(waits: dict[str, set[str]]) -> None:
    specs = [
        DetectorSpec(
            name=name,
            version="1",
            signals=(SignalSpec(name=name, kind=SignalKind.SCORE),),
            modalities=frozenset({Modality.TEXT}),
        )
        for name in "abcdef"
    ]
    score_ranges = {name: tuple(ScoreRange(signal=each) for each in sorted(needs)) for name, needs in waits.items()}
    try:
        turns = cascade_stages(specs, score_ranges, tuple(waits))
    except CascadeError:
        done: set[str] = set()
        while free := {name for name in "abcdef" if name not in done and waits.get(name, set()) <= done}:
            done |= free
        assert not set(waits) <= done
        return
    seen: set[str] = set()
    for turn in turns:
        assert all(waits.get(name, set()) <= seen for name in turn)
        seen |= turn
    assert set(waits) <= seen
