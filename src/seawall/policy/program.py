"""The compiled rules of a content type: the signals they need, how to build a row, and how to decide it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from seawall.model import (
    UNKNOWN,
    Action,
    ContentType,
    DetectorSpec,
    FeatureRow,
    FeatureValue,
    FieldSpec,
    Reason,
    Verdict,
)
from seawall.policy.actions import combine, verdict_of
from seawall.policy.compile import compile_rules, compile_value
from seawall.policy.features import TEXTUAL, Context, Row, compares_texts, providers, row_builder, signal_names
from seawall.policy.rules import HIGHEST_PRIORITY, CheckedRule, constant_action
from seawall.policy.thresholds import lowest_thresholds
from seawall.policy.tree import Feature, FeatureOrigin, features_of, features_of_known

_REMEMBERED: Final = 4_096  # cached outcomes, keyed by the rules fired and undetermined


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result of deciding a row, before anything is done about it."""

    verdict: Verdict
    actions: tuple[Action, ...]
    reasons: tuple[Reason, ...]  # live rules that fired, and canary rules within their share
    shadow: tuple[Reason, ...] = ()  # shadow rules that fired
    undetermined: tuple[str, ...] = ()  # live rules, "policy/rule"
    shadow_undetermined: tuple[str, ...] = ()
    degraded: bool = False  # undetermined live rules could have changed verdict or actions


