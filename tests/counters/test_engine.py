"""The engine against a naive oracle with exact windows, whatever the batches, restarts and late activities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.counters import Activity, CounterEngine, hyperloglog, windows_of
from seawall.counters.engine import number_of
from seawall.counters.tiles import MOST_EXACT
from seawall.model import UNKNOWN
from seawall.model.counters import CounterFunction, CounterSpec, tile_size

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_800_000_000_000
LONG_ONLY = ("compare", "seconds", ">=", 30)
DIGESTS = [f"{index * 0x9E3779B97F4A7C15 % 2**64:016x}" for index in range(1, 400)]


def digest(text: str) -> str:
    return DIGESTS[ord(text[0])]


def counter(function: str, within: int = 10 * MINUTE, **more: Any) -> CounterSpec:
    given = {"by": ("actor",), "activity": "play", "where": None} | more
    return CounterSpec(function=CounterFunction(function), within=within, **given)


SPECS = [
    counter("count"),
    counter("count", 2 * HOUR),
    counter("count", 3 * HOUR, where=LONG_ONLY),
    counter("count", by=("actor", "track")),
    counter("count", by=("track",), within=30 * DAY),
    counter("distinct", HOUR, value="track"),
    counter("distinct", DAY, value="actor", by=("track",)),
    counter("sum_of", 2 * DAY, value="seconds"),
    counter("max_of", 10 * MINUTE, value="seconds"),
    counter("rate"),
    counter("ratio", DAY, where=LONG_ONLY),
    counter("since_last", 2 * DAY, last=1),
    counter("since_last", 400 * DAY, last=1, by=("actor", "track"), where=LONG_ONLY),
    counter("among_last", 400 * DAY, last=3, where=LONG_ONLY),
    counter("among_last", 3 * HOUR, last=20, by=("track",), where=LONG_ONLY),
]
LATEST = {CounterFunction.SINCE_LAST, CounterFunction.AMONG_LAST}


@st.composite
def logs(draw: st.DrawFn) -> list[Activity]:
    """Activities in the order of their record, some of them late."""
    made, received = [], START
    for _ in range(draw(st.integers(0, 40))):
        received += draw(st.sampled_from([0, 1, 999, 59_999, MINUTE, 7 * MINUTE, HOUR, DAY]))
        late = draw(st.sampled_from([0, 0, 0, 1, MINUTE, 11 * MINUTE, 3 * HOUR, 3 * DAY]))
        attributes: dict[str, Any] = {
            "actor": draw(st.sampled_from(["en_a", "en_b"])),
            "track": draw(st.sampled_from(DIGESTS[:3])),
        }
        if draw(st.booleans()):
            attributes["seconds"] = draw(st.sampled_from([1, 29, 30, 31.5, 200]))
        made.append(Activity("play", received - late, received, attributes))
    return made


def naive(spec: CounterSpec, log: Sequence[Activity], key: dict[str, Any], at: int, reach: int) -> float | None:
    """The number over the activities of an exact window of ``reach`` milliseconds."""
    counted = [
        one for one in log if at - reach <= one.at <= at and all(one.attributes[name] == key[name] for name in spec.by)
    ]
    holding = [(one.at, spec.where is None or one.attributes.get("seconds", 0) >= 30) for one in counted]
    if spec.function is CounterFunction.AMONG_LAST:
        return sum(holds for _, holds in sorted(holding)[-spec.last :])
    if spec.function is CounterFunction.SINCE_LAST:
        return min(((at - when) / 1000 for when, holds in holding if holds), default=None)
    found = [one.attributes for one in counted]
    held = [one for one in found if spec.where is None or one.get("seconds", 0) >= 30]
    values = [one["seconds"] for one in held if "seconds" in one]
    match spec.function:
        case CounterFunction.COUNT:
            return len(held)
        case CounterFunction.RATE:
            return len(held) / (spec.within / MINUTE)
        case CounterFunction.DISTINCT:
            return len({one[spec.value] for one in held})
        case CounterFunction.SUM:
            return sum(values)
        case CounterFunction.MAX:
            return max(values, default=0)
    return len(held) / len(found) if found else 0


def everything(engine: CounterEngine, at: int) -> list[Any]:
    keys = [{"actor": actor, "track": track} for actor in ("en_a", "en_b") for track in DIGESTS[:3]]
    return [engine.read(spec, key, at) for spec in SPECS for key in keys]


@settings(max_examples=150, deadline=None)
@given(logs())
def test_a_window_counts_all_in_it_and_at_most_one_tile_more(log: list[Activity]) -> None:
    engine = CounterEngine(windows_of(SPECS), digest)
    engine.apply(log)
    at = log[-1].received if log else START
    for spec in SPECS:
        for key in ({"actor": "en_a", "track": DIGESTS[0]}, {"actor": "en_b", "track": DIGESTS[2]}):
            found = engine.read(spec, key, at)
            if spec.function in LATEST:  # exact, and not in tiles
                assert found == naive(spec, log, key, at, spec.within), spec
                continue
            assert isinstance(found, int | float)
            least = naive(spec, log, key, at, spec.within)
            most = naive(spec, log, key, at, spec.within + tile_size(spec.within))
            assert least is not None
            assert most is not None
            if spec.function is not CounterFunction.RATIO:  # a share of more activities may be smaller
                assert least - 1e-9 <= found <= most + 1e-9, spec
            tile = tile_size(spec.within)
            reach = at - (at - spec.within) // tile * tile  # back to the beginning of the first tile
            assert found == pytest.approx(naive(spec, log, key, at, reach)), spec


@settings(max_examples=100, deadline=None)
@given(logs(), st.lists(st.integers(1, 9), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_the_same_log_gives_the_same_numbers(log: list[Activity], sizes: list[int], chance: Any) -> None:
    at = log[-1].received if log else START
    whole = CounterEngine(windows_of(SPECS), digest)
    whole.apply(log)
    pieces, rest = CounterEngine(windows_of(SPECS), digest), list(log)
    for size in sizes:
        pieces.apply(rest[:size])
        rest = rest[size:]
        if chance.random() < 0.5:  # a restart: a snapshot, and the tail of the log
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(pieces.snapshot()), strict=False)
            pieces = CounterEngine.restore(state, digest)
    pieces.apply(rest)
    assert everything(pieces, at) == everything(whole, at)
    assert pieces.entries == whole.entries


@settings(max_examples=100, deadline=None)
@given(logs(), st.randoms(use_true_random=False))
def test_the_order_of_activities_does_not_matter(log: list[Activity], chance: Any) -> None:
    now = log[-1].received if log else START
    log = [msgspec.structs.replace(one, received=now) for one in log]
    shuffled = chance.sample(log, len(log))
    one, other = CounterEngine(windows_of(SPECS), digest), CounterEngine(windows_of(SPECS), digest)
    one.apply(log)
    other.apply(shuffled)
    assert everything(one, now) == everything(other, now)


@settings(max_examples=100, deadline=None)
@given(logs())
def test_an_item_does_not_count_itself(log: list[Activity]) -> None:
    if not log:
        return
    own, at = log[-1], log[-1].received
    without, with_it = CounterEngine(windows_of(SPECS), digest), CounterEngine(windows_of(SPECS), digest)
    without.apply(log[:-1])
    with_it.apply(log)
    for spec in SPECS:
        assert with_it.read(spec, own.attributes, at, [own]) == pytest.approx(without.read(spec, own.attributes, at))


def test_many_distinct_values_are_estimated() -> None:
    spec = counter("distinct", HOUR, value="seconds")
    engine = CounterEngine(windows_of([spec]), digest)
    for number in range(20_000):
        at = START + number * 100
        engine.apply([Activity("play", at, at, {"actor": "en_a", "seconds": number})])
        if number + 1 == MOST_EXACT:
            assert engine.read(spec, {"actor": "en_a"}, at) == MOST_EXACT
    assert engine.read(spec, {"actor": "en_a"}, at) == pytest.approx(20_000, rel=0.07)
    assert engine.read(spec, {"actor": "en_b"}, at) == 0


@pytest.mark.parametrize("number", [1, 100, 2_000, 6_000, 50_000, 1_000_000])
def test_hyperloglog_is_near(number: int) -> None:
    found = hyperloglog.estimate(hyperloglog.of(map(number_of, range(number))))
    assert found == pytest.approx(number, rel=0.07)


def test_hyperloglog_registers() -> None:
    """By hand: the first 11 bits choose the register, the rank is the place of the first one in the other 53."""
    registers = hyperloglog.of([0, 1, 1 << 52, (5 << 53) | (1 << 50), 2**64 - 1])
    assert {index: rank for index, rank in enumerate(registers) if rank} == {0: 54, 5: 3, 2047: 1}
    assert hyperloglog.estimate(hyperloglog.empty()) == 0
    one, other = hyperloglog.of(map(number_of, range(500))), hyperloglog.of(map(number_of, range(250, 900)))
    hyperloglog.merge(one, other)
    assert one == hyperloglog.of(map(number_of, range(900)))


def test_what_no_window_needs_is_forgotten() -> None:
    engine = CounterEngine(windows_of([counter("count")]), digest)
    for minute in range(2_000):
        at = START + minute * MINUTE
        engine.apply([Activity("play", at, at, {"actor": f"en_{minute}"})])
    assert engine.entries <= 16


def test_without_memory_the_longest_window_is_unknown_and_not_wrong() -> None:
    short, long = counter("count"), counter("count", 30 * DAY)
    engine = CounterEngine(windows_of([short, long]), digest, most_entries=100)
    for number in range(400):
        at = START + number * HOUR
        engine.apply([Activity("play", at, at, {"actor": f"en_{number}"})])
        assert engine.entries <= 100
    assert engine.read(long, {"actor": "en_0"}, at) is UNKNOWN
    assert engine.read(short, {"actor": "en_399"}, at) == 1


def test_without_memory_the_latest_of_who_did_nothing_for_long_are_unknown_and_not_none() -> None:
    last = counter("since_last", 400 * DAY, last=1)
    among = counter("among_last", 400 * DAY, last=3, where=LONG_ONLY)
    engine = CounterEngine(windows_of([last, among]), digest, most_entries=100)
    plays = [*(f"en_{number}" for number in range(200)), "en_busy", "en_busy", "en_busy", "en_busy", "en_0"]
    for number, actor in enumerate(plays):
        at = START + number * DAY
        engine.apply([Activity("play", at, at, {"actor": actor, "seconds": 60})])
        assert engine.entries <= 100
    assert engine.read(last, {"actor": "en_1"}, at) is UNKNOWN
    assert engine.read(among, {"actor": "en_1"}, at) is UNKNOWN
    assert engine.read(last, {"actor": "en_busy"}, at) == 86_400
    assert engine.read(among, {"actor": "en_busy"}, at) == 3
    assert engine.read(last, {"actor": "en_0"}, at) == 0  # what came after is known
    assert engine.read(among, {"actor": "en_0"}, at) is UNKNOWN  # there may have been more before
    state = msgspec.msgpack.decode(msgspec.msgpack.encode(engine.snapshot()), strict=False)
    again = CounterEngine.restore(state, digest, most_entries=100)
    assert again.entries == engine.entries
    assert again.read(last, {"actor": "en_1"}, at) is UNKNOWN
    assert engine.copy().read(among, {"actor": "en_busy"}, at) == 3
    again.apply([Activity("play", at + 500 * DAY, at + 500 * DAY, {"actor": "en_z"})])
    assert again.entries == 2  # one in each table: nobody can ask about the others any more
    assert again.read(last, {"actor": "en_busy"}, at + 500 * DAY) is None


def test_an_account_that_does_much_takes_no_more_memory_than_is_asked_for() -> None:
    specs = [counter("since_last", 400 * DAY, last=1), counter("among_last", 400 * DAY, last=3, where=LONG_ONLY)]
    engine = CounterEngine(windows_of(specs), digest)
    for number in range(500):
        at = START + number * HOUR
        engine.apply([Activity("play", at, at, {"actor": "en_a", "seconds": number})])
    assert engine.entries == 2 + 4  # one more of each: it may belong to the item that is decided


def test_a_snapshot_of_before_the_latest_were_kept_is_read() -> None:
    engine = CounterEngine(windows_of([counter("count")]), digest)
    engine.apply([Activity("play", START, START, {"actor": "en_a"})])
    state = msgspec.msgpack.decode(msgspec.msgpack.encode(engine.snapshot()), strict=False)
    del state[1][0][0]["most"]
    assert CounterEngine.restore(state, digest).read(counter("count"), {"actor": "en_a"}, START) == 1


def test_an_erased_account_leaves_nothing() -> None:
    specs = [counter("count"), counter("count", by=("actor", "track")), counter("since_last", DAY, last=1)]
    engine = CounterEngine(windows_of(specs), digest)
    play = {"track": DIGESTS[0]}
    for actor in ("en_a", "en_b"):
        engine.apply([Activity("play", START, START, play | {"actor": actor})])
    engine.forget("en_a")
    assert [engine.read(spec, play | {"actor": "en_a"}, START) for spec in specs] == [0, 0, None]
    assert [engine.read(spec, play | {"actor": "en_b"}, START) for spec in specs] == [1, 1, 0]
    assert "en_a" not in str(engine.snapshot())


def test_engines_of_one_log_become_one() -> None:
    first, second = counter("count"), counter("count", 30 * DAY)
    log = [Activity("play", START + n, START + n, {"actor": "en_a"}) for n in range(5)]
    engine, later = CounterEngine(windows_of([first]), digest), CounterEngine(windows_of([second]), digest)
    engine.apply(log)
    later.apply(log)
    engine.adopt(later)
    engine.apply(log)
    assert [engine.read(spec, {"actor": "en_a"}, START + 9) for spec in (first, second)] == [10, 10]
    engine.keep_only(windows_of([second]))
    with pytest.raises(KeyError):
        engine.read(first, {"actor": "en_a"}, START)
    assert engine.entries == 1
