"""A language model as a detector: called over any OpenAI-compatible endpoint, with policies in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

import msgspec

from seawall.detect.cascade import ScoreRange
from seawall.model.content import Modality, Part
from seawall.model.signals import (
    DetectorResult,
    DetectorSpec,
    Signal,
    SignalSpec,
    Unknown,
    UnknownReason,
)
from seawall.providers.cache import ResponseCache, key_of
from seawall.providers.calls import Caller, CallerState, CallFailed, Outcome, ProviderRequest
from seawall.providers.chunking import in_pieces
from seawall.providers.judges.families import Family
from seawall.providers.judges.questions import FindQuestion, PolicyQuestion, PolicyQuestions
from seawall.providers.judges.scores import ScoredChoice, read_choice, vote
from seawall.providers.limits import CallLimits

MODALITIES: Final = frozenset({Modality.TEXT})

_VOTE_TEMPERATURE: Final = 0.7
_TOP: Final = 10  # alternatives requested per token


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedPolicy:
    """The meaning of one signal: a policy (active, or defined here), or categories that the model knows."""

    signal: SignalSpec
    policy: str | None = None
    question: PolicyQuestion | None = None
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeConfig:
    """A judge's configuration. ``repr`` does not show the key."""

    spec: DetectorSpec
    family: Family
    model: str
    url: str = field(repr=False)
    key: str | None = field(default=None, repr=False)
    charges: tuple[JudgedPolicy, ...]
    votes: int = 1
    logprobs: bool = True
    longest: int = 8_000  # characters of text per call
    pieces: int = 4  # maximum pieces of a longer text
    limits: CallLimits = field(default_factory=CallLimits)
    cache: int = 10_000
    proxy: str | None = field(default=None, repr=False)
    score_ranges: tuple[ScoreRange, ...] = ()
    given: str | None = None  # the context field with the prompt that the texts answer


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedAnswer(Part):
    """A text of a model, with the prompt that it answers."""

    asked: str = ""


class _Abstained(Exception):
    """No ruling about a part. ``detail`` contains no content."""

    def __init__(self, reason: UnknownReason, detail: str) -> None:
        self.reason = reason
        self.detail = detail


@dataclass(slots=True)
class _Inquiry:
    """One query: one question (or all categories) about one text."""

    part: Part
    question: PolicyQuestion | None
    key: bytes
    outcomes: list[Outcome] = field(default_factory=list)


