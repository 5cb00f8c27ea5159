"""Settings of a bank: its role, thresholds, owner, expiry, flood limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import func, select

from seawall.match import NO_HASHERS, BankEntry, EntryError, Hashers, check_threshold, hashed_modality
from seawall.model import HARMS
from seawall.publish.banks.errors import BankError
from seawall.publish.events import BankConfigured
from seawall.publish.tables import bank as bank_table
from seawall.publish.tables import bank_entry
from seawall.storage import Database, Ledger

if TYPE_CHECKING:
    from seawall.detectors.text.meanings import MeaningDetector

ROLES: Final = ("block", "allow")
ON_ERASURE: Final = ("keep", "remove")
USUAL_FLOOD_LIMIT: Final = 500
"""Default flood limit: items an hour in which one entry may be found."""
_GRAVEST: Final = 5
_MOST_HITS: Final = 10_000_000
_MOST_DAYS: Final = 36_500
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class BankSettings:
    """How a bank is used. ``thresholds``: kind → threshold of entries that have none.

    ``flood_limit``: items within an hour in which one entry may be found before it is quarantined; 0: never. None:
    500, or never where ``harm`` has severity 5, for which a missed match is worse than a wrong one.
    ``on_erasure``: what becomes of an entry that was made from the content of somebody who is erased: ``keep`` or
    ``remove``. Harms of severity 5 keep it: nobody may take known abuse out of a bank by asking for erasure.
    """

    title: str = ""
    role: str = "block"
    thresholds: Mapping[str, int] = field(default_factory=dict)
    owner: str = ""
    harm: str | None = None
    expires_after_days: int | None = None
    flood_limit: int | None = None
    on_erasure: str = "keep"

    @property
    def most_hits(self) -> int | None:
        """The effective flood limit: items an hour, or None for none."""
        if self.flood_limit is not None:
            return self.flood_limit or None
        return None if self.grave else USUAL_FLOOD_LIMIT

    @property
    def grave(self) -> bool:
        """Whether a missed match is worse than a wrong one."""
        return self.harm is not None and HARMS[self.harm].severity >= _GRAVEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """A bank as readers see it: its settings, and how many entries are in which state."""

    name: str
    settings: BankSettings
    active: int = 0
    suspended: int = 0
    quarantined: int = 0


def is_bank_name(name: str) -> bool:
    """Lower-case words joined by hyphens."""
    return 0 < len(name) <= _LONGEST and name.islower() and all(part.isalnum() for part in name.split("-"))


def check_name(bank: str) -> None:
    """Raises BankError."""
    if not is_bank_name(bank):
        raise BankError(f"{bank!r} is not a bank name; use lower-case words joined by hyphens, such as blocked-texts")


def check_settings(settings: BankSettings, hashers: Hashers = NO_HASHERS) -> None:
    """Raises BankError that names the setting and what it may be."""
    for name in ("title", "owner"):
        value = getattr(settings, name)
        if len(value) > _LONGEST or (value and not value.isprintable()):
            raise BankError(f"{name} may have at most {_LONGEST} printable characters")
    if settings.role not in ROLES:
        raise BankError(f"role is {settings.role!r}; it must be one of {', '.join(ROLES)}")
    if settings.harm is not None and settings.harm not in HARMS:
        raise BankError(f"harm is {settings.harm!r}; it must be one of {', '.join(HARMS)}")
    if settings.on_erasure not in ON_ERASURE:
        raise BankError(f"on_erasure is {settings.on_erasure!r}; it must be one of {', '.join(ON_ERASURE)}")
    if settings.on_erasure == "remove" and settings.grave:
        raise BankError(
            f"on_erasure is 'remove', but entries against {settings.harm} stay when their source is erased; write keep"
        )
    _check_number("expires_after_days", settings.expires_after_days, 1, _MOST_DAYS)
    _check_number("flood_limit", settings.flood_limit, 0, _MOST_HITS)
    for kind, threshold in settings.thresholds.items():
        try:
            check_threshold(kind, threshold, hashers)
        except EntryError as error:
            raise BankError(f"thresholds: {error}") from error


def _check_number(name: str, value: int | None, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise BankError(f"{name} is {value}; it must be a whole number from {least} to {most}, or left out")


def configure_bank(
    ledger: Ledger,
    bank: str,
    settings: BankSettings,
    by: str,
    hashers: Hashers = NO_HASHERS,
    meanings: MeaningDetector | None = None,
) -> None:
    """Set the bank's settings; durable when it returns. Raises BankError.

    ``meanings`` compares the bank's examples at a new threshold of meaning with harmless sentences.
    Thresholds of hashes whose hasher is not enabled here can be neither checked nor shown: they stay as they are.
    """
    check_name(bank)
    before = find_bank(ledger.database, bank)
    kept = {} if before is None else _out_of_reach(before.settings, hashers)
    asked = {kind: number for kind, number in settings.thresholds.items() if kept.get(kind) != number}
    check_settings(replace(settings, thresholds=asked), hashers)
    if meanings is not None:
        from seawall.publish.banks.meanings import check_usual  # here: it needs the text model

        check_usual(meanings, bank, {} if before is None else before.settings.thresholds, settings.thresholds)
    event = BankConfigured(
        bank=bank,
        by=by,
        title=settings.title,
        role=settings.role,
        thresholds={**kept, **asked},
        owner=settings.owner,
        harm=settings.harm,
        expires_after_days=settings.expires_after_days,
        flood_limit=settings.flood_limit,
        on_erasure=settings.on_erasure,
    )
    ledger.commit(lambda tx: tx.append(event))


def _out_of_reach(settings: BankSettings, hashers: Hashers) -> dict[str, int]:
    absent = (kind for kind in settings.thresholds if kind not in hashers and hashed_modality(kind) is not None)
    return {kind: settings.thresholds[kind] for kind in absent}


def settings_of(row: Any) -> BankSettings:
    """The settings in a row of ``bank``."""
    return BankSettings(
        title=row.title,
        role=row.role,
        thresholds=msgspec.json.decode(row.thresholds),
        owner=row.owner,
        harm=row.harm,
        expires_after_days=row.expires_after_days,
        flood_limit=row.flood_limit,
        on_erasure=row.on_erasure,
    )


def all_settings(database: Database) -> dict[str, BankSettings]:
    """The settings of every configured bank."""
    with database.read() as connection:
        return {row.name: settings_of(row) for row in connection.execute(select(bank_table))}


def list_banks(database: Database, names: Iterable[str] = ()) -> list[Bank]:
    """Every bank that is configured, has an entry, or is in ``names``; sorted by name."""
    counted = (
        select(bank_entry.c.bank, bank_entry.c.state, func.count())
        .where(bank_entry.c.state != "removed")
        .group_by(bank_entry.c.bank, bank_entry.c.state)
    )
    with database.read() as connection:
        known = {row.name: settings_of(row) for row in connection.execute(select(bank_table))}
        counts: dict[str, dict[str, int]] = {}
        for name, state, count in connection.execute(counted):
            counts.setdefault(name, {})[state] = count
    return [
        Bank(name=name, settings=known.get(name, BankSettings()), **counts.get(name, {}))
        for name in sorted({*known, *counts, *names})
    ]


def find_bank(database: Database, name: str) -> Bank | None:
    """One bank; None when it was never configured and never had an entry."""
    counted = select(bank_entry.c.state, func.count()).where(bank_entry.c.bank == name).group_by(bank_entry.c.state)
    with database.read() as connection:
        row = connection.execute(select(bank_table).where(bank_table.c.name == name)).one_or_none()
        counts: dict[str, int] = {row.state: row[1] for row in connection.execute(counted)}
    if row is None and not counts:
        return None
    counts.pop("removed", None)
    return Bank(name=name, settings=BankSettings() if row is None else settings_of(row), **counts)


def with_threshold(entry: BankEntry, settings: BankSettings | None) -> BankEntry:
    """The entry, with its bank's threshold if it has none."""
    if entry.threshold is not None or settings is None or entry.kind not in settings.thresholds:
        return entry
    return replace(entry, threshold=settings.thresholds[entry.kind])
