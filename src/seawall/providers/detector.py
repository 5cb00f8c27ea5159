"""Adapter from a service to a detector: sends parts, returns signals, or *unknown* on any failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seawall.detect.cascade import ScoreRange
from seawall.model.content import MEDIA_MODALITIES, Part
from seawall.model.signals import DetectorResult, DetectorSpec, Signal, Unknown, UnknownReason
from seawall.providers.cache import ResponseCache, key_of
from seawall.providers.calls import Caller, CallerState, CallFailed, Outcome
from seawall.providers.chunking import in_pieces
from seawall.providers.provider import Provider
from seawall.providers.request_body import build
from seawall.providers.response_mapping import UnexpectedResponse

_Found = tuple[tuple[str, float, str | None], ...]  # name, value, evidence


class HttpDetector:
    """Detector that calls the service described by a ``Provider``. Thread-safe."""

    deterministic = False

    def __init__(self, provider: Provider, *, caller: Caller | None = None) -> None:
        self._provider = provider
        self._caller = caller or Caller(provider.spec.name, provider.limits, proxy=provider.proxy)
        self._cache: ResponseCache[_Found] = ResponseCache(provider.cache)

    @property
    def spec(self) -> DetectorSpec:
        """The spec declared in the provider's file."""
        return self._provider.spec

    @property
    def ask_when(self) -> tuple[ScoreRange, ...]:
        """The score ranges in which it is called; empty: always."""
        return self._provider.score_ranges

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """One answer for each part. A part without a valid response is *unknown*."""
        provider = self._provider
        return in_pieces(parts, provider.longest, provider.pieces, provider.spec.name, self._detect)

    def _detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        known = [self._without_asking(part) for part in parts]
        to_send: dict[bytes, Part] = {}  # the same content is sent once
        for part, answer in zip(parts, known, strict=True):
            if answer is None:
                to_send.setdefault(key_of(part), part)
        found = self._send(to_send)
        return [
            self._answer(part, found[key_of(part)]) if answer is None else answer
            for part, answer in zip(parts, known, strict=True)
        ]

    def state(self) -> CallerState:
        """Usage today, and whether the circuit breaker is open."""
        return self._caller.state()

    def close(self) -> None:
        """Close the connections."""
        self._caller.close()

    def _without_asking(self, part: Part) -> DetectorResult | None:
        if part.modality not in MEDIA_MODALITIES:
            if not (part.text or "").strip():
                return ()
        elif not part.data:
            return self._unknown(part, UnknownReason.UNREADABLE, "no bytes")
        elif len(part.data) > self._provider.largest:
            return self._unknown(part, UnknownReason.UNREADABLE, f"larger than {self._provider.largest} bytes")
        held = self._cache.get(key_of(part))
        return None if held is None else self._answer(part, held)

    def _send(self, parts: Mapping[bytes, Part]) -> dict[bytes, _Found | Unknown]:
        """Answers of the service by key; successful ones are cached."""
        keys, size = list(parts), self._provider.batch
        groups = [keys[start : start + size] for start in range(0, len(keys), size)]
        reported = self._ask([[parts[key] for key in group] for group in groups])
        found = dict(zip(keys, (answer for answers in reported for answer in answers), strict=True))
        for key, answer in found.items():
            if not isinstance(answer, Unknown):
                self._cache.put(key, answer)
        return found

    def _ask(self, groups: Sequence[Sequence[Part]]) -> list[list[_Found | Unknown]]:
        """Answers for each group; if a group of several is refused, its items are sent one by one."""
        outcomes = self._caller.fetch([build(self._provider.request, group) for group in groups])
        reported = [self._read(group, outcome) for group, outcome in zip(groups, outcomes, strict=True)]
        for at, group in enumerate(groups):
            refused = all(isinstance(each, Unknown) and each.reason is UnknownReason.ERROR for each in reported[at])
            if len(group) > 1 and refused and not isinstance(outcomes[at], CallFailed):
                reported[at] = [answer for [answer] in self._ask([[part] for part in group])]
        return reported

    def _read(self, group: Sequence[Part], outcome: Outcome) -> list[_Found | Unknown]:
        if isinstance(outcome, CallFailed):
            return [self._unknown(part, outcome.reason, outcome.code) for part in group]
        provider = self._provider
        for refusal in provider.refusals:
            if refusal.fits(outcome.status, outcome.document):
                return [self._unknown(part, refusal.reason, f"refused: http {outcome.status}") for part in group]
        if not 200 <= outcome.status < 300:
            return [self._unknown(part, UnknownReason.ERROR, f"http {outcome.status}") for part in group]
        for requirement in provider.requirements:
            if not requirement.met(outcome.document):
                detail = f"{requirement.path.text} is not {requirement.word}"
                return [self._unknown(part, UnknownReason.ERROR, detail) for part in group]
        documents = [outcome.document]
        if provider.results is not None:
            lists = provider.results.find(outcome.document)
            documents = lists[0] if len(lists) == 1 and isinstance(lists[0], list) else []
            if len(documents) != len(group):
                detail = f"{len(documents)} results at {provider.results.text} for {len(group)} parts"
                return [self._unknown(part, UnknownReason.ERROR, detail) for part in group]
        return [self._measure(part, document) for part, document in zip(group, documents, strict=True)]

    def _measure(self, part: Part, document: object) -> _Found | Unknown:
        try:
            return tuple((reading.spec.name, *reading.value(document)) for reading in self._provider.readings)
        except UnexpectedResponse as unfit:
            return self._unknown(part, UnknownReason.ERROR, unfit.detail)

    def _answer(self, part: Part, found: _Found | Unknown) -> DetectorResult:
        spec = self._provider.spec
        if isinstance(found, Unknown):
            return Unknown(detector=spec.name, part=part.path, reason=found.reason, detail=found.detail)
        return tuple(
            Signal(name=name, value=value, part=part.path, detector=spec.name, version=spec.version, evidence=evidence)
            for name, value, evidence in found
            if value > 0
        )

    def _unknown(self, part: Part, reason: UnknownReason, detail: str) -> Unknown:
        return Unknown(detector=self._provider.spec.name, part=part.path, reason=reason, detail=detail)
