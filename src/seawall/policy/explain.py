"""Replay and explanation of decisions: features read, rules fired, and the smallest change that alters the result."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from seawall.model import UNKNOWN, Action, Decision, FeatureRow, Unknown, UnknownReason, Verdict
from seawall.model.counters import COUNTERS, POSITION, UNREAD_COUNTERS
from seawall.model.durations import format_duration
from seawall.model.not_permitted import RULE_TEXTS, NotPermitted, Prohibition
from seawall.policy.counterfactuals import NEAR, CounterfactualChange, candidates, show_value
from seawall.policy.features import TEXTUAL
from seawall.policy.figures import Threshold
from seawall.policy.program import Outcome, Program
from seawall.policy.syntax import names_in
from seawall.policy.tree import Feature, FeatureOrigin, features_of, literal

if TYPE_CHECKING:
    from seawall.policy.bundle import Bundle
    from seawall.policy.rules import CheckedRule

_NEAR_MISSES: Final = 3
_UNNEEDED: Final = "not asked, since no answer could have changed the outcome"
OWN_POLICY: Final = "seawall"
"""The policy name in reasons that come from Seawall itself and not from a rule."""


class RowIncomplete(LookupError):
    """A stored row lacks features that the bundle's rules read: it was erased, or belongs to another bundle."""


def replay(bundle: Bundle, content_type: str, row: FeatureRow, overlays: Collection[str] = ()) -> Outcome:
    """The outcome of a stored row, computed again with the given bundle. Raises KeyError, RowIncomplete.

    ``overlays``: the creators' overlays that were on, as the decision records them.
    """
    program = bundle.program(content_type, overlays)
    _complete(program, row)
    return program.decide(row)


