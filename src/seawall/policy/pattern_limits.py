"""How large the patterns of a policy, and of all policies together, may be: told before any of them is compiled.

RE2 writes a repetition out, so a pattern of twenty characters may take it tens of milliseconds, and a file of such
patterns minutes. Sizes are estimated from what is written: ``content.patterns.estimated_size``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Final

from seawall.content.patterns import estimated_size
from seawall.policy.documents import Policy
from seawall.policy.syntax import Expression
from seawall.yamlfile.source import Problem

MOST_OF_POLICY: Final = 1_000_000
"""Instructions of RE2: some 300 words between boundaries, or 6 patterns of the largest size."""
MOST_OF_ALL: Final = 4_000_000
"""Of all policies of a bundle."""

_FUNCTIONS: Final = frozenset({"matches", "count_matches"})
_REMEDY: Final = (
    r"repeat less: {1,99} stands for 99 copies, \w and \b for the letters of every script; "
    'look for words with contains(text, "…")'
)


def check_sizes(policies: Iterable[Policy]) -> tuple[set[str], list[Problem]]:
    """The names of policies whose patterns must not be compiled, and a problem at the first pattern beyond a limit."""
    refused: set[str] = set()
    problems: list[Problem] = []
    of_all = 0
    for policy in policies:
        of_policy = 0
        for expression, node, pattern in _patterns(policy):
            size = estimated_size(pattern)
            of_policy += size
            of_all += size
            if of_policy > MOST_OF_POLICY:
                what = _what(size, of_policy, MOST_OF_POLICY, "the patterns of the policy up to here")
                expected = f"at most {MOST_OF_POLICY:,} in a policy"
            elif of_all > MOST_OF_ALL:
                what = _what(size, of_all, MOST_OF_ALL, "the patterns of all policies up to here")
                expected = f"at most {MOST_OF_ALL:,} in all policies"
            else:
                continue
            refused.add(policy.name)
            problems.append(expression.problem(node, what, expected=expected, remedy=_REMEDY))
            break
    return refused, problems


def _what(size: int, total: int, most: int, together: str) -> str:
    if size > most:
        return f"the pattern cannot be used: it is too large, about {size:,} instructions of RE2"
    return f"{together} are too large: about {total:,} instructions of RE2"


def _patterns(policy: Policy) -> Iterator[tuple[Expression, ast.expr, str]]:
    """Each distinct pattern of a policy, where it stands first."""
    seen: set[str] = set()
    for expression, tree in _expressions(policy):
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id=name), args=[_, ast.Constant(value=str(pattern)) as written, *_]):
                    if name in _FUNCTIONS and pattern not in seen:
                        seen.add(pattern)
                        yield expression, written, pattern


def _expressions(policy: Policy) -> Iterator[tuple[Expression, ast.expr]]:
    for let in policy.lets:
        yield let.expression, let.expression.tree
    for rule in policy.rules:
        yield rule.when, rule.when.tree
        for call in rule.do:
            for node in call.parameters.values():
                yield call.expression, node
    for example in policy.examples:
        for given in example.given:
            yield given.expression, given.expression.tree
