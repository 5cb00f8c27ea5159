"""Events of appeals and of misuse: codes, numbers and surrogates. What people wrote is sealed in the vault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seawall.model import AppealDecided, AppealReceived, ItemRef, ReportReceived
from seawall.storage import EventSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealMessageSent:
    """A message of the conversation about an appeal, sealed under ``appeal-message/<message>``; a note under
    ``appeal-note/<message>``."""

    message: str
    appeal: str
    kind: str  # from_appellant | to_appellant | note (for people only)
    person: str | None  # who wrote it; None: the appellant


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfCourtOutcomeRecorded:
    """What an out-of-court dispute settlement body (DSA Art. 21) said about a decided appeal."""

    appeal: str
    body: str  # a code, such as the-body-s-name
    outcome: str  # upheld | overturned | partly | settled | withdrawn | inadmissible
    date: str  # of the outcome: YYYY-MM-DD
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterWarned:
    """A reporter was warned of misuse: too many of their reports were refused (DSA Art. 23(2))."""

    reporter: str
    refused: int
    decided: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterMuted:
    """A person muted a reporter, who had been warned: until then their reports are received without priority."""

    reporter: str
    until: int  # ms since 1970
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterUnmuted:
    """A person ended the muting of a reporter."""

    reporter: str
    person: str


def _without_person(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "person": None, "reporter_key": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeReceived:
    """Somebody reported something by the public form, or reported content that is not known yet (DSA Art. 16).

    What they wrote and who they are is sealed in the vault under ``subject``. ``report`` is the id of the report that
    it becomes when the content is known.
    """

    report: str
    subject: str
    channel: str  # form | api
    content_type: str | None = None
    target: str | None = None  # hex: the lookup of the item's subject, a keyed digest
    reporter: str | None = None
    kind: str = "user"
    reporter_key: str | None = None
    policy: str | None = None
    harm: str | None = None
    illegal: bool = False  # the law is named, rather than a rule of the platform


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeMatched:
    """The content of a notice is known now; its ReportReceived follows. ``person``: who found it, if somebody did."""

    report: str
    item: ItemRef
    person: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeEnded:
    """A notice is not waited for any more: its content never came, or a person found that it is about none."""

    report: str
    outcome: str  # expired | dismissed
    person: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterTold:
    """A receiver took the message that tells a reporter of a receipt or an outcome; it delivers the message."""

    message: str  # its id at the receiver
    report: str
    kind: str  # receipt | outcome
    endpoint: str
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AppellantTold:
    """A receiver took the message that tells an appellant of the answer; it delivers the message."""

    message: str  # its id at the receiver
    appeal: str
    endpoint: str
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityOrderReceived:
    """An authority reported content with its reporter key: handed on to whoever answers for compliance (DSA Art. 9)."""

    report: str
    reporter_key: str
    item: ItemRef


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterKeyDeclared:
    """An API key may report as ``kind``: a trusted flagger (DSA Art. 22), an authority or staff."""

    key: str
    kind: str
    harms: tuple[str, ...]  # its areas; empty: all
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterKeySuspended:
    """The reports of a reporter key have the priority of anybody's (DSA Art. 22(6)), until it is restored."""

    key: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterKeyRestored:
    """The reports of a reporter key have its priority again."""

    key: str
    by: str


EVENTS = (
    EventSpec("report.received", ReportReceived, version=2, upcast={1: _without_person}),
    EventSpec("notice.received", NoticeReceived),
    EventSpec("notice.matched", NoticeMatched),
    EventSpec("notice.ended", NoticeEnded),
    EventSpec("reporter.told", ReporterTold),
    EventSpec("appellant.told", AppellantTold),
    EventSpec("order.received", AuthorityOrderReceived),
    EventSpec("reporter_key.declared", ReporterKeyDeclared),
    EventSpec("reporter_key.suspended", ReporterKeySuspended),
    EventSpec("reporter_key.restored", ReporterKeyRestored),
    EventSpec("appeal.received", AppealReceived),
    EventSpec("appeal.message_sent", AppealMessageSent),
    EventSpec("appeal.decided", AppealDecided),
    EventSpec("appeal.out_of_court_recorded", OutOfCourtOutcomeRecorded),
    EventSpec("reporter.warned", ReporterWarned),
    EventSpec("reporter.muted", ReporterMuted),
    EventSpec("reporter.unmuted", ReporterUnmuted),
)
