"""Exposure: what reviewers have seen, by harm and intensity, and what protects them from too much of it.

    from seawall.review import exposure

    wellbeing = app.context.get(exposure.Wellbeing)                  # budgets, breaks, veils: a file
    now = exposure.standing_of(database, wellbeing, person, now_ms())
    now.on_break, now.until, now.over                               # and which harms others take for now
    exposure.allowed(database, wellbeing, person, "child_safety", now_ms())

Pages that show content are counted by ``content.viewed``, veils that are lifted by ``exposure.unveiled``.
"""

from seawall.review.exposure.compare import LEAST_MEDIA, LEAST_PEOPLE, ControlGroup, compare
from seawall.review.exposure.component import COMPONENT
from seawall.review.exposure.events import BreakEnded, ContentUnveiled, ContentWatched
from seawall.review.exposure.intensity import MEDIA, MODALITY_WEIGHT, UNKNOWN_SEVERITY, gravest_harm, intensity
from seawall.review.exposure.queries import Sight
from seawall.review.exposure.record import (
    BREAK_REASONS,
    MOST_SECONDS,
    BadBreak,
    end_break,
    record_unveiled,
    record_watched,
)
from seawall.review.exposure.standing import Standing, allowed, count_on_break, standing, standing_of
from seawall.review.exposure.wellbeing import BLURS, VeilFloor, Wellbeing, read_wellbeing, shipped_wellbeing

__all__ = [
    "BLURS",
    "BREAK_REASONS",
    "COMPONENT",
    "LEAST_MEDIA",
    "LEAST_PEOPLE",
    "MEDIA",
    "MODALITY_WEIGHT",
    "MOST_SECONDS",
    "UNKNOWN_SEVERITY",
    "BadBreak",
    "BreakEnded",
    "ContentUnveiled",
    "ContentWatched",
    "ControlGroup",
    "Sight",
    "Standing",
    "VeilFloor",
    "Wellbeing",
    "allowed",
    "compare",
    "count_on_break",
    "end_break",
    "gravest_harm",
    "intensity",
    "read_wellbeing",
    "record_unveiled",
    "record_watched",
    "shipped_wellbeing",
    "standing",
    "standing_of",
]
