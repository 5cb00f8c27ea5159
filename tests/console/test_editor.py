"""The editor of a policy file: checked, tried, compared, published or proposed, with two people and hostile files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from seawall.console.publish import editor
from seawall.console.publish.rule_modes import with_mode
from seawall.policy import PolicySource, load_policy
from seawall.screen import ItemTrials
from support.console import GORE, RUDENESS, Browser, Rig, opened

ADDRESS = "/policies/rudeness/edit"
RIGHT = RUDENESS.replace("    expect: {verdict: hold}\n", "    expect: {verdict: allow}\n")


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str) -> Iterator[Rig]:
    with opened(tmp_path, database_url=sqlite_url) as made:
        publish(made, RIGHT, GORE)
        yield made


@pytest.fixture(autouse=True)
def _unlimited(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "house" in request.fixturenames:
        house = request.getfixturevalue("house")
        monkeypatch.setattr(house.app.context.get(ItemTrials), "_tries", {})


def publish(rig: Rig, *texts: str) -> None:
    policies = tuple(PolicySource(path=f"{number}.yaml", text=text) for number, text in enumerate(texts))
    rig.app.publish(replace(rig.app.sources(), policies=policies), by="tests")


def in_force(rig: Rig, name: str = "rudeness") -> str:
    policy = rig.app.bundle.policy(name)
    return policy.source.text if policy is not None else ""


def text_of(answer: Any) -> str:
    body = LexborHTMLParser(answer.text).body
    assert body is not None
    return " ".join(body.text(separator=" ").split())


def hidden(answer: Any) -> dict[str, str]:
    """What the form carries along."""
    found = LexborHTMLParser(answer.text).css("form[data-editor] input[type=hidden]")
    return {str(one.attributes["name"]): one.attributes["value"] or "" for one in found}


def written(answer: Any) -> str:
    (area,) = LexborHTMLParser(answer.text).css("#text")
    assert isinstance(area, LexborNode)
    return area.text()


def send(browser: Browser, page: Any, text: str, do: str, address: str = ADDRESS, **more: Any) -> Any:
    """Send the form of ``page`` with another text."""
    return browser.post(address, **{**hidden(page), "text": text.replace("\n", "\r\n"), "do": do, **more})


def test_a_change_is_compared_then_published(house: Rig) -> None:
    browser = house.browser("policy")
    page = browser.get(ADDRESS)
    assert written(page) == RIGHT
    assert "as it is in force" in text_of(page)
    changed = RIGHT.replace("rudeness >= 0.9", "rudeness >= 0.92")
    compared = send(browser, page, changed, "compare")
    assert "let strong : rudeness >= 0.9 becomes rudeness >= 0.92 ." in text_of(compared)
    assert "3 of 3 examples pass." in text_of(compared)
    assert in_force(house) == RIGHT  # nothing is saved by looking
    done = send(browser, compared, changed, "publish")
    assert (done.status_code, done.headers["location"]) == (303, "/policies/rudeness")
    assert in_force(house) == changed
    assert in_force(house, "gore") == GORE
    newest = browser.get("/publications.json").json()["publications"][0]
    assert (newest["by"], newest["source"]) == (house.people["policy"].id, "console: rudeness")


def test_what_was_not_seen_is_not_published(house: Rig) -> None:
    browser = house.browser("policy")
    page = browser.get(ADDRESS)
    changed = RIGHT.replace("rudeness >= 0.9", "rudeness >= 0.92")
    assert send(browser, page, changed, "publish").status_code == 422
    compared = send(browser, page, changed, "compare")
    other = send(browser, compared, changed.replace("0.92", "0.2"), "publish")
    assert "This is not what you have seen" in text_of(other)
    assert written(other).count("rudeness >= 0.2") == 1
    same = send(browser, browser.get(ADDRESS), RIGHT, "compare")
    assert "Nothing differs." in text_of(same)
    assert "Publish it" not in text_of(same)
    assert in_force(house) == RIGHT


def test_what_would_act_no_more_is_ticked_one_by_one(house: Rig) -> None:
    browser = house.browser("policy")
    changed = RIGHT.replace("  - id: likely\n", "  - id: likely\n    mode: shadow\n")
    compared = send(browser, browser.get(ADDRESS), changed, "compare")
    assert 'value="rudeness/likely"' in compared.text
    refused = send(browser, compared, changed, "publish")
    assert (refused.status_code, "tick what shall go" in text_of(refused)) == (422, True)
    assert in_force(house) == RIGHT
    assert send(browser, refused, changed, "publish", drop="rudeness/likely").status_code == 303
    assert in_force(house) == changed


def test_a_failing_example_is_not_published(house: Rig) -> None:
    browser = house.browser("policy")
    compared = send(browser, browser.get(ADDRESS), RUDENESS, "compare")
    assert "2 of 3 examples pass." in text_of(compared)
    assert "It cannot be published while an example fails" in text_of(compared)
    assert "Publish it" not in text_of(compared)
    assert in_force(house) == RIGHT


def test_a_mistake_stands_with_its_place_and_the_text_is_kept(house: Rig) -> None:
    browser = house.browser("policy")
    wrong = RIGHT.replace("rudeness >= 0.9", "rudenes >= 0.9")
    page = browser.get(ADDRESS)
    for wanted in ("check", "compare", "publish"):
        answer = send(browser, page, wrong, wanted)
        assert written(answer) == wrong
        assert "unknown name 'rudenes'" in text_of(answer)
        assert "nearest: rudeness" in text_of(answer)
        assert 'data-line="14" data-column="11"' in answer.text
        assert "^^^^^^^" in answer.text
    part = browser.post("/drafts/check", name="rudeness", text=wrong)
    assert part.status_code == 200
    assert 'data-said="1 mistake"' in part.text
    assert "<html" not in part.text
    told = browser.post("/drafts/check.json", name="rudeness", text=wrong).json()
    assert [(one["line"], one["column"], one["nearest"]) for one in told["problems"]] == [(14, 11, ["rudeness"])]


def test_warnings_and_examples_are_shown(house: Rig) -> None:
    browser = house.browser("policy")
    idle = RUDENESS.replace("rules:", "rules:\n  - {id: idle, when: rudeness > 1, do: [hold]}", 1)
    shown = text_of(send(browser, browser.get(ADDRESS), idle, "check"))
    assert "'rudeness > 1' is never true" in shown
    assert "verdict: expected hold, got allow" in shown
    assert "No mistake; 1 warning; 1 of 2 examples pass" in shown
    told = browser.post("/drafts/check.json", name="rudeness", text=idle).json()
    assert [one["code"] for one in told["warnings"]] == ["threshold-out-of-range"]
    assert [one["passed"] for one in told["examples"]] == [True, False]


def test_a_draft_is_tried_beside_what_is_in_force(house: Rig) -> None:
    browser = house.browser("policy")
    changed = RIGHT.replace("rudeness >= at_fpr(0.01)", "rudeness >= 0.5")
    shown = send(browser, browser.get(ADDRESS), changed, "try", type="comment", **{"field.body": "What an odd thing"})
    assert shown.status_code == 200
    assert "What the draft changes" in text_of(shown)
    assert written(shown) == changed
    assert "What an odd thing" in shown.text
    wrong = send(browser, shown, "policy: [", "try", type="comment", **{"field.body": "x"})
    assert wrong.status_code == 422
    screened = send(browser, shown, changed, "screen")
    assert "As screened" in text_of(screened)


MISSED = RIGHT.replace(
    "examples:\n",
    """examples:
  - name: what no detector finds
    item: {comment: {body: "You dolt."}}
    given: {rudeness: 0.97}
    expect: {verdict: block}
