"""What the analysis says: warnings about policies, and findings about one content type that become warnings."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from seawall.policy.documents import Policy, Rule
from seawall.policy.environment import Environment
from seawall.policy.figures import FIGURES
from seawall.policy.reasoning import Reasoner
from seawall.policy.rules import CheckedRule
from seawall.policy.syntax import Expression
from seawall.policy.tree import TypedTerm
from seawall.yamlfile.source import Problem, SourceSpan, problem_at

_LONGEST: Final = 60  # characters of a condition in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyWarning:
    """Something in a policy that works, but hardly as meant. ``problem``: where, what, and the remedy."""

    code: str
    policy: str  # empty: about a content type and all its policies
    rule: str | None
    problem: Problem
    means: str

    def render(self) -> str:
        """The warning as a compiler would print it."""
        shown = replace(self.problem, message=f"warning: {self.problem.message}", expected=None, remedy=None).render()
        return f"{shown}\n  means: {self.means}\n  fix: {self.problem.remedy}"

    def to_json(self) -> dict[str, object]:
        """The warning for programs."""
        return {
            "code": self.code,
            "policy": self.policy,
            "rule": self.rule,
            "file": self.problem.path,
            "line": self.problem.line,
            "column": self.problem.column,
            "message": self.problem.message,
            "means": self.means,
            "fix": self.problem.remedy,
        }


@dataclass(frozen=True, slots=True)
class Place:
    """A node of an expression, in a rule or in a let."""

    rule: str | None
    expression: Expression
    node: ast.AST


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFinding:
    """A warning about one content type; those that several content types have in common become one."""

    code: str
    place: Place
    message: str
    means: str
    remedy: str


@dataclass(slots=True)
class PolicyView:
    """A policy in one content type."""

    policy: Policy
    environment: Environment
    rules: Sequence[CheckedRule]
    terms: Mapping[ast.expr, TypedTerm]
    reasoner: Reasoner
    constant: set[ast.expr] = field(default_factory=set)  # nodes whose value a warning says already

    @property
    def type_name(self) -> str:
        return self.environment.content_type.name


def at_place(
    policy: Policy,
    code: str,
    at: int,
    message: str,
    means: str,
    remedy: str,
    width: int = 1,
    rule: str | None = None,
) -> PolicyWarning:
    """A warning about a place of the file, ``width`` characters wide."""
    problem = problem_at(policy.source, SourceSpan(max(at, 0), max(at, 0) + width), message, remedy=remedy)
    return PolicyWarning(code=code, policy=policy.name, rule=rule, problem=problem, means=means)


def condition_of(view: PolicyView, rule: Rule) -> TypedTerm:
    """The rule's condition without its expiry."""
    return view.terms[rule.when.tree]


def written(expression: Expression, node: ast.expr) -> str:
    """A node as the file writes it, on one line, shortened."""
    shown = " ".join(expression.written(node).split())
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + "…"


def asks_for_figure(node: ast.expr) -> bool:
    """Whether a figure resolves its threshold: it changes with the detector, so a number beside it is a floor."""
    return any(isinstance(each, ast.Name) and each.id in FIGURES for each in ast.walk(node))
