"""Whether somebody may appeal a decision, as a pure function of what is known about both (DSA Art. 20)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from seawall.model import Decision, is_adverse

_DAY_MS: Final = 24 * 3_600_000


class AppellantRole(StrEnum):
    """As what somebody appeals."""

    AUTHOR = "author"  # of what was restricted
    REPORTER = "reporter"  # whose report was refused


class Refusal(StrEnum):
    """Why an appeal is not accepted."""

    NO_DECISION = "no_decision"
    NOT_CONCERNED = "not_concerned"
    NOT_ADVERSE = "not_adverse"
    WINDOW_OVER = "window_over"
    ALREADY_APPEALED = "already_appealed"


class AppealRefused(Exception):
    """The appeal is not accepted; the message gives cause and remedy. ``appeal``: the one that exists already."""

    def __init__(self, reason: Refusal, message: str, *, appeal: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.appeal = appeal


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionFacts:
    """What is known about a decision and the person who objects to it.

    ``in_force``: something that restricts the item or its author is still in force because of the revision that it
    is about. ``refused_report``: the appellant's report that it refused; ``reported``: they reported the item at all.
    ``deciders``: the people who decided it, and who decided what is in force now: ``head``, the item's decision.
    """

    decision: Decision
    appellant: str
    in_force: bool
    reported: bool
    refused_report: str | None
    deciders: tuple[str, ...]
    head: str | None
    window_days: int


def role_of(facts: DecisionFacts, now: int) -> AppellantRole:
    """As what the person may appeal the decision. Raises AppealRefused."""
    role = _role(facts)
    if now > window_end(facts):
        raise AppealRefused(
            Refusal.WINDOW_OVER,
            f"This decision could be appealed for {facts.window_days} days; that time is over. An out-of-court "
            "dispute settlement body or a court may still decide.",
        )
    return role


def window_end(facts: DecisionFacts) -> int:
    """Until when the decision can be appealed, ms since 1970."""
    return facts.decision.at + facts.window_days * _DAY_MS


def _role(facts: DecisionFacts) -> AppellantRole:
    is_author = facts.decision.actor == facts.appellant
    if is_author and is_adverse(facts.decision) and facts.in_force:
        return AppellantRole.AUTHOR
    if facts.refused_report is not None:
        return AppellantRole.REPORTER
    if is_author and is_adverse(facts.decision):
        raise AppealRefused(
            Refusal.NOT_ADVERSE,
            "Nothing of this decision is in force any more: there is nothing to appeal. If something else restricts "
            "the item, appeal that decision.",
        )
    if is_author or facts.reported:
        raise AppealRefused(
            Refusal.NOT_ADVERSE,
            "This decision is not against the appellant: it restricts nothing of theirs and refused no report of "
            "theirs. A report that is not decided yet cannot be appealed; see GET /v1/reports/{id}.",
        )
    raise AppealRefused(
        Refusal.NOT_CONCERNED,
        "The appellant is neither the author of this item nor somebody who reported it. Send the account id with "
        "which the item was screened or reported.",
    )
