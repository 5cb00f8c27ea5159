"""Examples as tests: an item, some feature values and the expected result. Each runs against its own policy only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from seawall.content.items import ItemError, validate_item, with_optional_actor
from seawall.model import UNKNOWN, ContentType, FeatureValue, Item
from seawall.model.durations import FORM, parse_duration
from seawall.policy.check import Checker
from seawall.policy.documents import Example, Given, Policy
from seawall.policy.environment import Environment
from seawall.policy.syntax import LARGEST, InvalidExpression
from seawall.policy.tree import Feature, ValueType
from seawall.yamlfile.source import Problem, problem_at


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedExample:
    """An example whose item is valid and whose given names are features."""

    policy: str
    example: Example
    item: Item
    given: Mapping[str, FeatureValue]


def check_examples(
    policy: Policy, environments: Mapping[str, Environment]
) -> tuple[list[CheckedExample], list[Problem]]:
    """Check the items and given values of all examples whose content type is known."""
    checked: list[CheckedExample] = []
    problems: list[Problem] = []
    rule_ids = {rule.id for rule in policy.rules}
    for example in policy.examples:
        environment = environments.get(example.content_type)
        if environment is None:
            continue
        environment = environment.of(policy)
        for rule_id in (*(example.fired or ()), *(example.shadow or ()), *(example.undetermined or ())):
            if rule_id not in rule_ids:
                message = f"example '{example.name}' expects rule '{rule_id}', which the policy does not have"
                expected = "one of " + ", ".join(sorted(rule_ids))
                problems.append(problem_at(policy.source, example.span, message, expected=expected))
        try:
            item = _item(example, environment.content_type)
            given = {feature.name: value for feature, value in _given(policy, example, environment)}
        except ItemError as error:
            message = f"the item of example '{example.name}' is not valid: {error.field} {error.message}"
            problems.append(problem_at(policy.source, example.span, message, remedy=error.remedy))
        except InvalidExpression as refused:
            problems.append(refused.problem)
        else:
            checked.append(CheckedExample(policy=policy.name, example=example, item=item, given=given))
    return checked, problems


def _item(example: Example, content_type: ContentType) -> Item:
    """Validate an example's item like any other, but actor attributes that the rules do not read may be missing."""
    raw: dict[str, object] = {"id": "example", "fields": example.fields}
    if example.actor is not None:
        raw["actor"] = {"id": "example", "attributes": example.actor}
    if example.language is not None:
        raw["language"] = example.language
    return validate_item(with_optional_actor(content_type), raw)


def _given(policy: Policy, example: Example, environment: Environment) -> Iterator[tuple[Feature, FeatureValue]]:
    for given in example.given:
        term = Checker(environment, {}, given.expression, is_name=True).value().term
        if term.feature is None:
            message = f"'{given.name}' is computed from features and cannot be given"
            raise InvalidExpression(
                problem_at(policy.source, given.span, message, expected="a signal, a field or a call")
            )
        yield term.feature, _value(policy, given, term.feature)


def _value(policy: Policy, given: Given, feature: Feature) -> FeatureValue:
    text = given.text.strip()
    if not given.quoted:
        if text == "unknown":
            return UNKNOWN
        if text in ("null", "~", "") and feature.optional:
            return None
    value: FeatureValue = None
    try:
        match feature.kind:
            case ValueType.NUMBER:
                value = float(text)
            case ValueType.INTEGER | ValueType.TIMESTAMP:
                value = int(text)
            case ValueType.BOOLEAN:
                value = {"true": True, "false": False}.get(text)
            case ValueType.DURATION:
                value = parse_duration(text)
            case ValueType.TEXT:
                value = given.text
    except ValueError:
        value = None
    if isinstance(value, int | float) and not abs(value) < LARGEST:
        value = None
    if value is None:
        expected = FORM if feature.kind is ValueType.DURATION else f"a value of type {feature.kind}, or unknown"
        message = f"'{given.text}' is not a value of {feature.name}"
        raise InvalidExpression(problem_at(policy.source, given.span, message, expected=expected))
    return value
