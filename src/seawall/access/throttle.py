"""Rate limit of sign-in attempts, and of the work of checking passwords."""

from __future__ import annotations

import hashlib
import ipaddress
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from cachetools import TTLCache
from sqlalchemy import delete, insert, select

from seawall.access.errors import SignInBusy
from seawall.access.tables import known_browser
from seawall.access.tables import sign_in_failure as table
from seawall.model import now_ms
from seawall.storage.database import Database
from seawall.storage.upsert import upsert

KNOWN_FOR_S: Final = 90 * 24 * 60 * 60
"""How long a browser is known after it signed in."""

_IPV6_NETWORK: Final = 64  # bits: a single customer has at least all addresses of such a network
_IPV6_SITE: Final = 48  # bits: who asks for one gets 65,536 such networks for nothing
_FEW_FAILURES: Final = 2  # of an address: a person who mistypes, not yet one of a flood
_MOST_ADDRESSES: Final = 100_000  # whose failures are remembered by this process


class Throttle:
    """Failed sign-ins in a sliding window, kept in the database so that all server processes share them.

    After ``per_pair`` failures for one email from one address, ``per_address`` failures from one address, or
    ``per_account`` failures for one email from anywhere, further attempts wait until the oldest failure is
    ``window_s`` old. IPv6 addresses count by their /64 network.

    A browser that signed in to the account before is known by a token of its own. Its attempts count by that token
    only: others can use up neither the account's nor the address's attempts for it, so nobody shuts the owner out.

    Emails, addresses and tokens are kept as SHA-256; failures no longer than the window.

    Checks of passwords are bounded apart for known browsers, for addresses that have not failed in the window, for
    those that failed once or twice, and for all others: a flood is soon among the last, and takes nothing from others.
    """

    def __init__(
        self,
        database: Database,
        *,
        per_pair: int = 5,
        per_address: int = 50,
        per_account: int = 20,
        window_s: int = 15 * 60,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._database = database
        self._limits = (per_pair, per_address, per_account)
        self._window_ms = window_s * 1000
        self._clock = clock
        self._known_checks = PasswordChecks()
        self._first_checks = PasswordChecks(failures_per_s=8.0, burst=16)
        self._few_checks = PasswordChecks(failures_per_s=4.0, burst=8)
        self._other_checks = PasswordChecks()
        self._failures: TTLCache[str, int] = TTLCache(_MOST_ADDRESSES, window_s)
        self._lock = threading.Lock()

    def knows(self, email: str, browser: str) -> bool:
        """Whether the browser with this token signed in as this email in the last 90 days."""
        if not browser:
            return False
        known = (known_browser.c.key == _key(email, browser)) & (
            known_browser.c.at > self._clock() - KNOWN_FOR_S * 1000
        )
        with self._database.read() as connection:
            return connection.execute(select(known_browser.c.at).where(known)).first() is not None

    def wait_s(self, email: str, address: str, browser: str = "") -> float:
        """Seconds until this email may be tried from this address; 0: now. ``browser``: token of a known one."""
        now = self._clock()
        waits = [0.0]
        with self._database.read() as connection:
            for key, limit in self._counted(email, address, browser):
                recent = connection.scalars(
                    select(table.c.at)
                    .where(table.c.key == key, table.c.at > now - self._window_ms)
                    .order_by(table.c.at.desc())
                    .limit(limit)
                ).all()
                if len(recent) == limit:
                    waits.append((recent[-1] + self._window_ms - now) / 1000)
        return max(waits)

    def failed(self, email: str, address: str, browser: str = "") -> None:
        """Record a failed sign-in."""
        now = self._clock()
        if not browser:
            with self._lock:
                site = network_of(address, _IPV6_SITE)
                self._failures[site] = self._failures.get(site, 0) + 1
        rows = [{"key": key, "at": now} for key, _ in self._counted(email, address, browser)]
        with self._database.write() as connection:
            connection.execute(delete(table).where(table.c.at <= now - self._window_ms))
            connection.execute(insert(table), rows)

    def succeeded(self, email: str, address: str, browser: str = "") -> None:
        """Record a successful sign-in: forget the failures of this pair."""
        key = self._counted(email, address, browser)[0][0]
        with self._database.read() as connection:
            if connection.execute(select(table.c.at).where(table.c.key == key).limit(1)).first() is None:
                return
        with self._database.write() as connection:
            connection.execute(delete(table).where(table.c.key == key))

    def remember(self, email: str, browser: str) -> None:
        """Know this browser from now on: somebody signed in with it."""
        now, key = self._clock(), _key(email, browser)
        with self._database.write() as connection:
            connection.execute(delete(known_browser).where(known_browser.c.at <= now - KNOWN_FOR_S * 1000))
            upsert(connection, known_browser, [{"key": key, "at": now}])

    def checking(self, address: str, *, known: bool = False) -> PasswordChecks:
        """What bounds the checks of passwords from this address. ``known``: by a known browser."""
        if known:
            return self._known_checks
        with self._lock:
            failures = self._failures.get(network_of(address, _IPV6_SITE), 0)
        if not failures:
            return self._first_checks
        return self._few_checks if failures <= _FEW_FAILURES else self._other_checks

    def _counted(self, email: str, address: str, browser: str) -> tuple[tuple[str, int], ...]:
        per_pair, per_address, per_account = self._limits
        if browser:
            return ((_key(email, browser), per_pair),)
        network = network_of(address)
        return (
            (_key(email, network), per_pair),
            (_key("", network), per_address),
            (_key(email, "everywhere"), per_account),
        )


class FormThrottle:
    """Forms that strangers send, in a sliding window, kept in the database so that all server processes share them.

    ``per_address`` from one address (IPv6: one /64 network), and ``total`` from everybody. Addresses are kept as
    SHA-256, no longer than the window.
    """

    def __init__(
        self,
        database: Database,
        form: str,
        *,
        per_address: int,
        total: int,
        window_s: int = 15 * 60,  # no longer than the window of ``Throttle``, which deletes older rows
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._database = database
        self._form = form
        self._limits = (per_address, total)
        self._window_ms = window_s * 1000
        self._clock = clock

    def take(self, address: str) -> float:
        """Count one form from this address; returns 0. When there were too many: seconds to wait, and it is not."""
        now = self._clock()
        keys = (_key(f"form {self._form}", network_of(address)), _key(f"form {self._form}", "everywhere"))
        with self._database.write() as connection:
            connection.execute(delete(table).where(table.c.at <= now - self._window_ms))
            for key, limit in zip(keys, self._limits, strict=True):
                recent = connection.scalars(
                    select(table.c.at).where(table.c.key == key).order_by(table.c.at.desc()).limit(limit)
                ).all()
                if len(recent) == limit:
                    return max(1.0, (int(recent[-1]) + self._window_ms - now) / 1000)
            connection.execute(insert(table), [{"key": key, "at": now} for key in keys])
        return 0.0


class PasswordChecks:
    """Bounds the work of checking passwords, which costs 20 MB and 25 ms: one at a time, and few wrong ones a second.
    Thread-safe.
    """

    def __init__(
        self,
        *,
        failures_per_s: float = 2.0,
        burst: int = 6,
        patience_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval_s = 1 / failures_per_s
        self._ahead_s = burst / failures_per_s
        self._patience_s = patience_s
        self._clock = clock
        self._one = threading.Semaphore(1)
        self._until = 0.0  # when the failures so far are used up, at one in each interval

    @property
    def are_used_up(self) -> bool:
        """Whether there were so many wrong passwords that no further one is checked now."""
        return self._until - self._clock() > self._ahead_s

    @contextmanager
    def one(self) -> Iterator[None]:
        """Around one check. Raises SignInBusy, without a check, when there are too many."""
        if self.are_used_up or not self._one.acquire(timeout=self._patience_s):
            raise SignInBusy
        try:
            yield
        finally:
            self._one.release()

    def failed(self) -> None:
        """Count a wrong password."""
        self._until = max(self._until, self._clock()) + self._interval_s


def network_of(address: str, ipv6_bits: int = _IPV6_NETWORK) -> str:
    """What an address counts as: an IPv6 one as its /64 network, an IPv4 one that is mapped into IPv6 as itself."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, ipv6_bits), strict=False))


def _key(email: str, address: str) -> str:
    return hashlib.sha256(f"{email.casefold()}\n{address}".encode("utf-8", "surrogatepass")).hexdigest()
