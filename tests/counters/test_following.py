"""Counters end to end: what accounts do becomes numbers that rules read, and that decisions keep."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seawall.counters.follower import Counters
from seawall.counters.sent_activities import SentActivity, record_activities
from seawall.counters.snapshots import load_snapshot
from seawall.model import Decision, UnknownReason, now_ms
from seawall.model.counters import POSITION
from seawall.policy import replay
from seawall.publish import Sources
from seawall.screen import ScreenResponse, feature_row
from seawall.storage.erasure import erase_subject, find_subject
from support.app import Rig, make, opened, sources

HOUR, DAY = 3_600_000, 86_400_000

BUSY = """\
policy: busy
title: Busy
owner: tests
applies_to: [note]
harm: spam
definition: For tests.
statement: {{ground: incompatible, clause: "House rules, 2"}}
rules:
{rules}
examples:
  - item: {{note: {{body: "x"}}}}
    expect: {{verdict: allow}}
"""
FOUR = 'count(actor, "note", within="10m")'


def counting(*conditions: str) -> Sources:
    """Policies with one shadow rule for each condition, so that all are read; the first one is live and holds."""
    rules = [
        f"  - id: r{number}\n    mode: {'shadow' if number else 'live'}\n    when: {when}\n    do: [hold]"
        for number, when in enumerate(conditions)
    ]
    return sources("rude", "gore", busy=BUSY.format(rules="\n".join(rules)))


def publish(rig: Rig, *conditions: str) -> None:
    rig.app.publish(counting(*conditions), by="tests")
    rig.app.refresh()


def read(rig: Rig, answer: ScreenResponse) -> dict[str, Any]:
    """The counters that a decision has stored."""
    decision = rig.decision(answer)
    return {name: value for name, value in (decision.features or {}).items() if "(actor" in name or "by=" in name}


def send(rig: Rig, *activities: SentActivity) -> int:
    return asyncio.run(record_activities(rig.app.ledger, activities))


def play(id: str, ago: int = 0, actor: str = "a-1", **attributes: Any) -> SentActivity:
    return SentActivity(id=id, activity="play", actor=actor, time=now_ms() - ago, attributes=attributes)


def explained(rig: Rig, answer: ScreenResponse) -> str:
    _, explanation = rig.app.explain(answer.decision)
    assert explanation is not None
    assert explanation.reproduced
    return explanation.render()


def test_a_burst_is_held_and_the_decision_says_on_which_number(rig: Rig) -> None:
    publish(rig, f"{FOUR} >= 3")
    answers = [rig.screen(f"note {number}", id=f"n-{number}") for number in range(4)]
    other = rig.screen("somebody else", id="n-9", actor="a-2")
    assert [answer.verdict.value for answer in answers] == ["allow", "allow", "allow", "hold"]
    assert other.verdict == "allow"
    assert [read(rig, answer)[FOUR] for answer in answers] == [0, 1, 2, 3]  # as it stood before the item
    decision = rig.decision(answers[3])
    position = (decision.features or {})[POSITION]
    submitted = [event.seq for event in rig.events() if event.kind == "item.submitted"]
    assert submitted[2] <= position < submitted[3]
    text = explained(rig, answers[3])
    assert f"{FOUR} = 3" in text
    assert f"counters: as of event {position} of the ledger" in text
    row = feature_row(rig.app.vault, decision)
    assert replay(rig.app.bundle, "note", row).verdict == "hold"


def test_an_item_never_counts_itself(rig: Rig) -> None:
    names = [FOUR, 'distinct(item.body, by=actor, within="1d")', 'rate(actor, "note", within="1m")']
    publish(rig, f"{names[0]} > 90", f"{names[1]} > 90", f"{names[2]} > 90")
    first = rig.screen("hello", id="n-1")
    rig.screen("hello", id="n-2")
    edited = rig.screen("hello, edited", id="n-1")
    again = rig.screen("hello, edited", id="n-1")
    assert [read(rig, one)[FOUR] for one in (first, edited, again)] == [0, 1, 1]
    assert read(rig, edited)[names[1]] == 1
    rig.screen("hello", id="n-3")
    assert read(rig, rig.screen("hello", id="n-4"))[names[1]] == 1  # the text of n-1 that counts is the first
    assert read(rig, rig.screen("hello", id="n-5"))[names[2]] == 4


def test_what_decisions_found_is_counted_once_and_an_item_does_not_count_itself(rig: Rig) -> None:
    linked = 'count(actor, "note", within="1d", where=(activity.link_count >= 1))'
    most = 'max_of(activity.link_count, by=actor, activity="note", within="1d")'
    publish(rig, f"{linked} >= 2", f"{most} > 90")
    bodies = ["see https://a.example", "no address", "see https://b.example and https://c.example", "nothing"]
    answers = [rig.screen(body, id=f"n-{number}") for number, body in enumerate(bodies)]
    assert [(read(rig, one)[linked], read(rig, one)[most]) for one in answers] == [(0, 0), (1, 1), (1, 1), (2, 2)]
    again = rig.screen(bodies[2], id="n-2")
    edited = rig.screen("see https://d.example", id="n-1")
    assert [(read(rig, one)[linked], read(rig, one)[most]) for one in (again, edited)] == [(1, 1), (2, 2)]
    assert read(rig, rig.screen("hello", id="n-9"))[linked] == 2  # an edit is no new item
    assert read(rig, rig.screen("hello", id="n-10", actor="a-2"))[linked] == 0


def test_the_last_ones_are_in_the_order_of_their_time_and_an_item_is_none_of_its_own(rig: Rig) -> None:
    since, pair = 'since_last(actor, "note")', 'since_last([actor, item.body], "note")'
    played = 'since_last(actor, "play", where=(activity.seconds >= 30))'
    among = 'among_last(actor, "play", k=3, where=(activity.seconds >= 30))'
    publish(
        rig,
        f'{since} is not None and {since} < "1h"',
        f"{pair} is None",
        f'{played} is not None and {played} < "1h"',
        f"{among} >= 9",
    )
    names = (since, pair, played, among)

    def numbers(answer: ScreenResponse) -> list[Any]:
        features = rig.decision(answer).features or {}
        return [features[name] and int(features[name]) for name in names]

    first = rig.screen("hello", id="n-1")
    assert (first.verdict, numbers(first)) == ("allow", [None, None, None, 0])
    second = rig.screen("other", id="n-2")
    assert second.verdict == "hold"
    assert (rig.decision(second).features or {})[since] < 60
    assert (rig.decision(second).features or {})[pair] is None
    long_ago = (3 * HOUR, 2 * HOUR, HOUR, DAY)  # the last one arrives late, and is no more one of the last three
    send(rig, *(play(f"p-{ago}", ago, seconds=10 if ago == HOUR else 60) for ago in long_ago))
    found = numbers(rig.screen("third", id="n-3"))
    assert 7_200 <= found[2] < 7_260
    assert found[3] == 2
    alone = rig.screen("hello", id="n-9", actor="a-9")
    again = rig.screen("hello, edited", id="n-9", actor="a-9")
    assert [numbers(one)[0] for one in (alone, again)] == [None, None]
    assert f"{since} = " in explained(rig, second)


def test_accounts_are_told_apart_among_items_and_among_activities(rig: Rig) -> None:
    same = 'distinct(actor, by=item.body, within="1d")'
    plays = 'distinct(actor, by=item.body, activity="play", within="1d")'
    publish(rig, f"{same} >= 2", f"{plays} > 90")
    answers = [rig.screen("one text", id=f"n-{number}", actor=f"a-{number % 3}") for number in range(5)]
    assert [read(rig, one)[same] for one in answers] == [0, 1, 2, 3, 3]
    assert [one.verdict.value for one in answers] == ["allow", "allow", "hold", "hold", "hold"]
    send(rig, *(play(f"p-{number}", actor=f"a-{number % 4}", body="one text") for number in range(9)))
    answer = rig.screen("one text", id="n-9")
    assert read(rig, answer)[plays] == 4
    assert f"{same} = 3" in explained(rig, answer)


def test_nearly_one_text_from_many_accounts_is_a_cluster(rig: Rig) -> None:
    size = 'cluster_size("body", within="1d")'
    publish(rig, f"{size} >= 3")
    wave = "Hello friend! I found a way to earn 900 euros a day from home, ask me how, no experience needed. Ref {}"
    answers = [rig.screen(wave.format(number), id=f"w-{number}", actor=f"bot-{number}") for number in range(6)]
    sizes = [_cluster(rig, one) for one in answers]
    assert sizes[0] == 0
    assert sizes == sorted(sizes)
    assert sizes[-1] >= 4
    assert [one.verdict.value for one in answers] == ["hold" if size >= 3 else "allow" for size in sizes]
    again = rig.screen(wave.format(2), id="w-2", actor="bot-2")
    assert _cluster(rig, again) == 5  # all but its own
    mine = [rig.screen("so good!" if n % 2 else "So GOOD", id=f"m-{n}", actor="fan") for n in range(4)]
    assert [_cluster(rig, one) for one in mine] == [0, 1, 1, 1]  # one account, however often
    others = [
        "the drums on the third song are wonderful",
        "when is the next tour through Ghent?",
        "so sad",
        "!!!",
        "🎵",
    ]
    assert {_cluster(rig, rig.screen(text, id=f"o-{n}", actor=f"o-{n}")) for n, text in enumerate(others)} == {0}
    assert f"{size} = 5" in explained(rig, again)


def _cluster(rig: Rig, answer: ScreenResponse) -> Any:
    return (rig.decision(answer).features or {})['cluster_size("body", within="1d")']


def test_a_rescreen_keeps_what_the_first_look_read(rig: Rig) -> None:
    publish(rig, f"{FOUR} > 90")
    answer = rig.hang(id="n-1")
    rig.screen("more", id="n-2")
    rig.gore.go_on.set()
    rig.hurry(answer)
    rig.work("rescreen")
    decisions = rig.decisions(answer.item)
    assert len(decisions) > 1
    assert {(made.features or {})[FOUR] for made in decisions} == {0}


@pytest.mark.parametrize("is_async", [False, True])
def test_activities_of_the_platform_are_counted_once_and_in_their_time(rig: Rig, is_async: bool) -> None:
    short = 'count(actor, "play", within="1d", where=((activity.seconds >= 30) and (activity.seconds <= 35)))'
    share = 'ratio(actor, "play", within="1d", where=(activity.country == "DE"))'
    tracks = 'distinct(activity.track, by=actor, activity="play", within="30d")'
    total = 'sum_of(activity.seconds, by=actor, activity="play", within="1d")'
    most = 'max_of(activity.seconds, by=actor, activity="play", within="1d")'
    publish(rig, *(f"{name} > 1000" for name in (short, share, tracks, total, most)))
    sent = [
        play("1", seconds=31, country="DE", track="t-1"),
        play("2", seconds=31.5, country="DE", track="t-2"),
        play("3", seconds=200, country="FR", track="t-1"),
        play("4", 3 * DAY, seconds=31, track="t-3"),
        play("5", 40 * DAY, seconds=31, track="t-4"),
        play("6", actor="a-2", seconds=31),
    ]
    assert send(rig, *sent, sent[0]) == 6
    assert send(rig, *sent) == 0
    item = make("hello", "note", "n-1")
    answer = asyncio.run(rig.app.screener.screen_async(item)) if is_async else rig.screen(id="n-1")
    assert read(rig, answer) == {
        short: 2,
        share: pytest.approx(2 / 3),
        tracks: 3,
        total: pytest.approx(262.5),
        most: 200,
    }
    assert "t-1" not in str(rig.events())


def test_reports_reviews_strikes_and_age(rig: Rig) -> None:
    strikes, seen = "strikes(actor)", "first_seen(actor)"
    named, others = 'strikes(actor, "rude")', 'strikes(actor, "gore")'
    publish(rig, f"{strikes} > 90", f'{seen} > "90d"', f"{named} > 90", f"{others} > 90")
    first = rig.screen("you fool", id="n-1")
    assert read(rig, first) == {strikes: 0, seen: 0, named: 0, others: 0}
    later = read(rig, rig.screen("hello", id="n-2"))
    assert (later[strikes], later[named], later[others]) == (2, 2, 0)
    assert 0 <= later[seen] < 60
    assert read(rig, rig.screen("hello", id="n-3", actor="a-2"))[strikes] == 0


def test_the_past_is_counted_when_a_rule_needs_it(rig: Rig) -> None:
    for number in range(3):
        rig.screen(id=f"n-{number}")
    rig.app.publish(counting(f"{FOUR} >= 3"), by="tests")
    early = rig.screen(id="n-8")  # before the past was read
    decision = rig.decision(early)
    if decision.unknown_features:  # the background was slower
        assert FOUR in decision.unknown_features
        (unknown,) = [one for one in decision.unknown if one.detector == "counters"]
        assert (unknown.reason, unknown.detail) == (UnknownReason.UNCOUNTED, "history_is_read")
        assert decision.degraded
        assert decision.rescreen_due is not None
        assert "counters: history is read" in explained(rig, early)
    rig.app.refresh()
    assert read(rig, rig.screen(id="n-9"))[FOUR] == 4


def test_who_does_not_follow_says_so(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(rig, f"{FOUR} >= 3")
    counters = rig.app.context.get(Counters)
    monkeypatch.setattr(counters, "_follow", lambda *_: None)
    monkeypatch.setattr(counters, "_reached", counters._reached - 3_600)
    decision: Decision = rig.decision(rig.screen(id="n-1"))
    assert FOUR in decision.unknown_features
    assert [one.detail for one in decision.unknown] == ["behind_the_ledger"]


def test_an_erased_account_begins_at_zero(rig: Rig) -> None:
    plays = 'count(actor, "play", within="1d")'
    publish(rig, f"{FOUR} > 90", f"{plays} > 90")
    rig.screen(id="n-1")
    send(rig, play("1"), play("2"))
    assert read(rig, rig.screen(id="n-2")) == {FOUR: 1, plays: 2}
    context = rig.app.context
    ref = find_subject(context, "account", "a-1")
    erase_subject(context, ref, by="tests")
    assert read(rig, rig.screen(id="n-3")) == {FOUR: 0, plays: 0}
    rig.app.refresh()
    assert ref not in str(context.get(Counters)._engine.snapshot())
    assert send(rig, play("1")) == 1  # the new account's


def test_a_restart_counts_on(database_url: str, tmp_path: Path) -> None:
    distinct = 'distinct(item.body, by=actor, within="1d")'
    with opened(tmp_path, database_url, "rude", "gore") as rig:
        publish(rig, f"{FOUR} > 90", f"{distinct} > 90")
        for number in range(3):
            rig.screen(f"text {number % 2}", id=f"n-{number}")
        rig.app.refresh()
        rig.app.context.get(Counters)._save()
        rig.screen("text 9", id="n-7")
        rig.gore.go_on.set()
    file = tmp_path / "data" / "counters" / "snapshot"
    assert file.is_file()
    for damaged in (False, True):
        if damaged:
            file.write_bytes(b"no snapshot")
        with opened(tmp_path, database_url, publish=False) as rig:
            assert read(rig, rig.screen("x", id=f"n-1{damaged}", actor="a-2")) == {
                FOUR: int(damaged),
                distinct: int(damaged),
            }
            found = read(rig, rig.screen("text 1", id="n-2"))
            assert found == {
                FOUR: 3,
                distinct: 3,
            }  # n-2, which is known, does not count itself; its text was that of n-0
            rig.gore.go_on.set()


def test_a_snapshot_of_a_release_before_the_latest_were_kept_is_read(rig: Rig) -> None:
    publish(rig, f"{FOUR} > 90")
    rig.screen(id="n-1")
    rig.app.refresh()
    counters = rig.app.context.get(Counters)
    counters._save()
    file, vault = counters._file, rig.app.vault
    stored = msgspec.msgpack.decode(vault.reveal("counters", file.read_bytes()), strict=False)
    stored[0] = 1
    del stored[3][1][0][0]["most"]
    file.write_bytes(vault.protect("counters", msgspec.msgpack.encode(stored)))
    found = load_snapshot(file, vault, counters._digest, 100)
    assert found is not None
    assert (found[0].position, found[1].entries) == (counters.position, 1)
    stored[0] = 3
    file.write_bytes(vault.protect("counters", msgspec.msgpack.encode(stored)))
    assert load_snapshot(file, vault, counters._digest, 100) is None


def test_without_counters_nothing_is_read(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise AssertionError("the hot path asked the counters")

    monkeypatch.setattr(Counters, "read", fail)
    answer = rig.screen(id="n-1")
    assert POSITION not in (rig.decision(answer).features or {})
    assert rig.app.context.get(Counters).position == 0


def test_another_bundle_builds_only_what_it_lacks(rig: Rig) -> None:
    hour = 'count(actor, "note", within="1h")'
    publish(rig, f"{FOUR} > 90")
    rig.screen(id="n-1")
    publish(rig, f"{FOUR} > 90", f"{hour} > 90")  # a longer window of the same tiles
    assert read(rig, rig.screen(id="n-2")) == {FOUR: 1, hour: 1}
    rig.app.publish(sources("rude", "gore"), by="tests")
    rig.app.refresh()
    rig.screen(id="n-3")
    publish(rig, f"{hour} > 90")
    assert read(rig, rig.screen(id="n-4")) == {hour: 3}


def test_processes_count_alike(rig: Rig, tmp_path: Path) -> None:
    """A second process on the same ledger, which was not there when most of it happened."""
    names = [FOUR, 'distinct(item.body, by=actor, within="1d")', 'count(item.mood, "note", within="2h")']
    publish(rig, *(f"{name} > 90" for name in names[:2]), f"item.mood is not None and {names[2]} > 90")
    for number in range(5):
        rig.screen(f"text {number % 3}", id=f"n-{number}", actor=f"a-{number % 2}", mood="calm")
    features, item = rig.app.bundle.program("note").counters, make("new", "note", "n-9", "a-1", mood="calm")
    first = rig.app.context.get(Counters)
    second = Counters(
        database=rig.app.database,
        ledger=rig.app.ledger,
        vault=rig.app.vault,
        file=tmp_path / "other",
        in_force=lambda: rig.app.bundle,
        first_revisions=first._first_revisions,
        most_entries=1_000,
    )
    second.refresh()
    assert second.read(features, item) == first.read(features, item)
    assert first.read(features, item).values == {names[0]: 2, names[1]: 2, names[2]: 5}


def test_a_deadline_is_kept_when_counting_takes_too_long(rig: Rig) -> None:
    publish(rig, f"{FOUR} >= 0")
    counters = rig.app.context.get(Counters)
    with counters._lock:  # as while a large chunk is counted
        answer = asyncio.run(rig.app.screener.screen_async(make("hello", "note", "n-1"), deadline_ms=500))
    assert answer.degraded
    (unknown,) = rig.decision(answer).unknown
    assert (unknown.detector, unknown.reason, unknown.detail) == ("counters", UnknownReason.UNCOUNTED, "deadline")
    rig.hurry(answer)
    rig.work("rescreen")
    assert (rig.decisions(answer.item)[-1].features or {})[FOUR] == 0
    assert rig.head(answer.item)["verdict"] == "hold"


def test_many_at_once_are_all_counted(rig: Rig) -> None:
    publish(rig, f"{FOUR} > 900")

    async def burst() -> list[ScreenResponse]:
        items = [make(f"note {number}", "note", f"n-{number}") for number in range(40)]
        return list(await asyncio.gather(*map(rig.app.screener.screen_async, items)))

    counts = [read(rig, answer)[FOUR] for answer in asyncio.run(burst())]
    assert min(counts) >= 0
    assert max(counts) < 40
    assert read(rig, rig.screen(id="n-99"))[FOUR] == 40
