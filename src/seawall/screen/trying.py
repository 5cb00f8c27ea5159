"""Trying an item that somebody made up: what detectors and rules say of it, and nothing is recorded.

It runs the detectors of live traffic, the stage plan and the decision of a screening, and the explanation of a
decision. What is left out is the record: no item, no event, no file is kept, and what was tried is not logged.

trial = context.get(ItemTrials).start(person, item, in_force).result()
trial.in_force.verdict, trial.signals
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from math import ceil
from typing import Any, Final, TypeVar

import msgspec
from cachetools import TTLCache

from seawall.content.creators import creator_of
from seawall.detect import DetectorRun, Findings, Runner
from seawall.model import (
    ACTIONS,
    UNKNOWN,
    DecisionSource,
    FeatureValue,
    Item,
    ItemRef,
    Part,
    Reason,
    Signal,
    Unknown,
    Verdict,
    now_ms,
)
from seawall.model.decisions import gravest
from seawall.policy import Bundle, Change, Explanation, RuleExplanation, explain
from seawall.screen.creator_overlays import CreatorOverlays, OverlaysOn
from seawall.screen.evaluation import ItemEvaluation, decide, evaluation_of, with_creator_words
from seawall.screen.plans import POST_PUBLISH, stage_plan
from seawall.screen.prohibitions import not_permitted, plan_here

TRIES_PER_MINUTE: Final = 20
"""Of one person or API key, in one process: a try asks every detector, and some of them cost money."""

T = TypeVar("T")

_MINUTE_S: Final = 60.0
_PEOPLE: Final = 10_000  # whose tries are counted
_AT_ONCE: Final = 2  # tries of everybody: live traffic needs the detectors more
_MOST_OPEN: Final = 6  # running and waiting ones
_OTHERS_WAIT_S: Final = 10
_DEADLINE_MS: Final = 40_000  # below the time after which the API answers that there is no answer
_SHOWN_TEXT: Final = 2_000  # characters of a part


class TooManyTries(Exception):
    """One person tried too much in a minute, or others try too much now. ``wait_s``: seconds to wait."""

    def __init__(self, message: str, wait_s: int) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class TriedPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the item, or one made from it: words in an image, speech in an audio file, a link in a text."""

    path: str
    modality: str
    text: str | None


class TriedStatement(msgspec.Struct, frozen=True, kw_only=True):
    """The ground that a statement of reasons would give: that of the gravest rule that fired and restricts somebody."""

    policy: str
    title: str
    ground: str
    clause: str
    law: str | None


class TrialOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one bundle makes of the item. ``rules``: fired, undetermined, and fired without effect (state ``shadow``).

    ``not_run``: rules in mode draft, which are never run.
    """

    bundle: str
    verdict: Verdict
    actions: tuple[str, ...]
    degraded: bool
    fail_mode: str | None
    statement: TriedStatement | None
    rules: tuple[RuleExplanation, ...]
    near_misses: tuple[RuleExplanation, ...]
    not_run: tuple[str, ...]
    change: Change | None

    def named(self, state: str) -> tuple[str, ...]:
        """The rules in a state, "policy/rule"."""
        return tuple(f"{rule.policy}/{rule.rule}" for rule in self.rules if rule.state == state)


class TrialDifference(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not alike under the bundle in force and under the draft."""

    what: str  # verdict | actions | statement | fired | undetermined | shadow
    in_force: tuple[str, ...]
    draft: tuple[str, ...]


class ItemTrial(msgspec.Struct, frozen=True, kw_only=True):
    """An item that was tried. ``signals``: what was found; ``unknown``: who did not answer, and why.

    ``skipped``: detectors that were not asked about a part, because a cheaper one's score was outside their range.
    """

    content_type: str
    differences: tuple[TrialDifference, ...]
    in_force: TrialOutcome
    draft: TrialOutcome | None
    parts: tuple[TriedPart, ...]
    signals: tuple[Signal, ...]
    unknown: tuple[Unknown, ...]
    skipped: tuple[tuple[str, str], ...]
    took_ms: int


