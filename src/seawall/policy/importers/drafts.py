"""What the importers share: the content types they map onto, draft rules, policy files, the report."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from seawall.model import ContentType, DetectorSpec, FieldRole, FieldType
from seawall.policy.bundle import build_bundle
from seawall.policy.documents import PolicySource
from seawall.yamlfile.source import PolicyErrors

MAX_CHARACTERS: Final = 2_000_000
"""Of all files to import together."""

_BODY_WORDS: Final = frozenset({"text", "content", "body", "message", "description"})
_ACTOR_WORDS: Final = frozenset({"account", "user", "author", "actor"})
_CONTAINERS: Final = frozenset(
    {"action", "body", "commit", "content", "data", "event", "item", "operation", "payload", "record"}
)
"""Objects in which other systems put an item's own fields; any other object is somebody or something else."""
_COUNT_WORDS: Final = {"follower_count": "followers", "followers_count": "followers"}
QUEUE: Final = "imported"


class ImportRefused(ValueError):
    """A file that cannot be read at all; the message names the place."""


class Unmappable(Exception):
    """Something that the language does not have; the importer adds the place."""

    def __init__(self, why: str, remedy: str = "") -> None:
        self.why = why
        self.remedy = remedy
        super().__init__(why)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRemark:
    """Something that was left out (``imported`` is False) or that means something else than in the original."""

    place: str
    what: str
    why: str
    remedy: str = ""
    imported: bool = False

    def render(self) -> str:
        """The remark as a compiler would print it."""
        kind = "changed" if self.imported else "not imported"
        lines = [f"{self.place}: {kind}: {self.what}", f"  why: {self.why}"]
        if self.remedy:
            lines.append(f"  fix: {self.remedy}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class ImportedPolicies:
    """Policy files by name, how many rules are in them, and the report."""

    files: Mapping[str, str]
    rules: int
    remarks: tuple[ImportRemark, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """What the rules are mapped onto. ``names``: their names for fields and signals here (``PostText: item.body``).

    ``events``: content types by the names that the other system has for them.
    """

    content_types: Sequence[ContentType]
    detectors: Sequence[DetectorSpec]
    banks: Sequence[str]
    content_type: str
    names: Mapping[str, str] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)
    harm: str = "terms"

    def find(self, name: str) -> ContentType:
        """A content type. Raises ImportRefused."""
        found = next((each for each in self.content_types if each.name == name), None)
        if found is None:
            names = ", ".join(each.name for each in self.content_types)
            raise ImportRefused(f"unknown content type '{name}'; it is one of {names}")
        return found

    @property
    def owners(self) -> frozenset[str]:
        """Words for the item itself in a path: of the content types and of the events."""
        names = [*(each.name for each in self.content_types), *map(snake, self.events)]
        return frozenset(word for name in names for word in name.split("_"))

    def event(self, name: str) -> str | None:
        """The content type of an event: named, or the only one whose name is a word of the event's."""
        if name in self.events:
            return self.find(self.events[name]).name
        words = set(snake(name).split("_"))
        found = [each.name for each in self.content_types if set(each.name.split("_")) <= words]
        return found[0] if len(found) == 1 else None


@dataclass(slots=True)
class DraftRule:
    """A rule on its way into a policy: for some content types, the condition in each."""

    id: str
    title: str
    place: str
    conditions: dict[str, str]  # content type → when
    actions: list[str]
    expires: str | None = None


@dataclass(slots=True)
class PolicyDraft:
    """A policy on its way: its rules, where it came from, what could not be imported of it."""

    name: str
    title: str
    origin: str
    rules: list[DraftRule] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def snake(name: str) -> str:
    """``PostText`` and ``post-text`` as ``post_text``."""
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"[^A-Za-z0-9]+", "_", parts).strip("_").lower()


def slug(name: str, fallback: str) -> str:
    """A name as ids of policies and rules are written."""
    made = snake(name).replace("_", "-")[:60].strip("-")
    return made if made and made[0].isalpha() else f"{fallback}-{made}".strip("-")


