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
from support.app import Rig, eventually, opened

RESCREEN_MS = 30_000


@pytest.mark.parametrize(
    ("kind", "mode", "verdict", "actions"),
    [
        ("note", "allow_and_rescreen", Verdict.ALLOW, []),
        ("letter", "hold", Verdict.HOLD, ["hold"]),
        ("poster", "block", Verdict.BLOCK, ["disable"]),
    ],
)
def test_the_fail_mode_is_kept(rig: Rig, kind: str, mode: str, verdict: Verdict, actions: list[str]) -> None:
    answer = rig.hang(kind=kind)
    assert (answer.degraded, answer.fail_mode, answer.verdict) == (True, mode, verdict)
    assert [action.kind for action in answer.actions] == actions
    assert [(unknown.detector, unknown.part, unknown.reason) for unknown in answer.unknown] == [
        ("gore", "body", UnknownReason.DEADLINE)
    ]
    decision = rig.decision(answer)
    assert decision.undetermined == ("gore/seen",)
    assert decision.unknown_features == ("gory",)
    assert [reason.policy for reason in decision.reasons] == (["seawall"] if actions else [])
    (pending,) = rig.pending_rescreens()
    assert (pending["decision"], pending["state"], pending["detectors"]) == (answer.decision, "open", "gore")
    assert pending["due_at"] == decision.at + RESCREEN_MS
    assert rig.app.jobs.counts() == {("rescreen", "pending"): 1}
    (rescreen,) = rig.rows(select(job_table).where(job_table.c.kind == "rescreen"))
    assert rescreen["due_at"] >= decision.at + 1_000  # late answers get a moment first
    _, explanation = rig.app.explain(answer.decision)
    assert explanation is not None
    assert explanation.to_json()["reproduced"] is True


def test_a_late_answer_supersedes_and_takes_the_hold_back(rig: Rig) -> None:
    app = rig.app
    enforce.add_endpoint(app.ledger, app.vault, url="http://127.0.0.1:9/", allow_private=True)
    held = rig.hang(kind="letter")
    assert [row["change"] for row in rig.rows(select(delivery))] == ["applied"]
    rig.gore.go_on.set()
    eventually(lambda: rig.pending_rescreens()[0]["state"] == "resolved")
    first, late = rig.decisions(held.item)
    assert (late.source, late.verdict, late.degraded) == (DecisionSource.LATE, Verdict.ALLOW, False)
    assert late.supersedes == first.id == held.decision
    assert rig.pending_rescreens()[0]["resolved_by"] == late.id
    assert rig.head(held.item)["verdict"] == "allow"
    (row,) = rig.rows(select(enforcement))
    assert (row["kind"], row["state"], row["reversed_by"]) == ("hold", "reversed", late.id)
    changes = [row["change"] for row in rig.rows(select(delivery).order_by(delivery.c.seq))]
    assert changes == ["applied", "reversed"]
    assert app.jobs.counts()["deliver", "pending"] == 2
    rig.hurry(held)
    assert rig.work("rescreen") == 1  # the pending rescreen is paid: nothing to do
    assert len(rig.decisions(held.item)) == 2


def test_a_late_answer_may_be_worse_than_the_fail_mode(rig: Rig) -> None:
    let_through = rig.hang("stuck, with blood")
    assert let_through.verdict is Verdict.ALLOW
    rig.gore.go_on.set()
    eventually(lambda: rig.pending_rescreens()[0]["state"] == "resolved")
    assert rig.head(let_through.item)["verdict"] == "block"
    assert [row["kind"] for row in rig.rows(select(enforcement))] == ["remove"]


def test_what_another_rule_decided_holds_while_something_is_unknown(rig: Rig) -> None:
    answer = rig.hang("stuck fool", kind="letter")
    # Removing is the gravest that can be done: what is unknown cannot change it.
    assert (answer.verdict, answer.degraded, answer.fail_mode) == (Verdict.BLOCK, False, None)
    assert rig.pending_rescreens() == []
    held = rig.hang("stuck and silly", kind="letter", id="n-2")
    assert (held.verdict, held.degraded) == (Verdict.HOLD, True)
    assert [(reason.policy, reason.rule) for reason in held.reasons] == [("rude", "likely")]


def test_the_worker_pays_when_the_late_answer_was_lost(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, "rude", "gore") as rig:
        held = rig.hang(kind="letter")
        rig.app.runner.close(timeout_s=0)  # as when the process dies: the answer finds nobody
    with opened(tmp_path, database_url, publish=False) as rig:
        rig.gore.go_on.set()
        rig.hurry(held)
        assert rig.work("rescreen") == 1
        first, second = rig.decisions(held.item)
        assert (second.source, second.supersedes, second.degraded) == (DecisionSource.RESCREEN, first.id, False)
        assert second.stage == "post_publish"
        assert rig.pending_rescreens()[0]["state"] == "resolved"
        assert rig.head(held.item)["verdict"] == "allow"
        assert rig.app.jobs.counts() == {}
        rig.assert_rebuilds()


def test_a_pending_rescreen_stays_while_the_detector_still_hangs(rig: Rig) -> None:
    held = rig.hang(kind="hurried")
    rig.hurry(held)
    assert rig.work("rescreen") == 1
    first, second = rig.decisions(held.item)
    assert (second.source, second.degraded, second.verdict) == (DecisionSource.RESCREEN, True, Verdict.HOLD)
    (pending,) = rig.pending_rescreens()  # the first promise stands; no second pending rescreen
    assert (pending["decision"], pending["due_at"], pending["state"]) == (first.id, first.at + RESCREEN_MS, "open")
    assert rig.app.jobs.counts() == {("rescreen", "pending"): 1}
    (waiting,) = rig.rows(select(job_table))
    assert waiting["due_at"] > second.at  # later, not at once
    assert rig.kinds().count("enforcement.applied") == 1  # held already
    rig.gore.go_on.set()
    eventually(lambda: rig.pending_rescreens()[0]["state"] == "resolved")
    assert rig.head(held.item)["verdict"] == "allow"


