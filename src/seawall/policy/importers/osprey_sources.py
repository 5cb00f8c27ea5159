"""The statements of files of SML: what each assigns, requires and does. Read with ``ast``, never run."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass, field

from seawall.policy.importers.drafts import ImportRefused


@dataclass(slots=True)
class SmlSources:
    """All statements of all files. A name is assigned once in all files together, or in its own file if it has a ``_``
    in front."""

    names: dict[tuple[str, str], tuple[str, ast.expr]] = field(default_factory=dict)  # scope, name → path, value
    effects: list[tuple[str, ast.Call]] = field(default_factory=list)  # WhenRules
    requires: list[tuple[str, ast.Call]] = field(default_factory=list)
    others: list[tuple[str, ast.stmt]] = field(default_factory=list)

    def find(self, path: str, name: str) -> tuple[str, ast.expr] | None:
        """Path and value of what a name means in a file."""
        return self.names.get(_scoped(path, name))

    def read(self, path: str, text: str) -> None:
        """Read one file. Raises ImportRefused."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # such as of '\\.' in a pattern
                statements = ast.parse(text).body
        except SyntaxError as error:
            raise ImportRefused(f"{path}:{error.lineno or 1}:{error.offset or 1}: not SML: {error.msg}") from None
        except (RecursionError, MemoryError, ValueError):
            raise ImportRefused(f"{path}:1:1: not SML: too deeply nested, or a character that it cannot have") from None
        for statement in statements:
            self._statement(path, statement)

    def _statement(self, path: str, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._assign(path, name, value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self._assign(path, name, value)
            case ast.Expr(value=ast.Call(func=ast.Name(id="Import"))) | ast.Expr(value=ast.Constant()):
                pass  # every file is read; a text alone is a comment
            case ast.Expr(value=ast.Call(func=ast.Name(id="WhenRules")) as call):
                self.effects.append((path, call))
            case ast.Expr(value=ast.Call(func=ast.Name(id="Require")) as call):
                self.requires.append((path, call))
            case _:
                self.others.append((path, statement))

    def _assign(self, path: str, name: str, value: ast.expr) -> None:
        first = self.names.setdefault(_scoped(path, name), (path, value))
        if first[1] is not value:
            raise ImportRefused(
                f"{path}:{value.lineno}:{value.col_offset + 1}: '{name}' is assigned twice, first in "
                f"{first[0]}:{first[1].lineno}; import rules that do not belong together one folder at a time"
            )


def _scoped(path: str, name: str) -> tuple[str, str]:
    return (path if name.startswith("_") else "", name)


def argument(call: ast.Call, *names: str) -> ast.expr | None:
    """A named argument, or the first positional one."""
    for keyword in call.keywords:
        if keyword.arg in names:
            return keyword.value
    return call.args[0] if call.args else None


def named_argument(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def function_of(node: ast.AST) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def elements_of(node: ast.expr | None) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.List) else [] if node is None else [node]


def event_name(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else written(node)


def written(node: ast.AST) -> str:
    """A node on one line, shortened. Deep ones are not written out."""
    try:
        text = " ".join(ast.unparse(node).split())
    except RecursionError:
        return "…"
    return text if len(text) <= 80 else text[:80] + "…"


def required_as(rule: ast.expr | None, path: str) -> list[ast.expr] | None:
    """The conditions under which the ``rule`` of a ``Require`` names a file: those on the names in an f-string."""
    if rule is None:
        return None
    pieces = rule.values if isinstance(rule, ast.JoinedStr) else [rule]
    pattern, names = "(?:.*/)?", []
    for piece in pieces:
        if isinstance(piece, ast.Constant) and isinstance(piece.value, str):
            pattern += re.escape(piece.value)
        elif isinstance(piece, ast.FormattedValue) and isinstance(piece.value, ast.Name):
            pattern += "([^/]*)"
            names.append(piece.value.id)
        else:
            return None
    found = re.fullmatch(pattern, path)
    if found is None:
        return None
    pairs = zip(names, found.groups(), strict=True)
    asked = [ast.Compare(ast.Name(name), [ast.Eq()], [ast.Constant(text)]) for name, text in pairs]
    return [ast.fix_missing_locations(ast.copy_location(each, rule)) for each in asked]
