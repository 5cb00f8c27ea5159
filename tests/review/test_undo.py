"""A review that is taken back, a case that is decided again, a case that is left to others; on both databases."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from sqlalchemy import select, update

from seawall import enforce, review, screen
from seawall.enforce.tables import delivery, enforcement
from seawall.model import Action, Decision, DecisionSource, Verdict
from seawall.review.queries import UNDO_MS, passings_of_item, undoable_review
from seawall.review.tables import case as case_table
from seawall.review.tables import review as review_table
from seawall.screen.tables import pending_rescreen
from seawall.storage import Jobs

REVIEWED = ("active", "applied")


def undo(desk: Any, decision: Decision, person: str = "per_1") -> str:
    with desk.database.read() as connection:
        found = connection.execute(select(review_table.c.id).where(review_table.c.decision == decision.id)).scalar_one()
    return review.undo_review(
        desk.ledger,
        found,
        person,
        find_item=screen.status_of,
        find_decision=screen.recorded_decision,
        rescreen=screen.rescreen_again,
    )


def enforced(desk: Any, item: Any) -> dict[str, str]:
    """Id → kind of what is in force."""
    with desk.database.read() as connection:
        query = select(enforcement).where(enforcement.c.item == item.ref, enforcement.c.state == "active")
        return {row.id: row.kind for row in connection.execute(query)}


def messages(desk: Any) -> list[tuple[str, str, str]]:
    """Kind, change and state of every message."""
    with desk.database.read() as connection:
        query = select(enforcement.c.kind, delivery.c.change, delivery.c.state).join(
            enforcement, enforcement.c.id == delivery.c.enforcement
        )
        return [tuple(row) for row in connection.execute(query.order_by(delivery.c.seq))]


def with_receiver(desk: Any) -> None:
    enforce.add_endpoint(desk.ledger, desk.vault, url="http://127.0.0.1:9/", allow_private=True)


def status(desk: Any, item: Any) -> screen.ItemStatus:
    found = desk.ledger.commit(lambda tx: screen.status_of(tx, item.ref))
    assert found is not None
    return found  # type: ignore[no-any-return]


def case_before(desk: Any, case: str) -> dict[str, Any]:
    with desk.database.read() as connection:
        return dict(connection.execute(select(case_table).where(case_table.c.id == case)).one()._mapping)


def test_a_review_taken_back_before_anybody_was_told_leaves_no_trace_at_the_receivers(desk: Any) -> None:
    with_receiver(desk)
    case, item, _before = desk.case(Action("hold"))
    review.take(desk.database, case, "per_1")
    row, held = case_before(desk, case), enforced(desk, item)
    Jobs(desk.database).claim(["deliver"], "worker", 10, 60_000)  # the hold is being told
    decision = desk.submit(case, actions=(Action("remove"), Action("strike", {"weight": 1.0})))
    assert set(enforced(desk, item).values()) == {"remove", "strike"}
    assert undo(desk, decision) == case
    assert enforced(desk, item) == held  # the same enforcement, which never ceased
    assert messages(desk) == [
        ("hold", "applied", "queued"),
        ("hold", "reversed", "cancelled"),
        ("remove", "applied", "cancelled"),
        ("strike", "applied", "cancelled"),
    ]
    after = case_before(desk, case)
    assert after == row | {"decision": after["decision"]}
    with desk.database.read() as connection:
        assert review.holder(connection, case, 0).person == "per_1"
    now = status(desk, item)
    assert (now.verdict, now.by_person, now.review) == ("hold", False, None)
    assert desk.ledger.verify().ok
    assert desk.ledger.rebuild().equal


def test_what_a_receiver_was_told_is_reversed(desk: Any) -> None:
    with_receiver(desk)
    case, item, _ = desk.case(Action("hold"))
    review.take(desk.database, case, "per_1")
    decision = desk.submit(case)
    claimed = Jobs(desk.database).claim(["deliver"], "worker", 10, 60_000)
    assert len(claimed) == 3  # hold applied, hold reversed, remove applied
    undo(desk, decision)
    assert list(enforced(desk, item).values()) == ["hold"]
    assert messages(desk)[3:] == [("remove", "reversed", "queued"), ("hold", "applied", "queued")]
    assert desk.ledger.rebuild().equal


def test_one_receiver_that_was_told_makes_all_of_them_hear_the_reversal(desk: Any) -> None:
    with_receiver(desk)
    with_receiver(desk)
    case, item, _ = desk.case(Action("hold"))
    review.take(desk.database, case, "per_1")
    Jobs(desk.database).claim(["deliver"], "worker", 10, 60_000)
    decision = desk.submit(case)
    Jobs(desk.database).claim(["deliver"], "worker", 1, 60_000)  # the first message of four
    undo(desk, decision)
    told = messages(desk)[2:]
    assert [one for one in told if one[2] == "cancelled"] == [("remove", "applied", "cancelled")] * 2
    assert ("hold", "applied", "queued") in told  # its reversal is being told to one receiver
    assert list(enforced(desk, item).values()) == ["hold"]


def test_an_item_that_was_only_reported_is_as_before(desk: Any) -> None:
    item, _ = desk.item()
    desk.report(item)
    case = review.case_id(item.ref)
    review.take(desk.database, case, "per_1")
    decision = desk.submit(case)
    undo(desk, decision)
    assert enforced(desk, item) == {}
    assert status(desk, item).verdict == "allow"
    assert desk.row(case).reports == 1


def test_the_earlier_review_stands_again(desk: Any) -> None:
    case, item, _ = desk.case(Action("hold"))
    review.take(desk.database, case, "per_1")
    first = desk.submit(case)
    review.reopen_case(desk.ledger, case, "per_2")
    second = desk.submit(
        case, person="per_2", answer=review.DOES_NOT_VIOLATE, policy=None, actions=(), reason="not_a_violation"
    )
    undo(desk, second, "per_2")
    now = status(desk, item)
    assert now.by_person
    assert now.review is not None
    assert (now.review.source, now.review.reviewer) == (DecisionSource.REVIEW, "per_1")
    assert (now.review.verdict, now.review.actions) == (Verdict.BLOCK, first.actions)
    assert list(enforced(desk, item).values()) == ["remove"]


def test_a_pending_rescreen_is_pending_again(desk: Any) -> None:
    item, actor = desk.item()
    asked = Action("review", {"queue": "rudeness", "priority": 0.7})
    desk.decide(item, actor, Action("hold"), asked, degraded=True, fail_mode="hold", rescreen_due=2_000_000_000_000)
    case = review.case_id(item.ref)
    review.take(desk.database, case, "per_1")
    decision = desk.submit(case)
    undo(desk, decision)
    with desk.database.read() as connection:
        states = list(connection.execute(select(pending_rescreen.c.state).order_by(pending_rescreen.c.opened_at)))
    assert [row.state for row in states] == ["resolved", "open"]
    assert [job.kind for job in Jobs(desk.database).claim(["rescreen"], "worker", 10, 1_000)] == ["rescreen"]


def test_who_cannot_take_it_back_is_told_why(desk: Any) -> None:
    case, item, _ = desk.case()
    review.take(desk.database, case, "per_1")
    decision = desk.submit(case)
    with pytest.raises(review.CannotUndo, match="Only who gave"):
        undo(desk, decision, "per_2")
    with desk.database.write() as connection:
        connection.execute(update(review_table).values(at=review_table.c.at - UNDO_MS - 1_000))
    with pytest.raises(review.CannotUndo, match="10 minutes"):
        undo(desk, decision)
    with desk.database.read() as connection:
        assert undoable_review(connection, decision.id, "per_1", decision.at) is None
    with desk.database.write() as connection:
        connection.execute(update(review_table).values(at=review_table.c.at + UNDO_MS + 1_000))
    later = desk.decide(item, None, supersedes=decision.id)
    with pytest.raises(review.CannotUndo, match="decided again"):
        undo(desk, decision)
    assert desk.row(case).decision == later.id
    with pytest.raises(review.CannotUndo, match="no review"):
        review.undo_review(
            desk.ledger,
            "rev_none",
            "per_1",
            find_item=screen.status_of,
            find_decision=screen.recorded_decision,
            rescreen=screen.rescreen_again,
        )


def test_it_is_taken_back_once(desk: Any) -> None:
    case, _item, _ = desk.case()
    review.take(desk.database, case, "per_1")
    decision = desk.submit(case)
    undo(desk, decision)
    with pytest.raises(review.CannotUndo, match="already"):
        undo(desk, decision)
    assert desk.submit(case).verdict is Verdict.BLOCK  # the person has the case again


def test_a_closed_case_is_decided_again_by_anybody(desk: Any) -> None:
    case, item, _ = desk.case()
    review.take(desk.database, case, "per_1")
    desk.submit(case)
    review.reopen_case(desk.ledger, case, "per_2")
    row = desk.row(case)
    assert (row.state, row.queue, row.policy, row.closed_at) == ("open", "rudeness", "rudeness", None)
    assert list(enforced(desk, item).values()) == ["remove"]  # until it is decided
    with pytest.raises(review.CaseMoved, match="open already"):
        review.reopen_case(desk.ledger, case, "per_3")
    desk.submit(case, "per_2", answer=review.DOES_NOT_VIOLATE, policy=None, actions=(), reason="not_a_violation")
    assert enforced(desk, item) == {}
    with pytest.raises(review.NoSuchCase):
        review.reopen_case(desk.ledger, "case_none", "per_1")


def passed(desk: Any, case: str, person: str, why: str, note: str = "") -> None:
    review.take(desk.database, case, person)
    review.pass_on(desk.ledger, case, person, why, find_item=screen.status_of, note=note)


def test_a_case_that_was_left_to_others_is_offered_to_others(desk: Any) -> None:
    case, item, _ = desk.case()
    passed(desk, case, "per_1", "not_my_language", "It is Finnish.")
    assert review.next_case(desk.database, "per_1") is None
    offered = review.next_case(desk.database, "per_2")
    assert offered is not None
    assert offered.case == case
    with desk.database.read() as connection:
        (row,) = passings_of_item(connection, item.ref, limit=10)
    assert (row.person, row.why) == ("per_1", "not_my_language")
    assert desk.vault.open(item.ref, f"review/{row.id}") == b"It is Finnish."
    assert desk.row(case).queue == "rudeness"
    assert "Finnish" not in repr([asdict(event.body) for event in desk.ledger.events(kinds=["review.case_passed_on"])])


def test_specialists_get_what_needs_them_and_what_two_cannot_tell(desk: Any) -> None:
    case, _, _ = desk.case()
    passed(desk, case, "per_1", "needs_specialist")
    assert desk.row(case).queue == review.SPECIALISTS_QUEUE
    other, _, _ = desk.case()
    passed(desk, other, "per_1", "cannot_tell")
    assert desk.row(other).queue == "rudeness"
    passed(desk, other, "per_2", "cannot_tell")
    assert desk.row(other).queue == review.SPECIALISTS_QUEUE
    assert desk.ledger.rebuild().equal


def test_only_the_holder_of_a_case_can_pass_it_on(desk: Any) -> None:
    case, _, _ = desk.case()
    with pytest.raises(review.CaseTaken):
        review.pass_on(desk.ledger, case, "per_1", "cannot_tell", find_item=screen.status_of)
    with pytest.raises(review.BadAnswer, match="not_my_language"):
        review.pass_on(desk.ledger, case, "per_1", "bored", find_item=screen.status_of)
