"""Content types, items, parts and entities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias


class Modality(StrEnum):
    """The kind of data in a part."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    DOCUMENT = "document"
    LINK = "link"
    CONTEXT = "context"  # names and titles next to the content, for the few detectors that request them


MEDIA_MODALITIES: Final = frozenset({Modality.IMAGE, Modality.AUDIO, Modality.VIDEO, Modality.DOCUMENT})
"""Modalities whose parts are encoded files."""


class FieldType(StrEnum):
    """The type of an item's field. Plural types are lists of the singular one."""

    TEXT = "text"
    TEXTS = "texts"
    LINK = "link"
    LINKS = "links"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"
    DOCUMENT = "document"
    ID = "id"
    IDS = "ids"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"  # milliseconds since 1970, UTC; RFC 3339 text is accepted as input
    LANGUAGE = "language"  # a two-letter ISO 639-1 code, lower case


class FieldRole(StrEnum):
    """The meaning of a field to the platform."""

    ACTOR = "actor"
    THREAD = "thread"
    PARENT = "parent"
    BODY = "body"
    TITLE = "title"
    MEDIA = "media"
    CREATED_AT = "created_at"
    LANGUAGE = "language"
    CONTEXT = "context"  # read by rules, reviewers and the few detectors that request context


class FailMode(StrEnum):
    """What a stage does when an undetermined live rule could have changed the outcome."""

    ALLOW_AND_RESCREEN = "allow_and_rescreen"
    HOLD = "hold"
    BLOCK = "block"


class UnanswerableMode(StrEnum):
    """What a stage does with what no detector will ever read: a file that nobody opens, a language that nobody reads.

    ``review`` leaves it as it is and asks a person; ``hold`` and ``block`` ask a person, too.
    """

    ALLOW = "allow"
    REVIEW = "review"
    HOLD = "hold"
    BLOCK = "block"


class Untranscribed(StrEnum):
    """How untranscribed speech is treated."""

    UNKNOWN = "unknown"  # text signals are unknown there: the stage's fail mode applies
    UNCHECKED = "unchecked"  # not requested; the signal ``speech_unchecked`` counts the seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """One declared field of a content type."""

    name: str
    type: FieldType
    role: FieldRole
    required: bool = False
    max_length: int | None = None  # characters of a text, entries of a list
    description: str = ""
    extract: tuple[str, ...] | None = None  # media: its extractors ("words", "frames", …); None: its type's
    untranscribed: Untranscribed | None = None  # audio and video: None means unknown
    fresh_for_s: int | None = None  # an attribute: older than this many seconds by ``as_of`` it is unknown
    as_of: str | None = None  # the attribute that says when it was measured


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorSpec:
    """Attributes of the acting account in a content type's items.

    ``created_at`` (a timestamp) is always accepted; declared here as required, it makes ``age(actor)`` always known.
    """

    required: bool = True  # an item must name its account
    attributes: tuple[FieldSpec, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningStage:
    """One evaluation of an item: before publication (synchronous) or after it (by a worker)."""

    name: str  # "pre_publish" or "post_publish"
    budget_ms: int
    fail_mode: FailMode
    unanswerable: UnanswerableMode | None = None  # None: as the fail mode; what waits goes to a person
    rescreen_within_s: int | None = None  # seconds within which a pending rescreen is due
    detectors: tuple[str, ...] | None = None  # None: every detector that accepts the item's parts


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealTerms:
    """How affected persons can object (DSA Art. 20 requires at least six months)."""

    window_days: int
    route: str  # where the platform sends people: a path or a URL


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionTerms:
    """Days for which content and decisions are kept."""

    content_days: int
    decision_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentType:
    """A registered kind of content, as declared in its file."""

    name: str
    title: str
    owner: str
    fields: tuple[FieldSpec, ...]
    surface: str  # public | unlisted | group | private
    audience: str  # general | adults | children
    stages: tuple[ScreeningStage, ...]
    actions: tuple[str, ...]
    retention: RetentionTerms
    appeal: AppealTerms | None = None
    languages: tuple[str, ...] = ()  # expected languages; empty: any
    default_language: str | None = None
    description: str = ""
    actor: ActorSpec | None = None  # None: a field with role actor names the account
    jurisdiction: tuple[str, ...] = ()  # "item.country", "actor.country": whose law holds; empty: unknown
    creator: str | None = None  # "item.page_owner": the account in whose place an item stands; None: in nobody's

    def field(self, name: str) -> FieldSpec | None:
        """The field of that name, or None."""
        return next((spec for spec in self.fields if spec.name == name), None)

    def field_with_role(self, role: FieldRole) -> FieldSpec | None:
        """The first field with that role, or None."""
        return next((spec for spec in self.fields if spec.role is role), None)

    def stage(self, name: str) -> ScreeningStage | None:
        """The stage of that name, or None."""
        return next((stage for stage in self.stages if stage.name == name), None)


@dataclass(frozen=True, slots=True)
class Image:
    """An image as received: encoded bytes, not yet decoded."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Audio:
    """An audio file as received: encoded bytes, not yet decoded."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Video:
    """A video as received: encoded bytes, not yet decoded."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Document:
    """A document as received: a PDF, HTML, an office file, plain text; not yet read."""

    data: bytes


Media: TypeAlias = Image | Audio | Video | Document
Value: TypeAlias = str | int | float | bool | Media | tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One revision of one piece of content, with the platform's ids (therefore personal, never in the ledger)."""

    content_type: str
    id: str
    fields: Mapping[str, Value]
    actor: str | None = None  # the acting account's id on the platform
    actor_attributes: Mapping[str, Value] = field(default_factory=dict)
    language: str | None = None
    created_at: int | None = None  # milliseconds since 1970


ACCOUNT_TYPE: Final = "account"
"""What stands for the content type where an account itself is reported or decided."""


def is_account(ref: str) -> bool:
    """Whether a surrogate is that of an account; the others are items' (see ``Transaction.subject``)."""
    return ref.startswith("en_")


@dataclass(frozen=True, slots=True)
class ItemRef:
    """An item in the ledger: identified by a surrogate, not by the platform's id.

    Where an account itself was reported or decided, it stands for the account: ``content_type`` is ``ACCOUNT_TYPE``,
    and ``revision`` counts the times that its case was opened by something new (0 in a report).
    """

    content_type: str
    ref: str
    revision: int


class SpanUnit(StrEnum):
    """The unit of a span."""

    CHARACTERS = "characters"
    PIXELS = "pixels"
    SECONDS = "seconds"
    PAGES = "pages"  # from 0


@dataclass(frozen=True, slots=True)
class Span:
    """A position in a part: ``start`` included, ``end`` excluded. Pixels give x0, y0, x1, y1 in ``box``."""

    unit: SpanUnit
    start: float = 0
    end: float = 0
    box: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece of an item in one modality. ``path`` is unique in the item: ``body``, ``tracks.3``, ``body>link.0``."""

    path: str
    modality: Modality
    field: str
    text: str | None = None  # text parts: as written; link parts: the URL
    data: bytes | None = None  # image, audio, video and document parts: encoded bytes
    language: str | None = None
    parent: str | None = None  # path of the part it was derived from
    span: Span | None = None  # where in the parent
    pdq: tuple[bytes, int] | None = None  # frames: hash and quality (0 to 100) at the video's full size
    size: tuple[int, int] | None = None  # frames: width and height of ``data``, the pixels of boxes
