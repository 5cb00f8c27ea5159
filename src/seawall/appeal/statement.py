"""The statement of reasons (DSA Art. 17): what a decision restricted, since when, why, and by what means.

Derived from the decision and from what was enforced, never typed twice. It names neither who decided nor who reported,
and nothing of other people's content. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from seawall.enforce.queries import EnforcementRow
from seawall.model import (
    ACTIONS,
    HARMS,
    ActionSubject,
    Decision,
    DecisionSource,
    Reason,
    Verdict,
    is_account,
)
from seawall.policy import Policy
from seawall.policy.explain import OWN_POLICY

PUBLIC_SURFACE: Final = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedMeasure:
    """One restriction. ``parameters`` are those of its action; ``until``: when it ends by itself, None: it does not.

    Times are milliseconds since 1970. ``ended_at``: when it was taken back, or ended by itself; None: it is in force.
    """

    kind: str
    parameters: Mapping[str, Any]
    since: int
    until: int | None
    ended_at: int | None
    taken_back: bool

    @property
    def in_force(self) -> bool:
        """Whether it still restricts."""
        return self.ended_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractualOrLegalGround:
    """The policy that a decision relies on, as published. ``law``: the legal ground, None: the platform's terms alone.

    ``title`` and ``definition`` are the operator's words; the definition is empty when the policy is no longer kept.
    """

    policy: str
    title: str
    definition: str
    clause: str
    law: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementOfReasons:
    """What the person concerned is told about one decision.

    ``by_person``: a person decided, else rules did. ``found_by_machine`` and ``reported``: what led a person to it.
    ``own_rules``: what Seawall itself added, such as a hold because something could not be looked at in time.
    ``measures``: what this decision restricted; ``later``: what other decisions about the same restrict now.
    """

    decision: str
    decided_at: int
    verdict: Verdict
    of_account: bool
    by_person: bool
    found_by_machine: bool
    reported: bool
    grounds: tuple[ContractualOrLegalGround, ...]
    own_rules: tuple[str, ...]
    measures: tuple[StatedMeasure, ...]
    later: tuple[StatedMeasure, ...]


def statement_of_reasons(
    decision: Decision,
    enforced: Sequence[EnforcementRow],
    *,
    policy_of: Callable[[str], Policy | None],
    found_before: bool,
    reported_before: bool,
    surface: str | None,
    now: int,
) -> StatementOfReasons:
    """The statement of a decision. ``enforced``: what was enforced because of its item, newest first.

    ``policy_of``: a policy as it was published. ``found_before``: rules had found something before a person decided;
    ``reported_before``: somebody had reported it. In a conversation of a few people that would say who: it is told
    about content on a public ``surface`` alone.
    """
    by_person = decision.source is DecisionSource.REVIEW
    measures = _measures(decision, enforced)
    told = {one.id for one in measures}
    later = [one for one in enforced if one.id not in told and one.is_in_force(now) and _is_told(one)]
    return StatementOfReasons(
        decision=decision.id,
        decided_at=decision.at,
        verdict=decision.verdict,
        of_account=is_account(decision.item.ref),
        by_person=by_person,
        found_by_machine=by_person and found_before,
        reported=by_person and reported_before and surface == PUBLIC_SURFACE,
        grounds=tuple(_ground(name, policy_of(name)) for name in _policies(decision.reasons)),
        own_rules=tuple(dict.fromkeys(one.rule for one in decision.reasons if one.policy == OWN_POLICY)),
        measures=_stated(measures, now),
        later=_stated(later, now),
    )


def _policies(reasons: Sequence[Reason]) -> list[str]:
    """The policies behind a decision, that of the gravest harm first."""
    live = [one for one in reasons if one.mode == "live" and one.policy != OWN_POLICY]
    live.sort(key=lambda one: -(HARMS[one.harm].severity if one.harm in HARMS else 0))
    return list(dict.fromkeys(one.policy for one in live))


def _ground(name: str, policy: Policy | None) -> ContractualOrLegalGround:
    if policy is None:
        return ContractualOrLegalGround(policy=name, title=name, definition="", clause="", law=None)
    stated = policy.statement
    return ContractualOrLegalGround(
        policy=name, title=policy.title, definition=policy.definition, clause=stated.clause, law=stated.law
    )


def _measures(decision: Decision, enforced: Sequence[EnforcementRow]) -> list[EnforcementRow]:
    """What stands for the decision's actions. A decision that confirms an earlier one keeps what that had applied."""
    found = [one for one in enforced if one.decision == decision.id and _is_told(one)]
    own = {one.kind for one in found}
    for kind in dict.fromkeys(action.kind for action in decision.actions if action.kind not in own):
        kept = [one for one in enforced if one.kind == kind and one.at <= decision.at and _is_about(one, decision)]
        found += [one for one in kept[:1] if _is_told(one)]
    return found


def _is_about(enforced: EnforcementRow, decision: Decision) -> bool:
    """Whether an enforcement was in force for this decision: what is put on an account is for one revision."""
    ended_before = enforced.reversed_at is not None and enforced.reversed_at < decision.at
    its_own = ACTIONS[enforced.kind].subject is ActionSubject.ITEM or enforced.revision == decision.item.revision
    return its_own and not ended_before


def _is_told(enforced: EnforcementRow) -> bool:
    return ACTIONS[enforced.kind].subject is not ActionSubject.INTERNAL


def _stated(enforced: Sequence[EnforcementRow], now: int) -> tuple[StatedMeasure, ...]:
    """As they were applied: what happened to the content before what happened to the account."""
    return tuple(_measure(one, now) for one in sorted(enforced, key=lambda one: one.seq))


def _measure(enforced: EnforcementRow, now: int) -> StatedMeasure:
    over = enforced.ends_at is not None and enforced.ends_at <= now
    return StatedMeasure(
        kind=enforced.kind,
        parameters=enforced.parameters,
        since=enforced.at,
        until=enforced.ends_at,
        ended_at=enforced.reversed_at if enforced.reversed_at is not None else enforced.ends_at if over else None,
        taken_back=enforced.reversed_at is not None,
    )