def text_literal(text: str) -> str:
    """A constant text, as the language and YAML write it. Raises Unmappable."""
    if any("\ud800" <= each <= "\udfff" for each in text):
        raise Unmappable("a text holds half of a surrogate pair, which no content can hold")
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    """A character within quotes. One that cannot be seen is written as its number, not lost: patterns look for it."""
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    return f"\\u{ord(character):04x}" if ord(character) < 0x10000 else f"\\U{ord(character):08x}"


def match_field(content_type: ContentType, *names: str, owners: frozenset[str] = frozenset()) -> str | None:
    """The field or attribute that one of these names means in a content type: ``item.x`` or ``actor.x``.

    A path into an object that is neither the item, by one of ``owners``, nor its author means no field of either.
    """
    attributes = {"created_at", *(spec.name for spec in content_type.actor.attributes)} if content_type.actor else set()
    fields = {spec.name for spec in content_type.fields} | {"language"}
    body = next((spec.name for spec in content_type.fields if spec.role is FieldRole.BODY), None)
    for name in names:
        words = [snake(each) for each in name.replace("$", "").split(".") if each]
        if not words:
            continue
        last = _COUNT_WORDS.get(words[-1], words[-1])
        of_actor = not _ACTOR_WORDS.isdisjoint(words[:-1])
        if not (_ACTOR_WORDS | _CONTAINERS | owners).issuperset(words[:-1]):
            return None
        if of_actor and last in attributes:
            return f"actor.{last}"
        bare = re.sub(r"^(account|user|author|actor)_", "", last)
        if bare != last and _COUNT_WORDS.get(bare, bare) in attributes:
            return f"actor.{_COUNT_WORDS.get(bare, bare)}"
        if last in fields:
            return f"item.{last}"
        if last in attributes and last != "created_at":
            return f"actor.{last}"
        own = last.removeprefix(f"{content_type.name}_")
        if own in fields:
            return f"item.{own}"
        if own in _BODY_WORDS and body is not None:
            return f"item.{body}"
    return None


def is_optional(content_type: ContentType, reference: str) -> bool:
    """Whether a field or attribute may be absent, so that a condition about it needs a guard."""
    owner, _, name = reference.partition(".")
    if owner == "item":
        spec = content_type.field(name)
        return spec is None or not spec.required
    actor = content_type.actor
    spec = next((each for each in actor.attributes if each.name == name), None) if actor else None
    return spec is None or not spec.required or not (actor and actor.required)


def is_text(content_type: ContentType, reference: str) -> bool:
    """Whether a field or attribute is a text."""
    owner, _, name = reference.partition(".")
    specs = content_type.fields if owner == "item" else content_type.actor.attributes if content_type.actor else ()
    spec = next((each for each in specs if each.name == name), None)
    return spec is not None and spec.type in (FieldType.TEXT, FieldType.TEXTS)


def guarded(content_type: ContentType, condition: str, references: Iterable[str]) -> str:
    """The condition, where each optional field that it reads is there: as a rule that fails where one is missing."""
    needed = sorted({each for each in references if is_optional(content_type, each)})
    if not needed:
        return condition
    return " and ".join([*(f"{each} is not None" for each in needed), f"({condition})"])


def absent(content_type: ContentType, references: Iterable[str]) -> str:
    """The condition that one of these fields is missing; empty where none can be."""
    return " or ".join(f"{each} is None" for each in sorted(set(references)) if is_optional(content_type, each))


