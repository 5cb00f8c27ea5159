"""Setting a rule aside for one account: the form on the pages of an account and of a policy, and its checks."""

from __future__ import annotations

from collections.abc import Mapping

from seawall.console.child_safety import may_see_all
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import PageRequest
from seawall.model.harms import CHILD_SAFETY_HARMS
from seawall.policy import Policy
from seawall.screen.account_notes import BadNote
from seawall.screen.snoozes import CannotSnooze, Snoozes, snooze_rule
from seawall.storage import Erased

_DAYS = "30"  # what the form proposes

# What ``screen.snoozes.CannotSnooze`` says, which the pages show in their language: the catalogues know it from here.
_CANNOT = (
    marked("A rule is snoozed for 1 to 365 days."),
    marked("This rule is set aside for this account already. End that snooze first."),
)


class SnoozeRefused(Exception):
    """The rule was not set aside; the text says why. ``status``: of the page that says it."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


def snoozable_rules(request: PageRequest, policies: Mapping[str, Policy]) -> Mapping[tuple[str, str], str]:
    """The rules that act, with their harm; those of child safety for specialists only."""
    return {
        (policy.name, rule.id): policy.harm
        for policy in policies.values()
        if policy.harm not in CHILD_SAFETY_HARMS or may_see_all(request)
        for rule in policy.rules
        if rule.acts
    }


def set_aside(request: PageRequest, account: str, policies: Mapping[str, Policy]) -> str:
    """Set the form's rule, of one of these policies, aside for the account; the rule's id. Raises SnoozeRefused."""
    policy, _slash, rule = request.field("rule").partition("/")
    known = snoozable_rules(request, policies)
    if (policy, rule) not in known:
        raise SnoozeRefused(_("Choose one of the rules in force that you may set aside."), 422)
    days = request.field("days")
    try:
        snooze_rule(
            request.app.ledger,
            account,
            policy=policy,
            rule=rule,
            harm=known[policy, rule],
            days=int(days) if days.isascii() and days.isdigit() and len(days) < 5 else 0,
            why=request.field("snooze_why"),
            person=request.person.id,
        )
    except (BadNote, CannotSnooze) as error:
        raise SnoozeRefused(_(str(error)), 422) from error
    except Erased as error:
        raise SnoozeRefused(_(str(error.args[0])), 409) from error
    request.app.context.get(Snoozes).refresh()
    return rule


def snooze_form(request: PageRequest, policies: Mapping[str, Policy]) -> Mapping[str, object]:
    """What the form shows: the rules to choose from, and what was sent in it, or named in the address."""
    return {
        "rules": list(snoozable_rules(request, policies)),
        "rule": request.field("rule"),
        "account": request.field("account") or request.query("account"),
        "days": request.field("days", _DAYS),
        "why": request.field("snooze_why"),
    }
