"""What one bundle changes against another: policies, rules, thresholds, content types and detectors, as values.

A person sees it before they publish, the ledger keeps its numbers, and what it *drops* is refused until it is named.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from seawall.model import ContentType, Prohibition
from seawall.model.not_permitted import EVERYTHING
from seawall.policy import Bundle, Policy, ResolvedThreshold, Rule

ADDED: Final = "added"
CHANGED: Final = "changed"
DROPPED: Final = "dropped"
NOT_PERMITTED: Final = "not-permitted"
"""Before the name of a prohibition, as a policy's before its rules'."""

_WRITTEN: Final = {"fail_mode": "on_unknown"}  # properties that content type files call otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One property before and after; empty: absent."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChange:
    """A rule that is added, changed or dropped. ``acted``, ``acts``: content types where it had and has effect."""

    policy: str
    rule: str
    title: str
    change: str  # added | changed | dropped
    mode: str  # of a dropped one: the one it had
    differences: tuple[Difference, ...] = ()
    acted: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()
    fewer_accounts: bool = False  # it acts for a smaller share of them


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """A policy that is added, changed or dropped, with its rules that are."""

    policy: str
    title: str
    change: str
    rules: tuple[RuleChange, ...]
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentTypeChange:
    """A content type that is added, changed or dropped."""

    content_type: str
    change: str
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProhibitionChange:
    """A prohibition that is added, changed or dropped. ``permits_more``: something may run that might not before."""

    prohibition: str
    change: str
    differences: tuple[Difference, ...] = ()
    permits_more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdChange:
    """A threshold in meaning that is another number now, of a rule that is in both bundles."""

    policy: str
    rule: str
    signal: str
    asked_before: str  # "at_fpr(0.001)"
    asked: str
    before: float
    after: float
    detector: str  # with its version
    language: str = ""  # of the items that it is for; empty: of all others


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorChange:
    """A detector with another version; an empty version: it is not there."""

    detector: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Something that would act no more. ``name``: what to say to drop it."""

    name: str
    what: str  # policy | rule | content_type | prohibition
    content_types: tuple[str, ...] = ()  # of a rule: where it acts no more


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleChanges:
    """All that changes from ``before`` (None: nothing was in force) to ``after``, by their hashes."""

    before: str | None
    after: str
    policies: tuple[PolicyChange, ...]
    content_types: tuple[ContentTypeChange, ...]
    thresholds: tuple[ThresholdChange, ...]
    detectors: tuple[DetectorChange, ...]
    dropped: tuple[Dropped, ...]
    prohibitions: tuple[ProhibitionChange, ...] = ()

    @property
    def rules(self) -> tuple[RuleChange, ...]:
        """The rules that change, of all policies."""
        return tuple(rule for policy in self.policies for rule in policy.rules)

    def __bool__(self) -> bool:
        return bool(self.policies or self.content_types or self.thresholds or self.detectors or self.prohibitions)

    def numbers(self) -> dict[str, int]:
        """How many policies, rules and content types are added, changed and dropped, and how many thresholds move."""
        found: dict[str, int] = {}
        for noun, changed in (
            ("policies", self.policies),
            ("rules", self.rules),
            ("content_types", self.content_types),
            *((("prohibitions", self.prohibitions),) if self.prohibitions else ()),
        ):
            for change in (ADDED, CHANGED, DROPPED):
                found[f"{noun}_{change}"] = sum(one.change == change for one in changed)
        found["live_rules_stopped"] = sum(
            rule.fewer_accounts or bool(set(rule.acted) - set(rule.acts)) for rule in self.rules
        )
        found["thresholds_moved"] = len(self.thresholds)
        return found


