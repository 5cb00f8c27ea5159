"""Edits of what a person removed: the removal stands until a person has looked at the edit."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PilImage
from sqlalchemy import delete, select

from seawall import enforce, review, screen
from seawall.enforce.tables import delivery, enforcement
from seawall.model import Action, Decision, Image, PartHash, Verdict
from seawall.review.tables import case
from seawall.screen import ScreenResponse
from seawall.screen.similarity import RevisionContent, compare
from seawall.storage.tables import vault
from support.app import Rig, opened

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
    ("edit", "verdict"),
    [
        (f"{BODY}.", Verdict.BLOCK),
        (f"{BODY} ", Verdict.BLOCK),
        (BODY.replace("tulips", "tu\u200blips"), Verdict.BLOCK),
        ("something else altogether", Verdict.HOLD),
    ],
)
def test_an_edit_does_not_undo_a_persons_removal(rig: Rig, edit: str, verdict: Verdict) -> None:
    enforce.add_endpoint(rig.app.ledger, rig.app.vault, url="http://127.0.0.1:9/", allow_private=True)
    reported(rig, rig.screen(BODY))
    removes(rig)
    edited = rig.screen(edit)
    assert (edited.revision, edited.verdict) == (2, verdict)
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
    assert rig.head(again.item)["verdict"] == verdict.value
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


@pytest.mark.parametrize(
    ("edit", "near", "similarity"),
    [
        (f"{BODY}.", True, 1.0),
        (BODY.upper(), True, 1.0),
        (BODY.replace("tulips", "tu\u200blips").replace("gardener", "g\u0430rdener"), True, 1.0),
        (f"A long story about the weather. {BODY} And then we went home again, happy and wet.", True, 1.0),
        (BODY.replace("nine", "ten"), True, 0.8),
        ("How do I keep slugs away from my lettuce? The beer traps do not work here.", False, 0.0),
        ("I am sorry for what I wrote here.", False, 0.0),
    ],
)
def test_a_near_duplicate_inherits_the_removal_and_other_content_is_held(
    rig: Rig, edit: str, near: bool, similarity: float
) -> None:
    reported(rig, rig.screen(BODY))
    removal = removes(rig)
    edited = rig.screen(edit)
    made = rig.decision(edited)
    assert edited.verdict is (Verdict.BLOCK if near else Verdict.HOLD)
    found = screen.edit_of(rig.app.database, made)
    assert found is not None
    assert (found.decision, found.reviewer, found.revision, found.actions) == (removal.id, "per_1", 1, ("remove",))
    assert (found.near_duplicate, found.missing) == (near, "")
    assert found.similarity == pytest.approx(similarity, abs=0.15)
    assert ("near-duplicate" if near else "changed") in found.summary
    assert made.reasons[-1].rule == (screen.NEAR_DUPLICATE_RULE if near else screen.EDITED_RULE)
    assert in_force(rig) == ["remove"]  # in both cases nothing is restored before a person has looked
    (waiting,) = rig.rows(select(case))
    assert (waiting["state"], waiting["queue"]) == ("open", "edits")
    assert screen.edit_of(rig.app.database, removal) is None


def test_what_rules_find_in_the_edit_stays_visible(rig: Rig) -> None:
    reported(rig, rig.screen(BODY))
    removes(rig)
    worse = rig.screen("you fool")
    assert worse.verdict is Verdict.BLOCK  # a rule removes it, whatever it has in common with the first
    assert ("rude", "certain") in {(reason.policy, reason.rule) for reason in worse.reasons}
    assert {signal.name for signal in rig.decision(worse).signals} == {"rudeness", screen.EDIT_SIMILARITY}


def test_an_edit_of_what_is_no_longer_kept_is_held_and_says_why(rig: Rig) -> None:
    first = rig.screen(BODY)
    reported(rig, first)
    removes(rig)
    with rig.app.database.write() as connection:
        connection.execute(delete(vault).where(vault.c.ref == first.item, vault.c.name == "fields/1"))
    edited = rig.screen(f"{BODY}!")
    found = screen.edit_of(rig.app.database, rig.decision(edited))
    assert (edited.verdict, found and found.similarity) == (Verdict.HOLD, None)
    assert found is not None
    assert found.missing == "what was restricted is no longer kept"


def _picture(seed: int, *, quality: int = 90, border: int = 0) -> Image:
    """A picture with detail: smooth noise of some seed."""
    noise = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    picture = PilImage.fromarray(noise).resize((320, 320), PilImage.Resampling.BICUBIC)
    if border:
        picture.paste((20, 20, 20), (0, 0, border, 320))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Image(file.getvalue())


def test_pictures_are_compared_by_their_hashes(tmp_path: Path, sqlite_url: str) -> None:
    with opened(tmp_path, sqlite_url, "rude", "known") as rig:
        reported(rig, rig.screen("look", image=_picture(1)))
        removes(rig)
        again = rig.screen("an innocent caption", image=_picture(1, quality=60, border=4))
        near = screen.edit_of(rig.app.database, rig.decision(again))
        assert near is not None
        assert (again.verdict, near.near_duplicate, near.part) == (Verdict.BLOCK, True, "image")
        other = rig.screen("an innocent caption", image=_picture(2))
        changed = screen.edit_of(rig.app.database, rig.decision(other))
        assert changed is not None
        assert (other.verdict, changed.near_duplicate) == (Verdict.HOLD, False)
        assert (changed.similarity or 0) < 0.8


def _hashes(kind: str, part: str, *values: bytes) -> tuple[PartHash, ...]:
    return tuple(PartHash(kind=kind, value=value, part=f"{part}>frames.{n}") for n, value in enumerate(values))


def test_videos_are_compared_frame_by_frame_and_sound_by_its_fingerprint() -> None:
    chance = np.random.default_rng(7)
    frames = [chance.bytes(32) for _ in range(10)]
    film = RevisionContent((), _hashes("pdq", "clip", *frames), has_media=True)
    cut = RevisionContent((), _hashes("pdq", "clip", *frames[:7], *(chance.bytes(32) for _ in range(3))), True)
    assert (compare(film, cut).near, compare(film, cut).value) == (True, 0.7)
    title = RevisionContent((), _hashes("pdq", "clip", frames[0], *(chance.bytes(32) for _ in range(9))), True)
    assert (compare(film, title).near, compare(film, title).value) == (False, 0.1)  # one title card in common
    tune, other = (chance.integers(0, 1 << 32, 200, dtype=np.uint32) for _ in range(2))
    first = RevisionContent((), (PartHash(kind="chromaprint", value=tune.astype("<u4").tobytes(), part="song"),), True)
    later = RevisionContent((), (PartHash(kind="chromaprint", value=tune[30:].tobytes(), part="song"),), True)
    cover = RevisionContent((), (PartHash(kind="chromaprint", value=other.tobytes(), part="song"),), True)
    assert compare(first, later).near
    assert not compare(first, cover).near
    unread = compare(first, RevisionContent((), (), has_media=True))
    assert (unread.near, unread.missing) == (False, "the new files have no hashes yet")


@given(st.text(max_size=80), st.text(max_size=80))
def test_comparing_never_fails_and_knows_the_same_text(one: str, other: str) -> None:
    found = compare(RevisionContent((one,)), RevisionContent((other,)))
    assert found.value is None or 0 <= found.value <= 1
    same = compare(RevisionContent((one,)), RevisionContent((one,)))
    assert same.value in (None, 1.0)
