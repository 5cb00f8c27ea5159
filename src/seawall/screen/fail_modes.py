"""What a stage promises to do when it cannot know."""

from __future__ import annotations

from typing import Any

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
"""The rule names in those reasons."""


def fail_mode(outcome: Outcome, stage: ScreeningStage, at: int) -> dict[str, Any]:
    """What the stage promises to do when it cannot know: the decision's fields that differ from the outcome's."""
    mode = stage.fail_mode
    made: dict[str, Any] = {
        "fail_mode": mode.value,
        "rescreen_due": at + 1000 * (stage.rescreen_within_s or _DEFAULT_RESCREEN_S),
    }
    verdict, kind = _FAIL_MODES[mode]
    if kind is not None and _strength(outcome.verdict) < _strength(verdict):
        reason = Reason(policy=FAIL_MODE_POLICY, rule=_rule(mode), harm="terms")
        made["verdict"] = verdict
        made["actions"] = (*outcome.actions, Action(kind))
        made["reasons"] = (*outcome.reasons, reason)
    return made


def _strength(verdict: Verdict) -> int:
    return (Verdict.ALLOW, Verdict.HOLD, Verdict.BLOCK).index(verdict)
