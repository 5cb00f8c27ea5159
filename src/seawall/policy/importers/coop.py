"""Importer for Coop-style rules: JSON with trees of conditions (``conditionSet``) over fields and signals.

A file holds one rule, a list of rules, or ``{"rules": […]}``. In Coop a condition about a missing field is
inapplicable, which counts as false; here its guard is false.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

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
    is_optional,
    is_text,
    match_field,
    slug,
    snake,
    text_literal,
)

_MAX_DEPTH: Final = 30
_EVERYWHERE: Final = ("text", "item")  # all texts together; every part, which only a signal can read
_MOST_IN_XOR: Final = 4
_COMPARATORS: Final = {
    "EQUALS": "==", "NOT_EQUAL_TO": "!=", "LESS_THAN": "<", "LESS_THAN_OR_EQUALS": "<=",
    "GREATER_THAN": ">", "GREATER_THAN_OR_EQUALS": ">=",
}  # fmt: skip
_RETIRED: Final = frozenset({"ARCHIVED", "DEPRECATED", "EXPIRED"})
_ACTION_WORDS: Final = (
    (frozenset({"delete", "remove", "takedown"}), "remove"),
    (frozenset({"hide", "demote", "downrank"}), "demote"),
    (frozenset({"ban", "suspend"}), "suspend"),
    (frozenset({"mute", "limit", "restrict"}), "limit"),
    (frozenset({"warn"}), "warn"),
    (frozenset({"strike"}), "strike"),
    (frozenset({"hold", "block"}), "hold"),
    (frozenset({"label", "interstitial"}), "advisory"),
)


def import_coop(text: str, path: str, target: Target) -> ImportedPolicies:
    """The policy of one JSON file. Raises ImportRefused."""
    target.find(target.content_type)
    if len(text) > MAX_CHARACTERS:
        raise ImportRefused(f"{path} has more than {MAX_CHARACTERS:,} characters; import it in parts")
    try:
        found = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        raise ImportRefused(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from None
    except (RecursionError, ValueError):
        raise ImportRefused(f"{path}:1:1: not JSON that can be read: too deeply nested, or a number too long") from None
    return _Import(path, target).run(found)


@dataclass(slots=True)
class _Import:
    """One import of one file."""

    path: str
    target: Target
    remarks: list[ImportRemark] = field(default_factory=list)

    def run(self, found: object) -> ImportedPolicies:
        rules, places = _rules(found)
        if rules is None:
            raise ImportRefused(f"{self.path}: no rules; expected a rule with a conditionSet, or a list of them")
        stem = self.path.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".json")
        draft = PolicyDraft(
            slug(stem, "rules"), snake(stem).replace("_", " ").capitalize() or "Rules", f"Coop, {self.path}"
        )
        for rule, place in zip(rules, places, strict=True):
            made = self._rule(rule, place)
            if made is None:
                draft.lost.append(f"{_name(rule)} ({place})")
            else:
                draft.rules.append(made)
        return finish([draft], self.target, self.remarks)

    def say(self, place: str, what: str, why: str, remedy: str = "", imported: bool = False) -> None:
        """Add a remark."""
        where = f"{self.path}: {place}" if place else self.path
        self.remarks.append(ImportRemark(place=where, what=what, why=why, remedy=remedy, imported=imported))

    def _rule(self, rule: object, place: str) -> DraftRule | None:
        name = _name(rule)
        what = f"rule '{name}'"
        if not isinstance(rule, dict) or not isinstance(rule.get("conditionSet"), dict):
            self.say(place, what, "it has no conditionSet")
            return None
        if str(rule.get("status")) in _RETIRED:
            self.say(place, what, f"its status is {rule['status']}")
            return None
        if rule.get("ruleType") == "USER":
            self.say(place, what, "it is about an account alone; rules here read items and their accounts")
            return None
        conditions: dict[str, str] = {}
        for content_type in self._types(rule, place, what):
            tree = _Tree(self, content_type, what)
            try:
                conditions[content_type.name] = tree.set(rule["conditionSet"], f"{place}.conditionSet".lstrip("."))
            except Unmappable as unmappable:
                self.say(tree.at, what, unmappable.why, unmappable.remedy)
                return None
        if not conditions:
            return None
        if rule.get("maxDailyActions") is not None:
            self.say(place, what, "maxDailyActions has no counterpart in a rule", "use a guard's quota", imported=True)
        return DraftRule(
            id=slug(name, "rule"),
            title=name,
            place=f"{self.path}: {place}" if place else self.path,
            conditions=conditions,
            actions=self._actions(rule, place, what),
            expires=self._expires(rule, place, what),
        )

    def _types(self, rule: Mapping[str, Any], place: str, what: str) -> list[ContentType]:
        listed = next((rule[key] for key in ("itemTypes", "contentTypes") if isinstance(rule.get(key), list)), None)
        if not listed:
            return [self.target.find(self.target.content_type)]
        names = [str(each.get("name", each.get("id", "")) if isinstance(each, dict) else each) for each in listed]
        known = {name: self.target.event(name) for name in names}
        found = list(dict.fromkeys(each for each in known.values() if each is not None))
        for name in (name for name, each in known.items() if each is None):
            remedy = f"name it: --event {name or 'NAME'}=comment"
            self.say(place, what, f"no content type stands for item type '{name}'", remedy, imported=bool(found))
        return [self.target.find(each) for each in found]

    def _expires(self, rule: Mapping[str, Any], place: str, what: str) -> str | None:
        given = rule.get("expirationTime")
        if given is None:
            return None
        try:
            return date.fromisoformat(str(given)[:10]).isoformat()
        except ValueError:
            self.say(place, what, f"its expirationTime {str(given)[:40]!r} is not a date", imported=True)
            return None

    def _actions(self, rule: Mapping[str, Any], place: str, what: str) -> list[str]:
        found: list[str] = []
        for number, each in enumerate(_listed(rule, "actions")):
            name = str(each.get("name") or each.get("type") or "") if isinstance(each, dict) else str(each)
            kind = str(each.get("type", each.get("actionType", ""))) if isinstance(each, dict) else ""
            words = set(snake(name).split("_"))
            at = f"{place}.actions[{number}]".lstrip(".")
            if kind.startswith("ENQUEUE") or {"enqueue", "review", "mrt"} & words:
                found.append(f'review(queue="{QUEUE}")')
                continue
            action = next((action for names, action in _ACTION_WORDS if names & words), None)
            if action is None:
                self.say(at, f"action '{name}'", "no action stands for it")
            else:
                self.say(at, f"action '{name}'", f"taken for the action {action}", imported=True)
                found.append(action)
        if not found:
            self.say(place, what, "it has no action that could be imported, so it asks for a review", imported=True)
        return found or [f'review(queue="{QUEUE}")']


def _rules(found: object) -> tuple[list[object] | None, list[str]]:
    if isinstance(found, dict) and "conditionSet" in found:
        return [found], [""]
    if isinstance(found, dict) and isinstance(found.get("rules"), list):
        return found["rules"], [f"rules[{number}]" for number in range(len(found["rules"]))]
    if isinstance(found, list):
        return found, [f"[{number}]" for number in range(len(found))]
    return None, []


def _listed(node: object, key: str) -> list[Any]:
    """A list under a key; empty for anything else."""
    found = node.get(key) if isinstance(node, dict) else None
    return found if isinstance(found, list) else []


def _name(rule: object) -> str:
    name = rule.get("name") or rule.get("id") if isinstance(rule, dict) else None
    return str(name)[:120].strip() if name and str(name).strip() else "rule"


@dataclass(slots=True)
class _Tree:
    """The conditions of one rule in one content type. ``at``: the place of the condition at hand."""

    importing: _Import
    content_type: ContentType
    what: str
    at: str = ""
    _depth: int = 0

    def set(self, node: object, place: str) -> str:
        """A condition, or several under one conjunction. Raises Unmappable."""
        self.at = place
        if not isinstance(node, dict):
            raise Unmappable("a condition must be an object")
        if "conditions" not in node:
            return self._leaf(node, place)
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise Unmappable("it is nested too deeply")
        listed = node["conditions"]
        if not isinstance(listed, list) or not listed:
            raise Unmappable("a condition set must list conditions")
        parts = [self.set(each, f"{place}.conditions[{number}]") for number, each in enumerate(listed)]
        self._depth -= 1
        self.at = place
        conjunction = node.get("conjunction", "AND")
        if len(parts) == 1:
            return parts[0]
        if conjunction in ("AND", "OR"):
            return "(" + f" {conjunction.lower()} ".join(parts) + ")"
        if conjunction == "XOR" and len(parts) <= _MOST_IN_XOR:
            return self._exactly_one(parts)
        raise Unmappable(f"the conjunction {str(conjunction)[:40]!r} of {len(parts)} conditions has no counterpart")

    def _exactly_one(self, parts: list[str]) -> str:
        ways = []
        for number, part in enumerate(parts):
            others = [f"not ({other})" for other in parts[:number] + parts[number + 1 :]]
            ways.append("(" + " and ".join([part, *others]) + ")")
        return "(" + " or ".join(ways) + ")"

    def _leaf(self, node: Mapping[str, Any], place: str) -> str:
        comparator, threshold = node.get("comparator"), node.get("threshold")
        reference = self._input(node.get("input"))
        signal = node.get("signal")
        if comparator == "IS_NOT_PROVIDED":
            if not _is_field(reference):
                raise Unmappable("only a single field can be missing")
            return f"{reference} is None"
        if signal is None:
            return self._guarded(reference, self._compared(reference, comparator, threshold))
        if not isinstance(signal, dict):
            raise Unmappable("its signal is no object with a type")
        kind = str(signal.get("type", ""))
        if kind.startswith("TEXT_MATCHING_"):
            return self._matching(node, kind, reference)
        return self._scored(signal, kind, reference, comparator, threshold, place)

    def _input(self, given: object) -> str:
        kind = given.get("type") if isinstance(given, dict) else None
        name = str(given.get("name", "")) if isinstance(given, dict) else ""
        own = self.importing.target.names.get(name)
        if own is not None:
            return own
        if kind == "CONTENT_COOP_INPUT" and name == "All text":
            return "text"
        if kind == "FULL_ITEM":
            return "item"
        if kind == "CONTENT_COOP_INPUT" and name.startswith("Any "):
            self.importing.say(self.at, self.what, f"'{name[:60]}' became every part of the item", imported=True)
            return "item"
        if kind == "CONTENT_FIELD":
            found = match_field(self.content_type, name)
            if found is not None:
                return found
            remedy = f"add the field to {self.content_type.name}, or name one: --map {name}=item.NAME"
            raise Unmappable(f"no field of {self.content_type.name} stands for '{name[:60]}'", remedy)
        raise Unmappable(f"the input {str(kind)[:40]} {name[:40]!r} has no counterpart".replace(" ''", ""))

    def _guarded(self, reference: str, condition: str) -> str:
        if not _is_field(reference) or not is_optional(self.content_type, reference):
            return condition
        return f"({reference} is not None and {condition})"

    def _compared(self, reference: str, comparator: object, threshold: object) -> str:
        symbol = _COMPARATORS.get(str(comparator))
        if symbol is None:
            raise Unmappable(f"the comparator {str(comparator)[:40]!r} has no counterpart for a field")
        if reference in _EVERYWHERE:
            raise Unmappable("only a single field can be compared")
        return f"{reference} {symbol} {self._value(reference, threshold)}"

    def _value(self, reference: str, threshold: object) -> str:
        if isinstance(threshold, bool) or (
            threshold in ("true", "false") and not is_text(self.content_type, reference)
        ):
            return "True" if threshold in (True, "true") else "False"
        if isinstance(threshold, int | float):
            return repr(threshold)
        if isinstance(threshold, str):
            number = _number(threshold)
            return text_literal(threshold) if is_text(self.content_type, reference) or number is None else number
        raise Unmappable("the condition has no threshold")

    # -- texts ---------------------------------------------------------------------------------------------------

    def _matching(self, node: Mapping[str, Any], kind: str, reference: str) -> str:
        if reference == "item":
            raise Unmappable("only texts can be searched for words")
        values = node.get("matchingValues")
        strings = _listed(values, "strings")
        if not all(isinstance(each, str) and each for each in strings):
            raise Unmappable("it looks for something that is no text, or an empty one, which is in every text")
        alternatives = [self._found(kind, reference, each) for each in strings]
        alternatives += [self._bank(str(each), reference) for each in _listed(values, "textBankIds")]
        if not alternatives:
            raise Unmappable("it names no texts to look for")
        found = alternatives[0] if len(alternatives) == 1 else "(" + " or ".join(alternatives) + ")"
        negated = ("_NOT_" in kind) != self._is_false(node.get("comparator"), node.get("threshold"))
        return self._guarded(reference, f"not {found}" if negated else found)

    def _is_false(self, comparator: object, threshold: object) -> bool:
        """Whether a condition asks that a text is not found. Without both words it asks that it is."""
        if comparator is None or threshold is None:
            return False
        if comparator not in ("EQUALS", "NOT_EQUAL_TO") or str(threshold).lower() not in ("true", "false"):
            shown = f"{str(comparator)[:40]} {str(threshold)[:40]}"
            raise Unmappable(f"the comparison {shown} is not one with true or false")
        return (comparator == "NOT_EQUAL_TO") != (str(threshold).lower() == "false")

    def _found(self, kind: str, reference: str, value: str) -> str:
        if kind in ("TEXT_MATCHING_CONTAINS_TEXT", "TEXT_MATCHING_NOT_CONTAINS_TEXT"):
            return f"matches({reference}, {text_literal(f'(?i){re.escape(value)}')})"  # in Coop a part of a word, too
        if kind in ("TEXT_MATCHING_CONTAINS_REGEX", "TEXT_MATCHING_NOT_CONTAINS_REGEX"):
            return f"matches({reference}, {text_literal(f'(?i){value}')})"
        raise Unmappable(
            f"the signal {kind} has no counterpart", "put its texts into a bank of kind near_text or pattern"
        )

    def _bank(self, name: str, reference: str) -> str:
        bank = self.importing.target.names.get(name, slug(name, "bank"))
        if bank not in self.importing.target.banks:
            raise Unmappable(f"there is no bank '{bank}'", f"make it, or name one: --map {name}=blocked-texts")
        if _is_field(reference):
            why = f"the bank '{bank}' is looked for in every part, not in {reference} alone"
            self.importing.say(self.at, self.what, why, imported=True)
        return f"bank({text_literal(bank)}) >= 1"

    # -- scores --------------------------------------------------------------------------------------------------

    def _scored(
        self, signal: Mapping[str, Any], kind: str, reference: str, comparator: object, threshold: object, place: str
    ) -> str:
        name = self._signal(signal, kind)
        read = name if reference in _EVERYWHERE else f"in_part({text_literal(reference.removeprefix('item.'))}, {name})"
        if comparator == "IS_UNAVAILABLE":
            return f"not known({read})"
        symbol = _COMPARATORS.get(str(comparator))
        number = _number(str(threshold))
        if symbol is None or number is None:
            raise Unmappable(f"the comparison {str(comparator)[:40]} {str(threshold)[:40]} is not one with a number")
        why = f"{threshold} of {kind} became {threshold} of '{name}', which is another model"
        self.importing.say(place, self.what, why, "choose the threshold anew: at_fpr(0.01)", imported=True)
        return self._guarded(reference, f"{read} {symbol} {number}")

    def _signal(self, signal: Mapping[str, Any], kind: str) -> str:
        names = [str(signal.get(key) or "") for key in ("name", "subcategory")]
        for name in (kind, *names):
            if name in self.importing.target.names:
                return self.importing.target.names[name]
        known = {each.name for detector in self.importing.target.detectors for each in detector.signals}
        words: Callable[[str], set[str]] = lambda text: set(snake(text).split("_"))  # noqa: E731
        fitting = [
            name for name in sorted(known) if any(set(name.split("_")) <= words(text) for text in (kind, *names))
        ]
        if len(fitting) == 1:
            return fitting[0]
        shown = kind if kind != "CUSTOM" else names[0] or kind
        raise Unmappable(f"no signal stands for {shown[:60]}", f"name one: --map {shown[:60]}=hate")


def _is_field(reference: str) -> bool:
    return reference.startswith(("item.", "actor."))


def _number(text: str) -> str | None:
    """A number as the language writes it."""
    try:
        value = float(text)
    except ValueError:
        return None
    if not abs(value) < 2**53:
        return None
    return str(int(value)) if value.is_integer() else repr(value)