@pytest.mark.parametrize("word", ["crash", "nonsense"])
def test_a_detector_that_fails_is_unknown(rig: Rig, word: str) -> None:
    answer = rig.screen(f"a text with {word}", kind="letter")
    assert (answer.verdict, answer.degraded, answer.fail_mode) == (Verdict.HOLD, True, "hold")
    (unknown,) = answer.unknown
    assert (unknown.detector, unknown.reason) == ("gore", UnknownReason.ERROR)
    assert word not in unknown.detail
    assert rig.pending_rescreens()[0]["state"] == "open"
    mended = rig.screen("a text that works", kind="letter")
    assert (mended.verdict, mended.degraded) == (Verdict.ALLOW, False)
    assert rig.pending_rescreens()[0]["resolved_by"] == mended.decision


def test_an_answer_about_an_older_revision_is_ignored(rig: Rig) -> None:
    first = rig.hang("stuck, with blood", kind="note")
    second = rig.screen("you fool", deadline_ms=1)
    assert second.revision == 2
    rig.gore.go_on.set()
    with rig.app.runner:
        pass  # closing it waits for what is done with late answers
    assert [decision.item.revision for decision in rig.decisions(first.item)] == [1, 2]
    rig.hurry(first)
    assert rig.work("rescreen") == 1
    assert rig.head(first.item)["decision"] == second.decision


def test_a_pending_rescreen_moves_on_to_the_newer_revision(rig: Rig) -> None:
    first = rig.hang("stuck", kind="hurried")
    second = rig.hang("stuck still", kind="hurried")
    (pending,) = rig.pending_rescreens()
    assert (pending["decision"], pending["state"]) == (first.decision, "open")
    rig.hurry(second)
    rig.gore.go_on.set()
    eventually(lambda: rig.pending_rescreens()[0]["state"] == "resolved")
    rig.work("rescreen")
    assert rig.head(second.item)["revision"] == 2
    assert rig.head(second.item)["degraded"] in (False, 0)
    assert rig.app.jobs.counts() == {}


def test_a_person_is_not_overruled_but_new_content_is_looked_at(rig: Rig) -> None:
    blocked = rig.screen("you fool")
    (found,) = rig.rows(select(case))
    review.take(rig.app.database, found["id"], "per_1")
    bundle = rig.app.bundle
    rulebook = review.Rulebook(
        content_types=bundle.content_types, harms={policy.name: policy.harm for policy in bundle.policies}
    )
    answer = review.ReviewAnswer(answer=review.DOES_NOT_VIOLATE, reason="not_a_violation")
    said = review.submit_review(rig.app.ledger, rulebook, found["id"], "per_1", answer, find_item=screen.status_of)
    assert rig.head(blocked.item)["verdict"] == "allow"
    again = rig.screen("you fool")
    assert (again.decision, again.verdict, again.degraded) == (said.id, Verdict.ALLOW, False)
    rig.hurry(blocked)
    assert rig.work("rescreen") == 1
    assert rig.head(blocked.item)["decision"] == said.id
    assert rig.app.explain(said.id) == (said, None)
    edited = rig.screen("you old fool")
    assert (edited.verdict, edited.revision) == (Verdict.BLOCK, 2)
    assert rig.decision(edited).supersedes == said.id


def test_slow_detectors_are_asked_after_publication(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, "rude", "deep") as rig:
        answer = rig.screen("staring into the abyss")
        assert (answer.verdict, answer.degraded, answer.fail_mode) == (Verdict.ALLOW, False, None)
        assert [(unknown.detector, unknown.reason) for unknown in answer.unknown] == [("thinker", UnknownReason.LATER)]
        assert rig.pending_rescreens() == []
        assert rig.work("rescreen") == 1  # due at once
        first, second = rig.decisions(answer.item)
        assert (second.source, second.stage, second.supersedes) == (
            DecisionSource.RESCREEN,
            "post_publish",
            first.id,
        )
        assert [action.kind for action in second.actions] == ["demote"]
        assert second.unknown == ()
        assert rig.app.jobs.counts() == {}
        rig.assert_rebuilds()


def test_an_erased_account_ends_its_jobs(rig: Rig) -> None:
    held = rig.hang(kind="letter")
    account = rig.decision(held).actor
    assert account is not None
    rig.app.ledger.commit(lambda tx: rig.app.vault.erase(tx, account))
    assert rig.pending_rescreens()[0]["state"] == "erased"  # nobody can look again: it is owed no more
    rig.hurry(held)
    assert rig.work("rescreen") == 1
    assert rig.app.jobs.counts() == {}
    rig.gore.go_on.set()
    back = rig.screen(kind="letter")  # the same ids afterwards are other subjects
    assert back.item != held.item
    assert back.revision == 1


def test_a_claimed_job_that_somebody_else_finished_changes_nothing(rig: Rig) -> None:
    held = rig.hang(kind="letter")
    rig.gore.go_on.set()
    eventually(lambda: rig.pending_rescreens()[0]["state"] == "resolved")
    rig.hurry(held)
    (claimed,) = rig.claim("rescreen")
    with rig.app.database.write() as connection:
        connection.execute(update(job_table).values(attempts=claimed.attempts + 1))
    head = rig.app.ledger.head()
    from seawall.worker import Worker

    Worker(rig.app).do(claimed)
    assert rig.app.ledger.head() == head
    assert rig.app.jobs.counts() == {("rescreen", "leased"): 1}
