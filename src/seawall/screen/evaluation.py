"""Evaluation of an item: its parts, the detectors to ask, and the decision that follows from the findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from seawall.content import parts_of
from seawall.content.freshness import stale_attributes
from seawall.content.links import add_link_parts
from seawall.counters.follower import CounterReading
from seawall.detect import Findings
from seawall.model import (
    UNKNOWN,
    Action,
    Decision,
    DecisionSource,
    FailMode,
    Item,
    ItemRef,
    NotPermitted,
    Part,
    Reason,
    Signal,
    Unknown,
    UnknownReason,
    UnknownValue,
    Verdict,
    new_id,
    now_ms,
)
from seawall.model.counters import POSITION, UNREAD_COUNTERS
from seawall.model.not_permitted import RULE_TEXTS
from seawall.policy import Bundle, Context, Outcome, Program, Row
from seawall.policy.features import CREATOR_WORDS
from seawall.policy.tree import features_of
from seawall.screen.creator_overlays import OverlaysOn
from seawall.screen.creator_words import find_creator_words
from seawall.screen.fail_modes import fail_mode, stricter, with_fail_mode
from seawall.screen.plans import POST_PUBLISH, StagePlan
from seawall.screen.prohibitions import recorded
from seawall.screen.unneeded import FULL_SHARE, SAMPLE, can_change_nothing, is_in_full_sample


class ItemEvaluation(msgspec.Struct, frozen=True):
    """One evaluation of an item in one stage: everything needed to ask detectors and to decide."""

    item: Item
    bundle: Bundle
    plan: StagePlan
    parts: tuple[Part, ...]
    has_media: bool
    at: int  # when it began: ages and stale attributes are those of this moment, however late an answer comes
    counters: CounterReading | None = None  # what rules read of the past, when some do
    uncounted: frozenset[str] = frozenset()  # counters that were not read, since they could change nothing
    on: OverlaysOn | None = None  # what the creator has on in whose place the item stands

    @property
    def extracts(self) -> bool:
        """Whether extractors are asked; results of earlier evaluations may then be reused."""
        return self.has_media and bool(self.plan.extract)


def evaluation_of(item: Item, bundle: Bundle, plan: StagePlan, on: OverlaysOn | None = None) -> ItemEvaluation:
    """The evaluation of an item under a bundle that has its content type. ``plan``: one with the overlays ``on``."""
    parts = tuple(add_link_parts(parts_of(item, bundle.content_types[item.content_type])))
    has_media = any(part.data is not None for part in parts)
    return ItemEvaluation(item, bundle, plan, parts, has_media, now_ms(), on=on)


class DraftDecision(msgspec.Struct, frozen=True, kw_only=True):
    """A decision without item, actor and predecessor, which are known only in the transaction."""

    id: str
    at: int
    source: DecisionSource
    verdict: Verdict
    actions: tuple[Action, ...]
    reasons: tuple[Reason, ...]
    fail_mode: str | None
    rescreen_due: int | None
    stage: str
    bundle: str
    shadow: tuple[Reason, ...]
    undetermined: tuple[str, ...]
    unknown: tuple[Unknown, ...]
    degraded: bool
    skipped: tuple[str, ...]
    unneeded: tuple[str, ...]
    reused: tuple[str, ...]
    signals: tuple[Signal, ...]
    features: Mapping[str, str | int | float | bool | None]
    unknown_features: tuple[str, ...]
    personal_features: Mapping[str, Any]  # for the vault
    postponed: bool  # a later stage has detectors to ask
    snoozed: tuple[str, ...] = ()  # rules that are set aside for the account, "policy/rule"
    not_permitted: tuple[NotPermitted, ...] = ()
    overlays: tuple[str, ...] = ()  # that the creator has on in whose place the item stands

    def at_item(self, item: ItemRef, actor: str | None, supersedes: str | None) -> Decision:
        """The decision about one revision."""
        return Decision(
            id=self.id,
            at=self.at,
            item=item,
            source=self.source,
            verdict=self.verdict,
            actions=self.actions,
            reasons=self.reasons,
            actor=actor,
            stage=self.stage,
            bundle=self.bundle,
            shadow=self.shadow,
            undetermined=self.undetermined,
            unknown=self.unknown,
            skipped=self.skipped,
            unneeded=self.unneeded,
            reused=self.reused,
            degraded=self.degraded,
            fail_mode=self.fail_mode,
            rescreen_due=self.rescreen_due,
            supersedes=supersedes,
            signals=self.signals,
            features=self.features,
            unknown_features=self.unknown_features,
            vault_features=tuple(self.personal_features),
            snoozed=self.snoozed,
            not_permitted=self.not_permitted,
            overlays=self.overlays,
        )

    def at_least(self, mode: str | None) -> DraftDecision:
        """The draft, if it is degraded, under the stricter of its own fail mode and ``mode``, of an earlier decision.

        What an earlier stage held unread is not released by a later stage that could not read it either.
        """
        if not self.degraded or mode is None or self.fail_mode is None:
            return self
        strictest = stricter(FailMode(self.fail_mode), FailMode(mode))
        if strictest == self.fail_mode:
            return self
        made = with_fail_mode(strictest, self.rescreen_due, self.verdict, self.actions, self.reasons)
        return msgspec.structs.replace(
            self, fail_mode=made.mode, verdict=made.verdict, actions=made.actions, reasons=made.reasons
        )


def decide(
    evaluation: ItemEvaluation,
    findings: Findings,
    postponed: tuple[Unknown, ...],
    source: DecisionSource,
    snoozed: frozenset[str] = frozenset(),
    not_permitted: tuple[Unknown, ...] = (),
) -> DraftDecision:
    """Apply the rules to the findings.

    ``postponed``: detectors that a later stage will ask. ``snoozed``: rules that are set aside for the account.
    ``not_permitted``: what nobody may ask here.
    """
    plan, at = evaluation.plan, now_ms()
    program, stage = plan.program, plan.stage
    if program.limited:
        stale = stale_attributes(evaluation.item, program.limited, evaluation.at)
        findings = msgspec.structs.replace(findings, unknown=findings.unknown + stale)
    findings = with_creator_words(evaluation, findings)
    unknown = findings.unknown + postponed
    if evaluation.counters is not None:
        unknown += evaluation.counters.unknown
    row = program.row(_context(evaluation, findings, unknown + not_permitted))
    outcome = program.decide(row, snoozed)
    degraded = False
    if outcome.undetermined and (outcome.degraded or program.overlays):
        # A detector that a later stage asks does not degrade this stage: check without the postponed ones.
        awaited = findings.unknown + not_permitted
        asked = program.row(_context(evaluation, findings, awaited)) if postponed else row
        aside = snoozed
        if not_permitted:
            aside |= _never_determined(evaluation, findings, not_permitted)
        degraded = _is_degraded(program, asked, aside)
    unneeded: tuple[Unknown, ...] = ()
    sampled = bool(postponed or stage.name == POST_PUBLISH or program.counters) and is_in_full_sample(evaluation.item)
    if postponed and not sampled and can_change_nothing(plan, evaluation.has_media, row, outcome, postponed, snoozed):
        unneeded, postponed = postponed, ()
        unknown = tuple(each for each in unknown if each.reason is not UnknownReason.LATER)
    features, personal, missing = _split(row, program.personal)
    if evaluation.counters is not None and evaluation.counters.position:
        features[POSITION] = evaluation.counters.position
    if sampled:
        features[SAMPLE] = FULL_SHARE
    failed = fail_mode(outcome, stage, at, unknown) if degraded else None
    return DraftDecision(
        id=new_id("dec", at),
        at=at,
        source=source,
        verdict=failed.verdict if failed else outcome.verdict,
        actions=failed.actions if failed else outcome.actions,
        reasons=failed.reasons if failed else outcome.reasons,
        fail_mode=failed.mode if failed else None,
        rescreen_due=failed.rescreen_due if failed else None,
        stage=stage.name,
        bundle=evaluation.bundle.hash,
        shadow=outcome.shadow,
        undetermined=_undetermined(evaluation, row, outcome) if unknown or not_permitted or not unneeded else (),
        unknown=unknown,
        degraded=degraded,
        skipped=tuple([f"{detector}/{part}" for detector, part in findings.skipped]),
        unneeded=_names(unneeded) + ((UNREAD_COUNTERS,) if evaluation.uncounted else ()),
        reused=tuple([f"{extractor}/{part}" for extractor, part in findings.reused]),
        signals=findings.signals,
        features=features,
        unknown_features=missing,
        personal_features=personal,
        postponed=bool(postponed),
        snoozed=tuple(sorted(snoozed)) if snoozed else (),
        not_permitted=recorded(plan, evaluation.item, not_permitted, at) if not_permitted else (),
        overlays=evaluation.on.names if evaluation.on is not None else (),
    )


def _undetermined(evaluation: ItemEvaluation, row: Row, outcome: Outcome) -> tuple[str, ...]:
    """The live rules that are undetermined, but for those that unneeded counters alone leave open."""
    if not evaluation.uncounted or not outcome.undetermined:
        return outcome.undetermined
    left = set(outcome.undetermined)
    for rule in evaluation.plan.program.rules:
        if rule.id in left and all(
            name in evaluation.uncounted for name in features_of(rule.when) if row[name] is UNKNOWN
        ):
            left.remove(rule.id)
    return tuple(name for name in outcome.undetermined if name in left)


def _names(unneeded: Sequence[Unknown]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([f"{each.detector}/{each.part}" for each in unneeded]))


def with_creator_words(evaluation: ItemEvaluation, findings: Findings) -> Findings:
    """The findings with the creator's words, where rules read them and may read texts."""
    plan, on = evaluation.plan, evaluation.on
    if on is None or not on.words or not plan.program.reads_creator_words or RULE_TEXTS in plan.withheld:
        return findings
    words = find_creator_words(on.words, findings.parts)
    return msgspec.structs.replace(findings, signals=(*findings.signals, *words))


