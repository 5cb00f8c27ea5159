"""Fail modes: what a stage does when detectors did not answer and the outcome depends on them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from seawall.model import LASTING, Action, FailMode, Reason, ScreeningStage, UnanswerableMode, Unknown, Verdict
from seawall.policy import Outcome
from seawall.policy.explain import OWN_POLICY

FAIL_MODE_POLICY = OWN_POLICY
"""The policy name in reasons that come from a fail mode and not from a rule."""
UNANSWERABLE_QUEUE: Final = "unreadable"
"""The queue of items that are held because no detector can read them."""
_DEFAULT_RESCREEN_S = 60
_WAITING_PRIORITY = 0.5
_SHOWN_PRIORITY = 0.1  # what is not held can wait for who has nothing else to do

_FAIL_MODES = {
    FailMode.ALLOW_AND_RESCREEN: (Verdict.ALLOW, None),
    FailMode.HOLD: (Verdict.HOLD, "hold"),
    FailMode.BLOCK: (Verdict.BLOCK, "disable"),
}  # from the most lenient to the strictest
_UNANSWERABLE_MODES = {
    UnanswerableMode.ALLOW: FailMode.ALLOW_AND_RESCREEN,
    UnanswerableMode.REVIEW: FailMode.ALLOW_AND_RESCREEN,
    UnanswerableMode.HOLD: FailMode.HOLD,
    UnanswerableMode.BLOCK: FailMode.BLOCK,
}


def _rule(mode: FailMode) -> str:
    return f"fail-mode-{mode.value.replace('_', '-')}"


FAIL_MODE_RULES = tuple(_rule(mode) for mode, (_, kind) in _FAIL_MODES.items() if kind is not None)
"""Rule names in those reasons."""


@dataclass(frozen=True, slots=True)
class FailModeOutcome:
    """A degraded decision: the outcome with the fail mode's additions, and when the rescreen is due.

    ``rescreen_due`` (milliseconds since 1970) is None when asking again cannot help.
    """

    mode: str
    rescreen_due: int | None
    verdict: Verdict
    actions: tuple[Action, ...]
    reasons: tuple[Reason, ...]


def unanswerable(unknown: Collection[Unknown]) -> bool:
    """Whether everything unknown will stay unknown however often it is asked."""
    return all(each.reason in LASTING for each in unknown)


def fail_mode(outcome: Outcome, stage: ScreeningStage, at: int, unknown: Collection[Unknown]) -> FailModeOutcome:
    """Apply the stage's fail mode at time ``at`` to an outcome that depends on ``unknown`` detectors' answers.

    What will never be answered has a mode of its own, and is not asked again.
    """
    if not unanswerable(unknown):
        due = rescreen_due(stage, at)
        return with_fail_mode(stage.fail_mode, due, outcome.verdict, outcome.actions, outcome.reasons)
    declared = stage.unanswerable
    mode = stage.fail_mode if declared is None else _UNANSWERABLE_MODES[declared]
    made = with_fail_mode(mode, None, outcome.verdict, outcome.actions, outcome.reasons)
    if declared is not UnanswerableMode.REVIEW:
        return made
    return replace(made, actions=_with_review(made.actions, _SHOWN_PRIORITY))


def rescreen_due(stage: ScreeningStage, at: int) -> int:
    """The time by which an item is screened again that was decided at ``at`` without every answer."""
    return at + 1000 * (stage.rescreen_within_s or _DEFAULT_RESCREEN_S)


def with_fail_mode(
    mode: FailMode, due: int | None, verdict: Verdict, actions: tuple[Action, ...], reasons: tuple[Reason, ...]
) -> FailModeOutcome:
    """An outcome with the additions of a fail mode. What waits and will not be rescreened goes to a person."""
    wanted, kind = _FAIL_MODES[mode]
    if kind is not None and strictness(verdict) < strictness(wanted):
        verdict, actions = wanted, (*actions, Action(kind))
        reasons = (*reasons, Reason(policy=FAIL_MODE_POLICY, rule=_rule(mode), harm="terms"))
    if due is None and kind is not None:
        actions = _with_review(actions, _WAITING_PRIORITY)
    return FailModeOutcome(mode.value, due, verdict, actions, reasons)


def _with_review(actions: tuple[Action, ...], priority: float) -> tuple[Action, ...]:
    """The actions with a review among them."""
    if any(action.kind == "review" for action in actions):
        return actions
    return (*actions, Action("review", {"queue": UNANSWERABLE_QUEUE, "priority": priority}))


def stricter(one: FailMode, other: FailMode) -> FailMode:
    """The stricter of two fail modes."""
    modes = tuple(_FAIL_MODES)
    return max(one, other, key=modes.index)


def strictness(verdict: Verdict) -> int:
    """The place of a verdict in the order of what it restricts."""
    return (Verdict.ALLOW, Verdict.HOLD, Verdict.BLOCK).index(verdict)
