"""Which counters a screening reads: those that can still change its outcome, by what is known before the slow answers.

What no quick answer settles is unknown in the row that is asked about, so later answers make no other counter matter.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from seawall.detect import DetectorRun
from seawall.model import UNKNOWN, Unknown
from seawall.policy.features import Row
from seawall.policy.planning import counters_that_matter
from seawall.policy.program import Program
from seawall.policy.tree import Feature, FeatureOrigin
from seawall.screen.evaluation import ItemEvaluation, row_of
from seawall.screen.unneeded import is_in_full_sample, without_words

_SILENT = frozenset({FeatureOrigin.UNANSWERABLE, FeatureOrigin.NOT_PERMITTED})


def counters_to_read(
    evaluation: ItemEvaluation, run: DetectorRun, unasked: Sequence[Unknown], snoozed: Collection[str]
) -> tuple[Feature, ...]:
    """The counters to read, after the detectors were asked; all of an item in the full sample.

    ``unasked``: what is left to a later stage or not permitted. ``snoozed``: rules that are set aside for the account;
    one that is set aside after this may leave the decision degraded, which its rescreen settles.
    """
    program = evaluation.plan.program
    if not program.counters or is_in_full_sample(evaluation.item):
        return program.counters
    findings = run.so_far()
    row = row_of(evaluation, findings, (*findings.unknown, *unasked))
    if evaluation.extracts:
        row = _before_extraction(program, row)
    names = counters_that_matter(program, row, snoozed)
    return tuple(each for each in program.counters if each.name in names)


def _before_extraction(program: Program, row: Row) -> Row:
    """The row while files may still give words and parts, after which detectors that read all parts answer anew."""
    supposed = without_words(program, row)
    for feature in program.features:
        if feature.growing:
            supposed[feature.name], supposed[feature.bound] = UNKNOWN, 0.0
        elif feature.origin in _SILENT and supposed[feature.name] is not True:
            supposed[feature.name] = UNKNOWN
    return supposed
