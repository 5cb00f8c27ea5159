"""Conditions that are never or always true, and parts of conditions that change nothing beside the rest."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Final

from seawall.policy.analysis.findings import Place, PolicyView, RuleFinding, asks_for_figure, condition_of, written
from seawall.policy.analysis.ranges import SIGNALS
from seawall.policy.documents import Rule
from seawall.policy.reasoning import all_of, any_of
from seawall.policy.syntax import Expression, children
from seawall.policy.tree import Feature, TypedTerm, features_of

_MOST_OPERANDS: Final = 20  # of an ``and`` or ``or`` that are compared with each other


def constant_conditions(
    view: PolicyView, rule: str | None, expression: Expression, node: ast.expr
) -> Iterator[RuleFinding]:
    """The smallest comparisons that have the same result for every item."""
    inner = [] if isinstance(node, ast.Compare | ast.Call) else list(children(node))
    found = [finding for child in inner for finding in constant_conditions(view, rule, expression, child)]
    yield from found
    term = view.terms.get(node)
    if found or not isinstance(node, ast.Compare) or term is None:
        return
    value = False if view.reasoner.never(term) else True if view.reasoner.always(term) else None
    if value is None:
        return
    view.constant.add(node)
    shown = written(expression, node)
    signal = _only_signal(term)
    bounds = view.reasoner.range_of(signal) if signal is not None else None
    if signal is not None and bounds is not None and bounds.high > 0:
        span = f"from 0 to {bounds.high:g}" if bounds.high < float("inf") else "from 0"
        means = f"{signal.name} is {span}."
        code = "threshold-out-of-range"
        remedy = f"compare it with a number that {signal.name} can be on either side of"
    elif signal is not None:
        means = f"No part of such an item can give '{signal.argument}': the signal is always 0."
        code, remedy = "constant-condition", "narrow the rule with 'applies_to', or add a detector that reads its parts"
    else:
        means = "No value of what it reads makes it " + ("true." if value is False else "false.")
        code, remedy = "constant-condition", "remove it, or correct the numbers"
    always = "always" if value else "never"
    yield RuleFinding(
        code=code,
        place=Place(rule, expression, node),
        message=f"'{shown}' is {always} true",
        means=means,
        remedy=remedy,
    )


def _only_signal(term: TypedTerm) -> Feature | None:
    """The signal that a comparison compares with constants, if it reads nothing else."""
    features = list(features_of(term).values())
    return features[0] if len(features) == 1 and features[0].origin in SIGNALS else None


def whole_rule(view: PolicyView, rule: Rule) -> Iterator[RuleFinding]:
    """A rule that can never fire, or that fires on every item."""
    term = condition_of(view, rule)
    never, always = view.reasoner.never(term), view.reasoner.always(term)
    if not never and not always:
        return
    if rule.when.tree in view.constant:
        return
    yield RuleFinding(
        code="never-true" if never else "always-true",
        place=Place(rule.id, rule.when, rule.when.tree),
        message=f"rule '{rule.id}' can never fire" if never else f"rule '{rule.id}' fires on every item",
        means="Its conditions exclude each other."
        if never
        else "Its condition holds for every item whose features are known.",
        remedy="correct the condition, or remove the rule",
    )


def redundant_conditions(
    view: PolicyView, rule: str | None, expression: Expression, node: ast.expr
) -> Iterator[RuleFinding]:
    """Operands of ``and`` and ``or`` that change nothing beside the others."""
    if isinstance(node, ast.BoolOp) and len(node.values) > _MOST_OPERANDS:
        view.reasoner.undecided = True
    elif isinstance(node, ast.BoolOp):
        is_and = isinstance(node.op, ast.And)
        kept = list(node.values)
        for operand in reversed(node.values):
            others = [
                each for each in kept if each is not operand and asks_for_figure(each) == asks_for_figure(operand)
            ]
            if not others or operand in view.constant or any(each in view.constant for each in others):
                continue
            if _guards(operand) or _settled(view, others, is_and) or not _follows(view, operand, others, is_and):
                continue
            kept.remove(operand)
            shown = written(expression, operand)
            yield RuleFinding(
                code="implied-condition",
                place=Place(rule, expression, operand),
                message=f"'{shown}' changes nothing",
                means="It holds wherever the rest of the 'and' holds."
                if is_and
                else "Wherever it holds, the rest of the 'or' holds.",
                remedy="remove it, or correct the numbers",
            )
    for child in children(node):
        yield from redundant_conditions(view, rule, expression, child)


def _guards(node: ast.expr) -> bool:
    """Whether an operand asks for None or ``known``: the language wants these although the rest implies them."""
    return any(
        (isinstance(each, ast.Is | ast.IsNot)) or (isinstance(each, ast.Name) and each.id == "known")
        for each in ast.walk(node)
    )


def _settled(view: PolicyView, others: Sequence[ast.expr], is_and: bool) -> bool:
    """Whether the rest decides alone, so that it says nothing about the operand."""
    terms = [view.terms[each] for each in others if each in view.terms]
    whole = all_of(terms) if is_and else any_of(terms)
    return whole is None or (view.reasoner.never(whole) if is_and else view.reasoner.always(whole))


def _follows(view: PolicyView, operand: ast.expr, others: Sequence[ast.expr], is_and: bool) -> bool:
    term = view.terms.get(operand)
    rest = [view.terms[each] for each in others if each in view.terms]
    if term is None or len(rest) != len(others):
        return False
    whole = all_of(rest) if is_and else any_of(rest)
    if whole is None:
        return False
    return view.reasoner.implies([whole], term) if is_and else view.reasoner.implies([term], whole)
