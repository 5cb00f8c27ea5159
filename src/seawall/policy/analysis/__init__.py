"""Static analysis of checked policies: warnings about rules that do not do what their author means.

A policy with a warning works. What a warning claims about a condition (never true, always true, implied by another) is
proven by ``reasoning``; what it says of languages and cost follows from the detectors' declarations.

``declarations``: of the file alone. ``conditions``, ``implied``, ``signals``: of its rules in each content type, from
the ranges that features can have there (``ranges``). ``costs``: of all policies together.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from seawall.policy.analysis.conditions import constant_conditions, redundant_conditions, whole_rule
from seawall.policy.analysis.costs import late_stages
from seawall.policy.analysis.declarations import expired_rules, overlapping_actions, unreachable_rules, unused_lets
from seawall.policy.analysis.findings import Place, PolicyView, PolicyWarning, RuleFinding
from seawall.policy.analysis.implied import implied_rules
from seawall.policy.analysis.ranges import modalities_of, ranges_in
from seawall.policy.analysis.signals import silent_languages, silent_signals
from seawall.policy.bundle import Bundle
from seawall.policy.documents import Policy, Rule
from seawall.policy.environment import Environment, offered_signals
from seawall.policy.reasoning import Reasoner
from seawall.policy.rules import check_policy
from seawall.policy.tree import TypedTerm


def analyse(
    bundle: Bundle, today: date, entries: Mapping[str, int] | None = None, policies: Iterable[str] | None = None
) -> tuple[PolicyWarning, ...]:
    """The warnings about a bundle, or about some of its policies, in the order of files and lines.

    ``entries``: active entries of each bank; without it nothing is said about empty banks.
    """
    chosen = [policy for policy in bundle.policies if policies is None or policy.name in set(policies)]
    found: dict[PolicyWarning, None] = {}
    for policy in chosen:
        found.update(dict.fromkeys(_of_policy(policy, bundle, today, entries)))
    if policies is None:
        found.update(dict.fromkeys(late_stages(bundle)))
    return tuple(sorted(found, key=lambda each: (each.problem.path, each.problem.line, each.problem.column)))


def _of_policy(
    policy: Policy, bundle: Bundle, today: date, entries: Mapping[str, int] | None
) -> Iterator[PolicyWarning]:
    yield from unreachable_rules(policy)
    yield from unused_lets(policy)
    for rule in policy.rules:
        yield from expired_rules(policy, rule, today)
        yield from overlapping_actions(policy, rule)
    views = list(_views(policy, bundle))
    by_type = {view.type_name: list(_of_view(view, entries)) for view in views}
    yield from _merged(policy, by_type)


def _views(policy: Policy, bundle: Bundle) -> Iterator[PolicyView]:
    signals = offered_signals(bundle.detectors)
    for name, content_type in bundle.content_types.items():
        if name not in policy.applies_to:
            continue
        environment = Environment(content_type, signals, frozenset(bundle.banks), is_published=True)
        terms: dict[ast.expr, TypedTerm] = {}
        rules, _ = check_policy(policy, environment, terms)
        yield PolicyView(policy, environment, rules, terms, Reasoner(ranges_in(environment)))


def _merged(policy: Policy, by_type: Mapping[str, Sequence[RuleFinding]]) -> Iterator[PolicyWarning]:
    types_of: dict[RuleFinding, list[str]] = {}
    for name, findings in by_type.items():
        for finding in findings:
            types_of.setdefault(finding, []).append(name)
    for finding, types in types_of.items():
        place = finding.place
        rule = policy.rule(place.rule) if place.rule else None
        everywhere = set(rule.applies_to if rule else policy.applies_to) <= set(types)
        where = "" if everywhere else f" (in {', '.join(types)})"
        yield PolicyWarning(
            code=finding.code,
            policy=policy.name,
            rule=place.rule,
            problem=place.expression.problem(place.node, finding.message + where, remedy=finding.remedy),
            means=finding.means,
        )


def _of_view(view: PolicyView, entries: Mapping[str, int] | None) -> Iterator[RuleFinding]:
    for let in view.policy.lets:
        yield from constant_conditions(view, None, let.expression, let.expression.tree)
        yield from redundant_conditions(view, None, let.expression, let.expression.tree)
    unsettled: dict[str, None] = {}
    for checked in view.rules:
        rule = checked.rule
        view.reasoner.undecided = False
        yield from silent_signals(view, rule, entries)
        yield from constant_conditions(view, rule.id, rule.when, rule.when.tree)
        yield from redundant_conditions(view, rule.id, rule.when, rule.when.tree)
        yield from whole_rule(view, rule)
        if view.reasoner.undecided:
            unsettled[rule.id] = None
    yield from implied_rules(view, unsettled)
    yield from silent_languages(view)
    yield from (_unsettled(rule.rule) for rule in view.rules if rule.rule.id in unsettled)


def _unsettled(rule: Rule) -> RuleFinding:
    return RuleFinding(
        code="not-analysed",
        place=Place(rule.id, rule.when, rule.when.tree),
        message=f"rule '{rule.id}' was not analysed in full",
        means="It, or the policy, has too many cases: whether it can fire, or repeats another rule, is not known.",
        remedy="make several rules of it, or several policies",
    )


__all__ = ["PolicyWarning", "analyse", "modalities_of", "ranges_in"]
