"""Where detectors are not permitted: the plan without them, and what is unknown because of it.

A prohibition is applied before anything is asked: the detector is in no plan, of no stage. An extractor does not run
either where it is not permitted, or where every detector that would read what it makes is not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import msgspec

from seawall.content.jurisdictions import jurisdictions_of
from seawall.counters.follower import CounterReading
from seawall.detect import Runner
from seawall.detect.cascade import with_dependent
from seawall.detect.extraction import RULES, STANDARD, TRANSCRIPT, VOICE, reached_modalities
from seawall.model import (
    DetectorSpec,
    ExtractorSpec,
    Item,
    Modality,
    NotPermitted,
    Part,
    Prohibition,
    Unknown,
    UnknownReason,
)
from seawall.model.not_permitted import RULE_TEXTS
from seawall.policy import Bundle, Feature
from seawall.policy.features import compares_texts
from seawall.policy.prohibitions import concerned, holding
from seawall.screen.plans import StagePlan, is_of_bank


def prohibitions_on(plan: StagePlan, item: Item, at: int) -> tuple[Prohibition, ...]:
    """The plan's prohibitions that hold for the item at that time (milliseconds since 1970)."""
    return holding(plan.prohibitions, item, plan.program.content_type, at)


def plan_here(plan: StagePlan, item: Item, at: int, runner: Runner) -> StagePlan:
    """The plan for the item at that time: the plan itself where everything is permitted."""
    applied = prohibitions_on(plan, item, at) if plan.prohibitions else ()
    return permitted_plan(plan, applied, runner) if applied else plan


def permitted_plan(plan: StagePlan, prohibitions: Sequence[Prohibition], runner: Runner) -> StagePlan:
    """The plan without what these prohibitions name, and without what is of no use then."""
    specs = {spec.name: spec for spec in runner.specs}
    withheld: dict[str, str] = {}
    for prohibition in prohibitions:
        for name in sorted(concerned(prohibition, specs.values())):
            withheld.setdefault(name, prohibition.name)
    if not plan.program.reads_texts:
        withheld.pop(RULE_TEXTS, None)
    dependent = with_dependent(withheld, specs.values(), runner.score_ranges)
    withheld = {name: withheld[cause] for name, cause in dependent.items()}
    while _add_needless(withheld, plan, specs, {**STANDARD, **runner.extractors}):
        pass
    asked = plan.wanted | plan.later | {RULE_TEXTS}.union(*plan.extract_ever.values())
    withheld = {name: why for name, why in withheld.items() if name in asked}
    return replace(
        plan,
        wanted=plan.wanted - withheld.keys(),
        later=plan.later - withheld.keys(),
        reading=plan.reading - withheld.keys(),
        extract=_chosen(plan.extract, withheld, keep=False),
        extract_later=_chosen(plan.extract_later, withheld, keep=False),
        extract_ever=_chosen(plan.extract_ever, withheld, keep=False),
        extract_withheld=_chosen(plan.extract_ever, withheld, keep=True),
        withheld=withheld,
    )


def not_permitted(plan: StagePlan, parts: Sequence[Part], runner: Runner) -> tuple[Unknown, ...]:
    """What is unknown of these parts because it was withheld: signals of detectors, and of parts that none made."""
    if not plan.withheld:
        return ()
    specs = {spec.name: spec for spec in runner.specs}
    why = UnknownReason.NOT_PERMITTED
    extractors = {name for names in plan.extract_withheld.values() for name in names}
    detectors = plan.withheld.keys() - extractors - {RULE_TEXTS}
    found = [
        Unknown(detector=name, part=part.path, reason=why, detail=plan.withheld[name])
        for name in sorted(detectors)
        for part in parts
        if part.modality in specs[name].modalities
    ]
    if RULE_TEXTS in plan.withheld:
        found.append(Unknown(detector=RULE_TEXTS, part="", reason=why, detail=plan.withheld[RULE_TEXTS]))
    if extractors:
        extract = {field: (*plan.extract_ever.get(field, ()), *names) for field, names in plan.extract_withheld.items()}
        found += runner.unread(
            parts,
            plan.wanted | plan.later | plan.reading | detectors,
            why,
            extract=extract,
            later=plan.extract_withheld,
            unchecked=plan.unchecked,
        )
    return tuple(found)