def compare(before: Bundle | None, after: Bundle, today: date) -> BundleChanges:
    """What putting ``after`` in force instead of ``before`` changes. A rule that expired before ``today`` acts not."""
    old = {} if before is None else {policy.name: policy for policy in before.policies}
    new = {policy.name: policy for policy in after.policies}
    old_types: Mapping[str, ContentType] = {} if before is None else before.content_types
    policies = tuple(
        change
        for name in sorted({*old, *new})
        if (change := _policy_change(old.get(name), new.get(name), today)) is not None
    )
    if before is not None:  # of a first publication everything is new: its rules are read in the files
        policies = tuple(replace(one, rules=_with_new_rules_written(one, new.get(one.policy))) for one in policies)
    content_types = tuple(_content_type_changes(old_types, after.content_types))
    prohibitions = tuple(_prohibition_changes(() if before is None else before.not_permitted, after.not_permitted))
    return BundleChanges(
        before=None if before is None else before.hash,
        after=after.hash,
        policies=policies,
        content_types=content_types,
        thresholds=tuple(_threshold_changes(before.thresholds, after.thresholds)) if before is not None else (),
        detectors=tuple(_detector_changes(before, after)) if before is not None else (),
        dropped=(
            *_dropped(policies, content_types),
            *(
                Dropped(name=f"{NOT_PERMITTED}/{one.prohibition}", what="prohibition")
                for one in prohibitions
                if one.permits_more
            ),
        ),
        prohibitions=prohibitions,
    )


def _dropped(policies: Iterable[PolicyChange], content_types: Iterable[ContentTypeChange]) -> Iterator[Dropped]:
    gone = {one.content_type for one in content_types if one.change == DROPPED}
    for name in sorted(gone):
        yield Dropped(name=name, what="content_type")
    for policy in policies:
        if policy.change == DROPPED:
            yield Dropped(name=policy.policy, what="policy")
            continue
        for rule in policy.rules:
            if ended := (set(rule.acted) if rule.fewer_accounts else set(rule.acted) - set(rule.acts)) - gone:
                yield Dropped(name=f"{rule.policy}/{rule.rule}", what="rule", content_types=tuple(sorted(ended)))


# -- policies and rules ----------------------------------------------------------------------------------------------


def _policy_change(old: Policy | None, new: Policy | None, today: date) -> PolicyChange | None:
    shown = new or old
    assert shown is not None
    old_rules = {rule.id: rule for rule in old.rules} if old is not None else {}
    new_rules = {rule.id: rule for rule in new.rules} if new is not None else {}
    rules = tuple(
        change
        for name in dict.fromkeys((*new_rules, *old_rules))
        if (change := _rule_change(shown.name, old_rules.get(name), new_rules.get(name), today)) is not None
    )
    if old is None or new is None:
        return PolicyChange(policy=shown.name, title=shown.title, change=ADDED if old is None else DROPPED, rules=rules)
    differences = tuple(_policy_differences(old, new))
    if not differences and not rules:
        return None
    return PolicyChange(policy=shown.name, title=shown.title, change=CHANGED, rules=rules, differences=differences)


def _policy_differences(old: Policy, new: Policy) -> Iterator[Difference]:
    yield from _different(_policy_properties(old), _policy_properties(new))
    old_lets, new_lets = _lets(old), _lets(new)
    for name in dict.fromkeys((*new_lets, *old_lets)):
        before, after = old_lets.get(name), new_lets.get(name)
        if before is None or after is None or before[1] != after[1]:
            yield Difference(what=f"let {name}", before=before[0] if before else "", after=after[0] if after else "")
    examples = _examples(old), _examples(new)
    if examples[0] != examples[1]:
        count = len(old.examples), len(new.examples)
        yield Difference(what="examples", before=str(count[0]), after=str(count[1]) if count[0] != count[1] else "")


def _policy_properties(policy: Policy) -> dict[str, str]:
    return {
        "title": policy.title,
        "owner": policy.owner,
        "overlay": "" if policy.overlay is None else str(policy.overlay),
        "harm": policy.harm,
        "applies to": ", ".join(sorted(policy.applies_to)),
        "definition": policy.definition,
        "guidance": policy.guidance,
        "statement": "; ".join(filter(None, (policy.statement.ground, policy.statement.clause, policy.statement.law))),
    }


def _lets(policy: Policy) -> dict[str, tuple[str, str]]:
    """The lets by name: as written, and without what spaces and comments change."""
    return {let.name: (_line(let.expression.text), ast.dump(let.expression.tree)) for let in policy.lets}


