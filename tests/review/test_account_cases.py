"""Cases about accounts: one for each, with its own decisions, strikes, undo and appeals."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from seawall import enforce, review, screen
from seawall.enforce.queries import EnforcementRow, enforcements_on
from seawall.model import (
    ACCOUNT_TYPE,
    Action,
    Decision,
    DecisionSource,
    ItemRef,
    Reason,
    Verdict,
    new_id,
)
from seawall.model.events import ReportReceived
from seawall.review import quality
from seawall.review.machine import (
    Appealed,
    Case,
    CaseState,
    Decided,
    Fact,
    PassedOn,
    ReopenedByPerson,
    Reported,
    Reviewed,
    ReviewTakenBack,
    Routed,
    new_case,
    step,
)
from seawall.screen.tables import item as item_table

DAY = 86_400.0
ACCOUNT = ItemRef(ACCOUNT_TYPE, "en_1", 0)
GROOMING = (Reason(policy="grooming", rule="review", harm="grooming"),)


def decided(openings: int, reasons: tuple[Reason, ...] = (), **more: Any) -> Decided:
    made = Decision(
        id=more.pop("id", f"dec_{openings}"),
        at=0,
        item=replace(ACCOUNT, revision=openings),
        source=more.pop("source", DecisionSource.REVIEW),
        verdict=Verdict.ALLOW,
        actions=(Action("suspend"),),
        reasons=reasons,
        actor=ACCOUNT.ref,
    )
    return Decided(made)


def answered(case: Case, at: int, reasons: tuple[Reason, ...] = (), answer: str = "violates") -> Case:
    """A review and the decision that comes with it, as they stand in the ledger."""
    return step(step(case, Reviewed(answer), at), decided(case.openings, reasons), at)


# -- the machine -------------------------------------------------------------------------------------------------------


def test_the_case_of_an_account_is_named_after_it_and_says_so() -> None:
    case = new_case(ACCOUNT)
    assert (case.id, case.subject, case.item, case.actor) == ("case_1", "account", "en_1", "en_1")
    assert new_case(ItemRef("comment", "it_1", 1)).subject == "item"


def test_what_opens_a_case_anew_is_another_matter() -> None:
    case = step(new_case(ACCOUNT), Reported("user", None), 1)
    assert (case.state, case.openings, case.decision) == (CaseState.OPEN, 1, None)
    case = answered(case, 2)
    assert (case.state, case.openings, case.decision) == (CaseState.CLOSED, 1, "dec_1")
    assert step(step(case, ReopenedByPerson(), 3), Reported("user", None), 4).openings == 1  # the same matter
    assert step(case, Appealed(), 3).decision == "dec_1"
    again = step(case, Reported("user", None), 3)
    assert (again.openings, again.decision) == (2, None)
    assert step(again, decided(1, id="dec_late"), 4).decision is None  # about what it did before


def test_only_a_persons_answer_makes_an_unreported_account_one_of_child_safety_and_undo_takes_it_out() -> None:
    plain = step(new_case(ACCOUNT), Reported("user", "spam", harm="spam"), 1)
    found = answered(plain, 2, GROOMING)
    assert found.child_safety
    assert not step(found, ReviewTakenBack(), 3).child_safety
    reported = step(new_case(ACCOUNT), Reported("user", "grooming", harm="grooming"), 1)
    assert reported.child_safety
    assert step(answered(reported, 2, GROOMING), ReviewTakenBack(), 3).child_safety
    cleared = step(reported, Reviewed("does_not_violate"), 2)
    assert not cleared.child_safety
    assert step(cleared, ReviewTakenBack(), 3).child_safety


FACTS: list[Fact] = [
    Reported("user", None),
    Reported("authority", "grooming", harm="grooming"),
    Reviewed("violates"),
    Reviewed("does_not_violate"),
    ReviewTakenBack(),
    ReopenedByPerson(),
    PassedOn("needs_specialist"),
    Routed("night-shift"),
    Appealed(),
    decided(1),
    decided(2, GROOMING),
    decided(1, source=DecisionSource.UNDO),
]


@given(st.lists(st.sampled_from(FACTS), max_size=14))
def test_the_case_of_an_account_stays_coherent_whatever_happens(happened: list[Fact]) -> None:
    case, openings = new_case(ACCOUNT), 0
    for at, fact in enumerate(happened, start=1):
        before = case
        try:
            case = step(case, fact, at)
        except ValueError:
            assert before.state is CaseState.NONE
            continue
        assert (case.subject, case.actor, case.visible) == ("account", "en_1", True)
        openings += (
            isinstance(fact, Reported) and before.state is not CaseState.OPEN
        )  # nothing else brings something new
        assert case.openings == openings
        assert case.decision in (None, f"dec_{case.openings}")
        if before.child_safety and not case.child_safety:
            assert isinstance(fact, Reviewed | ReviewTakenBack)
        assert (case.closed_at is not None) == (case.state is CaseState.CLOSED)


# -- with a ledger -----------------------------------------------------------------------------------------------------


def account(desk: Any, name: str = "ann") -> ItemRef:
    return ItemRef(ACCOUNT_TYPE, desk.ledger.commit(lambda tx: tx.subject("account", name)), 0)


def reported(desk: Any, name: str = "ann", person: str = "per_1", **more: Any) -> str:
    """The id of the open case of a reported account, which the person holds."""
    about = account(desk, name)
    body = ReportReceived(report=new_id("rep"), item=about, reporter=None, kind="user", **more)
    desk.ledger.commit(lambda tx: tx.append(body))
    case = review.case_id(about.ref)
    review.take(desk.database, case, person, child_safety=True)
    return case


def in_force(desk: Any, name: str = "ann") -> list[EnforcementRow]:
    with desk.database.read() as connection:
        rows = enforcements_on(connection, account(desk, name).ref, limit=20)
    return [row for row in rows if row.state == "active"]


def undo(desk: Any, case: str, person: str = "per_1") -> None:
    with desk.database.read() as connection:
        (found, *_) = review.queries.reviews_of_item(connection, desk.row(case).item, limit=1)
    review.undo_review(
        desk.ledger,
        found.id,
        person,
        find_item=screen.status_of,
        find_decision=screen.recorded_decision,
        rescreen=screen.rescreen_again,
    )


def test_an_account_is_suspended_with_an_end_and_undo_gives_it_back(desk: Any) -> None:
    case = reported(desk)
    made = desk.submit(case, actions=(Action("limit", {"for": 3 * DAY}),), seen=None, seen_revision=1)
    assert (made.item.content_type, made.item.revision, made.actor) == (ACCOUNT_TYPE, 1, account(desk).ref)
    (limit,) = in_force(desk)
    assert (limit.kind, limit.subject, limit.parameters) == ("limit", account(desk).ref, {"for": 3 * DAY})
    assert (desk.row(case).state, desk.row(case).decision) == ("closed", made.id)
    undo(desk, case)
    assert in_force(desk) == []
    assert (desk.row(case).state, desk.row(case).answer) == ("open", None)
    again = desk.submit(case, actions=(Action("warn"),))
    assert again.supersedes is not None  # the undo
    assert [one.kind for one in in_force(desk)] == ["warn"]
    assert desk.ledger.rebuild().equal


def test_a_second_strike_is_a_second_one_and_finding_nothing_ends_no_strike_for_something_else(desk: Any) -> None:
    strike = Action("strike", {"weight": 1.0})
    case = reported(desk)
    desk.submit(case, actions=(strike,))
    assert reported(desk) == case  # new reports: the same case, another matter
    assert desk.row(case).openings == 2
    desk.submit(case, actions=(strike,))
    assert len(in_force(desk)) == 2
    reported(desk)
    clear = {"answer": review.DOES_NOT_VIOLATE, "policy": None, "actions": (), "reason": "not_a_violation"}
    desk.submit(case, **clear)
    assert len(in_force(desk)) == 2
    review.reopen_case(desk.ledger, case, "per_1")
    desk.submit(case, actions=(strike,))
    review.reopen_case(desk.ledger, case, "per_2")
    desk.submit(case, "per_2", **clear)  # decided again, about the same: that one is taken back
    assert len(in_force(desk)) == 2


def test_what_an_item_brought_its_author_stays_whatever_is_said_of_the_account(desk: Any) -> None:
    item, author = desk.item()
    desk.decide(item, author, Action("remove"), Action("strike", {"weight": 1.0}))
    case = reported(desk, "author-0")
    assert desk.row(case).item == author
    desk.submit(case, actions=(Action("limit", {"for": DAY}),))
    assert sorted(one.kind for one in in_force(desk, "author-0")) == ["limit", "strike"]
    undo(desk, case)
    assert [one.kind for one in in_force(desk, "author-0")] == ["strike"]


def test_nothing_is_done_to_an_account_that_is_done_to_content(desk: Any, rulebook: review.Rulebook) -> None:
    case = reported(desk)
    with pytest.raises(review.BadAnswer, match="An account does not allow remove"):
        desk.submit(case)
    assert desk.row(case).state == "open"
    assert review.account_type(rulebook.content_types.values()).actions == ("warn", "strike", "limit")
    assert review.account_type([]).actions == ("warn", "strike", "limit", "suspend", "terminate")


def test_a_new_report_or_a_new_opening_is_looked_at_first(desk: Any) -> None:
    case = reported(desk)
    body = ReportReceived(report=new_id("rep"), item=account(desk), reporter=None, kind="user")
    desk.ledger.commit(lambda tx: tx.append(body))
    with pytest.raises(review.CaseMoved, match="The account was reported since"):
        desk.submit(case, actions=(Action("warn"),))
    review.take(desk.database, case, "per_1")
    with pytest.raises(review.CaseMoved, match="opened the case again"):
        desk.submit(case, actions=(Action("warn"),), seen_revision=7)
    with pytest.raises(review.CaseMoved, match="The account was decided again"):
        desk.submit(case, actions=(Action("warn"),), seen_revision=1, seen="dec_other")
    desk.submit(case, actions=(Action("warn"),), seen_revision=1)


def test_the_case_of_an_account_reported_for_child_safety_is_its_specialists(desk: Any) -> None:
    case = reported(desk, policy="grooming", harm="grooming")
    assert desk.row(case).child_safety
    with pytest.raises(review.CaseRestricted):
        desk.submit(case, actions=(Action("warn"),))
    assert review.next_case(desk.database, "per_2") is None
    desk.submit(case, actions=(Action("warn"),), child_safety=True)


def test_a_case_of_an_account_is_neither_golden_nor_reviewed_blind(desk: Any, rulebook: review.Rulebook) -> None:
    case = reported(desk)
    made = desk.submit(case, actions=(Action("warn"),))
    with pytest.raises(review.BadAnswer, match="cannot be golden"):
        quality.mark_golden(
            desk.ledger, rulebook.harms, case, made.item, "per_1", answer=review.VIOLATES, policy="rudeness"
        )


def test_notes_about_an_account_are_erased_with_it(desk: Any) -> None:
    case = reported(desk)
    ref = account(desk).ref
    review.pass_on(
        desk.ledger, case, "per_1", "cannot_tell", find_item=screen.status_of, note="Two people use it, I think."
    )
    review.take(desk.database, case, "per_2")
    desk.submit(case, "per_2", actions=(Action("warn"),), note="Talked to them before.")
    with desk.database.read() as connection:
        rows = [
            *review.queries.reviews_of_item(connection, ref, limit=9),
            *review.queries.passings_of_item(connection, ref, limit=9),
        ]
    names = [(ref, f"review/{row.id}") for row in rows]
    assert len([one for one in desk.vault.open_many(names).values() if one]) == 2
    desk.ledger.commit(lambda tx: desk.vault.erase(tx, ref, "per_1"))
    assert not [one for one in desk.vault.open_many(names).values() if one]


def test_every_receiver_is_told_what_happens_to_an_account(desk: Any) -> None:
    only = {"url": "https://93.184.215.14:9/playlists", "by": "tests", "content_types": ["playlist"]}
    enforce.add_endpoint(desk.ledger, desk.vault, **only)
    desk.submit(reported(desk), actions=(Action("limit", {"for": DAY}),))
    (limit,) = in_force(desk)
    assert [one.change for one in limit.deliveries] == ["applied"]


def test_what_was_erased_is_decided_and_passed_on_and_no_note_about_it_is_kept(desk: Any) -> None:
    case = reported(desk)
    other, item, _ = desk.case()
    review.take(desk.database, other, "per_1")
    with desk.database.read() as connection:
        author = connection.execute(select(item_table.c.actor).where(item_table.c.ref == item.ref)).scalar_one()
    for ref in (account(desk).ref, author):
        desk.ledger.commit(lambda tx, ref=ref: desk.vault.erase(tx, ref, "per_1"))
    for open_case in (case, other):
        review.pass_on(
            desk.ledger, open_case, "per_1", "not_my_language", find_item=screen.status_of, note="In Dutch, I think."
        )
        review.take(desk.database, open_case, "per_2")
        answer = {"answer": review.DOES_NOT_VIOLATE, "policy": None, "actions": (), "reason": "not_a_violation"}
        desk.submit(open_case, "per_2", **answer, note="Gone.")
        assert desk.row(open_case).state == "closed"
