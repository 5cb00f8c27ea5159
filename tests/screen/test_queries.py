"""Typed rows of what screening recorded, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Connection

from seawall import screen
from seawall.model import Decision, DecisionMade, DecisionSource, ItemRef, ItemSubmitted, Reason, Verdict, new_id
from seawall.screen.queries import (
    DecisionFilters,
    FiredRuleCount,
    decision_that_supersedes,
    decisions_by_minute,
    decisions_of_actor,
    decisions_of_item,
    find_item,
    find_item_ref,
    finished_rescreens,
    fired_rules,
    get_decision,
    get_item,
    items_by_ref,
    newest_decision_of_revision,
    newest_decisions,
    pending_rescreens,
    rescreen_summary,
    revisions_of,
    traffic_between,
)
from seawall.screen.rule_hits import policies_fired_together, rule_hits, rules_fired_on
from seawall.storage import Database, Ledger, Transaction, Vault, open_database
from seawall.storage.component import STORAGE, ledger_of

AT = 1_700_000_000_000 // 60_000 * 60_000
RUDE = Reason(policy="rude", rule="certain", harm="harassment")
LOUD = Reason(policy="rude", rule="loud", harm="harassment", mode="shadow")


@dataclass
class Records:
    """A ledger with screening's projections, and what a test put into it."""

    database: Database
    vault: Vault
    ledger: Ledger

    def submit(self, item_id: str, revision: int = 1) -> tuple[ItemRef, str]:
        """An item of the account ``a``."""

        def unit(tx: Transaction) -> tuple[ItemRef, str]:
            actor = tx.subject("account", "a")
            item = ItemRef("note", tx.subject("item:note", item_id, owner=actor), revision)
            tx.append(ItemSubmitted(item=item, actor=actor, digest=tx.digest(item_id.encode())))
            return item, actor

        return self.ledger.commit(unit)

    def decide(self, item: ItemRef, actor: str, minutes: int = 0, **more: object) -> Decision:
        """A decision made so many minutes after ``AT``."""
        given = {"source": DecisionSource.SCREEN, "verdict": Verdict.ALLOW, "actions": (), "reasons": ()} | more
        at = AT + minutes * 60_000
        made = Decision(id=new_id("dec"), at=at, item=item, actor=actor, **given)  # type: ignore[arg-type]
        self.ledger.commit(lambda tx: tx.append(DecisionMade(decision=made)))
        return made


@pytest.fixture
def records(database_url: str, tmp_path: Path) -> Iterator[Records]:
    database = open_database(database_url)
    vault = Vault.open_in(database, tmp_path)
    ledger = ledger_of(database, vault, (STORAGE, screen.COMPONENT))
    ledger.build()
    yield Records(database, vault, ledger)
    ledger.close()
    database.close()


def test_an_item_with_its_revisions_and_decisions(records: Records) -> None:
    item, actor = records.submit("n-1")
    first = records.decide(item, actor)
    newer, _ = records.submit("n-1", 2)
    second = records.decide(newer, actor, 1, verdict=Verdict.BLOCK, reasons=(RUDE,), supersedes=first.id)
    other, _ = records.submit("n-2")
    third = records.decide(other, actor, 2)
    found = find_item(records.database, records.vault, "note", "n-1")
    assert found is not None
    assert (found.ref, found.revision, found.decision, found.verdict) == (item.ref, 2, second.id, "block")
    assert find_item_ref(records.database, records.vault, "note", "n-1") == newer
    assert find_item(records.database, records.vault, "note", "n-3") is None
    with records.database.read() as connection:
        assert get_item(connection, item.ref) == found
        assert get_item(connection, "it_none") is None
        assert items_by_ref(connection, [item.ref, other.ref, "it_none", item.ref]).keys() == {item.ref, other.ref}
        assert [row.revision for row in revisions_of(connection, item.ref, limit=10)] == [2, 1]
        assert [row.id for row in decisions_of_item(connection, item.ref)] == [second.id, first.id]
        assert [row.id for row in decisions_of_item(connection, item.ref, limit=1)] == [second.id]
        assert newest_decision_of_revision(connection, item.ref, 1) == first.id
        assert newest_decision_of_revision(connection, item.ref, 3) is None
        (other_row,) = decisions_of_actor(connection, actor, except_item=item.ref, limit=5)
        assert other_row.id == third.id
        row = get_decision(connection, second.id)
        assert row is not None
        assert (row.policy, row.rule, row.verdict, row.degraded) == ("rude", "certain", "block", False)
        assert decision_that_supersedes(connection, first.id) == row
        assert decision_that_supersedes(connection, second.id) is None


def ids(connection: Connection, filters: DecisionFilters, **more: int) -> list[str]:
    return [row.id for row in newest_decisions(connection, filters, limit=10, **more)]


def test_decisions_are_filtered_and_paged(records: Records) -> None:
    item, actor = records.submit("n-1")
    plain = records.decide(item, actor)
    rude = records.decide(item, actor, 1, verdict=Verdict.BLOCK, reasons=(RUDE,), shadow=(LOUD,))
    late = records.decide(item, actor, 2, source=DecisionSource.LATE, degraded=True)
    with records.database.read() as connection:
        assert ids(connection, DecisionFilters()) == [late.id, rude.id, plain.id]
        newest = newest_decisions(connection, DecisionFilters(), limit=1)
        assert ids(connection, DecisionFilters(), before=newest[0].seq) == [rude.id, plain.id]
        assert ids(connection, DecisionFilters(verdict="block")) == [rude.id]
        assert ids(connection, DecisionFilters(source="late")) == [late.id]
        assert ids(connection, DecisionFilters(content_type="comment")) == []
        assert ids(connection, DecisionFilters(degraded=True)) == [late.id]
        assert ids(connection, DecisionFilters(policy="rude", rule="loud")) == [rude.id]
        assert ids(connection, DecisionFilters(policy="rude", rule="none")) == []
        assert ids(connection, DecisionFilters(rule="none")) == [late.id, rude.id, plain.id]


