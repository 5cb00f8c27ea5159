"""Every action that the platform carries out: rule, message, statement of reasons, and back by its inverse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from seawall import review, screen
from seawall.app import App
from seawall.appealed_decision import statement_about
from seawall.content import load_content_type
from seawall.enforce import add_endpoint
from seawall.model import ACTIONS, ActionKind, ActionSubject, Item, is_adverse
from seawall.policy import PolicySource
from seawall.publish import Sources
from seawall.screen import load_decision
from seawall.worker import Worker
from support.app import own_app
from support.receivers import Receiver, receiving

SENT = [kind for kind in ACTIONS.values() if kind.subject is not ActionSubject.INTERNAL]
TYPE = f"""\
content_type: song
title: Song
owner: tests
surface: public
audience: general
actor: {{}}
fields:
  title: {{type: text, role: title, required: true}}
stages:
  pre_publish: {{budget: 20s, on_unknown: hold, rescreen_within: 30s}}
actions: [{", ".join(ACTIONS)}]
appeal: {{window: 184d, route: /appeal}}
retention: {{content: 180d, decisions: 5y}}
"""
POLICY = """\
policy: measures
title: Measures
owner: tests
applies_to: [song]
harm: spam
definition: A song asks for one measure.
statement: {ground: incompatible, clause: "Rules, 1"}
rules:
""" + "".join(
    f"""\
  - id: {kind.name.replace("_", "-")}
    when: item.title == "{kind.name}"
    do: [{kind.name}, review(queue="measures", priority=0.5)]
"""
    for kind in SENT
)
EXAMPLES = "examples:\n  - item: {song: {title: nothing}}\n    expect: {verdict: allow, actions: []}\n"


@dataclass
class Platform:
    """An app whose rules choose each action, and the receiver that is told."""

    app: App
    receiver: Receiver

    def told(self) -> list[dict[str, Any]]:
        """The messages that are due, or will be."""
        with self.app.database.write() as connection:
            connection.execute(text("UPDATE job SET due_at = 0 WHERE state = 'pending'"))
        before = len(self.receiver.requests)
        worker = Worker(self.app)
        for job in self.app.jobs.claim(["deliver"], "tests", limit=100, lease_ms=60_000):
            worker.do(job)
        return [one.message for one in self.receiver.requests[before:]]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    published = Sources(
        policies=(PolicySource("measures.yaml", POLICY + EXAMPLES),),
        content_types=(load_content_type(TYPE, "song.yaml"),),
    )
    with receiving() as receiver, own_app(tmp_path_factory.mktemp("actions"), published) as app:
        app.refresh()
        add_endpoint(app.ledger, app.vault, url=receiver.url, allow_private=True)
        yield Platform(app, receiver)


@pytest.mark.parametrize("kind", SENT, ids=lambda kind: kind.name)
def test_it_is_done_told_stated_and_undone(platform: Platform, kind: ActionKind) -> None:
    app = platform.app
    item = Item(content_type="song", id=kind.name, actor=f"by-{kind.name}", fields={"title": kind.name})
    answer = app.screener.screen(item)
    assert [action.kind for action in answer.actions] == [kind.name, "review"]

    (applied,) = platform.told()
    subject = "item" if kind.subject is ActionSubject.ITEM else "entity"
    assert applied["type"] == "enforcement.applied"
    assert applied["data"]["subject"] == {"kind": subject, "id": item.id if subject == "item" else item.actor}
    assert (applied["data"]["action"]["kind"], applied["data"]["inverse"]) == (kind.name, kind.inverse)
    assert applied["data"]["in_force"] == [kind.name]

    decision = load_decision(app.database, answer.decision)
    assert is_adverse(decision) is kind.adverse
    stated = [(one.kind, one.in_force) for one in statement_about(app, decision).measures]
    assert stated == [(kind.name, True)]

    case = review.case_id(answer.item)
    review.take(app.database, case, "per_1")
    given = review.ReviewAnswer(answer=review.DOES_NOT_VIOLATE, reason="detector_mistaken")
    review.submit_review(app.ledger, _rulebook(app), case, "per_1", given, find_item=screen.status_of)
    (reversed_,) = platform.told()
    assert (reversed_["type"], reversed_["data"]["inverse"]) == ("enforcement.reversed", kind.inverse)
    assert reversed_["data"]["enforcement"] == applied["data"]["enforcement"]
    assert reversed_["data"]["in_force"] == []
    assert not any(one.in_force for one in statement_about(app, decision).measures)


def _rulebook(app: App) -> review.Rulebook:
    return review.Rulebook(content_types=app.bundle.content_types, harms={"measures": "spam"})


def test_each_has_an_inverse_of_its_own_and_a_meaning_under_the_dsa() -> None:
    inverses = [kind.inverse for kind in SENT]
    assert None not in inverses
    assert len(set(inverses)) == len(inverses)
    for kind in SENT:
        meanings = (kind.decision_visibility, kind.decision_monetary, kind.decision_account, kind.decision_provision)
        if kind.subject is ActionSubject.ITEM:
            assert kind.adverse, kind.name
            assert any(meanings), kind.name


def test_a_removal_covers_what_is_milder_and_counts_stay_excluded() -> None:
    of_items = {kind.name for kind in SENT if kind.subject is ActionSubject.ITEM}
    assert ACTIONS["remove"].covers == of_items - {"remove", "exclude_from_counts"}


def test_receivers_can_read_what_each_action_and_its_inverse_is() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "integrate.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    for kind in SENT:
        assert any(f"`{kind.name}`" in row[0] and f"`{kind.inverse}`" in row[-1] for row in rows), kind.name
