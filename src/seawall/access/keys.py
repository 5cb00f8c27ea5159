"""API keys: ``sw_<id>_<secret>``, with scopes. The database stores only the SHA-256 of a key."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from asyncio import wait, wrap_future
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass

from sqlalchemy import select, update

from seawall.access.errors import AccessError
from seawall.access.events import KeyCreated, KeyRevoked
from seawall.access.permissions import Scope
from seawall.access.tables import api_key
from seawall.model import now_ms
from seawall.storage.database import Database
from seawall.storage.ledger import Ledger, Transaction

_PREFIX = "sw_"
_PATIENCE_S = 0.1  # with a database that does not say whether a known key was revoked
_OLDEST_S = 60.0  # of a known key that is still accepted then


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInfo:
    """An API key without its secret."""

    id: str
    name: str
    scopes: frozenset[Scope]
    created_at: int
    revoked_at: int | None = None

    def may(self, scope: Scope) -> bool:
        """Whether the key has this scope; ``admin`` includes every scope."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


def create_key(ledger: Ledger, name: str, scopes: Iterable[Scope | str], *, by: str = "system") -> str:
    """Create a key; it is shown only this once. Raises AccessError when the name or a scope is malformed."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise AccessError("A key's name needs 1 to 100 printable characters.")
    try:
        found = sorted({Scope(scope) for scope in scopes})
    except ValueError as error:
        raise AccessError(f"{error}. Scopes are {', '.join(Scope)}.") from error
    if not found:
        raise AccessError(f"Give at least one scope of {', '.join(Scope)}.")
    key_id = secrets.token_hex(6)
    token = f"{_PREFIX}{key_id}_{secrets.token_urlsafe(32)}"
    row = {"id": key_id, "name": name, "token": _digest(token), "scopes": ",".join(found), "created_at": now_ms()}

    def unit(tx: Transaction) -> None:
        tx.insert(api_key, row)
        tx.append(KeyCreated(key=key_id, scopes=tuple(found), by=by))

    ledger.commit(unit)
    return token


def revoke_key(ledger: Ledger, key_id: str, *, by: str = "system") -> None:
    """Revoke a key; other processes notice within ``Keys.ttl_s``. Raises AccessError if it is unknown."""
    in_use = (api_key.c.id == key_id) & api_key.c.revoked_at.is_(None)

    def unit(tx: Transaction) -> None:
        if tx.execute(select(api_key.c.id).where(in_use)).first() is None:
            raise AccessError("There is no active key with that id.")
        tx.execute(update(api_key).where(in_use).values(revoked_at=tx.at))
        tx.append(KeyRevoked(key=key_id, by=by))

    ledger.commit(unit)


def list_keys(database: Database) -> list[KeyInfo]:
    """Every key, newest first."""
    with database.read() as connection:
        rows = connection.execute(select(api_key).order_by(api_key.c.created_at.desc(), api_key.c.id))
        return [
            KeyInfo(
                id=row.id,
                name=row.name,
                scopes=frozenset(Scope(scope) for scope in row.scopes.split(",")),
                created_at=row.created_at,
                revoked_at=row.revoked_at,
            )
            for row in rows
        ]


class Keys:
    """Authenticates keys without querying the database on every request.

    All keys in use are held in memory, at most ``ttl_s`` old; an unknown key has them read again at once, but not
    more often than every ``miss_s``, so that guessing costs the database nothing.
    """

    def __init__(
        self,
        database: Database,
        *,
        ttl_s: float = 5.0,
        miss_s: float = 0.25,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ttl_s = ttl_s
        self._database = database
        self._miss_s = miss_s
        self._clock = clock
        self._lock = threading.Lock()
        self._known: Mapping[bytes, KeyInfo] = {}
        self._loaded_at = float("-inf")
        self._starting = threading.Lock()
        self._reading: Future[None] | None = None  # in a thread of its own
        self._begun_at = float("-inf")

    def authenticate(self, token: str) -> KeyInfo | None:
        """What this key may do; None when it is unknown or revoked. Raises StorageError."""
        digest = _digest_of(token)
        if digest is None:
            return None
        found = self._fresh(self.ttl_s).get(digest)
        return found if found is not None else self._fresh(self._miss_s).get(digest)

    async def authenticate_async(self, token: str) -> KeyInfo | None:
        """The same from an event loop, which never waits for the database: other requests go on meanwhile.

        The keys are read again in the background when half of their time is over.
        """
        digest = _digest_of(token)
        if digest is None:
            return None
        age = self._clock() - self._loaded_at
        if age > self.ttl_s:
            await self._read_in_time(digest, age)
        elif age > self.ttl_s / 2 and self._clock() - self._begun_at > self._miss_s:
            self._read(self.ttl_s / 2)  # should it fail, the request at the end of the time is told
        found = self._known.get(digest)
        if found is None and self._clock() - self._loaded_at > self._miss_s:
            await wrap_future(self._read(self._miss_s))
            found = self._known.get(digest)
        return found

    async def _read_in_time(self, digest: bytes, age: float) -> None:
        """Wait for the keys to be read again; for a known key not long, if the database does not answer.

        A frozen database must not stop requests that could be answered without it. Raises StorageError.
        """
        reading = wrap_future(self._read(self.ttl_s))
        left = _PATIENCE_S - (self._clock() - self._begun_at)
        if digest in self._known and age < _OLDEST_S:
            await wait((reading,), timeout=max(0.0, left))
            if not reading.done():
                reading.add_done_callback(lambda late: late.cancelled() or late.exception())  # the next one is told
                return
        await reading

    def forget(self) -> None:
        """Read again at the next request: a key was just made or revoked in this process."""
        self._loaded_at = float("-inf")

    def _read(self, age_s: float) -> Future[None]:
        """Have the keys read in a thread, unless that is being done already."""
        with self._starting:
            reading = self._reading
            if reading is None or reading.done():
                reading = self._reading = Future()
                self._begun_at = self._clock()
                threading.Thread(target=self._answer, args=(reading, age_s), name="seawall-keys", daemon=True).start()
            return reading

    def _answer(self, reading: Future[None], age_s: float) -> None:
        try:
            self._fresh(age_s)
        except BaseException as error:
            reading.set_exception(error)
        else:
            reading.set_result(None)

    def _fresh(self, age_s: float) -> Mapping[bytes, KeyInfo]:
        if self._clock() - self._loaded_at <= age_s:
            return self._known
        with self._lock:  # one thread reads, the others wait for what it finds
            asked_at = self._clock()
            if asked_at - self._loaded_at > age_s:
                self._known = self._load()
                self._loaded_at = asked_at  # a key revoked while it was read may still be among them
        return self._known

    def _load(self) -> dict[bytes, KeyInfo]:
        with self._database.read() as connection:
            rows = connection.execute(select(api_key).where(api_key.c.revoked_at.is_(None))).all()
        return {
            bytes.fromhex(row.token): KeyInfo(
                id=row.id,
                name=row.name,
                scopes=frozenset(Scope(scope) for scope in row.scopes.split(",")),
                created_at=row.created_at,
            )
            for row in rows
        }


def _digest_of(token: str) -> bytes | None:
    """What a key is found by; None when this is no key of ours."""
    if not token.startswith(_PREFIX) or len(token) > 128 or not token.isascii():
        return None
    return hashlib.sha256(token.encode("ascii")).digest()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("ascii")).hexdigest()
