"""Publishing surprises nobody: what changes is shown, what is dropped is named, a start takes nothing back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from seawall.app import App
from seawall.content import load_content_type
from seawall.model import Detector, DetectorSpec, Verdict
from seawall.policy import Bundle, PolicyErrors, PolicySource, build_bundle
from seawall.publish import (
    BundleChanges,
    PublishedMeanwhile,
    PublishRefused,
    Sources,
    bundle_before,
    compare,
    describe,
    publish_compared,
    summary,
)
from seawall.publish.events import EVENTS, BundlePublished
from seawall.publish.queries import newest_bundles
from seawall.publish.tables import bundle as bundle_table
from support.app import CONTENT_TYPES, POLICIES, Rig, opened, own_app, sources
from support.detectors import Words

TODAY = date(2026, 11, 28)
RUDE = POLICIES["rude"]
DETECTORS = (
    Words("insults", "rudeness", {"fool": 0.95, "silly": 0.6}),
    Words("butcher", "gory", {"blood": 0.9}),
    Words("thinker", "deep_thought", {"abyss": 0.9}),
)


def bundle_of(given: Sources, specs: Sequence[DetectorSpec] = tuple(one.spec for one in DETECTORS)) -> Bundle:
    known = ("blocked-texts", "blocked-patterns", "blocked-domains", "blocked-images")
    without = [one for one in given.policies if "bank(" not in one.text]
    return build_bundle(without, given.content_types, specs, known)


def changes_of(before: str, after: str) -> BundleChanges:
    return compare(bundle_of(sources(rude=before)), bundle_of(sources(rude=after)), TODAY)


# -- what changes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "says", "drops"),
    [
        ("rudeness >= 0.9", "rudeness >= 0.8", "when: rudeness >= 0.9 becomes rudeness >= 0.8", []),
        ("do: [hold]", "do: [remove, strike(weight=1)]", "actions: + remove, strike(weight=1) - hold", []),
        ("    do: [hold]", "    mode: shadow\n    do: [hold]", "mode: live becomes shadow", ["rude/likely"]),
        ("    do: [hold]", "    expires: 2026-11-27\n    do: [hold]", "2026-11-27", ["rude/likely"]),
        ("    do: [hold]", "    expires: 2026-11-28\n    do: [hold]", "nothing becomes 2026-11-28", []),
        ("    do: [hold]", "    applies_to: [note]\n    do: [hold]", "acts no more for hurried", ["rude/likely"]),
        ("  - id: likely\n    when: rudeness >= 0.5\n    do: [hold]\n", "", "- rule likely (live)", ["rude/likely"]),
        ("id: likely", "id: probable", "+ rule probable (live)", ["rude/likely"]),
        ("    mode: shadow\n", "", "mode: shadow becomes live", []),
        (
            "    do: [hold]",
            "    mode: canary\n    share: 0.5\n    do: [hold]",
            "acts for fewer accounts",
            ["rude/likely"],
        ),
        ("    mode: shadow\n", "    mode: canary\n    share: 0.1\n", "share: nothing becomes 0.1", []),
        ("id: gloomy", "id: sad", "- rule gloomy (shadow)", []),
        ("harm: harassment", "harm: hate", "harm: harassment becomes hate", []),
        ("definition: For tests.", "definition: Of tests.", "definition: For tests. becomes Of tests.", []),
        ("rudeness: 0.95", "rudeness: 0.96", "examples: changed", []),
        ('== "gloomy"', '== "gloomy  days"', "gloomy", []),
    ],
)
def test_a_change_says_what_and_what_it_drops(old: str, new: str, says: str, drops: list[str]) -> None:
    changes = changes_of(RUDE, RUDE.replace(old, new))
    assert says in describe(changes)
    assert [one.name for one in changes.dropped] == drops


@pytest.mark.parametrize(("old", "new"), [("rudeness >= 0.9", "rudeness   >=  0.9"), ("rules:", "# by Ada\nrules:")])
def test_spaces_and_comments_change_nothing(old: str, new: str) -> None:
    assert not changes_of(RUDE, RUDE.replace(old, new))


@given(
    before=st.sets(st.sampled_from(("rude", "gore", "deep")), min_size=1),
    after=st.sets(st.sampled_from(("rude", "gore", "deep")), min_size=1),
)
def test_what_one_way_adds_the_other_drops(before: set[str], after: set[str]) -> None:
    one, other = bundle_of(sources(*sorted(before))), bundle_of(sources(*sorted(after)))
    there, back = compare(one, other, TODAY), compare(other, one, TODAY)
    for noun in ("policies", "rules", "content_types"):
        assert there.numbers()[f"{noun}_added"] == back.numbers()[f"{noun}_dropped"]
        assert there.numbers()[f"{noun}_changed"] == back.numbers()[f"{noun}_changed"] == 0
    assert bool(there) == bool(back) == (before != after)
    assert {one.name for one in there.dropped} == before - after


def test_content_types_that_change_and_that_go() -> None:
    before = sources("gore")
    lenient = CONTENT_TYPES["letter"].replace("on_unknown: hold", "on_unknown: allow_and_rescreen", 1)
    types = {one.name: one for one in before.content_types} | {"letter": load_content_type(lenient, "letter.yaml")}
    del types["hurried"]
    policy = POLICIES["gore"].replace(", hurried", "")
    after = Sources((PolicySource("gore.yaml", policy),), tuple(types.values()))
    changes = compare(bundle_of(before), bundle_of(after), TODAY)
    assert [one.name for one in changes.dropped] == ["hurried"]  # not again for each rule that acted on it
    assert "~ content type letter" in describe(changes)
    assert "on_unknown: hold becomes allow_and_rescreen" in describe(changes)
    assert "- content type hurried" in describe(changes)
    assert "1 changed, 1 dropped" in summary(changes)


# -- publishing --------------------------------------------------------------------------------------------------------


def test_what_would_be_dropped_is_refused_until_it_is_named(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url) as rig:
        before = rig.app.bundle.hash
        compared = rig.app.compare(sources("rude"))
        with pytest.raises(PublishRefused, match=r"drop 3 .*\n  the policy deep\n  the policy gore\n.* known\n"):
            compared.refuse()
        with pytest.raises(PublishRefused, match=r"drop 1 .*\n  the policy known\n.*--drop known, or --drop-all"):
            compared.refuse(["deep", "gore"])
        with pytest.raises(PublishRefused, match=r"--drop gone: that is not dropped; .*: deep, gore, known"):
            compared.refuse(["gone"])
        compared.refuse(["deep", "gore", "known"])
        compared.refuse(drop_all=True)
        assert rig.app.bundle.hash == before, "comparing publishes nothing"
        publish_compared(rig.app.bundles, compared, "tests")
        assert [policy.name for policy in rig.app.bundle.policies] == ["rude"]
        newest = rig.rows(select(bundle_table).order_by(bundle_table.c.seq.desc()))[0]
        assert '"policies_dropped": 3' in newest["changes"]
        rig.assert_rebuilds()


def test_failing_examples_are_refused(rig: Rig) -> None:
    compared = rig.app.compare(replace(sources(), policies=(PolicySource("rude.yaml", RUDE.replace("0.95", "0.1")),)))
    with pytest.raises(PublishRefused, match="1 of 1 examples fail; run 'seawall policy test'"):
        compared.refuse(drop_all=True)


def test_who_publishes_sees_what_somebody_else_published_meanwhile(rig: Rig) -> None:
    compared = rig.app.compare(sources())
    rig.app.publish(sources("rude"), by="somebody else")
    with pytest.raises(PublishedMeanwhile, match="Somebody published meanwhile"):
        publish_compared(rig.app.bundles, compared, "tests")
    assert [policy.name for policy in rig.app.bundle.policies] == ["rude"]


def test_a_bundle_in_force_that_cannot_be_read_is_replaced_only_when_told(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, "rude") as rig:
        lost = rig.app.bundle.hash
        (rig.app.settings.data_dir / "blobs" / lost[:2] / lost).unlink()
    with opened(tmp_path, database_url, publish=False) as rig:
        compared = rig.app.compare(sources("rude", "gore"))
        with pytest.raises(PublishRefused, match=f"{lost[:12]}, cannot be read here.*not known.*--drop-all"):
            compared.refuse()
        compared.refuse(drop_all=True)
        start = rig.app.publish_at_start(sources("rude", "gore"), by="serve")
        assert start.outcome == "unreadable"
        assert "cannot be read" in start.message()
        assert rig.kinds() == ["bundle.published"]


# -- starts ------------------------------------------------------------------------------------------------------------

MINE = replace(sources("rude"), origin="policies /my, content types shipped")
WITH_GORE = replace(sources("rude", "gore"), origin=MINE.origin)
OTHERS = replace(sources("gore"), origin="policies /theirs, content types shipped")


def started(rig: Rig, given: Sources) -> tuple[str, list[str]]:
    """How a start ended, and the policies in force then."""
    outcome = rig.app.publish_at_start(given, by="serve").outcome
    return outcome, [policy.name for policy in rig.app.bundle.policies]


def test_starts_publish_first_and_follow_their_own_folder(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, publish=False) as rig:
        assert started(rig, MINE) == ("first", ["rude"])
        assert started(rig, MINE) == ("same", ["rude"])
        assert started(rig, WITH_GORE) == ("newer", ["gore", "rude"])
        assert started(rig, MINE) == ("differs", ["gore", "rude"])  # it would drop gore
        with rig.app.database.read() as connection:
            assert [row.kind for row in newest_bundles(connection, limit=9)] == ["start", "start"]
        rig.assert_rebuilds()


def test_a_restart_with_another_folder_takes_nothing_back(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, publish=False) as rig:
        started(rig, MINE)
        assert started(rig, OTHERS) == ("differs", ["rude"])
        assert started(rig, replace(WITH_GORE, origin=OTHERS.origin)) == ("differs", ["rude"])


def test_a_start_takes_back_nothing_that_a_person_published(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, publish=False) as rig:
        started(rig, MINE)
        rig.app.publish(WITH_GORE, by="cli:ada")
    with opened(tmp_path, database_url, publish=False) as rig:  # the restart
        assert started(rig, MINE) == ("differs", ["gore", "rude"])
        assert started(rig, replace(sources(), origin=MINE.origin)) == ("differs", ["gore", "rude"])
        message = rig.app.publish_at_start(MINE, by="serve").message()
        assert "published by cli:ada, and a start does not take that back" in message
        assert "policies: 0 added, 0 changed, 1 dropped" in message
        assert "seawall policy publish" in message
        assert rig.screen("blood").verdict is Verdict.BLOCK, "the policy that a person added still acts"


def test_who_publishes_what_a_start_published_keeps_it(sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, sqlite_url, publish=False) as rig:
        started(rig, MINE)
        rig.app.publish(MINE, by="cli:ada")
        assert started(rig, WITH_GORE) == ("differs", ["rude"])
        assert rig.kinds() == ["bundle.published"] * 2


def test_a_start_with_broken_policies_goes_on_with_what_is_in_force(sqlite_url: str, tmp_path: Path) -> None:
    broken = replace(sources(rude=RUDE.replace("rudeness >= 0.9", "rudness >= 0.9")), origin=MINE.origin)
    failing = replace(sources(rude=RUDE.replace("0.95", "0.1")), origin=MINE.origin)
    with opened(tmp_path, sqlite_url, publish=False) as rig:
        with pytest.raises(PolicyErrors, match="rudness"):
            started(rig, broken)
        with pytest.raises(PublishRefused, match="1 of 1 examples fail"):
            started(rig, failing)
        assert rig.kinds() == []
        started(rig, MINE)
        assert started(rig, broken) == ("fails", ["rude"])
        assert "rudness" in rig.app.publish_at_start(broken, by="serve").message()
        assert started(rig, failing) == ("differs", ["rude"])


class Newer(Words):
    """The detector of insults in its next version."""

    def __init__(self) -> None:
        super().__init__("insults", "rudeness", {"fool": 0.95, "silly": 0.6})
        self.spec = replace(self.spec, version="2")


def app_with(*detectors: Detector, folder: Path, database_url: str) -> AbstractContextManager[App]:
    return own_app(folder, None, detectors, database_url=database_url, publish=False)


def test_after_an_upgrade_of_detectors_a_persons_policies_stay_and_are_built_again(
    database_url: str, tmp_path: Path
) -> None:
    with app_with(*DETECTORS[:2], folder=tmp_path, database_url=database_url) as app:
        app.publish(WITH_GORE, by="cli:ada")
        former = app.bundle.hash
    with app_with(Newer(), DETECTORS[1], folder=tmp_path, database_url=database_url) as app:
        start = app.publish_at_start(MINE, by="serve")
        assert start.outcome == "differs"
        assert app.bundle.hash != former
        assert [policy.name for policy in app.bundle.policies] == ["gore", "rude"]
        assert "2" in {detector.version for detector in app.bundle.detectors if detector.name == "insults"}
        assert app.publish_at_start(WITH_GORE, by="serve").outcome == "same"
        assert app.publish_at_start(MINE, by="serve").outcome == "differs"  # a rebuild is not a start's own
        with app.database.read() as connection:
            assert [row.kind for row in newest_bundles(connection, limit=9)] == ["rebuild", "publish"]
    with app_with(DETECTORS[1], folder=tmp_path, database_url=database_url) as app:  # without what `rude` reads
        newest = app.bundle.hash
        assert app.publish_at_start(MINE, by="serve").outcome == "fails"
        assert app.bundle.hash == newest


def test_events_of_release_0_2_say_who_published() -> None:
    spec = next(one for one in EVENTS if one.kind == "bundle.published")
    body = b'{"bundle":"x","previous":null,"by":"%s","policies":1,"rules":1,"detectors":[]}'
    by_start, by_person = (spec.decode(1, body % by) for by in (b"serve", b"cli:ada"))
    assert isinstance(by_start, BundlePublished)
    assert isinstance(by_person, BundlePublished)
    assert (by_start.kind, by_person.kind, by_person.changes) == ("start", "publish", None)


# -- rollback ----------------------------------------------------------------------------------------------------------


def rolled_back(rig: Rig, bundle_hash: str | None = None) -> Bundle:
    chosen = bundle_hash or bundle_before(rig.app.bundles, rig.app.database)
    return publish_compared(rig.app.bundles, rig.app.compare_rollback(chosen), "cli:ada", "rollback")


def test_rolling_back_goes_back_step_by_step_and_to_any_bundle(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, publish=False) as rig:
        first = rig.app.publish(sources("rude"), by="a").hash
        second = rig.app.publish(sources("rude", "gore"), by="a").hash
        third = rig.app.publish(sources("rude", "gore", "deep"), by="a").hash
        assert rolled_back(rig).hash == second
        assert rolled_back(rig).hash == first
        with pytest.raises(PublishRefused, match=r"Nothing was in force before.*seawall policy history"):
            rolled_back(rig)
        assert rolled_back(rig, third).hash == third
        assert rig.screen("you fool").verdict is Verdict.BLOCK
        with rig.app.database.read() as connection:
            rows = newest_bundles(connection, limit=3)
        assert [row.kind for row in rows] == ["rollback"] * 3
        assert rows[0].changes is not None
        assert rows[0].changes["policies_added"] == 2
        assert rig.app.publish_at_start(MINE, by="serve").outcome == "differs"  # a person's choice
        rig.assert_rebuilds()


def test_a_bundle_that_cannot_be_built_any_more_is_refused_and_the_one_in_force_stays(
    database_url: str, tmp_path: Path
) -> None:
    with app_with(*DETECTORS[:2], folder=tmp_path, database_url=database_url) as app:
        earlier = app.publish(sources("rude"), by="a").hash
    with app_with(DETECTORS[1], folder=tmp_path, database_url=database_url) as app:
        app.publish(sources("gore"), by="a")
        with pytest.raises(PublishRefused, match=r"(?s)cannot be built here.*stays.*rudeness.*insults.*DETECTORS"):
            app.compare_rollback(earlier)
        assert [policy.name for policy in app.bundle.policies] == ["gore"]


def test_a_bundle_whose_bytes_are_lost_is_not_rolled_back_to(rig: Rig) -> None:
    lost = rig.app.bundle.hash
    rig.app.publish(sources("rude"), by="tests")
    (rig.app.settings.data_dir / "blobs" / lost[:2] / lost).unlink()
    with pytest.raises(PublishRefused, match=r"bytes are missing.*in force stays"):
        rolled_back(rig, lost)


def test_a_new_rule_says_what_it_is_unless_everything_is_new() -> None:
    text = describe(changes_of(RUDE, RUDE.replace("id: gloomy", "id: sad")))
    assert re.search(r"\+ rule sad .*\n +when: .+\n +actions: \+ demote", text)
    assert "when:" not in describe(compare(None, bundle_of(sources(rude=RUDE)), TODAY))