def test_rules_that_fired_are_counted_from_a_time_on(records: Records) -> None:
    item, actor = records.submit("n-1")
    for minutes in range(3):
        records.decide(item, actor, minutes, reasons=(RUDE,), shadow=(LOUD,) if minutes == 2 else ())
    many = [("absent", f"rule-{number}") for number in range(450)]  # more than one statement takes
    with records.database.read() as connection:
        found = fired_rules(connection, [*many, ("rude", "certain"), ("rude", "loud")], AT + 60_000)
        assert sorted(found, key=lambda one: one.rule) == [
            FiredRuleCount(policy="rude", rule="certain", mode="live", harm="harassment", fired=2),
            FiredRuleCount(policy="rude", rule="loud", mode="shadow", harm="harassment", fired=1),
        ]
        assert fired_rules(connection, [("rude", "loud")], AT + 180_000) == []
        assert fired_rules(connection, [], 0) == []


def test_hits_are_counted_by_rule_and_once_for_each_decision_of_a_policy(records: Records) -> None:
    item, actor = records.submit("n-1")
    other, _ = records.submit("n-2")
    spam = Reason(policy="spam", rule="likely", harm="spam", mode="canary")
    records.decide(item, actor, 0, reasons=(RUDE,))
    records.decide(item, actor, 1, reasons=(RUDE, spam), shadow=(LOUD,))
    records.decide(other, actor, 2, shadow=(LOUD,))
    records.decide(other, actor, 3, reasons=(RUDE,), source=DecisionSource.REVIEW)
    rules = {**{f"p{number}": [f"r{rule}" for rule in range(120)] for number in range(4)}, "none": []}
    with records.database.read() as connection:
        found = rule_hits(connection, {**rules, "rude": ["certain", "loud"], "spam": ["likely"]}, AT, AT + 60_000)
        counts = {(one.policy, one.rule): (one.live, one.live_recent, one.shadow, one.shadow_recent) for one in found}
        assert counts["rude", "certain"] == (3, 2, 0, 0)
        assert counts["rude", "loud"] == (0, 0, 2, 2)
        assert counts["rude", None] == (3, 2, 2, 2)
        assert counts["spam", "likely"] == (1, 1, 0, 0)
        assert counts["p3", "r119"] == (0, 0, 0, 0)
        assert rules_fired_on(connection, [item.ref, other.ref, "it_none"]) == {
            (item.ref, 1): {("rude", "certain"), ("rude", "loud"), ("spam", "likely")},
            (other.ref, 1): {("rude", "loud")},  # what a person found is not a rule's hit
        }
        assert policies_fired_together(connection, AT, 10) == {frozenset({"rude"}): 2, frozenset({"rude", "spam"}): 1}
        assert policies_fired_together(connection, AT, 1) == {frozenset({"rude"}): 1}
        assert policies_fired_together(connection, AT + 600_000, 10) == {}


def test_rescreens_are_listed_with_what_became_of_them(records: Records) -> None:
    item, actor = records.submit("n-1")
    waiting, _ = records.submit("n-2")
    first = records.decide(item, actor, verdict=Verdict.HOLD, degraded=True, fail_mode="hold", rescreen_due=AT + 60_000)
    second = records.decide(waiting, actor, 1, degraded=True, fail_mode="allow_and_rescreen", rescreen_due=AT + 120_000)
    with records.database.read() as connection:
        assert [one.rescreen.decision for one in pending_rescreens(connection, limit=9)] == [first.id, second.id]
        summary = rescreen_summary(connection, AT + 60_001)
        assert (summary.pending, summary.overdue, summary.next_due_at) == (2, 1, AT + 60_000)
    final = records.decide(item, actor, 2, verdict=Verdict.BLOCK, supersedes=first.id)
    with records.database.read() as connection:
        assert [one.rescreen.decision for one in pending_rescreens(connection, limit=9)] == [second.id]
        (finished,) = finished_rescreens(connection, limit=9)
        assert (finished.was, finished.became, finished.rescreen.resolved_by) == ("hold", "block", final.id)


def test_traffic_is_summed_between_minutes(records: Records) -> None:
    item, actor = records.submit("n-1")
    for minutes in (0, 0, 1, 2):
        records.decide(item, actor, minutes)
    with records.database.read() as connection:

        def decisions(since: int | None, until: int | None) -> int:
            return sum(row.decisions for row in traffic_between(connection, since, until))

        assert decisions(None, None) == 4
        assert decisions(AT + 60_000, None) == 2
        assert decisions(None, AT + 60_000) == 2
        assert decisions(AT + 60_000, AT + 120_000) == 1
        assert decisions_by_minute(connection, AT + 60_000) == {
            (AT + 60_000, "allow"): 1,
            (AT + 120_000, "allow"): 1,
        }


def test_nothing_recorded_is_nothing_found(records: Records) -> None:
    with records.database.read() as connection:
        summary = rescreen_summary(connection, AT)
        assert (summary.pending, summary.oldest_at, summary.overdue, summary.next_due_at) == (0, None, 0, None)
        assert traffic_between(connection, None, None) == []
        assert newest_decisions(connection, DecisionFilters(), limit=5) == []
