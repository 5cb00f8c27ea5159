"""Configuration of judges in YAML files.

    judge: hate-judge
    family: gpt-oss-safeguard
    model: gpt-oss-safeguard-20b
    url: http://127.0.0.1:8000/v1
    signals:
      hate_judged: {policy: hateful-conduct}
    ask_when: {signal: hate, from: 0.2, to: 0.9}

``docs/providers.md`` explains every key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from seawall.configfile import ConfigStruct, Name, Section, Text, Texts, expand
from seawall.model.harms import HARMS
from seawall.model.signals import Cost, DetectorSpec, SignalKind, SignalSpec
from seawall.providers.judges.families import FAMILIES, Family
from seawall.providers.judges.judge import MODALITIES, JudgeConfig, JudgedPolicy
from seawall.providers.judges.questions import PolicyQuestion
from seawall.providers.limits import CallLimits, LimitsFile
from seawall.providers.provider import ScoreRangeFile, base_url, read_score_ranges

_PATIENT: Final = CallLimits(timeout_s=20.0, total_s=25.0, retries=1)  # models take seconds


class ChargeFile(ConfigStruct, frozen=True):
    """One entry of ``signals``."""

    policy: Name | None = None
    title: Text | None = None
    definition: Text | None = None
    guidance: Text = ""
    categories: Texts = Texts()
    harm: Literal[tuple(HARMS)] | None = None  # type: ignore[valid-type]
    description: Text = ""


class JudgeFile(ConfigStruct, frozen=True):
    """A whole description; ``signals`` are read one by one."""

    judge: Name
    family: Literal[tuple(FAMILIES)]  # type: ignore[valid-type]
    model: Text
    url: Text
    signals: dict[str, Any]
    key: Text | None = None
    allow_http: bool = False
    proxy: Text | None = None
    ask_when: ScoreRangeFile | list[ScoreRangeFile] = msgspec.field(default_factory=list)
    votes: Annotated[int, Meta(ge=1, le=9)] = 1
    logprobs: bool = True
    given: Name | None = None
    longest: Annotated[int, Meta(ge=20, le=1_000_000_000)] = 8_000
    pieces: Annotated[int, Meta(ge=1, le=100)] = 4
    languages: Texts = Texts()
    limits: LimitsFile = LimitsFile()


def read_judge(section: Section, environment: Mapping[str, str] | None = None) -> JudgeConfig:
    """Compile a description, its key taken from the environment. Raises ConfigError."""
    file = section.convert(JudgeFile)
    family = FAMILIES[file.family]
    signals = section.section("signals")
    charges = tuple(_charge(each, signals.section(each), family) for each in signals.values)
    if not charges:
        section.fail("signals", "this is missing: write name: {policy: hateful-conduct}")
    model = expand(file.model, section.at("model"), environment)
    url = base_url(file.url, section.at("url"), allow_http=file.allow_http, environment=environment)
    return JudgeConfig(
        spec=DetectorSpec(
            name=file.judge,
            version=f"{family.version}-{_fingerprint(section, model)}",
            signals=tuple(charge.signal for charge in charges),
            modalities=MODALITIES,
            languages=frozenset(file.languages) or None,
            cost=Cost.SLOW,
        ),
        family=family,
        model=model,
        url=url.rstrip("/"),
        key=expand(file.key, section.at("key"), environment) or None if file.key else None,
        charges=charges,
        votes=file.votes,
        logprobs=file.logprobs,
        longest=file.longest,
        given=file.given,
        pieces=file.pieces,
        limits=_PATIENT.but(file.limits),
        cache=file.limits.cache,
        proxy=expand(file.proxy, section.at("proxy"), environment) if file.proxy else None,
        score_ranges=read_score_ranges(section, file.ask_when),
    )


def _charge(name: str, section: Section, family: Family) -> JudgedPolicy:
    file = section.convert(ChargeFile)
    signal = SignalSpec(name=name, kind=SignalKind.SCORE, harm=file.harm, description=file.description)
    if not family.by_question:
        strangers = sorted(set(file.categories) - set(family.categories))
        if not file.categories or strangers:
            section.fail("categories", f"{family.name} knows: {', '.join(family.categories)}")
        return JudgedPolicy(signal=signal, categories=tuple(file.categories))
    if file.categories:
        section.fail("categories", f"{family.name} has none: write policy, or definition and guidance")
    if file.definition is None:
        if file.policy is None:
            section.fail("policy", "this is missing: write the name of a policy, or a definition")
        return JudgedPolicy(signal=signal, policy=file.policy)
    question = PolicyQuestion(
        policy=file.policy or name,
        title=file.title or name.replace("_", " "),
        definition=file.definition,
        guidance=file.guidance,
    )
    return JudgedPolicy(signal=signal, policy=question.policy, question=question)


def _fingerprint(section: Section, model: str) -> str:
    keys = ("family", "signals", "votes", "logprobs", "longest", "pieces", "ask_when")
    meaning = {key: section.values.get(key) for key in keys}
    if section.values.get("given") is not None:
        meaning["given"] = section.values["given"]
    return hashlib.sha256(msgspec.json.encode({**meaning, "model": model}, order="sorted")).hexdigest()[:8]
