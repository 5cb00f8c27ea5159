"""The policies of a case: all that fired, or that a report named, since the case was opened. Pure: no database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from seawall.model import CHILD_SAFETY_HARMS, HARMS, Decision, Reason

DEFAULT_PRIORITY = 0.5
"""Of a rule that gives none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePolicy:
    """One policy of a case. ``rule`` None: no rule of it fired, a report named it; ``harm`` None: unknown.

    ``priority``: the highest that its rules or reporters gave, 0 to 1. ``queue``: where its rule sends the case.
    ``judged``: what the last review said about it, violates or does_not_violate; None: nobody has judged it.
    """

    policy: str
    rule: str | None = None
    harm: str | None = None
    priority: float = DEFAULT_PRIORITY
    queue: str | None = None
    reported: bool = False
    judged: str | None = None

    @property
    def severity(self) -> int | None:
        """Severity of its harm, 1 to 5; None: its harm is not known."""
        return HARMS[self.harm].severity if self.harm in HARMS else None


_read = msgspec.json.Decoder(tuple[CasePolicy, ...]).decode


def read_policies(text: str) -> tuple[CasePolicy, ...]:
    """The policies of a case as its row holds them."""
    return _read(text)


def gravest_policy(policies: Iterable[CasePolicy]) -> CasePolicy | None:
    """The policy after which a case is named, and in whose queue it waits.

    That of the severest harm; among equals child safety, because only its specialists see the case; then the highest
    priority, then the first by name.
    """
    return min(policies, key=_order, default=None)


def gravest_first(policies: Iterable[CasePolicy]) -> list[CasePolicy]:
    """The policies in the order of ``gravest_policy``."""
    return sorted(policies, key=_order)


def preset_policy(policies: Sequence[CasePolicy]) -> CasePolicy | None:
    """The policy that the form proposes: the gravest that fired; what was only claimed, if nothing fired."""
    fired = [one for one in policies if one.rule is not None]
    return gravest_policy(fired or policies)


def rank(one: CasePolicy | None) -> tuple[int, bool]:
    """How grave it is, without priority and name; higher is graver."""
    return (0, False) if one is None else (one.severity or 0, one.harm in CHILD_SAFETY_HARMS)


def _order(one: CasePolicy) -> tuple[int, bool, float, str]:
    severity, is_child_safety = rank(one)
    return (-severity, not is_child_safety, -one.priority, one.policy)


def merged(known: Sequence[CasePolicy], found: Iterable[CasePolicy]) -> tuple[CasePolicy, ...]:
    """The policies of both, each once, with the rule and queue of its highest priority; sorted by name."""
    policies = {one.policy: one for one in known}
    for one in found:
        held = policies.get(one.policy)
        policies[one.policy] = one if held is None else _joined(held, one)
    return tuple(policies[name] for name in sorted(policies))


def _joined(a: CasePolicy, b: CasePolicy) -> CasePolicy:
    """One policy from two findings: what a rule found outranks what a report claims; nothing known is lost."""
    first, second = sorted((a, b), key=lambda one: (one.rule is None, one.queue is None, -one.priority, one.rule or ""))
    return replace(
        first,
        harm=first.harm or second.harm,
        priority=max(a.priority, b.priority),
        queue=first.queue or second.queue,
        reported=a.reported or b.reported,
        judged=None,
    )


def policies_of(decision: Decision) -> tuple[CasePolicy, ...]:
    """The policies that fired in a decision, each with the queue that it asks for.

    A queue that no rule named for itself (it was asked for by a fail mode, or the decision is of an earlier release,
    which recorded queues without policies) counts as asked for by the gravest of the policies without one.
    """
    asked = _asked(decision)
    found = merged((), [_policy(reason, asked) for reason in decision.reasons])
    rest = [queue for queue in asked if queue not in {one.queue for one in found}]
    first = gravest_policy(one for one in found if one.queue is None)
    if not rest or first is None:
        return found
    queue = max(rest, key=lambda name: asked[name])
    return merged(found, [replace(first, queue=queue, priority=max(first.priority, asked[queue]))])


def queue_of(policies: Iterable[CasePolicy]) -> str | None:
    """The queue in which a case waits: that of the gravest policy that asks for one."""
    first = gravest_policy(one for one in policies if one.queue is not None)
    return None if first is None else first.queue


def most_urgent_queue(decision: Decision) -> str | None:
    """The queue of the review that a decision asks for most urgently; None: it asks for none."""
    asked = _asked(decision)
    return max(asked, key=lambda name: asked[name], default=None)


def _asked(decision: Decision) -> dict[str, float]:
    """The queues of a decision's reviews with their priorities."""
    reviews = [action.parameters for action in decision.actions if action.kind == "review"]
    return {str(each["queue"]): _number(each.get("priority")) for each in reviews}


def _policy(reason: Reason, asked: Mapping[str, float]) -> CasePolicy:
    highest = max(asked.values(), default=DEFAULT_PRIORITY)
    return CasePolicy(
        policy=reason.policy,
        rule=reason.rule,
        harm=reason.harm,
        priority=highest if reason.priority is None else reason.priority,
        queue=reason.queue if reason.queue in asked else None,
    )


def _number(value: str | float | None) -> float:
    return DEFAULT_PRIORITY if value is None else float(value)
