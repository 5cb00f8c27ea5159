"""Legal holds: evidence about a subject that neither erasure nor retention may delete."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from sqlalchemy import Connection, Table, insert, select, update

from seawall.model import Event, EventBody, new_id
from seawall.storage.database import Database
from seawall.storage.events import EventSpec
from seawall.storage.ledger import Ledger
from seawall.storage.queries import select_in_chunks
from seawall.storage.tables import legal_hold, subject, vault
from seawall.storage.transaction import Transaction

_REASON: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHoldPlaced:
    """What is held about a subject must be kept until the legal hold is lifted."""

    hold: str
    subject: str
    reason: str  # a code, such as the number of an order
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHoldLifted:
    """A legal hold ended."""

    hold: str
    by: str


HOLD_EVENTS: Final = (EventSpec("legal_hold.placed", LegalHoldPlaced), EventSpec("legal_hold.lifted", LegalHoldLifted))


@dataclass(frozen=True, slots=True)
class LegalHolds:
    """The table ``legal_hold``."""

    name: ClassVar[str] = "legal_holds"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (LegalHoldPlaced, LegalHoldLifted)
    tables: tuple[Table, ...] = (legal_hold,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Place and lift."""
        (table,) = self.tables
        for event in events:
            match event.body:
                case LegalHoldPlaced() as body:
                    values = {"id": body.hold, "subject": body.subject, "reason": body.reason, "by": body.by}
                    conn.execute(insert(table).values(**values, placed_at=event.at))
                case LegalHoldLifted() as body:
                    ended = {"lifted_at": event.at, "lifted_by": body.by}
                    conn.execute(update(table).where(table.c.id == body.hold).values(ended))


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHold:
    """A legal hold. ``lifted_at`` None: in force."""

    id: str
    subject: str
    reason: str
    by: str
    placed_at: int
    lifted_at: int | None
    lifted_by: str | None


class LegalHoldError(ValueError):
    """A legal hold that cannot be placed or lifted. The text says why and what to do."""


class UnderLegalHold(Exception):
    """The data must be kept. The text names the holds."""

    def __init__(self, holds: Iterable[LegalHold]) -> None:
        named = ", ".join(f"{hold.id} ({hold.reason})" for hold in holds)
        super().__init__(f"Nothing was erased: it is under legal hold {named}. Lift the legal hold first.")


def place_hold(ledger: Ledger, ref: str, reason: str, *, by: str) -> str:
    """Keep all that is held about a subject; return the legal hold's id. Raises LegalHoldError."""
    if not _REASON.fullmatch(reason):
        raise LegalHoldError(
            "The reason of a legal hold is a code, such as order-2026-17: lower-case letters, digits, hyphens."
        )
    hold = new_id("hold")

    def unit(tx: Transaction) -> str:
        row = tx.execute(select(subject.c.erased_at).where(subject.c.ref == ref)).first()
        if row is None or row.erased_at is not None:
            raise LegalHoldError(f"There is no subject {ref}, or it was erased: there is nothing to keep.")
        tx.append(LegalHoldPlaced(hold=hold, subject=ref, reason=reason, by=by))
        return hold

    return ledger.commit(unit)


def lift_hold(ledger: Ledger, hold: str, *, by: str) -> None:
    """End a legal hold. Raises LegalHoldError when none of that id is in force."""

    def unit(tx: Transaction) -> None:
        in_force = select(legal_hold.c.id).where(legal_hold.c.id == hold, legal_hold.c.lifted_at.is_(None))
        if tx.execute(in_force).first() is None:
            raise LegalHoldError(f"No legal hold {hold} is in force. 'seawall legal-hold list' names them.")
        tx.append(LegalHoldLifted(hold=hold, by=by))

    ledger.commit(unit)


def list_holds(database: Database) -> list[LegalHold]:
    """Every legal hold, newest first, those that ended too."""
    query = select(legal_hold).order_by(legal_hold.c.placed_at.desc(), legal_hold.c.id)
    with database.read() as connection:
        return [LegalHold(**row) for row in connection.execute(query).mappings()]


def holds_on(connection: Connection | Transaction, refs: Iterable[str]) -> list[LegalHold]:
    """The legal holds in force on any of these subjects."""
    query = select(legal_hold).where(legal_hold.c.lifted_at.is_(None))
    return [LegalHold(**row._mapping) for row in select_in_chunks(connection, query, legal_hold.c.subject, refs)]


def held_among(connection: Connection | Transaction, refs: Sequence[str]) -> set[str]:
    """Those of the items that a legal hold keeps: on the item itself, on its owner, or on who wrote part of it."""
    about: dict[str, set[str]] = {ref: {ref} for ref in refs}
    owners = select(subject.c.ref, subject.c.owner).where(subject.c.owner.is_not(None))
    for row in select_in_chunks(connection, owners, subject.c.ref, refs):
        about[row.ref].add(row.owner)
    writers = select(vault.c.ref, vault.c.holder).where(vault.c.holder.is_not(None)).distinct()
    for row in select_in_chunks(connection, writers, vault.c.ref, refs):
        about[row.ref].add(row.holder)
    held = {hold.subject for hold in holds_on(connection, {one for them in about.values() for one in them})}
    return {ref for ref, them in about.items() if them & held}
