"""Where the product finds the link to the appeal page: webhooks and the API, and who is not told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seawall import access, api
from seawall.appeal.queries import appeals_of_item
from seawall.appeal.telling import ANSWERER, TELL_ANSWER
from seawall.client import verify_webhook
from seawall.enforce import add_endpoint
from seawall.enforce.enforce import JOB_KIND
from seawall.enforce.services import deliver_message
from seawall.settings import Settings
from seawall.storage import following
from support.api import Client
from support.appeal_page import answered, decided, link
from support.console import PASSWORD, Rig, opened
from support.receivers import Receiver, receiving
from support.report_form import FORM, fill

NOT_RUDE = {"answer": "does_not_violate", "reason": "not_a_violation"}


@pytest.fixture
def own(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setattr("seawall.console.appeal.public_form.SOONEST_MS", 0)
    with opened(tmp_path, database_url=database_url, environment=FORM) as rig:
        access.create_person(rig.app.ledger, "second@example.org", "Second Person", PASSWORD, ["reviewer"])
        yield rig


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def told(rig: Rig, receiver: Receiver, secret: str, **settings: Any) -> list[Any]:
    """What a worker sends."""
    context = replace(rig.app.context, settings=replace(rig.app.settings, allow_private_endpoints=True, **settings))
    following.follow(context, ANSWERER, "tests")
    handlers = {JOB_KIND: deliver_message, TELL_ANSWER.kind: TELL_ANSWER.handler}
    while jobs := rig.app.jobs.claim(tuple(handlers), "tests", limit=100, lease_ms=60_000):
        for job in jobs:
            handlers[job.kind](context, job)
    found = [verify_webhook(one.headers, one.body, secret) for one in receiver.requests]
    receiver.requests.clear()
    return found


def subscribe(rig: Rig, receiver: Receiver) -> str:
    return add_endpoint(rig.app.ledger, rig.app.vault, url=receiver.url, allow_private=True).secret


def test_webhooks_tell_the_link_with_what_was_applied_and_with_the_answer(own: Rig, receiver: Receiver) -> None:
    secret = subscribe(own, receiver)
    screened = own.screen("You fool")
    url = own.app.settings.public_url + link(own, screened.decision)
    messages = told(own, receiver, secret)
    assert {one.data["action"]["kind"] for one in messages} == {"remove", "strike"}
    assert {one.data["appeal_url"] for one in messages} == {url}
    assert own.browser().post(link(own, screened.decision), text="It is a line from a song.").status_code == 303
    with own.app.database.read() as connection:
        (row,) = appeals_of_item(connection, screened.item, limit=9)
    answer = {"answer": "does_not_violate", "reason": "quoted_or_condemned", "message": "You are right."}
    answered(own.browser("second"), screened, row.id, screened.decision, **answer)
    by_type = {one.type: one.data for one in told(own, receiver, secret)}
    assert by_type["appeal.answered"]["appeal_url"] == url
    assert by_type["appeal.answered"]["appellant"] == "author"
    assert "appeal_url" not in by_type["enforcement.reversed"]


def test_without_a_public_address_no_link_is_told(own: Rig, receiver: Receiver) -> None:
    secret = subscribe(own, receiver)
    own.screen("You fool")
    messages = told(own, receiver, secret, public_url="http://127.0.0.1:9000", has_public_url=False)
    assert messages
    assert not [one for one in messages if "appeal_url" in one.data]


def test_only_an_address_that_somebody_named_is_for_others() -> None:
    usual = Settings.from_env({})
    assert not usual.has_public_url, "where a process listens by itself is told to nobody else"
    named = Settings.from_env({"SEAWALL_PUBLIC_URL": f"{usual.public_url}/"})
    assert (named.has_public_url, named.public_url) == (True, usual.public_url)


def test_a_reporter_by_the_form_is_no_account(own: Rig, receiver: Receiver) -> None:
    screened = own.screen("A plain thing to say", id="c-1")
    browser = own.browser()
    path = fill(browser).headers["location"].replace("/report/", "/appeal/")
    decided(own.browser("reviewer"), screened, **NOT_RUDE)
    assert browser.post(path, text="It names my neighbour.").status_code == 303
    with own.app.database.read() as connection:
        (row,) = appeals_of_item(connection, screened.item, limit=9)
    answer = {"answer": "upheld", "reason": "decision_was_right", "message": "It names nobody."}
    answered(own.browser("second"), screened, row.id, row.decision, **answer)
    secret = subscribe(own, receiver)
    (message,) = [one for one in told(own, receiver, secret) if one.type == "appeal.answered"]
    assert message.data["appellant"] is None
    assert message.data["reporter"] == {"name": "Ada Example", "email": "Ada@example.org"}
    assert message.data["appeal_url"] == own.app.settings.public_url + path
    assert message.data["message"] == "It names nobody."


def test_the_api_tells_the_link_to_keys_that_may_appeal(own: Rig) -> None:
    client = Client(own, api.build(own.app))  # type: ignore[arg-type]
    for name, scopes in (("reads", ["read"]), ("appeals", ["read", "appeal", "report"]), ("reports", ["report"])):
        client.keys[name] = access.create_key(own.app.ledger, name, scopes)
    screened, calm = own.screen("You fool", id="c-2"), own.screen("A plain thing to say", id="c-1")
    read = {
        key: client.send("GET", f"/v1/decisions/{screened.decision}", key=key).json() for key in ("reads", "appeals")
    }
    assert read["appeals"]["appeal_url"] == own.app.settings.public_url + link(own, screened.decision)
    assert read["reads"]["appeal_url"] is None
    assert {**read["appeals"], "appeal_url": None} == read["reads"]
    assert client.send("GET", f"/v1/decisions/{calm.decision}", key="appeals").json()["appeal_url"] is None
    report = own.report("c-1")
    assert client.send("GET", f"/v1/reports/{report}", key="appeals").json()["appeal_url"] is None
    decided(own.browser("reviewer"), calm, **NOT_RUDE)
    assert client.send("GET", f"/v1/reports/{report}", key="reports").json()["appeal_url"] is None
    url = client.send("GET", f"/v1/reports/{report}", key="appeals").json()["appeal_url"]
    path = url.removeprefix(own.app.settings.public_url)
    assert own.browser().post(path, text="It is about me.").status_code == 303
    assert "We have received your appeal" in own.browser().get(path).text
