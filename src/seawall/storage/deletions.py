"""The events that say what was deleted lawfully, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from seawall.model import ItemRef
from seawall.storage.events import EventSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureCompleted:
    """How much an erasure deleted; its SubjectErased is the event before."""

    subject: str
    subjects: int
    entries: int
    files: int
    by: str
    bank_sources: int = 0
    bank_entries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionEnded:
    """What was kept of these revisions was deleted, because the retention of their content type ended.

    ``term``: ``content`` (fields, files, hashes, features) or ``decisions`` (notes and the platform's ids too).
    """

    term: str
    content_type: str
    before: int  # decided and submitted before then: milliseconds since 1970
    items: tuple[ItemRef, ...]
    entries: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusedFilesDeleted:
    """Files were deleted that nothing refers to: left by a process that was killed."""

    files: int
    before: int  # stored before then


DELETION_EVENTS: Final = (
    EventSpec("subject.erasure_completed", ErasureCompleted),
    EventSpec("retention.ended", RetentionEnded),
    EventSpec("files.unused_deleted", UnusedFilesDeleted),
)
DELETION_KINDS: Final = tuple(spec.kind for spec in DELETION_EVENTS)
