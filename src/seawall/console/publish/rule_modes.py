"""A policy's text with another mode of one rule: from shadow to canary to live, as a change that a person publishes."""

from __future__ import annotations

import re
from typing import Final

from seawall.policy import Policy, PolicyErrors, Rule, load_policy

FIRST_SHARE: Final = 0.1
"""The share of accounts that a rule begins with as a canary."""

_NEXT: Final = {"draft": ("shadow",), "shadow": ("canary", "live"), "canary": ("live", "shadow"), "live": ("shadow",)}
_ID: Final = re.compile(r"( *(?:- +)?)id:")


def next_modes(rule: Rule) -> tuple[str, ...]:
    """The modes that a rule is given after its own."""
    return _NEXT.get(rule.mode, ())


def with_mode(policy: Policy, rule_id: str, mode: str) -> str:
    """The policy's text, the rule in this mode; unchanged where the file is written in a way that this cannot change.

    Only the lines of ``mode`` and ``share`` change, so that comments and order stay.
    """
    rule = policy.rule(rule_id)
    text = policy.source.text
    if rule is None or mode not in _NEXT:
        return text
    lines = text.splitlines(keepends=True)
    at = policy.source.place(rule.span.start)[0] - 1
    if (key := _ID.match(lines[at])) is None:
        return text
    column = len(key[1])
    first = next((line for line in range(at, -1, -1) if _indent(lines[line]) < column), 0)  # with the item's dash
    after = (line for line in range(at + 1, len(lines)) if lines[line].strip() and _indent(lines[line]) < column)
    last = next(after, len(lines))
    old = re.compile(rf" {{{column}}}(?:mode|share):")
    kept = [line for line in lines[first:last] if old.match(line) is None]
    written = [f"mode: {mode}", *([f"share: {FIRST_SHARE}"] if mode == "canary" else [])]
    place = kept.index(lines[at]) + 1
    kept[place:place] = [f"{' ' * column}{line}\n" for line in written]
    changed = "".join((*lines[:first], *kept, *lines[last:]))
    try:
        found = load_policy(changed, policy.source.path).rule(rule_id)
    except PolicyErrors:
        return text
    return changed if found is not None and found.mode == mode else text


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
