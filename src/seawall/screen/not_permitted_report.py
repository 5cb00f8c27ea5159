"""From how many items detectors were kept because the law does not permit them, and that none of them ran there.

Read from the ledger itself, whose Merkle tree shows that nothing was changed: a decision records what was withheld from
it, and every trace of a detector that ran (a signal, a missing answer, a skipped part, a result used again).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec
from sqlalchemy import func, select

from seawall.model import Decision, DecisionMade
from seawall.screen.events import DECISION_MADE
from seawall.screen.tables import decision as decision_table
from seawall.storage import Ledger

UNKNOWN_PLACE: Final = "unknown"
_AT_ONCE: Final = 2_000


class WithheldCount(msgspec.Struct, frozen=True, kw_only=True):
    """One detector, kept from the items of one surface in these jurisdictions by one prohibition.

    ``ran``: decisions about the same revisions of these items, in the period, that have any trace of the detector.
    """

    detector: str
    prohibition: str
    surface: str
    jurisdiction: str  # codes, or "unknown"
    items: int
    decisions: int
    first_at: int
    last_at: int
    ran: int


class NotPermittedReport(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of a period (milliseconds since 1970; ``until`` is not in it), and how many decisions were read."""

    since: int
    until: int
    decisions: int
    counts: tuple[WithheldCount, ...]

    @property
    def never_ran(self) -> bool:
        """Whether no detector left a trace where it was withheld."""
        return not any(each.ran for each in self.counts)


class _Count:
    """What is counted of one detector, prohibition, surface and jurisdiction."""

    def __init__(self, at: int) -> None:
        self.revisions: set[tuple[str, int]] = set()
        self.decisions = self.ran = 0
        self.first_at = self.last_at = at


def report_not_permitted(ledger: Ledger, since: int, until: int, detector: str | None = None) -> NotPermittedReport:
    """Read every decision of the period twice: what was withheld, then whether it ran there. Raises StorageError."""
    found: dict[tuple[str, str, str, str], _Count] = {}
    read = 0
    for made in _decisions(ledger, since, until):
        read += 1
        for kept in made.not_permitted:
            place = ", ".join(kept.jurisdictions) or UNKNOWN_PLACE
            for name in kept.detectors:
                if detector in (None, name):
                    count = found.setdefault((name, kept.prohibition, kept.surface, place), _Count(made.at))
                    count.revisions.add((made.item.ref, made.item.revision))
                    count.decisions += 1
                    count.first_at, count.last_at = min(count.first_at, made.at), max(count.last_at, made.at)
    for made in _decisions(ledger, since, until) if found else ():
        traces = _traces(made)
        for (name, *_), count in found.items():
            count.ran += name in traces and (made.item.ref, made.item.revision) in count.revisions
    return NotPermittedReport(
        since=since,
        until=until,
        decisions=read,
        counts=tuple(
            WithheldCount(
                detector=name,
                prohibition=prohibition,
                surface=surface,
                jurisdiction=place,
                items=len({ref for ref, _ in count.revisions}),
                decisions=count.decisions,
                first_at=count.first_at,
                last_at=count.last_at,
                ran=count.ran,
            )
            for (name, prohibition, surface, place), count in sorted(found.items())
        ),
    )


def _traces(made: Decision) -> set[str]:
    """The detectors and extractors that were asked, by what they left in the decision."""
    asked = {each.detector for each in made.signals} | {each.detector for each in made.unknown}
    return asked | {one.partition("/")[0] for one in (*made.skipped, *made.reused)}


def _decisions(ledger: Ledger, since: int, until: int) -> Iterator[Decision]:
    query = select(func.min(decision_table.c.seq)).where(decision_table.c.at >= since)
    with ledger.database.read() as connection:
        first = connection.execute(query).scalar()
    after = (first or 1) - 1
    while page := ledger.events(after, _AT_ONCE, kinds=[DECISION_MADE.kind]):
        for event in page:
            made = event.body.decision if isinstance(event.body, DecisionMade) else None
            if made is not None and since <= made.at < until:
                yield made
        after = page[-1].seq
