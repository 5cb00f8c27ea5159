"""The policies over history that docs/policies.md shows, on seeded traffic: abuse is held, its look-alikes are not."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.app import App
from seawall.content import load_content_type
from seawall.counters.sent_activities import SentActivity, record_activities
from seawall.model import ContentType, Item, Value, Verdict, now_ms
from seawall.policy import PolicySource, run_examples
from seawall.publish import Sources
from seawall.shipped import content_types
from support.app import own_app

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "policies.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^```yaml history\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
WORDS = [
    "rain",
    "album",
    "song",
    "voice",
    "drums",
    "night",
    "tour",
    "stage",
    "crowd",
    "light",
    "river",
    "city",
    "winter",
    "again",
    "slow",
    "loud",
]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    policies = tuple(PolicySource(f"shown-{number}.yaml", text) for number, text in enumerate(SHOWN))
    with own_app(tmp_path, Sources(policies=policies, content_types=tuple(_types()))) as made:
        made.refresh()
        yield made


def _types() -> list[ContentType]:
    return [load_content_type(content_types.read(name), f"{name}.yaml") for name in ("comment", "track")]


def comment(app: App, id: str, actor: str, body: str) -> Verdict:
    return app.screener.screen(Item(content_type="comment", id=id, actor=actor, fields={"body": body})).verdict


def track(app: App, id: str, actor: str, title: str) -> Verdict:
    fields: dict[str, Value] = {"title": title, "artists": ("Sleep",), "explicit": False}
    return app.screener.screen(Item(content_type="track", id=id, actor=actor, fields=fields)).verdict


def sentence(chance: random.Random) -> str:
    return " ".join(chance.choices(WORDS, k=8))


def test_the_examples_shown_pass(app: App) -> None:
    assert len(SHOWN) == 2
    assert [result.render() for result in run_examples(app.bundle) if not result.passed] == []


def test_a_raid_is_held_and_the_crowd_is_not(app: App) -> None:
    chance = random.Random(7)
    flood = [comment(app, f"f-{number}", "raider", sentence(chance)) for number in range(24)]
    assert flood == [Verdict.ALLOW] * 20 + [Verdict.HOLD] * 4
    same = [comment(app, f"s-{number}", "repeater", "come to my page for free gifts") for number in range(7)]
    assert same == [Verdict.ALLOW] * 5 + [Verdict.HOLD] * 2
    crowd = [comment(app, f"c-{number}", f"fan-{number % 10}", sentence(chance)) for number in range(60)]
    crowd += [comment(app, f"k-{number}", "keen", "so good") for number in range(10)]
    assert set(crowd) == {Verdict.ALLOW}


def test_upload_spam_is_held_and_an_album_is_not(app: App) -> None:
    spam = [track(app, f"t-{number}", "mill", f"Rain {number}") for number in range(33)]
    assert spam == [Verdict.ALLOW] * 30 + [Verdict.HOLD] * 3
    assert {track(app, f"a-{number}", "band", f"Song {number}") for number in range(14)} == {Verdict.ALLOW}
    edits = [track(app, "a-1", "band", f"Song 1 (mix {number})") for number in range(20)]
    assert set(edits) == {Verdict.ALLOW}


def test_renames_that_the_platform_sends_ask_for_a_review(app: App) -> None:
    sent = [
        SentActivity(id=f"rn-{number}", activity="rename", actor="mill", time=now_ms() - number, attributes={})
        for number in range(20)
    ]
    fields: dict[str, Value] = {"title": "Rain", "artists": ("Sleep",), "explicit": False}
    item = Item(content_type="track", id="t-1", actor="mill", fields=fields)
    assert asyncio.run(record_activities(app.ledger, sent)) == 20
    answer = app.screener.screen(item)
    assert [reason.rule for reason in answer.reasons] == ["renames"]
