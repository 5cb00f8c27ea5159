"""Running the examples of a bundle's policies: each against its policy alone.

Two columns: *logic*, by the ``given`` values, and *as screened*, by what the real detectors and banks find in the item.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from seawall.content.items import parts_of
from seawall.model import UNKNOWN, FeatureValue
from seawall.policy.bundle import Bundle
from seawall.policy.counterfactuals import show_value
from seawall.policy.documents import Example
from seawall.policy.examples import CheckedExample
from seawall.policy.features import Context, Row
from seawall.policy.program import Outcome, Program
from seawall.policy.tree import Feature, FeatureOrigin

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


class ScreenedState(StrEnum):
    """How an example fares with the real detectors and banks."""

    PASSED = "passed"
    FAILED = "failed"
    WANTED = "wanted"  # declared as not fulfilled yet, and it is not
    FULFILLED = "fulfilled"  # declared as not fulfilled yet, and it is: the declaration can go
    SKIPPED = "not screened"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenedExample:
    """One example with what the real detectors and banks find in its item. ``why``: why it was not screened.

    ``measured``: the given values that they do not find, such as "spam is 0.2, given 0.9".
    """

    policy: str
    name: str
    path: str
    line: int
    state: ScreenedState
    why: str = ""
    outcome: Outcome | None = None
    differences: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()

    def render(self) -> str:
        """One line, plus one for every difference."""
        shown = self.state.upper() if self.state is ScreenedState.FAILED else self.state.value
        head = f"{self.path}:{self.line}: {self.policy}: {self.name}: as screened: {shown}"
        return "\n".join([f"{head} ({self.why})" if self.why else head, *self.details()])

    def details(self) -> list[str]:
        """A line for every difference, and one for what was measured."""
        lines = [f"  {difference}" for difference in self.differences]
        return [*lines, f"  measured: {'; '.join(self.measured)}"] if self.measured else lines


Measure = Callable[[CheckedExample, Program], Context]
"""Asks the detectors that a program needs about an example's item."""


def run_examples(bundle: Bundle, policies: Iterable[str] | None = None) -> list[ExampleResult]:
    """Run the examples of all policies, or of the named ones. Each sees the rules of its own policy only."""
    return [_run(bundle, checked, program) for checked, program in _with_programs(bundle, policies)]


def run_screened(bundle: Bundle, measure: Measure, policies: Iterable[str] | None = None) -> list[ScreenedExample]:
    """The same with what ``measure`` finds in place of the given values of signals and banks.

    Other given values stay: an account's age is no detector's to find.
    """
    return [_screen(bundle, checked, program, measure) for checked, program in _with_programs(bundle, policies)]


def _with_programs(bundle: Bundle, policies: Iterable[str] | None) -> Iterator[tuple[CheckedExample, Program]]:
    names = {policy.name for policy in bundle.policies} if policies is None else set(policies)
    programs: dict[tuple[str, str], Program] = {}
    for checked in bundle.examples:
        if checked.policy not in names:
            continue
        key = (checked.policy, checked.item.content_type)
        if key not in programs:
            programs[key] = _alone(bundle, *key)
        yield checked, programs[key]


def _alone(bundle: Bundle, policy: str, content_type: str) -> Program:
    whole = bundle.program(content_type, bundle.creators_overlays)
    rules = [rule for rule in whole.rules if rule.policy.name == policy]
    return Program(bundle.content_types[content_type], rules, bundle.detectors)


def _run(bundle: Bundle, checked: CheckedExample, program: Program) -> ExampleResult:
    content_type = bundle.content_types[checked.item.content_type]
    parts = parts_of(checked.item, content_type)
    context = Context(item=checked.item, parts=parts, now_ms=_EPOCH, counters=no_history(program), creator_words=0)
    row = program.row(context)
    _take_part(row, program)
    row.update((name, value) for name, value in checked.given.items() if name in row)
    outcome = program.decide(row)
    path, line = _place(bundle, checked)
    return ExampleResult(
        policy=checked.policy,
        name=checked.example.name,
        path=path,
        line=line,
        outcome=outcome,
        differences=tuple(_differences(checked.example, outcome)),
    )


def no_history(program: Program) -> dict[str, FeatureValue]:
    """The counters of an account that did nothing yet, which those are that an example does not give."""
    return {feature.name: None if feature.optional else 0 for feature in program.counters}


def _take_part(row: Row, program: Program) -> None:
    """Put the example's account within the share of every canary rule."""
    row.update(dict.fromkeys(program.canaries, 0.0))


def _screen(bundle: Bundle, checked: CheckedExample, program: Program, measure: Measure) -> ScreenedExample:
    example, (path, line) = checked.example, _place(bundle, checked)

    def result(state: ScreenedState, **more: object) -> ScreenedExample:
        return ScreenedExample(policy=checked.policy, name=example.name, path=path, line=line, state=state, **more)  # type: ignore[arg-type]

    found = {feature.name: feature for feature in program.features if feature.growing}
    if example.screened == "skip":
        return result(ScreenedState.SKIPPED, why=example.why_skipped)
    if any(checked.given.get(name) is UNKNOWN for name in found):
        return result(ScreenedState.SKIPPED, why="it supposes that a detector does not answer")
    row = program.row(measure(checked, program))
    _take_part(row, program)
    row.update((name, value) for name, value in checked.given.items() if name in row and name not in found)
    outcome = program.decide(row)
    differences = tuple(_differences(example, outcome))
    if not differences:
        return result(
            ScreenedState.FULFILLED if example.screened == "wanted" else ScreenedState.PASSED, outcome=outcome
        )
    if example.screened != "wanted" and (bank := _without_entry(checked, found, row)) is not None:
        return result(ScreenedState.SKIPPED, why=f"the bank '{bank}' has no entry that matches it", outcome=outcome)
    return result(
        ScreenedState.WANTED if example.screened == "wanted" else ScreenedState.FAILED,
        outcome=outcome,
        differences=differences,
        measured=tuple(_measured(checked, found, row)),
    )


def _without_entry(checked: CheckedExample, found: dict[str, Feature], row: Row) -> str | None:
    """A bank whose match is given and whose entries do not match: what banks hold is the deployment's."""
    for name, feature in found.items():
        given, matches = checked.given.get(name), row[name]
        if feature.origin is FeatureOrigin.BANK and _number(given) > _number(matches):
            return str(feature.argument).removeprefix("bank:")
    return None


def _measured(checked: CheckedExample, found: dict[str, Feature], row: Row) -> Iterator[str]:
    for name, given in checked.given.items():
        feature = found.get(name)
        if feature is not None and row[name] != given:
            value = "unknown" if row[name] is UNKNOWN else show_value(feature.kind, row[name])
            yield f"{name} is {value}, given {show_value(feature.kind, given)}"


def _number(value: FeatureValue) -> float:
    return value if isinstance(value, int | float) else 0.0


def _place(bundle: Bundle, checked: CheckedExample) -> tuple[str, int]:
    policy = bundle.policy(checked.policy)
    assert policy is not None
    return policy.source.path, policy.source.place(checked.example.span.start)[0]


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
