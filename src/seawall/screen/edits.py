"""Edits of what a person restricted: the restriction stays until a person has looked at the edit.

Otherwise an author would undo a reviewer's removal by changing one character.
"""

from __future__ import annotations

from typing import Final

import msgspec

from seawall.model import ACTIONS, Action, ActionSubject, Reason, Verdict
from seawall.policy import verdict_of
from seawall.screen.evaluation import DraftDecision
from seawall.screen.fail_modes import FAIL_MODE_POLICY
from seawall.screen.item_status import ItemStatus

EDITED_RULE: Final = "edited-after-review"
"""The rule name in the reason that keeps a person's restriction."""
EDITS_QUEUE: Final = "edits"
"""The queue of edits of what a person restricted."""
_PRIORITY = 0.6
_VERDICTS = (Verdict.ALLOW, Verdict.HOLD, Verdict.BLOCK)


def keeping_restriction(draft: DraftDecision, before: ItemStatus | None) -> DraftDecision:
    """The draft with what a person's last decision put on the item, and a review; unchanged if that was nothing.

    What it put on the account stays by itself: it belongs to the revision that was decided.
    """
    restricted = _on_item(before.actions) if before is not None else ()
    if before is None or not restricted:
        return draft
    actions = [*restricted, *(action for action in draft.actions if action not in restricted)]
    if not any(action.kind == "review" for action in actions):
        actions.append(Action("review", {"queue": EDITS_QUEUE, "priority": _PRIORITY}))
    edited = Reason(policy=FAIL_MODE_POLICY, rule=EDITED_RULE, harm="terms")
    return msgspec.structs.replace(
        draft,
        verdict=max(draft.verdict, verdict_of(restricted), key=_VERDICTS.index),
        actions=tuple(actions),
        reasons=(*before.reasons, *draft.reasons, edited),
    )


def _on_item(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    kinds = {name: ACTIONS[name] for name in {action.kind for action in actions}}
    return tuple(
        action
        for action in actions
        if kinds[action.kind].subject is ActionSubject.ITEM and kinds[action.kind].inverse is not None
    )
