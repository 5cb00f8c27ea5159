"""What happens when a detector does not answer: fail modes, pending rescreens, late answers, second looks."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, update

from seawall import enforce, review, screen
from seawall.enforce.tables import delivery, enforcement
from seawall.model import DecisionSource, UnknownReason, Verdict
from seawall.review.tables import case
from seawall.storage.tables import job as job_table
from support.app import House, eventually, opened

RESCREEN_MS = 30_000


@pytest.mark.parametrize(
    ("kind", "mode", "verdict", "actions"),
    [
        ("note", "allow_and_rescreen", Verdict.ALLOW, []),
        ("letter", "hold", Verdict.HOLD, ["hold"]),
        ("poster", "block", Verdict.BLOCK, ["disable"]),
    ],
)
def test_the_fail_mode_is_kept(house: House, kind: str, mode: str, verdict: Verdict, actions: list[str]) -> None:
    answer = house.hang(kind=kind)
    assert (answer.degraded, answer.fail_mode, answer.verdict) == (True, mode, verdict)
    assert [action.kind for action in answer.actions] == actions
    assert [(unknown.detector, unknown.part, unknown.reason) for unknown in answer.unknown] == [
        ("gore", "body", UnknownReason.DEADLINE)
    ]
    decision = house.decision(answer)
    assert decision.undetermined == ("gore/seen",)
    assert decision.unknown_features == ("gory",)
    assert [reason.policy for reason in decision.reasons] == (["seawall"] if actions else [])
    (owed,) = house.pending_rescreens()
    assert (owed["decision"], owed["state"], owed["detectors"]) == (answer.decision, "open", "gore")
    assert owed["due_at"] == decision.at + RESCREEN_MS
    assert house.app.jobs.counts() == {("rescreen", "pending"): 1}
    (rescreen,) = house.rows(select(job_table).where(job_table.c.kind == "rescreen"))
    assert rescreen["due_at"] >= decision.at + 1_000  # late answers get a moment first
    _, explanation = house.app.explain(answer.decision)
    assert explanation is not None
    assert explanation.to_json()["reproduced"] is True


def test_a_late_answer_supersedes_and_takes_the_hold_back(house: House) -> None:
    app = house.app
    enforce.add_endpoint(app.ledger, app.vault, url="http://127.0.0.1:9/", allow_private=True)
    held = house.hang(kind="letter")
    assert [row["change"] for row in house.rows(select(delivery))] == ["applied"]
    house.gore.go_on.set()
    eventually(lambda: house.pending_rescreens()[0]["state"] == "paid")
    first, late = house.decisions(held.item)
    assert (late.source, late.verdict, late.degraded) == (DecisionSource.LATE, Verdict.ALLOW, False)
    assert late.supersedes == first.id == held.decision
    assert house.pending_rescreens()[0]["paid_by"] == late.id
    assert house.head(held.item)["verdict"] == "allow"
    (row,) = house.rows(select(enforcement))
    assert (row["kind"], row["state"], row["reversed_by"]) == ("hold", "reversed", late.id)
    changes = [row["change"] for row in house.rows(select(delivery).order_by(delivery.c.seq))]
    assert changes == ["applied", "reversed"]
    assert app.jobs.counts()["deliver", "pending"] == 2
    house.hurry(held)
    assert house.work("rescreen") == 1  # the pending rescreen is paid: nothing to do
    assert len(house.decisions(held.item)) == 2


def test_a_late_answer_may_be_worse_than_the_fail_mode(house: House) -> None:
    let_through = house.hang("stuck, with blood")
    assert let_through.verdict is Verdict.ALLOW
    house.gore.go_on.set()
    eventually(lambda: house.pending_rescreens()[0]["state"] == "paid")
    assert house.head(let_through.item)["verdict"] == "block"
    assert [row["kind"] for row in house.rows(select(enforcement))] == ["remove"]


def test_what_another_rule_decided_holds_while_something_is_unknown(house: House) -> None:
    answer = house.hang("stuck fool", kind="letter")
    # Removing is the gravest that can be done: what is unknown cannot change it.
    assert (answer.verdict, answer.degraded, answer.fail_mode) == (Verdict.BLOCK, False, None)
    assert house.pending_rescreens() == []
    held = house.hang("stuck and silly", kind="letter", id="n-2")
    assert (held.verdict, held.degraded) == (Verdict.HOLD, True)
    assert [(reason.policy, reason.rule) for reason in held.reasons] == [("rude", "likely")]


def test_the_worker_pays_when_the_late_answer_was_lost(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, "rude", "gore") as house:
        held = house.hang(kind="letter")
        house.app.runner.close(timeout_s=0)  # as when the process dies: the answer finds nobody
    with opened(tmp_path, database_url, publish=False) as house:
        house.gore.go_on.set()
        house.hurry(held)
        assert house.work("rescreen") == 1
        first, second = house.decisions(held.item)
        assert (second.source, second.supersedes, second.degraded) == (DecisionSource.RESCREEN, first.id, False)
        assert second.stage == "post_publish"
        assert house.pending_rescreens()[0]["state"] == "paid"
        assert house.head(held.item)["verdict"] == "allow"
        assert house.app.jobs.counts() == {}
        house.assert_rebuilds()


def test_a_debt_stays_while_the_detector_still_hangs(house: House) -> None:
    held = house.hang(kind="hurried")
    house.hurry(held)
    assert house.work("rescreen") == 1
    first, second = house.decisions(held.item)
    assert (second.source, second.degraded, second.verdict) == (DecisionSource.RESCREEN, True, Verdict.HOLD)
    (owed,) = house.pending_rescreens()  # the first promise stands; no second pending rescreen
    assert (owed["decision"], owed["due_at"], owed["state"]) == (first.id, first.at + RESCREEN_MS, "open")
    assert house.app.jobs.counts() == {("rescreen", "pending"): 1}
    (waiting,) = house.rows(select(job_table))
    assert waiting["due_at"] > second.at  # later, not at once
    assert house.kinds().count("enforcement.applied") == 1  # held already
    house.gore.go_on.set()
    eventually(lambda: house.pending_rescreens()[0]["state"] == "paid")
    assert house.head(held.item)["verdict"] == "allow"


@pytest.mark.parametrize("word", ["crash", "nonsense"])
def test_a_detector_that_fails_is_unknown(house: House, word: str) -> None:
    answer = house.screen(f"a text with {word}", kind="letter")
    assert (answer.verdict, answer.degraded, answer.fail_mode) == (Verdict.HOLD, True, "hold")
    (unknown,) = answer.unknown
    assert (unknown.detector, unknown.reason) == ("gore", UnknownReason.ERROR)
    assert word not in unknown.detail
    assert house.pending_rescreens()[0]["state"] == "open"
    mended = house.screen("a text that works", kind="letter")
    assert (mended.verdict, mended.degraded) == (Verdict.ALLOW, False)
    assert house.pending_rescreens()[0]["paid_by"] == mended.decision


def test_an_answer_about_an_older_revision_is_ignored(house: House) -> None:
    first = house.hang("stuck, with blood", kind="note")
    second = house.screen("you fool", deadline_ms=1)
    assert second.revision == 2
    house.gore.go_on.set()
    with house.app.runner:
        pass  # closing it waits for what is done with late answers
    assert [decision.item.revision for decision in house.decisions(first.item)] == [1, 2]
    house.hurry(first)
    assert house.work("rescreen") == 1
    assert house.head(first.item)["decision"] == second.decision


def test_a_debt_moves_on_to_the_newer_revision(house: House) -> None:
    first = house.hang("stuck", kind="hurried")
    second = house.hang("stuck still", kind="hurried")
    (owed,) = house.pending_rescreens()
    assert (owed["decision"], owed["state"]) == (first.decision, "open")
    house.hurry(second)
    house.gore.go_on.set()
    eventually(lambda: house.pending_rescreens()[0]["state"] == "paid")
    house.work("rescreen")
    assert house.head(second.item)["revision"] == 2
    assert house.head(second.item)["degraded"] in (False, 0)
    assert house.app.jobs.counts() == {}


def test_a_person_is_not_overruled_but_new_content_is_looked_at(house: House) -> None:
    blocked = house.screen("you fool")
    (found,) = house.rows(select(case))
    review.take(house.app.database, found["id"], "per_1")
    bundle = house.app.bundle
    rulebook = review.Rulebook(
        content_types=bundle.content_types, harms={policy.name: policy.harm for policy in bundle.policies}
    )
    answer = review.ReviewAnswer(answer=review.DOES_NOT_VIOLATE, reason="context")
    said = review.submit_review(house.app.ledger, rulebook, found["id"], "per_1", answer, find_item=screen.status_of)
    assert house.head(blocked.item)["verdict"] == "allow"
    again = house.screen("you fool")
    assert (again.decision, again.verdict, again.degraded) == (said.id, Verdict.ALLOW, False)
    house.hurry(blocked)
    assert house.work("rescreen") == 1
    assert house.head(blocked.item)["decision"] == said.id
    assert house.app.explain(said.id) == (said, None)
    edited = house.screen("you old fool")
    assert (edited.verdict, edited.revision) == (Verdict.BLOCK, 2)
    assert house.decision(edited).supersedes == said.id


def test_slow_detectors_are_asked_after_publication(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, "rude", "deep") as house:
        answer = house.screen("staring into the abyss")
        assert (answer.verdict, answer.degraded, answer.fail_mode) == (Verdict.ALLOW, False, None)
        assert [(unknown.detector, unknown.reason) for unknown in answer.unknown] == [("thinker", UnknownReason.LATER)]
        assert house.pending_rescreens() == []
        assert house.work("rescreen") == 1  # due at once
        first, second = house.decisions(answer.item)
        assert (second.source, second.stage, second.supersedes) == (
            DecisionSource.RESCREEN,
            "post_publish",
            first.id,
        )
        assert [action.kind for action in second.actions] == ["demote"]
        assert second.unknown == ()
        assert house.app.jobs.counts() == {}
        house.assert_rebuilds()


def test_an_erased_account_ends_its_jobs(house: House) -> None:
    held = house.hang(kind="letter")
    account = house.decision(held).actor
    assert account is not None
    house.app.ledger.commit(lambda tx: house.app.vault.erase(tx, account))
    assert house.pending_rescreens()[0]["state"] == "erased"  # nobody can look again: it is owed no more
    house.hurry(held)
    assert house.work("rescreen") == 1
    assert house.app.jobs.counts() == {}
    house.gore.go_on.set()
    back = house.screen(kind="letter")  # the same ids afterwards are other subjects
    assert back.item != held.item
    assert back.revision == 1


def test_a_claimed_job_that_somebody_else_finished_changes_nothing(house: House) -> None:
    held = house.hang(kind="letter")
    house.gore.go_on.set()
    eventually(lambda: house.pending_rescreens()[0]["state"] == "paid")
    house.hurry(held)
    (claimed,) = house.claim("rescreen")
    with house.app.database.write() as connection:
        connection.execute(update(job_table).values(attempts=claimed.attempts + 1))
    head = house.app.ledger.head()
    from seawall.worker import Worker

    Worker(house.app).do(claimed)
    assert house.app.ledger.head() == head
    assert house.app.jobs.counts() == {("rescreen", "leased"): 1}
