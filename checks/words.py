"""Words that Seawall once used for what the field calls otherwise: none may come back in names, pages or documents."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

INSTEAD = {
    "house": "app, service",
    "room": "component, package",
    "film": "video",
    "picture": "image",
    "deriver": "extractor",
    "derivation": "extraction",
    "debt": "pending rescreen",
    "lane": "detector queue",
    "visit": "request",
    "courier": "delivery client",
    "shelf": "state",
    "opinion": "feedback",
    "keeper": "cache",
    "spared": "skipped",
    "losing": "unknown",
    "bury": "mark dead",
    "raiseup": "requeue",
    "nowhere": "not found",
    "placing": "submission",
    "print": "hash",
    "recording": "audio",
}
"""Old word → the word to use. Names are split into words; plurals count."""

NAMES = frozenset(INSTEAD)
PROSE = frozenset({"house", "film", "deriver", "debt", "lane", "courier"})  # the others are common English in sentences

MODULES = frozenset(
    [
        "alike",
        "answers",
        "asks",
        "bands",
        "branching",
        "colours",
        "columns",
        "configured",
        "configuring",
        "contents",
        "deriving",
        "difference",
        "disguise",
        "films",
        "gating",
        "heads",
        "keeper",
        "lane",
        "late",
        "looks",
        "memory",
        "message",
        "opening",
        "past",
        "pending",
        "pictures",
        "pieces",
        "places",
        "placing",
        "readings",
        "reads",
        "recent",
        "recordings",
        "remembered",
        "replaying",
        "retro",
        "samples",
        "sections",
        "sending",
        "shelf",
        "stall",
        "steps",
        "stored",
        "together",
        "traces",
        "visits",
        "whatif",
        "wire",
        "wording",
    ]
)
"""Module names that say nothing without their docstring."""

ALLOWED = frozenset({"print", "print_", "PrintLoggerFactory", "opinions"})  # of Python, structlog, threatexchange

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_DOCS = ("docs/*.md", "docs/decisions/*.md", "README.md", "CONTRIBUTING.md")


def check(root: Path) -> list[str]:
    """Old words in module names and identifiers of ``src/seawall``, in the console's templates and in documents."""
    source = root / "src" / "seawall"
    problems = []
    for path in sorted(source.rglob("*.py")):
        place = path.relative_to(root).as_posix()
        if path.stem in MODULES:
            problems.append(f"{place}: give the module a name that says what it holds")
        for line, name in (*_identifiers(path), (1, path.stem)):
            if word := old_word(name):
                problems.append(f"{place}:{line}: the name {name}: use {INSTEAD[word]} instead of {word}")
    texts = [*sorted(source.rglob("templates/*.html")), *(path for glob in _DOCS for path in sorted(root.glob(glob)))]
    for path in texts:
        for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if word := old_word_in_prose(text):
                problems.append(f"{path.relative_to(root).as_posix()}:{number}: use {INSTEAD[word]} instead of {word}")
    return problems


def old_word(name: str) -> str | None:
    """The first old word of an identifier, None when there is none."""
    if name in ALLOWED:
        return None
    for part in _WORD.findall(name):
        singular: str = part.lower().removesuffix("s") if part.lower() not in NAMES else part.lower()
        if singular in NAMES:
            return singular
    return None


def old_word_in_prose(line: str) -> str | None:
    """The first old word of a line of text, None when there is none."""
    for part in re.findall(r"[a-z]+", line.lower()):
        singular: str = part if part in PROSE else part.removesuffix("s")
        if singular in PROSE:
            return singular
    return None


def _identifiers(path: Path) -> Iterator[tuple[int, str]]:
    """Every name that a module defines or uses, with its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.lineno, node.name
            case ast.arg():
                yield node.lineno, node.arg
            case ast.Name():
                yield node.lineno, node.id
            case ast.Attribute():
                yield node.lineno, node.attr
