"""Which policies a case has, which of them is the gravest, and who may see the case wherever it is moved."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall import review
from seawall.model import CHILD_SAFETY_HARMS, HARMS, Action, Decision, DecisionSource, ItemRef, Reason, Verdict
from seawall.model.events import ReportReceived
from seawall.review.case_policies import CasePolicy, gravest_policy, merged
from seawall.review.machine import (
    AppealAnswered,
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
from seawall.review.priority import DOUBLING_MS, expected_harm, urgency
from seawall.review.queries import (
    CaseFilters,
    case_of_item,
    count_cases,
    get_case,
    items_of_child_safety,
    list_cases,
)

ITEM = ItemRef("comment", "it_1", 1)


def fired(*reasons: Reason, source: DecisionSource = DecisionSource.SCREEN, queue: str | None = None) -> Decided:
    """A decision whose rules ask for their queues; a person's asks for ``queue``."""
    asked = {reason.queue: reason.priority for reason in reasons if reason.queue is not None}
    asked |= {queue: 0.5} if queue is not None else {}
    actions = (
        Action("hold"),
        *(Action("review", {"queue": name, "priority": at or 0.5}) for name, at in asked.items()),
    )
    return Decided(
        Decision(id="dec_1", at=0, item=ITEM, source=source, verdict=Verdict.HOLD, actions=actions, reasons=reasons)
    )


def reason(policy: str, harm: str, queue: str | None, priority: float = 0.5) -> Reason:
    return Reason(policy=policy, rule="r", harm=harm, queue=queue, priority=priority)


SELF_HARM = reason("self-harm", "self_harm", "care", 0.4)
THREAT = reason("threats", "threat", "threats", 1.0)
SPAM = reason("spam", "spam", "spam", 1.0)
GROOMING = reason("grooming", "grooming", "child-safety", 0.3)


def after(*facts: Fact) -> Case:
    case = new_case(ITEM)
    for at, fact in enumerate(facts, start=1):
        case = step(case, fact, at)
    return case


@pytest.mark.parametrize(
    "facts", [(fired(SELF_HARM, THREAT),), (fired(THREAT, SELF_HARM),), (fired(SELF_HARM), fired(THREAT))]
)
def test_a_threat_beside_a_word_of_self_harm_waits_in_the_queue_of_threats(facts: tuple[Fact, ...]) -> None:
    case = after(*facts)
    assert (case.queue, case.policy, case.harm) == ("threats", "threats", "threat")
    assert [(one.policy, one.queue, one.severity) for one in case.policies] == [
        ("self-harm", "care", 5),
        ("threats", "threats", 5),
    ]


def test_the_severest_harm_names_the_case_however_urgent_the_others_are() -> None:
    assert after(fired(SPAM, SELF_HARM)).queue == "care"
    assert after(fired(THREAT, GROOMING)).queue == "child-safety"  # in the queue of those who see it
    only = after(fired(SPAM, replace(THREAT, queue=None, priority=None)))
    assert (only.policy, only.queue) == ("threats", "spam")  # the threat is removed without a review


def test_what_a_report_names_is_a_policy_of_the_case_beside_those_that_fired() -> None:
    case = after(fired(SPAM), Reported("user", "harassment", harm="harassment"), Reported("staff", "nobody-knows-it"))
    assert [(one.policy, one.rule, one.reported, one.severity) for one in case.policies] == [
        ("harassment", None, True, 3),
        ("nobody-knows-it", None, True, None),
        ("spam", "r", False, 1),
    ]
    assert (case.policy, case.queue) == ("harassment", "spam")  # a report asks for no queue


def test_a_case_that_opens_again_has_the_policies_since_then() -> None:
    case = after(fired(SPAM), Reviewed("violates"), fired(THREAT))
    assert [one.policy for one in case.policies] == ["threats"]


