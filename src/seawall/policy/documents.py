"""Policies as values: prose, rules and tests of one document. Expressions are checked later, in ``check``."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Final

from seawall.policy.syntax import Expression
from seawall.yamlfile.source import SourceFile, SourceSpan

SCREENED: Final = ("expected", "wanted", "skip")
"""What an example asks of the real detectors: the expected result, the same but not fulfilled yet, or nothing."""


@dataclass(frozen=True, slots=True)
class PolicySource:
    """One policy file: its display name and its text."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The ground in a statement of reasons: incompatible with the platform's rules, or illegal under a law."""

    ground: str
    clause: str
    law: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Let:
    """A named subexpression."""

    name: str
    expression: Expression
    span: SourceSpan


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionCall:
    """An action as written in a rule: its kind and the expressions of its parameters."""

    kind: str
    parameters: Mapping[str, ast.expr]
    node: ast.expr
    expression: Expression


ACTING: Final = frozenset({"live", "canary"})
"""Modes in which a rule has effect; in ``canary`` for a share of the accounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule: when the expression ``when`` holds, the actions in ``do`` follow."""

    id: str
    title: str
    mode: str
    when: Expression
    do: tuple[ActionCall, ...]
    applies_to: tuple[str, ...]  # a subset of the policy's
    expires: date | None
    span: SourceSpan  # of the id
    share: float | None = None  # of the accounts that mode canary is for

    @property
    def acts(self) -> bool:
        """Whether it can have effect."""
        return self.mode in ACTING


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A feature value given in an example, with the position of its name. ``value`` is the text as written."""

    name: str
    text: str
    quoted: bool
    expression: Expression
    span: SourceSpan


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A test: an item, some feature values, and the expected result. None: not asserted.

    ``screened``: what is asked of the real detectors, one of ``SCREENED``; ``why_skipped``: why they are not asked.
    """

    name: str
    content_type: str
    fields: Mapping[str, object]
    actor: Mapping[str, object] | None
    language: str | None
    given: tuple[Given, ...]
    verdict: str | None
    actions: tuple[str, ...] | None
    fired: tuple[str, ...] | None
    shadow: tuple[str, ...] | None
    undetermined: tuple[str, ...] | None
    degraded: bool | None
    span: SourceSpan
    screened: str = "expected"
    why_skipped: str = ""


@dataclass(frozen=True, slots=True)
class Overlay:
    """For what a policy adds to the platform's policies.

    ``kind`` surface: everything on the surface ``name``. ``kind`` creator: what stands in the place of a creator who
    switched on the overlay ``name``; several policies may have one name.
    """

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One policy document. ``source`` keeps its text for display."""

    name: str
    title: str
    owner: str
    harm: str
    definition: str
    guidance: str
    statement: Statement
    applies_to: tuple[str, ...]
    lets: tuple[Let, ...]
    rules: tuple[Rule, ...]
    examples: tuple[Example, ...]
    source: SourceFile
    places: Mapping[str, SourceSpan] = field(default_factory=lambda: MappingProxyType({}))  # of listed content types
    overlay: Overlay | None = None  # for whom it adds to the platform's policies; None: it is one of these

    @property
    def layer(self) -> str:
        """``platform``, ``surface private`` or ``creator calm-comments``: who added it, for explanations."""
        return "platform" if self.overlay is None else str(self.overlay)

    @property
    def creators_overlay(self) -> str | None:
        """The overlay that it belongs to, if creators switch it on; None: it holds for everybody."""
        return self.overlay.name if self.overlay is not None and self.overlay.kind == "creator" else None

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of that id, or None."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)