def counted(plan: StagePlan) -> tuple[Feature, ...]:
    """The counters that may be read: without those that compare texts where rules may not read them."""
    counters = plan.program.counters
    return tuple(each for each in counters if not compares_texts(each)) if RULE_TEXTS in plan.withheld else counters


def with_uncounted(plan: StagePlan, reading: CounterReading) -> CounterReading:
    """The reading with a number for each counter that was not read: ``not_permitted`` makes them unknown in the row.

    Without one they would be unknown for another reason as well, and somebody would wait for their answer.
    """
    if RULE_TEXTS not in plan.withheld:
        return reading
    uncounted = {each.name: 0 for each in plan.program.counters if compares_texts(each)}
    return msgspec.structs.replace(reading, values={**uncounted, **reading.values})


def recorded(plan: StagePlan, item: Item, unknown: Iterable[Unknown], at: int) -> tuple[NotPermitted, ...]:
    """What a decision records of it: by prohibition, the detectors and extractors that did not read the item."""
    kept: dict[str, set[str]] = {}
    for each in unknown:
        if each.detector in plan.withheld:
            kept.setdefault(plan.withheld[each.detector], set()).add(each.detector)
    content_type = plan.program.content_type
    places = tuple(sorted(filter(None, jurisdictions_of(item, content_type, at)))) if kept else ()
    return tuple(
        NotPermitted(
            prohibition=name, detectors=tuple(sorted(kept[name])), surface=content_type.surface, jurisdictions=places
        )
        for name in sorted(kept)
    )


def unmatched(bundle: Bundle, item: Item, at: int) -> frozenset[Modality]:
    """The modalities of which nothing in the item may be compared with banks at that time."""
    content_type = bundle.content_types[item.content_type]
    matching = [spec for spec in bundle.detectors if any(is_of_bank(one.name) for one in spec.signals)]
    withheld = {
        name for each in holding(bundle.not_permitted, item, content_type, at) for name in concerned(each, matching)
    }
    return frozenset(modality for spec in matching if spec.name in withheld for modality in spec.modalities)


def _add_needless(
    withheld: dict[str, str],
    plan: StagePlan,
    specs: Mapping[str, DetectorSpec],
    extractors: Mapping[str, ExtractorSpec],
) -> bool:
    """Add extractors whose output no permitted detector reads, and whose own signals no rule reads; whether any."""
    found = False
    readers = [specs[name] for name in plan.wanted | plan.later if name not in extractors]
    readers += [RULES] if plan.reading else []
    for names in plan.extract_ever.values():
        rest = [extractors[name] for name in names if name not in withheld and name in extractors]
        for spec in rest:
            if spec.name in plan.program.detectors:
                continue
            reached = reached_modalities(spec, rest)
            reading = {each.name for each in readers if each.modalities & reached}
            if spec.name == VOICE:  # it makes nothing to read: it says where there is speech to transcribe
                reading = {TRANSCRIPT} if TRANSCRIPT in names else set()
            if reading and reading <= withheld.keys():
                withheld[spec.name] = withheld[min(reading)]
                found = True
    return found


def _chosen(
    extract: Mapping[str, tuple[str, ...]], withheld: Collection[str], *, keep: bool
) -> dict[str, tuple[str, ...]]:
    """By field, the extractors that are withheld (``keep``) or that are not."""
    chosen = {field: tuple(name for name in names if (name in withheld) is keep) for field, names in extract.items()}
    return {field: names for field, names in chosen.items() if names}
