"""Planning: which unknown features can still change the outcome, so that detectors that cannot are not asked.

A feature whose detector has not been asked is *unknown* in the row, with the value that its known parts reach as lower
bound; Kleene's logic then tells which rules are decided regardless. An undetermined rule matters if it would change the
actions (the verdict follows from them) or what follows from a decision beside its actions: the main reason, which the
statement of reasons gives; the policy that a strike is counted for; the duty to report harm to a child.

Sound, not complete: a feature may be asked for in vain, but with those asked that matter, every value of the others
gives the same outcome. This holds step by step: what does not matter now does not matter after further answers either,
because rules only come to fire, and actions only grow stronger.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from seawall.model import ACTIONS, CHILD_SAFETY_HARMS, HARMS, UNKNOWN, Action, FeatureRow, ParameterType
from seawall.policy.actions import combine
from seawall.policy.program import Program
from seawall.policy.rules import CheckedRule
from seawall.policy.tree import features_of

_WORDS = frozenset(
    (kind.name, parameter.name)
    for kind in ACTIONS.values()
    for parameter in kind.parameters
    if parameter.type is ParameterType.TEXT and not parameter.required
)
"""Parameters without an order: of several rules, the first one's value stands."""


def features_that_matter(
    program: Program, row: FeatureRow, snoozed: Collection[str] = (), among: int = -1
) -> frozenset[str]:
    """The unknown features of a row whose values can change the outcome.

    None: verdict, actions, their parameters and the main reason are settled. ``snoozed`` as in ``Program.decide``;
    ``among``: a mask of the only rules whose features are asked for. Raises KeyError when a feature is missing from
    the row.
    """
    unknown = frozenset(feature.name for feature in program.features if row[feature.name] is UNKNOWN)
    if not unknown or not unknown.isdisjoint(program.asked_whether_known):
        return unknown  # 'known(x)' is false until x is asked: what fires now may cease to
    fired, undetermined = program.live_masks(row, snoozed)
    least = list(program.asked(fired, row, unknown=0.0))
    found: set[str] = set()
    if _as_set(least) != _as_set(program.asked(fired, row)):
        for _, rule in program.numbered(fired):
            found.update(_parameters_read(rule))
    standing = tuple(program.numbered(fired))
    strikes = any(action.kind == "strike" for action in program.asked(fired | undetermined, row))
    for number, rule in program.numbered(undetermined & among):
        most = list(program.asked(1 << number, row))
        if _changes(least, most) or _is_told(rule, number, standing, strikes):
            found.update(features_of(rule.when))
            found.update(_parameters_read(rule))
    return unknown & found


def counters_that_matter(program: Program, row: FeatureRow, snoozed: Collection[str] = ()) -> frozenset[str]:
    """The counters, unknown in the row as yet, whose values can change the outcome or settle a shadow rule.

    Shadow rules count here: to read a counter is cheap, and what a rule would have done is then known of every item.
    Arguments as of ``features_that_matter``.
    """
    names = frozenset(each.name for each in program.counters)
    if any(row[name] is UNKNOWN for name in program.told_apart_by_known):
        return names
    counting = program.counting & program.open_mask(row)
    if not counting:
        return frozenset()
    found = set(features_that_matter(program, row, snoozed, counting))
    if program.overlays:  # whether the platform's rules alone are settled is asked, too
        found |= features_that_matter(program, row, {*snoozed, *program.overlays}, counting)
    for _, rule in program.numbered(counting):
        if not rule.rule.acts:
            found |= features_of(rule.when).keys()
    return names & found


def _changes(least: list[Action], more: list[Action]) -> bool:
    """Whether a rule's strongest actions could add to what is asked for at least."""
    both = combine([*least, *more])
    if _as_set(least) != {repr(action) for action in both}:
        return True
    stays = {action.kind for action in both}
    return any((action.kind, name) in _WORDS for action in more if action.kind in stays for name in action.parameters)


def _as_set(actions: Iterable[Action]) -> set[str]:
    return {repr(action) for action in combine(actions)}


def _is_told(rule: CheckedRule, number: int, standing: tuple[tuple[int, CheckedRule], ...], strikes: bool) -> bool:
    """Whether a rule would change what follows from the reasons of a decision, were it to fire beside these."""
    harm, policies = rule.policy.harm, {other.policy.name for _, other in standing}
    if harm in CHILD_SAFETY_HARMS and all(other.policy.harm != harm for _, other in standing):
        return True
    if strikes and rule.policy.name not in policies:
        return True
    return all(_gravity(other, place) < _gravity(rule, number) for place, other in standing)


def _gravity(rule: CheckedRule, number: int) -> tuple[int, int]:
    """The order in which rules become the main reason: by the harm's severity, then the first."""
    harm = rule.policy.harm
    return HARMS[harm].severity if harm in HARMS else 0, -number


def _parameters_read(rule: CheckedRule) -> Iterator[str]:
    for action in rule.actions:
        for term in action.expressions.values():
            yield from features_of(term)
