"""Rules checked for one content type: conditions as terms, actions with resolved parameters."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Final

from seawall.model import ACTIONS, HARMS, Action, Parameter, ParameterType
from seawall.model.durations import FORM, parse_duration
from seawall.policy.check import Checker
from seawall.policy.checking import Checked
from seawall.policy.documents import ActionCall, Policy, Rule
from seawall.policy.environment import Environment
from seawall.policy.figures import Threshold
from seawall.policy.functions import SIGNATURES
from seawall.policy.syntax import InvalidExpression
from seawall.policy.tree import Feature, FeatureOrigin, Operator, TooLarge, TypedTerm, ValueType, compound, const, read
from seawall.yamlfile.reader import MOST_PROBLEMS
from seawall.yamlfile.source import Problem, nearest, problem_at

HIGHEST_PRIORITY: Final = 1.0
CREATORS_ACTIONS: Final = ("hold", "demote", "advisory", "review")
"""What a creator's overlay may ask for: on the item only, and what can be undone."""
_WORST_SEVERITY: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedAction:
    """An action with constant parameters, and numeric expressions for the others."""

    kind: str
    constants: Mapping[str, str | float]
    expressions: Mapping[str, TypedTerm]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedRule:
    """A rule as it runs for one content type."""

    policy: Policy
    rule: Rule
    when: TypedTerm
    actions: tuple[CheckedAction, ...]
    thresholds: tuple[Threshold, ...]

    @property
    def id(self) -> str:
        """``policy/rule``."""
        return f"{self.policy.name}/{self.rule.id}"


def check_policy(
    policy: Policy, environment: Environment, terms: dict[ast.expr, TypedTerm] | None = None
) -> tuple[list[CheckedRule], list[Problem]]:
    """Check every rule of a policy that applies to the environment's content type. Draft rules are checked too.

    ``terms``, where given, is filled with the term of each node of the lets and conditions.
    """
    problems: list[Problem] = []
    environment = environment.of(policy)
    lets, let_thresholds = _check_lets(policy, environment, problems, terms)
    if problems:
        return [], problems
    rules = []
    for rule in policy.rules:
        if environment.content_type.name not in rule.applies_to:
            continue
        if len(problems) >= MOST_PROBLEMS:
            break
        checker = Checker(environment, lets, rule.when, thresholds=dict(let_thresholds), terms=terms)
        try:
            when = _in_share(policy, rule, _until(rule, checker.condition().term))
        except InvalidExpression as refused:
            problems.append(refused.problem)
            continue
        except TooLarge:  # adding the expiry or the share exceeded the limit
            problems.append(
                rule.when.problem(rule.when.tree, "the expression is too large", remedy="make several rules of it")
            )
            continue
        actions = _check_actions(policy, rule, environment, lets, problems)
        thresholds = tuple(each for each in checker.thresholds.values() if _uses(when, each))
        rules.append(CheckedRule(policy=policy, rule=rule, when=when, actions=actions, thresholds=thresholds))
    return rules, problems


def _uses(term: TypedTerm, threshold: Threshold) -> bool:
    """Whether a term compares the threshold's signal with the threshold (a let may have resolved it without use)."""
    if term.op is Operator.COMPARE and term.args[1].value == threshold.value:
        feature = term.args[0].feature
        if feature is not None and feature.argument == threshold.signal:
            return True
    return any(_uses(arg, threshold) for arg in term.args)


def _check_lets(
    policy: Policy,
    environment: Environment,
    problems: list[Problem],
    terms: dict[ast.expr, TypedTerm] | None,
) -> tuple[dict[str, Checked], dict[str, Threshold]]:
    lets: dict[str, Checked] = {}
    thresholds: dict[str, Threshold] = {}
    later = {let.name for let in policy.lets}
    for let in policy.lets:
        if len(problems) >= MOST_PROBLEMS:
            break
        is_function = let.name in SIGNATURES and not environment.is_published  # of then: functions are added since
        if let.name in environment.signals or is_function:
            noun = "a signal" if let.name in environment.signals else "a function"
            message = f"let '{let.name}' hides {noun} of the same name"
            problems.append(problem_at(policy.source, let.span, message, remedy="choose another name"))
            later.discard(let.name)
            continue
        try:
            checker = Checker(environment, lets, let.expression, later, thresholds, terms)
            lets[let.name] = checker.value()
        except InvalidExpression as refused:
            problems.append(refused.problem)
        later.discard(let.name)
    return lets, thresholds


def _until(rule: Rule, when: TypedTerm) -> TypedTerm:
    """Add ``expires``, the last day in force (UTC), to the condition. Time is a feature, so replay reproduces it."""
    if rule.expires is None:
        return when
    end = datetime(rule.expires.year, rule.expires.month, rule.expires.day, tzinfo=UTC) + timedelta(days=1)
    now = read(Feature("now", ValueType.TIMESTAMP, FeatureOrigin.NOW))
    in_force = compound(
        Operator.COMPARE, ValueType.BOOLEAN, now, const(int(end.timestamp() * 1000), ValueType.TIMESTAMP), symbol="<"
    )
    return compound(Operator.AND, ValueType.BOOLEAN, in_force, when)


