"""Running the examples of a bundle's policies: each against its policy alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from seawall.content.items import parts_of
from seawall.policy.bundle import Bundle
from seawall.policy.documents import Example
from seawall.policy.examples import CheckedExample
from seawall.policy.features import Context
from seawall.policy.program import Outcome, Program

_EPOCH: Final = 0  # the time at which examples run: no rule has expired


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleResult:
    """The result of one example. ``differences``: one line per mismatch between expectation and result."""

    policy: str
    name: str
    path: str
    line: int
    outcome: Outcome
    differences: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every expectation was met."""
        return not self.differences

    def render(self) -> str:
        """One line, plus one for every difference."""
        head = f"{self.path}:{self.line}: {self.policy}: {self.name}: {'passed' if self.passed else 'FAILED'}"
        return "\n".join([head, *(f"  {difference}" for difference in self.differences)])


def run_examples(bundle: Bundle, policies: Iterable[str] | None = None) -> list[ExampleResult]:
    """Run the examples of all policies, or of the named ones. Each sees the rules of its own policy only."""
    names = {policy.name for policy in bundle.policies} if policies is None else set(policies)
    programs: dict[tuple[str, str], Program] = {}
    results = []
    for checked in bundle.examples:
        if checked.policy not in names:
            continue
        key = (checked.policy, checked.item.content_type)
        if key not in programs:
            programs[key] = _alone(bundle, *key)
        results.append(_run(bundle, checked, programs[key]))
    return results


def _alone(bundle: Bundle, policy: str, content_type: str) -> Program:
    rules = [rule for rule in bundle.program(content_type).rules if rule.policy.name == policy]
    return Program(bundle.content_types[content_type], rules, bundle.detectors)


def _run(bundle: Bundle, checked: CheckedExample, program: Program) -> ExampleResult:
    example = checked.example
    content_type = bundle.content_types[checked.item.content_type]
    history = {feature.name: 0 for feature in program.counters}  # a counter that is not given is 0
    parts = parts_of(checked.item, content_type)
    row = program.row(Context(item=checked.item, parts=parts, now_ms=_EPOCH, counters=history))
    row.update((name, value) for name, value in checked.given.items() if name in row)
    outcome = program.decide(row)
    policy = bundle.policy(checked.policy)
    assert policy is not None
    return ExampleResult(
        policy=checked.policy,
        name=example.name,
        path=policy.source.path,
        line=policy.source.place(example.span.start)[0],
        outcome=outcome,
        differences=tuple(_differences(example, outcome)),
    )


def _differences(example: Example, outcome: Outcome) -> Iterator[str]:
    found: tuple[tuple[str, Sequence[str] | str | bool | None, Sequence[str] | str | bool], ...] = (
        ("verdict", example.verdict, outcome.verdict.value),
        ("actions", _sorted(example.actions), _sorted([action.kind for action in outcome.actions])),
        ("fired", _sorted(example.fired), _sorted([reason.rule for reason in outcome.reasons])),
        ("shadow", _sorted(example.shadow), _sorted([reason.rule for reason in outcome.shadow])),
        ("undetermined", _sorted(example.undetermined), _sorted([_rule_of(each) for each in outcome.undetermined])),
        ("degraded", example.degraded, outcome.degraded),
    )
    for noun, expected, came in found:
        if expected is not None and expected != came:
            yield f"{noun}: expected {_shown(expected)}, got {_shown(came)}"


def _rule_of(identifier: str) -> str:
    return identifier.partition("/")[2]


def _sorted(names: Sequence[str] | None) -> list[str]:
    return sorted(set(names)) if names is not None else None  # type: ignore[return-value]


def _shown(value: Sequence[str] | str | bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else "[" + ", ".join(value) + "]"
