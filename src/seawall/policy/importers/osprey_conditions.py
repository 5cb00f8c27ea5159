"""Conditions of SML in the policy language.

In SML an expression fails where something it reads is missing; ``==``, ``!=`` and ``in`` compare what failed as None,
``and`` and ``or`` take it for false, and a rule that fails does not fire. Guards on optional fields say the same here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from seawall.model import ContentType
from seawall.policy.importers.drafts import (
    Target,
    Unmappable,
    absent,
    guarded,
    is_text,
    match_field,
    snake,
    text_literal,
)
from seawall.policy.importers.osprey_sources import (
    SmlSources,
    argument,
    elements_of,
    event_name,
    function_of,
    named_argument,
    written,
)

_MAX_DEPTH: Final = 60
_MAX_NODES: Final = 1_000  # of a rule, with the names that it uses written out
_FEATURES: Final = frozenset({"JsonData", "EntityJson", "Entity"})
_EVENT_NAMES: Final = frozenset({"action_name", "event_type", "event_name", "action"})
_SYMBOLS: Final[Mapping[type[ast.AST], str]] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%",
}  # fmt: skip


def is_event(sources: SmlSources, target: Target, path: str, node: ast.expr) -> bool:
    """Whether a condition asks for the kind of event, which is the content type here."""
    if not (isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.left, ast.Name)):
        return False
    if not isinstance(node.ops[0], ast.Eq | ast.In):
        return False
    name = node.left.id
    assigned = sources.find(path, name)
    return name not in target.names and (
        snake(name) in _EVENT_NAMES or (assigned is not None and function_of(assigned[1]) == "GetActionName")
    )


def _is_of(target: Target, node: ast.Compare, content_type: ContentType) -> bool:
    """Whether a content type stands for an event that a condition asks for. Raises Unmappable."""
    found = False
    for event in elements_of(node.comparators[0]):
        shown = event_name(event)
        known = target.event(shown)
        if known is None:
            raise Unmappable(f"no content type stands for event '{shown}'", f"name it: --event {shown}=comment")
        found = found or known == content_type.name
    return found


@dataclass(frozen=True, slots=True)
class Term:
    """An expression, with the fields of which it fails where one is missing (``needs``), or is None (``nones``)."""

    text: str
    needs: frozenset[str] = frozenset()
    nones: frozenset[str] = frozenset()

    @property
    def reads(self) -> frozenset[str]:
        """All fields that may be missing."""
        return self.needs | self.nones


@dataclass(slots=True)
class Translation:
    """Conditions of one rule in one content type. ``at``: the rule's node at hand; ``path``: the file of any node."""

    sources: SmlSources
    target: Target
    content_type: ContentType
    path: str
    at: ast.expr | None = None
    _open: list[str] = field(default_factory=list)  # names being expanded
    _depth: int = 0
    _size: int = 0

    def condition(self, node: ast.expr) -> Term:
        """A node as an expression of the language. Raises Unmappable."""
        before = self.at
        if not self._open:
            self.at = node
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise Unmappable("it is nested too deeply")
        self._size += 1
        if self._size > _MAX_NODES:
            raise Unmappable("it is too large when the names that it uses are written out")
        term = self._term(node)
        self._depth -= 1
        self.at = before
        return term

    def conditions(self, nodes: Iterable[tuple[str, ast.expr]]) -> list[Term]:
        """The conditions of the rule itself, without those on the kind of event. Raises Unmappable."""
        return [self.condition(each) for path, each in nodes if not is_event(self.sources, self.target, path, each)]

    def required(self, ways: list[list[tuple[str, ast.expr]]]) -> list[Term]:
        """The conditions under which the rule's file is read. Raises Unmappable."""
        if len(ways) == 1:
            asked = [(path, each) for path, each in ways[0] if not is_event(self.sources, self.target, path, each)]
            return [self._elsewhere("Require", path, each) for path, each in asked]
        told = [self._held(self.all_of([self._elsewhere("Require", path, each) for path, each in way])) for way in ways]
        return [Term("(" + " or ".join(told) + ")")] if told else []

    def all_of(self, terms: list[Term]) -> Term:
        """What ``when_all`` says: it fails where one of the conditions does."""
        text = " and ".join(self._nested(each.text, each.nones) for each in terms)
        return Term(text, frozenset().union(*(each.needs for each in terms)))

    def _elsewhere(self, name: str, path: str, node: ast.expr) -> Term:
        """A node that stands outside of the rule: errors name the rule's place. Raises Unmappable."""
        before, self.path = self.path, path
        self._open.append(name)
        try:
            return self.condition(node)
        finally:
            self._open.pop()
            self.path = before

    def _nested(self, text: str, needed: Iterable[str]) -> str:
        shown = guarded(self.content_type, text, needed)
        return text if shown == text else f"({shown})"

    def _held(self, term: Term) -> str:
        """A condition that is false where the term fails or is None."""
        return self._nested(term.text, term.reads)

    def _term(self, node: ast.expr) -> Term:
        match node:
            case ast.Constant(value=str() as value):
                return Term(text_literal(value))
            case ast.Constant(value=bool() | int() | float() as value):
                return Term(repr(value))
            case ast.Name():
                return self._name(node)
            case ast.BoolOp():
                word = " and " if isinstance(node.op, ast.And) else " or "
                return Term("(" + word.join(self._held(self.condition(each)) for each in node.values) + ")")
            case ast.UnaryOp(op=ast.Not()):
                operand = self.condition(node.operand)
                return Term(f"not ({self._nested(operand.text, operand.nones)})", operand.needs)
            case ast.UnaryOp(op=ast.USub()):
                operand = self._operand(node.operand)
                return Term(f"-{operand.text}", operand.reads)
            case ast.BinOp() if type(node.op) in _SYMBOLS:
                left, right = self._operand(node.left), self._operand(node.right)
                return Term(f"({left.text} {_SYMBOLS[type(node.op)]} {right.text})", left.reads | right.reads)
            case ast.Compare() if is_event(self.sources, self.target, self.path, node):
                return Term(repr(_is_of(self.target, node, self.content_type)))
            case ast.Compare(ops=[operator], comparators=[right_node]):
                return self._compare(node, node.left, operator, right_node)
            case ast.List():
                return self._list([self.condition(each) for each in node.elts])
            case ast.Call():
                return self._call(node)
        raise Unmappable(f"'{written(node)}' has no counterpart in the policy language")

    def _list(self, elements: list[Term]) -> Term:
        text = ", ".join(each.text for each in elements)
        return Term(f"[{text}]", frozenset().union(*(each.reads for each in elements)))

    # -- comparisons ---------------------------------------------------------------------------------------------

    def _compare(self, node: ast.expr, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> Term:
        for one, other in ((left, right), (right, left)):
            if isinstance(other, ast.Constant) and other.value is None and isinstance(operator, ast.Eq | ast.NotEq):
                reference = self.condition(one).text
                if not reference.startswith(("item.", "actor.")):
                    raise Unmappable("None can only be compared with a field")
                return Term(f"{reference} is{' not' if isinstance(operator, ast.NotEq) else ''} None")
        negated = isinstance(operator, ast.NotEq | ast.NotIn)
        match operator:
            case ast.In() | ast.NotIn() if isinstance(self._meaning(right), ast.List):
                return self._element(self._operand(left), self.condition(right), negated)
            case ast.In() | ast.NotIn():
                return self._substring(left, self.condition(right), negated)
            case ast.Eq() | ast.NotEq():
                return self._equal(self._operand(left), self._operand(right), negated)
        symbol = _SYMBOLS.get(type(operator))
        if symbol is None:
            raise Unmappable(f"'{written(node)}' has no counterpart in the policy language")
        first, second = self._operand(left), self._operand(right)
        text = self._nested(f"{first.text} {symbol} {second.text}", first.nones | second.nones)
        return Term(text, first.needs | second.needs)

    def _operand(self, node: ast.expr) -> Term:
        """What is compared or counted: conditions in brackets, or they would be read as a chain of comparisons."""
        term = self.condition(node)
        try:
            parsed = ast.parse(term.text, mode="eval").body
        except (SyntaxError, RecursionError, MemoryError):
            raise Unmappable(
                f"{term.text[:80]} cannot be compared: it is no expression, or nested too deeply"
            ) from None
        if isinstance(parsed, ast.Compare | ast.BoolOp | ast.UnaryOp):
            return Term(f"({term.text})", term.needs, term.nones)
        return term

    def _equal(self, left: Term, right: Term, negated: bool) -> Term:
        """``==`` and ``!=`` compare what is missing as None, which equals nothing but what is missing, too."""
        no_left, no_right = absent(self.content_type, left.reads), absent(self.content_type, right.reads)
        same = self._nested(f"{left.text} == {right.text}", left.reads | right.reads)
        if no_left and no_right:
            same = f"({same} or ({no_left}) and ({no_right}))"
            return Term(f"not {same}" if negated else same)
        return self._unless(no_left or no_right, f"{left.text} != {right.text}") if negated else Term(same)

    def _element(self, left: Term, right: Term, negated: bool) -> Term:
        """An entry of a list; what is missing is none."""
        if negated:
            told = self._unless(absent(self.content_type, left.reads), f"{left.text} not in {right.text}")
            return Term(told.text, right.reads)
        return Term(self._nested(f"{left.text} in {right.text}", left.reads), right.reads)

    def _substring(self, left: ast.expr, where: Term, negated: bool) -> Term:
        """``'x' in Text``: a part of the text, not a word; or an entry of a list."""
        if not (isinstance(left, ast.Constant) and isinstance(left.value, str)):
            raise Unmappable("only a constant text can be looked for in a text or list")
        bare = where.text.removeprefix("lower(").removesuffix(")")
        if bare == where.text and not is_text(self.content_type, bare):
            found = f"{text_literal(left.value)} in {where.text}"
        else:
            found = f"matches({where.text}, {text_literal(re.escape(left.value))})"
        if negated:
            return Term(self._unless(absent(self.content_type, where.nones), f"not ({found})").text, where.needs)
        return Term(self._nested(found, where.nones), where.needs)

    def _unless(self, missing: str, told: str) -> Term:
        return Term(f"({missing} or {told})" if missing else told)

    # -- names ---------------------------------------------------------------------------------------------------

    def _name(self, node: ast.Name) -> Term:
        name = node.id
        own = self.target.names.get(name)
        if own is not None:
            return Term(own, frozenset({own}) if own.startswith(("item.", "actor.")) else frozenset())
        if name in self._open:
            raise Unmappable(f"'{name}' is defined by itself")
        assigned = self.sources.find(self.path, name)
        if assigned is None:
            raise Unmappable(f"'{name}' is not defined in the files", "import the whole folder")
        path, value = assigned
        if isinstance(value, ast.Call) and function_of(value) in _FEATURES:
            return self._feature(name, value)
        if isinstance(value, ast.Call) and function_of(value) == "Rule":
            conjuncts = elements_of(argument(value, "when_all"))
            told = self.all_of([self._elsewhere(name, path, each) for each in conjuncts])
            return Term(f"({told.text or 'True'})", told.needs)
        return self._elsewhere(name, path, value)

    def _feature(self, name: str, value: ast.Call) -> Term:
        path, required = named_argument(value, "path"), named_argument(value, "required")
        shown = str(path.value) if isinstance(path, ast.Constant) else ""
        reference = match_field(self.content_type, shown, name, owners=self.target.owners)
        if reference is None:
            remedy = f"add the field to {self.content_type.name}, or name one: --map {name}=item.NAME"
            raise Unmappable(f"no field of {self.content_type.name} stands for {name} ({shown})", remedy)
        if isinstance(required, ast.Constant) and required.value is False:
            return Term(reference, nones=frozenset({reference}))
        return Term(reference, frozenset({reference}))

    # -- functions -----------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call) -> Term:
        translate = {
            "RegexMatch": self._regex,
            "CountRegexMatches": self._regexes,
            "TextContains": self._contains,
            "StringToLower": self._lower,
            "StringLength": self._length,
            "ListLength": self._length,
        }.get(function_of(node))
        if translate is not None:
            return translate(node)
        if function_of(node) in ("HasLabel", "HasAtomicLabel"):
            raise Unmappable("rules cannot read tags of an account")
        raise Unmappable(f"the function {function_of(node) or written(node)} has no counterpart")

    def _argument(self, node: ast.Call, *names: str) -> Term:
        found = argument(node, *names)
        if found is None:
            raise Unmappable(f"{function_of(node)} has no argument {names[0]}")
        return self.condition(found)

    def _constant(self, node: ast.Call, name: str) -> ast.expr | None:
        found = named_argument(node, name)
        return None if found is None else self._meaning(found)

    def _meaning(self, node: ast.expr) -> ast.expr:
        """The node itself, or what a name stands for."""
        assigned = self.sources.find(self.path, node.id) if isinstance(node, ast.Name) else None
        return assigned[1] if assigned else node

    def _text(self, node: ast.Call, name: str) -> str:
        found = self._constant(node, name)
        if not isinstance(found, ast.Constant) or not isinstance(found.value, str):
            raise Unmappable(f"{name} is not a constant text")
        return found.value

    def _flag(self, node: ast.Call, name: str) -> bool:
        found = self._constant(node, name)
        if found is None:
            return False
        if not isinstance(found, ast.Constant) or not isinstance(found.value, bool):
            raise Unmappable(f"{name} is neither True nor False")
        return found.value

    def _regex(self, node: ast.Call) -> Term:
        where = self._argument(node, "target")
        return Term(self._search(node, where, self._text(node, "pattern")), where.reads)

    def _regexes(self, node: ast.Call) -> Term:
        """How many of some patterns are found, each counted once."""
        where, patterns = self._argument(node, "target"), self._constant(node, "patterns")
        if not isinstance(patterns, ast.List) or not patterns.elts:
            raise Unmappable("patterns is not a constant list of texts")
        found = []
        for each in patterns.elts:
            if not isinstance(each, ast.Constant) or not isinstance(each.value, str):
                raise Unmappable("patterns is not a constant list of texts")
            found.append(f"(1 if {self._search(node, where, each.value)} else 0)")
        return Term("(" + " + ".join(found) + ")", where.reads)

    def _search(self, node: ast.Call, where: Term, pattern: str) -> str:
        ignoring = "(?i)" if self._flag(node, "case_insensitive") else ""
        return f"matches({where.text}, {text_literal(ignoring + pattern)})"

    def _contains(self, node: ast.Call) -> Term:
        where = self._argument(node, "text")
        phrase = self._text(node, "phrase")
        if self._flag(node, "case_sensitive"):
            pattern = rf"\b{re.escape(phrase)}\b"
            return Term(f"matches({where.text}, {text_literal(pattern)})", where.reads)
        return Term(f"contains({where.text}, {text_literal(phrase)})", where.reads)

    def _lower(self, node: ast.Call) -> Term:
        where = self._argument(node, "s")
        return Term(f"lower({where.text})", where.reads)

    def _length(self, node: ast.Call) -> Term:
        where = self._argument(node, "s", "list")
        return Term(f"length({where.text})", where.reads)
