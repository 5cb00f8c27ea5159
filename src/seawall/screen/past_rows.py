"""Past decisions under a query in the policy language: what each one's stored feature row says.

The ledger holds the row of every decision by the machine. What no rule read then is not in it: signals that were
measured all the same are taken from the decision, and what the author wrote is read from the vault, but only where the
rest of the row leaves the query open. What is nowhere stays unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from seawall.content import parts_of
from seawall.model import (
    UNKNOWN,
    ContentType,
    Decision,
    FeatureValue,
    FieldType,
    Item,
    Modality,
    Part,
    Prohibition,
    Unknown,
    now_ms,
)
from seawall.model.not_permitted import RULE_TEXTS
from seawall.policy import Context, Feature, Row, RowQuery
from seawall.policy.prohibitions import texts_withheld
from seawall.screen.artifacts import derived_name, read_artifacts
from seawall.screen.content import decode, features_name, fields_name
from seawall.screen.events import DECISION_MADE
from seawall.screen.unasked import unasked
from seawall.storage import Vault

_StoredFeatures: TypeAlias = dict[str, str | int | float | bool | None]


_FILES: Final = frozenset({FieldType.IMAGE, FieldType.AUDIO, FieldType.VIDEO, FieldType.DOCUMENT})


class PastOutcome(StrEnum):
    """What a query says of a past decision."""

    MATCHED = "matched"
    NOT_MATCHED = "not matched"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"  # what the query needs to know is erased, or its retention ended


class WhyUnknown(StrEnum):
    """Why a feature of a past decision has no value."""

    UNANSWERED = "unanswered"  # its detector gave no answer
    NOT_STORED = "not stored"  # no rule in force read it, and it cannot be computed again
    ERASED = "erased"  # the content that it is computed from is gone
    NOT_PERMITTED = "not permitted"  # it reads texts that rules may not read there, then or now


class _StoredReason(msgspec.Struct, frozen=True):
    policy: str
    rule: str


class _StoredRow(msgspec.Struct, frozen=True):
    """What a query reads of a decision's record: the rest is skipped, which is most of the time."""

    features: _StoredFeatures | None = None
    unknown_features: tuple[str, ...] = ()
    vault_features: tuple[str, ...] = ()
    reasons: tuple[_StoredReason, ...] = ()
    shadow: tuple[_StoredReason, ...] = ()


class _StoredRecord(msgspec.Struct, frozen=True):
    decision: _StoredRow


_DECODER: Final = msgspec.json.Decoder(_StoredRecord)


class PastDecision(msgspec.Struct, frozen=True):
    """One decision of the past by the machine, as its tables and its event have it, in the order of their columns."""

    id: str
    at: int
    item: str
    content_type: str
    revision: int
    actor: str | None
    verdict: str
    language: str | None
    version: int  # of the event
    body: bytes


class PastAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The query's answer about one decision. ``rules``: "policy/rule", those that fired then, also in shadow.

    ``missing``: the features without a value, where these leave the answer open. ``read``: bytes of content and of
    personal features that were opened for it.
    """

    past: PastDecision
    outcome: PastOutcome
    rules: tuple[str, ...] = ()
    missing: Mapping[str, WhyUnknown] = msgspec.field(default_factory=dict)
    read: int = 0


class _Reading(msgspec.Struct):
    """One decision while its row is filled. ``absent``: features that the row does not hold (yet)."""

    past: PastDecision
    query: RowQuery
    stored: _StoredRow | Decision
    row: Row
    absent: dict[str, Feature]
    result: tuple[int, int]
    unanswered: set[str]
    erased: bool = False
    withheld: bool = False
    read: int = 0

    @property
    def is_open(self) -> bool:
        return self.result[1] != 0

    def run(self) -> None:
        self.result = self.query.run(self.row)

    def take(self, values: Mapping[str, FeatureValue], names: Iterable[str]) -> None:
        """Fill absent features, with the bounds of those that are unknown in part."""
        for name in names:
            bound = self.absent.pop(name).bound
            self.row[name] = values[name]
            if bound in values:
                self.row[bound] = values[bound]

    @property
    def entries(self) -> list[tuple[str, str]]:
        """What of the vault may settle the answer."""
        if not self.is_open:
            return []
        past, names = self.past, []
        if any(name in self.stored.vault_features for name in self.absent):
            names.append(features_name(past.id))
        if any(name in self.query.readable for name in self.absent):
            names.append(fields_name(past.revision))
            if any(one.type in _FILES for one in self.query.content_type.fields):
                names.append(derived_name(past.id))
        return [(past.item, name) for name in names]

    def answer(self) -> PastAnswer:
        fired, unknown = self.result
        missing: dict[str, WhyUnknown] = {}
        if unknown:
            outcome = PastOutcome.UNREADABLE if self.erased else PastOutcome.UNKNOWN
            missing = {one.name: self._why(one.name) for one in self.query.features if self.row[one.name] is UNKNOWN}
        else:
            outcome = PastOutcome.MATCHED if fired else PastOutcome.NOT_MATCHED
        rules: tuple[str, ...] = ()
        if fired:
            rules = tuple(f"{one.policy}/{one.rule}" for one in (*self.stored.reasons, *self.stored.shadow))
        return PastAnswer(past=self.past, outcome=outcome, rules=rules, missing=missing, read=self.read)

    def _why(self, name: str) -> WhyUnknown:
        if name in self.unanswered:
            return WhyUnknown.UNANSWERED
        if self.withheld and name in self.query.readable:
            return WhyUnknown.NOT_PERMITTED
        if self.erased and (name in self.query.readable or name in self.stored.vault_features):
            return WhyUnknown.ERASED
        return WhyUnknown.NOT_STORED


def answer_page(
    vault: Vault,
    queries: Mapping[str, RowQuery],
    page: Sequence[PastDecision],
    prohibitions: Sequence[Prohibition] = (),
) -> list[PastAnswer]:
    """The answers about these decisions, in their order. ``queries``: by content type, with one for each of them.

    ``prohibitions``: those in force. Texts that rules may not read now, or might not then, are not read.
    """
    readings = [_reading(queries[past.content_type], past) for past in page]
    wanted = [entry for reading in readings for entry in reading.entries]
    if wanted:
        opened = vault.open_many(wanted)
        for reading in readings:
            if reading.entries:
                _read_content(reading, opened, prohibitions)
    return [reading.answer() for reading in readings]


def _reading(query: RowQuery, past: PastDecision) -> _Reading:
    """The stored row, and what else the decision's record says if that leaves the query open."""
    if past.version == DECISION_MADE.version:
        stored: _StoredRow | Decision = _DECODER.decode(past.body).decision
    else:
        stored = DECISION_MADE.decode(past.version, past.body).decision
    row: Row = dict(stored.features or {})
    row.update(dict.fromkeys(stored.unknown_features, UNKNOWN))
    absent = {one.name: one for one in query.features if one.name not in row}
    row.update(dict.fromkeys(absent, UNKNOWN))
    reading = _Reading(past, query, stored, row, absent, query.run(row), set(stored.unknown_features))
    if reading.is_open and not query.measurable.isdisjoint(absent):
        _read_signals(reading)
    return reading


