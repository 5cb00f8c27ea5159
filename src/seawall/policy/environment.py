"""Names available to an expression: a content type's fields, detectors' signals and operating points, and banks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from seawall.content.content_types import SCREENED_ROLES
from seawall.model import ContentType, DetectorSpec, FieldRole, FieldSpec, FieldType, SignalKind, SignalSpec
from seawall.policy.documents import Policy
from seawall.policy.figures import AskedFigure, Threshold, UnusableName, resolve
from seawall.policy.tree import Feature, FeatureOrigin, TextSubject, ValueType
from seawall.yamlfile.source import nearest

_KINDS: Final = {
    FieldType.TEXT: ValueType.TEXT,
    FieldType.TEXTS: ValueType.LIST,
    FieldType.LINK: ValueType.TEXT,
    FieldType.LINKS: ValueType.LIST,
    FieldType.IMAGE: ValueType.MEDIA,
    FieldType.AUDIO: ValueType.MEDIA,
    FieldType.VIDEO: ValueType.MEDIA,
    FieldType.DOCUMENT: ValueType.MEDIA,
    FieldType.ID: ValueType.TEXT,
    FieldType.IDS: ValueType.LIST,
    FieldType.INTEGER: ValueType.INTEGER,
    FieldType.NUMBER: ValueType.NUMBER,
    FieldType.BOOLEAN: ValueType.BOOLEAN,
    FieldType.TIMESTAMP: ValueType.TIMESTAMP,
    FieldType.LANGUAGE: ValueType.TEXT,
}


@dataclass(frozen=True, slots=True)
class OfferedSignal:
    """A signal as emitted by one detector."""

    detector: DetectorSpec
    signal: SignalSpec


def offered_signals(detectors: Iterable[DetectorSpec]) -> dict[str, tuple[OfferedSignal, ...]]:
    """The signals of detectors, by name."""
    signals: dict[str, tuple[OfferedSignal, ...]] = {}
    for detector in detectors:
        for spec in detector.signals:
            signals[spec.name] = (*signals.get(spec.name, ()), OfferedSignal(detector, spec))
    return signals


@dataclass(frozen=True, slots=True)
class Environment:
    """One content type, the signals by name, and the bank names. All methods raise Unfit."""

    content_type: ContentType
    signals: Mapping[str, tuple[OfferedSignal, ...]]
    banks: frozenset[str]
    is_published: bool = False  # checked by the release that published it; later checks do not apply
    content_types: Mapping[str, ContentType] = field(default_factory=dict)  # all of the bundle: what they count
    is_creators: bool = False  # of a creators' overlay, which reads the creator's words

    def of(self, policy: Policy) -> Environment:
        """The environment of a policy: creators' overlays read more."""
        return self if policy.creators_overlay is None else replace(self, is_creators=True)

    @property
    def types(self) -> Mapping[str, ContentType]:
        """Every content type whose screenings may be counted, by name."""
        return self.content_types or {self.content_type.name: self.content_type}

    def field(self, owner: str, name: str) -> Feature:
        """The column of ``item.<name>`` or ``actor.<name>``."""
        if owner == "activity":
            raise UnusableName(
                "activity.… stands in where=, and in distinct, sum_of and max_of",
                expected="item.<field> or actor.<attribute>",
            )
        return self._attribute(name) if owner == "actor" else self._item_field(name)

    def _attribute(self, name: str) -> Feature:
        actor = self.content_type.actor
        attributes = {spec.name: spec for spec in actor.attributes} if actor else {}
        if actor is not None and name in attributes:
            column = _column("actor", attributes[name], FeatureOrigin.ATTRIBUTE)
            return column if actor.required else replace(column, optional=True)  # no actor, no attributes
        if name == "created_at":
            subject = TextSubject("actor", name)
            return Feature(subject.key, ValueType.TIMESTAMP, FeatureOrigin.ATTRIBUTE, subject, optional=True)
        names = list(dict.fromkeys(["created_at", *attributes]))
        raise UnusableName(
            f"actors of content type {self.content_type.name} have no attribute '{name}'",
            expected="one of " + ", ".join(names),
            near=nearest(name, names),
        )

    def _item_field(self, name: str) -> Feature:
        spec = self.content_type.field(name)
        role = spec.role if spec else None
        optional = not (spec and spec.required)
        if role is FieldRole.LANGUAGE or (spec is None and name == "language"):
            return Feature(f"item.{name}", ValueType.TEXT, FeatureOrigin.ITEM_LANGUAGE, optional=optional)
        if role is FieldRole.CREATED_AT or (spec is None and name == "created_at"):
            return Feature(f"item.{name}", ValueType.TIMESTAMP, FeatureOrigin.ITEM_CREATED_AT, optional=optional)
        if spec is not None:
            return _column("item", spec, FeatureOrigin.FIELD)
        names = [each.name for each in self.content_type.fields]
        raise UnusableName(
            f"content type {self.content_type.name} has no field '{name}'",
            expected="one of " + ", ".join(names),
            near=nearest(name, names),
            remedy="narrow the rule with 'applies_to' if only some content types have it",
        )

    def screened(self, name: str) -> str:
        """The name of a field that detectors read."""
        names = [spec.name for spec in self.content_type.fields if spec.role in SCREENED_ROLES]
        if name not in names:
            raise UnusableName(
                f"content type {self.content_type.name} has no screened field '{name}'",
                expected="one of " + ", ".join(names),
                near=nearest(name, names),
            )
        return name

    def signal(self, name: str) -> Feature:
        """The column of a signal that some detector emits."""
        if any(offer.signal.kind is SignalKind.DISTANCE for offer in self.signals[name]):
            raise UnusableName(
                f"signal '{name}' is a distance: smaller means nearer, and no match is not 0",
                remedy="use bank(…), which applies the allowed distance",
            )
        return Feature(name, ValueType.NUMBER, FeatureOrigin.SIGNAL, argument=name)

    def bank(self, name: str) -> str:
        """The signal that carries a bank's matches."""
        if name not in self.banks:
            banks = sorted(self.banks)
            expected = "one of " + ", ".join(banks) if banks else "a bank, but no bank exists yet"
            raise UnusableName(f"unknown bank '{name}'", expected=expected, near=nearest(name, banks))
        if f"bank:{name}" not in self.signals:
            raise UnusableName(f"no detector matches against bank '{name}'", remedy="add one that does")
        return f"bank:{name}"

    def thresholds(self, signal: str, asked: AskedFigure) -> list[Threshold]:
        """The number at which the signal's detector shows the figure, for all items, then for languages.

        Of detectors that share languages between them, each shows it for its own; other items, and those in languages
        of one that cannot show it, get the strictest.
        """
        offers = self.signals[signal]
        if not _share_languages(offers):
            names = ", ".join(offer.detector.name for offer in offers)
            message = f"signal '{signal}' comes from several detectors ({names}), so no single table applies"
            raise UnusableName(message, remedy="write a threshold as a number")
        found = _shown(offers, asked)
        if len(offers) == 1:
            return found[0][1] if self.language is not None else found[0][1][:1]
        of_all = [thresholds[0] for _, thresholds in found]
        strictest = (max if asked.rising else min)(of_all, key=lambda one: one.value)
        if self.language is None:
            return [strictest]
        told = {each.language: each for _, thresholds in found for each in thresholds[1:]}
        for detector, (overall, *_) in found:
            for language in detector.languages or ():
                told.setdefault(language, replace(overall, language=language))
        return [strictest, *(told[language] for language in sorted(told))]

    @property
    def language(self) -> Feature | None:
        """The column of the item's language; None where a field of that name is something else."""
        spec = next((spec for spec in self.content_type.fields if spec.role is FieldRole.LANGUAGE), None)
        feature = self._item_field("language" if spec is None else spec.name)
        return feature if feature.origin is FeatureOrigin.ITEM_LANGUAGE else None


