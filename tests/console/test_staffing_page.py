"""The staffing page and its command."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from seawall.cli.main import app as program
from support.console import Rig, open_page


def test_without_cases_the_page_says_what_to_give(rig: Rig) -> None:
    page = rig.browser("policy").get("/staffing").text
    assert "how many cases come in an hour" in page or "give the time on a case" in page


def test_a_plan_in_words_and_as_json(rig: Rig) -> None:
    lead = rig.browser("policy")
    given = "per_hour=20&handle=60s&sla=1h&reach=90"
    page = lead.get(f"/staffing?{given}")
    assert page.status_code == 200
    assert "at once" in page.text
    assert page.text.count('<rect class="first"') == 168
    plan = lead.get(f"/staffing.json?{given}").json()["plan"]
    assert len(plan["reviewers"]) == 168
    assert min(plan["met"]) >= 0.9


@pytest.mark.parametrize(
    "wrong", ["sla=soon", "sla=1h&handle=long", "sla=1h&reach=most", "sla=1h&reach=100&handle=9s", "sla=1h&per_hour=-1"]
)
def test_bad_inputs_are_named(rig: Rig, wrong: str) -> None:
    lead = rig.browser("policy")
    assert lead.get(f"/staffing?{wrong}").status_code == 422
    assert 'role="alert"' in lead.get(f"/staffing?{wrong}").text
    assert lead.get(f"/staffing.json?{wrong}").status_code == 422


def test_the_command_says_the_same(rig: Rig) -> None:
    where = ["--data-dir", str(rig.app.settings.data_dir)]
    given = ["review", "staffing", "--per-hour", "20", "--handle", "60s", "--sla", "1h"]
    done = CliRunner().invoke(program, [*given, *where])
    assert done.exit_code == 0, done.output
    assert "Mon  " in done.output
    assert "simulated cases taken in time" in done.output
    assert CliRunner().invoke(program, ["review", "staffing", "--sla", "soon", *where]).exit_code == 2


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_in_a_browser(chromium: object, url: str, width: int, height: int) -> None:
    page: Any
    page, complaints = open_page(chromium, url, "policy", width, height)
    page.goto(f"{url}/staffing")
    page.fill("#per_hour", "12")
    page.fill("#handle", "90s")
    page.keyboard.press("Enter")
    page.wait_for_selector("#plan-title")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not complaints
