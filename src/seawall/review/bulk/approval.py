"""From preview to work: the proposer confirms, above a threshold a second person approves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select

from seawall.review.bulk.events import BulkApproved, BulkCancelled, BulkConfirmed
from seawall.review.bulk.queries import BulkDecisionRow, get_bulk_decision
from seawall.review.bulk.tables import bulk_decision
from seawall.review.bulk.words import forget_words
from seawall.review.errors import CaseRestricted, ReviewError
from seawall.storage.ledger import Ledger, Transaction

BULK_JOB: Final = "bulk_decision"
"""Kind of the job that decides, or takes back, the items of one bulk decision."""

PREVIEW_MS: Final = 60 * 60 * 1000
"""How long a preview can be confirmed. Later it says too little about how things stand."""

ALONE_MS: Final = 60 * 60 * 1000
"""The items that one person decides in bulk alone are counted over this time: ten small parts are one large whole."""


class BulkRefused(ReviewError):
    """The bulk decision cannot go on like this; the message gives cause and remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkLimits:
    """How many items one person decides in bulk alone, and how long an approval is waited for."""

    alone: int = 20
    approval_ms: int = 24 * 60 * 60 * 1000


def confirm(ledger: Ledger, bulk: str, person: str, limits: BulkLimits) -> bool:
    """The proposer wants it done. Returns whether somebody else has to approve it first. Raises BulkRefused."""

    def unit(tx: Transaction) -> bool:
        found = _in_state(tx, bulk, "previewed")
        if found.by != person:
            raise BulkRefused("Only who made this preview can confirm it. Make one of your own.")
        if tx.at - found.at > PREVIEW_MS:
            raise BulkRefused("This preview is more than an hour old. Make it again: things may stand otherwise now.")
        if not found.planned:
            raise BulkRefused("Every item of this preview is left out, so there is nothing to decide.")
        asked = needs_approval(tx, found, limits, tx.at)
        expires_at = tx.at + limits.approval_ms if asked else None
        tx.append(BulkConfirmed(bulk=bulk, by=person, needs_approval=asked, expires_at=expires_at))
        if not asked:
            start(tx, bulk)
        return asked

    return ledger.commit(unit)


def approve(ledger: Ledger, bulk: str, person: str, *, child_safety: bool = False) -> None:
    """A second person lets it begin. Raises BulkRefused, and CaseRestricted for one with items of child safety."""

    def unit(tx: Transaction) -> None:
        found = _in_state(tx, bulk, "waiting")
        if found.child_safety and not child_safety:
            raise CaseRestricted
        if found.by == person:
            raise BulkRefused("You prepared this bulk decision: somebody else must approve it.")
        tx.append(BulkApproved(bulk=bulk, by=person))
        start(tx, bulk)

    ledger.commit(unit)


def cancel(ledger: Ledger, bulk: str, person: str, *, child_safety: bool = False) -> None:
    """Who prepared it withdraws it, or somebody else refuses it. Raises as ``approve``."""

    def unit(tx: Transaction) -> None:
        found = _found(tx, bulk)
        if found.child_safety and not child_safety:
            raise CaseRestricted
        if found.state(tx.at) not in ("previewed", "waiting"):
            raise BulkRefused(_SAYS[found.state(tx.at)])
        own = found.by == person
        if not own and found.confirmed_at is None:
            raise BulkRefused("Nobody has asked for approval yet.")
        tx.append(BulkCancelled(bulk=bulk, by=person, why="withdrawn" if own else "refused"))
        forget_words(tx, bulk)

    ledger.commit(unit)


def needs_approval(reader: Connection | Transaction, found: BulkDecisionRow, limits: BulkLimits, now: int) -> bool:
    """Whether it is too large for one person, together with what they decided in bulk alone within ``ALONE_MS``."""
    columns = bulk_decision.c
    lately = (columns.by == found.by) & (columns.confirmed_at > now - ALONE_MS) & columns.needs_approval.is_(False)
    query = select(func.coalesce(func.sum(columns["items"] - columns.skipped), 0)).where(lately, columns.id != found.id)
    alone = reader.execute(query).scalar_one()
    return bool(alone + found.planned > limits.alone)


def start(tx: Transaction, bulk: str) -> None:
    """Let a worker go on with it."""
    tx.enqueue(BULK_JOB, bulk, {"bulk": bulk})


def _found(tx: Transaction, bulk: str) -> BulkDecisionRow:
    found = get_bulk_decision(tx, bulk)
    if found is None:
        raise BulkRefused("There is no bulk decision with this id.")
    return found


def _in_state(tx: Transaction, bulk: str, state: str) -> BulkDecisionRow:
    found = _found(tx, bulk)
    if (now := found.state(tx.at)) != state:
        raise BulkRefused(_SAYS[now])
    return found


_SAYS: Final = {
    "previewed": "Who prepared this bulk decision has not confirmed it yet.",
    "waiting": "This bulk decision waits for the approval of somebody else.",
    "expired": "Nobody approved this bulk decision in time. Prepare it again: things may stand otherwise now.",
    "withdrawn": "This bulk decision was withdrawn by who prepared it.",
    "refused": "Somebody refused this bulk decision. Prepare another one.",
    "running": "This bulk decision is being carried out already.",
    "done": "This bulk decision was carried out already.",
    "undoing": "This bulk decision is being taken back.",
    "undone": "This bulk decision was taken back.",
}
