"""What an answer will do, in words, from what the enforcing code would change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from seawall.console.formats import day
from seawall.enforce import EnforcementDiff
from seawall.model import Action

_APPLIED: Final = {
    "remove": "Visitors will no longer find it.",
    "disable": "Nobody will be able to open it.",
    "hold": "It stays unpublished.",
    "demote": "It will be shown to fewer people.",
    "demonetise": "It will earn nothing.",
    "age_restrict": "Only adults will see it.",
    "advisory": "It will carry a label.",
    "exclude_from_counts": "It will not be counted.",
    "warn": "The author is warned.",
    "terminate": "The author's account ends.",
}
_REVERSED: Final = {
    "remove": "Visitors will find it again.",
    "disable": "It can be opened again.",
    "hold": "It will be published.",
    "demote": "It will be shown as before.",
    "demonetise": "It will earn again.",
    "age_restrict": "Everybody will see it.",
    "advisory": "Its label is taken off.",
    "exclude_from_counts": "It will be counted again.",
    "warn": "The warning is withdrawn.",
    "strike": "The author's strike is taken back.",
    "limit": "The author's account is no longer limited.",
    "suspend": "The author's account is no longer suspended.",
    "terminate": "The author's account is reinstated.",
}
_ON_ACCOUNT: Final = {
    "warn": "The account is warned.",
    "terminate": "The account ends.",
}
_OFF_ACCOUNT: Final = {
    "warn": "The warning is withdrawn.",
    "strike": "The account's strike is taken back.",
    "limit": "The account is no longer limited.",
    "suspend": "The account is no longer suspended.",
    "terminate": "The account is reinstated.",
}
"""The same where the case is about the account itself, which then is nobody's author."""

_HIDES: Final = frozenset({"remove", "disable", "hold"})


def consequences(change: EnforcementDiff, now: int, *, subject: str = "item") -> list[str]:
    """Plain sentences about the item, then about its author. ``now``: milliseconds since 1970, for dates.

    ``subject``: what the case is about, item or account.
    """
    applied, ended = [one.action for one in change.apply], [old.kind for old in change.reverse]
    return consequences_of(applied, ended, no_actor=bool(change.skipped), now=now, subject=subject)


def consequences_of(
    applied: Sequence[Action], ended: Sequence[str], *, no_actor: bool, now: int, subject: str = "item"
) -> list[str]:
    """The same from what a preview recorded: the actions it would apply, and the kinds that it would reverse."""
    of_account = subject == "account"
    endings = _OFF_ACCOUNT if of_account else _REVERSED
    kinds = {one.kind for one in applied}
    hidden = kinds & _HIDES
    sentences = [(_applied_to_account if of_account else _applied)(one, now) for one in applied]
    for kind in ended:
        if kind in kinds or (kind in _HIDES and hidden):
            continue  # replaced by another of its kind: it is not released
        sentences.append(endings.get(kind, ""))
    if no_actor:
        sentences.append("Nothing happens to its author: the item names none.")
    return [sentence for sentence in sentences if sentence] or ["Nothing changes: what is in force stays as it is."]


def _applied(action: Action, now: int) -> str:
    kind, until = action.kind, _until(action, now)
    match kind:
        case "strike":
            return f"The author gets a strike of {_weight(action):g}, {until}."
        case "limit":
            return f"The author's account is limited {until}."
        case "suspend":
            return f"The author's account is suspended {until}."
        case _:
            return _APPLIED.get(kind, "")


def _applied_to_account(action: Action, now: int) -> str:
    kind, until = action.kind, _until(action, now)
    match kind:
        case "strike":
            return f"The account gets a strike of {_weight(action):g}, {until}."
        case "limit":
            return f"The account is limited {until}."
        case "suspend":
            return f"The account is suspended {until}."
        case _:
            return _ON_ACCOUNT.get(kind, "")


def _until(action: Action, now: int) -> str:
    seconds = action.parameters.get("for")
    return f"until {day(now + int(float(seconds) * 1000))}" if seconds is not None else "without an end"


def _weight(action: Action) -> float:
    return float(action.parameters.get("weight", 1))
