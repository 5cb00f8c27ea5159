"""``seawall detectors`` and what the other commands do with a configuration of detectors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result

from providers.service import Said, Service
from seawall.app import migrate
from seawall.settings import Settings
from support.commands import Run, own_settings, run_command

CONFIGURATION = """
providers:
  - provider: acme
    reads: [text]
    request: {url: SERVICE/score, headers: {authorization: "Bearer ${ACME_KEY}"}, json: {text: "{text}"}}
    signals: {acme_spam: {at: $.spam, harm: spam}}
    ask_when: {signal: scam_terms, from: 0.1}
"""

POLICY = """
policy: offers
title: Offers
owner: tests
applies_to: [note]
harm: spam
definition: Offers that nobody asked for.
statement: {ground: incompatible, clause: "House rules, 1"}
rules:
  - id: found
    when: acme_spam >= 0.5
    do: [hold]
"""
NOTE = """
content_type: note
title: Note
owner: tests
surface: public
audience: general
actor: {}
fields:
  body: {type: text, role: body, required: true}
stages:
  pre_publish: {budget: 100ms, on_unknown: hold, detectors: [acme]}
actions: [hold]
appeal: {window: 180d, route: /appeals}
retention: {content: 30d, decisions: 1y}
"""


@pytest.fixture
def service() -> Iterator[Service]:
    one = Service()
    one.answer = lambda seen: Said({"spam": 0.9 if "crypto" in seen.json["text"] else 0.1})
    yield one
    one.close()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, service: Service) -> Run:
    """Runs a command with a database and a configuration of detectors, whose secret is never shown."""
    own_settings(monkeypatch, tmp_path, columns=240)
    path = tmp_path / "detectors.yaml"
    path.write_text(CONFIGURATION.replace("SERVICE", service.url))
    monkeypatch.setenv("SEAWALL_DETECTORS", str(path))
    monkeypatch.setenv("ACME_KEY", "k-secret")
    migrate(Settings.from_env())

    def run_it(*arguments: object, status: int = 0) -> Result:
        result = run_command(*arguments, status=status)
        assert "k-secret" not in result.stdout + result.stderr
        return result

    return run_it


def test_list_shows_what_is_asked_and_what_there_is(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACME_KEY")  # listing needs no secrets
    shown = run("detectors", "list").stdout
    assert "acme" in shown
    assert "0.1 ≤ scam_terms ≤ inf" in shown
    assert "lexicon" in shown
    assert "openai-moderation" in shown


def test_check_reads_the_configuration_and_calls_nobody(run: Run, service: Service) -> None:
    assert "acme: configured; signals acme_spam" in run("detectors", "check").stdout
    assert service.seen == []


def test_check_names_what_is_missing(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ACME_KEY")
    assert "the environment variable ACME_KEY is not set" in run("detectors", "check", status=1).stderr
    monkeypatch.setenv("ACME_KEY", "k-secret")
    path = tmp_path / "odd.yaml"
    path.write_text(CONFIGURATION.replace("SERVICE", "https://a.example").replace("scam_terms", "nobody"))
    shown = run("detectors", "check", "--detectors", path, status=1).stderr
    assert "acme is asked by the signal 'nobody', which no detector measures" in shown
    assert "there is no file" in run("detectors", "check", "--detectors", "nowhere.yaml", status=1).stderr
    assert "no plug-in named 'nobody'" in run("detectors", "check", "--plugins", "nobody", status=1).stderr
    judge = (
        "judges: [{judge: j, family: shieldgemma, model: m, url: 'http://127.0.0.1:9', signals: {x: {policy: none}}}]"
    )
    path.write_text(judge)
    assert "j: missing policies: none" in run("detectors", "check", "--detectors", path, status=1).stdout
    path.write_text(judge.replace("none", "hateful-conduct"))
    assert "j: configured" in run("detectors", "check", "--detectors", path).stdout


def test_try_really_asks(run: Run, service: Service) -> None:
    assert "acme_spam 0.9" in run("detectors", "try", "acme", "buy crypto now").stdout
    assert service.seen[0].headers["authorization"] == "Bearer k-secret"
    assert "threat_terms" in run("detectors", "try", "lexicon", "i will kill you tonight").stdout
    service.answer = lambda _: Said({}, 401)
    assert "unknown (error): http 401" in run("detectors", "try", "acme", "hello", status=1).stdout
    assert "unknown detector 'nobody'" in run("detectors", "try", "nobody", "x", status=1).stderr
    assert "give a text, or a file" in run("detectors", "try", "acme", status=1).stderr
    assert "reads no text" in run("detectors", "try", "image", "x", status=1).stderr


def test_policies_may_use_configured_signals_and_files_are_screened_with_them(
    run: Run, service: Service, tmp_path: Path
) -> None:
    policies, types = tmp_path / "policies", tmp_path / "types"
    policies.mkdir()
    types.mkdir()
    (policies / "offers.yaml").write_text(POLICY)
    (types / "note.yaml").write_text(NOTE)
    chosen = ("--content-types", types)
    assert "1 policies, 1 rules, 1 content types" in run("policy", "check", policies, *chosen).stdout

    scam = "guaranteed profit, invest in my crypto project and double your money in one week, write to me on telegram"
    rows = [scam, scam.replace("one week", "a week"), "what a lovely day at the sea"]
    file = tmp_path / "posts.jsonl"
    file.write_text("".join(json.dumps({"body": row}) + "\n" for row in rows))
    shown = run("screen", file, "--type", "note", "--policies", policies, *chosen, "--alike", "0.8").stdout
    decisions = [json.loads(line) for line in (tmp_path / "posts.decisions.jsonl").read_text().splitlines()]
    assert [decision["verdict"] for decision in decisions] == ["hold", "hold", "allow"]
    assert [decision.get("like") for decision in decisions] == [None, ["row-0"], None]
    assert len(service.seen) == 1
    assert "acme" in shown
    assert "similar to another" in shown


def test_a_share_that_makes_no_sense_is_refused(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_text('{"body": "x"}\n')
    assert "--alike: near is 5.0" in run("screen", file, "--alike", "5", status=1).stderr
