"""Where the outcome is settled, what a later stage would ask is not asked: on the record, and never of a sample."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from screen.test_media import LATER, MEDIA, Hum, Lyrics
from seawall.content import load_content_type
from seawall.model import Audio, Cost, Item, UnknownReason
from seawall.policy import PolicySource
from seawall.publish import Sources
from seawall.screen.unneeded import FULL_SHARE, SAMPLE, is_in_full_sample
from support.app import Rig, own_app
from support.detectors import Moody, Words
from support.items import content_type_text, policy_text

RUDE = policy_text("rude", "rudeness >= 0.9", "[remove]", "card")
MILD = policy_text("mild", "rudeness >= 0.5", "[hold]", "card")
JUDGED = policy_text("weighed", "judgement >= 0.5 and rudeness >= 0.3", "[hold]", "card")


@contextmanager
def opened(folder: Path, database_url: str, *policies: str) -> Iterator[Rig]:
    stage = "{budget: 20s, on_unknown: hold, rescreen_within: 30s}"
    card_type = content_type_text(
        "card", MEDIA, pre_publish=stage, post_publish=LATER, actions="[remove, hold, strike]"
    )
    detectors = (
        Words("insults", "rudeness", {"fool": 0.95, "silly": 0.6, "odd": 0.4}),
        Words("judge", "judgement", {"awful": 0.9}, Cost.SLOW),
        Hum(),
    )
    texts = tuple(PolicySource(f"{number}.yaml", text) for number, text in enumerate(policies))
    sources = Sources(texts, (load_content_type(card_type, "card.yaml"),))
    with own_app(folder, sources, detectors, [Lyrics()], database_url=database_url) as app:
        yield Rig(app, Moody())


def card(body: str, sampled: bool = False, **fields: object) -> Item:
    """A card that belongs to the sample about which everything is asked, or does not."""
    made = (Item(content_type="card", id=f"k-{number}", fields={"body": body, **fields}) for number in count())
    return next(item for item in made if is_in_full_sample(item) is sampled)


def test_nobody_listens_to_what_is_removed_anyhow(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, RUDE, MILD) as rig:
        answer = rig.app.screener.screen(card("you fool", sound=Audio(b"silly")))
        made = rig.decision(answer)
        assert (made.verdict, made.unknown, made.undetermined, made.degraded) == ("block", (), (), False)
        assert set(made.unneeded) == {"lyrics/sound", "insults/sound>verse"}
        assert rig.work("rescreen") == 0
        told = rig.app.explain(answer.decision)[1]
        assert told is not None
        assert told.reproduced
        assert told.unneeded == made.unneeded
        assert "not asked, since no answer could have changed the outcome: " in told.render()
        assert not any(rule.state == "undetermined" for rule in told.rules)
        rig.assert_rebuilds()


def test_a_sample_is_looked_at_in_full_and_says_its_probability(sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, sqlite_url, RUDE, MILD) as rig:
        answer = rig.app.screener.screen(card("you fool", sampled=True, sound=Audio(b"silly")))
        assert {each.reason for each in rig.decision(answer).unknown} == {UnknownReason.LATER}
        assert rig.work("rescreen") == 1
        last = rig.decisions(answer.item)[-1]
        assert (last.verdict, last.unneeded, last.unknown) == ("block", (), ())
        assert last.features is not None
        assert last.features[SAMPLE] == FULL_SHARE


def test_what_is_in_a_visible_file_is_always_read(sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, sqlite_url, MILD) as rig:
        answer = rig.app.screener.screen(card("silly", sound=Audio(b"silly")))
        assert (answer.verdict, rig.decision(answer).unneeded) == ("hold", ())
        assert rig.work("rescreen") == 1


@pytest.mark.parametrize(("body", "spared"), [("hello", True), ("silly", True), ("odd", False)])
def test_a_slow_judge_is_asked_where_a_rule_depends_on_it(
    sqlite_url: str, tmp_path: Path, body: str, spared: bool
) -> None:
    with opened(tmp_path, sqlite_url, MILD, JUDGED) as rig:
        made = rig.decision(rig.app.screener.screen(card(f"{body}, awful")))
        assert made.unneeded == (("judge/body",) if spared else ())
        assert rig.work("rescreen") == (0 if spared else 1)


@pytest.mark.parametrize(
    ("harm", "do"), [("child_safety", "[hold]"), ("harassment", "[hold, strike]"), ("threat", "[hold]")]
)
def test_a_removal_does_not_hide_what_somebody_must_be_told(
    sqlite_url: str, tmp_path: Path, harm: str, do: str
) -> None:
    graver = policy_text("graver", "rudeness >= 0.5 and judgement >= 0.5", do, "card").replace(
        "harm: harassment", f"harm: {harm}"
    )
    with opened(tmp_path, sqlite_url, RUDE, graver) as rig:
        made = rig.decision(rig.app.screener.screen(card("you fool, awful")))
        assert (made.verdict, made.unneeded) == ("block", ())
        assert rig.work("rescreen") == 1


SWARM = policy_text("swarm", 'rudeness >= 0.3 and count(actor, "card", within="1h") >= 1', "[hold]", "card")
NUMBER = 'count(actor, "card", within="1h")'


def by_somebody(body: str, sampled: bool = False) -> Item:
    return replace(card(body, sampled), actor="a-1")


def before(rig: Rig) -> None:
    """The same account had a card of its own screened."""
    item = next(item for number in count() if not is_in_full_sample(item := replace(card(""), id=f"b-{number}")))
    rig.app.refresh()
    rig.app.screener.screen(replace(item, actor="a-1", fields={"body": "hello"}))


@pytest.mark.parametrize(("body", "spared"), [("hello", True), ("you fool", True), ("odd", False)])
def test_a_counter_is_read_where_a_rule_depends_on_it(
    database_url: str, tmp_path: Path, body: str, spared: bool
) -> None:
    """Nothing rude: it cannot fire. Removed anyhow: it would change nothing. In between it depends on the number."""
    with opened(tmp_path, database_url, RUDE, MILD, SWARM) as rig:
        before(rig)
        answer = rig.app.screener.screen(by_somebody(body))
        made = rig.decision(answer)
        assert made.unneeded == (("counters/history",) if spared else ())
        assert (made.degraded, made.undetermined, made.unknown) == (False, (), ())
        assert (NUMBER in (made.features or {}), NUMBER in made.unknown_features) == (not spared, spared)
        assert made.verdict == {"hello": "allow", "you fool": "block", "odd": "hold"}[body]
        told = rig.app.explain(answer.decision)[1]
        assert told is not None
        assert told.reproduced
        assert "undetermined" not in {rule.state for rule in told.rules}
        rig.assert_rebuilds()


def test_the_counters_of_a_sample_are_all_read(sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, sqlite_url, RUDE, SWARM) as rig:
        rig.app.refresh()
        made = rig.decision(rig.app.screener.screen(by_somebody("hello", sampled=True)))
        assert made.unneeded == ()
        assert made.features is not None
        assert (made.features[NUMBER], made.features[SAMPLE]) == (0, FULL_SHARE)


def test_a_shadow_rule_is_always_settled(sqlite_url: str, tmp_path: Path) -> None:
    quiet = SWARM.replace("  - id:", "  - mode: shadow\n    id:").replace("rudeness >= 0.3 and ", "")
    with opened(tmp_path, sqlite_url, RUDE, quiet) as rig:
        before(rig)
        (fired,) = rig.decision(rig.app.screener.screen(by_somebody("hello"))).shadow
        assert fired.policy == "swarm"


def test_a_rescreen_reads_what_matters_now(sqlite_url: str, tmp_path: Path) -> None:
    """A counter that the first look needed keeps its number; the item never counts itself."""
    judged = policy_text("weighed", f"judgement >= 0.5 and {NUMBER} >= 1", "[hold]", "card")
    with opened(tmp_path, sqlite_url, MILD, judged) as rig:
        before(rig)
        answer = rig.app.screener.screen(by_somebody("awful"))
        assert rig.work("rescreen") >= 1
        last = rig.decisions(answer.item)[-1]
        assert (last.verdict, last.unneeded, (last.features or {})[NUMBER]) == ("hold", (), 1)
