"""What became of reports: the first answer of a person after each, as appeals changed it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from seawall.appeal.misuse import DecidedReport
from seawall.appeal.queries import AppealRow, ReportRow

RESTRICTS: Final = "violates"
"""The answer of a review that upholds the reports before it."""

ANSWERS: Final = (RESTRICTS, "does_not_violate", "keeps_measure")
"""The answers that decide a report. Handing a case on decides nothing."""


class AnsweredReview(Protocol):
    """What counts of a review."""

    @property
    def seq(self) -> int: ...

    @property
    def at(self) -> int: ...

    @property
    def decision(self) -> str: ...

    @property
    def answer(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOutcome:
    """What became of one report. ``on_appeal``: an appeal changed the first answer."""

    decision: str  # the first answer's, which can be appealed
    at: int
    upheld: bool
    on_appeal: bool


def outcome_of(
    report: ReportRow, answers: Sequence[AnsweredReview], appeals: Mapping[str, AppealRow]
) -> ReportOutcome | None:
    """The outcome of a report; None while nobody has answered. ``answers``: reviews of the item, oldest first;
    ``appeals``: overturning ones by the decision that they overturned."""
    first = next((one for one in answers if one.seq > report.seq and one.answer in ANSWERS), None)
    if first is None:
        return None
    upheld = first.answer == RESTRICTS
    changed = appeals.get(first.decision)
    if changed is None or changed.state != "overturned":
        return ReportOutcome(decision=first.decision, at=first.at, upheld=upheld, on_appeal=False)
    return ReportOutcome(
        decision=first.decision, at=changed.answered_at or first.at, upheld=changed.role == "reporter", on_appeal=True
    )


def decided_reports(
    reports: Sequence[ReportRow], answers: Mapping[str, Sequence[AnsweredReview]], appeals: Mapping[str, AppealRow]
) -> list[DecidedReport]:
    """The decided ones of a reporter's reports. Several about one item that one answer decided are one."""
    found: dict[str, DecidedReport] = {}
    for report in reports:
        outcome = outcome_of(report, answers.get(report.item, ()), appeals)
        if outcome is not None:
            found[outcome.decision] = DecidedReport(at=outcome.at, upheld=outcome.upheld)
    return list(found.values())
