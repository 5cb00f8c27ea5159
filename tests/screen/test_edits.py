"""Edits of what a person removed: the removal stands until a person has looked at the edit."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from seawall import enforce, review, screen
from seawall.enforce.tables import delivery, enforcement
from seawall.model import Action, Decision, Verdict
from seawall.review.tables import case
from seawall.screen import ScreenResponse
from support.app import Rig

BODY = "the gardener says tulips at nine, bring the money"


def decides(rig: Rig, person: str, answer: review.ReviewAnswer) -> Decision:
    """A person decides the one open case."""
    (found,) = rig.rows(select(case).where(case.c.state == "open"))
    review.take(rig.app.database, found["id"], person)
    bundle = rig.app.bundle
    rulebook = review.Rulebook(
        content_types=bundle.content_types, harms={policy.name: policy.harm for policy in bundle.policies}
    )
    return review.submit_review(rig.app.ledger, rulebook, found["id"], person, answer, find_item=screen.status_of)


def removes(rig: Rig, *actions: Action) -> Decision:
    answer = review.ReviewAnswer(
        answer=review.VIOLATES, policy="rude", actions=actions or (Action("remove"),), reason="clear_violation"
    )
    return decides(rig, "per_1", answer)


def reported(rig: Rig, answer: ScreenResponse) -> None:
    from seawall.model import ItemRef, ReportReceived, new_id

    item = ItemRef("note", answer.item, answer.revision)
    rig.app.ledger.commit(
        lambda tx: tx.append(ReportReceived(report=new_id("rep"), item=item, reporter=None, kind="user"))
    )


def in_force(rig: Rig) -> list[str]:
    return [row["kind"] for row in rig.rows(select(enforcement).where(enforcement.c.state == "active"))]


@pytest.mark.parametrize(
    "edit", [f"{BODY}.", f"{BODY} ", BODY.replace("tulips", "tu\u200blips"), "something else altogether"]
)
def test_an_edit_does_not_undo_a_persons_removal(rig: Rig, edit: str) -> None:
    enforce.add_endpoint(rig.app.ledger, rig.app.vault, url="http://127.0.0.1:9/", allow_private=True)
    reported(rig, rig.screen(BODY))
    removes(rig)
    edited = rig.screen(edit)
    assert (edited.revision, edited.verdict) == (2, Verdict.BLOCK)
    assert in_force(rig) == ["remove"]
    assert [row["change"] for row in rig.rows(select(delivery))] == ["applied"]  # the platform is told nothing else
    (waiting,) = rig.rows(select(case))
    assert (waiting["state"], waiting["queue"], waiting["decision"]) == ("open", "edits", edited.decision)
    _, explanation = rig.app.explain(edited.decision)
    assert explanation is not None
    assert explanation.reproduced
    # Neither does the edit of an edit, nor another evaluation of it.
    again = rig.screen(f"{edit}!")
    rig.hurry(again)
    rig.work("rescreen")
    assert rig.head(again.item)["verdict"] == "block"
    assert in_force(rig) == ["remove"]
    # A person lets it pass: the edit is visible, and the next edit is nobody's removal any more.
    decides(rig, "per_2", review.ReviewAnswer(answer=review.DOES_NOT_VIOLATE, reason="not_a_violation"))
    assert in_force(rig) == []
    assert rig.screen(f"{edit}!!").verdict is Verdict.ALLOW
    assert rig.rows(select(case))[0]["state"] == "closed"


def test_submitted_edits_keep_the_removal_too(rig: Rig) -> None:
    import asyncio

    from support.app import make

    reported(rig, rig.screen(BODY))
    removes(rig)
    asyncio.run(rig.app.screener.submit([make(f"{BODY}.")]))
    assert rig.work("screen") == 1
    assert in_force(rig) == ["remove"]
    assert rig.rows(select(case))[0]["state"] == "open"


def test_other_restrictions_stay_and_strikes_are_not_repeated(rig: Rig) -> None:
    reported(rig, rig.screen(BODY))
    removes(rig, Action("demote"), Action("strike", {"weight": 1.0}))
    edited = rig.screen(f"{BODY}.")
    assert (edited.verdict, [action.kind for action in edited.actions]) == (Verdict.ALLOW, ["demote", "review"])
    assert sorted(in_force(rig)) == ["demote", "strike"]
    worse = rig.screen("you fool")  # what the rules find is added
    assert worse.verdict is Verdict.BLOCK
    assert {"demote", "remove"} <= {action.kind for action in worse.actions}


def test_an_edit_of_what_only_a_rule_removed_is_decided_afresh(rig: Rig) -> None:
    assert rig.screen("you fool").verdict is Verdict.BLOCK
    mended = rig.screen("you friend")
    assert (mended.verdict, mended.actions) == (Verdict.ALLOW, ())
    assert "remove" not in in_force(rig)
