"""The changes of a bundle in plain English, for the command line and for logs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from seawall.publish.changes import ADDED, DROPPED, NOT_PERMITTED, BundleChanges, Difference, Dropped, RuleChange

_SIGNS: Final = {"added": "+", "changed": "~", "dropped": "-"}
_LONGEST: Final = 160  # characters of a text that is shown


def summary(changes: BundleChanges) -> str:
    """One line: "policies: 1 added, 0 changed, 18 dropped; rules: …"."""
    numbers = changes.numbers()
    parts = [
        f"{noun.replace('_', ' ')}: {numbers[f'{noun}_added']} added, {numbers[f'{noun}_changed']} changed, "
        f"{numbers[f'{noun}_dropped']} dropped"
        for noun in ("policies", "rules", "content_types", "prohibitions")
        if f"{noun}_added" in numbers
    ]
    if stopped := numbers["live_rules_stopped"]:
        parts.append(f"{stopped} live {'rule acts' if stopped == 1 else 'rules act'} no more or in fewer places")
    if moved := numbers["thresholds_moved"]:
        parts.append(f"{moved} {'threshold is another number' if moved == 1 else 'thresholds are other numbers'}")
    return "; ".join(parts)


def describe(changes: BundleChanges) -> str:
    """Every change, a line each, without the summary."""
    return "\n".join(_lines(changes))


def say_dropped(dropped: Dropped) -> str:
    """One dropped thing: "the policy spam"."""
    if dropped.what == "rule":
        return f"the live rule {dropped.name} (for {', '.join(dropped.content_types)})"
    if dropped.what == "prohibition":
        return f"of what is not permitted: {dropped.name.partition('/')[2]}"
    return f"the {dropped.what.replace('_', ' ')} {dropped.name}"


def _lines(changes: BundleChanges) -> Iterator[str]:
    for policy in changes.policies:
        yield f"{_SIGNS[policy.change]} policy {policy.policy} ({policy.title})"
        yield from (f"    {_difference(one)}" for one in policy.differences)
        for rule in policy.rules:
            yield f"    {_SIGNS[rule.change]} rule {rule.rule} ({rule.mode}){_stops(rule)}"
            yield from (f"        {_difference(one)}" for one in rule.differences)
    for content_type in changes.content_types:
        yield f"{_SIGNS[content_type.change]} content type {content_type.content_type}"
        yield from (f"    {_difference(one)}" for one in content_type.differences)
    for one in changes.prohibitions:
        more = ": permits more than before" if one.permits_more else ""
        yield f"{_SIGNS[one.change]} {NOT_PERMITTED} {one.prohibition}{more}"
        yield from (f"    {_difference(difference)}" for difference in one.differences)
    for moved in changes.thresholds:
        asked = moved.asked if moved.asked == moved.asked_before else f"{moved.asked_before}, now {moved.asked}"
        signal = f"{moved.signal} in '{moved.language}'" if moved.language else moved.signal
        yield (
            f"~ threshold of {moved.policy}/{moved.rule}: {signal} {moved.before:g} becomes {moved.after:g} "
            f"({asked}, {moved.detector})"
        )
    for detector in changes.detectors:
        sign = _SIGNS[ADDED if not detector.before else DROPPED if not detector.after else "changed"]
        versions = " becomes ".join(filter(None, (detector.before, detector.after)))
        yield f"{sign} detector {detector.detector} {versions}"


def _stops(rule: RuleChange) -> str:
    if rule.fewer_accounts:
        return ": acts for fewer accounts"
    ended = sorted(set(rule.acted) - set(rule.acts))
    if not ended:
        return ""
    return ": acts no more" if not rule.acts else f": acts no more for {', '.join(ended)}"


def _difference(one: Difference) -> str:
    if one.what == "actions":
        signs = [f"+ {one.after}"] if one.after else []
        signs += [f"- {one.before}"] if one.before else []
        return f"actions: {' '.join(signs)}"
    if one.what == "examples" and not one.after:
        return "examples: changed"
    if one.what == "when" and not one.before:  # of a new rule
        return f"{one.what}: {_short(one.after)}"
    return f"{one.what}: {_short(one.before)} becomes {_short(one.after)}"


def _short(text: str) -> str:
    if not text:
        return "nothing"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
