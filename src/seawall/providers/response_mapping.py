"""From a service's answer to signals: where each value stands, its scale, and what is no value at all."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seawall.model.harms import HARMS
from seawall.model.signals import SignalKind, SignalSpec, UnknownReason
from seawall.providers.config import Section
from seawall.providers.paths import ResponsePath

_KINDS = ("score", "probability", "count")


@dataclass(frozen=True, slots=True)
class UnexpectedResponse(Exception):
    """An answer that does not hold what was promised. The text names places of the configuration, never content."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalMapping:
    """One signal: found at any of ``paths`` (the largest counts), from ``low``..``high`` to 0..1."""

    spec: SignalSpec
    paths: tuple[ResponsePath, ...]
    low: float = 0.0
    high: float = 1.0
    words: Mapping[str, float] = field(default_factory=dict)  # for services that answer with words
    missing: float | None = None  # the value where a path leads nowhere; None: then the answer is unfit

    @classmethod
    def read(cls, name: str, section: Section) -> SignalMapping:
        """From one entry of ``signals``. Raises ConfigError."""
        section.only("at", "scale", "words", "missing", "kind", "harm", "description", "note")
        kind = SignalKind(section.choice("kind", _KINDS, "score"))
        harm = section.choice("harm", tuple(HARMS), None)
        note = section.text("note", "")
        description = section.text("description", "")
        low, high = _scale(section)
        return cls(
            spec=SignalSpec(
                name=name, kind=kind, harm=harm, description=f"{description} ({note})" if note else description
            ),
            paths=read_paths(section, "at"),
            low=low,
            high=high,
            words=_words(section),
            missing=section.number("missing", None, most=1.0),
        )

    def value(self, document: object) -> tuple[float, str | None]:
        """The signal's value in an answer, and which of several paths led to it. Raises Unfit."""
        best: tuple[float, str | None] | None = None
        for path in self.paths:
            for found in path.find(document):
                value = self._scaled(found, path)
                if best is None or value > best[0]:
                    best = (value, path.tail if len(self.paths) > 1 else None)
        if best is not None:
            return best
        if self.missing is None:
            raise UnexpectedResponse(f"{self.spec.name}: nothing at {self.paths[0].text}")
        return self.missing, None

    def _scaled(self, found: Any, path: ResponsePath) -> float:
        if isinstance(found, str):
            if found not in self.words:
                raise UnexpectedResponse(f"{self.spec.name}: a word that is not listed at {path.text}")
            return self.words[found]
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise UnexpectedResponse(f"{self.spec.name}: no number at {path.text}")
        if not math.isfinite(found) or not self.low <= found <= self.high:
            raise UnexpectedResponse(f"{self.spec.name}: a number outside {self.low:g} to {self.high:g} at {path.text}")
        if self.spec.kind is SignalKind.COUNT:
            return float(found)
        return (found - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalMapping:
    """How a service says that it cannot look at something: that is no fault of the call."""

    status: int | None
    path: ResponsePath | None
    words: tuple[str, ...]
    reason: UnknownReason

    @classmethod
    def read(cls, section: Section) -> RefusalMapping:
        """From one entry of ``refusals``. Raises ConfigError."""
        section.only("status", "at", "is", "reason")
        return cls(
            status=section.whole("status", None, most=599),
            path=read_paths(section, "at")[0] if "at" in section else None,
            words=section.texts("is"),
            reason=UnknownReason(section.choice("reason", ("language", "unreadable", "overloaded", "error"))),
        )

    def fits(self, status: int, document: object) -> bool:
        """Whether the service said this."""
        if self.status is not None and status != self.status:
            return False
        return self.path is None or any(str(found) in self.words for found in self.path.find(document))


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """Something a good answer says: otherwise it is none. The word ``*`` stands for anything."""

    path: ResponsePath
    word: str

    def met(self, document: object) -> bool:
        """Whether it says so."""
        return any(self.word == "*" or _plain(found) == self.word for found in self.path.find(document))


def read_requirements(section: Section) -> tuple[Requirement, ...]:
    """From ``require``: path → value. Raises ConfigError."""
    found = []
    for key, value in section.values.items():
        try:
            found.append(Requirement(path=ResponsePath.read(key), word=_plain(value)))
        except ValueError as error:
            section.fail(key, str(error))
    return tuple(found)


def read_paths(section: Section, key: str) -> tuple[ResponsePath, ...]:
    """One path or several. Raises ConfigError."""
    texts = section.texts(key)
    if not texts:
        section.fail(key, "this is missing: write a path such as /results/0/score")
    try:
        return tuple(ResponsePath.read(text) for text in texts)
    except ValueError as error:
        section.fail(key, str(error))


def _scale(section: Section) -> tuple[float, float]:
    if "scale" not in section:
        return (0.0, math.inf) if section.raw("kind") == "count" else (0.0, 1.0)
    raw = section.raw("scale")
    numbers = isinstance(raw, list) and len(raw) == 2 and all(type(each) in (int, float) for each in raw)
    if not numbers or not raw[0] < raw[1]:
        section.fail("scale", "write the lowest and the highest value, such as [0, 100]")
    return float(raw[0]), float(raw[1])


def _words(section: Section) -> dict[str, float]:
    words = section.section("words")
    return {key: words.number(key, most=1.0) for key in words}


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
