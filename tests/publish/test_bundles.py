"""Putting policies in force: all or nothing, and every process follows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from seawall.model import Verdict
from seawall.policy import Bundle, BundleUnreadable, PolicyErrors
from seawall.publish import NothingPublished, SourceError, read_sources
from seawall.publish.tables import bundle as bundle_table
from support.app import CONTENT_TYPES, POLICIES, Rig, opened, sources

STRICTER = POLICIES["rude"].replace("rudeness >= 0.5\n    do: [hold]", "rudeness >= 0.5\n    do: [remove]")
BROKEN = POLICIES["rude"].replace("rudeness >= 0.9", "rudness >= 0.9")


def test_nothing_is_in_force_until_something_is_published(sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, sqlite_url, publish=False) as rig:
        with pytest.raises(NothingPublished, match="seawall policy publish"):
            rig.screen("hello")
        assert rig.app.ledger.head() == 0


def test_a_bundle_that_does_not_build_changes_nothing(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, "rude") as rig:
        before = rig.app.bundle.hash
        with pytest.raises(PolicyErrors, match=r"rude\.yaml:\d+.*rudness"):
            rig.app.publish(sources(rude=BROKEN), by="tests")
        assert rig.app.bundle.hash == before
        assert rig.kinds() == ["bundle.published"]
        assert rig.screen("you fool").verdict is Verdict.BLOCK


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
    with opened(tmp_path, sqlite_url, "rude") as rig:
        first = rig.app.bundle.hash
        rig.app.publish(sources("rude"), by="tests")
        assert rig.kinds() == ["bundle.published"]
        rig.app.publish(sources(rude=STRICTER), by="tests")
        assert rig.app.publish(sources("rude"), by="tests").hash == first
        assert rig.kinds() == ["bundle.published"] * 3
        rig.app.refresh()
        assert rig.app.bundle.hash == first


def test_a_decision_is_explained_by_the_bundle_that_made_it(rig: Rig) -> None:
    answer = rig.screen("silly")
    rig.app.publish(sources(rude=STRICTER), by="tests")
    assert rig.screen("silly").verdict is Verdict.BLOCK
    decision, explanation = rig.app.explain(answer.decision)
    assert decision.verdict is Verdict.HOLD
    assert explanation is not None
    assert explanation.to_json()["reproduced"] is True


def published_by_another_release(rig: Rig, change: Callable[[dict[str, Any]], None]) -> Bundle:
    """Puts in force what the bundle in force would be with other fields."""
    document = json.loads(rig.app.bundle.canonical())
    change(document)
    stored = json.dumps(document).encode()
    bundle = replace(rig.app.bundle, hash=sha256(stored).hexdigest(), _canonical=stored)
    return rig.app.bundles.publish(bundle, by="another release")


def test_a_bundle_from_before_a_field_was_added_stays_in_force_and_explains(database_url: str, tmp_path: Path) -> None:
    def without_newer_fields(document: dict[str, Any]) -> None:
        for content_type in document["content_types"]:
            for spec in content_type["fields"]:
                del spec["extract"], spec["untranscribed"]

    with opened(tmp_path, database_url, "rude") as rig:
        older = published_by_another_release(rig, without_newer_fields)
        answer = rig.screen("silly")
    with opened(tmp_path, database_url, publish=False) as rig:
        assert rig.app.bundle.hash == older.hash
        assert rig.screen("silly again").verdict is Verdict.HOLD
        rig.app.publish(sources(rude=STRICTER), by="tests")
        decision, explanation = rig.app.explain(answer.decision)
        assert (decision.bundle, decision.verdict) == (older.hash, Verdict.HOLD)
        assert explanation is not None
        assert explanation.to_json()["reproduced"] is True


def test_a_bundle_of_a_newer_release_stops_nobody_from_publishing(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, "rude") as rig:
        newer = published_by_another_release(rig, lambda document: document.update(rollout={}))
        answer = rig.screen("silly")
    with opened(tmp_path, database_url, publish=False) as rig:
        with pytest.raises(NothingPublished, match=r"set rollout, which this .*seawall policy publish"):
            rig.screen("silly")
        rig.app.refresh()
        rig.app.publish(sources(rude=STRICTER), by="tests")
        assert rig.screen("silly").verdict is Verdict.BLOCK
        with pytest.raises(BundleUnreadable, match=f"{newer.hash[:12]} cannot be read.*Upgrade Seawall"):
            rig.app.explain(answer.decision)


def test_a_running_process_keeps_its_bundle_when_it_cannot_read_the_next(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, "rude") as one, opened(tmp_path, database_url, publish=False) as other:
        before = other.app.bundle.hash
        published_by_another_release(one, lambda document: document.update(format=99))
        other.app.refresh()
        other.app.refresh()
        assert other.app.bundle.hash == before
        assert other.screen("silly").verdict is Verdict.HOLD


def test_a_bundle_whose_bytes_are_lost(rig: Rig) -> None:
    answer = rig.screen("silly")
    lost = rig.app.bundle.hash
    rig.app.publish(sources(rude=STRICTER), by="tests")
    (rig.app.settings.data_dir / "blobs" / lost[:2] / lost).unlink()
    with pytest.raises(BundleUnreadable, match=f"{lost[:12]} cannot be read: its bytes are missing. Restore the blobs"):
        rig.app.explain(answer.decision)


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
    (policies / "not-permitted.yml").write_text("not_permitted: {}")  # else what it forbids would be done
    with pytest.raises(SourceError, match=r"would not be read: rename it to not-permitted\.yaml"):
        read_sources(policies, types)
    with pytest.raises(SourceError, match=r"no \.yaml file"):
        read_sources(tmp_path / "nowhere", types)
