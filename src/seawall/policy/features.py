"""Feature rows: turns an item, its parts and its signals into the flat, typed values that rules read.

A row maps feature names to text, number, boolean, None (an absent optional field) or UNKNOWN. While some parts of a
signal are unknown, ``at_least(<signal>)`` holds the value that the known parts reach.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import isfinite
from typing import Any, Final, TypeAlias

from seawall.model import (
    LASTING,
    UNKNOWN,
    DetectorSpec,
    FeatureValue,
    Item,
    Modality,
    Part,
    Signal,
    Unknown,
    UnknownReason,
    UnknownValue,
)
from seawall.model.counters import CounterFunction
from seawall.model.not_permitted import RULE_TEXTS
from seawall.policy.functions import (
    canonical_text,
    compile_pattern,
    compile_patterns,
    contains_words,
    count_matches,
)
from seawall.policy.tree import Feature, FeatureOrigin, TextSubject, ValueType

Row: TypeAlias = dict[str, FeatureValue]
_SILENT = {
    FeatureOrigin.UNANSWERABLE: LASTING,
    FeatureOrigin.NOT_PERMITTED: frozenset({UnknownReason.NOT_PERMITTED}),
}
"""Features that say why a signal is unknown, with the reasons that they are true for."""
TEXTUAL = frozenset(
    {
        FeatureOrigin.TEXT,
        FeatureOrigin.LENGTH,
        FeatureOrigin.MATCHES,
        FeatureOrigin.COUNT_MATCHES,
        FeatureOrigin.CONTAINS,
        FeatureOrigin.CREATOR_WORDS,
    }
)
"""Features for which rules look into texts themselves."""
CREATOR_WORDS: Final = Feature(
    "creator_words", ValueType.INTEGER, FeatureOrigin.CREATOR_WORDS, subject=TextSubject("text")
)
"""How many of the words of the creator in whose place the item stands it has."""
_NOT_PERMITTED = UnknownReason.NOT_PERMITTED
_Filler: TypeAlias = Callable[[Row, "Context"], None]


@dataclass(frozen=True, slots=True)
class Context:
    """Input for the feature row of one evaluation. ``unknown``: detector calls without result, with their parts.

    ``counters``: values by the name of their feature; None: nobody counted, so all are unknown. ``creator_words``: how
    many words of the creator in whose place the item stands were found in it.
    """

    item: Item
    parts: Sequence[Part]
    signals: Sequence[Signal] = ()
    unknown: Sequence[Unknown] = ()
    now_ms: int = 0
    counters: Mapping[str, FeatureValue] | None = None
    creator_words: int | UnknownValue = UNKNOWN


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A column fed by a signal."""

    signal: str
    column: str
    part: str | None
    counts: bool
    within: int | None = None

    def covers(self, path: str) -> bool:
        """Whether a part belongs to the column: the named part, its list entries, and parts derived from them."""
        if self.part is None or path == self.part:
            return True
        return path.startswith(self.part) and path[len(self.part)] in ".>"


def row_builder(
    features: Iterable[Feature], detectors: Iterable[DetectorSpec], limited: Collection[str] = ()
) -> Callable[[Context], Row]:
    """A function that computes exactly these features from a context.

    ``limited``: attributes ("actor.followers") that a context may call unknown, because they are too old.
    """
    features = tuple(features)
    defaults: Row = {feature.name: _default(feature) for feature in features}
    fillers = [
        filler
        for filler in (
            _fields_filler(features),
            _signals_filler(features, tuple(detectors)),
            *(_silent_filler(origin, features, tuple(detectors)) for origin in _SILENT),
            _text_filler(features),
            _counters_filler(features),
            _stale_filler(features, limited),
        )
        if filler is not None
    ]

    def row(context: Context) -> Row:
        values = defaults.copy()
        for fill in fillers:
            fill(values, context)
        return values

    return row


def _default(feature: Feature) -> FeatureValue:
    match feature.origin:
        case FeatureOrigin.SIGNAL | FeatureOrigin.IN_PART:
            return 0.0
        case FeatureOrigin.BANK | FeatureOrigin.LENGTH | FeatureOrigin.COUNT_MATCHES:
            return 0
        case FeatureOrigin.MATCHES | FeatureOrigin.CONTAINS | FeatureOrigin.IN_LIST:
            return False
        case FeatureOrigin.UNANSWERABLE | FeatureOrigin.NOT_PERMITTED:
            return False
        case _:
            return None


# -- fields ------------------------------------------------------------------------------------------------------


