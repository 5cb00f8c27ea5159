"""Fail modes: what a stage does when detectors did not answer and the outcome depends on them."""

from __future__ import annotations

from dataclasses import dataclass

from seawall.model import Action, FailMode, Reason, ScreeningStage, Verdict
from seawall.policy import Outcome

FAIL_MODE_POLICY = "seawall"
"""The policy name in reasons that come from a fail mode and not from a rule."""
_DEFAULT_RESCREEN_S = 60

_FAIL_MODES = {
    FailMode.ALLOW_AND_RESCREEN: (Verdict.ALLOW, None),
    FailMode.HOLD: (Verdict.HOLD, "hold"),
    FailMode.BLOCK: (Verdict.BLOCK, "disable"),
}


def _rule(mode: FailMode) -> str:
    return f"fail-mode-{mode.value.replace('_', '-')}"


FAIL_MODE_RULES = tuple(_rule(mode) for mode, (_, kind) in _FAIL_MODES.items() if kind is not None)
"""Rule names in those reasons."""


@dataclass(frozen=True, slots=True)
class FailModeOutcome:
    """A degraded decision: the outcome with the fail mode's additions, and when the rescreen is due."""

    mode: str
    rescreen_due: int  # milliseconds since 1970
    verdict: Verdict
    actions: tuple[Action, ...]
    reasons: tuple[Reason, ...]


def fail_mode(outcome: Outcome, stage: ScreeningStage, at: int) -> FailModeOutcome:
    """Apply the stage's fail mode at time ``at`` to an outcome that depends on unknown features."""
    mode = stage.fail_mode
    due = at + 1000 * (stage.rescreen_within_s or _DEFAULT_RESCREEN_S)
    verdict, kind = _FAIL_MODES[mode]
    if kind is None or _strength(outcome.verdict) >= _strength(verdict):
        return FailModeOutcome(mode.value, due, outcome.verdict, outcome.actions, outcome.reasons)
    reason = Reason(policy=FAIL_MODE_POLICY, rule=_rule(mode), harm="terms")
    return FailModeOutcome(mode.value, due, verdict, (*outcome.actions, Action(kind)), (*outcome.reasons, reason))


def _strength(verdict: Verdict) -> int:
    return (Verdict.ALLOW, Verdict.HOLD, Verdict.BLOCK).index(verdict)
