"""Roles and teams that are limited to queues: no page shows their people anything else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall import access, review
from seawall.console.request import roles_in_use
from support.console import PASSWORD, Rig, opened

FILE = """\
roles:
  rude-reviewer:
    permissions: [screen.view_content, review.decide]
    queues: [rudeness]
  reader-of-all:
    permissions: [screen.view_content]
  typed:
    permissions: [screen.view_content, screen.view_overview]
    content_types: [playlist]
  team-quality:
    permissions: [screen.view_content, quality.view, access.manage, access.view_log, review.decide]
    queues: [rudeness, gore]
teams:
  acme:
    title: Acme
    queues: [rudeness]
"""
PEOPLE = {
    "rude": (["rude-reviewer"], ""),
    "reader": (["rude-reviewer", "reader-of-all"], ""),
    "vendor": (["reviewer"], "acme"),
    "typed": (["typed"], ""),
    "lead": (["team-quality"], "acme"),
}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder: Path = tmp_path_factory.mktemp("scopes")
    file = tmp_path_factory.mktemp("roles") / "roles.yaml"
    file.write_text(FILE)
    with opened(folder, environment={"SEAWALL_ROLES": str(file)}) as made:
        known = roles_in_use(made.app)
        for name, (roles, team) in PEOPLE.items():
            access.create_person(
                made.app.ledger, f"{name}@example.org", f"Name of {name}", PASSWORD, roles, team=team, known=known
            )
        ITEMS["rude"] = made.screen("You silly person", id="rude").item
        ITEMS["gory"] = made.screen("blood everywhere", id="gory").item
        ITEMS["fine"] = made.screen("A song about rain", id="fine").item
        yield made


ITEMS: dict[str, str] = {}


def items(rig: Rig) -> dict[str, str]:
    return ITEMS


def reads(item: str) -> list[str]:
    return [f"/items/{item}", f"/items/{item}.json", f"/items/{item}/1/content", f"/cases/{review.case_id(item)}"]


@pytest.mark.parametrize("name", ["rude", "vendor", "typed", "lead"])
def test_who_is_limited_opens_nothing_else(rig: Rig, name: str) -> None:
    browser, found = rig.browser(name), items(rig)
    seen = name != "typed"
    for path in reads(found["rude"]):
        assert browser.get(path).status_code == (200 if seen else 403), path
    for path in (*reads(found["gory"]), f"/items/{found['fine']}"):
        answer = browser.get(path)
        assert answer.status_code == 403, path
        assert "do not include this content" in answer.text
    assert rig.browser("reviewer").get(reads(found["gory"])[0]).status_code == 200


@pytest.mark.parametrize("name", ["rude", "vendor", "typed", "lead"])
@pytest.mark.parametrize(
    "path",
    ["/queue", "/queue.json", "/decisions", "/decisions.json", "/search?q=type:comment", "/search.json?q=type:comment"],
)
def test_lists_counts_and_exports_keep_to_the_queues(rig: Rig, name: str, path: str) -> None:
    text, found = rig.browser(name).get(path).text, items(rig)
    assert found["gory"] not in text
    assert found["fine"] not in text
    assert "queue=gore" not in text  # no count of it either
    if name != "typed":
        assert found["rude"] in text or review.case_id(found["rude"]) in text
    assert found["gory"] in rig.browser("reviewer").get(path).text or path.startswith("/queue")


def test_cases_out_of_scope_are_neither_taken_nor_decided(rig: Rig) -> None:
    case = review.case_id(items(rig)["gory"])
    for name in ("rude", "reader", "vendor"):
        browser = rig.browser(name)
        for verb in ("take", "lease", "decide", "reopen", "pass-on", "preview"):
            assert browser.post(f"/cases/{case}/{verb}", answer="violates").status_code == 403, (name, verb)
        gone = browser.post("/queue/next", queue="gore")
        assert gone.headers["location"].startswith("/queue")


def test_a_role_that_reads_everything_does_not_widen_what_another_decides(rig: Rig) -> None:
    browser, found = rig.browser("reader"), items(rig)
    assert browser.get(f"/items/{found['gory']}").status_code == 200
    assert browser.post(f"/cases/{review.case_id(found['gory'])}/take").status_code == 403


def test_a_team_sees_its_own_people_only(rig: Rig) -> None:
    lead = rig.browser("lead")
    for path in ("/access", "/access/views", "/quality"):
        text = lead.get(path).text
        assert "Name of rude" not in text, path
    assert "Name of vendor" in lead.get("/access").text
    assert "reviewer@example.org" not in lead.get("/access").text
    person = access.find_person(rig.app.database, "rude@example.org")
    for verb in ("disable", "link", "team"):
        answer = lead.post(f"/access/people/{person.id}/{verb}", team="acme")
        assert answer.status_code == 422, verb
    assert lead.post("/access/keys", name="mine", scope="admin").status_code == 422


def test_a_lead_invites_into_the_own_team_what_they_have_themselves(rig: Rig) -> None:
    lead = rig.browser("lead")
    lead.get("/access")
    refused = lead.post("/access/people", email="n1@example.org", name="New", role="admin", team="acme")
    assert refused.status_code == 422
    assert "rights that you do not have" in refused.text
    assert lead.post("/access/people", email="n2@example.org", name="New", role="rude-reviewer").status_code == 422
    made = lead.post("/access/people", email="n3@example.org", name="New", role="rude-reviewer", team="acme")
    assert made.status_code == 200
    assert access.find_person(rig.app.database, "n3@example.org").team == "acme"


def test_who_may_mark_golden_cases_marks_none_that_they_may_not_see(rig: Rig) -> None:
    case = review.case_id(items(rig)["gory"])
    browser = rig.browser("lead")
    assert browser.get(f"/golden-cases?case={case}").status_code == 403


def test_who_lacks_the_overview_starts_where_they_may(rig: Rig) -> None:
    assert rig.browser("rude").get("/").status_code == 303
