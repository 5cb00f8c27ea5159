"""A condition of the policy language as a question to stored feature rows: checked as in a policy, compiled once.

    >>> query = compile_query(parse_query('hate >= 0.6 and age(actor) < "7d"'), bundle, "comment")
    >>> query.run({"hate": 0.7, "age(actor)": 3600.0})
    (1, 0)

Raises PolicyErrors with the caret and suggestion that a policy file would get.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from seawall.model import HARMS, ContentType
from seawall.policy.bundle import Bundle
from seawall.policy.call_checks import refuse_pattern
from seawall.policy.check import Checker
from seawall.policy.compile import Run, compile_rules
from seawall.policy.environment import Environment, offered_signals
from seawall.policy.features import Context, Row, row_builder
from seawall.policy.figures import Threshold
from seawall.policy.syntax import Expression, InvalidExpression, look_alikes, parse_expression
from seawall.policy.thresholds import compared_values
from seawall.policy.tree import Feature, FeatureOrigin, features_of
from seawall.yamlfile.source import PolicyErrors, SourceFile

MOST_PATTERNS: Final = 4
"""Patterns of one query: each may take tens of milliseconds to prepare."""

_NAME: Final = "query"
_NO_HARM: Final = "terms"  # what only the rules of a platform forbid
_PATTERNS: Final = frozenset({"matches", "count_matches"})
_REASONS: Final = frozenset({FeatureOrigin.UNANSWERABLE, FeatureOrigin.NOT_PERMITTED})  # why a signal is unknown
_UNSTORED: Final = frozenset({FeatureOrigin.COUNTER, FeatureOrigin.CANARY})


@dataclass(frozen=True, slots=True, kw_only=True)
class RowQuery:
    """A checked query about one content type. ``run``: (1, 0) where it holds, (0, 1) where that is unknown.

    A row lacks what no rule read when it was stored. ``measured`` computes from signals, and ``written`` from the
    item's content, what can be computed again; counters cannot.
    """

    content_type: ContentType
    features: tuple[Feature, ...]
    thresholds: tuple[Threshold, ...]
    harm: str | None  # that the first of its signals measures
    compared: Mapping[str, float]  # by signal, the lowest value that the query tells apart
    run: Run
    measurable: frozenset[str]  # names of the features that ``measured`` gives
    readable: frozenset[str]  # names of the features that ``written`` gives
    measured: Callable[[Context], Row]
    written: Callable[[Context], Row]


def parse_query(text: str) -> Expression:
    """The query as an expression, with all that is wrong with it whatever it is asked of. Raises PolicyErrors."""
    try:
        expression = parse_expression(text, SourceFile(text, _NAME), list(range(len(text) + 1)))
        _check_patterns(expression)
    except InvalidExpression as refused:
        raise PolicyErrors([refused.problem]) from None
    if hidden := list(look_alikes(expression, expression.tree)):
        raise PolicyErrors(hidden)
    return expression


def compile_query(expression: Expression, bundle: Bundle, content_type: str) -> RowQuery:
    """The query for a content type of the bundle. Raises PolicyErrors, KeyError for an unknown content type."""
    environment = Environment(
        bundle.content_types[content_type],
        offered_signals(bundle.detectors),
        frozenset(bundle.banks),
        content_types=bundle.content_types,
    )
    checker = Checker(environment, {}, expression)
    try:
        term = checker.condition().term
    except InvalidExpression as refused:
        raise PolicyErrors([refused.problem]) from None
    features = tuple(features_of(term).values())
    measured = [one for one in features if one.growing or one.origin in _REASONS]
    written = [one for one in features if one not in measured and one.origin not in _UNSTORED]
    return RowQuery(
        content_type=environment.content_type,
        features=features,
        thresholds=tuple(checker.thresholds.values()),
        harm=_harm(features, environment),
        compared=compared_values(term),
        run=compile_rules([term], f"a query about {content_type}")[0],
        measurable=frozenset(one.name for one in measured),
        readable=frozenset(one.name for one in written),
        measured=row_builder(measured, bundle.detectors),
        written=row_builder(written, bundle.detectors),
    )


def _check_patterns(expression: Expression) -> None:
    """Raises InvalidExpression for a pattern that cannot be used, and for the first too many."""
    called = [
        node
        for node in ast.walk(expression.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _PATTERNS
    ]
    if len(called) > MOST_PATTERNS:
        message = f"the query has {len(called)} patterns"
        remedy = "join them in one, as in 'first|second'"
        raise InvalidExpression(
            expression.problem(called[MOST_PATTERNS], message, expected=f"at most {MOST_PATTERNS}", remedy=remedy)
        )

    def refused(node: ast.AST, message: str, **more: object) -> InvalidExpression:
        return InvalidExpression(expression.problem(node, message, **more))

    for node in called:
        match node.args:
            case [_, ast.Constant(value=str(pattern)) as written]:
                refuse_pattern(refused, written, pattern)


def _harm(features: Sequence[Feature], environment: Environment) -> str | None:
    names = [str(feature.argument) for feature in features if feature.growing]
    harms = (offer.signal.harm for name in names for offer in environment.signals.get(name, ()))
    return next((harm for harm in harms if harm in HARMS), None)


def draft_policy(text: str, name: str, queries: Collection[RowQuery]) -> str:
    """A policy file with the query as a rule in shadow mode. What only people can say is left to be written."""
    types = ", ".join(sorted(query.content_type.name for query in queries))
    harm = next((query.harm for query in queries if query.harm is not None), _NO_HARM)
    when = " ".join(text.split("\n")).strip()
    block = f">-\n      {when}" if when.isprintable() else json.dumps(when)  # any text is a quoted scalar
    return _DRAFT.format(name=name, types=types, harm=harm, when=block)


_DRAFT: Final = """\
policy: {name}
title: {name}
owner: policy-team
applies_to: [{types}]
harm: {harm}
definition: >-
  Say what is not allowed, in words that reviewers and authors understand.
statement:
  ground: incompatible
  clause: Say which of your rules this breaks
rules:
  - id: found
    mode: shadow
    when: {when}
    do: [review(queue="{name}")]
"""
