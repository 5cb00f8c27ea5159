"""The file ``not-permitted.yaml``: which detectors may not run where, by which law, and since when.

It lies in the folder of the policies and is part of the bundle, so that every decision can be held against the law as
it was declared when the decision was made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from seawall.content.content_type_file import SURFACES
from seawall.content.jurisdictions import EU, jurisdictions_of, read_jurisdiction
from seawall.model import HARMS, ContentType, DetectorSpec, Item, Modality, Prohibition, Unknown, UnknownReason
from seawall.model.not_permitted import EVERYTHING, RULE_TEXTS
from seawall.policy.documents import PolicySource
from seawall.yamlfile.nodes import Mapping as YamlMapping
from seawall.yamlfile.nodes import Node, Scalar, UnreadableYaml, read_yaml
from seawall.yamlfile.reader import Reader
from seawall.yamlfile.source import PolicyErrors, Problem, SourceFile, SourceSpan, nearest

FILE: Final = "not-permitted.yaml"
"""Its name in a folder of policies."""
MOST: Final = 200  # prohibitions of one file
_KEYS: Final = ("ground", "detectors", "kinds", "except", "surfaces", "jurisdictions", "from", "until")
_KINDS: Final = (*Modality, *HARMS)
_PLACE: Final = "an ISO 3166 code such as DE, US or US-IL, or EU for its member states"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProhibitionFile:
    """The prohibitions of one file. ``places``: where it names a detector, for errors of ``check_prohibitions``."""

    prohibitions: tuple[Prohibition, ...]
    given: PolicySource
    source: SourceFile
    places: Mapping[SourceSpan, str]


def load_prohibitions(given: PolicySource) -> ProhibitionFile:
    """Read the file. Raises PolicyErrors with every problem found, but for names of detectors: see the check."""
    source = SourceFile(given.text.removeprefix("\ufeff"), given.path)
    try:
        root = read_yaml(source)
    except UnreadableYaml as unreadable:
        raise PolicyErrors([unreadable.problem]) from None
    reader = Reader(source)
    reader.keys(root, "the file", ("not_permitted",), ("not_permitted",))
    found = root.values.get("not_permitted")
    entries = reader.mapping(found, "not_permitted") if found is not None else None
    places: dict[SourceSpan, str] = {}
    read: list[Prohibition] = []
    if entries is not None and len(entries.values) > MOST:
        reader.refuse(reader.head(entries), f"{len(entries.values)} prohibitions", expected=f"at most {MOST}")
    elif entries is not None:
        for name, node in entries.values.items():
            prohibition = _prohibition(reader, entries.keys[name], node, places)
            read += [prohibition] if prohibition is not None else []
    if reader.problems:
        raise PolicyErrors(reader.problems)
    return ProhibitionFile(prohibitions=tuple(read), given=given, source=source, places=places)


def check_prohibitions(file: ProhibitionFile, detectors: Sequence[DetectorSpec]) -> list[Problem]:
    """Whether every detector that the file names is installed; a name that is misspelt would permit what is not."""
    reader = Reader(file.source)
    known = [RULE_TEXTS, *(spec.name for spec in detectors)]
    for span, name in file.places.items():
        if name not in known:
            reader.refuse(
                span,
                f"unknown detector '{name}'",
                expected="one of " + ", ".join(known),
                near=nearest(name, known),
                remedy="'seawall detectors' lists those that are installed; 'kinds' needs no names",
            )
    return reader.problems


def holding(
    prohibitions: Iterable[Prohibition], item: Item, content_type: ContentType, at: int
) -> tuple[Prohibition, ...]:
    """Those that hold for an item that is screened at that time (milliseconds since 1970)."""
    day = datetime.fromtimestamp(at / 1000, UTC).date()
    places = jurisdictions_of(item, content_type, at)
    return tuple(
        each
        for each in prohibitions
        if each.in_force(day) and each.covers(places) and (not each.surfaces or content_type.surface in each.surfaces)
    )


def texts_withheld(
    prohibitions: Iterable[Prohibition], item: Item, content_type: ContentType, at: int
) -> tuple[Unknown, ...]:
    """What is unknown of an item whose texts rules may not read at that time, for whoever makes its row anew."""
    return tuple(
        Unknown(detector=RULE_TEXTS, part="", reason=UnknownReason.NOT_PERMITTED, detail=each.name)
        for each in holding(prohibitions, item, content_type, at)
        if RULE_TEXTS in concerned(each, ())
    )


def concerned(prohibition: Prohibition, detectors: Iterable[DetectorSpec]) -> frozenset[str]:
    """The detectors (and extractors, listed among them) that a prohibition names, with ``RULE_TEXTS``."""
    everything = EVERYTHING in prohibition.detectors
    texts = everything or Modality.TEXT in prohibition.kinds
    named = {RULE_TEXTS} if texts else set(prohibition.detectors) & {RULE_TEXTS}
    named |= {
        spec.name
        for spec in detectors
        if everything or spec.name in prohibition.detectors or _is_of(spec, prohibition.kinds)
    }
    return frozenset(named.difference(prohibition.without))


def _is_of(spec: DetectorSpec, kinds: Collection[str]) -> bool:
    return any(modality in kinds for modality in spec.modalities) or any(
        signal.harm in kinds for signal in spec.signals if signal.harm is not None
    )


def _prohibition(reader: Reader, key: Scalar, node: Node, places: dict[SourceSpan, str]) -> Prohibition | None:
    before = len(reader.problems)
    name = reader.name(Scalar(key.text, key.span, key.style), "a prohibition's name")
    what = f"the prohibition '{key.text}'"
    mapping = reader.mapping(node, what)
    if mapping is None or name is None:
        return None
    reader.keys(mapping, what, _KEYS, ("ground",))
    values = mapping.values
    if "detectors" not in values and "kinds" not in values:
        remedy = "add 'detectors: [text-model]', 'detectors: all', or 'kinds: [grooming, audio]'"
        reader.refuse(key.span, f"{what} names nothing that is not permitted", remedy=remedy)
    detectors, without = _detectors(reader, mapping, "detectors"), _detectors(reader, mapping, "except")
    places.update({span: each for each, span in (*detectors, *without) if each != EVERYTHING})
    kinds = _choices(reader, mapping, "kinds", "kind of detection", _KINDS)
    surfaces = _choices(reader, mapping, "surfaces", "surface", SURFACES)
    ground = reader.text(values["ground"], "ground") if "ground" in values else None
    jurisdictions = _jurisdictions(reader, values["jurisdictions"]) if "jurisdictions" in values else ()
    since, until = _day(reader, mapping, "from"), _day(reader, mapping, "until")
    if since is not None and until is not None and until < since:
        reader.refuse(values["until"].span, f"{what} ends before it begins", expected=f"a day from {since} on")
    if len(reader.problems) > before or ground is None:
        return None
    return Prohibition(
        name=name,
        ground=ground,
        detectors=tuple(each for each, _ in detectors),
        kinds=kinds,
        without=tuple(each for each, _ in without),
        surfaces=surfaces,
        jurisdictions=jurisdictions,
        since=since,
        until=until,
    )


def _detectors(reader: Reader, mapping: YamlMapping, key: str) -> list[tuple[str, SourceSpan]]:
    """Names with their places; ``all`` stands alone and for all."""
    node = mapping.values.get(key)
    if node is None:
        return []
    if key == "detectors" and isinstance(node, Scalar) and node.text == EVERYTHING:
        return [(EVERYTHING, node.span)]
    found = reader.names(node, key)
    for name, span in found:
        if name == EVERYTHING:
            reader.refuse(span, f"'{EVERYTHING}' is no detector", remedy=f"write 'detectors: {EVERYTHING}', no list")
    if not found:
        reader.refuse(node.span, f"{key} is empty", remedy=f"name detectors, or remove '{key}'")
    return found


def _choices(reader: Reader, mapping: YamlMapping, key: str, what: str, allowed: Collection[str]) -> tuple[str, ...]:
    node = mapping.values.get(key)
    if node is None:
        return ()
    found = reader.names(node, key)
    for name, span in found:
        if name not in allowed:
            reader.refuse(
                span, f"unknown {what} '{name}'", expected="one of " + ", ".join(allowed), near=nearest(name, allowed)
            )
    if not found:
        reader.refuse(node.span, f"{key} is empty", remedy=f"name some, or remove '{key}' for all")
    return tuple(name for name, _ in found)


def _jurisdictions(reader: Reader, node: Node) -> tuple[str, ...]:
    codes: list[str] = []
    found = reader.names(node, "jurisdictions")
    for name, span in found:
        read = EU if name == "EU" else read_jurisdiction(name)
        if not read or (name != "EU" and read != (name,)):  # written as it will be shown
            near = read if read else nearest(name.upper(), ("EU", *EU, "GB", "US"))
            reader.refuse(span, f"unknown jurisdiction '{name}'", expected=_PLACE, near=near)
        codes += read
    if not found:
        reader.refuse(node.span, "jurisdictions is empty", remedy="name some, or remove 'jurisdictions' for all")
    return tuple(dict.fromkeys(codes))


def _day(reader: Reader, mapping: YamlMapping, key: str) -> date | None:
    node = mapping.values.get(key)
    if node is None:
        return None
    try:
        if isinstance(node, Scalar):
            return date.fromisoformat(node.text)
    except ValueError:
        pass
    reader.refuse(node.span, f"'{key}' must be a day", expected="a day such as 2026-04-04")
    return None
