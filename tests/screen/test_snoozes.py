"""Snoozes: a rule is set aside for one account until a date, the decisions say so, and it applies again by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seawall.app import App
from seawall.model import Verdict, now_ms
from seawall.screen.account_notes import BadNote
from seawall.screen.events import RuleSnoozed
from seawall.screen.snoozes import (
    DAY_MS,
    CannotSnooze,
    Snoozes,
    active_snoozes,
    end_snooze,
    snooze_rule,
    snoozes_of_account,
)
from seawall.storage import Erased
from support.app import POLICIES, Rig, opened, sources


@pytest.fixture
def rig(tmp_path: Path, database_url: str) -> Iterator[Rig]:
    with opened(tmp_path, database_url, "rude") as made:
        yield made


def account(rig: Rig, name: str = "a-1") -> str:
    rig.screen("hello", id=f"first-{name}", actor=name)
    found = rig.app.vault.find("account", name)
    assert found is not None
    return found


def snoozed(rig: Rig, rule: str = "certain", name: str = "a-1", **more: Any) -> str:
    given = {"policy": "rude", "harm": "harassment", "days": 30, "why": "Quotes insults on purpose.", "person": "p_1"}
    made = snooze_rule(rig.app.ledger, account(rig, name), rule=rule, **{**given, **more})
    rig.app.refresh()
    return made


def test_a_snoozed_rule_is_as_if_it_had_not_fired_and_the_decision_says_so(rig: Rig) -> None:
    assert rig.screen("you fool", id="n-1").verdict is Verdict.BLOCK
    snoozed(rig)
    answer = rig.screen("you fool", id="n-2")
    assert answer.verdict is Verdict.HOLD, "the rule `likely` still applies"
    assert rig.screen("you fool", id="n-3", actor="a-2").verdict is Verdict.BLOCK
    decision, explanation = rig.app.explain(answer.decision)
    assert decision.snoozed == ("rude/certain",)
    assert explanation is not None
    assert explanation.reproduced
    assert [(rule.rule, rule.state) for rule in explanation.rules][:2] == [("likely", "fired"), ("certain", "snoozed")]
    assert "snoozed: rude/certain" in explanation.render()
    rig.assert_rebuilds()


def test_it_is_the_same_in_another_process_and_after_a_restart(tmp_path: Path, database_url: str) -> None:
    with opened(tmp_path, database_url, "rude") as one, opened(tmp_path, database_url, publish=False) as other:
        snooze = snoozed(one)
        other.app.refresh()
        assert other.screen("you fool", id="n-2").verdict is Verdict.HOLD
        end_snooze(one.app.ledger, snooze, person="p_2")
        other.app.refresh()
        assert other.screen("you fool", id="n-3").verdict is Verdict.BLOCK
        end_snooze(one.app.ledger, snooze, person="p_2")  # over already
        with pytest.raises(KeyError):
            end_snooze(one.app.ledger, "snz_none", person="p_2")
        snoozed(one)
    with opened(tmp_path, database_url, publish=False) as again:
        assert again.screen("you fool", id="n-4").verdict is Verdict.HOLD


def test_it_ends_by_itself(rig: Rig) -> None:
    past = RuleSnoozed(
        snooze="snz_1",
        account=account(rig),
        policy="rude",
        rule="certain",
        harm="harassment",
        until=now_ms(),
        person="p",
    )
    rig.app.ledger.commit(lambda tx: tx.append(past))
    rig.app.refresh()
    answer = rig.screen("you fool", id="n-2")
    assert answer.verdict is Verdict.BLOCK
    assert rig.decision(answer).snoozed == ()
    with rig.app.database.read() as connection:
        assert active_snoozes(connection, "rude", limit=9) == []


def test_it_ends_at_its_very_millisecond(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    snoozed(rig)
    ref = rig.app.vault.find("account", "a-1")
    assert ref is not None
    with rig.app.database.read() as connection:
        (made,) = snoozes_of_account(connection, rig.app.vault, ref, limit=9)
    kept, program = rig.app.context.get(Snoozes), rig.app.bundle.program("note")
    for moment, rules in ((made.until - 1, {"rude/certain"}), (made.until, set())):
        monkeypatch.setattr("seawall.screen.snoozes.now_ms", lambda moment=moment: moment)
        assert kept.of("a-1", program) == rules, "read before it ended"
        assert made.is_active(moment) is bool(rules)
        kept.refresh()
        assert kept.of("a-1", program) == rules, "read at that moment"


def test_a_renamed_rule_and_a_dropped_policy_are_not_snoozed(rig: Rig) -> None:
    snoozed(rig)
    renamed = POLICIES["rude"].replace("id: certain", "id: sure")
    rig.app.publish(sources(rude=renamed), by="tests")
    answer = rig.screen("you fool", id="n-2")
    assert answer.verdict is Verdict.BLOCK
    assert rig.decision(answer).snoozed == ()
    rig.app.publish(sources("gore"), by="tests")
    assert rig.decision(rig.screen("you fool", id="n-3")).snoozed == ()
    rig.assert_rebuilds()


def test_a_snoozed_rule_that_is_unknown_degrades_nothing(rig: Rig) -> None:
    snoozed(rig, rule="seen", policy="gore", harm="violence")
    rig.app.publish(sources("gore"), by="tests")
    answer = rig.hang(id="n-2")
    assert answer.verdict is Verdict.ALLOW
    assert not answer.degraded
    assert rig.hang(id="n-3", actor="a-2").degraded


def test_a_policy_that_is_about_children_by_now_is_not_snoozed(rig: Rig) -> None:
    snoozed(rig)
    rig.app.publish(sources(rude=POLICIES["rude"].replace("harm: harassment", "harm: grooming")), by="tests")
    assert rig.screen("you fool", id="n-2").verdict is Verdict.BLOCK


def test_reasons_are_sealed_and_erased_with_the_account(rig: Rig) -> None:
    name = snoozed(rig)
    ref = rig.app.vault.find("account", "a-1")
    assert ref is not None
    with rig.app.database.read() as connection:
        (found,) = snoozes_of_account(connection, rig.app.vault, ref, limit=9)
    assert (found.id, found.why, found.rule) == (name, "Quotes insults on purpose.", "certain")
    assert abs(found.until - found.at - 30 * DAY_MS) < 1000
    assert "Quotes" not in str(rig.events())
    rig.app.ledger.commit(lambda tx: rig.app.vault.erase(tx, ref))
    rig.app.refresh()
    with rig.app.database.read() as connection:
        (found,) = snoozes_of_account(connection, rig.app.vault, ref, limit=9)
    assert found.why is None
    with pytest.raises(Erased):
        snooze_rule(
            rig.app.ledger, ref, policy="rude", rule="certain", harm="harassment", days=1, why="Again.", person="p"
        )


@pytest.mark.parametrize("days", [0, -1, 366])
def test_a_snooze_has_an_end(rig: Rig, days: int) -> None:
    with pytest.raises(CannotSnooze, match="1 to 365 days"):
        snoozed(rig, days=days)


def test_a_snooze_needs_a_reason(rig: Rig) -> None:
    with pytest.raises(BadNote, match="Write what"):
        snoozed(rig, why="  ")


def test_who_is_not_snoozed_costs_nothing(rig: Rig) -> None:
    app: App = rig.app
    assert app.context.get(Snoozes).of("a-1", app.bundle.program("note")) == frozenset()
