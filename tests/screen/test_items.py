"""What goes in is decided and durable: items, revisions, idempotency."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from seawall.model import DecisionSource, ItemRef, Verdict
from seawall.policy import PolicySource
from seawall.publish import Sources
from seawall.screen import Idempotency, IdempotencyConflict, load_decision
from support.app import POLICIES, Rig, make, opened, sources


def test_a_new_item_is_decided_and_survives_a_restart(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, "rude", "gore") as rig:
        answer = rig.screen("you fool", mood="gloomy")
        assert (answer.verdict, answer.revision, answer.degraded) == (Verdict.BLOCK, 1, False)
        assert [action.kind for action in answer.actions] == ["remove", "strike", "review"]
        assert [(reason.policy, reason.rule) for reason in answer.reasons] == [("rude", "certain"), ("rude", "likely")]
        before = rig.decision(answer)
        assert rig.kinds()[:3] == ["bundle.published", "item.submitted", "decision.made"]
        in_force = rig.app.bundle.hash
    with opened(tmp_path, database_url, publish=False) as rig:
        assert rig.app.bundle.hash == in_force
        decision, explanation = rig.app.explain(answer.decision)
        assert decision == before
        assert [(reason.policy, reason.rule) for reason in decision.shadow] == [("rude", "gloomy")]
        assert decision.vault_features == ("item.mood",)
        assert explanation is not None
        assert explanation.to_json()["reproduced"] is True
        assert rig.screen("you fool", mood="gloomy").revision == 1
        rig.assert_rebuilds()


def test_an_edit_is_a_new_revision_and_the_same_content_is_not(rig: Rig) -> None:
    first = rig.screen("hello")
    again = rig.screen("hello")
    assert (again.item, again.revision) == (first.item, 1)
    assert rig.decision(again).supersedes == first.decision
    edited = rig.screen("you fool")
    assert (edited.item, edited.revision) == (first.item, 2)
    assert rig.decision(edited).supersedes == again.decision
    back = rig.screen("hello")
    assert (back.item, back.revision) == (first.item, 3)
    assert rig.head(first.item)["verdict"] == "allow"
    # the removal is taken back; the strike for what was written then stays
    assert rig.kinds().count("enforcement.applied") == 2
    assert rig.kinds().count("enforcement.reversed") == 1
    other = rig.screen("hello", kind="letter")
    assert other.item != first.item  # the same id of another content type is another item


def test_an_item_without_an_account(rig: Rig) -> None:
    answer = rig.screen("you fool", actor=None)
    decision = rig.decision(answer)
    assert (decision.verdict, decision.actor) == (Verdict.BLOCK, None)


def test_the_same_key_gets_the_same_answer(rig: Rig) -> None:
    first = rig.screen("hello", idempotency=Idempotency("k1", "request-1"))
    assert rig.screen("hello", idempotency=Idempotency("k1", "request-1")) == first
    with pytest.raises(IdempotencyConflict, match="another request"):
        rig.screen("goodbye", idempotency=Idempotency("k1", "request-2"))
    assert len(rig.decisions(first.item)) == 1
    assert rig.head(first.item)["revision"] == 1  # the refused request left nothing behind
    assert rig.screen("goodbye", idempotency=Idempotency("k2", "request-2")).revision == 2


def test_the_same_key_at_once_decides_once(rig: Rig) -> None:
    barrier = threading.Barrier(8)

    def ask(number: int) -> object:
        barrier.wait(10)
        return rig.screen("you fool", idempotency=Idempotency("k1", "request-1"))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert rig.kinds().count("decision.made") == 1


def test_an_item_is_evaluated_with_the_bundle_that_validated_it(rig: Rig) -> None:
    app, answer = rig.app, rig.screen("you fool")
    validated_with = app.bundle
    remaining = sources("rude")
    types = tuple(one for one in remaining.content_types if one.name != "note")
    rude = POLICIES["rude"].replace("[note, letter", "[letter").replace("note:", "letter:")
    app.publish(Sources(policies=(PolicySource(path="rude.yaml", text=rude),), content_types=types), by="tests")
    assert "note" not in app.bundle.content_types
    later = asyncio.run(app.screener.screen_async(make("you fool", id="n-2"), bundle=validated_with))
    assert (later.verdict, rig.decision(later).bundle) == (Verdict.BLOCK, validated_with.hash)
    with pytest.raises(LookupError, match="Publish it again"):
        app.screener.rescreen(make("you fool"), ItemRef("note", answer.item, 1), answer.decision)


def test_two_processes_with_the_same_key_decide_once(database_url: str, tmp_path: Path) -> None:
    with (
        opened(tmp_path, database_url, "rude", "gore") as one,
        opened(tmp_path, database_url, "rude", "gore") as other,
    ):
        key = Idempotency("k1", "request-1")
        answer = one.screen("hello", idempotency=key)
        assert other.screen("hello", idempotency=key) == answer
        assert other.decision(other.screen("hello")).supersedes == answer.decision
        assert one.screen("you fool").revision == 2


def test_many_edits_at_once_are_all_kept_in_order(rig: Rig) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: rig.screen(f"text {number}"), range(24)))
    assert sorted(answer.revision for answer in answers) == list(range(1, 25))
    decisions = rig.decisions(answers[0].item)
    assert [decision.supersedes for decision in decisions] == [None, *(decision.id for decision in decisions[:-1])]
    assert rig.head(answers[0].item)["decision"] == decisions[-1].id


def test_ingested_items_are_screened_by_the_worker(rig: Rig) -> None:
    import asyncio

    refs = asyncio.run(rig.app.screener.submit([make("hello"), make("you fool", id="n-2")]))
    assert rig.head(refs[1])["decision"] is None
    assert rig.work("screen") == 2
    assert [rig.head(ref)["verdict"] for ref in refs] == ["allow", "block"]
    assert [decision.source for decision in rig.decisions(refs[1])] == [DecisionSource.SCREEN]
    assert rig.app.jobs.counts() == {}


def test_an_ingested_item_that_was_edited_meanwhile_is_not_set_back(rig: Rig) -> None:
    import asyncio

    ref = asyncio.run(rig.app.screener.submit([make("you fool")]))[0]
    assert asyncio.run(rig.app.screener.submit([make("hello")])) == [ref]
    assert rig.work("screen") == 2
    assert (rig.head(ref)["revision"], rig.head(ref)["verdict"]) == (2, "allow")
    assert [(decision.item.revision, decision.verdict) for decision in rig.decisions(ref)] == [(2, Verdict.ALLOW)]


def test_what_is_not_there(rig: Rig) -> None:
    with pytest.raises(LookupError, match="there is no decision 'dec_nowhere'"):
        load_decision(rig.app.database, "dec_nowhere")
