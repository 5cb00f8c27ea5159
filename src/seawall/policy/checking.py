"""What the checker of expressions (``check``) and the checks of single calls (``calls``) share."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, Protocol, TypeVar

from seawall.policy.environment import Environment
from seawall.policy.syntax import InvalidExpression
from seawall.policy.tree import Feature, TypedTerm

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Checked:
    """A term, and what is known not to be None where it is true, and where it is false."""

    term: TypedTerm
    if_true: frozenset[str] = frozenset()
    if_false: frozenset[str] = frozenset()


class CallChecker(Protocol):
    """What the check of a call asks the checker of the expression around it. All raise Refused."""

    @property
    def environment(self) -> Environment:
        """What the expression may name."""

    def check(self, node: ast.expr, known: frozenset[str]) -> Checked:
        """One node, where the keys in ``known`` are known not to be None."""

    def definite(self, node: ast.AST, term: TypedTerm) -> TypedTerm:
        """The term, unless it may be None."""

    def coerce(self, node: ast.AST, term: TypedTerm, other: TypedTerm) -> TypedTerm:
        """A constant text beside a duration as a duration."""

    def ask(self, node: ast.AST, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The environment's answer."""

    def kind_of_signal(self, node: ast.Attribute, signal: str, kind: str) -> Feature:
        """The column of ``signal.kind``."""

    def refused(self, node: ast.AST, message: str, **more: object) -> InvalidExpression:
        """What to raise: the problem with the node's place."""
