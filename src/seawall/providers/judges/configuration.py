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
from typing import Any, Final

import msgspec

from seawall.model.harms import HARMS
from seawall.model.signals import Cost, DetectorSpec, SignalKind, SignalSpec
from seawall.providers.calls import CallLimits
from seawall.providers.config import Section, expand
from seawall.providers.judges.families import FAMILIES, Family, LlamaGuard
from seawall.providers.judges.judge import MODALITIES, JudgeConfig, JudgedPolicy
from seawall.providers.judges.questions import PolicyQuestion
from seawall.providers.provider import base_url, read_bands

_KEYS: Final = (
    "judge", "family", "model", "url", "key", "allow_http", "proxy", "signals", "ask_when", "votes", "logprobs",
    "longest", "pieces", "languages", "limits",
)  # fmt: skip
_PATIENT: Final = CallLimits(timeout_s=20.0, total_s=25.0, retries=1)  # models take seconds


def read_judge(section: Section, environment: Mapping[str, str] | None = None) -> JudgeConfig:
    """Compile a description; its key is taken from the environment. Raises ConfigError."""
    section.only(*_KEYS)
    name = section.name("judge")
    family = FAMILIES[section.choice("family", tuple(FAMILIES))]
    listed = section.section("signals")
    charges = tuple(_charge(each, listed.section(each), family) for each in listed)
    if not charges:
        section.fail("signals", "missing: write name: {policy: hateful-conduct}")
    languages = section.texts("languages")
    model = expand(section.text("model"), section.at("model"), environment)
    votes = section.whole("votes", 1, least=1, most=9)
    return JudgeConfig(
        spec=DetectorSpec(
            name=name,
            version=f"{family.version}-{_fingerprint(section, model)}",
            signals=tuple(charge.signal for charge in charges),
            modalities=MODALITIES,
            languages=frozenset(languages) or None,
            cost=Cost.SLOW,
        ),
        family=family,
        model=model,
        url=base_url(section, section, environment).rstrip("/"),
        key=expand(section.text("key"), section.at("key"), environment) or None if "key" in section else None,
        charges=charges,
        votes=votes,
        logprobs=section.flag("logprobs", True),
        longest=section.whole("longest", 8_000, least=20),
        pieces=section.whole("pieces", 4, least=1, most=100),
        limits=CallLimits.read(section.section("limits"), _PATIENT),
        cache=section.section("limits").whole("cache", 10_000, most=10_000_000),
        proxy=expand(section.text("proxy"), section.at("proxy"), environment) if "proxy" in section else None,
        bands=read_bands(section),
    )


def _charge(name: str, section: Section, family: Family) -> JudgedPolicy:
    section.only("policy", "title", "definition", "guidance", "categories", "harm", "description")
    signal = SignalSpec(
        name=name,
        kind=SignalKind.SCORE,
        harm=section.choice("harm", tuple(HARMS), None),
        description=section.text("description", ""),
    )
    if not family.by_question:
        categories = section.texts("categories")
        strangers = sorted(set(categories) - set(LlamaGuard.categories))
        if not categories or strangers:
            section.fail("categories", f"{family.name} has {LlamaGuard.categories[0]} to {LlamaGuard.categories[-1]}")
        return JudgedPolicy(signal=signal, categories=categories)
    if "categories" in section:
        section.fail("categories", f"{family.name} has none: write policy, or definition and guidance")
    if "definition" not in section:
        return JudgedPolicy(signal=signal, policy=section.name("policy"))
    question = PolicyQuestion(
        policy=section.name("policy", name),
        title=section.text("title", name.replace("_", " ")),
        definition=section.text("definition"),
        guidance=section.text("guidance", ""),
    )
    return JudgedPolicy(signal=signal, policy=question.policy, question=question)


def _fingerprint(section: Section, model: str) -> str:
    meaning: dict[str, Any] = {
        key: section.raw(key) for key in ("family", "signals", "votes", "logprobs", "longest", "pieces", "ask_when")
    }
    return hashlib.sha256(msgspec.json.encode({**meaning, "model": model}, order="sorted")).hexdigest()[:8]
