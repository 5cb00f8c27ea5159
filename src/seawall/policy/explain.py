"""Replay and explanation: what a decision read, which rules fired, what would have flipped it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from math import inf, nextafter
from typing import TYPE_CHECKING, Any, Final

from seawall.model import UNKNOWN, Action, Decision, FeatureRow, FeatureValue, Verdict
from seawall.policy.durations import format_duration
from seawall.policy.program import Outcome, Program
from seawall.policy.syntax import names_in
from seawall.policy.tree import Feature, Kind, Op, Origin, Term, features_of, literal

if TYPE_CHECKING:
    from seawall.policy.bundle import Bundle
    from seawall.policy.rules import CheckedRule

_NEAR_MISSES: Final = 3


class RowIncomplete(LookupError):
    """A stored row lacks features that the bundle's rules read: it was erased, or belongs to another bundle."""


def replay(bundle: Bundle, content_type: str, row: FeatureRow) -> Outcome:
    """The outcome of a stored row, decided again by the bundle that decided it. Raises KeyError, RowIncomplete."""
    program = bundle.program(content_type)
    _complete(program, row)
    return program.decide(row)


def _complete(program: Program, row: FeatureRow) -> None:
    missing = [feature.name for feature in program.features if feature.name not in row]
    if missing:
        raise RowIncomplete(f"the row lacks {', '.join(missing)}: it was erased, or another bundle wrote it")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRead:
    """A feature and its value. ``unknown``: why there is none; ``at_least``: what the answered parts reach."""

    name: str
    value: str | int | float | bool | None
    shown: str
    unknown: str | None = None
    at_least: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleExplanation:
    """One rule's part in a decision. ``state``: fired, undetermined or near miss."""

    policy: str
    policy_title: str
    rule: str
    title: str
    state: str
    harm: str
    ground: str
    clause: str
    when: str
    lets: Mapping[str, str]
    features: tuple[FeatureRead, ...]
    thresholds: tuple[str, ...]
    actions: tuple[str, ...]
    change: str | None = None  # near miss: what would have made it fire


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The smallest change of one feature that gives another verdict; found by deciding again."""

    feature: str
    before: str
    after: str
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a decision was as it was. ``reproduced``: deciding again gave the recorded verdict and actions."""

    decision: str
    bundle: str
    content_type: str
    verdict: Verdict
    actions: tuple[str, ...]
    degraded: bool
    fail_mode: str | None
    reproduced: bool
    rules: tuple[RuleExplanation, ...]
    change: Change | None

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists and scalars."""
        return asdict(self)

    def render(self) -> str:
        """For people."""
        return "\n".join(_lines(self))


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One feature, changed: the row with it, how far it moved, and how to say it."""

    feature: Feature
    row: FeatureRow
    distance: float
    after: str


def explain(bundle: Bundle, decision: Decision, row: FeatureRow) -> Explanation:
    """Explain a decision from the row it read. Raises KeyError (content type not in the bundle), RowIncomplete."""
    program = bundle.program(decision.item.content_type)
    _complete(program, row)
    outcome = program.decide(row)
    candidates = sorted(_candidates(program, row), key=lambda each: (each.distance, each.feature.name, each.after))
    fired, undetermined = program.fired(row)
    reader = _Reader(bundle, decision, row)
    rules = [reader.rule(rule, "fired") for rule in fired if rule.rule.mode == "live"]
    rules += [reader.rule(rule, "undetermined") for rule in undetermined if rule.rule.mode == "live"]
    rules += _near_misses(program, reader, candidates, {rule.id for rule in (*fired, *undetermined)})
    return Explanation(
        decision=decision.id,
        bundle=bundle.hash,
        content_type=decision.item.content_type,
        verdict=decision.verdict,
        actions=tuple(show_action(action) for action in decision.actions),
        degraded=decision.degraded,
        fail_mode=decision.fail_mode,
        reproduced=_reproduced(decision, outcome),
        rules=tuple(rules),
        change=_smallest_change(program, reader, candidates, outcome.verdict),
    )


def _reproduced(decision: Decision, outcome: Outcome) -> bool:
    """A fail mode may have added to what the rules asked for; without one, all must be equal."""
    if decision.fail_mode is None:
        return outcome.verdict == decision.verdict and outcome.actions == decision.actions
    return all(action in decision.actions for action in outcome.actions)


