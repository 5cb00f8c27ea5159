"""Lanes: the API keys that may report as a trusted flagger (DSA Art. 22), an authority or staff.

The priority of these kinds is worth having, so nobody gets it by writing the word into a request. A person declares
whose key reports as what, and in which areas; they may suspend that while misuse is looked into (Art. 22(6)). Reports
of a suspended lane are received like anybody's: one of them may be true.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from seawall.appeal.events import LaneDeclared, LaneRestored, LaneSuspended
from seawall.appeal.reports import ReporterKind
from seawall.appeal.tables import reporting_lane as table
from seawall.model import HARMS
from seawall.storage import Ledger, Transaction

LANE_KINDS: Final = (ReporterKind.TRUSTED_FLAGGER, ReporterKind.AUTHORITY, ReporterKind.STAFF)
"""The kinds of reporters that need a lane."""

_REASON: Final = re.compile(r"[a-z][a-z0-9_-]{0,63}")


class LaneRefused(Exception):
    """The key may not report as that kind, or the lane cannot be changed so; the message has the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportingLane:
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
class LaneClaim:
    """As what a report is received. ``lost``: why it has not the priority that it asked for."""

    kind: str
    lane: str | None = None
    lost: str | None = None


def claim(lane: ReportingLane | None, kind: str, harm: str | None) -> LaneClaim:
    """As what a report is received that a key with this lane (None: it has none) sends as ``kind``. Pure.

    ``harm``: that of the policy which the report names. Raises LaneRefused when the key has no lane of that kind.
    """
    if kind not in list(LANE_KINDS):
        return LaneClaim(kind=kind)
    if lane is None or lane.kind != kind:
        raise LaneRefused(
            f"This API key may not report as {kind}. Leave kind out to report as a user, or have an administrator "
            "declare the key's lane in the console, under Reporting lanes."
        )
    user = ReporterKind.USER.value
    if lane.suspended_at is not None:
        lost = "The lane of this key is suspended; the report was received with the priority of a user's."
        return LaneClaim(kind=user, lane=lane.key, lost=lost)
    if lane.harms and harm not in lane.harms:
        lost = (
            f"The areas of this key are {', '.join(lane.harms)}, and the report names no policy about them; it was "
            "received with the priority of a user's."
        )
        return LaneClaim(kind=user, lane=lane.key, lost=lost)
    return LaneClaim(kind=kind, lane=lane.key)


def declare_lane(ledger: Ledger, key: str, kind: str, harms: Iterable[str] = (), *, by: str) -> None:
    """Let a key, whose existence the caller checked, report as ``kind`` about these harms. Raises LaneRefused."""
    areas = tuple(sorted(set(harms)))
    if kind not in list(LANE_KINDS):
        raise LaneRefused(f"A lane is of one of the kinds {', '.join(LANE_KINDS)}, not {kind!r}.")
    if unknown := [harm for harm in areas if harm not in HARMS]:
        raise LaneRefused(f"There is no harm {unknown[0]!r}. The areas of a lane are harms.")
    ledger.commit(lambda tx: tx.append(LaneDeclared(key=key, kind=kind, harms=areas, by=by)))


def suspend_lane(ledger: Ledger, key: str, reason: str, *, by: str) -> None:
    """Receive the lane's reports with the priority of a user's. Raises LaneRefused."""
    if not _REASON.fullmatch(reason):
        raise LaneRefused("Give the reason as a code, such as inaccurate-notices: small letters, digits and hyphens.")

    def unit(tx: Transaction) -> None:
        if _suspended(tx, key):
            raise LaneRefused("This lane is suspended already.")
        tx.append(LaneSuspended(key=key, reason=reason, by=by))

    ledger.commit(unit)


def restore_lane(ledger: Ledger, key: str, *, by: str) -> None:
    """Give the lane's reports their priority back. Raises LaneRefused."""

    def unit(tx: Transaction) -> None:
        if not _suspended(tx, key):
            raise LaneRefused("This lane is not suspended.")
        tx.append(LaneRestored(key=key, by=by))

    ledger.commit(unit)


def _suspended(tx: Transaction, key: str) -> bool:
    row = tx.execute(select(table.c.suspended_at).where(table.c.key == key)).first()
    if row is None:
        raise LaneRefused("This API key has no lane.")
    return row.suspended_at is not None
