"""What an answer will do, in words, from what the enforcing code would change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from seawall.console.formats import day
from seawall.enforce import ActiveEnforcement, EnforcementDiff
from seawall.enforce.diff import ToApply
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
    of_account = subject == "account"
    ended = _OFF_ACCOUNT if of_account else _REVERSED
    applied = {one.action.kind for one in change.apply}
    hidden = applied & _HIDES
    sentences = [(_applied_to_account if of_account else _applied)(one, now) for one in change.apply]
    for old in change.reverse:
        if old.kind in applied or (old.kind in _HIDES and hidden):
            continue  # replaced by another of its kind: it is not released
        sentences.append(ended.get(old.kind, ""))
    if change.skipped:
        sentences.append("Nothing happens to its author: the item names none.")
    return [sentence for sentence in sentences if sentence] or ["Nothing changes: what is in force stays as it is."]


def recorded_consequences(
    applied: Sequence[str], ended: Sequence[str], actions: Sequence[Action], now: int, *, no_actor: bool
) -> list[str]:
    """The same sentences from the kinds of actions that a preview recorded; ``actions``: the answer's, for details."""
    given = {action.kind: action for action in actions}
    return consequences(
        EnforcementDiff(
            apply=tuple(ToApply(given.get(kind, Action(kind)), "") for kind in applied),
            reverse=tuple(
                ActiveEnforcement(id="", decision="", revision=0, subject="", kind=kind, parameters="{}")
                for kind in ended
            ),
            skipped=tuple(actions) if no_actor else (),
        ),
        now,
    )


def _applied(one: ToApply, now: int) -> str:
    kind, until = one.action.kind, _until(one, now)
    match kind:
        case "strike":
            return f"The author gets a strike of {_weight(one):g}, {until}."
        case "limit":
            return f"The author's account is limited {until}."
        case "suspend":
            return f"The author's account is suspended {until}."
        case _:
            return _APPLIED.get(kind, "")


def _applied_to_account(one: ToApply, now: int) -> str:
    kind, until = one.action.kind, _until(one, now)
    match kind:
        case "strike":
            return f"The account gets a strike of {_weight(one):g}, {until}."
        case "limit":
            return f"The account is limited {until}."
        case "suspend":
            return f"The account is suspended {until}."
        case _:
            return _ON_ACCOUNT.get(kind, "")


def _until(one: ToApply, now: int) -> str:
    seconds = one.action.parameters.get("for")
    return f"until {day(now + int(float(seconds) * 1000))}" if seconds is not None else "without an end"


def _weight(one: ToApply) -> float:
    return float(one.action.parameters.get("weight", 1))
