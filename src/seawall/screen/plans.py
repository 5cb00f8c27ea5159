"""Stage plans: the detectors and extractors that a stage asks for a content type, and those left for later."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from seawall.content import extractors_of
from seawall.model import (
    ContentType,
    Cost,
    DetectorSpec,
    FieldSpec,
    FieldType,
    Prohibition,
    ScreeningStage,
    Untranscribed,
)
from seawall.model.not_permitted import RULE_TEXTS
from seawall.policy import Bundle, Program

PRE_PUBLISH = "pre_publish"
POST_PUBLISH = "post_publish"


@dataclass(frozen=True, slots=True)
class StagePlan:
    """The detectors and extractors that a stage asks for a content type under a bundle."""

    stage: ScreeningStage
    program: Program
    wanted: frozenset[str]  # detectors to ask now
    later: frozenset[str]  # detectors that a later stage asks
    extract: Mapping[str, tuple[str, ...]]  # field → extractors to ask now
    extract_later: Mapping[str, tuple[str, ...]]
    extract_ever: Mapping[str, tuple[str, ...]]  # both
    unchecked: frozenset[str]  # fields whose speech need not be transcribed
    reading: frozenset[str] = frozenset()  # ``RULE_TEXTS`` where rules look into all texts, also extracted ones
    matching: frozenset[str] = frozenset()  # detectors that fingerprint files: always asked, for later bank entries
    prohibitions: tuple[Prohibition, ...] = ()  # on this surface; which hold depends on the item: see ``prohibitions``
    withheld: Mapping[str, str] = field(default_factory=dict)  # not permitted here: detector or extractor → prohibition
    extract_withheld: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of them, the extractors by field


def stage_plan(
    bundle: Bundle,
    content_type: ContentType,
    stage_name: str,
    specs: Mapping[str, DetectorSpec],
    extractors: Collection[str],
    overlays: Collection[str] = (),
) -> StagePlan:
    """The plan. ``specs``: every detector, extractors among them; ``extractors``: the installed ones' names.

    ``overlays``: those that the creator has on in whose place the items stand.
    """
    pre = content_type.stage(PRE_PUBLISH)
    assert pre is not None, "the content-type check requires a pre_publish stage"
    stage = content_type.stage(stage_name) or pre
    postpones = stage.name == PRE_PUBLISH and content_type.stage(POST_PUBLISH) is not None
    program = bundle.program(content_type.name, overlays)

    def now(name: str) -> bool:
        if not postpones:
            return True
        return specs[name].cost is not Cost.SLOW if stage.detectors is None else name in stage.detectors

    wished = {spec.name: _wished(spec, extractors) for spec in content_type.fields}
    ever = {name: names for name, names in wished.items() if names}
    asked = {place: tuple(name for name in names if now(name)) for place, names in ever.items()}
    later = {place: tuple(name for name in names if not now(name)) for place, names in ever.items()}
    wanted = frozenset(name for name in program.detectors if now(name))
    return StagePlan(
        stage=stage,
        program=program,
        wanted=wanted,
        later=program.detectors - wanted,
        extract={place: names for place, names in asked.items() if names},
        extract_later={place: names for place, names in later.items() if names},
        extract_ever=ever,
        reading=frozenset({RULE_TEXTS}) if program.reads_all_texts else frozenset(),
        unchecked=frozenset(spec.name for spec in content_type.fields if spec.untranscribed is Untranscribed.UNCHECKED),
        matching=frozenset(spec.name for spec in specs.values() if any(is_of_bank(one.name) for one in spec.signals)),
        prohibitions=tuple(
            each for each in bundle.not_permitted if not each.surfaces or content_type.surface in each.surfaces
        ),
    )


def is_of_bank(signal: str) -> bool:
    """Whether a signal counts matches with a bank."""
    return signal.startswith("bank:")


def _wished(spec: FieldSpec, extractors: Collection[str]) -> tuple[str, ...]:
    """The extractors to ask for a field. For an image or document field without ``extract``, only installed ones and
    ``document`` are asked, so an image is evaluated without its words if no OCR is installed. In other fields all are
    asked: what an extractor that is not installed would give is unknown."""
    names = extractors_of(spec)
    if spec.type in (FieldType.IMAGE, FieldType.DOCUMENT) and spec.extract is None:
        return tuple(name for name in names if name in extractors or name == "document")
    return names