class ItemTrials:
    """Tries items with the running detectors: few at once, and so many a minute for each person. Thread-safe.

    They run in threads of their own, so that slow ones take none from live traffic and none from the console.
    """

    def __init__(
        self,
        runner: Runner,
        creators: CreatorOverlays | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runner = runner
        self._creators = creators
        self._clock = clock
        self._lock = threading.Lock()
        self._tries: TTLCache[str, list[float]] = TTLCache(_PEOPLE, _MINUTE_S, clock)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="seawall-try")
        self._open = 0

    def start(
        self, by: str, item: Item, in_force: Bundle, draft: Callable[[], Bundle] | None = None
    ) -> Future[ItemTrial]:
        """Try an item for ``by``, a person or an API key; ``draft`` builds the other bundle. Raises TooManyTries.

        The result raises what ``draft`` raises, and LookupError.
        """

        def work() -> ItemTrial:
            return try_item(self._runner, item, in_force, None if draft is None else draft(), self._creators)

        return self.submit(by, work)

    def submit(self, by: str, work: Callable[[], T]) -> Future[T]:
        """Other work with the detectors that somebody waits for, as one try. Raises TooManyTries."""
        with self._lock:
            self._count(by)
            if self._open >= _MOST_OPEN:
                raise TooManyTries("Others are trying items now. Wait a moment and try again.", _OTHERS_WAIT_S)
            self._open += 1
        started = self._threads.submit(work)
        started.add_done_callback(self._done)
        return started

    def _done(self, _started: Future[T]) -> None:
        with self._lock:
            self._open -= 1

    def _count(self, by: str) -> None:
        """One more of this person in the last minute; with the lock held."""
        now = self._clock()
        recent = [at for at in self._tries.get(by, ()) if at > now - _MINUTE_S]
        if len(recent) >= TRIES_PER_MINUTE:
            wait = max(1, ceil(recent[0] + _MINUTE_S - now))
            text = f"At most {TRIES_PER_MINUTE} items a minute can be tried. Wait {wait} seconds and try again."
            raise TooManyTries(text, wait)
        self._tries[by] = [*recent, now]

    def close(self) -> None:
        """End the threads; tries that wait are not run."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def try_item(
    runner: Runner,
    item: Item,
    in_force: Bundle,
    draft: Bundle | None = None,
    creators: CreatorOverlays | None = None,
) -> ItemTrial:
    """One try, uncounted. ``creators``: what they have on; None: nobody has anything on.

    Raises LookupError when a bundle does not have the content type.
    """
    started = time.perf_counter()
    bundles = [in_force] if draft is None or draft.hash == in_force.hash else [in_force, draft]
    evaluations = [_permitted_evaluation(runner, item, bundle, creators) for bundle in bundles]
    findings = ask(runner, evaluations).wait()
    sides = [_outcome(evaluation, _seen_by(evaluation, evaluations, findings), runner) for evaluation in evaluations]
    drafted = None if draft is None else sides[-1]
    return ItemTrial(
        content_type=item.content_type,
        differences=() if drafted is None else tuple(_differences(sides[0], drafted)),
        in_force=sides[0],
        draft=drafted,
        parts=tuple(map(_tried_part, findings.parts or evaluations[0].parts)),
        signals=tuple(signal for signal in with_creator_words(evaluations[0], findings).signals if signal.value > 0),
        unknown=findings.unknown + not_permitted(evaluations[0].plan, findings.parts, runner),
        skipped=findings.skipped,
        took_ms=round(1000 * (time.perf_counter() - started)),
    )


def last_evaluation_of(runner: Runner, item: Item, bundle: Bundle, on: OverlaysOn | None = None) -> ItemEvaluation:
    """The evaluation in the last stage of the content type, which asks every detector. Raises LookupError.

    ``on``: what the creator has on in whose place the item stands.
    """
    content_type = bundle.content_types.get(item.content_type)
    if content_type is None:
        raise LookupError(f"there is no content type {item.content_type!r} under the bundle {bundle.hash[:12]}")
    specs = {spec.name: spec for spec in runner.specs}
    overlays = () if on is None else on.names
    plan = stage_plan(bundle, content_type, POST_PUBLISH, specs, runner.extractors, overlays)
    return evaluation_of(item, bundle, plan, on)


def _permitted_evaluation(
    runner: Runner, item: Item, bundle: Bundle, creators: CreatorOverlays | None
) -> ItemEvaluation:
    """The same without what is not permitted for the item now, as its screening would be."""
    content_type = bundle.content_types.get(item.content_type)
    owner = None if content_type is None else creator_of(item, content_type)
    made = last_evaluation_of(runner, item, bundle, None if creators is None else creators.of(owner))
    return msgspec.structs.replace(made, plan=plan_here(made.plan, item, now_ms(), runner))


def ask(runner: Runner, evaluations: Sequence[ItemEvaluation], wanted: frozenset[str] | None = None) -> DetectorRun:
    """Ask what any of these evaluations of one item wants to know, or the ``wanted`` detectors among it."""
    first = evaluations[0]
    asked = frozenset[str]().union(*(each.plan.wanted for each in evaluations))
    reading = frozenset[str]().union(*(each.plan.reading for each in evaluations))
    return runner.start(
        first.parts,
        reading | (asked if wanted is None else asked & wanted),
        _DEADLINE_MS,
        extract=first.plan.extract,
        unchecked=first.plan.unchecked,
    )


def _seen_by(evaluation: ItemEvaluation, all_of_them: Sequence[ItemEvaluation], findings: Findings) -> Findings:
    """The findings without detectors that only the other bundle asks, or permits: they are nothing to this one."""
    asked = frozenset[str]().union(*(each.plan.wanted | each.plan.reading for each in all_of_them))
    others = asked - evaluation.plan.wanted - evaluation.plan.reading
    unknown = tuple(each for each in findings.unknown if each.detector not in others)
    signals = tuple(each for each in findings.signals if each.detector not in evaluation.plan.withheld)
    return msgspec.structs.replace(findings, unknown=unknown, signals=signals)


def _outcome(evaluation: ItemEvaluation, findings: Findings, runner: Runner) -> TrialOutcome:
    bundle = evaluation.bundle
    withheld = not_permitted(evaluation.plan, findings.parts or evaluation.parts, runner)
    draft = decide(evaluation, findings, (), DecisionSource.SCREEN, not_permitted=withheld)
    decision = msgspec.structs.replace(draft, id="").at_item(ItemRef(evaluation.item.content_type, "", 0), None, None)
    row: dict[str, FeatureValue] = {**draft.features, **draft.personal_features}
    row.update(dict.fromkeys(draft.unknown_features, UNKNOWN))
    explanation = explain(bundle, decision, row, shadow=True)
    reason = gravest([each for each in decision.reasons if _restricts(bundle, each)])
    policy = bundle.policy(reason.policy) if reason is not None else None
    return TrialOutcome(
        bundle=bundle.hash,
        verdict=decision.verdict,
        actions=explanation.actions,
        degraded=decision.degraded,
        fail_mode=decision.fail_mode,
        statement=None
        if policy is None
        else TriedStatement(
            policy=policy.name,
            title=policy.title,
            ground=policy.statement.ground,
            clause=policy.statement.clause,
            law=policy.statement.law,
        ),
        rules=tuple(rule for rule in explanation.rules if rule.state != "near miss"),
        near_misses=_near_misses(explanation),
        not_run=tuple(_in_draft_mode(bundle, evaluation.item.content_type)),
        change=explanation.change,
    )


def _restricts(bundle: Bundle, reason: Reason) -> bool:
    """Whether the rule of a reason restricts somebody, who is then owed a statement of reasons."""
    policy = bundle.policy(reason.policy)
    rule = policy.rule(reason.rule) if policy is not None else None
    return rule is not None and any(ACTIONS[call.kind].adverse for call in rule.do)


def _in_draft_mode(bundle: Bundle, content_type: str) -> Iterator[str]:
    for policy in bundle.policies:
        for rule in policy.rules:
            if rule.mode == "draft" and content_type in rule.applies_to:
                yield f"{policy.name}/{rule.id}"


def _near_misses(explanation: Explanation) -> tuple[RuleExplanation, ...]:
    return tuple(rule for rule in explanation.rules if rule.state == "near miss")


def _differences(in_force: TrialOutcome, draft: TrialOutcome) -> Iterator[TrialDifference]:
    def views(side: TrialOutcome) -> Mapping[str, tuple[str, ...]]:
        told = side.statement
        return {
            "verdict": (side.verdict.value,),
            "actions": side.actions,
            "statement": () if told is None else (f"{told.title}: {told.clause}",),
            "fired": side.named("fired"),
            "undetermined": side.named("undetermined"),
            "shadow": side.named("shadow"),
        }

    before, after = views(in_force), views(draft)
    for what, values in before.items():
        if sorted(values) != sorted(after[what]):
            yield TrialDifference(what=what, in_force=values, draft=after[what])


def _tried_part(part: Part) -> TriedPart:
    text = part.text if part.text is None else part.text[:_SHOWN_TEXT]
    return TriedPart(path=part.path, modality=part.modality.value, text=text)


def to_json(trial: ItemTrial) -> Any:
    """Plain dicts, lists and scalars."""
    return msgspec.to_builtins(trial)