def _fields_filler(features: Sequence[Feature]) -> _Filler | None:
    """A generated function with two lines per column: a loop over getters would cost more than the lookups."""
    lines = []
    for feature in features:
        source = _field_source(feature)
        if source is not None:
            lines.append(f"    value = {source}")
            # A required value that is missing (the item predates the requirement) is unknown, not absent.
            promised = "value" if feature.optional else "U if value is None else value"
            lines.append(f"    row[{feature.name!r}] = {promised}")
    if not lines:
        return None
    body = [
        "def fill(row, context):",
        "    item = context.item",
        "    field = item.fields.get",
        "    attribute = item.actor_attributes.get",
        *lines,
    ]
    namespace: dict[str, Any] = {"age": _age, "place": canary_place, "U": UNKNOWN}
    exec(compile("\n".join(body), "<feature row>", "exec"), namespace)  # noqa: S102  (our own text: names are quoted)
    filler: _Filler = namespace["fill"]
    return filler


def _field_source(feature: Feature) -> str | None:
    match feature.origin:
        case FeatureOrigin.NOW:
            return "context.now_ms"
        case FeatureOrigin.CANARY:
            return f"place({feature.argument!r}, item)"
        case FeatureOrigin.ITEM_LANGUAGE:
            return "item.language"
        case FeatureOrigin.ITEM_CREATED_AT:
            return "item.created_at"
        case FeatureOrigin.TEXT | FeatureOrigin.SIGNAL | FeatureOrigin.IN_PART | FeatureOrigin.BANK:
            return None
    subject = feature.subject
    if subject is None:
        return None
    value = f"{'field' if subject.owner == 'item' else 'attribute'}({subject.name!r})"
    match feature.origin:
        case FeatureOrigin.FIELD | FeatureOrigin.ATTRIBUTE:
            return value
        case FeatureOrigin.IS_NONE:
            return f"{value} is None"
        case FeatureOrigin.IN_LIST:
            return f"{feature.argument!r} in ({value} or ())"
        case FeatureOrigin.AGE if subject.owner == "actor":
            return f"age({value}, context.now_ms if item.created_at is None else item.created_at)"
        case FeatureOrigin.AGE if feature.argument == "created_at":  # from the request or from a field
            return "age(item.created_at, context.now_ms)"
        case FeatureOrigin.AGE:
            return f"age({value}, context.now_ms)"
    return None