def test_a_case_that_a_person_sends_on_keeps_its_policies_and_its_new_queue() -> None:
    case = after(
        fired(SPAM, THREAT),
        Reviewed("violates", {"spam": "violates"}),
        fired(replace(SPAM, queue=None, priority=None), source=DecisionSource.REVIEW, queue="legal"),
    )
    assert (case.queue, case.state) == ("legal", CaseState.OPEN)
    assert {one.policy: one.judged for one in case.policies} == {"spam": "violates", "threats": None}
    assert step(case, Routed("elsewhere"), 9).queue == "legal"
    assert step(case, fired(THREAT), 9).queue == "legal"
    assert step(case, fired(GROOMING), 9).queue == "child-safety"  # graver than what the person saw


def test_a_route_keeps_the_case_until_something_else_is_found() -> None:
    case = after(fired(SPAM), Routed("night-shift"))
    assert (case.queue, case.queue_by) == ("night-shift", "route")
    assert step(case, fired(SPAM), 9).queue == "night-shift"
    assert step(case, fired(THREAT), 9).queue == "threats"


def test_decisions_of_earlier_releases_name_no_queue_for_each_policy() -> None:
    old = [replace(one, queue=None, priority=None) for one in (SPAM, THREAT)]
    actions = (Action("review", {"queue": "spam", "priority": 0.3}), Action("review", {"queue": "threats"}))
    made = replace(fired(*old).decision, actions=actions)
    assert after(Decided(made)).queue == "threats"


@given(st.permutations([SELF_HARM, THREAT, SPAM, GROOMING]))
def test_the_order_in_which_rules_fired_is_of_no_consequence(reasons: list[Reason]) -> None:
    together = after(fired(*reasons))
    one_by_one = after(*(fired(each) for each in reasons))
    assert together.policies == one_by_one.policies
    assert together.queue == one_by_one.queue == "child-safety"


policies = st.builds(
    CasePolicy,
    policy=st.sampled_from(["a", "b", "c"]),
    rule=st.sampled_from([None, "r", "s"]),
    harm=st.sampled_from([None, "spam", "threat", "grooming"]),
    priority=st.floats(0, 1),
    queue=st.sampled_from([None, "q", "z"]),
    reported=st.booleans(),
)


@given(st.lists(policies, max_size=6))
def test_merged_policies_are_each_named_once_and_lose_nothing(found: list[CasePolicy]) -> None:
    both = merged((), found)
    assert [one.policy for one in both] == sorted({one.policy for one in found})
    for one in both:
        same = [each for each in found if each.policy == one.policy]
        assert one.priority == max(each.priority for each in same)
        assert (one.harm is None) == all(each.harm is None for each in same)
        assert (one.queue is None) == all(each.queue is None for each in same)
    first = gravest_policy(both)
    assert (first is None) == (not found)
    assert all((first.severity or 0) >= (one.severity or 0) for one in both if first is not None)


# -- the order ---------------------------------------------------------------------------------------------------------

cases = st.tuples(st.integers(1, 5), st.floats(0, 1), st.integers(0, 50), st.booleans(), st.integers(0, 10**9))


@given(cases, cases, st.integers(10**9, 10**10))
def test_the_stored_score_orders_cases_by_expected_harm_at_any_later_time(a: Any, b: Any, now: int) -> None:
    def harm(severity: int, probability: float, reports: int, visible: bool, opened_at: int) -> float:
        reach = (1 + reports) * (1 if visible else 0.5)
        return expected_harm(severity, probability) * reach * 2 ** ((now - opened_at) / DOUBLING_MS)

    def score(severity: int, probability: float, reports: int, visible: bool, opened_at: int) -> float:
        return urgency(severity, probability, reports, visible=visible, opened_at=opened_at)

    if harm(*a) > harm(*b) * 1.00001:  # scores are rounded
        assert score(*a) > score(*b)


def test_reports_and_graver_findings_move_a_case_up_and_withholding_moves_it_down() -> None:
    shown = replace(fired(SPAM).decision, verdict=Verdict.ALLOW, actions=(Action("review", {"queue": "spam"}),))
    case = after(Decided(shown))
    withheld, reported = step(case, fired(SPAM), 2), step(case, Reported("user", None, "en_1"), 2)
    assert withheld.score < case.score < reported.score
    assert step(reported, Reported("user", None, "en_1", repeated=True), 3).score == reported.score
    assert step(reported, Reported("authority", None, "en_2"), 3).score > reported.score
    assert step(case, Decided(replace(shown, reasons=(THREAT,))), 2).score > reported.score