def finish(drafts: Iterable[PolicyDraft], target: Target, remarks: list[ImportRemark]) -> ImportedPolicies:
    """Write the policies. A rule that the checker refuses is left out and reported."""
    files: dict[str, str] = {}
    count = 0
    names: set[str] = set()
    for draft in drafts:
        draft.name = _unused(draft.name, names)
        ids: set[str] = set()
        entries = [entry for rule in draft.rules for entry in _entries(rule, ids)]
        accepted = [entry for entry in entries if _accepted(draft, entry, target, remarks)]
        draft.lost += [f"{entry.id} ({entry.place})" for entry in entries if entry not in accepted]
        if accepted:
            files[f"{draft.name}.yaml"] = _written(draft, accepted, target)
            count += len(accepted)
    return ImportedPolicies(files, count, tuple(dict.fromkeys(remarks)))


@dataclass(frozen=True, slots=True)
class _Entry:
    """A rule with one condition, as it stands in the file."""

    id: str
    title: str
    place: str
    types: tuple[str, ...]
    when: str
    actions: tuple[str, ...]
    expires: str | None


def _entries(rule: DraftRule, ids: set[str]) -> list[_Entry]:
    """One entry for each different condition; content types with the same one share it."""
    types: dict[str, list[str]] = {}
    for name, when in rule.conditions.items():
        types.setdefault(when, []).append(name)
    made = []
    for when, names in types.items():
        suffix = f"-{slug('-'.join(names), 'x')}" if len(types) > 1 else ""
        entry_id = _unused((rule.id + suffix)[:60], ids)
        made.append(
            _Entry(
                entry_id, rule.title, rule.place, tuple(names), when, tuple(dict.fromkeys(rule.actions)), rule.expires
            )
        )
    return made


def _unused(name: str, taken: set[str]) -> str:
    number, chosen = 2, name
    while chosen in taken:
        chosen = f"{name}-{number}"
        number += 1
    taken.add(chosen)
    return chosen


def _accepted(draft: PolicyDraft, entry: _Entry, target: Target, remarks: list[ImportRemark]) -> bool:
    text = _written(PolicyDraft(draft.name, draft.title, draft.origin), [entry], target)
    try:
        build_bundle([PolicySource("draft.yaml", text)], target.content_types, target.detectors, target.banks)
    except PolicyErrors as refused:
        problem = refused.problems[0]
        remarks.append(
            ImportRemark(
                place=entry.place,
                what=f"rule '{entry.id}'",
                why=f"the policy language refuses it: {problem.message}",
                remedy=problem.remedy or (f"expected: {problem.expected}" if problem.expected else ""),
            )
        )
        return False
    return True


def _written(draft: PolicyDraft, entries: Sequence[_Entry], target: Target) -> str:
    types = list(dict.fromkeys(name for entry in entries for name in entry.types))
    lines = [
        f"# Imported from {_comment(draft.origin)}. Every rule is in shadow: it is recorded and has no effect.",
        "# Before you publish it: write the definition, the ground and examples, and compare its hits.",
        *(f"# Not imported: {_comment(lost)}" for lost in draft.lost),
        f"policy: {draft.name}",
        f"title: {_title(draft.title)}",
        "owner: imported",
        f"applies_to: [{', '.join(types)}]",
        f"harm: {target.harm}",
        f"definition: {_title(f'To be written. Imported from {draft.origin}.')}",
        "statement:",
        "  ground: incompatible",
        "  clause: To be written",
        "rules:",
    ]
    for entry in entries:
        lines += [f"  - id: {entry.id} # {_comment(entry.place)}", f"    title: {_title(entry.title)}"]
        if list(entry.types) != types:
            lines.append(f"    applies_to: [{', '.join(entry.types)}]")
        lines.append("    mode: shadow")
        if entry.expires:
            lines.append(f"    expires: {entry.expires}")
        lines += ["    when: |-", f"      {entry.when}", "    do:", *(f"      - {action}" for action in entry.actions)]
    return "\n".join(lines) + "\n"


def _title(text: str) -> str:
    return json.dumps(_comment(text.encode("utf-8", "replace").decode()), ensure_ascii=False)


def _comment(text: str) -> str:
    """A text on one line, without what YAML does not allow."""
    return "".join(character if character.isprintable() else " " for character in text)[:300]
