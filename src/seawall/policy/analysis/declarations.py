"""What a file shows without its conditions: rules that never run, unused lets, dates, actions that undo each other."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import date
from typing import Final

from seawall.model import ACTIONS
from seawall.policy.analysis.findings import PolicyWarning, at_place
from seawall.policy.documents import ActionCall, Policy, Rule
from seawall.policy.syntax import names_in

_ENDED_BY: Final = {"terminate": ("suspend", "limit"), "suspend": ("limit",)}


def unreachable_rules(policy: Policy) -> Iterator[PolicyWarning]:
    """Policies and rules that apply to no content type, and content types that no rule applies to."""
    if not policy.applies_to:
        at = policy.source.text.find("applies_to")
        yield at_place(
            policy,
            "unreachable",
            at,
            "the policy applies to no content type",
            "None of its rules ever runs.",
            "list content types in applies_to, or remove the policy",
            len("applies_to"),
        )
        return
    for name, span in policy.places.items():
        if not any(name in rule.applies_to for rule in policy.rules):
            yield at_place(
                policy,
                "unreachable",
                span.start,
                f"no rule of the policy applies to '{name}'",
                f"The policy says that it covers {name}, and nothing checks it there.",
                f"let a rule apply to {name}, or remove it from the policy's applies_to",
                len(name),
            )
    for rule in policy.rules:
        if not rule.applies_to:
            yield at_place(
                policy,
                "unreachable",
                rule.span.start,
                f"rule '{rule.id}' applies to no content type",
                "The rule never runs.",
                "list content types in the rule's applies_to, or remove it",
                len(rule.id),
                rule.id,
            )


def unused_lets(policy: Policy) -> Iterator[PolicyWarning]:
    """Lets that no rule reads, not even through other lets."""
    used = {name.id for rule in policy.rules for name in names_in(rule.when.tree)}
    for rule in policy.rules:
        for call in rule.do:
            used.update(name.id for node in call.parameters.values() for name in names_in(node))
    for let in reversed(policy.lets):  # a let uses earlier ones
        if let.name in used:
            used.update(name.id for name in names_in(let.expression.tree))
    for let in policy.lets:
        if let.name not in used:
            yield at_place(
                policy,
                "unused-let",
                let.span.start,
                f"let '{let.name}' is not used",
                "No rule reads it, so it has no effect.",
                "use it in a rule, or remove it",
                len(let.name),
            )


def expired_rules(policy: Policy, rule: Rule, today: date) -> Iterator[PolicyWarning]:
    """A rule whose last day in force has passed."""
    if rule.expires is not None and rule.expires < today and rule.mode != "draft":
        yield at_place(
            policy,
            "expired",
            rule.span.start,
            f"{rule.mode} rule '{rule.id}' expired on {rule.expires}",
            "Its last day in force has passed: it is never true any more.",
            "make it live without a date, give it a later date, or remove it"
            if rule.mode == "shadow"
            else "give it a later date, or remove it",
            len(rule.id),
            rule.id,
        )


def overlapping_actions(policy: Policy, rule: Rule) -> Iterator[PolicyWarning]:
    """Actions of one rule that another of its actions covers, ends or repeats."""
    for index, call in enumerate(rule.do):
        others = [other for other in rule.do if other is not call]
        covering = next((other for other in others if call.kind in ACTIONS[other.kind].covers), None)
        ending = next((other for other in others if call.kind in _ENDED_BY.get(other.kind, ())), None)
        repeated = next((other for other in rule.do[:index] if _same_subject(other, call)), None)
        if covering is not None:
            message = f"'{call.kind}' beside '{covering.kind}' has no effect"
            means = f"{covering.kind} covers {call.kind} of the same item."
        elif ending is not None:
            message = f"'{call.kind}' contradicts '{ending.kind}'"
            means = f"The platform would be told to {call.kind} the account and to {ending.kind} it."
        elif repeated is not None:
            message = f"'{call.kind}' stands twice"
            means = "Actions of one kind on one subject are merged: the stronger parameters win."
        else:
            continue
        problem = call.expression.problem(call.node, message, remedy=f"remove '{call.kind}', or the other action")
        yield PolicyWarning(code="actions", policy=policy.name, rule=rule.id, problem=problem, means=means)


def _same_subject(a: ActionCall, b: ActionCall) -> bool:
    required = [parameter.name for parameter in ACTIONS[a.kind].parameters if parameter.required]
    return a.kind == b.kind and all(ast.dump(a.parameters[name]) == ast.dump(b.parameters[name]) for name in required)
