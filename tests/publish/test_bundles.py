"""Putting policies in force: all or nothing, and every process follows."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from seawall.model import Verdict
from seawall.policy import PolicyErrors
from seawall.publish import NothingPublished, SourceError, read_sources
from seawall.publish.tables import bundle as bundle_table
from support.app import CONTENT_TYPES, POLICIES, House, opened, sources

STRICTER = POLICIES["rude"].replace("rudeness >= 0.5\n    do: [hold]", "rudeness >= 0.5\n    do: [remove]")
BROKEN = POLICIES["rude"].replace("rudeness >= 0.9", "rudness >= 0.9")


def test_nothing_is_in_force_until_something_is_published(sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, sqlite_url, publish=False) as house:
        with pytest.raises(NothingPublished, match="seawall policy publish"):
            house.screen("hello")
        assert house.app.ledger.head() == 0


def test_a_bundle_that_does_not_build_changes_nothing(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, "rude") as house:
        before = house.app.bundle.hash
        with pytest.raises(PolicyErrors, match=r"rude\.yaml:\d+.*rudness"):
            house.app.publish(sources(rude=BROKEN), by="tests")
        assert house.app.bundle.hash == before
        assert house.kinds() == ["bundle.published"]
        assert house.screen("you fool").verdict is Verdict.BLOCK


def test_other_processes_follow(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, "rude") as one, opened(tmp_path, database_url, publish=False) as other:
        assert other.app.bundle.hash == one.app.bundle.hash
        assert other.screen("silly").verdict is Verdict.HOLD
        changed = one.app.publish(sources(rude=STRICTER), by="tests")
        other.app.refresh()
        assert other.app.bundle.hash == changed.hash
        assert other.screen("silly").verdict is Verdict.BLOCK
        rows = one.rows(select(bundle_table).order_by(bundle_table.c.seq))
        assert [row["previous"] for row in rows] == [None, rows[0]["hash"]]
        one.assert_rebuilds()


def test_publishing_the_same_again_is_nothing_and_going_back_is_an_event(sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, sqlite_url, "rude") as house:
        first = house.app.bundle.hash
        house.app.publish(sources("rude"), by="tests")
        assert house.kinds() == ["bundle.published"]
        house.app.publish(sources(rude=STRICTER), by="tests")
        assert house.app.publish(sources("rude"), by="tests").hash == first
        assert house.kinds() == ["bundle.published"] * 3
        house.app.refresh()
        assert house.app.bundle.hash == first


def test_a_decision_is_explained_by_the_bundle_that_made_it(house: House) -> None:
    answer = house.screen("silly")
    house.app.publish(sources(rude=STRICTER), by="tests")
    assert house.screen("silly").verdict is Verdict.BLOCK
    decision, explanation = house.app.explain(answer.decision)
    assert decision.verdict is Verdict.HOLD
    assert explanation is not None
    assert explanation.to_json()["reproduced"] is True


def test_sources_are_read_from_folders(tmp_path: Path) -> None:
    policies, types = tmp_path / "policies", tmp_path / "types"
    policies.mkdir()
    types.mkdir()
    for name in ("rude", "gore"):
        (policies / f"{name}.yaml").write_text(POLICIES[name])
    for name, text in CONTENT_TYPES.items():
        (types / f"{name}.yaml").write_text(text)
    found = read_sources(policies, types)
    assert [Path(policy.path).stem for policy in found.policies] == ["gore", "rude"]
    assert sorted(one.name for one in found.content_types) == sorted(CONTENT_TYPES)
    assert [Path(one.path).stem for one in read_sources(policies / "rude.yaml", types).policies] == ["rude"]
    with pytest.raises(SourceError, match=r"no \.yaml file"):
        read_sources(tmp_path / "nowhere", types)