def _shown(offers: Sequence[OfferedSignal], asked: AskedFigure) -> list[tuple[DetectorSpec, list[Threshold]]]:
    """What each detector shows; without those that cannot. Raises UnusableName where none can."""
    found: list[tuple[DetectorSpec, list[Threshold]]] = []
    refusals: list[UnusableName] = []
    for offer in offers:
        try:
            found.append((offer.detector, resolve(offer.detector, offer.signal, asked)))
        except UnusableName as error:
            refusals.append(error)
    if not found:
        raise refusals[0]
    return found


def _share_languages(offers: Sequence[OfferedSignal]) -> bool:
    """Whether no two of the detectors read one language."""
    read = [offer.detector.languages for offer in offers]
    if len(read) < 2:
        return True
    known = [languages for languages in read if languages is not None]
    return len(known) == len(read) and sum(map(len, known)) == len(frozenset[str]().union(*known))


def _column(owner: str, spec: FieldSpec, origin: FeatureOrigin) -> Feature:
    subject = TextSubject(owner, spec.name)
    kind = _KINDS[spec.type]
    personal = kind in (ValueType.TEXT, ValueType.LIST, ValueType.MEDIA) and spec.type is not FieldType.LANGUAGE
    return Feature(subject.key, kind, origin, subject, optional=not spec.required, personal=personal)