def _smallest_change(
    program: Program, reader: _Reader, candidates: list[_Candidate], verdict: Verdict
) -> Change | None:
    for candidate in candidates:
        other = program.decide(candidate.row).verdict
        if other is not verdict:
            name = candidate.feature.name
            before = reader.read(candidate.feature).shown
            return Change(feature=name, before=before, after=candidate.after, verdict=other)
    return None


def _near_misses(
    program: Program, reader: _Reader, candidates: list[_Candidate], seen: set[str]
) -> list[RuleExplanation]:
    """Live rules that one small change would have made fire, nearest first."""
    found: list[RuleExplanation] = []
    for candidate in candidates:
        if len(found) == _NEAR_MISSES:
            break
        for rule in program.fired(candidate.row)[0]:
            if rule.rule.mode == "live" and rule.id not in seen and len(found) < _NEAR_MISSES:
                seen = seen | {rule.id}
                change = f"{candidate.feature.name} {candidate.after}"
                found.append(reader.rule(rule, "near miss", change))
    return found


# -- candidates --------------------------------------------------------------------------------------------------


def _candidates(program: Program, row: FeatureRow) -> Iterator[_Candidate]:
    """Every single-feature change worth trying: numbers moved to just across a threshold, booleans turned, codes
    replaced by one that a rule names. Nobody's text is invented."""
    tried: set[tuple[str, object]] = set()
    for rule in program.rules:
        if rule.rule.mode == "live":
            for feature, value, after in _moves(rule.when, row):
                if (feature.name, value) not in tried and value != row[feature.name]:
                    tried.add((feature.name, value))
                    distance = _distance(row, feature, value)
                    yield _Candidate(feature, _changed(program, row, feature, value), distance, after)


def _moves(term: Term, row: FeatureRow) -> Iterator[tuple[Feature, FeatureValue, str]]:
    for arg in term.args:
        yield from _moves(arg, row)
    feature = term.feature if term.op is Op.FEATURE else term.args[0].feature if term.args else None
    if feature is None or feature.personal or feature.origin in (Origin.NOW, Origin.IS_NONE):
        return
    if term.op is Op.FEATURE and feature.kind is Kind.BOOLEAN:
        before = row[feature.name]
        for value in (True, False):
            if before is not value:
                yield feature, value, f"= {value}"
    elif term.op is Op.IN:
        for entry in term.value if isinstance(term.value, tuple) else ():
            yield feature, entry, f"= {_shown(feature.kind, entry)}"
    elif term.op is Op.COMPARE and term.args[1].op is Op.CONST:
        threshold = term.args[1].value
        if isinstance(threshold, int | float) and not isinstance(threshold, bool):
            yield from _around(feature, threshold)
        elif isinstance(threshold, str):
            yield feature, threshold, f"= {_shown(feature.kind, threshold)}"


def _around(feature: Feature, threshold: float) -> Iterator[tuple[Feature, FeatureValue, str]]:
    shown = _shown(feature.kind, threshold)
    yield feature, threshold, f"= {shown}"
    if feature.kind in (Kind.INTEGER, Kind.TIMESTAMP):
        for value in (int(threshold) - 1, int(threshold) + 1):
            yield feature, value, f"= {_shown(feature.kind, value)}"
    else:
        yield feature, nextafter(threshold, -inf), f"just below {shown}"
        yield feature, nextafter(threshold, inf), f"just above {shown}"


def _distance(row: FeatureRow, feature: Feature, value: FeatureValue) -> float:
    """Relative to the larger of the two values, and to 1 for probabilities; 1 for what is no number."""
    before = row[feature.name]
    if before is UNKNOWN:
        before = row.get(feature.bound, 0.0)
    if not isinstance(before, int | float) or not isinstance(value, int | float) or isinstance(value, bool):
        return 1.0
    return abs(value - before) / max(abs(value), abs(before), 1.0)


def _changed(program: Program, row: FeatureRow, feature: Feature, value: FeatureValue) -> FeatureRow:
    """The row with one feature changed. A signal is the maximum over its parts, so its columns move together."""
    changed = dict(row)
    changed[feature.name] = value
    changed.pop(feature.bound, None)
    for other in program.features:
        if other.argument != feature.argument or other.name == feature.name or not other.growing:
            continue
        held = changed[other.name]
        if isinstance(held, int | float) and isinstance(value, int | float):
            lifted = feature.origin is Origin.IN_PART and other.origin is Origin.SIGNAL
            lowered = feature.origin is Origin.SIGNAL and other.origin is Origin.IN_PART
            if lifted:
                changed[other.name] = max(held, value)
            elif lowered:
                changed[other.name] = min(held, value)
    return changed