def _examples(policy: Policy) -> list[str]:
    return [
        _line(repr((example.name, example.content_type, example.fields, example.actor, example.language)))
        + repr([(given.name, given.text) for given in example.given])
        + repr((example.verdict, example.actions, example.fired, example.shadow, example.undetermined))
        + repr(example.degraded)
        for example in policy.examples
    ]


def _rule_change(policy: str, old: Rule | None, new: Rule | None, today: date) -> RuleChange | None:
    shown = new or old
    assert shown is not None
    differences = tuple(_rule_differences(old, new)) if old is not None and new is not None else ()
    if old is not None and new is not None and not differences:
        return None
    return RuleChange(
        policy=policy,
        rule=shown.id,
        title=shown.title,
        change=ADDED if old is None else DROPPED if new is None else CHANGED,
        mode=shown.mode,
        differences=differences,
        acted=_acts(old, today),
        acts=_acts(new, today),
        fewer_accounts=bool(_acts(old, today) and _acts(new, today)) and _share(new) < _share(old),
    )


def _with_new_rules_written(change: PolicyChange, policy: Policy | None) -> tuple[RuleChange, ...]:
    """The changed rules, where an added one says what it is, so that who approves it need not look elsewhere."""
    written = {rule.id: rule for rule in policy.rules} if policy is not None else {}
    return tuple(
        replace(one, differences=tuple(_written_rule(written[one.rule]))) if one.change == ADDED else one
        for one in change.rules
    )


def _written_rule(rule: Rule) -> Iterator[Difference]:
    yield Difference(what="when", before="", after=_line(rule.when.text))
    yield Difference(what="actions", before="", after=", ".join(_actions(rule)))
    if rule.share is not None:
        yield Difference(what="share", before="", after=f"{rule.share:g}")


def _share(rule: Rule | None) -> float:
    """The share of accounts that a rule is for, while it acts."""
    return 1.0 if rule is None or rule.share is None else rule.share


def _acts(rule: Rule | None, today: date) -> tuple[str, ...]:
    """Content types in which the rule has effect."""
    if rule is None or not rule.acts or (rule.expires is not None and rule.expires < today):
        return ()
    return tuple(sorted(rule.applies_to))


def _rule_differences(old: Rule, new: Rule) -> Iterator[Difference]:
    if ast.dump(old.when.tree) != ast.dump(new.when.tree):
        yield Difference(what="when", before=_line(old.when.text), after=_line(new.when.text))
    before, after = _actions(old), _actions(new)
    if sorted(before) != sorted(after):
        removed, added = _without(before, after), _without(after, before)
        yield Difference(what="actions", before=", ".join(removed), after=", ".join(added))
    yield from _different(_rule_properties(old), _rule_properties(new))


def _rule_properties(rule: Rule) -> dict[str, str]:
    return {
        "title": rule.title,
        "mode": rule.mode,
        "applies to": ", ".join(sorted(rule.applies_to)),
        "share": "" if rule.share is None else f"{rule.share:g}",
        "expires": str(rule.expires or ""),
    }


def written_action(call: Any) -> str:
    """An action as it is written in the policy file, on one line."""
    span = call.expression.span(call.node)
    return _line(str(call.expression.source.text[span.start : span.end]))


def _actions(rule: Rule) -> list[str]:
    return [written_action(call) for call in rule.do]


def _without(names: Iterable[str], others: Iterable[str]) -> list[str]:
    rest = list(others)
    found = []
    for name in names:
        if name in rest:
            rest.remove(name)
        else:
            found.append(name)
    return found


# -- prohibitions ----------------------------------------------------------------------------------------------------


def _prohibition_changes(old: Iterable[Prohibition], new: Iterable[Prohibition]) -> Iterator[ProhibitionChange]:
    before, after = {each.name: each for each in old}, {each.name: each for each in new}
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if was is None or now is None:
            yield ProhibitionChange(
                prohibition=name, change=ADDED if was is None else DROPPED, permits_more=now is None
            )
        elif was != now:
            yield ProhibitionChange(
                prohibition=name,
                change=CHANGED,
                differences=tuple(_different(_prohibition_properties(was), _prohibition_properties(now))),
                permits_more=_permits_more(was, now),
            )


