"""A whole house with a judge of a configuration file: asked within its band, by the words of the policy in force."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.service import Said, Seen, Service
from seawall.app import App, open_app
from seawall.content import load_content_type
from seawall.detect.testing import check_detector
from seawall.model import Item, Verdict
from seawall.policy import PolicySource
from seawall.providers import HttpDetector, read_provider, read_yaml
from seawall.providers.judges import Judge, read_judge
from seawall.publish import Sources
from seawall.screen import load_decision
from seawall.settings import Settings, SettingsError

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
  pre_publish: {budget: 20s, on_unknown: hold, detectors: [lexicon, threat-judge]}
actions: [hold, remove]
appeal: {window: 180d, route: /appeals}
retention: {content: 30d, decisions: 1y}
"""
POLICY = """
policy: threats
title: Threats
owner: tests
applies_to: [note]
harm: threat
definition: Announcing violence against somebody.
guidance: Songs and games do not count.
statement: {ground: incompatible, clause: "House rules, 1"}
rules:
  - id: judged
    when: threat_judged >= 0.5
    do: [remove]
"""
JUDGES = """
judges:
  - judge: threat-judge
    family: gpt-oss-safeguard
    model: small
    url: SERVICE/v1
    signals: {threat_judged: {policy: threats, harm: threat}}
    ask_when: {signal: threat_terms, from: 0.2}
    limits: {retries: 0}
"""


def _ruling(violation: int) -> Said:
    answer = f'{{"violation": {violation}, "rationale": "x"}}'
    return Said({"choices": [{"message": {"role": "assistant", "content": answer}}]})


@pytest.fixture
def service() -> Iterator[Service]:
    one = Service()
    one.answer = lambda seen: _ruling(int("tonight" in seen.json["messages"][1]["content"]))
    yield one
    one.close()


def _settings(tmp_path: Path, sqlite_url: str, text: str) -> Settings:
    path = tmp_path / "detectors.yaml"
    path.write_text(text)
    return Settings.from_env({}, data_dir=tmp_path / "data", database_url=sqlite_url, detectors=path)


def _publish(app: App, policy: str = POLICY) -> None:
    app.publish(Sources((PolicySource("threats.yaml", policy),), (load_content_type(NOTE, "note.yaml"),)), by="tests")


def _screen(app: App, body: str, id: str) -> tuple[Verdict, tuple[str, ...], bool]:
    answer = app.screener.screen(Item(content_type="note", id=id, actor="a", fields={"body": body}))
    decision = load_decision(app.database, answer.decision)
    return decision.verdict, decision.skipped, decision.degraded


def test_a_judge_of_the_configuration_decides_within_its_band(
    service: Service, tmp_path: Path, sqlite_url: str
) -> None:
    with open_app(_settings(tmp_path, sqlite_url, JUDGES.replace("SERVICE", service.url))) as app:
        _publish(app)
        assert _screen(app, "lovely weather today", "1") == (Verdict.ALLOW, ("threat-judge/body",), False)
        assert service.seen == []
        assert _screen(app, "i will kill you tonight", "2") == (Verdict.BLOCK, (), False)
        assert _screen(app, "i will kill you in this game", "3") == (Verdict.ALLOW, (), False)
        order = service.seen[0].json["messages"][0]["content"]
        assert "Announcing violence against somebody." in order
        assert "Songs and games do not count." in order

        _publish(app, POLICY.replace("Songs and games do not count.", "Games count too."))
        _screen(app, "i will kill you tonight", "4")
        assert "Games count too." in service.seen[-1].json["messages"][0]["content"]

        def down(_: Seen) -> Said:
            return Said({}, 500)

        service.answer = down
        assert _screen(app, "i will kill you tomorrow", "5") == (Verdict.HOLD, (), True)  # unknown: nothing fails open


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            JUDGES.replace("SERVICE", "https://a.example").replace("threat_terms", "nobody"),
            "which no detector measures",
        ),
        (JUDGES.replace("SERVICE", "http://a.example"), "plain http exposes content and keys"),
        ("plugins: [{use: nobody}]", "no plug-in named 'nobody' is installed"),
    ],
)
def test_a_rig_does_not_open_with_a_configuration_that_does_not_hold(
    tmp_path: Path, sqlite_url: str, text: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=message), open_app(_settings(tmp_path, sqlite_url, text)):
        pass


def test_services_and_judges_conform(service: Service) -> None:
    provider = "provider: acme\nreads: [text, link]\nrequest: {url: SERVICE/, json: {text: '{text}'}}\n"
    provider += "signals: {acme_score: {at: $.score}}\n"
    service.answer = lambda seen: Said({"score": 0.5}) if "text" in seen.json else _ruling(1)
    check_detector(HttpDetector(read_provider(read_yaml(provider.replace("SERVICE", service.url), "acme.yaml"))))
    judge = (
        "judge: j\nfamily: gpt-oss-safeguard\nmodel: m\nurl: SERVICE/v1\nsignals: {judged: {definition: Insults.}}\n"
    )
    check_detector(Judge(read_judge(read_yaml(judge.replace("SERVICE", service.url), "j.yaml"))))
