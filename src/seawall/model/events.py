"""What the ledger records: an event, and the bodies that several services handle.

The events of one service are in its own ``events.py``. Events hold surrogate ids, codes, numbers and salted digests
only; whatever is personal lives in the vault. A kind's name never changes. A field may be added with a default; any
other change is a new version of the kind, with a function that brings older bodies up to it (``EventSpec.upcast``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from seawall.model.content import ItemRef
from seawall.model.decisions import Decision, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSubmitted:
    """A product submitted one revision of an item; its content is sealed in the vault."""

    item: ItemRef
    actor: str | None
    digest: str  # keyed digest of the content
    language: str | None = None
    parts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionMade:
    """A decision, by rules or by a person."""

    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportReceived:
    """An item, or an account, was reported as bad. The note is sealed in the vault under ``report/<id>``.

    ``person``: the colleague who asked for the review, in the console; None: the report came from outside.
    """

    report: str
    item: ItemRef
    reporter: str | None
    kind: str  # user | trusted_flagger | authority | staff
    policy: str | None = None
    harm: str | None = None  # of the policy, when it was in force
    muted: bool = False  # the reporter was muted for misuse (DSA Art. 23): received, with no priority
    person: str | None = None
    reporter_key: str | None = None  # the reporter key it came with (DSA Art. 22), if any


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealReceived:
    """Somebody objects to a decision. What they wrote is sealed in the vault under ``appeal/<id>``."""

    appeal: str
    item: ItemRef  # with the revision that the decision is about
    decision: str
    appellant: str
    role: str  # author | reporter
    report: str | None = None  # the refused report, when its reporter appeals
    reasons: tuple[Reason, ...] = ()  # of the decision
    deciders: tuple[str, ...] = ()  # people who decided it: none of them may answer the appeal


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealDecided:
    """A person answered an appeal, or the appellant withdrew it.

    ``decision``: the decision that changed what is in force; None when it stays.
    """

    appeal: str
    item: ItemRef  # as in AppealReceived
    role: str
    outcome: str  # upheld | overturned | partly | withdrawn
    person: str | None
    reason: str = ""
    decision: str | None = None
    policy: str | None = None  # that the answer names, when it is another than the decision's


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentViewed:
    """A person opened somebody's content in the console.

    ``harm``: the gravest one that it was found or reported for; None: none is known, or an earlier release wrote it.
    ``shown`` and ``veiled`` have the modality of each part that the page showed at once or behind a veil, ``controls``
    what softened it: blur, greyscale, mute, text_first.
    """

    person: str
    item: ItemRef
    page: str
    harm: str | None = None
    shown: tuple[str, ...] = ()
    veiled: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectErased:
    """A subject's key was destroyed: data sealed for it cannot be read any more."""

    subject: str
    by: str


class EventBody(Protocol):
    """What an event says: an instance of a frozen dataclass that some component declares with an ``EventSpec``."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownEvent:
    """The body of an event whose component is not installed: kept as it was stored, and handled by nobody."""

    version: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An entry of the ledger. ``seq`` counts from 1 without gaps; ``at`` is milliseconds since 1970."""

    seq: int
    id: str
    at: int
    kind: str
    body: EventBody
