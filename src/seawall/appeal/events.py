"""Events of appeals and of misuse: codes, numbers and surrogates. What people wrote is sealed in the vault."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seawall.model import AppealDecided, AppealReceived, ReportReceived
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
    return {**body, "person": None}


EVENTS = (
    EventSpec("report.received", ReportReceived, version=2, upcast={1: _without_person}),
    EventSpec("appeal.received", AppealReceived),
    EventSpec("appeal.message_sent", AppealMessageSent),
    EventSpec("appeal.decided", AppealDecided),
    EventSpec("appeal.out_of_court_recorded", OutOfCourtOutcomeRecorded),
    EventSpec("reporter.warned", ReporterWarned),
    EventSpec("reporter.muted", ReporterMuted),
    EventSpec("reporter.unmuted", ReporterUnmuted),
)