def _in_share(policy: Policy, rule: Rule, when: TypedTerm) -> TypedTerm:
    """Add the share of a canary rule to the condition: the account's place is below it.

    Each rule has its own places, so that not the same accounts meet every canary. Outside the share the rule is false,
    also where ``when`` is unknown.
    """
    if rule.share is None:
        return when
    name = f"{policy.name}/{rule.id}"
    place = read(Feature(f'canary("{name}")', ValueType.NUMBER, FeatureOrigin.CANARY, argument=name))
    chosen = compound(Operator.COMPARE, ValueType.BOOLEAN, place, const(rule.share, ValueType.NUMBER), symbol="<")
    return compound(Operator.AND, ValueType.BOOLEAN, chosen, when)


def _check_actions(
    policy: Policy, rule: Rule, environment: Environment, lets: Mapping[str, Checked], problems: list[Problem]
) -> tuple[CheckedAction, ...]:
    actions = []
    for call in rule.do:
        try:
            actions.append(_check_action(call, policy, environment, lets))
        except InvalidExpression as refused:
            problems.append(refused.problem)
    return tuple(actions)


def _check_action(
    call: ActionCall, policy: Policy, environment: Environment, lets: Mapping[str, Checked]
) -> CheckedAction:
    at = call.expression.problem
    content_type = environment.content_type
    if call.kind not in ACTIONS:
        near = nearest(call.kind, ACTIONS)
        raise InvalidExpression(
            at(call.node, f"unknown action '{call.kind}'", expected="one of " + ", ".join(ACTIONS), near=near)
        )
    if call.kind not in content_type.actions:
        message = f"content type {content_type.name} does not allow action '{call.kind}'"
        remedy = f"add '{call.kind}' to the actions of {content_type.name}, or narrow the rule with 'applies_to'"
        raise InvalidExpression(
            at(call.node, message, expected="one of " + ", ".join(content_type.actions), remedy=remedy)
        )
    if policy.creators_overlay is not None and call.kind not in CREATORS_ACTIONS:
        message = f"a creator's overlay cannot ask for '{call.kind}'"
        remedy = "ask for one of these; removals and accounts are for the policies of the platform"
        raise InvalidExpression(at(call.node, message, expected="one of " + ", ".join(CREATORS_ACTIONS), remedy=remedy))
    declared = {parameter.name: parameter for parameter in ACTIONS[call.kind].parameters}
    for name, node in call.parameters.items():
        if name not in declared:
            names = ", ".join(declared) or "no parameters"
            message = f"action {call.kind} has no parameter '{name}'"
            raise InvalidExpression(at(node, message, expected=names, near=nearest(name, declared)))
    for parameter in declared.values():
        if parameter.required and parameter.name not in call.parameters:
            message = f"action {call.kind} needs '{parameter.name}'"
            raise InvalidExpression(at(call.node, message, expected=f'{call.kind}({parameter.name}="…")'))
    constants: dict[str, str | float] = {}
    expressions: dict[str, TypedTerm] = {}
    for name, parameter in declared.items():
        given = call.parameters.get(name)
        value = _parameter(call, given, parameter, environment, lets) if given is not None else _default(policy, name)
        if isinstance(value, TypedTerm):
            expressions[name] = value
        elif value is not None:
            constants[name] = value
    return CheckedAction(kind=call.kind, constants=constants, expressions=expressions)


def _default(policy: Policy, name: str) -> str | float | None:
    """Default of an omitted number: a strike weighs 1, a review's priority follows the severity of the harm."""
    return {"weight": 1.0, "priority": HARMS[policy.harm].severity / _WORST_SEVERITY}.get(name)


def _parameter(
    call: ActionCall, node: ast.expr, parameter: Parameter, environment: Environment, lets: Mapping[str, Checked]
) -> str | float | TypedTerm:
    at = call.expression.problem
    value = node.value if isinstance(node, ast.Constant) else None
    if parameter.type is ParameterType.TEXT:
        if not isinstance(value, str) or not value.strip():
            raise InvalidExpression(at(node, f"'{parameter.name}' must be a string", expected=f'{parameter.name}="…"'))
        return value
    if parameter.type is ParameterType.DURATION:
        seconds = parse_duration(value) if isinstance(value, str) else None
        if seconds is None:
            raise InvalidExpression(at(node, f"'{parameter.name}' must be a duration", expected=FORM))
        return seconds
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(call, node, float(value), parameter)
    if not parameter.expression:
        raise InvalidExpression(at(node, f"'{parameter.name}' must be a number", expected=f"{parameter.name}=2"))
    return Checker(environment, lets, call.expression).number(node)


def _number(call: ActionCall, node: ast.expr, value: float, parameter: Parameter) -> float:
    most = HIGHEST_PRIORITY if parameter.expression else 1e6
    if not isfinite(value) or not 0 <= value <= most:
        message = f"'{parameter.name}' is {value:g}"
        raise InvalidExpression(call.expression.problem(node, message, expected=f"a number from 0 to {most:,g}"))
    return value


def constant_action(action: CheckedAction, values: Mapping[str, float]) -> Action:
    """The action with the values of its expressions filled in, clamped to 0..1."""
    computed = {name: min(max(value, 0.0), HIGHEST_PRIORITY) for name, value in values.items()}
    return Action(action.kind, {**action.constants, **computed})
