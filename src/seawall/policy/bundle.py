"""Bundles: what is in force. Immutable, addressed by the hash of their canonical bytes, rebuilt from those alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Final

from seawall.content.content_types import check_content_type
from seawall.content.extraction import STANDARD, extractors_of
from seawall.model import ContentType, DetectorSpec
from seawall.policy.documents import Policy, PolicySource
from seawall.policy.environment import Environment, OfferedSignal
from seawall.policy.examples import CheckedExample, check_examples
from seawall.policy.policyfile import find_duplicates, load_policy
from seawall.policy.program import Program
from seawall.policy.rules import CheckedRule, check_policy
from seawall.yamlfile.source import PolicyErrors, Problem, nearest, problem_at

FORMAT: Final = 1


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Policies, content types, detector versions and bank names that decide together. Equal by hash."""

    policies: tuple[Policy, ...] = field(compare=False)
    content_types: Mapping[str, ContentType] = field(compare=False)
    detectors: tuple[DetectorSpec, ...] = field(compare=False)
    banks: tuple[str, ...] = field(compare=False)
    thresholds: tuple[ResolvedThreshold, ...] = field(compare=False)
    examples: tuple[CheckedExample, ...] = field(default=(), compare=False)
    hash: str = ""
    _canonical: bytes = field(default=b"", repr=False, compare=False)
    _programs: Mapping[str, Program] = field(default_factory=dict, repr=False, compare=False)

    def canonical(self) -> bytes:
        """The bytes that ``hash`` is the SHA-256 of, and that ``load_bundle`` reads."""
        return self._canonical

    def program(self, content_type: str) -> Program:
        """The compiled rules of a content type. Raises KeyError."""
        return self._programs[content_type]

    def policy(self, name: str) -> Policy | None:
        """The policy of that name, or None."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, Policy]:
        return {policy.name: policy for policy in self.policies}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedThreshold:
    """What a rule asked for ("at_fpr(0.001)") and the number it runs with."""

    policy: str
    rule: str
    signal: str
    asked: str
    value: float
    detector: str
    version: str


def build_bundle(
    policies: Iterable[PolicySource | Policy],
    content_types: Iterable[ContentType],
    detectors: Iterable[DetectorSpec],
    banks: Iterable[str],
) -> Bundle:
    """Check everything against everything and compile it. Raises PolicyErrors with all problems found.

    The result does not depend on the order of the arguments.
    """
    problems: list[Problem] = []
    loaded = sorted(_load(policies, problems), key=lambda policy: policy.name)
    types = {each.name: each for each in sorted(content_types, key=lambda each: each.name)}
    offered = tuple(sorted(detectors, key=lambda each: (each.name, each.version)))
    names = tuple(sorted(set(banks)))
    problems += find_duplicates(loaded)
    problems += _unknown_types(loaded, types)
    problems += _detector_problems(offered, types)
    for content_type in types.values():
        problems += check_content_type(content_type)
    signals = _signals(offered)
    environments = {name: Environment(each, signals, frozenset(names)) for name, each in types.items()}
    rules: dict[str, list[CheckedRule]] = {name: [] for name in types}
    examples: list[CheckedExample] = []
    for policy in loaded:
        for name, environment in environments.items():
            if name in policy.applies_to:
                checked, refused = check_policy(policy, environment)
                rules[name] += checked
                problems += refused
        tests, refused = check_examples(policy, environments)
        examples += tests
        problems += refused
    if problems:
        raise PolicyErrors(_distinct(problems))
    thresholds = _thresholds(rules)
    canonical = _encode(loaded, types, offered, names, thresholds)
    return Bundle(
        policies=tuple(loaded),
        content_types=MappingProxyType(types),
        detectors=offered,
        banks=names,
        thresholds=thresholds,
        hash=_digest(canonical),
        examples=tuple(examples),
        _canonical=canonical,
        _programs={name: Program(types[name], rules[name], offered) for name in types},
    )


def load_bundle(canonical: bytes) -> Bundle:
    """The bundle that ``Bundle.canonical`` gave these bytes for. Raises ValueError for anything else."""
    import msgspec

    try:
        document = msgspec.json.decode(canonical, type=_Document)
    except msgspec.DecodeError as error:
        raise ValueError(f"these bytes are no policy bundle: {error}") from None
    if document.format != FORMAT:
        raise ValueError(f"the bundle has format {document.format}; this version of Seawall reads format {FORMAT}")
    sources = [PolicySource(path=f"{name}.yaml", text=text) for name, text in document.policies.items()]
    bundle = build_bundle(sources, document.content_types, document.detectors, document.banks)
    if bundle.canonical() != canonical:
        raise ValueError("these bytes are no policy bundle in canonical form, or this version reads them differently")
    return bundle


def _load(policies: Iterable[PolicySource | Policy], problems: list[Problem]) -> Sequence[Policy]:
    loaded = []
    for policy in policies:
        if isinstance(policy, Policy):
            loaded.append(policy)
            continue
        try:
            loaded.append(load_policy(policy.text, policy.path))
        except PolicyErrors as errors:
            problems += errors.problems
    return loaded


def _unknown_types(policies: Iterable[Policy], types: Mapping[str, ContentType]) -> Iterable[Problem]:
    for policy in policies:
        for name, span in policy.places.items():
            if name not in types:
                yield problem_at(
                    policy.source,
                    span,
                    f"unknown content type '{name}'",
                    expected="one of " + ", ".join(types),
                    near=nearest(name, types),
                )


def _detector_problems(detectors: Sequence[DetectorSpec], types: Mapping[str, ContentType]) -> Iterable[Problem]:
    names = [detector.name for detector in detectors]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(message=f"two detectors are called '{name}'", path="detectors", remedy="rename one of them")
    for content_type in types.values():
        for stage in content_type.stages:
            for name in stage.detectors or ():
                if name not in names and name not in STANDARD:
                    yield Problem(
                        message=f"stage {stage.name} asks detector '{name}', which is not installed",
                        path=f"content type {content_type.name}",
                        expected="one of " + ", ".join(names),
                        nearest=nearest(name, names),
                    )
        for spec in content_type.fields:
            for name in extractors_of(spec):
                if name not in names and name not in STANDARD:  # a standard one that is missing is unknown when asked
                    known = sorted(STANDARD.union(names))
                    yield Problem(
                        message=f"field {spec.name} extracts '{name}', which is not installed",
                        path=f"content type {content_type.name}",
                        expected="one of " + ", ".join(sorted(STANDARD)),
                        nearest=nearest(name, known),
                    )


def _signals(detectors: Iterable[DetectorSpec]) -> dict[str, tuple[OfferedSignal, ...]]:
    signals: dict[str, tuple[OfferedSignal, ...]] = {}
    for detector in detectors:
        for spec in detector.signals:
            signals[spec.name] = (*signals.get(spec.name, ()), OfferedSignal(detector, spec))
    return signals


def _distinct(problems: Iterable[Problem]) -> list[Problem]:
    """One entry for what several content types report alike."""
    return list(dict.fromkeys(problems))


def _thresholds(rules: Mapping[str, Sequence[CheckedRule]]) -> tuple[ResolvedThreshold, ...]:
    found = {
        ResolvedThreshold(
            policy=rule.policy.name,
            rule=rule.rule.id,
            signal=threshold.signal,
            asked=threshold.asked,
            value=threshold.value,
            detector=threshold.detector,
            version=threshold.version,
        )
        for checked in rules.values()
        for rule in checked
        for threshold in rule.thresholds
    }
    return tuple(sorted(found, key=lambda each: (each.policy, each.rule, each.signal, each.asked)))


# -- bytes -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document:
    """A bundle's canonical form: sorted JSON. Policies stand by their source texts."""

    format: int
    policies: dict[str, str]
    content_types: tuple[ContentType, ...]
    detectors: tuple[DetectorSpec, ...]
    banks: tuple[str, ...]
    thresholds: tuple[ResolvedThreshold, ...]


def _digest(canonical: bytes) -> str:
    from hashlib import sha256  # loads OpenSSL

    return sha256(canonical).hexdigest()


def _encode(
    policies: Sequence[Policy],
    types: Mapping[str, ContentType],
    detectors: tuple[DetectorSpec, ...],
    banks: tuple[str, ...],
    thresholds: tuple[ResolvedThreshold, ...],
) -> bytes:
    import msgspec  # only making and reading a bundle's bytes needs it

    document = _Document(
        format=FORMAT,
        policies={policy.name: policy.source.text for policy in policies},
        content_types=tuple(types.values()),
        detectors=detectors,
        banks=banks,
        thresholds=thresholds,
    )
    return msgspec.json.encode(document, order="sorted")