def canary_place(rule: str, item: Item) -> float:
    """Where the item's account stands among a thousand places of a canary rule, from 0 to 0.999: always the same.

    An item without an account stands for itself. A place names nobody: it is shared by a thousandth of all accounts.
    """
    who = f"account\0{item.actor}" if item.actor is not None else f"{item.content_type}\0{item.id}"
    digest = blake2b(f"{rule}\0{who}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 1000 / 1000


def _age(since: int | None, at: int) -> float | None:
    """Seconds between two moments, never negative. An actor's age is taken at the item's creation, if that is given."""
    return None if since is None else max(at - since, 0) / 1000


# -- signals -----------------------------------------------------------------------------------------------------


def _signals_filler(features: Sequence[Feature], detectors: Sequence[DetectorSpec]) -> _Filler | None:
    wanted: dict[str, list[_Wanted]] = {}
    for feature in features:
        if feature.growing:
            name, counts = str(feature.argument), feature.origin is FeatureOrigin.BANK
            wanted.setdefault(name, []).append(_Wanted(name, feature.name, feature.part, counts, feature.within))
    if not wanted:
        return None
    promised = {
        detector.name: tuple(column for signal in detector.signals for column in wanted.get(signal.name, ()))
        for detector in detectors
    }
    single = {name: columns[0].column for name, columns in wanted.items() if _plain(columns)}
    readers = _readers(detectors)

    def fill(row: Row, context: Context) -> None:
        missing: dict[str, None] = {}
        for signal in context.signals:
            name, value = signal.name, signal.value
            column = single.get(name)
            if column is not None:
                if not isfinite(value):
                    missing[column] = None
                elif value > row[column]:  # type: ignore[operator]
                    row[column] = value
            elif name in wanted:
                _feed(row, wanted[name], signal, missing)
        read = _read_elsewhere(context, readers)
        for unknown in context.unknown:
            for entry in promised.get(unknown.detector, ()):
                if entry.covers(unknown.part) and not read(entry.signal, unknown):
                    missing[entry.column] = None
        for column in missing:
            row[f"at_least({column})"] = row[column]
            row[column] = UNKNOWN

    return fill


def _silent_filler(
    origin: FeatureOrigin, features: Sequence[Feature], detectors: Sequence[DetectorSpec]
) -> _Filler | None:
    """True once a detector of the signal is silent about one part for these reasons; whether it can read it at all is
    unknown while it may still answer, or refuse."""
    reasons, open_until_answered = _SILENT[origin], origin is FeatureOrigin.UNANSWERABLE
    wanted = {str(feature.argument): feature.name for feature in features if feature.origin is origin}
    columns = {
        detector.name: [(signal.name, wanted[signal.name]) for signal in detector.signals if signal.name in wanted]
        for detector in detectors
    }
    if not wanted:
        return None
    readers = _readers(detectors)

    def fill(row: Row, context: Context) -> None:
        read = _read_elsewhere(context, readers)
        for unknown in context.unknown:
            for signal, column in columns.get(unknown.detector, ()):
                if read(signal, unknown):
                    continue
                if unknown.reason in reasons:
                    row[column] = True
                elif open_until_answered and unknown.reason is not _NOT_PERMITTED and row[column] is False:
                    row[column] = UNKNOWN

    return fill


_Readers: TypeAlias = Mapping[str, Sequence[tuple[str, frozenset[str]]]]
"""By signal, the detectors that read certain languages, with these."""


def _readers(detectors: Sequence[DetectorSpec]) -> _Readers:
    found: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for detector in detectors:
        for signal in detector.signals if detector.languages is not None else ():
            found.setdefault(signal.name, []).append((detector.name, detector.languages or frozenset()))
    return found


def _read_elsewhere(context: Context, readers: _Readers) -> Callable[[str, Unknown], bool]:
    """Whether a detector does not read the language of a part, and another of the signal reads it, or gave the signal.

    Detectors of one signal may share the languages between them.
    """
    if not any(each.reason is UnknownReason.LANGUAGE for each in context.unknown):
        return lambda signal, unknown: False
    given = {(signal.name, signal.part) for signal in context.signals}
    languages = {part.path: part.language for part in context.parts}

    def read(signal: str, unknown: Unknown) -> bool:
        if unknown.reason is not UnknownReason.LANGUAGE:
            return False
        if (signal, unknown.part) in given:
            return True
        language = languages.get(unknown.part)
        return any(name != unknown.detector and language in read for name, read in readers.get(signal, ()))

    return read


def _plain(columns: list[_Wanted]) -> bool:
    return len(columns) == 1 and columns[0].part is None and not columns[0].counts


def _feed(row: Row, columns: list[_Wanted], signal: Signal, missing: dict[str, None]) -> None:
    """Add one signal to every column it feeds; a non-finite value makes those columns unknown."""
    for entry in columns:
        if not entry.covers(signal.part):
            continue
        held = row[entry.column]
        assert isinstance(held, int | float)
        if not isfinite(signal.value):
            missing[entry.column] = None
        elif entry.counts:
            near = entry.within is None or signal.distance is None or signal.distance <= entry.within
            row[entry.column] = held + (1 if signal.value > 0 and near else 0)
        else:
            row[entry.column] = max(held, signal.value)


# -- counters ----------------------------------------------------------------------------------------------------


def _counters_filler(features: Sequence[Feature]) -> _Filler | None:
    names = [feature.name for feature in features if feature.counter is not None]
    if not names:
        return None
    of_texts = [feature.name for feature in features if compares_texts(feature)]

    def fill(row: Row, context: Context) -> None:
        values = context.counters
        for name in names:
            row[name] = UNKNOWN if values is None else values.get(name, UNKNOWN)
        if of_texts and any(each.detector == RULE_TEXTS for each in context.unknown):
            row.update(dict.fromkeys(of_texts, UNKNOWN))

    return fill


def compares_texts(feature: Feature) -> bool:
    """Whether a counter compares the item's text with others, as ``cluster_size`` does."""
    return feature.counter is not None and feature.counter.function is CounterFunction.CLUSTER_SIZE


# -- freshness ---------------------------------------------------------------------------------------------------


def _stale_filler(features: Sequence[Feature], limited: Collection[str]) -> _Filler | None:
    """After all others: what reads an attribute that is too old is unknown."""
    reading: dict[str, list[str]] = {}
    for feature in features:
        subject = feature.subject
        if subject is not None and (name := f"{subject.owner}.{subject.name}") in limited:
            reading.setdefault(name, []).append(feature.name)
    if not reading:
        return None

    def fill(row: Row, context: Context) -> None:
        for unknown in context.unknown:
            if unknown.reason is UnknownReason.STALE:
                row.update(dict.fromkeys(reading.get(unknown.detector, ()), UNKNOWN))

    return fill


# -- texts -------------------------------------------------------------------------------------------------------


def _text_filler(features: Sequence[Feature]) -> _Filler | None:
    """Features over texts, grouped by subject, so that each text is fetched, lower-cased and folded once."""
    by_subject: dict[TextSubject, list[Feature]] = {}
    reads_words = False
    for feature in features:
        if feature.origin is FeatureOrigin.TEXT:
            by_subject.setdefault(TextSubject("text"), []).append(feature)
        elif feature.origin is FeatureOrigin.CREATOR_WORDS:
            reads_words = True
        elif feature.origin in TEXTUAL:
            assert feature.subject is not None
            by_subject.setdefault(feature.subject, []).append(feature)
    readers = [(_fetch(subject), _text_computer(found)) for subject, found in by_subject.items()]
    names = [feature.name for found in by_subject.values() for feature in found]
    of_all_texts = [feature.name for found in by_subject.values() for feature in found if feature.of_all_texts]
    names += [CREATOR_WORDS.name] if reads_words else []
    if not names:
        return None

    def fill(row: Row, context: Context) -> None:
        silent = [each for each in context.unknown if each.detector == RULE_TEXTS] if context.unknown else ()
        if any(">" not in each.part for each in silent):
            row.update(dict.fromkeys(names, UNKNOWN))  # nobody may read the texts here, rules neither
            return
        if reads_words:
            row[CREATOR_WORDS.name] = context.creator_words
        for fetch, compute in readers:
            value = fetch(context)
            if value is not None:
                compute(row, value)
        if silent:  # texts that an extractor did not give: only what was found already is known
            row.update({name: UNKNOWN for name in of_all_texts if row[name] is not True})

    return fill


def _fetch(subject: TextSubject) -> Callable[[Context], str | tuple[str, ...] | None]:
    name = subject.name

    def screened(context: Context) -> str:
        return "\n".join(part.text for part in context.parts if part.modality is Modality.TEXT and part.text)

    def field(context: Context) -> Any:
        return context.item.fields.get(name)

    def attribute(context: Context) -> Any:
        return context.item.actor_attributes.get(name)

    fetch: Callable[[Context], Any] = {"text": screened, "item": field, "actor": attribute}[subject.owner]
    if not subject.lower:
        return fetch

    def lowered(context: Context) -> str | tuple[str, ...] | None:
        value = fetch(context)
        return tuple(entry.lower() for entry in value) if isinstance(value, tuple) else value and value.lower()

    return lowered


def _text_computer(features: Sequence[Feature]) -> Callable[[Row, str | tuple[str, ...]], None]:
    """A function that fills a subject's columns. In a list, any matching entry counts as a match; counts are summed."""
    whole = [feature.name for feature in features if feature.origin is FeatureOrigin.TEXT]
    lengths = [feature.name for feature in features if feature.origin is FeatureOrigin.LENGTH]
    matching = [feature for feature in features if feature.origin is FeatureOrigin.MATCHES]
    counting = [
        (feature.name, compile_pattern(str(feature.argument)))
        for feature in features
        if feature.origin is FeatureOrigin.COUNT_MATCHES
    ]
    containing = [
        (feature.name, canonical_text(str(feature.argument)))
        for feature in features
        if feature.origin is FeatureOrigin.CONTAINS
    ]
    names = [feature.name for feature in matching]
    search = compile_patterns([str(feature.argument) for feature in matching]) if matching else None

    def compute(row: Row, value: str | tuple[str, ...]) -> None:
        for name in whole:
            row[name] = value if isinstance(value, str) else None
        for name in lengths:
            row[name] = len(value)
        for text in (value,) if isinstance(value, str) else value:
            if search is not None:
                for index in search(text):
                    row[names[index]] = True
            for name, pattern in counting:
                row[name] += count_matches(pattern, text)  # type: ignore[operator]
            if containing:
                folded = canonical_text(text)
                for name, words in containing:
                    if contains_words(folded, words):
                        row[name] = True

    return compute


def signal_names(features: Iterable[Feature]) -> frozenset[str]:
    """The signals that these features read, of the item or, through counters, of those like it."""
    found: set[str] = set()
    for feature in features:
        if feature.growing or feature.origin in _SILENT:
            found.add(str(feature.argument))
        if feature.counter is not None:
            found.update(feature.counter.signals)
    return frozenset(found)


def providers(names: Iterable[str], detectors: Iterable[DetectorSpec]) -> frozenset[str]:
    """Detectors that emit any of these signals."""
    wanted = frozenset(names)
    return frozenset(each.name for each in detectors if any(signal.name in wanted for signal in each.signals))
