"""Reader that converts YAML nodes into values and collects every problem found."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from seawall.model.durations import FORM, parse_duration
from seawall.yamlfile.nodes import Mapping, Node, Scalar, Sequence
from seawall.yamlfile.source import Problem, SourceFile, SourceSpan, nearest, problem_at

MOST_PROBLEMS = 50
"""Problems reported of one file: nobody reads more, and finding names that are near costs time."""

_MOST_NAMES = 1_000  # entries of a list of names
_BOOLEANS = {"true": True, "false": False}


@dataclass(slots=True)
class Reader:
    """One file being read. Each method returns a value, or None after adding a problem."""

    source: SourceFile
    problems: list[Problem] = field(default_factory=list)

    def refuse(
        self,
        span: SourceSpan,
        message: str,
        *,
        expected: str | None = None,
        near: Iterable[str] = (),
        remedy: str | None = None,
    ) -> None:
        """Add a problem; beyond fifty, only that there are more."""
        if self.full:
            return
        if len(self.problems) == MOST_PROBLEMS - 1:
            message, expected, near, remedy = "this and more is wrong below", None, (), "mend what stands above first"
        near = tuple(near)
        self.problems.append(problem_at(self.source, span, message, expected=expected, near=near, remedy=remedy))

    @property
    def full(self) -> bool:
        """Whether so much is wrong that no more is said."""
        return len(self.problems) >= MOST_PROBLEMS

    def keys(self, node: Mapping, what: str, allowed: Collection[str], required: Iterable[str] = ()) -> None:
        """Add problems for unknown keys and for missing required ones."""
        for name, key in node.keys.items():
            if self.full:
                return
            if name not in allowed:
                self.refuse(
                    key.span,
                    f"{what} has no key '{name}'",
                    expected="one of " + ", ".join(allowed),
                    near=nearest(name, allowed),
                )
        for name in required:
            if name not in node.values:
                self.refuse(self.head(node), f"{what} has no '{name}'", remedy=f"add '{name}: …'")

    def head(self, node: Mapping) -> SourceSpan:
        """The span by which errors refer to a mapping: its first key."""
        return next(iter(node.keys.values())).span if node.keys else node.span

    def mapping(self, node: Node, what: str) -> Mapping | None:
        """A mapping's keys and values."""
        if isinstance(node, Mapping):
            return node
        self.refuse(node.span, f"{what} must be a mapping", expected="keys and values")
        return None

    def sequence(self, node: Node, what: str) -> tuple[Node, ...]:
        """A list's entries; empty after a problem."""
        if isinstance(node, Sequence):
            return node.items
        self.refuse(node.span, f"{what} must be a list", expected="a list such as [a, b]")
        return ()

    def text(self, node: Node, what: str) -> str | None:
        """A non-empty string."""
        if isinstance(node, Scalar) and not node.is_null and node.text.strip():
            return node.text
        self.refuse(node.span, f"{what} must be a string", expected="a non-empty string")
        return None

    def name(self, node: Node, what: str, extra: str = "-_") -> str | None:
        """A short name: lower-case letters, digits and the extra characters."""
        value = self.text(node, what)
        if value is None:
            return None
        bare = value
        for mark in extra:
            bare = bare.replace(mark, "")
        if bare.isascii() and bare.isalnum() and bare == bare.lower() and value[0].isalpha() and len(value) <= 64:
            return value
        marks = " and ".join(f"'{mark}'" for mark in extra)
        self.refuse(
            node.span,
            f"'{value[:64]}' cannot be {what}",
            expected=f"at most 64 lower-case letters, digits, {marks}, starting with a letter",
        )
        return None

    def choice(self, node: Node, what: str, allowed: Collection[str]) -> str | None:
        """One of the allowed words."""
        value = self.text(node, what)
        if value is None or value in allowed:
            return value
        self.refuse(
            node.span,
            f"unknown {what} '{value}'",
            expected="one of " + ", ".join(allowed),
            near=nearest(value, allowed),
        )
        return None

    def integer(self, node: Node, what: str, least: int = 1, most: int = 1_000_000_000) -> int | None:
        """A whole number within bounds."""
        if isinstance(node, Scalar):
            digits = node.text.replace("_", "")
            if digits.isascii() and digits.isdigit() and len(digits) <= 12 and least <= int(digits) <= most:
                return int(digits)
        self.refuse(node.span, f"{what} must be a whole number", expected=f"a number from {least} to {most:,}")
        return None

    def boolean(self, node: Node, what: str) -> bool | None:
        """A boolean."""
        if isinstance(node, Scalar) and node.text.lower() in _BOOLEANS:
            return _BOOLEANS[node.text.lower()]
        self.refuse(node.span, f"{what} must be true or false", expected="true or false")
        return None

    def duration(self, node: Node, what: str) -> float | None:
        """A duration in seconds."""
        seconds = parse_duration(node.text) if isinstance(node, Scalar) else None
        if seconds is None:
            self.refuse(node.span, f"{what} must be a duration", expected=FORM)
        return seconds

    def names(self, node: Node, what: str) -> list[tuple[str, SourceSpan]]:
        """A list of distinct strings with their spans."""
        found: dict[str, SourceSpan] = {}
        entries = self.sequence(node, what)
        if len(entries) > _MOST_NAMES:
            self.refuse(node.span, f"{what} has {len(entries):,} entries", expected=f"at most {_MOST_NAMES:,}")
            return []
        for entry in entries:
            value = self.text(entry, f"an entry of {what}")
            if value is not None and value in found:
                self.refuse(entry.span, f"'{value}' is listed twice in {what}", remedy="keep one of them")
            elif value is not None:
                found[value] = entry.span
        return list(found.items())
