"""State machine of an appeal, as a table: no database, no clock.

An appeal is open until a person answers it or the appellant withdraws it. Nothing else ends it: no trigger of this
table comes from a detector, a rescreen or an edit.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class AppealState(StrEnum):
    """The state of an appeal. ``NONE``: not received yet."""

    NONE = "none"
    OPEN = "open"
    UPHELD = "upheld"  # the decision stays
    OVERTURNED = "overturned"
    PARTLY = "partly"  # something of the decision was reversed, something stays
    WITHDRAWN = "withdrawn"


class AppealTrigger(StrEnum):
    """What happens to an appeal."""

    RECEIVED = "received"
    MESSAGE = "message"  # between the appellant and reviewers
    NOTE = "note"  # for colleagues
    UPHELD = "upheld"
    OVERTURNED = "overturned"
    PARTLY = "partly"
    WITHDRAWN = "withdrawn"
    OUT_OF_COURT = "out_of_court"  # the outcome of a dispute settlement body is recorded


_ANSWERED: Final = (AppealState.UPHELD, AppealState.OVERTURNED, AppealState.PARTLY, AppealState.WITHDRAWN)

TRANSITIONS: Final[Mapping[tuple[AppealState, AppealTrigger], AppealState]] = {
    (AppealState.NONE, AppealTrigger.RECEIVED): AppealState.OPEN,
    (AppealState.OPEN, AppealTrigger.MESSAGE): AppealState.OPEN,
    (AppealState.OPEN, AppealTrigger.NOTE): AppealState.OPEN,
    (AppealState.OPEN, AppealTrigger.UPHELD): AppealState.UPHELD,
    (AppealState.OPEN, AppealTrigger.OVERTURNED): AppealState.OVERTURNED,
    (AppealState.OPEN, AppealTrigger.PARTLY): AppealState.PARTLY,
    (AppealState.OPEN, AppealTrigger.WITHDRAWN): AppealState.WITHDRAWN,
    **{(state, AppealTrigger.NOTE): state for state in _ANSWERED},
    **{(state, AppealTrigger.OUT_OF_COURT): state for state in _ANSWERED},
}
"""All transitions; a missing one is refused."""


def appeal_after(state: AppealState, trigger: AppealTrigger) -> AppealState:
    """The state after the trigger. Raises ValueError for an impossible transition."""
    after = TRANSITIONS.get((state, trigger))
    if after is None:
        raise ValueError(f"an appeal that is {state} cannot be {trigger}")
    return after
