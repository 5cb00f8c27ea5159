"""Stages of content types whose detectors take longer than the stage has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from seawall.model import Cost, ScreeningStage
from seawall.policy.analysis.findings import PolicyWarning
from seawall.policy.bundle import Bundle
from seawall.policy.features import providers
from seawall.yamlfile.source import Problem

_MILLISECONDS: Final = {Cost.INLINE: 0, Cost.CPU: 5, Cost.SLOW: 1_000}
"""A low estimate of what a detector takes for one field."""


def late_stages(bundle: Bundle) -> Iterator[PolicyWarning]:
    """Stages whose detectors take longer than the stage has, by a low estimate."""
    specs = {detector.name: detector for detector in bundle.detectors}
    for name, content_type in bundle.content_types.items():
        needed = providers(bundle.program(name, bundle.creators_overlays).signals, bundle.detectors)
        for stage in content_type.stages:
            asked = [specs[each] for each in sorted(needed) if _is_asked(stage, each, specs[each].cost)]
            total = sum(_MILLISECONDS[detector.cost] for detector in asked)
            if total <= stage.budget_ms:
                continue
            costly = ", ".join(detector.name for detector in asked if detector.cost is not Cost.INLINE)
            yield PolicyWarning(
                code="cost",
                policy="",
                rule=None,
                problem=Problem(
                    message=f"stage {stage.name} has {stage.budget_ms:,} ms, and the policies need about {total:,}",
                    path=f"content type {name}",
                    remedy="leave slow detectors to post_publish, or give the stage a larger budget",
                ),
                means=f"Detectors that are late ({costly}) are unknown in the answer.",
            )


def _is_asked(stage: ScreeningStage, name: str, cost: Cost) -> bool:
    return cost is not Cost.SLOW if stage.detectors is None else name in stage.detectors
