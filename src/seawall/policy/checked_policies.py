"""Policies checked against the content types, detectors and banks of a bundle; what is as it was is not checked again.

Checking and compiling take milliseconds for each policy. A process that goes from one bundle to the next takes over the
policies, checked rules and compiled programs that nothing changed for; the result is the same as if all were made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from seawall.model import ContentType, DetectorSpec
from seawall.policy.documents import Policy, PolicySource
from seawall.policy.environment import Environment, offered_signals
from seawall.policy.examples import CheckedExample, check_examples
from seawall.policy.policyfile import load_policy
from seawall.policy.program import Program
from seawall.policy.rules import CheckedRule, check_policy
from seawall.yamlfile.source import PolicyErrors, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPolicy:
    """A policy, its rules for each content type that it applies to, its examples, and what is wrong with them."""

    policy: Policy
    rules: Mapping[str, tuple[CheckedRule, ...]]
    examples: tuple[CheckedExample, ...]
    problems: tuple[Problem, ...]
    example_problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedPolicies:
    """All policies of a bundle, and what they were checked against."""

    content_types: Mapping[str, ContentType]
    detectors: tuple[DetectorSpec, ...]
    banks: tuple[str, ...]
    policies: tuple[CheckedPolicy, ...]

    @property
    def rules(self) -> dict[str, list[CheckedRule]]:
        """The rules of each content type, in the order of the policies."""
        return {
            name: [rule for checked in self.policies for rule in checked.rules.get(name, ())]
            for name in self.content_types
        }

    @property
    def of_everybody(self) -> dict[str, list[CheckedRule]]:
        """The same without those that creators switch on."""
        return {
            name: [rule for rule in rules if rule.policy.creators_overlay is None] for name, rules in self.rules.items()
        }

    def has_same_surroundings(self, other: CheckedPolicies) -> bool:
        """Whether both were checked against the same content types, detectors and banks."""
        mine = (self.content_types, self.detectors, self.banks)
        return mine == (other.content_types, other.detectors, other.banks)


def read_policies(
    given: Iterable[PolicySource | Policy],
    problems: list[Problem],
    *,
    published: bool = False,
    former: CheckedPolicies | None = None,
    pause: Callable[[], None] = lambda: None,
) -> list[Policy]:
    """The policies, by name; those of ``former`` where path and text are the same. Problems are added to the list."""
    known = {} if former is None else {each.policy.source.path: each.policy for each in former.policies}
    found: list[Policy] = []
    for source in given:
        if isinstance(source, Policy):
            found.append(source)
            continue
        read = known.get(source.path)
        if read is not None and read.source.text == source.text:
            found.append(read)
            continue
        try:
            found.append(load_policy(source.text, source.path, published=published))
        except PolicyErrors as errors:
            problems += errors.problems
        pause()
    return sorted(found, key=lambda policy: policy.name)


def check_policies(
    policies: Iterable[Policy],
    content_types: Mapping[str, ContentType],
    detectors: tuple[DetectorSpec, ...],
    banks: tuple[str, ...],
    *,
    published: bool = False,
    former: CheckedPolicies | None = None,
    pause: Callable[[], None] = lambda: None,
) -> CheckedPolicies:
    """Check every policy. ``former``: checked as strictly as these; what it holds of the same policies is taken over.

    ``published``: checks that were added since a release published the policies do not apply.
    """
    result = CheckedPolicies(content_types=content_types, detectors=detectors, banks=banks, policies=())
    known: dict[int, CheckedPolicy] = {}
    if former is not None and former.has_same_surroundings(result):
        known = {id(each.policy): each for each in former.policies}
    signals = offered_signals(detectors)
    environments = {
        name: Environment(each, signals, frozenset(banks), published, content_types)
        for name, each in content_types.items()
    }
    found: list[CheckedPolicy] = []
    for policy in policies:
        checked = known.get(id(policy))
        if checked is None:
            checked = _check(policy, environments)
            pause()
        found.append(checked)
    return CheckedPolicies(content_types=content_types, detectors=detectors, banks=banks, policies=tuple(found))


def _check(policy: Policy, environments: Mapping[str, Environment]) -> CheckedPolicy:
    rules: dict[str, tuple[CheckedRule, ...]] = {}
    problems: list[Problem] = []
    for name, environment in environments.items():
        if name in policy.applies_to:
            checked, refused = check_policy(policy, environment)
            rules[name] = tuple(checked)
            problems += refused
    examples, wrong = check_examples(policy, environments)
    return CheckedPolicy(
        policy=policy,
        rules=rules,
        examples=tuple(examples),
        problems=tuple(problems),
        example_problems=tuple(wrong),
    )


def compile_programs(
    checked: CheckedPolicies,
    *,
    former: CheckedPolicies | None = None,
    programs: Mapping[str, Program],
    pause: Callable[[], None] = lambda: None,
) -> dict[str, Program]:
    """The program of each content type, without the rules of creators' overlays; those of ``former``, ``programs``,
    where the rules are the same objects."""
    before = former.of_everybody if former is not None and former.has_same_surroundings(checked) else {}
    found: dict[str, Program] = {}
    for name, rules in checked.of_everybody.items():
        if name in before and _are_same(before[name], rules):
            found[name] = programs[name]
            continue
        found[name] = Program(checked.content_types[name], rules, checked.detectors)
        pause()
    return found


def _are_same(one: Sequence[CheckedRule], other: Sequence[CheckedRule]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))