# -- access follows the harm ---------------------------------------------------------------------------------------

FINDS = [fired(GROOMING), fired(GROOMING, THREAT), Reported("user", "grooming", harm="grooming")]
MOVES: list[Fact] = [
    fired(SPAM),
    fired(THREAT),
    Decided(replace(fired().decision, actions=(), verdict=Verdict.ALLOW)),  # a complete look that finds nothing
    Reported("authority", "spam", harm="spam"),
    Reported("user", None),
    Routed("general"),
    Reviewed("violates"),
    Reviewed("violates", {"spam": "does_not_violate", "grooming": "not_judged"}),
    fired(replace(SPAM, queue=None, priority=None), source=DecisionSource.REVIEW, queue="legal"),
    ReviewTakenBack(),
    ReopenedByPerson(),
    PassedOn("cannot_tell"),
    Appealed(),
    AppealAnswered(),
]
NEED_A_CASE = (Reviewed, Routed, ReviewTakenBack, ReopenedByPerson, PassedOn, AppealAnswered)
CLEARS = [Reviewed("does_not_violate"), Reviewed("keeps_measure")]


@given(
    st.lists(st.sampled_from(MOVES), max_size=5), st.sampled_from(FINDS), st.lists(st.sampled_from(MOVES), max_size=12)
)
def test_wherever_it_is_moved_a_case_of_child_safety_stays_with_its_specialists(
    before: list[Fact], found: Fact, moves: list[Fact]
) -> None:
    case = new_case(ITEM)
    for at, fact in enumerate([*before, found, *moves], start=1):
        if case.state is CaseState.NONE and isinstance(fact, NEED_A_CASE):
            continue
        case = step(case, fact, at)
        assert case.child_safety == (at > len(before)), fact
    if case.state is not CaseState.NONE:
        for clear in CLEARS:
            assert not step(case, clear, 99).child_safety
            assert step(step(case, clear, 99), ReviewTakenBack(), 100).child_safety


def test_taking_back_a_review_restricts_a_case_again_whose_own_policies_name_no_child() -> None:
    removed = Decided(replace(fired(GROOMING).decision, verdict=Verdict.BLOCK, actions=(Action("remove"),)))
    case = after(removed, Reported("user", "spam", harm="spam"))
    assert (case.child_safety, [one.policy for one in case.policies]) == (True, ["spam"])
    cleared = step(case, Reviewed("does_not_violate"), 9)
    assert not cleared.child_safety
    assert step(cleared, ReviewTakenBack(), 10).child_safety
    again = step(step(cleared, Reported("user", "spam", harm="spam"), 10), Reviewed("violates"), 11)
    assert not step(again, ReviewTakenBack(), 12).child_safety  # it was not the last review that cleared it


def test_only_an_answer_about_each_policy_of_child_safety_clears_a_case_that_violates_another() -> None:
    other = reason("covert-messages", "grooming", "child-safety")
    case = after(fired(GROOMING, other, SPAM))
    judged = {"grooming": "does_not_violate", "spam": "violates"}
    assert step(case, Reviewed("violates", judged), 9).child_safety
    assert not step(case, Reviewed("violates", judged | {"covert-messages": "does_not_violate"}), 9).child_safety


def test_harms_of_child_safety_are_the_severest() -> None:
    assert {"child_safety", "grooming"} == CHILD_SAFETY_HARMS
    assert {HARMS[harm].severity for harm in CHILD_SAFETY_HARMS} == {5}


def grooming_case(desk: Any) -> tuple[str, ItemRef, Decision]:
    """A case of child safety."""
    item, actor = desk.item()
    made = desk.decide(item, actor, Action("hold"), Action("review", {"queue": "child-safety"}), reasons=(GROOMING,))
    return review.case_id(item.ref), item, made


