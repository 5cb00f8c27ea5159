"""Maps a service's response to signals: path and scale of each value, and which values are invalid."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from seawall.configfile import ConfigStruct, Section, Text, Texts
from seawall.model.harms import HARMS
from seawall.model.signals import SignalKind, SignalSpec, UnknownReason
from seawall.providers.paths import ResponsePath

Share = Annotated[float, Meta(ge=0, le=1)]


class SignalFile(ConfigStruct, frozen=True):
    """One entry of ``signals``."""

    at: Texts
    scale: tuple[float, float] | None = None
    words: dict[str, Any] = msgspec.field(default_factory=dict)
    missing: Share | None = None
    kind: Literal["score", "probability", "count"] = "score"
    harm: Literal[tuple(HARMS)] | None = None  # type: ignore[valid-type]
    description: Text = ""
    note: Text = ""


class RefusalFile(ConfigStruct, frozen=True):
    """One entry of ``refusals``."""

    reason: Literal["language", "unreadable", "overloaded", "error"]
    status: Annotated[int, Meta(ge=0, le=599)] | None = None
    at: Texts | None = None
    words: Texts = msgspec.field(default=Texts(), name="is")


@dataclass(frozen=True, slots=True)
class UnexpectedResponse(Exception):
    """A response without the declared values. The message names places in the configuration, never content."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalMapping:
    """One signal: the largest value at any of ``paths``, scaled from ``low``..``high`` to 0..1."""

    spec: SignalSpec
    paths: tuple[ResponsePath, ...]
    low: float = 0.0
    high: float = 1.0
    words: Mapping[str, float] = field(default_factory=dict)  # for services that answer with words
    missing: float | None = None  # value if a path matches nothing; None: the response is invalid

    @classmethod
    def read(cls, name: str, section: Section) -> SignalMapping:
        """Read one entry of ``signals``. Raises ConfigError."""
        file = section.convert(SignalFile)
        low, high = _scale(section, file)
        words = section.section("words")
        return cls(
            spec=SignalSpec(
                name=name,
                kind=SignalKind(file.kind),
                harm=file.harm,
                description=f"{file.description} ({file.note})" if file.note else file.description,
            ),
            paths=read_paths(section, "at", file.at),
            low=low,
            high=high,
            words={key: _share(words, key) for key in words.values},
            missing=file.missing,
        )

    def value(self, document: object) -> tuple[float, str | None]:
        """The signal's value in a response, and the path it came from. Raises UnexpectedResponse."""
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
    """How a service reports content that it cannot process; the call itself did not fail."""

    status: int | None
    path: ResponsePath | None
    words: tuple[str, ...]
    reason: UnknownReason

    @classmethod
    def read(cls, section: Section) -> RefusalMapping:
        """Read one entry of ``refusals``. Raises ConfigError."""
        file = section.convert(RefusalFile)
        return cls(
            status=file.status,
            path=read_paths(section, "at", file.at)[0] if file.at is not None else None,
            words=tuple(file.words),
            reason=UnknownReason(file.reason),
        )

    def fits(self, status: int, document: object) -> bool:
        """Whether the response is this refusal."""
        if self.status is not None and status != self.status:
            return False
        return self.path is None or any(str(found) in self.words for found in self.path.find(document))


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A condition on valid responses; a response that fails it is invalid. The word ``*`` matches anything."""

    path: ResponsePath
    word: str

    def met(self, document: object) -> bool:
        """Whether the response meets it."""
        return any(self.word == "*" or _plain(found) == self.word for found in self.path.find(document))


def read_requirements(section: Section) -> tuple[Requirement, ...]:
    """Read ``require``: path → value. Raises ConfigError."""
    found = []
    for key, value in section.values.items():
        try:
            found.append(Requirement(path=ResponsePath.read(key), word=_plain(value)))
        except ValueError as error:
            section.fail(key, str(error))
    return tuple(found)


def read_paths(section: Section, key: str, texts: Texts) -> tuple[ResponsePath, ...]:
    """Read one path or several. Raises ConfigError."""
    try:
        return tuple(ResponsePath.read(text) for text in texts)
    except ValueError as error:
        section.fail(key, str(error))


def _scale(section: Section, file: SignalFile) -> tuple[float, float]:
    if file.scale is None:
        return (0.0, math.inf) if file.kind == "count" else (0.0, 1.0)
    low, high = file.scale
    if not low < high:
        section.fail("scale", "write the lowest and the highest value, such as [0, 100]")
    return low, high


def _share(words: Section, key: str) -> float:
    value = words.values[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        words.fail(key, "write a number from 0 to 1")
    return float(value)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
