"""Appeals and the outcome of reports over HTTP: who may, what is refused and why, and what the appellant sees."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from seawall import appeal, enforce, review, screen
from seawall.appeal.queries import appeal_labels, appeals_by_rule
from seawall.appeal.telling import ANSWERER, TELL_ANSWER
from seawall.appealed_decision import find_facts
from seawall.client import verify_webhook
from seawall.console.active_bundle import rulebook
from seawall.enforce.tables import enforcement
from seawall.model import Action, Decision
from seawall.storage import following
from seawall.storage.erasure import erase_subject, export_file, find_subject
from support.api import Client, problem
from support.receivers import receiving

TEXT = "It was a quotation from Jane Doe."


def removed(client: Client, id: str = "n-1", **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.screen("You fool", id=id, **more).json()
    assert answer["verdict"] == "block"
    return answer


def appealing(client: Client, key: str | None = None, **asked: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    body = {"appellant": "a-1", "text": TEXT, **asked}
    return client.send("POST", "/v1/appeals", key="appeal", json=body, headers=headers)


def status(client: Client, appeal_id: str) -> Any:
    return client.send("GET", f"/v1/appeals/{appeal_id}", key="appeal").json()


def reporting(client: Client, id: str, reporter: str = "u-9") -> str:
    asked = {"content_type": "note", "id": id, "reporter": reporter, "note": "Look."}
    return str(client.send("POST", "/v1/reports", key="report", json=asked).json()["report"])


def reviewed(client: Client, item: str, person: str = "per_1", answer: str = "does_not_violate") -> Decision:
    app = client.rig.app
    case = review.case_id(item)
    review.take(app.database, case, person)
    said = review.ReviewAnswer(answer=answer, reason="not_a_violation")
    if answer == review.VIOLATES:
        said = review.ReviewAnswer(answer=answer, policy="rude", actions=(Action("remove"),), reason="clear_violation")
    return review.submit_review(app.ledger, rulebook(app), case, person, said, find_item=screen.status_of)


def answered(client: Client, item: str, appeal_id: str, person: str = "per_2", **more: Any) -> Decision:
    """A reviewer overturns the appeal: nothing of the item violates, or with ``answer`` it does."""
    app = client.rig.app
    case = review.case_id(item)
    revision = more.pop("revision", 1)
    review.take(app.database, case, person)
    said = review.ReviewAnswer(**{"answer": review.DOES_NOT_VIOLATE, "reason": "quoted_or_condemned", **more})

    def record(tx: Any, decision: Decision) -> None:
        appeal.record_answer(
            tx,
            appeal_id,
            appeal.AppealTrigger.OVERTURNED,
            person=person,
            reason=said.reason,
            message="You are right.",
            decision=decision,
        )

    return review.submit_review(
        app.ledger,
        rulebook(app),
        case,
        person,
        said,
        find_item=screen.status_of,
        appeal=review.AppealAnswer(revision=revision, record=record),
    )


def in_force(client: Client, item: str) -> set[str]:
    query = select(enforcement.c.kind).where(enforcement.c.item == item, enforcement.c.state == "active")
    return {row["kind"] for row in client.rig.rows(query)}


@pytest.mark.parametrize("named", ["item", "decision"])
def test_the_author_appeals_and_the_case_waits_for_a_person(fresh: Client, named: str) -> None:
    screened = removed(fresh)
    ids = {"decision": screened["decision"]} if named == "decision" else {"content_type": "note", "id": "n-1"}
    answer = appealing(fresh, **ids)
    assert answer.status_code == 201, answer.text
    found = status(fresh, answer.json()["appeal"])
    assert (found["state"], found["role"], found["decision"]) == ("open", "author", screened["decision"])
    assert [(one["sender"], one["text"]) for one in found["messages"]] == [("appellant", TEXT)]
    (case,) = fresh.send("GET", "/v1/cases", key="review").json()
    assert (case["queue"], case["appeals"], case["harm"]) == ("appeals", 1, "harassment")
    assert "Jane" not in repr(fresh.rig.events())
    # No rescreen and no edit closes it.
    fresh.screen("You dear", id="n-1")
    (case,) = fresh.send("GET", "/v1/cases", key="review").json()
    assert (case["state"], case["appeals"]) == ("open", 1)


def test_what_is_refused_says_why(fresh: Client) -> None:
    screened = removed(fresh)
    fine = fresh.screen("hello", id="n-2").json()
    fresh.screen("hello", id="n-3", actor={"id": "a-3"})
    assert "no decision 'dec_none'" in problem(appealing(fresh, decision="dec_none"), 404)["detail"]
    assert "no note 'n-9'" in problem(appealing(fresh, content_type="note", id="n-9"), 404)["detail"]
    said = problem(appealing(fresh, decision=screened["decision"], appellant="nobody"), 403)["detail"]
    assert "neither the author" in said
    assert (
        "neither the author" in problem(appealing(fresh, decision=screened["decision"], appellant="a-3"), 403)["detail"]
    )
    assert "restricts nothing" in problem(appealing(fresh, decision=fine["decision"]), 409)["detail"]
    first = appealing(fresh, decision=screened["decision"]).json()["appeal"]
    said = problem(appealing(fresh, decision=screened["decision"], text="Again."), 409)["detail"]
    assert first in said
    assert "is open" in said
    for bad, pointer in (
        ({"decision": "dec_1", "content_type": "note", "id": "n-1"}, "/decision"),
        ({}, "/decision"),
        ({"content_type": "note"}, "/id"),
        ({"decision": "dec_1", "text": "  "}, "/text"),
        ({"decision": "dec_1", "text": "x" * 10_001}, "/text"),
        ({"decision": "dec_1", "appellant": ""}, "/appellant"),
    ):
        assert problem(appealing(fresh, **bad), 422)["pointer"] == pointer


def test_the_window_ends_after_the_days_of_the_content_type(fresh: Client) -> None:
    screened = removed(fresh)
    made = fresh.rig.app.explain(screened["decision"])[0]
    facts = appeal.DecisionFacts(
        decision=made,
        appellant=made.actor or "",
        in_force=True,
        reported=False,
        refused_report=None,
        deciders=(),
        head=made.id,
        window_days=184,
    )
    day = 24 * 3_600_000
    assert appeal.role_of(facts, made.at + 184 * day) is appeal.AppellantRole.AUTHOR
    with pytest.raises(appeal.AppealRefused, match="184 days; that time is over") as refused:
        appeal.role_of(facts, made.at + 184 * day + 1)
    assert refused.value.reason is appeal.Refusal.WINDOW_OVER


def test_a_key_makes_repetition_harmless_also_after_the_answer(fresh: Client) -> None:
    screened = removed(fresh)
    first = appealing(fresh, "k-1", decision=screened["decision"]).json()
    assert appealing(fresh, "k-1", decision=screened["decision"]).json() == first
    problem(appealing(fresh, "k-1", decision=screened["decision"], text="Another."), 409)
    answered(fresh, screened["item"], first["appeal"])
    assert appealing(fresh, "k-1", decision=screened["decision"]).json() == first


def test_an_overturn_reverses_also_the_strike_of_the_revision_before_an_edit(fresh: Client) -> None:
    screened = removed(fresh)
    made = appealing(fresh, decision=screened["decision"]).json()["appeal"]
    fresh.screen("You dear", id="n-1")
    assert in_force(fresh, screened["item"]) == {"strike"}
    decision = answered(fresh, screened["item"], made)
    assert in_force(fresh, screened["item"]) == set()
    found = status(fresh, made)
    assert (found["state"], found["new_decision"], found["reason"]) == (
        "overturned",
        decision.id,
        "quoted_or_condemned",
    )
    assert [(one["sender"], one["text"]) for one in found["messages"]][1:] == [("reviewer", "You are right.")]
    assert fresh.send("GET", "/v1/cases", key="review").json() == []
    with fresh.rig.app.database.read() as connection:
        rules = [(rule.policy, rule.rule, rule.answered, rule.overturned) for rule in appeals_by_rule(connection)]
        assert rules == [("rude", "certain", 1, 1), ("rude", "likely", 1, 1)]
        (label,) = appeal_labels(connection)
    assert (label.policy, label.violates, label.decision) == ("rude", False, decision.id)
    said = problem(appealing(fresh, decision=screened["decision"]), 409)["detail"]
    assert "Nothing of this decision is in force" in said


def test_who_decided_it_is_neither_offered_the_case_nor_takes_nor_decides_it(fresh: Client) -> None:
    app = fresh.rig.app
    screened = removed(fresh)
    case = review.case_id(screened["item"])
    first = reviewed(fresh, screened["item"], "per_1", review.VIOLATES)
    made = appealing(fresh, decision=first.id).json()["appeal"]
    assert review.next_case(app.database, "per_1") is None
    with pytest.raises(review.OwnDecision):
        review.take(app.database, case, "per_1")
    lease = review.next_case(app.database, "per_2")
    assert lease is not None
    assert lease.case == case
    assert answered(fresh, screened["item"], made).reviewer == "per_2"
    reporting(fresh, "n-1")  # once it is answered, nobody is excluded from what comes next
    assert review.take(app.database, case, "per_1").person == "per_1"


def test_an_appeal_that_arrives_while_its_decider_holds_the_case(fresh: Client) -> None:
    app = fresh.rig.app
    screened = removed(fresh)
    first = reviewed(fresh, screened["item"], "per_1", review.VIOLATES)
    reporting(fresh, "n-1")
    case = review.case_id(screened["item"])
    review.take(app.database, case, "per_1")
    made = appealing(fresh, decision=first.id).json()["appeal"]
    said = review.ReviewAnswer(answer=review.DOES_NOT_VIOLATE, reason="not_a_violation")
    with pytest.raises(review.OwnDecision):
        review.submit_review(app.ledger, rulebook(app), case, "per_1", said, find_item=screen.status_of)
    with pytest.raises(review.OwnDecision):
        review.renew(app.database, case, "per_1")
    assert review.take(app.database, case, "per_2").person == "per_2"  # without waiting for the lease to end
    with pytest.raises(review.CaseMoved, match="Answer the appeal"):
        review.submit_review(app.ledger, rulebook(app), case, "per_2", said, find_item=screen.status_of)
    assert answered(fresh, screened["item"], made).reviewer == "per_2"


def test_a_decision_between_the_look_and_the_record_counts(fresh: Client) -> None:
    """Somebody decides while the appeal is being recorded: it is they who may not answer it."""
    app = fresh.rig.app
    screened = removed(fresh)
    case = review.case_id(screened["item"])
    looks: list[str | None] = []

    def look(asked: appeal.Appeal) -> appeal.DecisionFacts:
        found = find_facts(app, asked)
        looks.append(found.head)
        if len(looks) == 1:
            reviewed(fresh, screened["item"], "per_9", review.VIOLATES)
        return found

    asked = appeal.Appeal(appellant="a-1", text=TEXT, decision=screened["decision"])
    appeal.receive_appeal(app.ledger, asked, find_facts=look, find_item=screen.status_of)
    assert len(looks) == 2
    with pytest.raises(review.OwnDecision):
        review.take(app.database, case, "per_9")


def test_a_decider_and_an_appeal_at_the_same_moment(fresh: Client) -> None:
    """However they interleave, no answer of the decider comes after the appeal of their decision."""
    app = fresh.rig.app
    said = review.ReviewAnswer(answer=review.DOES_NOT_VIOLATE, reason="not_a_violation")
    for number in range(4):
        screened = removed(fresh, f"race-{number}")
        first = reviewed(fresh, screened["item"], "per_1", review.VIOLATES)
        reporting(fresh, f"race-{number}")
        case = review.case_id(screened["item"])
        review.take(app.database, case, "per_1")
        start, outcomes = threading.Barrier(2), list[object]()

        def decide(case: str = case, start: threading.Barrier = start, outcomes: list[object] = outcomes) -> None:
            start.wait()
            try:
                outcomes.append(
                    review.submit_review(app.ledger, rulebook(app), case, "per_1", said, find_item=screen.status_of)
                )
            except review.ReviewError as error:
                outcomes.append(error)

        thread = threading.Thread(target=decide)
        thread.start()
        start.wait()
        received = appealing(fresh, decision=first.id).status_code
        thread.join()
        (outcome,) = outcomes
        if received == 201:
            assert isinstance(outcome, review.OwnDecision)
        else:
            assert (received, type(outcome)) == (409, Decision)  # the restriction was lifted before


def test_who_kept_a_removal_on_an_edit_decided_it(fresh: Client) -> None:
    screened = removed(fresh)
    reviewed(fresh, screened["item"], "per_1", review.VIOLATES)
    edited = fresh.screen("You fool!", id="n-1").json()
    assert edited["verdict"] == "block"
    appealing(fresh, decision=edited["decision"])
    with pytest.raises(review.OwnDecision):
        review.take(fresh.rig.app.database, review.case_id(screened["item"]), "per_1")


def test_a_reporter_hears_the_outcome_and_appeals_it(fresh: Client) -> None:
    screened = fresh.screen("hello", id="n-5").json()
    report = reporting(fresh, "n-5")
    path = f"/v1/reports/{report}"
    assert fresh.send("GET", path, key="report").json()["state"] == "received"
    assert "not decided yet" in problem(appealing(fresh, content_type="note", id="n-5", appellant="u-9"), 409)["detail"]
    refused = reviewed(fresh, screened["item"])
    found = fresh.send("GET", path, key="report").json()
    assert (found["state"], found["outcome"], found["decision"]) == ("decided", "not_restricted", refused.id)
    made = appealing(fresh, content_type="note", id="n-5", appellant="u-9").json()["appeal"]
    assert (status(fresh, made)["role"], status(fresh, made)["decision"]) == ("reporter", refused.id)
    answered(
        fresh,
        screened["item"],
        made,
        answer=review.VIOLATES,
        policy="rude",
        actions=(Action("remove"),),
        reason="clear_violation",
    )
    assert in_force(fresh, screened["item"]) == {"remove"}
    found = fresh.send("GET", path, key="report").json()
    assert (found["outcome"], found["on_appeal"]) == ("restricted", True)
    with fresh.rig.app.database.read() as connection:
        (label,) = appeal_labels(connection)
    assert (label.policy, label.violates) == ("rude", True)


def test_the_appellant_writes_and_withdraws_and_nobody_else_does(fresh: Client) -> None:
    screened = removed(fresh)
    made = appealing(fresh, decision=screened["decision"]).json()["appeal"]
    path = f"/v1/appeals/{made}"
    said = {"appellant": "a-1", "text": "Here is the source."}
    problem(fresh.send("POST", f"{path}/messages", key="appeal", json=said | {"appellant": "a-2"}), 403)
    assert fresh.send("POST", f"{path}/messages", key="appeal", json=said).status_code == 201
    app = fresh.rig.app
    appeal.answer_message(app.ledger, made, "Which page?", person="per_2", note=False)
    appeal.answer_message(app.ledger, made, "Looks like banter.", person="per_2", note=True)
    texts = [one["text"] for one in status(fresh, made)["messages"]]
    assert texts == [TEXT, "Here is the source.", "Which page?"]
    archive = export_file(app.context, find_subject(app.context, "account", "a-1")).read_bytes()
    assert b"subject.json" in archive
    problem(fresh.send("POST", f"{path}/withdraw", key="appeal", json={"appellant": "a-2"}), 403)
    found = fresh.send("POST", f"{path}/withdraw", key="appeal", json={"appellant": "a-1"}).json()
    assert (found["state"], in_force(fresh, screened["item"])) == ("withdrawn", {"remove", "strike"})
    problem(fresh.send("POST", f"{path}/messages", key="appeal", json=said), 409)
    # The rules had asked for a review before the appeal: that still waits.
    (case,) = fresh.send("GET", "/v1/cases", key="review").json()
    assert (case["queue"], case["appeals"]) == ("rude", 0)


def test_an_erased_appellant_leaves_an_appeal_that_a_person_ends(fresh: Client) -> None:
    screened = fresh.screen("hello", id="n-6").json()
    reporting(fresh, "n-6")
    reviewed(fresh, screened["item"])
    made = appealing(fresh, content_type="note", id="n-6", appellant="u-9").json()["appeal"]
    context = fresh.rig.app.context
    erase_subject(context, find_subject(context, "account", "u-9"), by="tests")
    found = status(fresh, made)
    assert (found["state"], found["messages"][0]["text"]) == ("open", None)
    said = {"appellant": "u-9", "text": "Hello?"}
    problem(fresh.send("POST", f"/v1/appeals/{made}/messages", key="appeal", json=said), 403)
    answered(
        fresh,
        screened["item"],
        made,
        answer=review.VIOLATES,
        policy="rude",
        actions=(Action("remove"),),
        reason="clear_violation",
    )
    assert status(fresh, made)["state"] == "overturned"


def test_three_refused_reports_warn_and_only_a_person_mutes(fresh: Client) -> None:
    app = fresh.rig.app
    terms = app.context.get(appeal.AppealSettings).misuse

    def refuse(number: int) -> Any:
        screened = fresh.screen("hello", id=f"m-{number}").json()
        asked = {"content_type": "note", "id": f"m-{number}", "reporter": "u-7"}
        receipt = fresh.send("POST", "/v1/reports", key="report", json=asked).json()
        reviewed(fresh, screened["item"])
        return receipt

    assert [refuse(number)["warning"] for number in range(3)] == [None, None, None]
    reporter = app.vault.find("account", "u-7")
    assert reporter is not None
    nothing = [appeal.DecidedReport(at=0, upheld=False)] * 3
    with pytest.raises(appeal.MutingRefused, match="a warning comes first"):
        appeal.mute_reporter(app.ledger, reporter, nothing, terms, person="per_1")
    assert "refused lately" in refuse(3)["warning"]
    assert refuse(4)["warning"] is None  # once within the days
    with pytest.raises(appeal.MutingRefused, match="has fewer"):
        appeal.mute_reporter(app.ledger, reporter, nothing, terms, person="per_1")
    later = [appeal.DecidedReport(at=screen_at, upheld=False) for screen_at in [2**52] * 3]
    appeal.mute_reporter(app.ledger, reporter, later, terms, person="per_1")
    fresh.screen("hello", id="m-9")
    fresh.send("POST", "/v1/reports", key="report", json={"content_type": "note", "id": "m-9", "reporter": "u-7"})
    (case,) = fresh.send("GET", "/v1/cases", key="review").json()
    assert (case["reports"], case["priority"]) == (1, 0.0)
    appeal.unmute_reporter(app.ledger, reporter, person="per_1")
    with pytest.raises(appeal.MutingRefused, match="not muted"):
        appeal.unmute_reporter(app.ledger, reporter, person="per_1")


# -- accounts ----------------------------------------------------------------------------------------------------------


def account_case(client: Client, account: str = "a-1", **more: Any) -> str:
    """The case of an account, which somebody reports."""
    asked = {"account": account, "reporter": "u-9", "note": "Look at them.", **more}
    receipt = client.send("POST", "/v1/reports", key="report", json=asked)
    assert receipt.status_code == 201, receipt.text
    return str(receipt.json()["report"])


def suspended(client: Client, account: str = "a-1", person: str = "per_1") -> Decision:
    app = client.rig.app
    case = review.case_id(find_subject(app.context, "account", account))
    review.take(app.database, case, person)
    said = review.ReviewAnswer(
        answer=review.VIOLATES,
        policy="rude",
        actions=(Action("strike", {"weight": 2.0, "for": 86_400.0}),),
        reason="repeated_behaviour",
    )
    return review.submit_review(app.ledger, rulebook(app), case, person, said, find_item=screen.status_of)


def test_an_account_is_reported_and_its_reporter_hears_the_outcome(fresh: Client) -> None:
    report = account_case(fresh)
    (case,) = fresh.send("GET", "/v1/cases", key="review").json()
    ref = find_subject(fresh.rig.app.context, "account", "a-1")
    assert (case["subject"], case["content_type"], case["item"], case["actor"]) == ("account", "account", ref, ref)
    assert case["id"] == review.case_id(ref)
    account_case(fresh, reporter="u-10")
    (case,) = fresh.send("GET", "/v1/cases", key="review").json()
    assert case["reports"] == 2
    assert fresh.send("GET", f"/v1/reports/{report}", key="report").json()["state"] == "received"
    made = suspended(fresh)
    found = fresh.send("GET", f"/v1/reports/{report}", key="report").json()
    assert (found["state"], found["outcome"], found["decision"]) == ("decided", "restricted", made.id)
    assert fresh.send("GET", f"/v1/decisions/{made.id}", key="read").json()["item"]["content_type"] == "account"
    assert fresh.send("GET", f"/v1/decisions/{made.id}/explanation", key="read").status_code == 200


def test_a_report_is_about_an_item_or_an_account(fresh: Client) -> None:
    for asked, pointer in (
        ({}, "/account"),
        ({"account": "a-1", "content_type": "note", "id": "n-1"}, "/account"),
        ({"account": "a-1", "id": "n-1"}, "/account"),
        ({"id": "n-1"}, "/content_type"),
        ({"content_type": "note"}, "/id"),
        ({"account": ""}, "/account"),
        ({"account": "x" * 513}, "/account"),
    ):
        assert problem(fresh.send("POST", "/v1/reports", key="report", json=asked), 422)["pointer"] == pointer, asked
    key = {"Idempotency-Key": "k-1"}
    asked = {"account": "a-1", "reporter": "u-9"}
    one, two = (fresh.send("POST", "/v1/reports", key="report", json=asked, headers=key) for _ in range(2))
    assert one.json() == two.json()
    other = fresh.send("POST", "/v1/reports", key="report", json={**asked, "note": "second"}, headers=key)
    assert one.json()["report"] in problem(other, 409)["detail"]


def test_a_suspended_account_appeals_and_another_reviewer_overturns_it(fresh: Client) -> None:
    account_case(fresh)
    made = suspended(fresh)
    ref = find_subject(fresh.rig.app.context, "account", "a-1")
    assert problem(appealing(fresh, decision=made.id, appellant="a-2"), 403)
    appeal_id = appealing(fresh, decision=made.id).json()["appeal"]
    (case,) = fresh.send("GET", "/v1/cases", key="review").json()
    assert (case["queue"], case["appeals"]) == (review.APPEALS_QUEUE, 1)
    with pytest.raises(review.OwnDecision):
        review.take(fresh.rig.app.database, case["id"], "per_1")
    answered(fresh, ref, appeal_id, revision=made.item.revision)
    assert status(fresh, appeal_id)["state"] == "overturned"
    app = fresh.rig.app
    with app.database.read() as connection:
        (strike,) = connection.execute(select(enforcement).where(enforcement.c.subject == ref)).all()
        assert appeal_labels(connection) == []  # there is no content that one would be about
    assert strike.state == "reversed"
    assert app.ledger.rebuild().equal


def test_an_appeal_reverses_what_it_is_about_although_the_account_was_reported_again(fresh: Client) -> None:
    account_case(fresh)
    first = suspended(fresh)
    account_case(fresh, reporter="u-10")
    second = suspended(fresh)
    assert (first.item.revision, second.item.revision) == (1, 2)
    ref = find_subject(fresh.rig.app.context, "account", "a-1")
    appeal_id = appealing(fresh, decision=first.id).json()["appeal"]
    strikes = select(enforcement.c.decision).where(enforcement.c.subject == ref, enforcement.c.state == "active")
    answered(fresh, ref, appeal_id)
    with fresh.rig.app.database.read() as connection:
        assert connection.execute(strikes).scalars().all() == [second.id]
    (case,) = fresh.send("GET", "/v1/cases?state=closed", key="review").json()
    assert case["decision"] == second.id


def test_whose_report_of_an_account_was_refused_appeals_and_the_account_is_restricted(fresh: Client) -> None:
    report = account_case(fresh)
    ref = find_subject(fresh.rig.app.context, "account", "a-1")
    refused = reviewed(fresh, ref)
    appeal_id = appealing(fresh, decision=refused.id, appellant="u-9").json()["appeal"]
    assert status(fresh, appeal_id)["role"] == "reporter"
    strike = Action("strike", {"weight": 1.0})
    violates = {"answer": review.VIOLATES, "policy": "rude", "actions": (strike,), "reason": "known_content"}
    made = answered(fresh, ref, appeal_id, **violates)
    assert made.supersedes == refused.id
    found = fresh.send("GET", f"/v1/reports/{report}", key="report").json()
    assert (found["outcome"], found["on_appeal"]) == ("restricted", True)
    with fresh.rig.app.database.read() as connection:
        rows = connection.execute(select(enforcement.c.kind, enforcement.c.revision)).all()
    assert [tuple(row) for row in rows] == [("strike", 1)]


def test_the_answer_to_an_appeal_is_told_once(fresh: Client) -> None:
    app = fresh.rig.app
    with receiving() as receiver:
        secret = enforce.add_endpoint(app.ledger, app.vault, url=receiver.url, allow_private=True).secret
        screened = removed(fresh)
        made = appealing(fresh, decision=screened["decision"]).json()["appeal"]
        withdrawn = removed(fresh, "n-2")
        other = appealing(fresh, decision=withdrawn["decision"]).json()["appeal"]
        fresh.send("POST", f"/v1/appeals/{other}/withdraw", key="appeal", json={"appellant": "a-1"})
        answered(fresh, screened["item"], made)
        context = replace(app.context, settings=replace(app.settings, allow_private_endpoints=True))
        following.follow(context, ANSWERER, "tests")
        for _ in range(2):
            for job in app.jobs.claim((TELL_ANSWER.kind,), "tests", limit=9, lease_ms=60_000):
                TELL_ANSWER.handler(context, job)
        (message,) = [verify_webhook(one.headers, one.body, secret) for one in receiver.requests]
    assert message.type == "appeal.answered"
    assert (message.data["appeal"], message.data["state"], message.data["appellant"]) == (made, "overturned", "a-1")
    assert message.data["item"] == {"content_type": "note", "id": "n-1", "revision": 1}
    assert message.data["new_decision"] == status(fresh, made)["new_decision"]
    assert [event.body.appeal for event in app.ledger.events() if event.kind == "appellant.told"] == [made]
