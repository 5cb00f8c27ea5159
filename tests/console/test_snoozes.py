"""Snoozes in the console: on the account's page, on the policy's, in a decision; child safety only for specialists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from seawall.model import Verdict
from seawall.policy import PolicySource
from support.console import RUDENESS, Rig, opened


@pytest.fixture
def rig(tmp_path: Path, sqlite_url: str) -> Iterator[Rig]:
    with opened(tmp_path, database_url=sqlite_url) as made:
        yield made


def account(rig: Rig) -> str:
    rig.screen("Thank you", id="first")
    return rig.app.vault.find("account", "author") or ""


GIVEN = {"rule": "rudeness/certain", "days": "30", "snooze_why": "They quote what was said to them."}


def test_a_rule_is_set_aside_on_the_page_of_the_account(rig: Rig) -> None:
    who = account(rig)
    browser = rig.browser("policy")
    assert "Every rule applies to this account." in browser.get(f"/accounts/{who}").text
    assert browser.post(f"/accounts/{who}/snoozes", **GIVEN).status_code == 303
    answer = rig.screen("You fool", id="c-2")
    page = browser.get(f"/accounts/{who}").text
    assert "They quote what was said to them." in page
    assert "rudeness / certain" in page
    assert f'href="/accounts/{who}#snoozes"' in browser.get("/policies/rudeness").text
    decision = browser.get(f"/decisions/{answer.decision}").text
    assert "snoozed" in decision
    assert "Set aside for this account" in decision
    (snooze,) = browser.get(f"/accounts/{who}.json").json()["snoozes"]
    assert (snooze["rule"], snooze["why"]) == ("certain", None)
    assert "End it now" not in rig.browser("reviewer").get(f"/accounts/{who}").text
    assert browser.post(f"/accounts/{who}/snoozes/{snooze['id']}/end").status_code == 303
    assert f'href="/accounts/{who}#snoozes"' not in browser.get("/policies/rudeness").text
    assert browser.post(f"/accounts/{who}/snoozes/snz_none/end").status_code == 404


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rule": "rudeness/none"}, "Choose one of the rules in force"),
        ({"rule": "rudeness/loud"}, "Choose one of the rules in force"),  # a shadow rule has no effect
        ({"days": "0"}, "A rule is snoozed for 1 to 365 days."),
        ({"days": "soon"}, "A rule is snoozed for 1 to 365 days."),
        ({"snooze_why": " "}, "Write what others should know"),
    ],
)
def test_what_is_not_taken_says_why(rig: Rig, change: dict[str, str], says: str) -> None:
    who = account(rig)
    browser = rig.browser("policy")
    browser.get(f"/accounts/{who}")
    refused = browser.post(f"/accounts/{who}/snoozes", **{**GIVEN, **change})
    assert refused.status_code == 422
    assert says in refused.text


def test_child_safety_is_for_specialists(rig: Rig) -> None:
    who = account(rig)
    text = RUDENESS.replace("harm: harassment", "harm: grooming").replace("hold}", "allow}")
    rig.app.publish(replace(rig.app.sources(), policies=(PolicySource("r.yaml", text),)), by="tests")
    policy, admin = rig.browser("policy"), rig.browser("admin")
    assert "rudeness/certain" not in policy.get(f"/accounts/{who}").text
    assert policy.post(f"/accounts/{who}/snoozes", **GIVEN).status_code == 422
    assert "rudeness/certain" in admin.get(f"/accounts/{who}").text
    assert admin.post(f"/accounts/{who}/snoozes", **GIVEN).status_code == 303
    (snooze,) = admin.get(f"/accounts/{who}.json").json()["snoozes"]
    assert policy.get(f"/accounts/{who}.json").json()["snoozes"] == []
    assert "They quote what" not in policy.get(f"/accounts/{who}").text
    assert f'href="/accounts/{who}#snoozes"' not in policy.get("/policies/rudeness").text
    assert f'href="/accounts/{who}#snoozes"' in admin.get("/policies/rudeness").text
    assert policy.post(f"/accounts/{who}/snoozes/{snooze['id']}/end").status_code == 404


def test_a_rule_is_set_aside_on_the_page_of_the_policy(rig: Rig) -> None:
    who = account(rig)
    hit = rig.screen("You fool", id="hit")
    browser = rig.browser("policy")
    link = f"/policies/rudeness?rule=certain&amp;account={who}#snooze"
    assert link in browser.get(f"/decisions/{hit.decision}").text
    form = LexborHTMLParser(browser.get(f"/policies/rudeness?rule=certain&account={who}").text)
    assert [one.attributes["value"] for one in form.css("#snooze-account")] == [who]
    assert [one.text() for one in form.css("#snooze-rule option[selected]")] == ["rudeness/certain"]
    assert "gore/words" not in [one.text() for one in form.css("#snooze-rule option")]
    done = browser.post("/policies/rudeness/snoozes", **GIVEN, account="author")  # the product's id
    assert done.headers["location"] == "/policies/rudeness#rule-certain"
    assert f'href="/accounts/{who}#snoozes"' in browser.get("/policies/rudeness").text
    assert rig.screen("You fool", id="after").verdict is Verdict.HOLD
    again = browser.post("/policies/rudeness/snoozes", **GIVEN, account=who)
    assert (again.status_code, "set aside for this account already" in again.text) == (422, True)
    assert len(browser.get(f"/accounts/{who}.json").json()["snoozes"]) == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"account": "nobody"}, "There is no account"),
        ({"account": ""}, "There is no account"),
        ({"account": "en_" + "0" * 32}, "There is no account"),
        ({"account": "<b>"}, "There is no account"),
        ({"rule": "gore/words"}, "Choose one of the rules in force"),
        ({"days": "1e3"}, "A rule is snoozed for 1 to 365 days."),
        ({"snooze_why": ""}, "Write what others should know"),
    ],
)
def test_the_page_of_the_policy_keeps_what_was_typed(rig: Rig, change: dict[str, str], says: str) -> None:
    who = account(rig)
    browser = rig.browser("policy")
    browser.get("/policies/rudeness")
    given = {**GIVEN, "account": "author", **change}
    refused = browser.post("/policies/rudeness/snoozes", **given)
    assert (refused.status_code, says in refused.text) == (422, True)
    form = LexborHTMLParser(refused.text)
    assert [one.attributes["value"] for one in form.css("#snooze-days")] == [given["days"]]
    assert [one.text() for one in form.css("#snooze-why")] == [given["snooze_why"]]
    assert browser.get(f"/accounts/{who}.json").json()["snoozes"] == []


def test_the_form_is_for_those_who_may_snooze(rig: Rig) -> None:
    who = account(rig)
    hit = rig.screen("You fool", id="hit")
    reviewer = rig.browser("reviewer")
    for page in (f"/policies/rudeness?account={who}", f"/decisions/{hit.decision}"):
        assert "#snooze" not in reviewer.get(page).text
        assert "snooze-account" not in reviewer.get(page).text
    assert reviewer.post("/policies/rudeness/snoozes", **GIVEN, account=who).status_code == 403
    text = RUDENESS.replace("harm: harassment", "harm: grooming").replace("hold}", "allow}")
    rig.app.publish(replace(rig.app.sources(), policies=(PolicySource("r.yaml", text),)), by="tests")
    policy, admin = rig.browser("policy"), rig.browser("admin")
    assert "snooze-account" not in policy.get("/policies/rudeness").text
    assert "snooze-account" in admin.get("/policies/rudeness").text
    assert policy.post("/policies/rudeness/snoozes", **GIVEN, account=who).status_code == 422
    assert policy.post("/policies/none/snoozes", **GIVEN, account=who).status_code == 404
