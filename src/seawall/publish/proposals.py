"""Two-person approval: a publication that another person with the permission approves before it is in force."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from sqlalchemy import Connection, RowMapping, Table, exists, func, select, update

from seawall.model import Event, EventBody, new_id, now_ms
from seawall.policy import Bundle
from seawall.publish.bundles import BundleInForce, PublishedMeanwhile
from seawall.publish.events import BundleProposalClosed, BundleProposed
from seawall.publish.publications import ComparedBundle, PublishRefused
from seawall.publish.tables import bundle as bundle_table
from seawall.publish.tables import bundle_proposal
from seawall.storage import Blobs, Ledger, Transaction
from seawall.storage.upsert import insert_rows

EXPIRES_AFTER_MS: Final = 7 * 24 * 3600 * 1000
"""How long a proposal can be approved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleProposal:
    """A publication that somebody proposed. ``outcome``: approved, declined or withdrawn; None: it waits.

    ``replaced``: another bundle came into force since, whatever was in force after that.
    """

    id: str
    bundle: str
    instead_of: str | None  # the bundle in force that it was compared with
    by: str
    at: int
    expires: int
    kind: str  # publish | rollback
    source: str
    changes: dict[str, int] | None
    screened: bool | None  # its examples, by the real detectors: see BundlePublished
    outcome: str | None
    closed_by: str | None
    closed_at: int | None
    replaced: bool

    def state(self, now: int) -> str:
        """Approved, declined or withdrawn; else expired, outdated (another bundle came into force since) or open."""
        if self.outcome is not None:
            return self.outcome
        if self.expires <= now:
            return "expired"
        return "outdated" if self.replaced else "open"


def propose(ledger: Ledger, blobs: Blobs, compared: ComparedBundle, by: str, kind: str) -> str:
    """Record a publication for another person to approve; the id of the proposal.

    What the same person proposed already, and waits, is not proposed again: its id. Raises PublishedMeanwhile if
    another bundle is in force by now than the one that it was compared with.
    """
    blobs.put(compared.bundle.canonical())
    proposal = new_id("pro")
    columns = bundle_proposal.c
    same = select(columns.id).where(
        columns.bundle == compared.bundle.hash,
        columns.instead_of == compared.in_force,
        columns.by == by,
        columns.kind == kind,
        columns.screened.is_(compared.screened),
        columns.outcome.is_(None),
        ~_REPLACED,
    )

    def unit(tx: Transaction) -> str:
        newest = tx.execute(select(bundle_table.c.hash).order_by(bundle_table.c.seq.desc()).limit(1)).scalar()
        if newest != compared.in_force:
            raise PublishedMeanwhile(newest)
        waiting = tx.execute(same.where(columns.expires > tx.at).limit(1)).scalar_one_or_none()
        if waiting is not None:
            return str(waiting)
        tx.append(
            BundleProposed(
                proposal=proposal,
                bundle=compared.bundle.hash,
                instead_of=compared.in_force,
                by=by,
                expires=tx.at + EXPIRES_AFTER_MS,
                kind=kind,
                source=compared.source,
                changes=None if compared.changes is None else compared.changes.numbers(),
                screened=compared.screened,
            )
        )
        return proposal

    return ledger.commit(unit)


def approve(bundles: BundleInForce, proposal: BundleProposal, by: str) -> Bundle:
    """Put a proposed bundle in force. Raises PublishRefused, PublishedMeanwhile; then nothing has changed."""
    if by == proposal.by:
        raise PublishRefused("Whoever proposed a publication does not approve it: another person does.")
    state = proposal.state(now_ms())
    if state != "open":
        raise PublishRefused(f"This proposal is {state}: it cannot be approved. Propose it again.")
    return bundles.publish(
        bundles.load(proposal.bundle),
        proposal.by,
        kind=proposal.kind,
        source=proposal.source,
        instead_of=proposal.instead_of,
        approved_by=by,
        screened=proposal.screened,
        also=lambda tx: _close(tx, proposal.id, by, "approved"),
    )


def decline(ledger: Ledger, proposal: BundleProposal, by: str) -> None:
    """Decline a proposal; its author withdraws it. Raises PublishRefused when it is closed already."""
    outcome = "withdrawn" if by == proposal.by else "declined"
    ledger.commit(lambda tx: _close(tx, proposal.id, by, outcome))


def _close(tx: Transaction, proposal: str, by: str, outcome: str) -> None:
    stored = tx.execute(select(bundle_proposal.c.outcome).where(bundle_proposal.c.id == proposal)).scalar_one()
    if stored is not None:
        raise PublishRefused(f"This proposal is {stored} already.")
    tx.append(BundleProposalClosed(proposal=proposal, by=by, outcome=outcome))


def find_proposal(connection: Connection, proposal: str) -> BundleProposal | None:
    """A proposal by its id."""
    row = connection.execute(_PROPOSALS.where(bundle_proposal.c.id == proposal)).mappings().one_or_none()
    return None if row is None else _proposal(row)


def newest_proposals(connection: Connection, *, limit: int) -> list[BundleProposal]:
    """Proposals, newest first."""
    query = _PROPOSALS.order_by(bundle_proposal.c.at.desc(), bundle_proposal.c.id.desc()).limit(limit)
    return [_proposal(row) for row in connection.execute(query).mappings()]


_REPLACED: Final = exists().where(
    bundle_table.c.at >= bundle_proposal.c.at,
    bundle_table.c.hash != func.coalesce(bundle_proposal.c.instead_of, ""),
)
_PROPOSALS: Final = select(*bundle_proposal.c, _REPLACED.label("replaced"))


def _proposal(row: RowMapping) -> BundleProposal:
    changes = row["changes"]
    parsed = None if changes is None else json.loads(changes)
    return BundleProposal(**{**row, "changes": parsed, "replaced": bool(row["replaced"])})


@dataclass(frozen=True, slots=True)
class BundleProposals:
    """The projection ``bundle_proposals``: one row per proposal."""

    name: ClassVar[str] = "bundle_proposals"
    version: ClassVar[int] = 2
    handles: ClassVar[tuple[type[EventBody], ...]] = (BundleProposed, BundleProposalClosed)
    tables: tuple[Table, ...] = (bundle_proposal,)

    def apply(self, connection: Connection, events: Sequence[Event]) -> None:
        """Insert and close rows; proposals are few."""
        table = self.tables[0]
        for event in events:
            match event.body:
                case BundleProposed() as body:
                    changes = None if body.changes is None else json.dumps(dict(body.changes), sort_keys=True)
                    row = {
                        "id": body.proposal,
                        "bundle": body.bundle,
                        "instead_of": body.instead_of,
                        "by": body.by,
                        "at": event.at,
                        "expires": body.expires,
                        "kind": body.kind,
                        "source": body.source,
                        "changes": changes,
                        "screened": body.screened,
                        "outcome": None,
                        "closed_by": None,
                        "closed_at": None,
                    }
                    insert_rows(connection, table, [row])
                case BundleProposalClosed() as body:
                    closed = {"outcome": body.outcome, "closed_by": body.by, "closed_at": event.at}
                    connection.execute(update(table).where(table.c.id == body.proposal).values(closed))
