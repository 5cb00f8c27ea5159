"""A reviewer's answer: a decision like any other, once, with its effects, on both databases."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from seawall import review, screen
from seawall.enforce.tables import enforcement
from seawall.model import Action, Decision, DecisionSource, Verdict
from seawall.model.events import DecisionMade
from seawall.review.events import ReviewSubmitted
from seawall.review.queries import get_case
from seawall.review.tables import lease
from seawall.review.tables import review as review_table
from seawall.screen.queries import get_item
from seawall.screen.tables import item as item_table


def held(desk: Any, *actions: Action) -> tuple[str, Any, Decision]:
    case, item, decision = desk.case(*actions)
    review.take(desk.database, case, "per_1")
    return case, item, decision


def in_force(desk: Any, item: Any) -> set[str]:
    with desk.database.read() as connection:
        query = select(enforcement.c.kind).where(enforcement.c.item == item.ref, enforcement.c.state == "active")
        return set(connection.execute(query).scalars())


def test_a_violation_is_decided_enforced_and_closes_the_case(desk: Any) -> None:
    case, item, before = held(desk)
    assert in_force(desk, item) == {"hold"}
    decision = desk.submit(case, actions=(Action("remove"), Action("strike", {"weight": 2.0, "for": 86_400.0})))
    assert (decision.verdict, decision.source, decision.supersedes) == (Verdict.BLOCK, DecisionSource.REVIEW, before.id)
    assert decision.reviewer == "per_1"
    assert [(one.policy, one.rule, one.harm) for one in decision.reasons] == [("rudeness", "review", "harassment")]
    assert in_force(desk, item) == {"remove", "strike"}
    row = desk.row(case)
    assert (row.state, row.answer, row.reviews, row.decision) == ("closed", "violates", 1, decision.id)
    with desk.database.read() as connection:
        head = connection.execute(select(item_table).where(item_table.c.ref == item.ref)).one()
        assert (head.decision, head.verdict) == (decision.id, "block")
        assert connection.execute(select(lease)).first() is None
        stored = connection.execute(select(review_table)).one()
    assert (stored.case, stored.reviewer, stored.answer, stored.policy) == (case, "per_1", "violates", "rudeness")


def test_no_violation_lifts_what_the_machine_did(desk: Any) -> None:
    case, item, _ = held(desk, Action("remove"))
    decision = desk.submit(case, answer=review.DOES_NOT_VIOLATE, policy=None, actions=(), reason="not_a_violation")
    assert (decision.verdict, decision.actions, decision.reasons) == (Verdict.ALLOW, (), ())
    assert in_force(desk, item) == set()
    assert desk.row(case).answer == "does_not_violate"


def test_the_note_is_sealed_and_the_ledger_has_codes_only(desk: Any) -> None:
    case, item, _ = held(desk)
    desk.submit(case, note="It names Jane Doe of Elm Street.")
    bodies = [event.body for event in desk.ledger.events()]
    submitted = next(body for body in bodies if isinstance(body, ReviewSubmitted))
    assert desk.vault.open(item.ref, f"review/{submitted.review}") == b"It names Jane Doe of Elm Street."
    assert "Jane" not in repr(bodies)
    reviewed = bodies.index(submitted)
    assert isinstance(bodies[reviewed + 1], DecisionMade)


def test_of_many_submits_at_once_exactly_one_wins(desk: Any) -> None:
    case, item, _ = held(desk)
    start = threading.Barrier(5)
    outcomes: list[object] = []

    def submit() -> None:
        start.wait()
        try:
            outcomes.append(desk.submit(case))
        except review.ReviewError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=submit) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    won = [outcome for outcome in outcomes if isinstance(outcome, Decision)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, review.CaseMoved)]
    assert (len(won), len(lost)) == (1, 4)
    assert "closed" in str(lost[0])
    assert in_force(desk, item) == {"remove"}


def test_without_the_lease_nothing_is_decided(desk: Any) -> None:
    case, item, _ = held(desk)
    with pytest.raises(review.CaseTaken, match="Another reviewer"):
        desk.submit(case, person="per_2")
    review.release(desk.database, case, "per_1")
    with pytest.raises(review.CaseTaken, match="expired"):
        desk.submit(case)
    review.take(desk.database, case, "per_1", ms=0)
    with pytest.raises(review.CaseTaken, match="expired"):
        desk.submit(case)
    with pytest.raises(review.NoSuchCase):
        desk.submit("case_none")
    assert in_force(desk, item) == {"hold"}
    assert desk.row(case).state == "open"


def test_an_answer_about_a_superseded_decision_is_refused(desk: Any) -> None:
    case, item, before = held(desk)
    later = desk.decide(item, before.actor, Action("remove"), supersedes=before.id)
    with pytest.raises(review.CaseMoved, match="decided again"):
        desk.submit(case, seen=before.id)
    assert desk.submit(case, seen=later.id).supersedes == later.id


def test_an_answer_about_a_revision_that_was_edited_meanwhile_is_refused(desk: Any) -> None:
    case, item, before = held(desk)
    desk.edit(item, before.actor)  # submitted for a worker: the decision in force is still the one that was seen
    with pytest.raises(review.CaseMoved, match="edited since you opened"):
        desk.submit(case, seen=before.id, seen_revision=1)
    assert desk.row(case).state == "open"
    assert desk.submit(case, seen=before.id, seen_revision=2).item.revision == 2


def test_an_answer_is_refused_when_the_first_decision_came_meanwhile(desk: Any) -> None:
    item, actor = desk.item()
    desk.report(item)
    case = review.case_id(item.ref)
    review.take(desk.database, case, "per_1")
    found = desk.decide(item, actor, Action("hold"))
    with pytest.raises(review.CaseMoved, match="decided again"):
        desk.submit(case, seen=None, seen_revision=1)
    desk.submit(case, seen=found.id, seen_revision=1)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"answer": "maybe"}, "Choose an answer"),
        ({"reason": "not_a_violation"}, "does not go with this answer"),
        ({"answer": "does_not_violate", "policy": None, "actions": ()}, "does not go with this answer"),
        ({"answer": "keeps_measure", "policy": None, "reason": "person_at_risk"}, "hides the item"),
        ({"answer": "keeps_measure", "policy": None, "reason": "person_at_risk", "actions": ()}, "no measure in force"),
        ({"policy": None}, "policy"),
        ({"policy": "unheard-of"}, "policy"),
        ({"actions": ()}, "action"),
        ({"actions": (Action("terminate"),)}, "does not allow terminate"),
        ({"actions": (Action("explode"),)}, "no action"),
        ({"actions": (Action("remove"), Action("remove"))}, "once"),
        ({"actions": (Action("remove", {"because": "x"}),)}, "no parameter"),
        ({"actions": (Action("limit", {"for": -1.0}),)}, "above 0"),
        ({"actions": (Action("limit", {"for": float("nan")}),)}, "above 0"),
        ({"actions": (Action("warn", {"text": "Dear Jane Doe"}),)}, "code"),
        ({"actions": (Action("review"),)}, "needs queue"),
        ({"reason": ""}, "reason"),
        ({"reason": "Because I say so"}, "reason"),
        ({"note": "x" * 4_001}, "note"),
        ({"answer": "does_not_violate", "reason": "not_a_violation"}, "takes no policy and no action"),
    ],
)
def test_a_malformed_answer_is_refused_in_words(desk: Any, answer: dict[str, Any], says: str) -> None:
    case, item, _ = held(desk)
    with pytest.raises(review.BadAnswer, match=says):
        desk.submit(case, **answer)
    assert desk.row(case).state == "open"
    assert in_force(desk, item) == {"hold"}


def test_a_case_that_only_the_machine_asked_for_closes_when_a_complete_look_clears_it(desk: Any) -> None:
    case, item, before = desk.case()
    desk.decide(item, before.actor, supersedes=before.id, source=DecisionSource.LATE, degraded=True)
    assert desk.row(case).state == "open"
    desk.decide(item, before.actor, supersedes=before.id, source=DecisionSource.RESCREEN)
    assert (desk.row(case).state, desk.row(case).answer) == ("closed", None)


def test_a_report_since_the_case_was_taken_refuses_the_answer(desk: Any) -> None:
    case_id, item, decision = desk.case()
    review.take(desk.database, case_id, "per_1")
    desk.report(item, "trusted_flagger")
    review.renew(desk.database, case_id, "per_1")
    with pytest.raises(review.CaseMoved, match="reported since you opened"):
        desk.submit(case_id, seen=decision.id)
    assert desk.row(case_id).state == "open"
    review.take(desk.database, case_id, "per_1")
    desk.submit(case_id, seen=decision.id)
    assert desk.row(case_id).state == "closed"


def test_one_reporter_counts_once_and_a_new_report_is_still_seen(desk: Any) -> None:
    case_id, item, _ = desk.case()
    for reporter in ("en_1", "en_1", "en_2", "en_1", None, None):
        desk.report(item, reporter=reporter)
    assert desk.row(case_id).reports == 4  # two accounts, and two whom nobody knows
    review.take(desk.database, case_id, "per_1")
    desk.report(item, reporter="en_2")  # with something new to say, perhaps
    with pytest.raises(review.CaseMoved):
        desk.submit(case_id)
    review.take(desk.database, case_id, "per_1")
    desk.submit(case_id)
    desk.report(item, reporter="en_1")  # a new case of the item: they count again
    desk.report(item, reporter="en_1")
    assert desk.row(case_id).reports == 1


def test_a_case_of_a_withdrawn_content_type_can_be_closed_and_not_acted_on(desk: Any) -> None:
    case_id, _, _ = desk.case()
    review.take(desk.database, case_id, "per_1")
    nothing = review.Rulebook(content_types={}, harms={"rudeness": "harassment"})

    def says(answer: review.ReviewAnswer) -> Decision:
        return review.submit_review(desk.ledger, nothing, case_id, "per_1", answer, find_item=screen.status_of)

    with pytest.raises(review.BadAnswer, match="comment is no longer in force"):
        says(
            review.ReviewAnswer(
                answer=review.VIOLATES, policy="rudeness", actions=(Action("remove"),), reason="clear_violation"
            )
        )
    says(review.ReviewAnswer(answer=review.DOES_NOT_VIOLATE, reason="not_a_violation"))
    assert desk.row(case_id).state == "closed"


def test_a_reported_case_waits_for_a_person(desk: Any) -> None:
    case, item, before = desk.case()
    desk.report(item)
    desk.decide(item, before.actor, supersedes=before.id, source=DecisionSource.RESCREEN)
    assert (desk.row(case).state, desk.row(case).reports) == ("open", 1)


def test_a_report_alone_opens_a_case_that_can_be_decided(desk: Any) -> None:
    item, actor = desk.item()
    desk.decide(item, actor)
    assert desk.row(review.case_id(item.ref)) is None
    desk.report(item, "trusted_flagger")
    row = desk.row(review.case_id(item.ref))
    assert (row.queue, row.state, row.decision) == (review.REPORTS_QUEUE, "open", None)
    review.take(desk.database, row.id, "per_1")
    assert desk.submit(row.id).verdict is Verdict.BLOCK


def test_sending_a_case_on_opens_it_in_the_other_queue(desk: Any) -> None:
    case, _, _ = held(desk)
    onward = Action("review", {"queue": "legal", "priority": 0.9})
    desk.submit(case, actions=(Action("hold"), onward))
    row = desk.row(case)
    assert (row.state, row.queue, row.reviews) == ("open", "legal", 1)


def test_rebuilding_gives_the_same_cases_whatever_the_batches(desk: Any) -> None:
    for number in range(6):
        case, item, before = desk.case(priority=0.1 * number)
        if number % 2:
            desk.report(item)
        if number % 3 == 0:
            review.take(desk.database, case, "per_1")
            desk.submit(case)
            desk.report(item, "authority")
        else:
            desk.decide(item, before.actor, supersedes=before.id)
    rebuilt = desk.ledger.rebuild()
    assert rebuilt.equal


def test_no_violation_can_keep_the_measure_with_its_parameters(desk: Any) -> None:
    advisory = Action("advisory", {"text": "help-line"})
    case, item, before = desk.case(advisory, Action("hold"))
    review.take(desk.database, case, "per_1")
    made = desk.submit(
        case, answer=review.KEEPS_MEASURE, policy=None, actions=(advisory,), reason="person_at_risk", seen=before.id
    )
    assert in_force(desk, item) == {"advisory"}  # and what was held is published
    assert made.actions == (advisory,)
    assert [reason.policy for reason in made.reasons] == ["rudeness"]  # why the label is there
    other = Action("advisory", {"text": "graphic"})
    case, _, _ = desk.case(advisory)
    review.take(desk.database, case, "per_1")
    with pytest.raises(review.BadAnswer, match="no measure in force"):
        desk.submit(case, answer=review.KEEPS_MEASURE, policy=None, actions=(other,), reason="person_at_risk")


@pytest.mark.parametrize(
    ("allowed", "chosen", "proposed"),
    [
        (("remove", "hold", "strike"), ("hold",), {"remove"}),  # to propose nothing would publish it
        (("disable", "hold"), ("hold",), {"disable"}),
        (("remove", "disable", "hold"), ("hold", "disable"), {"disable"}),
        (("remove", "hold", "strike"), ("hold", "strike"), {"remove", "strike"}),
        (("remove", "advisory"), ("advisory",), {"advisory"}),
        (("remove", "advisory"), (), {"remove"}),
        (("advisory",), (), set()),
        (("remove", "review", "tag"), ("review", "tag"), {"remove"}),
        (("remove",), ("demote",), {"remove"}),  # the type does not allow it any more
    ],
)
def test_a_violation_proposes_what_is_no_milder_than_what_stands(
    rulebook: review.Rulebook, allowed: tuple[str, ...], chosen: tuple[str, ...], proposed: set[str]
) -> None:
    content_type = replace(rulebook.content_types["comment"], actions=allowed)
    assert set(review.preset_actions(content_type, [Action(kind) for kind in chosen])) == proposed


def test_what_an_answer_would_do_is_told_by_the_code_that_does_it(desk: Any, rulebook: review.Rulebook) -> None:
    case, item, before = desk.case(Action("hold"), Action("strike", {"weight": 1.0}))
    answer = review.ReviewAnswer(
        answer=review.VIOLATES, policy="rudeness", actions=(Action("remove"),), reason="clear_violation"
    )
    with desk.database.read() as connection:
        found, head = get_case(connection, case, 0), get_item(connection, item.ref)
        assert found is not None
        assert head is not None
        told = review.preview_review(connection, found, head, "per_1", answer, rulebook)
    seq = desk.ledger.head()
    assert ({one.action.kind for one in told.apply}, {one.kind for one in told.reverse}) == (
        {"remove"},
        {"hold", "strike"},
    )
    assert desk.ledger.head() == seq
    review.take(desk.database, case, "per_1")
    desk.submit(case, seen=before.id)
    assert in_force(desk, item) == {"remove"}


@pytest.mark.parametrize(
    ("judged", "says"),
    [
        ({"unheard-of": "violates"}, "no active policy 'unheard-of'"),
        ({"rudeness": "does_not_violate"}, "both that it is violated and that it is not"),
        ({"rudeness": "perhaps"}, "Say of rudeness"),
    ],
)
def test_what_is_said_about_other_policies_must_make_sense(desk: Any, judged: dict[str, str], says: str) -> None:
    case, _, _ = held(desk)
    with pytest.raises(review.BadAnswer, match=says):
        desk.submit(case, judged=judged)
    with pytest.raises(review.BadAnswer, match="takes no policy"):
        desk.submit(
            case,
            answer="does_not_violate",
            policy=None,
            actions=(),
            reason="not_a_violation",
            judged={"rudeness": "violates"},
        )
