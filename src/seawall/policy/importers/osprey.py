"""Importer for Osprey's rule language SML: assignments of features and rules, and ``WhenRules`` with their effects."""

from __future__ import annotations

import ast
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
    slug,
    snake,
    text_literal,
)
from seawall.policy.importers.osprey_conditions import Translation, is_event
from seawall.policy.importers.osprey_sources import (
    SmlSources,
    argument,
    elements_of,
    event_name,
    function_of,
    named_argument,
    required_as,
    written,
)

_MAX_WAYS: Final = 50  # in which a file is required
_ACCOUNT_WORDS: Final = frozenset({"user", "account", "author", "actor", "pubkey", "did", "member", "sender"})
_REVIEW: Final = f'review(queue="{QUEUE}")'
_VERDICTS: Final = {
    "remove": "remove", "reject": "remove", "block": "remove", "delete": "remove", "hold": "hold", "demote": "demote",
    "review": _REVIEW, "flag": _REVIEW, "flag_for_review": _REVIEW, "limit": "limit",
}  # fmt: skip
_GUESSED_VERDICTS: Final = {"ban": "remove", "quarantine": "hold", "restrict": "age_restrict", "rate_limit": "limit"}
_UNITS: Final = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def import_osprey(files: Mapping[str, str], target: Target) -> ImportedPolicies:
    """Policies of SML files by path, one for each file with rules. Raises ImportRefused."""
    target.find(target.content_type)
    if sum(map(len, files.values())) > MAX_CHARACTERS:
        raise ImportRefused(f"the files have more than {MAX_CHARACTERS:,} characters; import them in parts")
    sources = SmlSources()
    for path, text in sorted(files.items()):
        sources.read(path, text)
    return _Import(sources, target).run()


def _description(rule: ast.Call) -> str:
    """The description of a rule; empty if it has none, or one that is put together when the rule fires."""
    given = named_argument(rule, "description")
    return given.value.strip() if isinstance(given, ast.Constant) and isinstance(given.value, str) else ""


