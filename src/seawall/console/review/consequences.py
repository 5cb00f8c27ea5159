"""What an answer will do, in words, from what the enforcing code would change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from seawall.console.formats import day
from seawall.console.languages import gettext as _
from seawall.console.languages import marked, pgettext
from seawall.enforce import EnforcementDiff
from seawall.model import ACTIONS, Action

_APPLIED: Final = {
    "remove": marked("Visitors will no longer find it."),
    "disable": marked("Nobody will be able to open it."),
    "hold": marked("It stays unpublished."),
    "demote": marked("It will be shown to fewer people."),
    "hold_from_recommendation": marked("It will be recommended to nobody."),
    "demonetise": marked("It will earn nothing."),
    "age_restrict": marked("Only adults will see it."),
    "age_hold": marked("Only people whose age is assured will see it."),
    "advisory": marked("It will carry a label."),
    "label_synthetic": marked("It will be labelled as AI-made."),
    "exclude_from_counts": marked("It will not be counted."),
    "warn": marked("The author is warned."),
    "terminate": marked("The author's account ends."),
}
_REVERSED: Final = {
    "remove": marked("Visitors will find it again."),
    "disable": marked("It can be opened again."),
    "hold": marked("It will be published."),
    "demote": marked("It will be shown as before."),
    "hold_from_recommendation": marked("It may be recommended again."),
    "demonetise": marked("It will earn again."),
    "age_restrict": marked("Everybody will see it."),
    "age_hold": marked("People whose age is not assured will see it again."),
    "advisory": marked("Its label is taken off."),
    "label_synthetic": marked("Its label as AI-made is taken off."),
    "exclude_from_counts": marked("It will be counted again."),
    "warn": marked("The warning is withdrawn."),
    "strike": marked("The author's strike is taken back."),
    "limit": marked("The author's account is no longer limited."),
    "suspend": marked("The author's account is no longer suspended."),
    "terminate": marked("The author's account is reinstated."),
}
_ON_ACCOUNT: Final = {
    "warn": marked("The account is warned."),
    "terminate": marked("The account ends."),
}
_OFF_ACCOUNT: Final = {
    "warn": marked("The warning is withdrawn."),
    "strike": marked("The account's strike is taken back."),
    "limit": marked("The account is no longer limited."),
    "suspend": marked("The account is no longer suspended."),
    "terminate": marked("The account is reinstated."),
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
    covered = frozenset[str]().union(*(ACTIONS[kind].covers for kind in kinds if kind in ACTIONS))
    sentences = [(_applied_to_account if of_account else _applied)(one, now) for one in applied]
    for kind in ended:
        if kind in kinds or kind in covered or (kind in _HIDES and hidden):
            continue  # replaced by another of its kind, or by a stronger one: it is not released
        sentences.append(_(endings.get(kind, "")))
    if no_actor:
        sentences.append(_("Nothing happens to its author: the item names none."))
    return [sentence for sentence in sentences if sentence] or [_("Nothing changes: what is in force stays as it is.")]


def _applied(action: Action, now: int) -> str:
    match action.kind:
        case "strike":
            said = _("The author gets a strike of %(weight)s, %(until)s.")
        case "limit":
            said = _("The author's account is limited %(until)s.")
        case "suspend":
            said = _("The author's account is suspended %(until)s.")
        case kind:
            return _(_APPLIED.get(kind, ""))
    return said % {"weight": _weight(action), "until": _until(action, now)}


def _applied_to_account(action: Action, now: int) -> str:
    match action.kind:
        case "strike":
            said = _("The account gets a strike of %(weight)s, %(until)s.")
        case "limit":
            said = _("The account is limited %(until)s.")
        case "suspend":
            said = _("The account is suspended %(until)s.")
        case kind:
            return _(_ON_ACCOUNT.get(kind, ""))
    return said % {"weight": _weight(action), "until": _until(action, now)}


def _until(action: Action, now: int) -> str:
    seconds = action.parameters.get("for")
    if seconds is None:
        return _("without an end")
    return _("until %(day)s") % {"day": day(now + int(float(seconds) * 1000))}


def _weight(action: Action) -> str:
    weight = f"{float(action.parameters.get('weight', 1)):g}"
    return weight.replace(".", pgettext("decimal point", "."))
