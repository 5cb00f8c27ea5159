"""Reporters are told by webhooks: the receipt at once, the outcome when a decision has settled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seawall import review
from seawall.appeal.notices import MATCHER
from seawall.appeal.telling import TELL, TELLER, MessageNotTaken
from seawall.client import verify_webhook
from seawall.enforce import add_endpoint
from seawall.storage import following
from seawall.storage.component import ServiceContext
from support.console import Rig, opened
from support.receivers import Receiver, receiving, status
from support.report_form import FORM, fill


@pytest.fixture
def own(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setattr("seawall.console.appeal.public_form.SOONEST_MS", 0)
    monkeypatch.setattr("seawall.appeal.telling.SETTLES_MS", 0)
    with opened(tmp_path, database_url=database_url, environment=FORM) as rig:
        yield rig


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def subscribe(rig: Rig, receiver: Receiver) -> str:
    return add_endpoint(rig.app.ledger, rig.app.vault, url=receiver.url, allow_private=True).secret


def context_of(rig: Rig) -> ServiceContext:
    return replace(rig.app.context, settings=replace(rig.app.settings, allow_private_endpoints=True))


def work(rig: Rig) -> int:
    """What workers do: follow the ledger, and send what is due."""
    context = context_of(rig)
    for follower in (MATCHER, TELLER):
        following.follow(context, follower, "tests")
    jobs = rig.app.jobs.claim((TELL.kind,), "tests", limit=100, lease_ms=60_000)
    for job in jobs:
        TELL.handler(context, job)
    return len(jobs)


def told(receiver: Receiver, secret: str) -> list[Any]:
    return [verify_webhook(one.headers, one.body, secret) for one in receiver.requests]


def decide(rig: Rig, screened: Any, answer: str) -> None:
    reviewer = rig.browser("reviewer")
    case = f"/cases/{review.case_id(screened.item)}"
    reviewer.post(f"{case}/take")
    reason = {"violates": "clear_violation", "does_not_violate": "not_a_violation"}[answer]
    more = {"policy": "rudeness", "action": "remove"} if answer == "violates" else {}
    sent = reviewer.post(f"{case}/decide", answer=answer, reason=reason, seen=screened.decision, **more)
    assert sent.status_code == 303, sent.text


@pytest.mark.parametrize(("answer", "outcome"), [("violates", "restricted"), ("does_not_violate", "not_restricted")])
def test_the_receipt_and_the_outcome_are_told(own: Rig, receiver: Receiver, answer: str, outcome: str) -> None:
    secret = subscribe(own, receiver)
    screened = own.screen("A plain thing to say", id="c-1")
    receipt = fill(own.browser()).headers["location"]
    assert work(own) == 1
    decide(own, screened, answer)
    assert work(own) == 1
    assert work(own) == 0
    first, second = told(receiver, secret)
    assert (first.type, second.type) == ("report.receipt", "report.outcome")
    assert first.data["reporter"] == {"name": "Ada Example", "email": "Ada@example.org"}
    assert first.data["link"] == own.app.settings.public_url + receipt
    assert (second.data["outcome"], second.data["report"]) == (outcome, first.data["report"])
    events = [event.body for event in own.app.ledger.events() if event.kind == "reporter.told"]
    assert [one.kind for one in events] == ["receipt", "outcome"]
    shown = own.browser().get(receipt).text
    assert ("it was restricted" in shown, "it stays" in shown) == (answer == "violates", answer != "violates")


def test_a_message_that_was_not_taken_is_sent_again_under_its_id(own: Rig, receiver: Receiver) -> None:
    secret = subscribe(own, receiver)
    receiver.script.append(status(500))
    fill(own.browser(), address="https://example.org/c/nowhere")
    (job,) = own.app.jobs.claim((TELL.kind,), "tests", limit=9, lease_ms=60_000)
    with pytest.raises(MessageNotTaken, match="500"):
        TELL.handler(context_of(own), job)
    TELL.handler(context_of(own), job)
    first, second = told(receiver, secret)
    assert first.id == second.id


def test_nobody_is_told_about_a_report_without_an_address_or_after_erasure(own: Rig, receiver: Receiver) -> None:
    subscribe(own, receiver)
    fill(own.browser())
    app = own.app
    reporter = app.vault.find("reporter", "ada@example.org")
    app.ledger.commit(lambda tx: app.vault.erase(tx, reporter))
    assert work(own) == 1
    assert receiver.requests == []


def test_a_notice_that_a_person_dismissed_is_told(own: Rig, receiver: Receiver) -> None:
    secret = subscribe(own, receiver)
    fill(own.browser(), address="https://example.org/c/nowhere")
    work(own)
    reviewer = own.browser("reviewer")
    (row,) = reviewer.get("/reports.json").json()["notices"]
    assert "Ada" not in str(row)
    reviewer.get("/reports")
    assert reviewer.post(f"/reports/{row['notice']['report']}/dismiss").status_code == 303
    work(own)
    assert told(receiver, secret)[-1].data["outcome"] == "not_found"