def _is_degraded(program: Program, row: Row, aside: frozenset[str]) -> bool:
    """Whether undetermined rules could change the outcome: that of all rules, or that of the platform's alone.

    An overlay only makes stricter: what it restricts does not spare an item the fail mode that it has without it.
    """
    if program.decide(row, aside).degraded:
        return True
    return bool(program.overlays) and program.decide(row, aside | program.overlays).degraded


def _never_determined(
    evaluation: ItemEvaluation, findings: Findings, not_permitted: tuple[Unknown, ...]
) -> frozenset[str]:
    """Rules that only what is not permitted leaves undetermined: no later answer determines them, so none is awaited.

    A rule that waits for another answer as well stays, such as ``not known(hate) and spam >= 0.9``.
    """
    program = evaluation.plan.program

    def undetermined(missing: tuple[Unknown, ...]) -> frozenset[str]:
        return frozenset(program.decide(program.row(_context(evaluation, findings, missing))).undetermined)

    return undetermined(not_permitted) - undetermined(findings.unknown)


def row_of(evaluation: ItemEvaluation, findings: Findings, unknown: Sequence[Unknown]) -> Row:
    """The feature row of an evaluation by these findings. ``unknown``: what has no answer, theirs included."""
    program = evaluation.plan.program
    if program.limited:
        unknown = (*unknown, *stale_attributes(evaluation.item, program.limited, evaluation.at))
    return program.row(_context(evaluation, with_creator_words(evaluation, findings), unknown))


def _context(evaluation: ItemEvaluation, findings: Findings, unknown: Sequence[Unknown]) -> Context:
    context = Context(
        item=evaluation.item,
        parts=findings.parts,
        signals=findings.signals,
        unknown=unknown,
        now_ms=evaluation.at,
    )
    if evaluation.plan.program.reads_creator_words:
        count = sum(signal.detector == CREATOR_WORDS.name for signal in findings.signals)
        context = replace(context, creator_words=count)
    return context if evaluation.counters is None else replace(context, counters=evaluation.counters.values)


def _split(row: Mapping[str, Any], personal: frozenset[str]) -> tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]:
    """Split the row: values for the ledger, values for the vault, and the names of unknown features."""
    features: dict[str, Any] = {}
    sealed: dict[str, Any] = {}
    missing: list[str] = []
    for name, value in row.items():
        if isinstance(value, UnknownValue):
            missing.append(name)
        elif name in personal:
            sealed[name] = value
        else:
            features[name] = value
    return features, sealed, tuple(missing)
