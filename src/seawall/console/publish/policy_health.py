"""How policies and their rules do: hits, what reviewers and appeals said of them, what they cost, where they overlap.

Reviews are labels: a hit is confirmed when the newest review of that revision says that it violates the policy, or an
answered appeal does. What nobody judged under the policy counts for nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from seawall.app import App
from seawall.appeal.queries import RuleAppeals, appeal_labels, appeals_by_rule
from seawall.console.child_safety import may_see_all
from seawall.console.request import PageRequest
from seawall.measure import Interval, wilson
from seawall.model import now_ms
from seawall.model.harms import CHILD_SAFETY_HARMS
from seawall.model.signals import Cost
from seawall.policy import Bundle, Policy
from seawall.policy.features import providers
from seawall.policy.program import signals_of
from seawall.review.labels import newest_judgements, undone_by_policy
from seawall.screen.queries import decisions_by_id
from seawall.screen.rule_hits import RuleHits, policies_fired_together, rule_hits, rules_fired_on

_DAY: Final = 24 * 60 * 60 * 1000
WEEK_DAYS: Final = 7
MONTH_DAYS: Final = 28
MOST_REVIEWS: Final = 2_000
"""Newest reviews that precision is taken from: the page costs the same on any platform."""
MOST_DECISIONS: Final = 20_000
"""Newest decisions that overlap is taken from."""
_DEAR: Final = (Cost.INLINE, Cost.CPU, Cost.SLOW)  # cheapest first


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorAsked:
    """A detector that a policy asks, and its class of cost: inline, cpu or slow."""

    name: str
    cost: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFigures:
    """Figures of a policy or a rule. Hits are decisions of 7 and 28 days; live ones include those of canary rules.

    ``reviewed``: revisions with a hit that somebody judged under the policy; ``confirmed`` of them violate it;
    ``precision``: their share with its 95 % interval, None: nobody judged one. ``appeals``: answered ones.
    """

    live_week: int
    live_month: int
    shadow_week: int
    shadow_month: int
    reviewed: int
    confirmed: int
    precision: Interval | None
    appeals: int
    overturned: int  # wholly or in part


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyHealth:
    """How one policy does. ``withheld``: what people said of it is not shown, because it is of child safety.

    ``hits_sampled``: its decisions among the newest; in ``overlapping`` of them another policy fired too, most often
    ``overlaps_with``. ``undone``: reviews under the policy that their reviewers took back.
    """

    policy: str
    figures: HealthFigures
    rules: Mapping[str, HealthFigures]
    detectors: tuple[DetectorAsked, ...]
    undone: int = 0
    hits_sampled: int = 0
    overlapping: int = 0
    overlaps_with: str | None = None
    withheld: bool = False

    @property
    def overlap(self) -> float | None:
        """The share of its hits in which another policy fired too; None: no hit."""
        return self.overlapping / self.hits_sampled if self.hits_sampled else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the queries gave, for every policy; under (policy, rule), or (policy, "") for any of its rules."""

    hits: Mapping[tuple[str, str], RuleHits]
    judged: Mapping[tuple[str, str], Sequence[bool]]
    appeals: Sequence[RuleAppeals]
    undone: Mapping[str, int]
    together: Mapping[frozenset[str], int]


def read_health(request: PageRequest, policies: Sequence[Policy]) -> dict[str, PolicyHealth]:
    """The figures of these policies of the bundle in force, by name."""
    app, now = request.app, now_ms()
    month, week = now - MONTH_DAYS * _DAY, now - WEEK_DAYS * _DAY
    rules = {policy.name: [rule.id for rule in policy.rules] for policy in policies}
    with app.database.read() as connection:
        found = _Found(
            hits={(one.policy, one.rule or ""): one for one in rule_hits(connection, rules, month, week)},
            appeals=appeals_by_rule(connection, month),
            undone=undone_by_policy(connection, month),
            together=policies_fired_together(connection, month, MOST_DECISIONS),
            judged=_judged(app, month),
        )
    hidden = set() if may_see_all(request) else _of_child_safety(app.bundle)
    return {policy.name: _health(app.bundle, policy, found, hidden) for policy in policies}