@dataclass(slots=True)
class _Import:
    """One import: features are mapped, rules become drafts, everything else a remark."""

    sources: SmlSources
    target: Target
    remarks: list[ImportRemark] = field(default_factory=list)

    def run(self) -> ImportedPolicies:
        actions = self._actions()
        for path, statement in self.sources.others:
            self._lost(path, statement, written(statement), "it is no assignment, Rule or WhenRules")
        drafts: dict[str, PolicyDraft] = {}
        for (_, name), (path, value) in self.sources.names.items():
            if function_of(value) != "Rule":
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
        conjuncts = [(path, each) for each in elements_of(argument(value, "when_all"))]
        ways = self._required(path)
        types = self._types(name, [*conjuncts, *(ways[0] if len(ways) == 1 else [])])
        if len(ways) > 1 and any(is_event(self.sources, self.target, *each) for way in ways for each in way):
            why = "its file is required under several conditions, and some ask for the kind of event"
            self._lost(path, value, f"rule {name}", why, "ask for the kind of event in the rule itself")
            return None
        conditions = {}
        for content_type in types:
            translation = Translation(self.sources, self.target, content_type, path)
            try:
                terms = translation.conditions(conjuncts) + translation.required(ways)
            except Unmappable as unmappable:
                self._lost(path, translation.at or value, f"rule {name}", unmappable.why, unmappable.remedy)
                return None
            if not terms:
                self._lost(path, value, f"rule {name}", "it has no condition but the kind of event, so it fires on all")
                return None
            together = translation.all_of(terms)
            conditions[content_type.name] = guarded(content_type, together.text, together.needs)
        if not conditions:
            return None
        if not actions:
            why = "no effect of it could be imported, so it asks for a review"
            self._lost(path, value, f"rule {name}", why, imported=True)
        return DraftRule(
            id=slug(name, "rule"),
            title=_description(value) or snake(name).replace("_", " ").capitalize(),
            place=f"{path}:{value.lineno}",
            conditions=conditions,
            actions=actions or [_REVIEW],
        )

    def _types(self, name: str, conjuncts: Iterable[tuple[str, ast.expr]]) -> list[ContentType]:
        """The content types of a rule: those of the events it asks for, or the one that was named."""
        chosen: list[ContentType] | None = None
        for origin, each in conjuncts:
            if not is_event(self.sources, self.target, origin, each):
                continue
            assert isinstance(each, ast.Compare)
            found, unknown = [], []
            for event in elements_of(each.comparators[0]):
                shown = event_name(event)
                known = self.target.event(shown)
                if known is None:
                    unknown.append(shown)
                else:
                    found.append(self.target.find(known))
            for shown in unknown:
                why = f"no content type stands for event '{shown}'"
                remedy = f"name its content type: --event {shown}=comment"
                self._lost(origin, each, f"rule {name}", why, remedy, imported=bool(found))
            chosen = found if chosen is None else [one for one in chosen if one in found]
            if found and not chosen:
                self._lost(origin, each, f"rule {name}", "it asks for two kinds of event at once, so it never fires")
        if chosen is None:
            return [self.target.find(self.target.content_type)]
        return list({each.name: each for each in chosen}.values())

    def _required(self, path: str, seen: frozenset[str] = frozenset()) -> list[list[tuple[str, ast.expr]]]:
        """The ways in which a file comes to be read: for each, its conditions by path. Empty: it always is."""
        ways: list[list[tuple[str, ast.expr]]] = []
        for origin, call in self.sources.requires:
            named = required_as(argument(call, "rule"), path)
            if named is None or origin in seen:
                continue
            condition = named_argument(call, "require_if")
            own = [(origin, each) for each in (*named, *([condition] if condition is not None else []))]
            ways += [[*way, *own] for way in self._required(origin, seen | {path}) or [[]]]
            if len(ways) > _MAX_WAYS:
                raise ImportRefused(f"{path}: it is required in more than {_MAX_WAYS} ways")
        return [] if any(not way for way in ways) else ways

    # -- effects -------------------------------------------------------------------------------------------------

    def _actions(self) -> dict[str, list[str]]:
        """Actions by the name of the rule."""
        found: dict[str, list[str]] = {}
        for path, call in self.sources.effects:
            listed = elements_of(named_argument(call, "rules_any"))
            rules = [each for each in listed if isinstance(each, ast.Name)]
            for each in listed:
                if each not in rules:
                    self._lost(path, each, f"effects of {written(each)}", "rules_any lists the names of rules")
            if not listed:
                self._lost(path, call, "WhenRules", "it names no rules in rules_any")
            actions = []
            for effect in elements_of(named_argument(call, "then")):
                try:
                    actions += self._effect(path, effect)
                except Unmappable as unmappable:
                    self._lost(path, effect, f"effect {written(effect)}", unmappable.why, unmappable.remedy)
            for rule in rules:
                if function_of((self.sources.find(path, rule.id) or ("", rule))[1]) != "Rule":
                    self._lost(path, rule, f"effects of {rule.id}", "no Rule of that name is in the files")
                found.setdefault(rule.id, []).extend(actions)
        return found

    def _effect(self, path: str, node: ast.expr) -> list[str]:
        function = function_of(node)
        if not isinstance(node, ast.Call) or not function:
            raise Unmappable("it is not a call")
        if function == "DeclareVerdict":
            return [self._verdict(path, node)]
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

    def _verdict(self, path: str, node: ast.Call) -> str:
        given = argument(node, "verdict")
        verdict = given.value if isinstance(given, ast.Constant) else None
        named = str(verdict).lower()
        if named in _GUESSED_VERDICTS:
            action = _GUESSED_VERDICTS[named]
            self._lost(path, node, f"verdict '{named}'", f"taken for the action {action}", imported=True)
            return action
        if named not in _VERDICTS:
            raise Unmappable(f"no action stands for the verdict {verdict!r}", "a rule can only restrict, never allow")
        return _VERDICTS[named]

    def _label(self, path: str, node: ast.Call) -> str:
        label = named_argument(node, "label")
        if not isinstance(label, ast.Constant) or not isinstance(label.value, str):
            raise Unmappable("the label is not a constant")
        entity = named_argument(node, "entity")
        if not self._is_account(path, entity):
            raise Unmappable(f"a tag is on the account, and {written(entity) if entity else 'nothing'} is none")
        for parameter in ("apply_if", "delay_action_by"):
            if named_argument(node, parameter) is not None:
                raise Unmappable(f"'{parameter}' has no counterpart, and without it the tag would be set too often")
        after = named_argument(node, "expires_after")
        if after is None:
            return f"tag(name={text_literal(label.value)})"
        return f"tag(name={text_literal(label.value)}, for={text_literal(_duration(after))})"

    def _is_account(self, path: str, entity: ast.expr | None) -> bool:
        if not isinstance(entity, ast.Name):
            return False
        words = set(snake(entity.id).split("_"))
        assigned = self.sources.find(path, entity.id)
        kind = named_argument(assigned[1], "type") if assigned and isinstance(assigned[1], ast.Call) else None
        if isinstance(kind, ast.Constant):
            words |= set(snake(str(kind.value)).split("_"))
        return bool(words & _ACCOUNT_WORDS)


def _duration(node: ast.expr) -> str:
    """``TimeDelta(hours=1)`` as ``"1h"``. Raises Unmappable."""
    seconds = 0
    if function_of(node) == "TimeDelta" and isinstance(node, ast.Call) and not node.args:
        for keyword in node.keywords:
            value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
            if keyword.arg not in _UNITS or type(value) is not int or not 0 < value < 10**6:
                break
            seconds += value * _UNITS[keyword.arg]
        else:
            for unit, letter in (("days", "d"), ("hours", "h"), ("minutes", "m"), ("seconds", "s")):
                if seconds and seconds % _UNITS[unit] == 0:
                    return f"{seconds // _UNITS[unit]}{letter}"
    raise Unmappable(f"{written(node)} is not a constant duration")
