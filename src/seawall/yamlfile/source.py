"""Positions in source files, and problems rendered for the user who must fix them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_LONGEST_NAME = 200  # characters


@dataclass(frozen=True, slots=True)
class SourceSpan:
    """A range of a source: character offsets, ``start`` included, ``end`` excluded."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The text of one file and its display name."""

    text: str
    path: str
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        starts = [0, *(i + 1 for i, character in enumerate(self.text) if character == "\n")]
        object.__setattr__(self, "_starts", tuple(starts))

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1."""
        line = bisect_right(self._starts, offset) - 1
        return line + 1, offset - self._starts[line] + 1

    def line(self, number: int) -> str:
        """One line's text, without its end."""
        start = self._starts[number - 1]
        end = self._starts[number] - 1 if number < len(self._starts) else len(self.text)
        return self.text[start:end].rstrip("\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One error: position, expectation, similar names and remedy. ``line`` 0: not in a file."""

    message: str
    path: str
    line: int = 0
    column: int = 0
    excerpt: str = ""
    width: int = 1
    expected: str | None = None
    nearest: tuple[str, ...] = ()
    remedy: str | None = None

    def render(self) -> str:
        """The problem as a compiler would print it."""
        lines = [f"{self.path}:{self.line}:{self.column}: {self.message}" if self.line else self._headline()]
        if self.line:
            gutter = f"{self.line:>5} | "
            pad = "".join(c if c == "\t" else " " for c in self.excerpt[: self.column - 1])
            lines += [gutter + self.excerpt, " " * (len(gutter) - 2) + "| " + pad + "^" * self.width]
        if self.expected:
            lines.append(f"  expected: {self.expected}")
        if self.nearest:
            lines.append(f"  nearest: {', '.join(self.nearest)}")
        if self.remedy:
            lines.append(f"  fix: {self.remedy}")
        return "\n".join(lines)

    def _headline(self) -> str:
        return f"{self.path}: {self.message}"


class PolicyErrors(ValueError):
    """Policy or content-type files that cannot be used; carries every problem found."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n\n".join(problem.render() for problem in self.problems))


def nearest(name: str, known: Iterable[str], limit: int = 3, cutoff: float = 0.6) -> tuple[str, ...]:
    """Known names similar to ``name``, nearest first; ``cutoff``: how similar, 0 to 1.

    None is similar to a text that is no name.
    """
    from difflib import get_close_matches  # imported here: only errors need it

    if len(name) > _LONGEST_NAME:
        return ()
    choices = {candidate.lower(): candidate for candidate in known}
    return tuple(choices[match] for match in get_close_matches(name.lower(), choices, limit, cutoff))


def _visible(text: str) -> str:
    """A text with characters that show nothing, or that a terminal would act on, replaced."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each == "\t" else "\ufffd" for each in text)


def problem_at(
    source: SourceFile,
    span: SourceSpan,
    message: str,
    *,
    expected: str | None = None,
    near: Sequence[str] = (),
    remedy: str | None = None,
) -> Problem:
    """A problem at a span; the caret line ends with the span's first line."""
    line, column = source.place(min(span.start, len(source.text)))
    excerpt = _visible(source.line(line))
    width = max(1, min(span.end - span.start, len(excerpt) - column + 1))
    return Problem(
        message=_visible(message),
        path=source.path,
        line=line,
        column=column,
        excerpt=excerpt,
        width=width,
        expected=expected,
        nearest=tuple(near),
        remedy=remedy,
    )