def _prohibition_properties(one: Prohibition) -> dict[str, str]:
    return {
        "ground": one.ground,
        "detectors": ", ".join(one.detectors),
        "kinds": ", ".join(one.kinds),
        "except": ", ".join(one.without),
        "surfaces": ", ".join(one.surfaces),
        "jurisdictions": ", ".join(one.jurisdictions),
        "from": str(one.since or ""),
        "until": str(one.until or ""),
    }


def _permits_more(was: Prohibition, now: Prohibition) -> bool:
    """Whether something that the earlier one forbade may be permitted by the later one."""

    def less(before: tuple[str, ...], after: tuple[str, ...]) -> bool:  # an empty list means all
        return bool(after) and (not before or not set(before) <= set(after))

    names_less = EVERYTHING not in now.detectors and (
        not set(was.detectors) <= set(now.detectors) or not set(was.kinds) <= set(now.kinds)
    )
    return (
        names_less
        or not set(now.without) <= set(was.without)
        or less(was.surfaces, now.surfaces)
        or less(was.jurisdictions, now.jurisdictions)
        or (now.since or date.min) > (was.since or date.min)
        or (now.until or date.max) < (was.until or date.max)
    )


# -- content types, thresholds, detectors ----------------------------------------------------------------------------


def _content_type_changes(
    old: Mapping[str, ContentType], new: Mapping[str, ContentType]
) -> Iterator[ContentTypeChange]:
    for name in sorted({*old, *new}):
        if name not in old or name not in new:
            yield ContentTypeChange(content_type=name, change=ADDED if name not in old else DROPPED)
        elif differences := tuple(_different(_flat(old[name]), _flat(new[name]))):
            yield ContentTypeChange(content_type=name, change=CHANGED, differences=differences)


def _flat(content_type: ContentType) -> dict[str, str]:
    """Every property of a content type by its place: ``fields.body.max_length``."""
    import msgspec  # only comparing content types needs it

    found: dict[str, str] = {}

    def walk(value: Any, place: str) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                name = _WRITTEN.get(str(key), str(key))
                walk(inner, f"{place}.{name}" if place else name)
        elif isinstance(value, list | tuple) and any(isinstance(one, dict) for one in value):
            for number, one in enumerate(value):
                walk(one, f"{place}.{one.get('name', number) if isinstance(one, dict) else number}")
        elif value is not None:
            found[place] = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

    walk(msgspec.to_builtins(content_type), "")
    return found


def _threshold_changes(old: Iterable[ResolvedThreshold], new: Iterable[ResolvedThreshold]) -> Iterator[ThresholdChange]:
    before, after = _by_place(old), _by_place(new)
    for place in sorted(before.keys() & after.keys()):
        olds = [one for one in before[place] if one not in after[place]]
        news = [one for one in after[place] if one not in before[place]]
        for was, now in zip(olds, news, strict=False):  # a rule may compare one signal with several thresholds
            if was.value != now.value:
                yield ThresholdChange(
                    policy=now.policy,
                    rule=now.rule,
                    signal=now.signal,
                    asked_before=was.asked,
                    asked=now.asked,
                    before=was.value,
                    after=now.value,
                    detector=f"{now.detector} {now.version}",
                    language=now.language,
                )


def _by_place(thresholds: Iterable[ResolvedThreshold]) -> dict[tuple[str, ...], list[ResolvedThreshold]]:
    found: dict[tuple[str, ...], list[ResolvedThreshold]] = {}
    for one in thresholds:
        found.setdefault((one.policy, one.rule, one.signal, one.language), []).append(one)
    return found


def _detector_changes(before: Bundle, after: Bundle) -> Iterator[DetectorChange]:
    old = {detector.name: detector.version for detector in before.detectors}
    new = {detector.name: detector.version for detector in after.detectors}
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            yield DetectorChange(detector=name, before=old.get(name, ""), after=new.get(name, ""))


def _different(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Difference]:
    for what in dict.fromkeys((*new, *old)):
        before, after = _line(old.get(what, "")), _line(new.get(what, ""))
        if before != after:
            yield Difference(what=what, before=before, after=after)


def _line(text: str) -> str:
    return " ".join(text.split())
