"""Rate limit of sign-in attempts: failures are counted per (email, address) and per address."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from sqlalchemy import delete, insert, select

from seawall.access.tables import sign_in_failure as table
from seawall.model import now_ms
from seawall.storage.database import Database


class Throttle:
    """Failed sign-ins in a sliding window, kept in the database so that all server processes share them.

    After ``per_pair`` failures for one email from one address, or ``per_address`` failures from one address, further
    attempts wait until the oldest failure is ``window_s`` old. The person can still sign in from other addresses.
    Emails and addresses are kept as SHA-256, and no longer than the window.
    """

    def __init__(
        self,
        database: Database,
        *,
        per_pair: int = 5,
        per_address: int = 50,
        window_s: int = 15 * 60,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._database = database
        self._limits = (per_pair, per_address)
        self._window_ms = window_s * 1000
        self._clock = clock

    def wait_s(self, email: str, address: str) -> float:
        """Seconds until this email may be tried from this address; 0: now."""
        now = self._clock()
        waits = [0.0]
        with self._database.read() as connection:
            for key, limit in self._counted(email, address):
                recent = connection.scalars(
                    select(table.c.at)
                    .where(table.c.key == key, table.c.at > now - self._window_ms)
                    .order_by(table.c.at.desc())
                    .limit(limit)
                ).all()
                if len(recent) == limit:
                    waits.append((recent[-1] + self._window_ms - now) / 1000)
        return max(waits)

    def failed(self, email: str, address: str) -> None:
        """Record a failed sign-in."""
        now = self._clock()
        rows = [{"key": key, "at": now} for key, _ in self._counted(email, address)]
        with self._database.write() as connection:
            connection.execute(delete(table).where(table.c.at <= now - self._window_ms))
            connection.execute(insert(table), rows)

    def succeeded(self, email: str, address: str) -> None:
        """Record a successful sign-in: forget the failures of this pair."""
        key = _key(email, address)
        with self._database.read() as connection:
            if connection.execute(select(table.c.at).where(table.c.key == key).limit(1)).first() is None:
                return
        with self._database.write() as connection:
            connection.execute(delete(table).where(table.c.key == key))

    def _counted(self, email: str, address: str) -> tuple[tuple[str, int], ...]:
        pair, alone = self._limits
        return ((_key(email, address), pair), (_key("", address), alone))


def _key(email: str, address: str) -> str:
    return hashlib.sha256(f"{email.casefold()}\n{address}".encode("utf-8", "surrogatepass")).hexdigest()