def test_lists_leases_and_answers_leave_out_a_case_of_child_safety(desk: Any) -> None:
    case, item, made = grooming_case(desk)
    with desk.database.read() as connection:
        assert list_cases(connection, CaseFilters(), 0, limit=9) == []
        assert [row.id for row in list_cases(connection, CaseFilters(child_safety=True), 0, limit=9)] == [case]
        assert count_cases(connection, "open", child_safety=False).queues == []
        assert items_of_child_safety(connection, [item.ref, "it_none"]) == {item.ref}
    assert review.next_case(desk.database, "per_1") is None
    for refused in (review.take, review.renew):
        with pytest.raises(review.CaseRestricted, match="role child_safety"):
            refused(desk.database, case, "per_1")
    found = review.next_case(desk.database, "per_2", child_safety=True)
    assert found is not None
    with pytest.raises(review.CaseRestricted):
        desk.submit(case, person="per_2")
    desk.submit(
        case, person="per_2", child_safety=True, answer=review.DOES_NOT_VIOLATE, policy=None, actions=(),
        reason="not_a_violation", seen=made.id,
    )  # fmt: skip
    with desk.database.read() as connection:
        assert [row.id for row in list_cases(connection, CaseFilters(state="closed"), 0, limit=9)] == [case]
        assert not items_of_child_safety(connection, [item.ref])


def test_a_case_that_becomes_one_of_child_safety_leaves_the_hands_of_who_holds_it(desk: Any) -> None:
    case, item, made = desk.case()
    review.take(desk.database, case, "per_1")
    desk.decide(item, made.actor, Action("hold"), Action("review", {"queue": "child-safety"}), reasons=(GROOMING,))
    with pytest.raises(review.CaseRestricted):
        review.renew(desk.database, case, "per_1")
    with pytest.raises(review.CaseRestricted):
        desk.submit(case)
    assert desk.row(case).state == "open"


def test_an_item_that_was_removed_without_a_case_is_of_child_safety_all_the_same(desk: Any) -> None:
    item, actor = desk.item()
    desk.decide(item, actor, Action("remove"), reasons=(replace(GROOMING, queue=None, priority=None),))
    with desk.database.read() as connection:
        assert items_of_child_safety(connection, [item.ref]) == {item.ref}
        assert case_of_item(connection, item.ref, 0) is None
        assert list_cases(connection, CaseFilters(state="none", child_safety=True), 0, limit=9) == []
    with pytest.raises(review.NoSuchCase):
        review.take(desk.database, review.case_id(item.ref), "per_1", child_safety=True)
    desk.report(item)  # somebody calls it spam: the case is the specialists' from its first moment
    with desk.database.read() as connection:
        found = get_case(connection, review.case_id(item.ref), 0)
    assert found is not None
    assert found.child_safety
    assert review.next_case(desk.database, "per_1") is None
    assert desk.ledger.rebuild().equal


def test_what_stays_in_force_does_so_under_the_policy_that_fired_not_under_one_that_a_report_claims(desk: Any) -> None:
    item, actor = desk.item()
    help_line = replace(SELF_HARM, harm="eating_disorder")
    made = desk.decide(item, actor, Action("advisory"), Action("review", {"queue": "care"}), reasons=(help_line,))
    report = ReportReceived(report="rep_1", item=item, reporter=None, kind="user", policy="threats", harm="threat")
    desk.ledger.commit(lambda tx: tx.append(report))
    case = review.case_id(item.ref)
    assert desk.row(case).policy == "threats"
    review.take(desk.database, case, "per_1")
    with pytest.raises(review.BadAnswer, match="does not allow"):
        desk.submit(case, actions=(Action("advisory"),))  # the tests' comments have no advisory of a person's
    decided = desk.submit(
        case, answer=review.KEEPS_MEASURE, policy=None, actions=(Action("advisory"),), reason="person_at_risk",
        seen=made.id,
    )  # fmt: skip
    assert [(one.policy, one.harm) for one in decided.reasons] == [("self-harm", "eating_disorder")]