# -- showing -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns rules and features of one decision into their explanation."""

    bundle: Bundle
    decision: Decision
    row: FeatureRow

    def rule(self, checked: CheckedRule, state: str, change: str | None = None) -> RuleExplanation:
        policy, rule = checked.policy, checked.rule
        used = {name.id for name in names_in(rule.when.tree)}
        return RuleExplanation(
            policy=policy.name,
            policy_title=policy.title,
            rule=rule.id,
            title=rule.title,
            state=state,
            harm=policy.harm,
            ground=policy.statement.law or policy.statement.ground,
            clause=policy.statement.clause,
            when=" ".join(rule.when.text.split()),
            lets={let.name: " ".join(let.expression.text.split()) for let in policy.lets if let.name in used},
            features=tuple(self.read(feature) for feature in features_of(checked.when).values()),
            thresholds=tuple(
                f"{each.asked} = {each.value:g} for {each.detector} {each.version}" for each in checked.thresholds
            ),
            actions=tuple(call.expression.source.text[slice(*_ends(call))] for call in rule.do),
            change=change,
        )

    def read(self, feature: Feature) -> FeatureRead:
        value = self.row[feature.name]
        if value is not UNKNOWN:
            assert value is None or isinstance(value, str | int | float | bool)
            return FeatureRead(name=feature.name, value=value, shown=_shown(feature.kind, value))
        bound = self.row.get(feature.bound)
        at_least = float(bound) if isinstance(bound, int | float) and bound > 0 else None
        reason = self._why(feature)
        shown = f"unknown ({reason})" if reason else "unknown"
        if at_least is not None:
            shown += f", at least {at_least:g}"
        return FeatureRead(name=feature.name, value=None, shown=shown, unknown=reason or "", at_least=at_least)

    def _why(self, feature: Feature) -> str:
        asked = {
            detector.name
            for detector in self.bundle.detectors
            if any(signal.name == feature.argument for signal in detector.signals)
        }
        silent = [each for each in self.decision.unknown if each.detector in asked]
        return "; ".join(f"{each.detector} did not answer about {each.part}: {each.reason}" for each in silent)


def _ends(call: Any) -> tuple[int, int]:
    span = call.expression.span(call.node)
    return span.start, span.end


def _shown(kind: Kind, value: object) -> str:
    if value is None:
        return "None"
    if kind is Kind.DURATION and isinstance(value, int | float):
        return format_duration(value)
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    return literal(value) if isinstance(value, str) else str(value)


def show_action(action: Action) -> str:
    """An action as a rule would write it."""
    if not action.parameters:
        return action.kind
    shown = (
        f"{name}={literal(format_duration(value) if name == 'for' and isinstance(value, float) else value)}"
        if not isinstance(value, float) or name == "for"
        else f"{name}={value:g}"
        for name, value in action.parameters.items()
    )
    return f"{action.kind}({', '.join(shown)})"


def _lines(explanation: Explanation) -> Iterator[str]:
    yield f"{explanation.verdict}: {explanation.content_type}, decision {explanation.decision}"
    yield f"  actions: {', '.join(explanation.actions) or 'none'}"
    if explanation.degraded:
        yield f"  degraded: an undetermined rule could have changed this; fail mode {explanation.fail_mode or 'none'}"
    if not explanation.reproduced:
        yield "  WARNING: deciding again from the stored features gave another outcome"
    for rule in explanation.rules:
        yield ""
        yield f"{rule.state}: {rule.policy}/{rule.rule} ({rule.title})"
        yield f"  {rule.policy_title}; {rule.clause}; {rule.ground}"
        yield f"  when: {rule.when}"
        for name, text in rule.lets.items():
            yield f"    let {name}: {text}"
        for threshold in rule.thresholds:
            yield f"    {threshold}"
        for feature in rule.features:
            yield f"    {feature.name} = {feature.shown}"
        yield f"  do: {', '.join(rule.actions)}"
        if rule.change:
            yield f"  it would have fired with {rule.change}"
    yield ""
    if explanation.change is None:
        yield "smallest change: no change of a single feature gives another verdict"
    else:
        change = explanation.change
        yield f"smallest change: {change.feature} {change.after} (is {change.before}) gives {change.verdict}"
