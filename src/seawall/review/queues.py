"""Queues and routes as data: what each queue is for, and the ordered rules that move cases between queues."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from seawall.model import UNKNOWN, FeatureValue
from seawall.policy.tree import ValueType
from seawall.review.case_policies import CasePolicy, gravest_policy
from seawall.review.priority import severity_of

PULL, PUSH = "pull", "push"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """One queue. ``harms``, ``languages`` and ``skills``: what its reviewers take; empty: anything.

    ``sla_s``: the longest that a case should wait, in seconds; None: nothing is promised. ``required``: fields that
    an answer must have. ``hidden_actions``: those that its form does not offer. ``undo_s``: how long receivers are not
    told of an answer, so that it can be taken back unseen. ``blind_share``: the share of answers that a second person
    gives blind, 0 to 1; None: that of the setting. ``gives``: "pull", reviewers take the next case themselves; "push",
    its cases go to whom they are assigned, and to anybody once they have waited longer than ``sla_s``.
    """

    name: str
    title: str = ""
    description: str = ""
    harms: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    sla_s: float | None = None
    required: tuple[str, ...] = ()
    hidden_actions: tuple[str, ...] = ()
    undo_s: float = 0.0
    blind_share: float | None = None
    gives: str = PULL


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRoute:
    """Cases for which ``when`` holds wait in ``queue``. ``when``: as the file has it; empty: it always holds."""

    when: str
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """The queues and routes in use. ``undo_s``: of queues that do not say it.

    ``first``: the number of the first route that holds for a case, None: none does.
    """

    by_name: Mapping[str, QueueSettings] = field(default_factory=dict)
    routes: tuple[CaseRoute, ...] = ()
    undo_s: float = 0.0
    first: Callable[[Mapping[str, FeatureValue]], int | None] = field(default=lambda _: None, repr=False)

    def of(self, name: str) -> QueueSettings:
        """The queue's settings; a queue that only rules name has the defaults."""
        return self.by_name.get(name) or QueueSettings(name=name, title=name, undo_s=self.undo_s)

    def push(self) -> dict[str, float | None]:
        """The queues whose cases are assigned, with the seconds after which anybody takes them (None: never)."""
        return {name: one.sla_s for name, one in self.by_name.items() if one.gives == PUSH}

    def route(self, features: Mapping[str, FeatureValue]) -> CaseRoute | None:
        """The first route that holds; one whose value is unknown does not."""
        number = self.first(features)
        return None if number is None else self.routes[number]


CASE_FEATURES: Mapping[str, ValueType] = {
    "subject": ValueType.TEXT,
    "content_type": ValueType.TEXT,
    "language": ValueType.TEXT,
    "harm": ValueType.TEXT,
    "policy": ValueType.TEXT,
    "queue": ValueType.TEXT,
    "reports": ValueType.INTEGER,
    "reporter": ValueType.TEXT,
    "severity": ValueType.INTEGER,
    "priority": ValueType.NUMBER,
}
"""What a route may read. ``subject``: item or account. ``queue``: the one that rules ask for; ``harm`` and ``policy``:
the gravest; ``reporter``: the kind of reporter that counts most."""


def case_features(
    content_type: str,
    policies: Sequence[CasePolicy],
    *,
    subject: str = "item",
    asked: str,
    language: str | None,
    reports: int,
    reporter: str | None,
    priority: float,
) -> dict[str, FeatureValue]:
    """The values of a case for its routes. What is not known of it is unknown, and no route that reads it holds."""
    first = gravest_policy(policies)
    harm = first.harm if first is not None else None
    return {
        "subject": subject,
        "content_type": content_type,
        "language": language or UNKNOWN,
        "harm": harm or UNKNOWN,
        "policy": first.policy if first is not None else UNKNOWN,
        "queue": asked,
        "reports": reports,
        "reporter": reporter or UNKNOWN,
        "severity": UNKNOWN if harm is None else severity_of(harm),
        "priority": priority,
    }
