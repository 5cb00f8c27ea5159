"""Notes about accounts, and the lifting of a restriction, which needs one.

The words are personal data: sealed under the account, erased with it, and confidential: an export of the account's
data does not contain what staff wrote about it. Events hold codes only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from seawall import enforce
from seawall.model import new_id
from seawall.screen.events import AccountNoted, ContentSearched
from seawall.screen.tables import account_note
from seawall.storage import Erased, Ledger, Transaction, Vault

LONGEST_NOTE: Final = 4_000
"""Characters of a note."""


class BadNote(ValueError):
    """A note that is not taken. The text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountNote:
    """One note. ``text`` None: it was erased. ``enforcement``: that was lifted with it, for ``reason``."""

    id: str
    seq: int
    at: int
    account: str
    person: str
    enforcement: str | None
    reason: str | None
    text: str | None


def add_account_note(ledger: Ledger, account: str, text: str, *, person: str) -> str:
    """Note something about an account; returns the note's id. Raises BadNote, Erased, KeyError for an unknown one."""
    checked = checked_note(text)
    return ledger.commit(lambda tx: _append(tx, account, checked, person))


def lift_restriction(ledger: Ledger, enforcement: str, *, account: str, reason: str, text: str, person: str) -> None:
    """Lift a restriction of the account in force, with its reason in words, and tell the platform.

    Raises BadNote, ``enforce.CannotLift``, and Erased: an erased account's restriction cannot be told to the platform.
    """
    checked = checked_note(text)

    def unit(tx: Transaction) -> None:
        if tx.is_erased(account):
            raise Erased(f"{account} was erased, so the platform cannot be told whose restriction is lifted")
        enforce.lift(tx, enforcement, subject=account, reason=reason, person=person)
        _append(tx, account, checked, person, enforcement, reason)

    ledger.commit(unit)


def notes_about(connection: Connection, vault: Vault, account: str, *, limit: int) -> list[AccountNote]:
    """The notes about an account, newest first."""
    query = select(account_note).where(account_note.c.account == account).order_by(account_note.c.seq.desc())
    rows = connection.execute(query.limit(limit)).mappings().all()
    texts = vault.open_many([(account, _name(row["id"])) for row in rows], conn=connection)
    opened = {name: text.decode(errors="replace") for (_, name), text in texts.items()}
    return [AccountNote(**row, text=opened.get(_name(row["id"]))) for row in rows]


def record_search(ledger: Ledger, *, person: str, looked_at: int, found: int) -> None:
    """Record that a person searched the words of people, so that it can be asked about later."""
    ledger.commit(lambda tx: tx.append(ContentSearched(person=person, looked_at=looked_at, found=found)))


def _append(
    tx: Transaction, account: str, text: str, person: str, enforcement: str | None = None, reason: str | None = None
) -> str:
    note = new_id("note", tx.at)
    tx.append(AccountNoted(note=note, account=account, person=person, enforcement=enforcement, reason=reason))
    tx.seal(account, _name(note), text.encode())
    return note


def _name(note: str) -> str:
    return f"note/{note}"


def checked_note(text: str) -> str:
    """The words of a note, without space around them. Raises BadNote."""
    text = text.strip()
    if not text:
        raise BadNote("Write what others should know: without words, a note or the reason of a lifting says nothing.")
    if len(text) > LONGEST_NOTE:
        raise BadNote(f"A note has at most {LONGEST_NOTE:,} characters, and this one has {len(text):,}. Shorten it.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise BadNote("The note contains half of a surrogate pair, which is not a character. Remove it.")
    return text