class Program:
    """The compiled rules of one content type. Immutable after it is made; safe to use from many threads."""

    def __init__(
        self, content_type: ContentType, rules: Sequence[CheckedRule], detectors: Sequence[DetectorSpec]
    ) -> None:
        live = [rule for rule in rules if rule.rule.acts]
        shadow = [rule for rule in rules if rule.rule.mode == "shadow"]
        live_features, all_features = _features(live), _features([*live, *shadow])
        self.content_type = content_type
        self.rules: tuple[CheckedRule, ...] = (*live, *shadow)
        """Live rules, then shadow rules: bit *i* of the compiled function's masks is rule *i*."""
        self.overlays: frozenset[str] = frozenset(each.id for each in self.rules if each.policy.overlay is not None)
        """The rules that overlays add to those of the platform, "policy/rule"."""
        self.features: tuple[Feature, ...] = tuple(all_features.values())
        self.personal: frozenset[str] = frozenset(each.name for each in self.features if each.personal)
        """Columns that contain personal free text: stored in the vault only."""
        self.canaries: tuple[str, ...] = tuple(
            each.name for each in self.features if each.origin is FeatureOrigin.CANARY
        )
        """Columns of the places that accounts have in canary rules."""
        self.counters: tuple[Feature, ...] = tuple(each for each in self.features if each.counter is not None)
        """The features that read history: see ``Context.counters``."""
        self.asked_whether_known: frozenset[str] = frozenset[str]().union(
            *(features_of_known(each.when) for each in live)
        )
        """Features in ``known(…)`` of live rules."""
        self.told_apart_by_known: frozenset[str] = frozenset[str]().union(
            *(features_of_known(each.when) for each in self.rules)
        )
        """Features in ``known(…)`` of any rule."""
        self.counting: int = sum(
            1 << index
            for index, each in enumerate(self.rules)
            if any(one.counter is not None for one in _features([each]).values())
        )
        """A bit mask of the rules that read history."""
        self.reads_texts: bool = any(each.origin in TEXTUAL or compares_texts(each) for each in self.features)
        """Whether rules look into texts themselves, by ``matches`` and the like, or ``cluster_size``."""
        self.reads_all_texts: bool = any(each.of_all_texts for each in self.features)
        """Whether they look into all texts of an item, so also into those that extractors make of files."""
        self.reads_creator_words: bool = any(each.origin is FeatureOrigin.CREATOR_WORDS for each in self.features)
        self.signals: frozenset[str] = signal_names(live_features.values())
        self.shadow_signals: frozenset[str] = signal_names(all_features.values()) - self.signals
        self.detectors: frozenset[str] = providers(self.signals | self.shadow_signals, detectors)
        self.thresholds: Mapping[str, float] = lowest_thresholds(self.rules)
        """By signal, the lowest value that a rule tells apart."""
        self.limited: tuple[FieldSpec, ...] = tuple(
            spec
            for spec in (content_type.actor.attributes if content_type.actor is not None else ())
            if spec.fresh_for_s is not None
        )
        """Attributes of the account that are unknown when they are too old."""
        self.row: Callable[[Context], Row] = row_builder(
            self.features, detectors, frozenset(f"actor.{spec.name}" for spec in self.limited)
        )
        """The feature row of a context."""
        self._run, self.source = compile_rules([rule.when for rule in self.rules], content_type.name)
        self._live_mask = (1 << len(live)) - 1
        self._computed = _computed_parameters(self.rules)
        self._varying = sum(1 << index for index in self._computed)
        self._frames: dict[tuple[int, int], Outcome] = {}

    def decide(self, row: FeatureRow, snoozed: Collection[str] = ()) -> Outcome:
        """The outcome of a row, with the ``snoozed`` rules ("policy/rule") as if they had not fired.

        Raises KeyError when a feature is missing from the row.
        """
        masks = self._run(row)
        if snoozed:
            aside = self._aside(snoozed)
            masks = (masks[0] & ~aside, masks[1] & ~aside)
        outcome = self._frames.get(masks)
        if outcome is None:
            outcome = self._remember(masks, row)
        if (masks[0] | masks[1]) & self._varying:
            return self._with_actions(outcome, masks, row)
        return outcome

    def live_masks(self, row: FeatureRow, snoozed: Collection[str] = ()) -> tuple[int, int]:
        """Bit masks of the live rules that fire on a row, and of those that are undetermined. ``snoozed``: neither."""
        fired, undetermined = self._run(row)
        left = self._live_mask & ~self._aside(snoozed)
        return fired & left, undetermined & left

    def open_mask(self, row: FeatureRow) -> int:
        """A bit mask of the rules, live and in shadow, whose condition or parameters the row may leave open."""
        fired, undetermined = self._run(row)
        return undetermined | fired & self._varying

    def _aside(self, snoozed: Collection[str]) -> int:
        return sum(1 << index for index, rule in enumerate(self.rules) if rule.rule.acts and rule.id in snoozed)

    def fired(self, row: FeatureRow) -> tuple[tuple[CheckedRule, ...], tuple[CheckedRule, ...]]:
        """The live and shadow rules that fire on a row, and those that are undetermined."""
        fired, undetermined = self._run(row)
        return tuple(self._chosen(fired)), tuple(self._chosen(undetermined))

    def _chosen(self, mask: int) -> Iterator[CheckedRule]:
        return (rule for _, rule in self.numbered(mask))

    def numbered(self, mask: int) -> Iterator[tuple[int, CheckedRule]]:
        """The rules of a mask, with their numbers."""
        while mask:
            lowest = mask & -mask
            index = lowest.bit_length() - 1
            yield index, self.rules[index]
            mask ^= lowest

    def _remember(self, masks: tuple[int, int], row: FeatureRow) -> Outcome:
        fired, undetermined = masks
        live = self._live_mask
        frame = Outcome(
            verdict=Verdict.ALLOW,
            actions=(),
            reasons=tuple(_reason(rule) for rule in self._chosen(fired & live)),
            shadow=tuple(_reason(rule) for rule in self._chosen(fired & ~live)),
            undetermined=tuple(rule.id for rule in self._chosen(undetermined & live)),
            shadow_undetermined=tuple(rule.id for rule in self._chosen(undetermined & ~live)),
        )
        outcome = self._with_actions(frame, masks, row)
        if len(self._frames) >= _REMEMBERED:
            self._frames.clear()
        self._frames[masks] = outcome
        return outcome

    def _with_actions(self, frame: Outcome, masks: tuple[int, int], row: FeatureRow) -> Outcome:
        """The outcome with its actions computed for this row: parameters such as a priority depend on the row."""
        fired = masks[0] & self._live_mask
        undetermined = masks[1] & self._live_mask
        asked = list(self._asked(fired, row))
        actions = combine(action for _, action in asked)
        could_be = self._actions(fired | undetermined, row) if undetermined else actions
        return Outcome(
            verdict=verdict_of(actions),
            actions=actions,
            reasons=self._reasons(fired, asked) if asked else frame.reasons,
            shadow=frame.shadow,
            undetermined=frame.undetermined,
            shadow_undetermined=frame.shadow_undetermined,
            degraded=sorted(map(repr, actions)) != sorted(map(repr, could_be)) if undetermined else False,
        )

    def _reasons(self, fired: int, asked: Iterable[tuple[int, Action]]) -> tuple[Reason, ...]:
        """The reasons, each with the most urgent review that its own rule asks for."""
        reviews: dict[int, Mapping[str, str | float]] = {}
        for index, action in asked:
            if action.kind == "review":
                held = reviews.get(index)
                if held is None or action.parameters["priority"] > held["priority"]:  # type: ignore[operator]
                    reviews[index] = action.parameters
        return tuple(_reason(rule, reviews.get(rule_index)) for rule_index, rule in self.numbered(fired))

    def _actions(self, mask: int, row: FeatureRow) -> tuple[Action, ...]:
        return combine(self.asked(mask, row))

    def asked(self, mask: int, row: FeatureRow, unknown: float = HIGHEST_PRIORITY) -> Iterator[Action]:
        """The actions that the rules of a mask ask for. ``unknown``: what an unknown parameter counts as."""
        return (action for _, action in self._asked(mask, row, unknown))

    def _asked(self, mask: int, row: FeatureRow, unknown: float = HIGHEST_PRIORITY) -> Iterator[tuple[int, Action]]:
        """The rules' numbers, with the actions that they ask for."""
        while mask:
            lowest = mask & -mask
            index = lowest.bit_length() - 1
            computed = self._computed.get(index, {})
            for number, action in enumerate(self.rules[index].actions):
                values = {name: _number_or(value(row), unknown) for name, value in computed.get(number, {}).items()}
                yield index, constant_action(action, values)
            mask ^= lowest


