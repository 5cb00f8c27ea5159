"""Events of exposure. That a page was opened is ``content.viewed``, an event of access."""

from __future__ import annotations

from dataclasses import dataclass

from seawall.model import ItemRef
from seawall.storage import EventSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentUnveiled:
    """A person lifted the veil of one part. ``part``: the field of the content type; ``harm`` None: none is known."""

    person: str
    item: ItemRef
    part: str
    modality: str
    harm: str | None
    controls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentWatched:
    """For how long a person had a medium before their eyes: from the lifted veil until they left the page."""

    person: str
    item: ItemRef
    part: str
    modality: str
    harm: str | None
    seconds: float
    controls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEnded:
    """An administrator ended a person's break: their exposure counts from here. ``reason``: of ``BREAK_REASONS``."""

    person: str
    by: str
    reason: str


EVENTS = (
    EventSpec("exposure.unveiled", ContentUnveiled),
    EventSpec("exposure.watched", ContentWatched),
    EventSpec("exposure.break_ended", BreakEnded),
)
