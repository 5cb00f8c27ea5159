"""Importer for Osprey's rule language SML: assignments of features and rules, and ``WhenRules`` with their effects.

SML is a subset of Python's grammar, read with ``ast`` and never run. In SML a rule fails where something it reads is
missing, so each optional field becomes a guard of the whole rule.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from seawall.model import ContentType
from seawall.policy.importers.drafts import (
    MAX_CHARACTERS,
    QUEUE,
    DraftRule,
    ImportedPolicies,
    ImportRefused,
    ImportRemark,
    PolicyDraft,
    Target,
    Unmappable,
    finish,
    guarded,
    is_text,
    match_field,
    slug,
    snake,
    text_literal,
)

_MAX_DEPTH: Final = 60
_MAX_NODES: Final = 1_000  # of a rule, with the names that it uses written out
_FEATURES: Final = frozenset({"JsonData", "EntityJson", "Entity"})
_EVENT_NAMES: Final = frozenset({"action_name", "event_type", "event_name", "action"})
_ACCOUNT_WORDS: Final = frozenset({"user", "account", "author", "actor", "pubkey", "did", "member", "sender"})
_SYMBOLS: Final[Mapping[type[ast.AST], str]] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%",
}  # fmt: skip
_VERDICTS: Final = {
    "remove": ("remove",), "reject": ("remove",), "block": ("remove",), "ban": ("remove",), "delete": ("remove",),
    "hold": ("hold",), "quarantine": ("hold",), "restrict": ("age_restrict",), "demote": ("demote",),
    "review": (f'review(queue="{QUEUE}")',), "flag": (f'review(queue="{QUEUE}")',),
    "flag_for_review": (f'review(queue="{QUEUE}")',), "rate_limit": ("limit",), "limit": ("limit",),
}  # fmt: skip
_UNITS: Final = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def import_osprey(files: Mapping[str, str], target: Target) -> ImportedPolicies:
    """Policies of SML files by path, one for each file with rules. Raises ImportRefused."""
    target.find(target.content_type)
    if sum(map(len, files.values())) > MAX_CHARACTERS:
        raise ImportRefused(f"the files have more than {MAX_CHARACTERS:,} characters; import them in parts")
    sources = _Sources()
    for path, text in sorted(files.items()):
        sources.read(path, text)
    return _Import(sources, target).run()


@dataclass(slots=True)
class _Sources:
    """All statements of all files. A name is assigned once, in all files together."""

    names: dict[str, tuple[str, ast.expr]] = field(default_factory=dict)  # name → path, value
    effects: list[tuple[str, ast.Call]] = field(default_factory=list)  # WhenRules
    requires: list[tuple[str, ast.Call]] = field(default_factory=list)
    others: list[tuple[str, ast.stmt]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def read(self, path: str, text: str) -> None:
        """Read one file. Raises ImportRefused."""
        self.paths.append(path)
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
                self.names.setdefault(name, (path, value))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self.names.setdefault(name, (path, value))
            case ast.Expr(value=ast.Call(func=ast.Name(id="Import"))) | ast.Expr(value=ast.Constant()):
                pass  # every file is read; a text alone is a comment
            case ast.Expr(value=ast.Call(func=ast.Name(id="WhenRules")) as call):
                self.effects.append((path, call))
            case ast.Expr(value=ast.Call(func=ast.Name(id="Require")) as call):
                self.requires.append((path, call))
            case _:
                self.others.append((path, statement))


def _keyword(call: ast.Call, *names: str) -> ast.expr | None:
    """A named argument, or the first positional one."""
    for keyword in call.keywords:
        if keyword.arg in names:
            return keyword.value
    return call.args[0] if call.args else None


def _named(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _function(node: ast.AST) -> str:
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _elements(node: ast.expr | None) -> list[ast.expr]:
    return node.elts if isinstance(node, ast.List) else [] if node is None else [node]


def _shown(node: ast.AST) -> str:
    """A node on one line, shortened. Deep ones are not written out."""
    try:
        text = " ".join(ast.unparse(node).split())
    except RecursionError:
        return "…"
    return text if len(text) <= 80 else text[:80] + "…"


@dataclass(slots=True)
class _Import:
    """One import: features are mapped, rules become drafts, everything else a remark."""

    sources: _Sources
    target: Target
    remarks: list[ImportRemark] = field(default_factory=list)

    def run(self) -> ImportedPolicies:
        actions = self._actions()
        for path, statement in self.sources.others:
            self._lost(path, statement, _shown(statement), "it is no assignment, Rule or WhenRules")
        drafts: dict[str, PolicyDraft] = {}
        for name, (path, value) in self.sources.names.items():
            if _function(value) != "Rule":
                continue
            draft = drafts.setdefault(path, self._draft(path))
            rule = self._rule(name, path, value, actions.get(name, []))
            if rule is None:
                draft.lost.append(f"{name} ({path}:{value.lineno})")
            else:
                draft.rules.append(rule)
        return finish(drafts.values(), self.target, self.remarks)

    def _draft(self, path: str) -> PolicyDraft:
        stem = PurePosixPath(path).stem
        return PolicyDraft(slug(stem, "rules"), stem.replace("_", " ").capitalize(), f"Osprey, {path}")

    def _lost(self, path: str, node: ast.AST, what: str, why: str, remedy: str = "", imported: bool = False) -> None:
        line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1
        self.remarks.append(
            ImportRemark(place=f"{path}:{line}:{column}", what=what, why=why, remedy=remedy, imported=imported)
        )

    # -- rules ---------------------------------------------------------------------------------------------------

    def _rule(self, name: str, path: str, value: ast.expr, actions: list[str]) -> DraftRule | None:
        assert isinstance(value, ast.Call)
        conjuncts, required = _elements(_keyword(value, "when_all")), self._required(path)
        types = self._types(name, path, value, [*conjuncts, *required])
        conditions = {}
        for content_type in types:
            translation = _Translation(self, content_type)
            try:
                parts = [translation.condition(each) for each in conjuncts if not self.is_event(each)]
                parts += [translation.elsewhere("Require", each) for each in required if not self.is_event(each)]
            except Unmappable as unmappable:
                node = translation.at or value
                self._lost(path, node, f"rule {name}", unmappable.why, unmappable.remedy)
                return None
            if not parts:
                self._lost(path, value, f"rule {name}", "it has no condition but the kind of event, so it fires on all")
                return None
            condition = " and ".join(parts)
            conditions[content_type.name] = guarded(content_type, condition, translation.references)
            for note in translation.notes:
                self._lost(path, value, f"rule {name}", note, imported=True)
        if not conditions:
            return None
        if not actions:
            why = "no effect of it could be imported, so it asks for a review"
            self._lost(path, value, f"rule {name}", why, imported=True)
        title = _named(value, "description")
        return DraftRule(
            id=slug(name, "rule"),
            title=title.value
            if isinstance(title, ast.Constant) and isinstance(title.value, str) and title.value.strip()
            else snake(name).replace("_", " ").capitalize(),
            place=f"{path}:{value.lineno}",
            conditions=conditions,
            actions=actions or [f'review(queue="{QUEUE}")'],
        )

    def _types(self, name: str, path: str, value: ast.expr, conjuncts: Iterable[ast.expr]) -> list[ContentType]:
        """The content types of a rule: those of the events it asks for, or the one that was named."""
        chosen: list[ContentType] | None = None
        for each in conjuncts:
            if not self.is_event(each):
                continue
            assert isinstance(each, ast.Compare)
            found = []
            for event in _elements(each.comparators[0]):
                shown = str(event.value) if isinstance(event, ast.Constant) else _shown(event)
                known = self.target.event(shown)
                if known is None:
                    remedy = f"name its content type: --event {shown}=comment"
                    self._lost(path, each, f"rule {name}", f"no content type stands for event '{shown}'", remedy)
                else:
                    found.append(self.target.find(known))
            chosen = found if chosen is None else [one for one in chosen if one in found]
        return (
            [self.target.find(self.target.content_type)]
            if chosen is None
            else list({x.name: x for x in chosen}.values())
        )

    def is_event(self, node: ast.expr) -> bool:
        """Whether a condition asks for the kind of event, which is the content type here."""
        if not (isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.left, ast.Name)):
            return False
        if not isinstance(node.ops[0], ast.Eq | ast.In):
            return False
        name = node.left.id
        assigned = self.sources.names.get(name)
        return name not in self.target.names and (
            snake(name) in _EVENT_NAMES or (assigned is not None and _function(assigned[1]) == "GetActionName")
        )

    def is_of(self, node: ast.Compare, content_type: ContentType) -> bool:
        """Whether a content type stands for an event that a condition asks for. Raises Unmappable."""
        found = False
        for event in _elements(node.comparators[0]):
            shown = str(event.value) if isinstance(event, ast.Constant) else _shown(event)
            known = self.target.event(shown)
            if known is None:
                raise Unmappable(f"no content type stands for event '{shown}'", f"name it: --event {shown}=comment")
            found = found or known == content_type.name
        return found

    def _required(self, path: str, seen: frozenset[str] = frozenset()) -> list[ast.expr]:
        """The conditions under which a file is read at all, from those that require it."""
        ways: list[list[ast.expr]] = []
        for origin, call in self.sources.requires:
            rule = _keyword(call, "rule")
            literal = isinstance(rule, ast.Constant) and isinstance(rule.value, str)
            if not literal or not (path == rule.value or path.endswith(f"/{rule.value}")) or origin in seen:  # type: ignore[union-attr]
                continue
            condition = _named(call, "require_if")
            ways.append([*self._required(origin, seen | {path}), *([condition] if condition is not None else [])])
        if not ways or any(not way for way in ways):
            return []
        alternatives = [way[0] if len(way) == 1 else ast.BoolOp(ast.And(), way) for way in ways]
        if len(alternatives) == 1:
            return ways[0]
        return [ast.copy_location(ast.BoolOp(ast.Or(), alternatives), alternatives[0])]

    # -- effects -------------------------------------------------------------------------------------------------

    def _actions(self) -> dict[str, list[str]]:
        """Actions by the name of the rule."""
        found: dict[str, list[str]] = {}
        for path, call in self.sources.effects:
            rules = [each for each in _elements(_named(call, "rules_any")) if isinstance(each, ast.Name)]
            if not rules:
                self._lost(path, call, "WhenRules", "it names no rules in rules_any")
                continue
            actions = []
            for effect in _elements(_named(call, "then")):
                try:
                    actions += self._effect(path, effect)
                except Unmappable as unmappable:
                    self._lost(path, effect, f"effect {_shown(effect)}", unmappable.why, unmappable.remedy)
            for rule in rules:
                if _function(self.sources.names.get(rule.id, ("", rule))[1]) != "Rule":
                    self._lost(path, rule, f"effects of {rule.id}", "no Rule of that name is in the files")
                found.setdefault(rule.id, []).extend(actions)
        return found

    def _effect(self, path: str, node: ast.expr) -> list[str]:
        function = _function(node)
        if not isinstance(node, ast.Call) or not function:
            raise Unmappable("it is not a call")
        if function == "DeclareVerdict":
            verdict = _keyword(node, "verdict")
            value = verdict.value if isinstance(verdict, ast.Constant) else None
            if isinstance(value, str) and value.lower() in _VERDICTS:
                return list(_VERDICTS[value.lower()])
            raise Unmappable(f"no action stands for the verdict {value!r}", "a rule can only restrict, never allow")
        if function == "LabelAdd":
            return [self._label(path, node)]
        if function == "LabelRemove":
            raise Unmappable("a rule cannot take a tag away")
        words = set(snake(function).split("_"))
        for action, named in {"suspend": {"ban", "suspend"}, "limit": {"limit", "mute"}, "warn": {"warn"}}.items():
            if words & named and words & _ACCOUNT_WORDS:
                self._lost(path, node, f"effect {function}", f"taken for the action {action}", imported=True)
                return [action]
        raise Unmappable(f"'{function}' is an effect of your own; no action stands for it")

    def _label(self, path: str, node: ast.Call) -> str:
        label = _named(node, "label")
        if not isinstance(label, ast.Constant) or not isinstance(label.value, str):
            raise Unmappable("the label is not a constant")
        entity = _named(node, "entity")
        if not self._is_account(entity):
            raise Unmappable(f"a tag is on the account, and {_shown(entity) if entity else 'nothing'} is none")
        for parameter in ("apply_if", "delay_action_by"):
            if _named(node, parameter) is not None:
                raise Unmappable(f"'{parameter}' has no counterpart, and without it the tag would be set too often")
        after = _named(node, "expires_after")
        if after is None:
            return f"tag(name={text_literal(label.value)})"
        return f"tag(name={text_literal(label.value)}, for={text_literal(_duration(after))})"

    def _is_account(self, entity: ast.expr | None) -> bool:
        if not isinstance(entity, ast.Name):
            return False
        words = set(snake(entity.id).split("_"))
        assigned = self.sources.names.get(entity.id)
        kind = _named(assigned[1], "type") if assigned and isinstance(assigned[1], ast.Call) else None
        if isinstance(kind, ast.Constant):
            words |= set(snake(str(kind.value)).split("_"))
        return bool(words & _ACCOUNT_WORDS)


def _duration(node: ast.expr) -> str:
    """``TimeDelta(hours=1)`` as ``"1h"``. Raises Unmappable."""
    seconds = 0
    if _function(node) == "TimeDelta" and isinstance(node, ast.Call) and not node.args:
        for keyword in node.keywords:
            value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
            if keyword.arg not in _UNITS or type(value) is not int or not 0 < value < 10**6:
                break
            seconds += value * _UNITS[keyword.arg]
        else:
            for unit, letter in (("days", "d"), ("hours", "h"), ("minutes", "m"), ("seconds", "s")):
                if seconds and seconds % _UNITS[unit] == 0:
                    return f"{seconds // _UNITS[unit]}{letter}"
    raise Unmappable(f"{_shown(node)} is not a constant duration")


@dataclass(slots=True)
class _Translation:
    """Conditions of one rule in one content type. ``at``: the node of the rule at hand."""

    importing: _Import
    content_type: ContentType
    references: set[str] = field(default_factory=set)  # fields and attributes read as values
    notes: list[str] = field(default_factory=list)
    at: ast.expr | None = None
    _open: list[str] = field(default_factory=list)  # names being expanded
    _depth: int = 0
    _size: int = 0

    def condition(self, node: ast.expr) -> str:
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
        shown = self._text(node)
        self._depth -= 1
        self.at = before
        return shown

    def elsewhere(self, name: str, node: ast.expr) -> str:
        """A node that stands outside of the rule: errors name the rule's place. Raises Unmappable."""
        self._open.append(name)
        try:
            return self.condition(node)
        finally:
            self._open.pop()

    def _text(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=str() as value):
                return text_literal(value)
            case ast.Constant(value=bool() | int() | float() as value):
                return repr(value)
            case ast.Name():
                return self._name(node)
            case ast.BoolOp():
                word = " and " if isinstance(node.op, ast.And) else " or "
                return "(" + word.join(self.condition(each) for each in node.values) + ")"
            case ast.UnaryOp(op=ast.Not()):
                return f"not ({self.condition(node.operand)})"
            case ast.UnaryOp(op=ast.USub()):
                return f"-{self.condition(node.operand)}"
            case ast.BinOp() if type(node.op) in _SYMBOLS:
                return f"({self.condition(node.left)} {_SYMBOLS[type(node.op)]} {self.condition(node.right)})"
            case ast.Compare() if self.importing.is_event(node):
                return repr(self.importing.is_of(node, self.content_type))
            case ast.Compare(ops=[operator], comparators=[right]):
                return self._compare(node, node.left, operator, right)
            case ast.List():
                return "[" + ", ".join(self.condition(each) for each in node.elts) + "]"
            case ast.Call():
                return self._call(node)
        raise Unmappable(f"'{_shown(node)}' has no counterpart in the policy language")

    def _compare(self, node: ast.expr, left: ast.expr, operator: ast.cmpop, right: ast.expr) -> str:
        for one, other in ((left, right), (right, left)):
            if isinstance(other, ast.Constant) and other.value is None and isinstance(operator, ast.Eq | ast.NotEq):
                reference = self.condition(one)
                if not reference.startswith(("item.", "actor.")):
                    raise Unmappable("None can only be compared with a field")
                self.references.discard(reference)
                return f"{reference} is{' not' if isinstance(operator, ast.NotEq) else ''} None"
        if isinstance(operator, ast.In | ast.NotIn):
            negated = isinstance(operator, ast.NotIn)
            if isinstance(right, ast.List):
                return f"{self.condition(left)} {'not in' if negated else 'in'} {self.condition(right)}"
            return self._substring(left, right, negated)
        symbol = _SYMBOLS.get(type(operator))
        if symbol is None:
            raise Unmappable(f"'{_shown(node)}' has no counterpart in the policy language")
        return f"{self.condition(left)} {symbol} {self.condition(right)}"

    def _substring(self, left: ast.expr, right: ast.expr, negated: bool) -> str:
        """``'x' in Text``: a part of the text, not a word; or an entry of a list."""
        if not (isinstance(left, ast.Constant) and isinstance(left.value, str)):
            raise Unmappable("only a constant text can be looked for in a text or list")
        where = self.condition(right)
        bare = where.removeprefix("lower(").removesuffix(")")
        if bare == where and not is_text(self.content_type, where):
            return f"{text_literal(left.value)} {'not in' if negated else 'in'} {where}"
        found = f"matches({where}, {text_literal(re.escape(left.value))})"
        return f"not {found}" if negated else found

    def _name(self, node: ast.Name) -> str:
        name = node.id
        own = self.importing.target.names.get(name)
        if own is not None:
            if own.startswith(("item.", "actor.")):
                self.references.add(own)
            return own
        if name in self._open:
            raise Unmappable(f"'{name}' is defined by itself")
        assigned = self.importing.sources.names.get(name)
        if assigned is None:
            raise Unmappable(f"'{name}' is not defined in the files", "import the whole folder")
        value = assigned[1]
        if _function(value) in _FEATURES:
            assert isinstance(value, ast.Call)
            return self._feature(node, name, value)
        if _function(value) == "Rule":
            assert isinstance(value, ast.Call)
            conjuncts = _elements(_keyword(value, "when_all"))
            return "(" + " and ".join(self.elsewhere(name, each) for each in conjuncts) + ")"
        return self.elsewhere(name, value)

    def _feature(self, node: ast.Name, name: str, value: ast.Call) -> str:
        path = _named(value, "path")
        shown = str(path.value) if isinstance(path, ast.Constant) else ""
        reference = match_field(self.content_type, shown, name)
        if reference is None:
            remedy = f"add the field to {self.content_type.name}, or name one: --map {name}=item.NAME"
            raise Unmappable(f"no field of {self.content_type.name} stands for {name} ({shown})", remedy)
        self.references.add(reference)
        return reference

    # -- functions -----------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call) -> str:
        translate = {
            "RegexMatch": self._regex,
            "CountRegexMatches": self._regex,
            "TextContains": self._contains,
            "StringToLower": self._lower,
            "StringLength": self._length,
            "ListLength": self._length,
        }.get(_function(node))
        if translate is not None:
            return translate(node)
        if _function(node) in ("HasLabel", "HasAtomicLabel"):
            raise Unmappable("rules cannot read tags of an account in this version")
        raise Unmappable(f"the function {_function(node) or _shown(node)} has no counterpart")

    def _argument(self, node: ast.Call, *names: str) -> ast.expr:
        found = _keyword(node, *names)
        if found is None:
            raise Unmappable(f"{_function(node)} has no argument {names[0]}")
        return found

    def _constant(self, node: ast.Call, *names: str) -> str:
        found = next((value for each in names if (value := _named(node, each)) is not None), None)
        if not isinstance(found, ast.Constant) or not isinstance(found.value, str):
            raise Unmappable(f"{names[0]} is not a constant text")
        return found.value

    def _is_true(self, node: ast.Call, name: str) -> bool:
        found = _named(node, name)
        return isinstance(found, ast.Constant) and found.value is True

    def _regex(self, node: ast.Call) -> str:
        where = self.condition(self._argument(node, "target", "s", "text"))
        pattern = self._constant(node, "pattern", "regex")
        if self._is_true(node, "case_insensitive"):
            pattern = f"(?i){pattern}"
        function = "matches" if _function(node) == "RegexMatch" else "count_matches"
        return f"{function}({where}, {text_literal(pattern)})"

    def _contains(self, node: ast.Call) -> str:
        where = self.condition(self._argument(node, "text", "target"))
        phrase = self._constant(node, "phrase")
        if self._is_true(node, "case_sensitive"):
            return f"matches({where}, {text_literal(chr(92) + 'b' + re.escape(phrase) + chr(92) + 'b')})"
        return f"contains({where}, {text_literal(phrase)})"

    def _lower(self, node: ast.Call) -> str:
        return f"lower({self.condition(self._argument(node, 's', 'text'))})"

    def _length(self, node: ast.Call) -> str:
        return f"length({self.condition(self._argument(node, 's', 'list', 'text'))})"
