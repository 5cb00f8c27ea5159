"""Reporter keys: the API keys that may report as a trusted flagger (DSA Art. 22), an authority or staff.

The priority of these kinds is worth having, so nobody gets it by writing the word into a request. A person declares
whose key reports as what, and in which areas; they may suspend that while misuse is looked into (Art. 22(6)). Reports
of a suspended key are received like anybody's: one of them may be true.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from seawall.appeal.events import ReporterKeyDeclared, ReporterKeyRestored, ReporterKeySuspended
from seawall.appeal.reports import ReporterKind
from seawall.appeal.tables import reporter_key as table
from seawall.model import HARMS
from seawall.storage import Ledger, Transaction

KEYED_KINDS: Final = (ReporterKind.TRUSTED_FLAGGER, ReporterKind.AUTHORITY, ReporterKind.STAFF)
"""The kinds of reporters that need a reporter key."""

_REASON: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")


class ReporterKeyRefused(Exception):
    """The key may not report as that kind, or it cannot be changed so; the message has the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterKey:
    """What a key may report as. ``harms``: its areas; empty: all. Suspended while ``suspended_at`` is set."""

    key: str
    kind: str
    harms: tuple[str, ...]
    declared_at: int
    declared_by: str
    suspended_at: int | None = None
    suspended_by: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterClaim:
    """As what a report is received. ``lost``: why it has not the priority that it asked for."""

    kind: str
    reporter_key: str | None = None
    lost: str | None = None


def claim(reporter_key: ReporterKey | None, kind: str, harm: str | None) -> ReporterClaim:
    """As what a report is received that a key declared so (None: it is not) sends as ``kind``. Pure.

    ``harm``: that of the policy which the report names. Raises ReporterKeyRefused when the key is not declared as that.
    """
    if kind not in list(KEYED_KINDS):
        return ReporterClaim(kind=kind)
    if reporter_key is None or reporter_key.kind != kind:
        raise ReporterKeyRefused(
            f"This API key may not report as {kind}. Leave kind out to report as a user, or have an administrator "
            "declare the key in the console, under Reporter keys."
        )
    user = ReporterKind.USER.value
    if reporter_key.suspended_at is not None:
        lost = "This reporter key is suspended; the report was received with the priority of a user's."
        return ReporterClaim(kind=user, reporter_key=reporter_key.key, lost=lost)
    if reporter_key.harms and harm not in reporter_key.harms:
        lost = (
            f"The areas of this key are {', '.join(reporter_key.harms)}, and the report names no policy about them; "
            "it was received with the priority of a user's."
        )
        return ReporterClaim(kind=user, reporter_key=reporter_key.key, lost=lost)
    return ReporterClaim(kind=kind, reporter_key=reporter_key.key)


def declare_reporter_key(ledger: Ledger, key: str, kind: str, harms: Iterable[str] = (), *, by: str) -> None:
    """Let a key, which the caller knows to exist, report as ``kind`` about these harms. Raises ReporterKeyRefused."""
    areas = tuple(sorted(set(harms)))
    if kind not in list(KEYED_KINDS):
        raise ReporterKeyRefused(f"A reporter key is of one of the kinds {', '.join(KEYED_KINDS)}, not {kind!r}.")
    if unknown := [harm for harm in areas if harm not in HARMS]:
        raise ReporterKeyRefused(f"There is no harm {unknown[0]!r}. The areas of a reporter key are harms.")
    ledger.commit(lambda tx: tx.append(ReporterKeyDeclared(key=key, kind=kind, harms=areas, by=by)))


def suspend_reporter_key(ledger: Ledger, key: str, reason: str, *, by: str) -> None:
    """Receive the key's reports with the priority of a user's. Raises ReporterKeyRefused."""
    if not _REASON.fullmatch(reason):
        raise ReporterKeyRefused("Give the reason as a code: small letters, digits and hyphens, such as inaccurate.")

    def unit(tx: Transaction) -> None:
        if _suspended(tx, key):
            raise ReporterKeyRefused("This reporter key is suspended already.")
        tx.append(ReporterKeySuspended(key=key, reason=reason, by=by))

    ledger.commit(unit)


def restore_reporter_key(ledger: Ledger, key: str, *, by: str) -> None:
    """Give the key's reports their priority back. Raises ReporterKeyRefused."""

    def unit(tx: Transaction) -> None:
        if not _suspended(tx, key):
            raise ReporterKeyRefused("This reporter key is not suspended.")
        tx.append(ReporterKeyRestored(key=key, by=by))

    ledger.commit(unit)


def _suspended(tx: Transaction, key: str) -> bool:
    row = tx.execute(select(table.c.suspended_at).where(table.c.key == key)).first()
    if row is None:
        raise ReporterKeyRefused("This API key is not declared as a reporter key.")
    return row.suspended_at is not None