def _read_signals(reading: _Reading) -> None:
    """Fill what was measured though no rule read it. Without any value of a signal nobody knows whether it was."""
    made = DECISION_MADE.decode(reading.past.version, reading.past.body).decision
    item = Item(content_type=reading.past.content_type, id="", fields={})
    names = [one.name for one in reading.query.content_type.fields]
    unknown = (*made.unknown, *unasked(made, names))
    values = reading.query.measured(Context(item, (), made.signals, unknown, reading.past.at))
    given = {signal.name for signal in made.signals}
    unanswered = {name for name in reading.query.measurable if values[name] is UNKNOWN and name in reading.absent}
    reading.unanswered |= unanswered
    known = [name for name, one in reading.absent.items() if name in reading.query.measurable and one.argument in given]
    reading.take(values, {*known, *unanswered})
    reading.run()


def _read_content(
    reading: _Reading, opened: Mapping[tuple[str, str], bytes], prohibitions: Sequence[Prohibition]
) -> None:
    """Fill what the vault holds: the personal features of the decision, and what the content gives again."""
    past, query = reading.past, reading.query
    of_decision = opened.get((past.item, features_name(past.id)))
    if of_decision is not None:
        sealed = msgspec.json.decode(of_decision)
        reading.take(sealed, [name for name in reading.absent if name in sealed])
        reading.read += len(of_decision)
    wanted = [name for name in reading.absent if name in query.readable]
    content = opened.get((past.item, fields_name(past.revision)))
    if content is not None and wanted:
        derived = opened.get((past.item, derived_name(past.id)))
        context = _context(query.content_type, content, derived, past.at)
        withheld = _texts_withheld(reading, context.item, prohibitions)
        reading.withheld = bool(withheld)
        reading.take(query.written(replace(context, unknown=withheld)), wanted)
        reading.read += len(content) + len(derived or b"")
    elif wanted:
        reading.erased = True
    reading.run()


def _texts_withheld(reading: _Reading, item: Item, prohibitions: Sequence[Prohibition]) -> tuple[Unknown, ...]:
    now = texts_withheld(prohibitions, item, reading.query.content_type, now_ms())
    if now:
        return now
    made = DECISION_MADE.decode(reading.past.version, reading.past.body).decision
    return tuple(one for one in unasked(made, ("",)) if one.detector == RULE_TEXTS)


def _context(content_type: ContentType, content: bytes, derived: bytes | None, at: int) -> Context:
    """What was written in the item, and read from its media, as its evaluation saw it."""
    sealed = decode(content)
    fields = {
        name: tuple(value) if isinstance(value, list) else True if isinstance(value, dict) else value  # a file is there
        for name, value in sealed.fields.items()
    }
    item = Item(
        content_type=content_type.name,
        id="",
        fields=fields,
        actor_attributes=sealed.actor_attributes,
        language=sealed.language,
        created_at=sealed.created_at,
    )
    parts = list(parts_of(item, content_type))
    parts += [
        Part(path=one.path, modality=one.modality, field=one.field, text=one.text, parent=one.parent)
        for one in read_artifacts(derived).parts
        if one.modality is Modality.TEXT and one.text
    ]
    return Context(item=item, parts=parts, now_ms=at)
