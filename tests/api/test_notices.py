"""Reports about content that is not known yet, and the API keys that report for others than users."""

from __future__ import annotations

from typing import Any

import pytest

from seawall import access, appeal
from seawall.appeal.notices import MATCHER, end_old_notices
from seawall.appeal.queries import get_notice, get_report, list_reporter_keys
from seawall.model import ReportReceived
from seawall.storage import following
from support.api import Client

NOTE = {"content_type": "note", "reporter": "u-9", "note": "It says where I live.", "policy": "rude"}


def send(client: Client, key: str = "report", status: int = 201, idempotency: str | None = None, **body: Any) -> Any:
    headers = {} if idempotency is None else {"Idempotency-Key": idempotency}
    answer = client.send("POST", "/v1/reports", key=key, json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def state_of(client: Client, report: str) -> Any:
    return client.send("GET", f"/v1/reports/{report}", key="report").json()["state"]


def follow(client: Client) -> None:
    """What a worker does with what was submitted."""
    following.follow(client.rig.app.context, MATCHER, "tests")


def case_of(client: Client, item: str) -> Any:
    (case,) = (one for one in client.send("GET", "/v1/cases", key="review").json() if one["item"] == item)
    return case


def test_a_report_about_unknown_content_waits_and_is_matched(fresh: Client) -> None:
    first = send(fresh, id="later", **NOTE)
    assert (first["state"], state_of(fresh, first["report"])) == ("waiting_for_content",) * 2
    fresh.screen("somebody else", id="other")
    follow(fresh)
    assert state_of(fresh, first["report"]) == "waiting_for_content"
    screened = fresh.screen("a harmless note", id="later").json()
    follow(fresh)
    assert state_of(fresh, first["report"]) == "received"
    app = fresh.rig.app
    with app.database.read() as connection:
        row, notice = get_report(connection, first["report"]), get_notice(connection, first["report"])
    assert row is not None
    assert notice is not None
    assert (row.item, row.policy, notice.state) == (screened["item"], "rude", "matched")
    assert app.vault.open(row.item, appeal.note_name(row.id)) == b"It says where I live."
    assert case_of(fresh, row.item)["reports"] == 1
    assert "where I live" not in repr(app.ledger.events())


def test_a_repeated_report_is_one_before_and_after_its_content_came(fresh: Client) -> None:
    first = send(fresh, idempotency="k-1", id="later", **NOTE)
    assert send(fresh, idempotency="k-1", id="later", **NOTE)["report"] == first["report"]
    send(fresh, idempotency="k-1", status=409, id="later", **{**NOTE, "note": "something else"})
    fresh.screen("a harmless note", id="later")
    follow(fresh)
    again = send(fresh, idempotency="k-1", id="later", **NOTE)
    assert (again["report"], again["state"]) == (first["report"], "received")
    assert sum(isinstance(event.body, ReportReceived) for event in fresh.rig.app.ledger.events()) == 1


def test_a_report_of_an_unknown_content_type_is_refused(fresh: Client) -> None:
    send(fresh, status=404, content_type="nothing", id="x")


def test_content_that_never_comes_ends_the_notice_and_erases_its_words(
    fresh: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = send(fresh, id="never", **NOTE)["report"]
    context = fresh.rig.app.context
    end_old_notices(context)
    assert state_of(fresh, report) == "waiting_for_content"
    for days in (181, 400):
        later = fresh.rig.app.ledger.events()[-1].at + days * 86_400_000
        monkeypatch.setattr("seawall.appeal.notices.now_ms", lambda later=later: later)
        end_old_notices(context)
    assert state_of(fresh, report) == "ended"
    with fresh.rig.app.database.read() as connection:
        notice = get_notice(connection, report)
    assert notice is not None
    assert fresh.rig.app.vault.open_many([(notice.subject, "notice")]) == {}


def test_erasing_the_reporter_erases_what_they_wrote(fresh: Client) -> None:
    report = send(fresh, id="later", **NOTE)["report"]
    app = fresh.rig.app
    account = app.vault.find("account", "u-9")
    app.ledger.commit(lambda tx: app.vault.erase(tx, account))
    screened = fresh.screen("a harmless note", id="later").json()
    follow(fresh)
    assert state_of(fresh, report) == "received"
    assert app.vault.open_many([(screened["item"], appeal.note_name(report))]) == {}


@pytest.mark.parametrize("kind", ["trusted_flagger", "authority", "staff"])
@pytest.mark.parametrize("key", ["report", "admin"])
def test_nobody_gets_priority_by_writing_a_kind(fresh: Client, kind: str, key: str) -> None:
    fresh.screen("a harmless note", id="n-1")
    problem = send(fresh, key, 403, id="n-1", **NOTE, kind=kind)
    assert "Reporter keys" in problem["detail"]
    assert not [event for event in fresh.rig.app.ledger.events() if isinstance(event.body, ReportReceived)]


def declared(client: Client, kind: str, *harms: str) -> str:
    app = client.rig.app
    key = next(one for one in access.list_keys(app.database) if access.Scope.REPORT in one.scopes).id
    appeal.declare_reporter_key(app.ledger, key, kind, harms, by="system")
    return key


def test_a_reporter_key_gives_its_priority_within_its_areas_and_not_while_suspended(fresh: Client) -> None:
    key = declared(fresh, "trusted_flagger", "harassment")
    ledger = fresh.rig.app.ledger
    fresh.screen("a harmless note", id="n-1")
    flagged = {"id": "n-1", **NOTE, "kind": "trusted_flagger"}
    with_policy = send(fresh, **flagged)
    assert (with_policy["kind"], with_policy["lost_priority"]) == ("trusted_flagger", None)
    outside = send(fresh, **{**flagged, "policy": None})
    assert outside["kind"] == "user"
    assert "harassment" in outside["lost_priority"]
    send(fresh, status=403, **{**flagged, "kind": "authority"})
    appeal.suspend_reporter_key(ledger, key, "inaccurate-notices", by="system")
    suspended = send(fresh, **flagged)
    assert suspended["kind"] == "user"
    assert "suspended" in suspended["lost_priority"]
    with pytest.raises(appeal.ReporterKeyRefused, match="suspended already"):
        appeal.suspend_reporter_key(ledger, key, "inaccurate-notices", by="system")
    appeal.restore_reporter_key(ledger, key, by="system")
    assert send(fresh, **flagged)["kind"] == "trusted_flagger"
    with fresh.rig.app.database.read() as connection:
        assert [one.harms for one in list_reporter_keys(connection)] == [("harassment",)]


def test_an_order_of_an_authority_is_handed_on(fresh: Client) -> None:
    key = declared(fresh, "authority")
    screened = fresh.screen("a harmless note", id="n-1").json()
    report = send(fresh, id="n-1", **{**NOTE, "kind": "authority"})["report"]
    orders = [event.body for event in fresh.rig.app.ledger.events() if event.kind == "order.received"]
    assert [(one.report, one.reporter_key, one.item.ref) for one in orders] == [(report, key, screened["item"])]
    assert case_of(fresh, screened["item"])["priority"] == 0.95
    waiting = send(fresh, id="later", **{**NOTE, "kind": "authority"})
    assert (waiting["state"], waiting["kind"]) == ("waiting_for_content", "authority")
    fresh.screen("another note", id="later")
    follow(fresh)
    assert sum(event.kind == "order.received" for event in fresh.rig.app.ledger.events()) == 2


@pytest.mark.parametrize(("kind", "harms"), [("user", ()), ("staff", ("nonsense",))])
def test_a_reporter_key_of_nonsense_is_refused(fresh: Client, kind: str, harms: tuple[str, ...]) -> None:
    with pytest.raises(appeal.ReporterKeyRefused):
        appeal.declare_reporter_key(fresh.rig.app.ledger, "key", kind, harms, by="system")
