"""Creators' overlays: what an account asks for in its own place, beside the policies of the platform.

A creator switches on overlays that the bundle in force has, by name, and may add words of their own, which rules of
these overlays count by ``creator_words``. Decisions record which overlays were on. The words are personal data: sealed
under the account, and gone with it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final

from sqlalchemy import Connection, delete, func, select

from seawall.policy import Bundle
from seawall.policy.functions import canonical_text
from seawall.screen.events import AccountOverlaysSet
from seawall.screen.submission import ACCOUNT
from seawall.screen.tables import account_overlays
from seawall.storage import Database, Ledger, Transaction, Vault
from seawall.storage.tables import subject
from seawall.storage.tables import vault as vault_table

MOST_WORDS: Final = 100
LONGEST_WORD: Final = 60
"""Words and phrases of one creator, and characters of one, as written and folded."""
_WORDS: Final = "creator_words"  # the vault's entry


class OverlaysRefused(ValueError):
    """Settings that are not taken. ``place``: a JSON pointer; ``remedy``: what to send."""

    def __init__(self, message: str, place: str, remedy: str) -> None:
        super().__init__(message)
        self.place = place
        self.remedy = remedy


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayState:
    """One overlay that an account has on. ``in_force``: whether the bundle in force has it; else it has no effect."""

    name: str
    in_force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOverlays:
    """What an account has on in its own place. ``set_at``, ``set_by``: None where nobody ever set anything."""

    overlays: tuple[OverlayState, ...] = ()
    words: tuple[str, ...] = ()
    set_at: int | None = None
    set_by: str | None = None


@dataclass(frozen=True, slots=True)
class OverlaysOn:
    """What holds for an item in somebody's place: names of overlays, and the creator's words, folded."""

    names: tuple[str, ...]
    words: tuple[str, ...]


def set_overlays(
    ledger: Ledger, bundle: Bundle, account: str, *, overlays: Iterable[str], words: Iterable[str], by: str
) -> None:
    """Replace what an account (its id on the platform) has on; without a change nothing is recorded.

    An overlay that is on already may stay on, also when the bundle no longer has it. Raises OverlaysRefused, Erased.
    """
    asked, listed = tuple(dict.fromkeys(overlays)), _checked_words(words)
    text = "\n".join(listed).encode()

    def unit(tx: Transaction) -> None:
        ref = tx.find_subject(ACCOUNT, account)
        query = select(account_overlays.c.overlays, account_overlays.c.digest)
        row = None if ref is None else tx.execute(query.where(account_overlays.c.account == ref)).one_or_none()
        before = tuple(json.loads(row.overlays)) if row is not None else ()
        _check_names(asked, bundle, before)
        digest = tx.digest(b"creator words\0" + text) if listed else ""
        names = tuple(sorted(asked))
        if (names, digest) == (before, "" if row is None else row.digest):
            return
        ref = ref or tx.subject(ACCOUNT, account)
        tx.append(AccountOverlaysSet(account=ref, overlays=names, words=len(listed), digest=digest, by=by))
        if listed:
            tx.seal(ref, _WORDS, text)
        elif row is not None and row.digest:
            tx.execute(delete(vault_table).where(vault_table.c.ref == ref, vault_table.c.name == _WORDS))

    ledger.commit(unit)


def _checked_words(words: Iterable[str]) -> tuple[str, ...]:
    """The words without those that are the same when folded. Raises OverlaysRefused."""
    found: dict[str, str] = {}
    for number, word in enumerate(words):
        place, text = f"/words/{number}", " ".join(word.split())
        try:
            text.encode()
        except UnicodeEncodeError:
            raise OverlaysRefused("The word has half of a surrogate pair.", place, "Remove it.") from None
        folded = canonical_text(text)
        if not any(letter.isalnum() for letter in folded):
            raise OverlaysRefused("The word has no letter and no digit.", place, "Send words or short phrases.")
        if max(len(text), len(folded)) > LONGEST_WORD:
            remedy = f"A word or phrase has at most {LONGEST_WORD} characters."
            raise OverlaysRefused("The word is too long.", place, remedy)
        found.setdefault(folded, text)
    if len(found) > MOST_WORDS:
        remedy = f"Send at most {MOST_WORDS}."
        raise OverlaysRefused(f"There are {len(found)} words.", "/words", remedy)
    return tuple(found.values())


def _check_names(asked: Collection[str], bundle: Bundle, before: Collection[str]) -> None:
    known = bundle.creators_overlays
    for number, name in enumerate(asked):
        if name not in known and name not in before:
            remedy = f"There are: {', '.join(known)}." if known else "The policies in force have no creators' overlay."
            raise OverlaysRefused(f"There is no creators' overlay {name[:80]!r}.", f"/overlays/{number}", remedy)


def overlays_of(
    connection: Connection, vault: Vault, in_force: Collection[str], account: str | None
) -> AccountOverlays:
    """What an account (its surrogate; None: never met) has on. ``in_force``: the creators' overlays that there are."""
    row = connection.execute(select(account_overlays).where(account_overlays.c.account == account)).one_or_none()
    if row is None or account is None or not row.set_by:
        return AccountOverlays()
    return AccountOverlays(
        overlays=tuple(OverlayState(name=name, in_force=name in in_force) for name in json.loads(row.overlays)),
        words=_words(vault.open_many([(account, _WORDS)], conn=connection).get((account, _WORDS))),
        set_at=row.at,
        set_by=row.set_by,
    )


