"""Cases that a lead assigns: to one reviewer, in place of another, back to everybody; on both databases."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest
from sqlalchemy import select, update

from seawall import review, screen
from seawall.model import Action, Reason, new_id, now_ms
from seawall.model.events import AppealReceived
from seawall.review.events import CaseAssigned, CaseSkipped, CaseUnassigned, ReviewSubmitted
from seawall.review.tables import case_assignment

HOUR = 60 * 60 * 1000
CHILD_SAFETY = Reason(policy="grooming", rule="r", harm="grooming")


def assign(desk: Any, case: str, person: str, **more: Any) -> None:
    given = {"by": "per_lead", "why": "workload", "find_item": screen.status_of, **more}
    review.assign(desk.ledger, case, person, **given)


def take_away(desk: Any, case: str, **more: Any) -> str:
    given = {"by": "per_lead", "why": "absent", "find_item": screen.status_of, **more}
    return review.take_away(desk.ledger, case, **given)


def decline(desk: Any, case: str, person: str, **more: Any) -> None:
    review.decline(desk.ledger, case, person, **{"why": "no_time", "find_item": screen.status_of, **more})


def taken(desk: Any, person: str, **more: Any) -> str | None:
    """The next case of the person, given back at once."""
    found = review.next_case(desk.database, person, **more)
    if found is not None:
        review.release(desk.database, found.case, person)
    return None if found is None else found.case


def expire(desk: Any) -> None:
    """Let every assignment end, as time would."""
    with desk.database.write() as connection:
        connection.execute(update(case_assignment).values(until=now_ms() - 1))


def test_what_is_assigned_comes_first_and_nobody_else_gets_it(desk: Any) -> None:
    calm, _, _ = desk.case(priority=0.2)
    urgent, _, _ = desk.case(priority=0.9)
    assign(desk, calm, "per_1")
    assert taken(desk, "per_1", queue="another", content_type="message") == calm
    assert taken(desk, "per_2") == urgent
    review.take(desk.database, urgent, "per_3")
    assert taken(desk, "per_2") is None
    with pytest.raises(review.CaseTaken, match="assigned to another"):
        review.take(desk.database, calm, "per_2")
    review.take(desk.database, calm, "per_1")
    desk.submit(calm, "per_1")
    assert desk.row(calm).state == "closed"


def test_a_case_that_somebody_works_on_goes_to_another(desk: Any) -> None:
    case, _, _ = desk.case()
    review.take(desk.database, case, "per_1")
    assign(desk, case, "per_2")
    with pytest.raises(review.CaseTaken):
        review.renew(desk.database, case, "per_1")
    with pytest.raises(review.CaseTaken):
        desk.submit(case, "per_1")
    assert desk.row(case).state == "open"
    assert taken(desk, "per_2") == case


def test_an_assignment_ends_with_its_time(desk: Any) -> None:
    case, _, _ = desk.case()
    assign(desk, case, "per_1", ms=HOUR)
    expire(desk)
    assert taken(desk, "per_2") == case


def test_who_declines_is_not_offered_it_and_says_why(desk: Any) -> None:
    case, item, _ = desk.case()
    assign(desk, case, "per_1", note="You know this game.")
    with pytest.raises(review.CannotAssign):
        decline(desk, case, "per_2")
    decline(desk, case, "per_1", why="other", note="I know her.")
    assert taken(desk, "per_1") is None
    assert taken(desk, "per_2") == case
    made = [event.body for event in desk.ledger.events(kinds=["review.case_assigned", "review.case_unassigned"])]
    assert [type(one) for one in made] == [CaseAssigned, CaseUnassigned]
    assert made[1].by == made[1].person == "per_1"
    assert made[1].assignment == made[0].assignment
    assert desk.vault.open(item.ref, f"review/{made[0].assignment}") == b"You know this game."
    assert desk.vault.open(item.ref, f"review/{made[1].ending}") == b"I know her."
    assign(desk, case, "per_1")  # they talked
    assert taken(desk, "per_1") == case


def test_what_is_taken_away_is_free_for_the_others(desk: Any) -> None:
    case, _, _ = desk.case()
    with pytest.raises(review.CannotAssign, match="Nobody has this case"):
        take_away(desk, case)
    review.take(desk.database, case, "per_1")
    assert take_away(desk, case) == "per_1"
    with pytest.raises(review.CaseTaken):
        desk.submit(case, "per_1")
    assert taken(desk, "per_1") is None
    assert taken(desk, "per_2") == case
    assign(desk, case, "per_2")
    assert take_away(desk, case) == "per_2"
    assert taken(desk, "per_3") == case


def test_bad_reasons_and_times_are_refused_and_change_nothing(desk: Any) -> None:
    case, _, _ = desk.case()
    for wrong in ({"why": "because"}, {"why": "other"}, {"note": "x" * 100_000}, {"ms": 0}, {"ms": 400 * HOUR}):
        with pytest.raises(review.BadAnswer):
            assign(desk, case, "per_1", **wrong)
    with pytest.raises(review.BadAnswer):
        review.skip_case(desk.ledger, case, "per_1", why="because")
    with pytest.raises(review.NoSuchCase):
        assign(desk, "case_none", "per_1")
    review.take(desk.database, case, "per_1")
    desk.submit(case)
    with pytest.raises(review.CaseMoved):
        assign(desk, case, "per_1")
    assert not desk.ledger.events(kinds=["review.case_assigned"])


def test_a_case_of_child_safety_is_assigned_to_specialists_by_specialists(desk: Any) -> None:
    item, actor = desk.item()
    desk.decide(item, actor, Action("hold"), Action("review", {"queue": "rudeness"}), reasons=(CHILD_SAFETY,))
    case = review.case_id(item.ref)
    with pytest.raises(review.CaseRestricted):
        assign(desk, case, "per_1", sees_child_safety=True)
    with pytest.raises(review.CannotAssign, match="child_safety"):
        assign(desk, case, "per_1", child_safety=True)
    assign(desk, case, "per_1", sees_child_safety=True, child_safety=True)
    assert taken(desk, "per_1") is None  # they lost the role since
    assert taken(desk, "per_1", child_safety=True) == case


def test_what_becomes_a_case_of_child_safety_leaves_who_may_not_see_it(desk: Any) -> None:
    case, item, _ = desk.case()
    assign(desk, case, "per_1")
    desk.decide(item, None, Action("hold"), Action("review", {"queue": "rudeness"}), reasons=(CHILD_SAFETY,))
    assert taken(desk, "per_1") is None
    assert taken(desk, "per_2", child_safety=True) == case


def test_an_appeal_is_not_assigned_to_who_decided(desk: Any) -> None:
    case, item, _ = desk.case()
    review.take(desk.database, case, "per_1")
    decision = desk.submit(case, "per_1")
    received = AppealReceived(
        appeal=new_id("app"), item=item, decision=decision.id, appellant="en_x", role="author", deciders=("per_1",)
    )
    desk.ledger.commit(lambda tx: tx.append(received))
    with pytest.raises(review.CannotAssign, match="decided what is appealed"):
        assign(desk, case, "per_1")
    assign(desk, case, "per_2")
    assert taken(desk, "per_1") is None
    assert taken(desk, "per_2") == case


def test_an_appeal_against_who_has_the_case_frees_it(desk: Any) -> None:
    case, item, decision = desk.case()
    assign(desk, case, "per_1")
    received = AppealReceived(
        appeal=new_id("app"), item=item, decision=decision.id, appellant="en_x", role="author", deciders=("per_1",)
    )
    desk.ledger.commit(lambda tx: tx.append(received))
    assert taken(desk, "per_1") is None
    assert taken(desk, "per_2") == case


def test_who_left_a_case_to_others_is_not_given_it(desk: Any) -> None:
    case, _, _ = desk.case()
    review.take(desk.database, case, "per_1")
    review.pass_on(desk.ledger, case, "per_1", "not_my_language", find_item=screen.status_of)
    with pytest.raises(review.CannotAssign, match="left the case to others"):
        assign(desk, case, "per_1")


def test_a_closed_case_that_opens_again_is_free(desk: Any) -> None:
    case, item, _ = desk.case()
    assign(desk, case, "per_1")
    review.take(desk.database, case, "per_1")
    desk.submit(case)
    desk.report(item)
    assert taken(desk, "per_2") == case
    desk.decide(item, None, Action("hold"), Action("review", {"queue": "rudeness"}))
    assign(desk, case, "per_1")
    review.take(desk.database, case, "per_1")
    desk.submit(case)
    review.reopen_case(desk.ledger, case, "per_2")
    desk.submit(case, "per_2")


def test_a_queue_that_pushes_gives_nothing_until_it_waited_too_long(desk: Any) -> None:
    case, _, _ = desk.case()
    assert taken(desk, "per_1", push={"rudeness": None}) is None
    assert taken(desk, "per_1", push={"rudeness": 3600.0}) is None
    assert taken(desk, "per_1", push={"rudeness": -1.0}) == case  # the time is over
    assign(desk, case, "per_1")
    assert taken(desk, "per_1", push={"rudeness": None}) == case
    assert taken(desk, "per_2", push={"rudeness": -1.0}) is None
    with desk.database.read() as connection:
        more = {"queue": None, "content_type": None}
        assert not review.is_waiting(connection, "per_1", now_ms(), push={"rudeness": None}, **more)
        assert review.is_waiting(connection, "per_1", now_ms(), **more)


def test_the_most_urgent_cases_are_assigned_together(desk: Any) -> None:
    cases = [desk.case(priority=priority)[0] for priority in (0.1, 0.5, 0.9, 0.7)]
    assign(desk, cases[2], "per_2")
    review.take(desk.database, cases[0], "per_3")
    given = {"by": "per_lead", "why": "workload"}
    assert review.assign_most_urgent(desk.ledger, "per_1", queue="rudeness", most=1, **given) == [cases[3]]
    assert review.assign_most_urgent(desk.ledger, "per_1", queue="rudeness", most=10, **given) == [cases[1]]
    assert review.assign_most_urgent(desk.ledger, "per_1", queue="other", most=10, **given) == []
    assert taken(desk, "per_1") == cases[3]
    for wrong in ({"most": 0}, {"most": 1000}, {"most": 1, "why": "other"}):
        with pytest.raises(review.BadAnswer):
            review.assign_most_urgent(desk.ledger, "per_1", **{**given, **wrong})


def test_a_skip_is_recorded_with_its_reason(desk: Any) -> None:
    case, _, _ = desk.case()
    review.skip_case(desk.ledger, case, "per_1")  # never theirs: nothing happened
    review.take(desk.database, case, "per_1")
    review.skip_case(desk.ledger, case, "per_1", why="does_not_load")
    made = [event.body for event in desk.ledger.events(kinds=["review.case_skipped"])]
    assert made == [CaseSkipped(case=case, by="per_1", why="does_not_load")]


@pytest.mark.parametrize("seed", range(3))
def test_many_workers_and_leads_never_let_two_have_a_case(desk: Any, seed: int) -> None:
    """Whatever they do at once: each case gets one answer, and never from somebody while another had it assigned."""
    cases = [desk.case()[0] for _ in range(8)]
    people = [f"per_{number}" for number in range(6)]
    refused = (review.ReviewError,)
    start = threading.Barrier(len(people) + 2)

    def work(person: str) -> None:
        choice = random.Random(f"{seed} {person}")
        start.wait()
        for _ in range(12):
            if (held := review.next_case(desk.database, person)) is None:
                continue
            try:
                match choice.randrange(5):
                    case 0:
                        review.skip_case(desk.ledger, held.case, person, ms=0)
                    case 1:
                        review.release(desk.database, held.case, person)
                    case 2:
                        decline(desk, held.case, person)
                    case _:
                        desk.submit(held.case, person)
            except refused:
                pass

    def lead(name: str) -> None:
        choice = random.Random(f"{seed} {name}")
        start.wait()
        for _ in range(25):
            try:
                if choice.random() < 0.7:
                    assign(desk, choice.choice(cases), choice.choice(people))
                else:
                    take_away(desk, choice.choice(cases))
            except refused:
                pass

    hands = [threading.Thread(target=work, args=(person,)) for person in people]
    hands += [threading.Thread(target=lead, args=(name,)) for name in ("per_lead", "per_second_lead")]
    for thread in hands:
        thread.start()
    for thread in hands:
        thread.join()
    answered: set[str] = set()
    has: dict[str, str] = {}
    for event in desk.ledger.events(limit=10_000):
        match event.body:
            case CaseAssigned(case=case, person=person):
                assert case not in answered
                has[case] = person
            case CaseUnassigned(case=case, person=person):
                assert has.pop(case, person) == person
            case ReviewSubmitted(case=case, reviewer=person):
                assert case not in answered
                assert has.pop(case, person) == person
                answered.add(case)
    with desk.database.read() as connection:
        assert {row.case: row.person for row in connection.execute(select(case_assignment))} == has