def signals_of(rules: Iterable[CheckedRule]) -> frozenset[str]:
    """The signals that these rules read, in their conditions and in their actions."""
    return signal_names(_features(rules).values())


def _features(rules: Iterable[CheckedRule]) -> dict[str, Feature]:
    found: dict[str, Feature] = {}
    for rule in rules:
        features_of(rule.when, found)
        for action in rule.actions:
            for term in action.expressions.values():
                features_of(term, found)
    return found


_Computed = Mapping[int, Mapping[str, Callable[[FeatureRow], FeatureValue]]]


def _computed_parameters(rules: Sequence[CheckedRule]) -> dict[int, _Computed]:
    """For rules whose actions have expressions: action number → parameter → function."""
    found: dict[int, _Computed] = {}
    for index, rule in enumerate(rules):
        compiled = {
            number: {name: compile_value(term, f"{rule.id}.{name}") for name, term in action.expressions.items()}
            for number, action in enumerate(rule.actions)
            if action.expressions
        }
        if compiled and rule.rule.acts:
            found[index] = compiled
    return found


def _number_or(value: FeatureValue, unknown: float) -> float:
    """A priority as a number."""
    return unknown if value is UNKNOWN else float(value)  # type: ignore[arg-type]


def _reason(rule: CheckedRule, review: Mapping[str, str | float] | None = None) -> Reason:
    return Reason(
        policy=rule.policy.name,
        rule=rule.rule.id,
        harm=rule.policy.harm,
        mode=rule.rule.mode,
        queue=None if review is None else str(review["queue"]),
        priority=None if review is None else float(review["priority"]),
    )
