"""Every test asserts something: a test that only runs code cannot fail when the code answers wrongly."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
FILES = sorted(TESTS.rglob("test_*.py"))
EXPECTS = {"raises", "warns", "fail"}  # of pytest
Function = ast.FunctionDef | ast.AsyncFunctionDef


def without_assertion(source: str) -> list[str]:
    """Tests that neither assert, nor expect an error, nor call a function or class of the same file that does."""
    tree = ast.parse(source)
    defined = {node.name: node for node in tree.body if isinstance(node, Function | ast.ClassDef)}
    return [node.name for node in _tests(tree) if not _asserts(node, defined, set())]


def _tests(tree: ast.Module) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, Function) and node.name.startswith("test_"):
            yield node


def _asserts(node: ast.AST, defined: dict[str, Function | ast.ClassDef], seen: set[str]) -> bool:
    for part in ast.walk(node):
        if isinstance(part, ast.Assert):
            return True
        if isinstance(part, ast.Call) and _expects(part.func):
            return True
        if isinstance(part, ast.Name) and part.id in defined and part.id not in seen:
            seen.add(part.id)
            if _asserts(defined[part.id], defined, seen):
                return True
    return False


def _expects(called: ast.expr) -> bool:
    """``pytest.raises`` and the like, and helpers whose name promises an assertion."""
    if isinstance(called, ast.Attribute):
        of_pytest = isinstance(called.value, ast.Name) and called.value.id == "pytest" and called.attr in EXPECTS
        return of_pytest or called.attr.startswith(("assert_", "check_"))
    return isinstance(called, ast.Name) and called.id.startswith(("assert_", "check_"))


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(TESTS)) for file in FILES])
def test_every_test_asserts(file: Path) -> None:
    assert without_assertion(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("body", "asserts"),
    [
        ("open_app()", False),
        ("raises(ValueError)", False),
        ("helper()", False),
        ("assert open_app()", True),
        ("with pytest.raises(ValueError): open_app()", True),
        ("house.assert_rebuilds()", True),
        ("check_rows([])", True),
        ("checked()", True),
    ],
)
def test_what_counts_as_an_assertion(body: str, asserts: bool) -> None:
    source = f"def helper(): helper()\ndef checked(): assert 1\ndef test_one():\n    {body}\n"
    assert without_assertion(source) == ([] if asserts else ["test_one"])