def _of_child_safety(bundle: Bundle) -> set[str]:
    return {policy.name for policy in bundle.policies if policy.harm in CHILD_SAFETY_HARMS}


def _judged(app: App, since: int) -> Mapping[tuple[str, str], Sequence[bool]]:
    """What people said of the hits of each rule and of each policy, revision by revision."""
    reviews = newest_judgements(app.ledger, since, most=MOST_REVIEWS)
    said: dict[tuple[str, int, str], bool] = {}
    with app.database.read() as connection:
        decisions = decisions_by_id(connection, [one.decision for one in reviews])
        for one in reviews:  # oldest first: the newest answer stands
            if (made := decisions.get(one.decision)) is not None:
                said[made.item, made.revision, one.policy] = one.violates
        for label in appeal_labels(connection, since):
            said[label.item, label.revision, label.policy] = label.violates
        fired = rules_fired_on(connection, {item for item, _revision, _policy in said})
    found: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
    for (item, revision, policy), violates in said.items():
        rules = [rule for name, rule in fired.get((item, revision), ()) if name == policy]
        for rule in (*rules, *([""] if rules else [])):
            found[policy, rule].append(violates)
    return found


def _health(bundle: Bundle, policy: Policy, found: _Found, hidden: set[str]) -> PolicyHealth:
    withheld = policy.name in hidden
    figures = _figures(policy.name, "", found, withheld)
    rules = {rule.id: _figures(policy.name, rule.id, found, withheld) for rule in policy.rules}
    health = PolicyHealth(
        policy=policy.name, figures=figures, rules=rules, detectors=_detectors(bundle, policy), withheld=withheld
    )
    if withheld:
        return health
    sampled, partners = 0, Counter[str]()
    overlapping = 0
    for policies, count in found.together.items():
        others = policies - {policy.name} - hidden
        if policy.name in policies:
            sampled += count
            overlapping += count if others else 0
            partners.update(dict.fromkeys(others, count))
    return PolicyHealth(
        policy=policy.name,
        figures=figures,
        rules=rules,
        detectors=health.detectors,
        undone=found.undone.get(policy.name, 0),
        hits_sampled=sampled,
        overlapping=overlapping,
        overlaps_with=min(partners, key=lambda name: (-partners[name], name), default=None),
    )


def _figures(policy: str, rule: str, found: _Found, withheld: bool) -> HealthFigures:
    hits = found.hits.get((policy, rule))
    said = () if withheld else found.judged.get((policy, rule), ())
    appeals = [] if withheld else [one for one in found.appeals if one.policy == policy and rule in ("", one.rule)]
    return HealthFigures(
        live_week=hits.live_recent if hits else 0,
        live_month=hits.live if hits else 0,
        shadow_week=hits.shadow_recent if hits else 0,
        shadow_month=hits.shadow if hits else 0,
        reviewed=len(said),
        confirmed=sum(said),
        precision=wilson(sum(said), len(said)) if said else None,
        appeals=sum(one.answered for one in appeals),
        overturned=sum(one.overturned + one.partly for one in appeals),
    )


def _detectors(bundle: Bundle, policy: Policy) -> tuple[DetectorAsked, ...]:
    """The detectors whose signals the policy's rules read, the dearest first."""
    rules = [
        checked
        for name in policy.applies_to
        if name in bundle.content_types
        for checked in bundle.program(name, bundle.creators_overlays).rules
        if checked.policy.name == policy.name
    ]
    costs = {detector.name: detector.cost for detector in bundle.detectors}
    names = providers(signals_of(rules), bundle.detectors)
    ordered = sorted(names, key=lambda name: (-_DEAR.index(costs[name]), name))
    return tuple(DetectorAsked(name=name, cost=costs[name].value) for name in ordered)