def accounts_with(connection: Connection, overlays: Iterable[str]) -> Mapping[str, int]:
    """By overlay, how many accounts have it on; those that nobody has on are left out."""
    found = {}
    for name in overlays:
        has_it = account_overlays.c.overlays.contains(json.dumps(name), autoescape=True)
        if count := connection.execute(select(func.count()).select_from(account_overlays).where(has_it)).scalar_one():
            found[name] = count
    return found


def _words(sealed: bytes | None) -> tuple[str, ...]:
    return tuple(sealed.decode().split("\n")) if sealed else ()


class CreatorOverlays:
    """What creators have on, for evaluations: in memory, because these must not wait for the database.

    Each refresh reads what was set since the last one. Words take about 5 KB for a creator with the most of them.
    """

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._refreshing = Lock()
        self._read_up_to = 0  # the number of an event
        self._lookups: dict[str, bytes] = {}  # by the account's surrogate, for those with something on
        self._by_account: dict[bytes, OverlaysOn] = {}

    def refresh(self) -> None:
        """Read what is new, also of other processes."""
        table = account_overlays.c
        query = select(table.account, table.seq, table.overlays, table.words, subject.c.lookup)
        query = query.outerjoin_from(account_overlays, subject, subject.c.ref == table.account).order_by(table.seq)
        with self._refreshing:
            with self._database.read() as connection:
                rows = connection.execute(query.where(table.seq > self._read_up_to)).all()
                sealed = self._vault.open_many([(row.account, _WORDS) for row in rows if row.words], conn=connection)
            for row in rows:
                self._take(row.account, row.lookup, json.loads(row.overlays), sealed.get((row.account, _WORDS)))
                self._read_up_to = row.seq

    def _take(self, account: str, lookup: bytes | None, names: list[str], sealed: bytes | None) -> None:
        before = self._lookups.pop(account, None)
        if names and lookup is not None:
            key = bytes(lookup)
            folded = tuple(dict.fromkeys(map(canonical_text, _words(sealed))))
            self._lookups[account], self._by_account[key] = key, OverlaysOn(tuple(names), folded)
        elif before is not None:
            self._by_account.pop(before, None)

    def of(self, creator: str | None) -> OverlaysOn | None:
        """What an account has on, by its id on the platform; None: nothing."""
        if not self._by_account or creator is None:
            return None
        return self._by_account.get(self._vault.master.lookup(ACCOUNT, creator))
