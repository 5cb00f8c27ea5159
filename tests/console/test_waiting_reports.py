"""Reports that wait for content, orders of authorities and reporter keys, as people see and change them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall import access, appeal, review
from seawall.appeal.queries import get_report, get_reporter_key
from support.console import Rig, opened


@pytest.fixture
def own(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    with opened(tmp_path, database_url=database_url) as rig:
        yield rig


def wait(rig: Rig, note: str, harm: str | None = None, kind: str = "user") -> str:
    report = appeal.Report(content_type="comment", item_id=f"later {note}", note=note, reporter="u-9", kind=kind)
    notice = appeal.Notice(report=report, channel="api")
    return appeal.receive_notice(rig.app.ledger, notice, find_item=lambda content_type, item: None, harm=harm)


def test_a_person_finds_the_content_of_a_report(own: Rig) -> None:
    screened = own.screen("A plain thing to say", id="c-1")
    report = wait(own, "<i>It is about me</i>")
    reviewer = own.browser("reviewer")
    page = reviewer.get("/reports")
    assert "&lt;i&gt;It is about me" in page.text
    assert "u-9" not in page.text
    assert reviewer.get("/reports.json").json()["notices"][0]["notice"]["report"] == report
    wrong = reviewer.post(f"/reports/{report}/match", content_type="comment", item_id="c-404")
    assert (wrong.status_code, "c-404" in wrong.text) == (422, True)
    reviewer.get("/reports")
    found = reviewer.post(f"/reports/{report}/match", content_type="comment", item_id="c-1")
    assert found.headers["location"] == f"/cases/{review.case_id(screened.item)}"
    assert "It is about me" in reviewer.get(found.headers["location"]).text
    with own.app.database.read() as connection:
        row = get_report(connection, report)
    assert row is not None
    assert row.item == screened.item
    reviewer.get("/reports")
    again = reviewer.post(f"/reports/{report}/match", content_type="comment", item_id="c-1")  # the other tab
    assert again.status_code == 409
    assert reviewer.post(f"/reports/{report}/dismiss").status_code == 409
    assert own.app.ledger.rebuild().equal


def test_a_person_says_that_it_is_about_nothing_here(own: Rig) -> None:
    report = wait(own, "It is somewhere else")
    reviewer = own.browser("reviewer")
    reviewer.get("/reports")
    assert reviewer.post(f"/reports/{report}/dismiss").status_code == 303
    assert "No report waits" in reviewer.get("/reports").text


def test_reports_about_children_are_seen_by_specialists_only(own: Rig) -> None:
    own.screen("A plain thing to say", id="c-1")
    report = wait(own, "A child is hurt there", harm="child_safety")
    for role, sees in (("reviewer", False), ("policy", False), ("child_safety", True), ("admin", True)):
        browser = own.browser(role)
        assert ("A child is hurt there" in browser.get("/reports").text) is sees, role
        assert (browser.get("/reports.json").json()["notices"] != []) is sees, role
    reviewer = own.browser("reviewer")
    for path in ("match", "dismiss"):
        answer = reviewer.post(f"/reports/{report}/{path}", content_type="comment", item_id="c-1")
        assert answer.status_code == 403


def test_an_administrator_declares_suspends_and_restores_a_reporter_key(own: Rig) -> None:
    token = access.create_key(own.app.ledger, "Hotline <b>", [access.Scope.REPORT])
    key = token.split("_")[1]
    admin = own.browser("admin")
    assert "No reporter key yet" in admin.get("/reports/keys").text
    assert admin.post("/reports/keys", key="none", kind="authority").status_code == 422
    assert admin.post("/reports/keys", key=key, kind="user").status_code == 422
    assert admin.post("/reports/keys", key=key, kind="trusted_flagger", harm="hate").status_code == 303
    page = admin.get("/reports/keys").text
    assert "Hotline &lt;b&gt;" in page
    assert "0 of 0 decided" in page
    assert admin.post(f"/reports/keys/{key}/suspend", reason="Not A Code").status_code == 409
    assert admin.post(f"/reports/keys/{key}/suspend", reason="inaccurate").status_code == 303
    assert admin.post(f"/reports/keys/{key}/suspend", reason="inaccurate").status_code == 409
    with own.app.database.read() as connection:
        reporter_key = get_reporter_key(connection, key)
    assert reporter_key is not None
    assert (reporter_key.kind, reporter_key.harms, reporter_key.reason) == ("trusted_flagger", ("hate",), "inaccurate")
    admin.get("/reports/keys")
    assert admin.post(f"/reports/keys/{key}/restore").status_code == 303
    assert admin.post(f"/reports/keys/{key}/restore").status_code == 409
    assert own.app.ledger.rebuild().equal


def test_orders_of_authorities_are_listed_for_those_who_may_see_them(own: Rig) -> None:
    own.screen("A plain thing to say", id="c-1")
    own.report("c-1", kind="authority")
    own.screen("Another plain thing", id="c-2")
    secret = appeal.Report(content_type="comment", item_id="c-2", kind="authority")
    appeal.receive_report(own.app.ledger, secret, find_item=own._find, harm="child_safety")
    for role, count in (("reviewer", 1), ("child_safety", 2)):
        browser = own.browser(role)
        assert len(browser.get("/reports/orders.json").json()["orders"]) == count
        assert browser.get("/reports/orders").text.count("<tr data-row>") == count
