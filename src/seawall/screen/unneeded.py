"""Sparing detectors that a later stage would ask, where no answer of theirs can change the outcome any more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import Final

from seawall.detect.extraction import UNCHECKED
from seawall.model import UNKNOWN, FeatureRow, Item, Unknown, Verdict
from seawall.policy import Outcome
from seawall.policy.features import Row
from seawall.policy.planning import features_that_matter
from seawall.policy.program import Program
from seawall.screen.plans import StagePlan

FULL_SHARE: Final = 0.02
"""The share of items about which every detector is asked, whatever they can change: for shadow rules, and as a sample
of known probability for whoever measures detectors."""
SAMPLE: Final = "inclusion_probability(full_evaluation)"
"""Where the row of such an item holds that share."""
_PLACES: Final = 10_000


def is_in_full_sample(item: Item) -> bool:
    """Whether every detector is asked about an item: drawn by its identifier alone, so always the same."""
    who = f"full evaluation\0{item.content_type}\0{item.id}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(who, digest_size=8).digest(), "big") % _PLACES < FULL_SHARE * _PLACES


def can_change_nothing(
    plan: StagePlan,
    has_media: bool,
    row: FeatureRow,
    outcome: Outcome,
    postponed: Sequence[Unknown],
    snoozed: Collection[str],
) -> bool:
    """Whether what a later stage would ask can change nothing. In the row, its signals are unknown.

    Detectors that fingerprint files are never unneeded, and files are looked at in full unless the item is removed: a
    bank may be given an entry tomorrow that matches what is visible today.
    """
    if outcome.degraded or (has_media and outcome.verdict is not Verdict.BLOCK):
        return False
    own = {unknown.detector for unknown in postponed if ">" not in unknown.part}
    if not plan.matching.isdisjoint(own):
        return False
    supposed = _without_speech(plan.program, row) if plan.extract_later else row
    return not features_that_matter(plan.program, supposed, snoozed)


def _without_speech(program: Program, row: FeatureRow) -> Row:
    """The row while files may still give speech: how long it is remains unknown."""
    unheard = {feature.name: UNKNOWN for feature in program.features if feature.argument == UNCHECKED.name}
    return {**row, **unheard}


def without_words(program: Program, row: FeatureRow) -> Row:
    """The row while files may still give text and speech: what is known of these does not settle is unknown."""
    unread = {
        feature.name: UNKNOWN for feature in program.features if feature.of_all_texts and row[feature.name] is not True
    }
    return {**_without_speech(program, row), **unread}
