"""The life of a case, exhaustively: every state against everything that may happen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.model import Action, Decision, DecisionSource, ItemRef, Reason, Verdict
from seawall.review.machine import (
    APPEALS_QUEUE,
    REPORT_PRIORITY,
    REPORTS_QUEUE,
    TRANSITIONS,
    AppealAnswered,
    Appealed,
    Case,
    CaseState,
    CaseTrigger,
    Decided,
    Fact,
    LanguageFound,
    PassedOn,
    ReopenedByPerson,
    Reported,
    Reviewed,
    ReviewTakenBack,
    Routed,
    case_id,
    new_case,
    step,
)

ITEM = ItemRef("comment", "it_1", 1)


def decision(
    verdict: Verdict = Verdict.ALLOW,
    *actions: Action,
    degraded: bool = False,
    source: DecisionSource = DecisionSource.SCREEN,
    policy: str = "hateful-conduct",
) -> Decision:
    reasons = (Reason(policy=policy, rule="likely", harm="hate"),) if actions else ()
    return Decision(
        id="dec_1",
        at=0,
        item=ITEM,
        source=source,
        verdict=verdict,
        actions=actions,
        reasons=reasons,
        actor="en_1",
        degraded=degraded,
    )


def asking(queue: str = "hate", priority: float = 0.8, **more: object) -> Decided:
    return Decided(decision(Verdict.HOLD, Action("review", {"queue": queue, "priority": priority}), **more))  # type: ignore[arg-type]


CLEARED = Decided(decision())
REPORTED = Reported("user", None)
REVIEWED = Reviewed("violates")

FACTS: dict[CaseTrigger, list[Fact]] = {
    CaseTrigger.ASKED: [asking()],
    CaseTrigger.CLEARED: [CLEARED],
    CaseTrigger.DECIDED: [
        Decided(decision(degraded=True)),
        Decided(decision(Verdict.BLOCK, Action("remove"))),
        Decided(decision(source=DecisionSource.REVIEW)),
        Decided(decision(Verdict.HOLD, Action("review", {"queue": "hate"}), source=DecisionSource.UNDO)),
        Decided(decision(source=DecisionSource.UNDO)),
    ],
    CaseTrigger.REPORTED: [Reported(kind, None) for kind in REPORT_PRIORITY],
    CaseTrigger.REVIEWED: [Reviewed("violates"), Reviewed("does_not_violate")],
    CaseTrigger.UNDONE: [ReviewTakenBack()],
    CaseTrigger.REOPENED: [ReopenedByPerson()],
    CaseTrigger.PASSED_ON: [PassedOn("cannot_tell"), PassedOn("not_my_language"), PassedOn("needs_specialist")],
    CaseTrigger.APPEALED: [Appealed(), Appealed((Reason(policy="spam", rule="certain", harm="spam"),))],
    CaseTrigger.APPEAL_ANSWERED: [AppealAnswered()],
    CaseTrigger.ROUTED: [Routed("night-shift")],
    CaseTrigger.LANGUAGE_FOUND: [LanguageFound("de"), LanguageFound(None)],
}

BEFORE = {
    CaseState.NONE: new_case(ITEM),
    CaseState.OPEN: replace(new_case(ITEM), state=CaseState.OPEN, opened_at=1, queue="hate", priority=0.5),
    CaseState.CLOSED: replace(new_case(ITEM), state=CaseState.CLOSED, opened_at=1, closed_at=2, queue="hate"),
}


@pytest.mark.parametrize("state", CaseState)
@pytest.mark.parametrize("trigger", CaseTrigger)
def test_every_state_meets_every_happening(state: CaseState, trigger: CaseTrigger) -> None:
    target = TRANSITIONS.get((state, trigger))
    for fact in FACTS[trigger]:
        if target is None:
            with pytest.raises(ValueError, match="cannot be"):
                step(BEFORE[state], fact, 9)
        else:
            assert step(BEFORE[state], fact, 9).state is target


def test_only_what_people_and_routes_do_with_a_case_that_never_was_is_impossible() -> None:
    missing = {(state, trigger) for state in CaseState for trigger in CaseTrigger} - set(TRANSITIONS)
    by_people = (CaseTrigger.UNDONE, CaseTrigger.REOPENED, CaseTrigger.PASSED_ON)  # a review can be one in bulk
    others = (CaseTrigger.APPEAL_ANSWERED, CaseTrigger.ROUTED, CaseTrigger.LANGUAGE_FOUND)
    assert missing == {(CaseState.NONE, trigger) for trigger in (*by_people, *others)}


def test_nothing_of_the_machine_closes_an_appealed_case() -> None:
    closed = step(step(new_case(ITEM), asking(), 1), REVIEWED, 2)
    case = step(closed, Appealed(decision(Verdict.BLOCK, Action("remove")).reasons), 3)
    assert (case.state, case.queue, case.appeals, case.policy) == (CaseState.OPEN, APPEALS_QUEUE, 1, "hateful-conduct")
    for fact in (CLEARED, cleared(2), Decided(decision(Verdict.BLOCK, Action("remove"))), REVIEWED):
        after = step(case, fact, 4)
        assert (after.state, after.queue, after.appeals) == (CaseState.OPEN, APPEALS_QUEUE, 1)
    answered = step(case, AppealAnswered(), 5)
    assert (answered.state, answered.closed_at, answered.appeals) == (CaseState.CLOSED, 5, 0)


@pytest.mark.parametrize(("came", "queue"), [(asking("spam", 0.1), "spam"), (REPORTED, REPORTS_QUEUE)])
def test_what_came_during_an_appeal_waits_when_it_is_answered(came: Fact, queue: str) -> None:
    case = step(step(new_case(ITEM), Appealed(), 1), came, 2)
    assert (case.queue, case.returns_to) == (APPEALS_QUEUE, queue)
    back = step(case, AppealAnswered(), 3)
    assert (back.state, back.queue, back.returns_to) == (CaseState.OPEN, queue, None)
    judged = step(step(case, REVIEWED, 3), AppealAnswered(), 3)  # an overturn is a review: it judged that as well
    assert judged.state is CaseState.CLOSED


def test_an_appeal_of_a_waiting_case_gives_it_back_and_never_hides_a_graver_harm() -> None:
    waiting = step(new_case(ITEM), flagged("grooming"), 1)
    case = step(waiting, Appealed((Reason(policy="spam", rule="r", harm="spam"),)), 2)
    assert (case.harm, case.returns_to, case.severe_revision) == ("grooming", "q", 1)
    back = step(case, AppealAnswered(), 3)
    assert (back.state, back.queue, back.severe_revision) == (CaseState.OPEN, "q", 1)
    graver = step(step(new_case(ITEM), flagged("spam"), 1), Appealed((Reason(policy="g", rule="r", harm="threat"),)), 2)
    assert graver.harm == "threat"


def test_two_appeals_are_both_answered() -> None:
    case = step(step(new_case(ITEM), Appealed(), 1), Appealed(), 2)
    assert case.appeals == 2
    assert step(case, AppealAnswered(), 3).state is CaseState.OPEN
    assert step(step(case, AppealAnswered(), 3), AppealAnswered(), 4).state is CaseState.CLOSED


def test_a_muted_reporter_is_received_and_comes_last() -> None:
    case = step(new_case(ITEM), Reported("user", None, "en_9", muted=True), 1)
    assert (case.state, case.reports, case.priority) == (CaseState.OPEN, 1, 0.0)
    assert step(case, REPORTED, 2).priority == REPORT_PRIORITY["user"]


def test_the_most_urgent_of_several_review_actions_chooses_the_queue() -> None:
    asked = Decided(
        decision(
            Verdict.HOLD,
            Action("review", {"queue": "spam", "priority": 0.3}),
            Action("review", {"queue": "threats", "priority": 1.0}),
        )
    )
    case = step(new_case(ITEM), asked, 5)
    assert (case.queue, case.priority, case.opened_at) == ("threats", 1.0, 5)
    assert (case.policy, case.rule, case.harm, case.actor) == ("hateful-conduct", "likely", "hate", "en_1")


def test_an_open_case_moves_to_a_more_urgent_queue_and_never_to_a_calmer_one() -> None:
    case = step(new_case(ITEM), asking("hate", 0.5), 1)
    assert step(case, asking("spam", 0.2), 2).queue == "hate"
    urgent = step(case, asking("threats", 0.9), 2)
    assert (urgent.queue, urgent.priority, urgent.opened_at) == ("threats", 0.9, 1)


def test_a_cleared_case_closes_unless_somebody_reported_it() -> None:
    case = step(new_case(ITEM), asking(), 1)
    assert step(case, CLEARED, 2).state is CaseState.CLOSED
    reported = step(case, REPORTED, 2)
    assert step(reported, CLEARED, 3).state is CaseState.OPEN


def flagged(harm: str, revision: int = 1, **more: object) -> Decided:
    made = decision(Verdict.HOLD, Action("review", {"queue": "q", "priority": 0.5}))
    reason = Reason(policy="p", rule="r", harm=harm)
    return Decided(replace(made, reasons=(reason,), item=replace(ITEM, revision=revision), **more))  # type: ignore[arg-type]


def cleared(revision: int) -> Decided:
    return Decided(replace(decision(), item=replace(ITEM, revision=revision)))


@pytest.mark.parametrize("harm", ["child_safety", "grooming", "threat", "self_harm", "terrorism", "intimate_images"])
def test_an_edit_does_not_close_the_case_of_a_severe_harm(harm: str) -> None:
    case = step(new_case(ITEM), flagged(harm), 1)
    assert case.severe_revision == 1
    case = step(step(case, cleared(2), 2), cleared(3), 3)
    assert (case.state, case.severe_revision) == (CaseState.OPEN, 1)
    # A milder finding in a later revision does not hide what the first one had.
    case = step(step(case, flagged("hate", 4), 4), cleared(5), 5)
    assert (case.state, case.severe_revision) == (CaseState.OPEN, 1)
    case = step(case, REVIEWED, 6)
    assert case.state is CaseState.CLOSED
    taken_back = step(case, ReviewTakenBack(), 7)
    assert step(taken_back, cleared(6), 8).state is CaseState.OPEN  # nobody has judged it now
    again = step(case, asking("spam"), 7)
    assert again.severe_revision is None
    assert step(case, ReopenedByPerson(), 7).severe_revision is None  # it was judged


def test_a_complete_look_at_the_flagged_revision_itself_closes_its_case() -> None:
    assert step(step(new_case(ITEM), flagged("grooming"), 1), cleared(1), 2).state is CaseState.CLOSED


def test_an_edit_closes_the_case_of_a_lesser_harm() -> None:
    case = step(new_case(ITEM), flagged("hate"), 1)
    assert step(case, cleared(2), 2).state is CaseState.CLOSED


def test_a_severe_harm_in_a_case_that_was_opened_for_less_is_remembered() -> None:
    case = step(step(new_case(ITEM), flagged("spam"), 1), flagged("threat", 2), 2)
    assert step(case, cleared(3), 3).state is CaseState.OPEN


def test_a_report_after_a_review_opens_the_case_again_and_counts_afresh() -> None:
    case = step(new_case(ITEM), REPORTED, 1)
    case = step(step(case, REPORTED, 2), REVIEWED, 3)
    assert (case.state, case.reports, case.closed_at, case.answer) == (CaseState.CLOSED, 2, 3, "violates")
    again = step(case, Reported("authority", "threats"), 4)
    assert (again.state, again.reports, again.reviews, again.opened_at) == (CaseState.OPEN, 1, 1, 4)
    assert (again.queue, again.priority, again.closed_at) == (REPORTS_QUEUE, REPORT_PRIORITY["authority"], None)


def test_a_report_never_makes_a_case_less_urgent() -> None:
    case = step(new_case(ITEM), asking(priority=0.9), 1)
    assert step(case, REPORTED, 2).priority == 0.9


def test_ids_follow_the_item() -> None:
    assert case_id("it_01kz") == "case_01kz"


NEED_A_CASE = (Reviewed, ReviewTakenBack, ReopenedByPerson, PassedOn, AppealAnswered, Routed, LanguageFound)
facts = st.sampled_from([fact for kind in FACTS.values() for fact in kind] + [asking("spam", 0.2), asking("x", 1.0)])


@given(st.lists(facts, max_size=12))
def test_a_case_stays_coherent_whatever_happens(happened: list[Fact]) -> None:
    case: Case = new_case(ITEM)
    reviews = 0
    for at, fact in enumerate(happened, start=1):
        if case.state is CaseState.NONE and isinstance(fact, NEED_A_CASE):
            continue
        reviews += isinstance(fact, Reviewed) - isinstance(fact, ReviewTakenBack)
        case = step(case, fact, at)
        assert (case.closed_at is not None) == (case.state is CaseState.CLOSED)
        assert case.reviews == reviews
        assert 0 <= case.priority <= 1
        if isinstance(fact, Reviewed):
            assert case.state is (CaseState.OPEN if case.appeals else CaseState.CLOSED)
        assert case.appeals == 0 or (case.state is CaseState.OPEN and case.queue == APPEALS_QUEUE)
        assert case.appeals > 0 or case.queue != APPEALS_QUEUE or case.state is CaseState.CLOSED
        if isinstance(fact, Reported):
            assert case.state is CaseState.OPEN
            assert case.reports >= 1