class Judge:
    """Asks a model whether texts violate policies. May be called from several threads.

    The same text with the same policy text is queried once, then cached.
    """

    deterministic = False

    def __init__(
        self, config: JudgeConfig, questions: FindQuestion | None = None, *, caller: Caller | None = None
    ) -> None:
        self._config = config
        self._questions: FindQuestion = questions or PolicyQuestions()
        self._caller = caller or Caller(config.spec.name, config.limits, proxy=config.proxy)
        self._cache: ResponseCache[ScoredChoice] = ResponseCache(config.cache)
        if config.given is not None:
            self.compose = self._answers  # only then: what composes is asked again when extractors add parts

    @property
    def spec(self) -> DetectorSpec:
        """The spec from the judge's configuration."""
        return self._config.spec

    @property
    def ask_when(self) -> tuple[ScoreRange, ...]:
        """The score ranges in which it is called; empty: always."""
        return self._config.score_ranges

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """One answer per part. An answer that is not in the requested form is *unknown*."""
        config = self._config
        return in_pieces(parts, config.longest, config.pieces, config.spec.name, self._detect)

    def _detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        questions = self._current()
        wanted = [question for question in questions.values() if question is not None]
        asked = list(dict.fromkeys(wanted)) if self._config.family.by_question else [None]
        missing = [name for name, question in questions.items() if question is None]
        found = {} if missing else self._find_out(parts, asked)
        answers: list[DetectorResult] = []
        for part in parts:
            if not (part.text or "").strip():
                answers.append(())
            elif len(_asked(part) or "") > self._config.longest:
                detail = f"its prompt is longer than {self._config.longest} characters"
                answers.append(self._unknown(part, UnknownReason.ERROR, detail))
            elif missing:
                answers.append(self._unknown(part, UnknownReason.ERROR, f"policy {missing[0]} is not active"))
            else:
                answers.append(self._answer(part, questions, found))
        return answers

    def missing(self) -> tuple[str, ...]:
        """Policies that it needs and that are not active; until they are, it answers nothing."""
        return tuple(name for name, question in self._current().items() if question is None)

    def state(self) -> CallerState:
        """Today's usage, and whether the endpoint's circuit breaker is open."""
        return self._caller.state()

    def close(self) -> None:
        """Close the connections."""
        self._caller.close()

    def _answers(self, parts: Sequence[Part]) -> list[JudgedAnswer]:
        """The texts of an item, each with the prompt that it answers."""
        asked = next((part.text for part in parts if part.field == self._config.given and part.text), "")
        texts = [part for part in parts if part.modality is Modality.TEXT and part.field != self._config.given]
        return [
            JudgedAnswer(**{each.name: getattr(part, each.name) for each in fields(Part)}, asked=asked)
            for part in texts
        ]

    # ── requests ──

    def _current(self) -> dict[str, PolicyQuestion | None]:
        """The question of each signal (by the policy's name where it is missing). None: categories."""
        if not self._config.family.by_question:
            return {}
        found: dict[str, PolicyQuestion | None] = {}
        for charge in self._config.charges:
            question = charge.question or self._questions(charge.policy or "")
            found[charge.signal.name if question is not None else str(charge.policy)] = question
        return found

    def _find_out(
        self, parts: Sequence[Part], asked: Sequence[PolicyQuestion | None]
    ) -> Mapping[bytes, ScoredChoice | _Abstained]:
        """Rulings by key, from the cache or from the model."""
        found: dict[bytes, ScoredChoice | _Abstained] = {}
        open_ones: dict[bytes, _Inquiry] = {}
        for part in parts:
            text = part.text or ""
            for question in asked if text.strip() and len(_asked(part) or "") <= self._config.longest else ():
                key = self._key(part, question)
                held = self._cache.get(key)
                if held is not None:
                    found[key] = held
                else:
                    open_ones.setdefault(key, _Inquiry(part, question, key))
        requests = [(inquiry, self._request(inquiry)) for inquiry in open_ones.values()]
        sent = [(inquiry, request) for inquiry, request in requests for _ in range(self._config.votes)]
        for (inquiry, _), outcome in zip(sent, self._caller.fetch([request for _, request in sent]), strict=True):
            inquiry.outcomes.append(outcome)
        for inquiry in open_ones.values():
            ruling = self._ruling(inquiry.outcomes)
            found[inquiry.key] = ruling
            if isinstance(ruling, ScoredChoice):
                self._cache.put(inquiry.key, ruling)
        return found

    def _key(self, part: Part, question: PolicyQuestion | None) -> bytes:
        config = self._config
        context = [question.version if question else "", config.model, config.family.name, config.spec.version]
        answered = _asked(part)
        return key_of(part, *context, *([] if answered is None else [answered]))

    def _request(self, inquiry: _Inquiry) -> ProviderRequest:
        config = self._config
        prompt = config.family.prompt(inquiry.question, inquiry.part.text or "", _asked(inquiry.part))
        body: dict[str, Any] = {
            "model": config.model,
            "messages": prompt.messages,
            "max_tokens": config.family.answer_tokens,
            "temperature": 0.0 if config.votes == 1 else _VOTE_TEMPERATURE,
            **prompt.extra,
        }
        if config.logprobs:
            body.update(logprobs=True, top_logprobs=_TOP)
        headers = {"content-type": "application/json"}
        if config.key:
            headers["authorization"] = f"Bearer {config.key}"
        url = f"{config.url}/chat/completions"
        return ProviderRequest(method="POST", url=url, headers=headers, body=msgspec.json.encode(body))

    def _ruling(self, outcomes: Sequence[Outcome]) -> ScoredChoice | _Abstained:
        votes: list[ScoredChoice | None] = []
        for outcome in outcomes:
            if isinstance(outcome, CallFailed):
                return _Abstained(outcome.reason, outcome.code)
            if not 200 <= outcome.status < 300:
                return _Abstained(UnknownReason.ERROR, f"http {outcome.status}")
            document = outcome.document
            choices = document.get("choices") if isinstance(document, dict) else None
            one = isinstance(choices, list) and len(choices) == 1
            votes.append(read_choice(self._config.family, choices[0]) if one and choices else None)
        return vote(votes) or _Abstained(UnknownReason.ERROR, "abstained: the answer is not in the requested form")

    # ── answers ──

    def _answer(
        self,
        part: Part,
        questions: Mapping[str, PolicyQuestion | None],
        found: Mapping[bytes, ScoredChoice | _Abstained],
    ) -> DetectorResult:
        signals = []
        for charge in self._config.charges:
            question = questions.get(charge.signal.name)
            ruling = found[self._key(part, question)]
            if isinstance(ruling, _Abstained):
                return self._unknown(part, ruling.reason, ruling.detail)
            named = [code for code in ruling.ruling.codes if code in charge.categories]
            score = ruling.score if self._config.family.by_question or named else 0.0
            if score > 0:
                signals.append(
                    Signal(
                        name=charge.signal.name,
                        value=min(score, 1.0),
                        part=part.path,
                        detector=self.spec.name,
                        version=f"{self.spec.version}.{question.version}" if question else self.spec.version,
                        evidence="+".join(named) or (question.policy if question else None),
                    )
                )
        return tuple(signals)

    def _unknown(self, part: Part, reason: UnknownReason, detail: str) -> Unknown:
        return Unknown(detector=self.spec.name, part=part.path, reason=reason, detail=detail)


def _asked(part: Part) -> str | None:
    """The prompt that a part answers; None: it is no answer."""
    return part.asked if isinstance(part, JudgedAnswer) else None
