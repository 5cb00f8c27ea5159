"""What became of rules in numbers: how often they fired, on what, and together with which other policies.

Every query is bounded: by rules and a time, by a number of decisions, or by the items that it is asked about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, SelectBase, Text, func, literal, select, union_all

from seawall.model import DecisionSource
from seawall.screen.tables import decision, fired_rule
from seawall.storage.queries import select_in_chunks

_RULES_IN_STATEMENT: Final = 100  # SQLite takes 500 SELECTs in one compound statement, with their parameters
_BY_PEOPLE: Final = (DecisionSource.REVIEW.value, DecisionSource.UNDO.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleHits:
    """Decisions in which a rule fired since some time, and since a later one; ``rule`` None: any rule of the policy.

    ``live``: with effect, those of canary rules among them; ``shadow``: without.
    """

    policy: str
    rule: str | None
    live: int
    live_recent: int
    shadow: int
    shadow_recent: int


def rule_hits(
    connection: Connection, rules: Mapping[str, Sequence[str]], since: int, recent_since: int
) -> list[RuleHits]:
    """How often each rule of ``rules`` (policy → rules) fired, and each policy by any of them.

    Each rule is counted by a range of the index (policy, rule, at), as in ``queries.fired_rules``. A policy's hits are
    counted once for each decision, however many of its rules fired.
    """
    wanted: list[tuple[str, str | None, Sequence[str]]] = []
    for policy, names in rules.items():
        if names:
            wanted += [(policy, None, names), *((policy, rule, [rule]) for rule in names)]
    found: list[RuleHits] = []
    for start in range(0, len(wanted), _RULES_IN_STATEMENT):
        counts = [_hits(*one, since, recent_since) for one in wanted[start : start + _RULES_IN_STATEMENT]]
        found += [RuleHits(**row) for row in connection.execute(union_all(*counts)).mappings()]
    return found


def _hits(policy: str, rule: str | None, rules: Sequence[str], since: int, recent_since: int) -> SelectBase:
    is_shadow, is_recent = fired_rule.c.mode == "shadow", fired_rule.c.at >= recent_since
    counted = func.count(fired_rule.c.decision.distinct() if rule is None else fired_rule.c.decision)
    return select(
        literal(policy).label("policy"),
        literal(rule, Text).label("rule"),
        counted.filter(~is_shadow).label("live"),
        counted.filter(~is_shadow, is_recent).label("live_recent"),
        counted.filter(is_shadow).label("shadow"),
        counted.filter(is_shadow, is_recent).label("shadow_recent"),
    ).where(fired_rule.c.policy == policy, fired_rule.c.rule.in_(rules), fired_rule.c.at >= since)


def rules_fired_on(
    connection: Connection, items: Iterable[str]
) -> Mapping[tuple[str, int], frozenset[tuple[str, str]]]:
    """(item, revision) → the (policy, rule) pairs that fired in a machine's decisions about it, in any mode."""
    query = (
        select(decision.c.item, decision.c.revision, fired_rule.c.policy, fired_rule.c.rule)
        .join(fired_rule, fired_rule.c.decision == decision.c.id)
        .where(decision.c.source.not_in(_BY_PEOPLE))
        .distinct()
    )
    found: defaultdict[tuple[str, int], set[tuple[str, str]]] = defaultdict(set)
    for row in select_in_chunks(connection, query, decision.c.item, items):
        found[row.item, row.revision].add((row.policy, row.rule))
    return {key: frozenset(rules) for key, rules in found.items()}


def policies_fired_together(connection: Connection, since: int, most: int) -> Mapping[frozenset[str], int]:
    """The sets of policies that fired in one decision, and in how many: of the newest ``most`` decisions since then."""
    newest = (
        select(decision.c.id)
        .where(decision.c.at >= since, decision.c.source.not_in(_BY_PEOPLE))
        .order_by(decision.c.at.desc())
        .limit(most)
        .subquery()
    )
    query = select(fired_rule.c.decision, fired_rule.c.policy).join(newest, newest.c.id == fired_rule.c.decision)
    by_decision: defaultdict[str, set[str]] = defaultdict(set)
    for found, policy in connection.execute(query.distinct()):
        by_decision[found].add(policy)
    counts: defaultdict[frozenset[str], int] = defaultdict(int)
    for policies in by_decision.values():
        counts[frozenset(policies)] += 1
    return counts
