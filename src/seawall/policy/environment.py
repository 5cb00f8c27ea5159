"""What an expression may name: a content type's fields, the detectors' signals, their operating points, the banks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from seawall.model import ContentType, DetectorSpec, FieldSpec, FieldType, Role, SignalKind, SignalSpec
from seawall.policy.content_types import SCREENED_ROLES
from seawall.policy.source import nearest
from seawall.policy.tree import Feature, Kind, Origin, Subject

_KINDS: Final = {
    FieldType.TEXT: Kind.TEXT,
    FieldType.TEXTS: Kind.LIST,
    FieldType.LINK: Kind.TEXT,
    FieldType.LINKS: Kind.LIST,
    FieldType.IMAGE: Kind.MEDIA,
    FieldType.AUDIO: Kind.MEDIA,
    FieldType.VIDEO: Kind.MEDIA,
    FieldType.DOCUMENT: Kind.MEDIA,
    FieldType.ID: Kind.TEXT,
    FieldType.IDS: Kind.LIST,
    FieldType.INTEGER: Kind.INTEGER,
    FieldType.NUMBER: Kind.NUMBER,
    FieldType.BOOLEAN: Kind.BOOLEAN,
    FieldType.TIMESTAMP: Kind.TIMESTAMP,
    FieldType.LANGUAGE: Kind.TEXT,
}


class Unfit(Exception):
    """A name that cannot be used as it is; the checker adds the place."""

    def __init__(
        self,
        message: str,
        *,
        expected: str | None = None,
        near: tuple[str, ...] = (),
        remedy: str | None = None,
    ) -> None:
        self.message = message
        self.details = {"expected": expected, "near": near, "remedy": remedy}
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Offer:
    """A signal as one detector offers it."""

    detector: DetectorSpec
    signal: SignalSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A threshold as a rule asked for it, and the number it resolved to for the current detector."""

    signal: str
    asked: str  # "at_fpr(0.001)"
    value: float
    detector: str
    version: str
    fpr_upper: float
    recall: float


@dataclass(frozen=True, slots=True)
class Environment:
    """One content type, the signals by name, the names of the banks. All methods raise Unfit."""

    content_type: ContentType
    signals: Mapping[str, tuple[Offer, ...]]
    banks: frozenset[str]

    def field(self, owner: str, name: str) -> Feature:
        """The column of ``item.<name>`` or ``actor.<name>``."""
        return self._attribute(name) if owner == "actor" else self._item_field(name)

    def _attribute(self, name: str) -> Feature:
        actor = self.content_type.actor
        attributes = {spec.name: spec for spec in actor.attributes} if actor else {}
        if actor is not None and name in attributes:
            column = _column("actor", attributes[name], Origin.ATTRIBUTE)
            return column if actor.required else replace(column, optional=True)  # no actor, no attributes
        if name == "created_at":
            subject = Subject("actor", name)
            return Feature(subject.key, Kind.TIMESTAMP, Origin.ATTRIBUTE, subject, optional=True)
        names = ["created_at", *attributes]
        raise Unfit(
            f"actors of content type {self.content_type.name} have no attribute '{name}'",
            expected="one of " + ", ".join(names),
            near=nearest(name, names),
        )

    def _item_field(self, name: str) -> Feature:
        spec = self.content_type.field(name)
        role = spec.role if spec else None
        optional = not (spec and spec.required)
        if role is Role.LANGUAGE or (spec is None and name == "language"):
            return Feature(f"item.{name}", Kind.TEXT, Origin.ITEM_LANGUAGE, optional=optional)
        if role is Role.CREATED_AT or (spec is None and name == "created_at"):
            return Feature(f"item.{name}", Kind.TIMESTAMP, Origin.ITEM_CREATED_AT, optional=optional)
        if spec is not None:
            return _column("item", spec, Origin.FIELD)
        names = [each.name for each in self.content_type.fields]
        raise Unfit(
            f"content type {self.content_type.name} has no field '{name}'",
            expected="one of " + ", ".join(names),
            near=nearest(name, names),
            remedy="narrow the rule with 'applies_to' if only some content types have it",
        )

    def screened(self, name: str) -> str:
        """The name of a field that detectors look at."""
        names = [spec.name for spec in self.content_type.fields if spec.role in SCREENED_ROLES]
        if name not in names:
            raise Unfit(
                f"content type {self.content_type.name} has no screened field '{name}'",
                expected="one of " + ", ".join(names),
                near=nearest(name, names),
            )
        return name

    def signal(self, name: str) -> Feature:
        """The column of a signal that is offered."""
        if any(offer.signal.kind is SignalKind.DISTANCE for offer in self.signals[name]):
            raise Unfit(
                f"signal '{name}' is a distance: smaller is nearer, and absence is not 0",
                remedy="ask for matches with bank(…), which knows the allowed distance",
            )
        return Feature(name, Kind.NUMBER, Origin.SIGNAL, argument=name)

    def bank(self, name: str) -> str:
        """The signal of a bank's matches."""
        if name not in self.banks:
            banks = sorted(self.banks)
            expected = "one of " + ", ".join(banks) if banks else "a bank, and there is none yet"
            raise Unfit(f"unknown bank '{name}'", expected=expected, near=nearest(name, banks))
        if f"bank:{name}" not in self.signals:
            raise Unfit(f"no detector looks into bank '{name}'", remedy="add a detector that matches against it")
        return f"bank:{name}"

    def threshold(self, signal: str, rate: float) -> Threshold:
        """The smallest threshold whose upper bound of the false-positive rate is at most ``rate``."""
        offers = self.signals[signal]
        if len(offers) > 1:
            names = ", ".join(offer.detector.name for offer in offers)
            message = f"signal '{signal}' comes from several detectors ({names}), so no one table applies"
            raise Unfit(message, remedy="write a threshold as a number")
        detector, spec = offers[0].detector, offers[0].signal
        who = f"{detector.name} {detector.version}"
        if spec.kind is not SignalKind.PROBABILITY or not spec.operating_points:
            message = f"{who} has no calibrated operating points for '{signal}'"
            raise Unfit(message, remedy="write a threshold as a number, such as 0.8")
        reached = [point for point in spec.operating_points if point.fpr_upper <= rate]
        if not reached:
            best = min(point.fpr_upper for point in spec.operating_points)
            raise Unfit(
                f"{who} cannot show a false-positive rate of at most {rate:g} for '{signal}'",
                expected=f"at_fpr({_round_up(best)}) or more: its best upper bound is {best:.2g}",
                remedy="ask for a higher rate, or calibrate the detector on more data",
            )
        point = min(reached, key=lambda each: each.threshold)
        return Threshold(
            signal=signal,
            asked=f"at_fpr({rate:g})",
            value=point.threshold,
            detector=detector.name,
            version=detector.version,
            fpr_upper=point.fpr_upper,
            recall=point.recall,
        )


def _column(owner: str, spec: FieldSpec, origin: Origin) -> Feature:
    subject = Subject(owner, spec.name)
    kind = _KINDS[spec.type]
    personal = kind in (Kind.TEXT, Kind.LIST, Kind.MEDIA) and spec.type is not FieldType.LANGUAGE
    return Feature(subject.key, kind, origin, subject, optional=not spec.required, personal=personal)


def _round_up(rate: float) -> str:
    """Two significant digits, never below the rate."""
    text = f"{rate:.2g}"
    return text if float(text) >= rate else f"{rate * 1.01:.2g}"