""",
)


def newest(browser: Browser) -> dict[str, Any]:
    return dict(browser.get("/publications.json").json()["publications"][0])


def test_examples_are_screened_before_it_is_published(house: Rig) -> None:
    browser = house.browser("policy")
    compared = send(browser, browser.get(ADDRESS), MISSED, "compare")
    assert "4 of 4 examples pass." in text_of(compared)
    assert "2 of 3 examples of this policy pass" in text_of(compared)
    assert "verdict: expected block, got allow" in text_of(compared)
    refused = send(browser, compared, MISSED, "publish")
    assert (refused.status_code, "An example fails as screened." in text_of(refused)) == (422, True)
    assert in_force(house) == RIGHT
    declared = MISSED.replace('dolt."}}\n', 'dolt."}}\n    screened: wanted\n')
    compared = send(browser, refused, declared, "compare")
    assert "3 of 3 examples of this policy pass" in text_of(compared)
    assert 'name="unscreened"' not in compared.text
    assert send(browser, compared, declared, "publish").status_code == 303
    assert in_force(house) == declared
    assert newest(browser)["screened"] is True


def test_what_is_published_without_screening_says_so(house: Rig) -> None:
    browser = house.browser("policy")
    compared = send(browser, browser.get(ADDRESS), MISSED, "compare")
    assert 'name="unscreened"' in compared.text
    assert send(browser, compared, MISSED, "publish", unscreened="yes").status_code == 303
    assert in_force(house) == MISSED
    assert newest(browser)["screened"] is False
    assert "Its examples were not screened." in text_of(browser.get("/publications"))
    assert "examples not screened" in text_of(browser.get("/policies/rudeness"))
    assert browser.get("/policies/rudeness.json").json()["history"][0]["screened"] is False


SLOW = GORE.replace('body: "blood"', 'body: "stuck in blood"')


def test_a_slow_screening_goes_on_without_the_page(house: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, gore = house.browser("policy"), "/policies/gore/edit"
    with monkeypatch.context() as now:
        now.setattr(editor, "_WAIT_S", 0.01)
        shown = send(browser, browser.get(gore), SLOW, "compare", gore)
        assert "That goes on without this page." in text_of(shown)
        assert LexborHTMLParser(shown.text).css("[data-screening] button[value=compare]") != []
        refused = send(browser, shown, SLOW, "publish", gore)
        assert (refused.status_code, "still being screened" in text_of(refused)) == (422, True)
        assert "That goes on" in text_of(send(browser, shown, SLOW, "screen", gore))
    house.stuck.go_on.set()
    shown = send(browser, shown, SLOW, "compare", gore)
    assert "1 of 1 examples of this policy pass" in text_of(shown)
    assert send(browser, shown, SLOW, "publish", gore).status_code == 303
    assert in_force(house, "gore") == SLOW


def test_one_who_tried_too_much_may_leave_the_screening_out(house: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = house.app.context.get(ItemTrials)
    browser = house.browser("policy")
    changed = RIGHT.replace("rudeness >= 0.9", "rudeness >= 0.91")
    many = {f"person:{house.people['policy'].id}": [trials._clock()] * 20}
    monkeypatch.setattr(trials, "_tries", many)
    compared = send(browser, browser.get(ADDRESS), changed, "compare")
    assert "Too much is being tried." in text_of(compared)
    assert send(browser, compared, changed, "publish").status_code == 422
    assert send(browser, compared, changed, "publish", unscreened="yes").status_code == 303
    assert newest(browser)["screened"] is False


def test_what_is_sent_twice_is_done_once(house: Rig) -> None:
    browser = house.browser("policy")
    changed = RIGHT.replace("rudeness >= 0.9", "rudeness >= 0.92")
    compared = send(browser, browser.get(ADDRESS), changed, "compare")
    first, again = (send(browser, compared, changed, "publish") for _ in range(2))
    assert first.headers["location"] == again.headers["location"] == "/policies/rudeness"
    page = browser.get("/drafts/new")
    text = written(page).replace("new-policy", "touting")
    compared = send(browser, page, text, "compare", "/drafts/new")
    first, again = (send(browser, compared, text, "publish", "/drafts/new") for _ in range(2))
    assert first.headers["location"] == again.headers["location"] == "/policies/touting"
    assert len(browser.get("/publications.json").json()["publications"]) == 4  # two of the fixture


def test_two_people_lose_nothing(house: Rig) -> None:
    first, second = house.browser("policy"), house.browser("admin")
    page = first.get(ADDRESS)
    theirs = RIGHT.replace("Look at who speaks to whom.", "Look at who speaks, and to whom.")
    publish(house, theirs, GORE)
    mine = RIGHT.replace("rudeness >= 0.9", "rudeness >= 0.92")
    shown = send(first, page, mine, "compare")
    assert "Somebody else changed this policy since you began." in text_of(shown)
    assert "+   Look at who speaks, and to whom." in text_of(shown).replace("+ Look", "+   Look")
    assert written(shown) == mine
    assert "Publish it" not in text_of(shown)
    forced = send(first, shown, mine, "publish", in_force=house.app.bundle.hash, compared="x")
    assert (forced.status_code, in_force(house)) == (422, theirs)
    assert (
        "changed this policy since you began"
        in first.post("/drafts/check", name="rudeness", text=mine, base=hidden(page)["base"]).text
    )
    went_on = send(first, shown, mine, "go_on")
    assert "Somebody else changed" not in text_of(went_on)
    both = theirs.replace("rudeness >= 0.9", "rudeness >= 0.92")
    compared = send(first, went_on, both, "compare")
    assert send(first, compared, both, "publish").status_code == 303
    assert in_force(house) == both
    assert second.get(ADDRESS).status_code == 200


def test_another_policys_change_is_no_conflict(house: Rig) -> None:
    browser = house.browser("policy")
    page = browser.get(ADDRESS)
    publish(house, RIGHT, GORE.replace("gory >= 0.6", "gory >= 0.7"))
    changed = RIGHT.replace("rudeness >= 0.9", "rudeness >= 0.92")
    compared = send(browser, page, changed, "compare")
    assert "Somebody else changed" not in text_of(compared)
    assert send(browser, compared, changed, "publish").status_code == 303
    assert "gory >= 0.7" in in_force(house, "gore")


def test_a_publication_between_looking_and_publishing_is_noticed(house: Rig) -> None:
    browser = house.browser("policy")
    changed = RIGHT.replace("rudeness >= 0.9", "rudeness >= 0.92")
    compared = send(browser, browser.get(ADDRESS), changed, "compare")
    publish(house, RIGHT, GORE.replace("gory >= 0.6", "gory >= 0.7"))
    refused = send(browser, compared, changed, "publish")
    assert (refused.status_code, in_force(house)) == (422, RIGHT)
    assert send(browser, refused, changed, "publish").status_code == 303


def test_a_new_policy_begins_with_a_file_that_is_accepted(house: Rig) -> None:
    browser = house.browser("policy")
    page = browser.get("/drafts/new")
    first = written(page)
    assert "No mistake; 0 warnings; 1 of 1 examples pass" in text_of(page)
    taken = send(browser, page, RIGHT, "compare", "/drafts/new")
    assert "a policy with the name rudeness is in force already" in text_of(taken)
    text = first.replace("policy: new-policy", "policy: touting")
    compared = send(browser, page, text, "compare", "/drafts/new")
    done = send(browser, compared, text, "publish", "/drafts/new")
    assert done.headers["location"] == "/policies/touting"
    assert {policy.name for policy in house.app.bundle.policies} == {"rudeness", "gore", "touting"}


@pytest.mark.parametrize("name", ["new", "check", "backtest"])
def test_no_page_takes_the_address_of_a_policy(house: Rig, name: str) -> None:
    browser = house.browser("policy")
    page = browser.get("/drafts/new")
    text = written(page).replace("new-policy", name)
    compared = send(browser, page, text, "compare", "/drafts/new")
    done = send(browser, compared, text, "publish", "/drafts/new")
    assert done.headers["location"] == f"/policies/{name}"
    assert "New policy" in text_of(browser.get(f"/policies/{name}"))
    assert browser.get(f"/policies/{name}.json").json()["policy"] == name
    assert written(browser.get(f"/policies/{name}/edit")) == text


def test_a_file_that_names_another_policy_says_what_becomes_of_both(house: Rig) -> None:
    browser = house.browser("policy")
    renamed = RIGHT.replace("policy: rudeness", "policy: coarseness")
    shown = text_of(send(browser, browser.get(ADDRESS), renamed, "check"))
    assert "The file names the policy coarseness: it is added, and rudeness stays in force as it is." in shown


def test_where_a_second_person_approves_it_is_proposed(tmp_path: Path, sqlite_url: str) -> None:
    with opened(tmp_path, database_url=sqlite_url, environment={"SEAWALL_PUBLISH_APPROVAL": "yes"}) as rig:
        publish(rig, RIGHT, GORE)
        browser = rig.browser("policy")
        changed = RIGHT.replace("rudeness >= 0.9", "rudeness >= 0.92")
        compared = send(browser, browser.get(ADDRESS), changed, "compare")
        assert "Another person approves it before it is in force." in text_of(compared)
        done = send(browser, compared, changed, "publish")
        assert done.headers["location"].startswith("/proposals/pro_")
        assert in_force(rig) == RIGHT
        again = send(browser, compared, changed, "publish")
        assert again.headers["location"] == done.headers["location"]  # sent twice, proposed once
        shown = browser.get(done.headers["location"])
        assert "rudeness &gt;= 0.92" in shown.text
        assert "The detectors found what its examples expect when it was proposed." in text_of(shown)
        other = rig.browser("admin")
        other.get(done.headers["location"])
        assert other.post(f"{done.headers['location']}/approve").status_code == 303
        assert newest(browser)["screened"] is True


def test_others_read_without_the_link(house: Rig) -> None:
    reader, writer = house.browser("reviewer"), house.browser("policy")
    assert ADDRESS not in reader.get("/policies/rudeness").text
    assert ADDRESS in writer.get("/policies/rudeness").text
    assert "/drafts/new" not in reader.get("/policies").text
    assert reader.get(ADDRESS).status_code == 403
    reader.get("/policies/rudeness")
    assert reader.post(ADDRESS, text=RIGHT, do="publish").status_code == 403


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("policy: x\n" + "#" * 300_000, "the file has"),
        ("a: " + "[" * 5_000, "nested"),
        ("&a [*a, *a]", ""),
        (RUDENESS.replace("strong: rudeness >= 0.9", "strong: " + "(" * 3_000 + "rudeness" + ")" * 3_000), ""),
        (RUDENESS.replace("strong: rudeness >= 0.9", 'strong: matches(item.body, "(((a{1,99}){1,99}){1,99})")'), ""),
        ("\x00\x07<script>alert(1)</script>", ""),
        ("", ""),
    ],
)
def test_a_hostile_file_is_refused_and_shown_as_text(house: Rig, text: str, said: str) -> None:
    browser = house.browser("policy")
    page = browser.get(ADDRESS)
    for wanted in ("check", "compare", "publish", "screen"):
        answer = send(browser, page, text, wanted)
        assert answer.status_code in (200, 422)
        assert "data-problem" in answer.text
        assert said in text_of(answer)
        assert "<script>alert" not in answer.text
    assert in_force(house) == RIGHT


def test_a_form_that_is_too_large_is_refused(house: Rig) -> None:
    browser = house.browser("policy")
    assert send(browser, browser.get(ADDRESS), "#" * 2_000_000, "check").status_code == 413


def test_made_up_fields_are_harmless(house: Rig) -> None:
    browser = house.browser("policy")
    browser.get(ADDRESS)
    for base in ("", "0" * 64, "../../etc/passwd", "x" * 5_000):
        answer = browser.post(ADDRESS, text=RIGHT, base=base, do="check", type="none")
        assert answer.status_code == 200
        assert "Somebody else changed this policy" in text_of(answer)
    assert browser.post("/policies/none/edit", text="x", do="check").status_code == 200
    assert browser.get("/policies/none/edit").status_code == 404


def test_a_rule_gets_its_next_mode_as_a_change_that_is_published(house: Rig) -> None:
    browser = house.browser("policy")
    page = LexborHTMLParser(browser.get("/policies/rudeness").text)
    (loud,) = (one for one in page.css("[data-mode=canary]"))
    shown = browser.get(loud.attributes["href"])
    text = written(shown)
    assert text == RIGHT.replace("    mode: shadow\n", "    mode: canary\n    share: 0.1\n")
    assert in_force(house) == RIGHT
    compared = send(browser, shown, text, "compare")
    assert send(browser, compared, text, "publish").status_code == 303
    live = written(browser.get(f"{ADDRESS}?rule=loud&mode=live"))
    assert live == RIGHT.replace("    mode: shadow\n", "    mode: live\n")
    assert written(browser.get(f"{ADDRESS}?rule=certain&mode=shadow")) == text.replace(
        "  - id: certain\n", "  - id: certain\n    mode: shadow\n"
    )
    for query in ("rule=none&mode=live", "rule=certain&mode=none", "rule=&mode=live"):
        answer = browser.get(f"{ADDRESS}?{query}")
        assert "change the mode yourself" in text_of(answer)
        assert written(answer) == text
    assert "data-mode" not in house.browser("reviewer").get("/policies/rudeness").text


RULES = {
    "the id comes last": (
        "  - when: strong\n    do: [hold]\n    id: a\n",
        "  - when: strong\n    do: [hold]\n    id: a\n    mode: live\n",
    ),
    "no indent, and comments": (
        "- id: a # x\n  mode: draft # y\n  when: strong\n  do: [hold]\n",
        "- id: a # x\n  mode: live\n  when: strong\n  do: [hold]\n",
    ),
    "far from the dash": (
        "  -   id: a\n      when: strong\n      do: [hold]\n      mode: shadow\n",
        "  -   id: a\n      mode: live\n      when: strong\n      do: [hold]\n",
    ),
    "in one line, which stays": (
        "  - {id: a, when: strong, do: [hold], mode: draft}\n",
        "  - {id: a, when: strong, do: [hold], mode: draft}\n",
    ),
}


@pytest.mark.parametrize("written_so", RULES)
def test_the_mode_changes_however_the_rule_is_written(written_so: str) -> None:
    rules, changed = RULES[written_so]
    head, tail = RUDENESS.partition("rules:\n")[0] + "rules:\n", RUDENESS[RUDENESS.index("examples:") :]
    policy = load_policy(head + rules + tail, "x.yaml")
    assert with_mode(policy, "a", "live") == head + changed + tail


def test_the_history_says_who_changed_what(house: Rig) -> None:
    browser = house.browser("policy")
    changed = RIGHT.replace("rudeness >= 0.9", "rudeness >= 0.92")
    compared = send(browser, browser.get(ADDRESS), changed, "compare")
    assert send(browser, compared, changed, "publish").status_code == 303
    publish(house, changed, GORE.replace("gory >= 0.6", "gory >= 0.7"))
    page = browser.get("/policies/rudeness")
    history = LexborHTMLParser(page.text).css("[data-change]")
    assert [one.attributes["data-change"] for one in history] == ["changed", "changed", "added"]
    newest = " ".join(history[0].text(separator=" ").split())
    assert "by Policy Person" in newest
    assert "- strong: rudeness >= 0.9 + strong: rudeness >= 0.92" in newest
    told = browser.get("/policies/rudeness.json").json()["history"]
    assert [one["change"] for one in told] == ["changed", "changed", "added"]
    assert told[0]["by"] == house.people["policy"].id
    assert f"/publications/{told[0]['previous']}" in page.text