def _complete(program: Program, row: FeatureRow) -> None:
    missing = [feature.name for feature in program.features if feature.name not in row]
    if missing:
        raise RowIncomplete(f"the row lacks {', '.join(missing)}: it was erased, or another bundle wrote it")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRead:
    """A feature and its value. ``unknown``: why it has none; ``at_least``: the value that the answered parts reach.

    ``silent``: the missing answers that make it unknown.
    """

    name: str
    value: str | int | float | bool | None
    shown: str
    unknown: str | None = None
    at_least: float | None = None
    silent: tuple[Unknown, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleExplanation:
    """One rule's part in a decision.

    ``state``: fired, undetermined, snoozed (it would have fired), near miss, or shadow (fired without effect).
    """

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
    change: str | None = None  # for a near miss: the change that would have made it fire
    before: str | None = None  # … and the value that it would have changed
    mode: str = "live"  # live, or canary with its share: "canary 0.1"
    layer: str = "platform"  # or "surface private": an overlay added it


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The smallest change of one feature that gives another verdict, found by deciding again."""

    feature: str
    before: str
    after: str
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class WithheldDetectors:
    """Detectors that did not run on the item, because a prohibition does not permit them there; with its ground."""

    prohibition: str
    ground: str
    detectors: tuple[str, ...]
    surface: str
    jurisdictions: tuple[str, ...]  # empty: unknown
    since: str = ""
    until: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a decision has its result. ``reproduced``: deciding again gave the recorded verdict and actions."""

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
    unneeded: tuple[str, ...] = ()  # "detector/part": not asked, since no answer could have changed the outcome
    counted_up_to: int | None = None  # the event of the ledger up to which its counters had counted
    not_permitted: tuple[WithheldDetectors, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists and scalars."""
        return asdict(self)

    def render(self) -> str:
        """The explanation as text."""
        return "\n".join(_lines(self))


def explain(bundle: Bundle, decision: Decision, row: FeatureRow, *, shadow: bool = False) -> Explanation:
    """Explain a decision from its stored row. Raises KeyError (content type not in the bundle), RowIncomplete.

    ``shadow``: shadow rules that fired, and near misses of them, are explained as well.
    """
    program = bundle.program(decision.item.content_type, decision.overlays)
    _complete(program, row)
    outcome = program.decide(row, decision.snoozed)
    modes = ("shadow",) if shadow else ()
    changes = sorted(candidates(program, row, modes), key=lambda each: (each.distance, each.feature.name, each.after))
    fired, undetermined = program.fired(row)
    reader = _Reader(bundle, decision, row)
    rules = [reader.rule(rule, reader.state(rule, "fired")) for rule in fired if rule.rule.acts]
    rules += [
        reader.rule(rule, reader.state(rule, "undetermined"))
        for rule in undetermined
        if rule.rule.acts and not (decision.unneeded and rule.id not in decision.undetermined)
    ]
    rules.sort(key=lambda rule: rule.state == "snoozed")
    rules += [reader.rule(rule, "shadow") for rule in fired if shadow and rule.rule.mode == "shadow"]
    seen = {rule.id for rule in (*fired, *undetermined)} | set(decision.snoozed)
    rules += _near_misses(program, reader, changes, seen, modes)
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
        change=_smallest_change(program, reader, changes, outcome.verdict),
        unneeded=decision.unneeded,
        counted_up_to=_position(row),
        not_permitted=tuple(withheld_detectors(bundle, decision.not_permitted)),
    )


def withheld_detectors(bundle: Bundle | None, kept: Iterable[NotPermitted]) -> Iterator[WithheldDetectors]:
    """What a decision records of prohibitions, with their grounds; the ground is empty without the bundle."""
    known: dict[str, Prohibition] = {} if bundle is None else {each.name: each for each in bundle.not_permitted}
    for one in kept:
        prohibition = known.get(one.prohibition)
        yield WithheldDetectors(
            prohibition=one.prohibition,
            ground="" if prohibition is None else prohibition.ground,
            detectors=one.detectors,
            surface=one.surface,
            jurisdictions=one.jurisdictions,
            since="" if prohibition is None or prohibition.since is None else str(prohibition.since),
            until="" if prohibition is None or prohibition.until is None else str(prohibition.until),
        )


def _reproduced(decision: Decision, outcome: Outcome) -> bool:
    """Whether replay agrees: equal results or, when no rule but Seawall itself added to them (a fail mode, a person's
    removal that stands through an edit), all replayed actions among the recorded ones."""
    if decision.fail_mode is None and not any(reason.policy == OWN_POLICY for reason in decision.reasons):
        return outcome.verdict == decision.verdict and outcome.actions == decision.actions
    return all(action in decision.actions for action in outcome.actions)


def _position(row: FeatureRow) -> int | None:
    position = row.get(POSITION)
    return position if isinstance(position, int) else None


def _smallest_change(
    program: Program, reader: _Reader, changes: list[CounterfactualChange], verdict: Verdict
) -> Change | None:
    for candidate in changes:
        other = program.decide(candidate.row, reader.decision.snoozed).verdict
        if other is not verdict:
            name = candidate.feature.name
            before = reader.read(candidate.feature).shown
            return Change(feature=name, before=before, after=candidate.after, verdict=other)
    return None


def _near_misses(
    program: Program, reader: _Reader, changes: list[CounterfactualChange], seen: set[str], modes: Collection[str]
) -> list[RuleExplanation]:
    """Rules in these modes that one small change would have made fire, nearest first."""
    found: list[RuleExplanation] = []
    for candidate in changes:
        if len(found) == _NEAR_MISSES or candidate.distance > NEAR:
            break
        for rule in program.fired(candidate.row)[0]:
            acts = rule.rule.acts or rule.rule.mode in modes
            if acts and rule.id not in seen and len(found) < _NEAR_MISSES:
                seen = seen | {rule.id}
                change = f"{candidate.feature.name} {candidate.after}"
                before = reader.read(candidate.feature).shown
                found.append(replace(reader.rule(rule, "near miss", change), before=before))
    return found


# -- display -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reader:
    """Builds the explanations of one decision's rules and features."""

    bundle: Bundle
    decision: Decision
    row: FeatureRow

    def state(self, checked: CheckedRule, state: str) -> str:
        """The state of a rule that fired or is undetermined, unless it was set aside for the account."""
        return "snoozed" if checked.id in self.decision.snoozed else state

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
            thresholds=tuple(each.shown for each in self.thresholds(checked)),
            actions=tuple(call.expression.source.text[slice(*_ends(call))] for call in rule.do),
            change=change,
            mode=rule.mode if rule.share is None else f"{rule.mode} {rule.share:g}",
            layer=policy.layer,
        )

    def thresholds(self, checked: CheckedRule) -> Iterator[Threshold]:
        """The numbers that held for the item: those of its language, else those of all others."""
        read = (each.name for each in features_of(checked.when).values() if each.origin is FeatureOrigin.ITEM_LANGUAGE)
        language = next((self.row[name] for name in read), "")
        own = {(each.signal, each.asked) for each in checked.thresholds if each.language == language}
        for each in checked.thresholds:
            if each.language == language or (not each.language and (each.signal, each.asked) not in own):
                yield each

    def read(self, feature: Feature) -> FeatureRead:
        value = self.row[feature.name]
        if value is not UNKNOWN:
            assert value is None or isinstance(value, str | int | float | bool)
            return FeatureRead(name=feature.name, value=value, shown=show_value(feature.kind, value))
        bound = self.row.get(feature.bound)
        at_least = float(bound) if isinstance(bound, int | float) and bound > 0 else None
        silent = self._silent(feature)
        reason = "; ".join([*map(_silence, silent), *self._not_permitted(feature)])
        if not reason and self._is_unneeded(feature):
            reason = _UNNEEDED
        shown = f"unknown ({reason})" if reason else "unknown"
        if at_least is not None:
            shown += f", at least {at_least:g}"
        return FeatureRead(name=feature.name, value=None, shown=shown, unknown=reason, at_least=at_least, silent=silent)

    def _silent(self, feature: Feature) -> tuple[Unknown, ...]:
        asked = {COUNTERS} if feature.counter is not None else self._measuring(feature)
        if feature.of_all_texts:
            asked = {RULE_TEXTS}
        elif feature.subject is not None:
            asked = {f"{feature.subject.owner}.{feature.subject.name}"}
        return tuple(each for each in self.decision.unknown if each.detector in asked)

    def _is_unneeded(self, feature: Feature) -> bool:
        if feature.counter is not None:
            return UNREAD_COUNTERS in self.decision.unneeded
        measuring = self._measuring(feature)
        return any(each.partition("/")[0] in measuring for each in self.decision.unneeded)

    def _measuring(self, feature: Feature) -> set[str]:
        return {
            detector.name
            for detector in self.bundle.detectors
            if any(signal.name == feature.argument for signal in detector.signals)
        }

    def _not_permitted(self, feature: Feature) -> Iterator[str]:
        """The prohibitions that leave a feature unknown: of its detectors, or of what would have made their parts."""
        reading = {RULE_TEXTS} if feature.origin in TEXTUAL else self._measuring(feature)
        if feature.counter is not None or not reading:
            return
        makers = self.decision.not_permitted if feature.of_all_texts or feature.origin not in TEXTUAL else ()
        own = [one for one in self.decision.not_permitted if reading.intersection(one.detectors)]
        for one in own or makers:
            yield f"not permitted: {', '.join(one.detectors)} ({one.prohibition})"


def _silence(unknown: Unknown) -> str:
    if unknown.detector == COUNTERS:
        return f"counters: {unknown.detail.replace('_', ' ')}"
    if unknown.reason is UnknownReason.STALE:
        return f"{unknown.detector} is {unknown.detail}"
    if unknown.reason is UnknownReason.LATER:
        return f"{unknown.detector} runs on {unknown.part} after publication"
    if unknown.detector == RULE_TEXTS:
        return f"the texts of {unknown.part} are not known: {unknown.detail or unknown.reason}"
    return f"no answer from {unknown.detector} for {unknown.part}: {unknown.reason}"


def _ends(call: Any) -> tuple[int, int]:
    span = call.expression.span(call.node)
    return span.start, span.end


def show_action(action: Action) -> str:
    """An action as written in a rule."""
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
    if explanation.counted_up_to is not None:
        yield f"  counters: as of event {explanation.counted_up_to} of the ledger"
    for one in explanation.not_permitted:
        where = f"{one.surface} in {', '.join(one.jurisdictions) or 'an unknown jurisdiction'}"
        yield f"  not permitted: {', '.join(one.detectors)} did not run ({where}; {one.prohibition}: {one.ground})"
    if not explanation.reproduced:
        yield "  WARNING: deciding again from the stored features gave another outcome"
    if explanation.unneeded:
        yield f"  {_UNNEEDED}: {', '.join(explanation.unneeded)}"
    for rule in explanation.rules:
        yield ""
        mode = "" if rule.mode == "live" else f", {rule.mode}"
        yield f"{rule.state}: {rule.policy}/{rule.rule} ({rule.title}{mode})"
        layer = "" if rule.layer == "platform" else f"; added for the {rule.layer}"
        yield f"  {rule.policy_title}; {rule.clause}; {rule.ground}{layer}"
        yield f"  when: {rule.when}"
        for name, text in rule.lets.items():
            yield f"    let {name}: {text}"
        for threshold in rule.thresholds:
            yield f"    {threshold}"
        for feature in rule.features:
            yield f"    {feature.name} = {feature.shown}"
        yield f"  do: {', '.join(rule.actions)}"
        if rule.change:
            yield f"  would have fired with {rule.change} (is {rule.before})"
    yield ""
    if explanation.change is None:
        yield "smallest change: no change of a single feature gives another verdict"
    else:
        change = explanation.change
        yield f"smallest change: {change.feature} {change.after} (is {change.before}) gives {change.verdict}"
