"""Where the law does not permit a detector it does not run, and what it would have said is unknown for that reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from seawall.app import App
from seawall.content import load_content_type
from seawall.model import DetectorResult, Item, NotPermitted, Part, UnknownReason, Verdict
from seawall.policy import PolicySource
from seawall.publish import Sources
from seawall.screen import ScreenResponse, load_decision
from support.app import CONTENT_TYPES, POLICIES, own_app
from support.detectors import Moody, Words

LETTER = CONTENT_TYPES["letter"].replace("surface: public", "surface: private\njurisdiction: actor.country")
LETTER = LETTER.replace("    created_at: timestamp", "    created_at: timestamp\n    country: text")
EPRIVACY = """\
not_permitted:
  private-letters:
    ground: Directive 2002/58/EC, Art. 5(1)
    detectors: [insults]
    surfaces: [private]
    jurisdictions: [EU]
    from: 2026-04-04
"""
CATCH = POLICIES["rude"].replace(
    "rules:\n",
    "rules:\n  - id: unread\n    when: not_permitted(rudeness)\n    do: [demote]\n",
)


class Counted(Words):
    """Counts the parts that it was asked about."""

    asked = 0

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        self.asked += len(parts)
        return super().detect(parts)


class House:
    """An app with a private letter, and how often its detectors were asked."""

    def __init__(self, app: App, insults: Counted, gore: Moody) -> None:
        self.app, self.insults, self.gore = app, insults, gore

    def screen(self, body: str, id: str, country: str | None = None, kind: str = "letter", **more: Any) -> Any:
        attributes = {} if country is None else {"country": country}
        item = Item(content_type=kind, id=id, actor=f"a-{id}", fields={"body": body}, actor_attributes=attributes)
        answer: ScreenResponse = self.app.screener.screen(item, **more)
        return answer, load_decision(self.app.database, answer.decision)


@contextmanager
def house(folder: Path, law: str = EPRIVACY, database_url: str | None = None, **policies: str) -> Iterator[House]:
    types = {"note": CONTENT_TYPES["note"], "letter": LETTER, **{n: CONTENT_TYPES[n] for n in ("poster", "hurried")}}
    chosen = policies or {"rude": POLICIES["rude"]}
    published = Sources(
        policies=tuple(PolicySource(path=f"{name}.yaml", text=text) for name, text in chosen.items()),
        content_types=tuple(load_content_type(text, f"{name}.yaml") for name, text in types.items()),
        not_permitted=PolicySource(path="not-permitted.yaml", text=law),
    )
    insults, gore = Counted("insults", "rudeness", {"fool": 0.95, "silly": 0.6}, harm="harassment"), Moody()
    with own_app(folder, published, (insults, gore), database_url=database_url) as app:
        try:
            yield House(app, insults, gore)
        finally:
            gore.go_on.set()


def test_the_detector_does_not_run_and_its_signals_are_unknown_for_that_reason(
    tmp_path: Path, database_url: str
) -> None:
    with house(tmp_path, database_url=database_url) as made:
        answer, decision = made.screen("you fool", "eu", "DE")
        assert made.insults.asked == 0
        assert answer.verdict is Verdict.ALLOW
        assert not answer.degraded
        assert not answer.provisional
        assert decision.not_permitted == (
            NotPermitted(
                prohibition="private-letters", detectors=("insults",), surface="private", jurisdictions=("DE",)
            ),
        )
        assert decision.unknown == ()
        assert decision.unknown_features == ("rudeness",)
        assert decision.undetermined == ("rude/certain", "rude/likely")
        assert decision.rescreen_due is None
        _, explanation = made.app.explain(answer.decision)
        assert explanation is not None
        assert explanation.reproduced
        assert "not permitted: insults did not run (private in DE; private-letters: Directive 2002/58/EC" in (
            explanation.render()
        )
        assert "rudeness = unknown (not permitted: insults (private-letters))" in explanation.render()


def test_elsewhere_it_runs(tmp_path: Path) -> None:
    with house(tmp_path) as made:
        for number, (country, kind) in enumerate([("US", "letter"), ("CH", "letter"), (None, "note")]):
            answer, decision = made.screen("you fool", f"n-{number}", country, kind)
            assert answer.verdict is Verdict.BLOCK, (country, kind)
            assert decision.not_permitted == ()
        assert made.insults.asked == 3


@pytest.mark.parametrize("country", [None, "", "Germany", "xx", "de", "EU", " fr "])
def test_an_unknown_jurisdiction_is_taken_for_the_stricter(tmp_path: Path, country: str | None) -> None:
    with house(tmp_path) as made:
        made.screen("you fool", "n-1", country)
        assert made.insults.asked == 0


@pytest.mark.parametrize(
    ("dates", "runs"),
    [
        ("from: 2020-01-01\n    until: 2020-12-31", True),
        ("from: 2020-01-01\n    until: 2999-12-31", False),
        ("from: 2999-01-01", True),
        ("until: 2999-01-01", False),
    ],
)
def test_the_dates_are_read_when_the_item_is_screened(tmp_path: Path, dates: str, runs: bool) -> None:
    with house(tmp_path, EPRIVACY.replace("from: 2026-04-04", dates)) as made:
        answer, _ = made.screen("you fool", "n-1", "DE")
        assert (made.insults.asked == 1) is runs
        assert answer.verdict is (Verdict.BLOCK if runs else Verdict.ALLOW)


def test_a_rule_can_say_what_happens_then(tmp_path: Path) -> None:
    with house(tmp_path, rude=CATCH) as made:
        answer, decision = made.screen("hello", "n-1", "DE")
        assert [action.kind for action in answer.actions] == ["demote"]
        assert not decision.degraded
        answer, _ = made.screen("hello", "n-2", "US")
        assert answer.actions == ()


def test_what_another_detector_leaves_unknown_still_holds_and_is_asked_again(tmp_path: Path) -> None:
    both = POLICIES["gore"].replace("when: gory >= 0.6", "when: gory >= 0.6 or rudeness >= 0.5")
    with house(tmp_path, gore=both) as made:
        answer, decision = made.screen("stuck", "n-1", "DE", deadline_ms=30)
        assert answer.verdict is Verdict.HOLD
        assert decision.rescreen_due is not None
        assert {each.reason for each in decision.unknown} == {UnknownReason.DEADLINE}
        made.gore.go_on.set()


def test_a_rule_that_waits_for_another_answer_as_well_is_not_given_up(tmp_path: Path) -> None:
    guarded = POLICIES["gore"].replace("when: gory >= 0.6", "when: not known(rudeness) and gory >= 0.6")
    with house(tmp_path, gore=guarded) as made:
        answer, decision = made.screen("stuck", "n-1", "DE", deadline_ms=30)
        assert answer.verdict is Verdict.HOLD
        assert decision.degraded
        made.gore.go_on.set()


def test_rules_do_not_look_into_texts_either_where_nothing_may(tmp_path: Path) -> None:
    words = POLICIES["rude"].replace("when: rudeness >= 0.5", 'when: contains(item.body, "fool")')
    with house(tmp_path, EPRIVACY.replace("[insults]", "all"), rude=words) as made:
        answer, decision = made.screen("you fool", "n-1", "DE")
        assert answer.verdict is Verdict.ALLOW
        assert "rule_texts" in decision.not_permitted[0].detectors
        assert 'contains(item.body, "fool")' in decision.unknown_features
        answer, _ = made.screen("you fool", "n-2", "US")
        assert answer.verdict is Verdict.BLOCK


@pytest.mark.parametrize("named", ["kinds: [harassment]", "kinds: [text]", "detectors: all"])
def test_kinds_of_detection_name_detectors_by_what_they_read_and_look_for(tmp_path: Path, named: str) -> None:
    with house(tmp_path, EPRIVACY.replace("detectors: [insults]", named)) as made:
        made.screen("you fool", "n-1", "DE")
        assert made.insults.asked == 0
    other = EPRIVACY.replace("detectors: [insults]", "detectors: all\n    except: [insults]")
    with house(tmp_path / "other", other) as made:
        made.screen("you fool", "n-1", "DE")
        assert made.insults.asked == 1
