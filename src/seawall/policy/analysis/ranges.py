"""Which values a feature can have in a content type, and which parts its detectors can read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from seawall.content.content_types import SCREENED_ROLES
from seawall.model import ContentType, FieldType, Modality, SignalKind
from seawall.model.counters import CounterFunction, CounterSpec
from seawall.policy.environment import Environment, OfferedSignal
from seawall.policy.reasoning import ANYTHING, FROM_ZERO, NOTHING_FOUND, UNIT, ValueRange
from seawall.policy.tree import Feature, FeatureOrigin, ValueType

_COUNTS: Final = frozenset(
    {FeatureOrigin.BANK, FeatureOrigin.LENGTH, FeatureOrigin.COUNT_MATCHES}
)  # whole numbers from 0
SIGNALS: Final = frozenset({FeatureOrigin.SIGNAL, FeatureOrigin.IN_PART})
_UNIT_KINDS: Final = frozenset({SignalKind.PROBABILITY, SignalKind.SCORE})
_TEXT: Final = frozenset({Modality.TEXT, Modality.LINK, Modality.CONTEXT})
_MODALITIES: Final[Mapping[FieldType, frozenset[Modality]]] = {
    FieldType.IMAGE: _TEXT | {Modality.IMAGE},
    FieldType.AUDIO: _TEXT | {Modality.AUDIO, Modality.IMAGE},
    FieldType.VIDEO: _TEXT | {Modality.VIDEO, Modality.AUDIO, Modality.IMAGE},
    FieldType.DOCUMENT: frozenset(Modality),
}
"""What may be found in a field of this type, with all that extractors make of it; of other types: text."""


def ranges_in(environment: Environment) -> Callable[[Feature], ValueRange]:
    """Which values a feature may have in a content type."""
    reachable = modalities_of(environment.content_type)

    def range_of(feature: Feature) -> ValueRange:
        if feature.origin in SIGNALS:
            offers = environment.signals.get(str(feature.argument), ())
            if not reaching(offers, reachable):
                return NOTHING_FOUND
            return UNIT if all(offer.signal.kind in _UNIT_KINDS for offer in offers) else FROM_ZERO
        if feature.counter is not None:
            return _counted_range(feature.counter, feature.kind)
        if feature.origin in _COUNTS:
            return replace(FROM_ZERO, whole=True)
        if feature.origin is FeatureOrigin.AGE:
            return FROM_ZERO
        if feature.kind is ValueType.BOOLEAN:
            return ValueRange(only=frozenset({True, False}))
        return replace(ANYTHING, whole=feature.kind is ValueType.INTEGER)

    return range_of


def _counted_range(spec: CounterSpec, kind: ValueType) -> ValueRange:
    if spec.function is CounterFunction.AMONG_LAST:
        return ValueRange(low=0, high=spec.last, whole=True)
    if spec.function is CounterFunction.SINCE_LAST:
        return ValueRange(low=0, high=spec.within / 1000)
    return replace(ANYTHING, whole=kind is ValueType.INTEGER)


def modalities_of(content_type: ContentType) -> frozenset[Modality]:
    """Every modality that parts of an item may have, derived parts included."""
    found: frozenset[Modality] = frozenset({Modality.CONTEXT})
    for spec in content_type.fields:
        if spec.role in SCREENED_ROLES:
            found |= _MODALITIES.get(spec.type, _TEXT)
    return found


def reaching(offers: Iterable[OfferedSignal], modalities: frozenset[Modality]) -> list[OfferedSignal]:
    return [offer for offer in offers if offer.detector.modalities & modalities]
