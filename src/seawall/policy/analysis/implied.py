"""Rules beside which another one always fires and does as much, and rules with the same condition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from seawall.policy.actions import combine
from seawall.policy.analysis.findings import Place, PolicyView, RuleFinding, asks_for_figure, condition_of
from seawall.policy.documents import Rule
from seawall.policy.rules import CheckedAction, CheckedRule, constant_action

_MOST_RULES: Final = 200  # of a policy that are compared with each other


def implied_rules(view: PolicyView, unsettled: dict[str, None]) -> Iterator[RuleFinding]:
    """Rules beside which another of the same policy always fires, and does as much."""
    live = [each for each in view.rules if each.rule.mode == "live"]
    rules = live[:_MOST_RULES]
    unsettled.update(dict.fromkeys(each.rule.id for each in live[_MOST_RULES:]))
    true = {each.rule.id: view.reasoner.cases(condition_of(view, each.rule), True) for each in rules}
    false = {each.rule.id: view.reasoner.cases(condition_of(view, each.rule), False) for each in rules}

    def implies(one: str, other: str) -> bool:
        some, others = true[one], false[other]
        return bool(some) and bool(others) and view.reasoner.apart(some or [], others or [])

    dropped: set[str] = set()
    for one in rules:
        view.reasoner.undecided = False
        for other in rules:
            a, b = one.rule.id, other.rule.id
            if a == b or b in dropped or not _lasts(one.rule, other.rule) or not implies(a, b):
                continue
            if _does_as_much(other, one):
                dropped.add(a)
                yield _implied(view, one.rule, other.rule)
                break
            if a > b and implies(b, a):
                yield _equal(view, one.rule, other.rule)
        if view.reasoner.undecided:
            unsettled[one.rule.id] = None


def _lasts(one: Rule, other: Rule) -> bool:
    return other.expires is None or (one.expires is not None and one.expires <= other.expires)


def _does_as_much(strong: CheckedRule, weak: CheckedRule) -> bool:
    """Whether the actions of ``weak`` add nothing to those of ``strong``."""
    mine = dict.fromkeys(map(_comparable, strong.actions))
    left = [action for action in weak.actions if _comparable(action) not in mine]
    if any(action.expressions for action in left):
        return False
    own = [constant_action(action, dict.fromkeys(action.expressions, 0.0)) for action in strong.actions]
    added = [constant_action(action, {}) for action in left]
    alone = sorted(map(repr, combine(own)))
    return all(sorted(map(repr, combine(both))) == alone for both in ([*own, *added], [*added, *own]))


def _comparable(action: CheckedAction) -> tuple[object, ...]:
    expressions = tuple(sorted((name, term.key) for name, term in action.expressions.items()))
    return (action.kind, tuple(sorted(action.constants.items(), key=lambda pair: pair[0])), expressions)


def _implied(view: PolicyView, one: Rule, other: Rule) -> RuleFinding:
    rates = asks_for_figure(one.when.tree) != asks_for_figure(other.when.tree)
    return RuleFinding(
        code="implied-rule",
        place=Place(one.id, one.when, one.when.tree),
        message=f"rule '{one.id}' adds nothing to rule '{other.id}'",
        means=f"Whenever it fires, '{other.id}' fires and does as much"
        + (", at the present thresholds of the detectors." if rates else "."),
        remedy=f"remove it, or give it a condition or actions that '{other.id}' lacks",
    )


def _equal(view: PolicyView, one: Rule, other: Rule) -> RuleFinding:
    return RuleFinding(
        code="same-condition",
        place=Place(one.id, one.when, one.when.tree),
        message=f"rules '{other.id}' and '{one.id}' have the same condition",
        means="They always fire together.",
        remedy="make one rule with the actions of both, or correct one of the conditions",
    )
