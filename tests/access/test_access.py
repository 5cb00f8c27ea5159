"""People, sessions, keys and the log of views, on both databases."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Connection, select, update

from seawall import access
from seawall.access import passwords
from seawall.access.events import (
    KeyCreated,
    KeyRevoked,
    PasswordChanged,
    PasswordLinkMade,
    PersonAdded,
    PersonDisabled,
)
from seawall.access.permissions import permissions_of
from seawall.access.tables import api_key, known_browser, password_link, person, session, sign_in_failure, view
from seawall.access.throttle import PasswordChecks, network_of
from seawall.model import ItemRef
from seawall.storage import Database, Ledger, StorageError, Vault, open_database
from seawall.storage.component import ledger_of

PASSWORD = "a wall against the sea"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def ledger(database: Database, tmp_path: Path) -> Iterator[Ledger]:
    opened = ledger_of(database, Vault.open_in(database, tmp_path), (access.COMPONENT,))
    opened.build()
    yield opened
    opened.close()


@pytest.fixture
def ada(database: Database, ledger: Ledger) -> access.Person:
    return access.create_person(ledger, " Ada@Example.org ", "Ada", PASSWORD, ["reviewer", "policy"])


def sign_in(database: Database, email: str, password: str, throttle: access.Throttle | None = None) -> access.Person:
    return access.authenticate(database, throttle or access.Throttle(database), email, password, "10.0.0.1")


def test_the_right_password_lets_in_and_the_wrong_one_does_not(database: Database, ada: access.Person) -> None:
    assert sign_in(database, "ADA@example.org", PASSWORD) == ada
    for email, password in [("ada@example.org", "wrong"), ("bob@example.org", PASSWORD), ("", ""), ("\ud800", "x")]:
        with pytest.raises(access.SignInFailed):
            sign_in(database, email.encode("utf-8", "replace").decode(), password)


def test_the_password_is_kept_as_argon2id_only(database: Database, ada: access.Person) -> None:
    with database.read() as connection:
        stored = connection.execute(select(person.c.password)).scalar_one()
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in stored


@pytest.mark.parametrize(
    ("email", "name", "password", "roles", "says"),
    [
        ("ada@example.org", "Ada", PASSWORD, ["admin"], "already"),
        ("no address", "Bob", PASSWORD, ["admin"], "email"),
        ("bob@example.org", "", PASSWORD, ["admin"], "name"),
        ("bob@example.org", "B\x00b", PASSWORD, ["admin"], "name"),
        ("bob@example.org", "Bob", "short", ["admin"], "password"),
        ("bob@example.org", "Bob", PASSWORD, ["king"], "Roles are"),
        ("bob@example.org", "Bob", PASSWORD, [], "role"),
    ],
)
def test_a_malformed_person_is_refused_in_words(
    database: Database,
    ledger: Ledger,
    ada: access.Person,
    email: str,
    name: str,
    password: str,
    roles: list[str],
    says: str,
) -> None:
    with pytest.raises(access.AccessError, match=says):
        access.create_person(ledger, email, name, password, roles)
    assert [found.name for found in access.list_people(database)] == ["Ada"]


def test_guessing_is_throttled_by_email_and_address_until_the_window_passes(
    database: Database, ada: access.Person
) -> None:
    now = [1_000_000]
    throttle = access.Throttle(database, per_pair=3, window_s=60, clock=lambda: now[0])
    for _ in range(3):
        with pytest.raises(access.SignInFailed):
            sign_in(database, "ada@example.org", "wrong", throttle)
    with pytest.raises(access.SignInThrottled) as caught:
        sign_in(database, "Ada@example.org", PASSWORD, throttle)
    assert 0 < caught.value.retry_after_s <= 60
    elsewhere = access.authenticate(database, throttle, "ada@example.org", PASSWORD, "10.0.0.2")
    assert elsewhere == ada
    now[0] += 61_000
    assert sign_in(database, "ada@example.org", PASSWORD, throttle) == ada


def test_one_address_cannot_try_many_accounts(database: Database) -> None:
    throttle = access.Throttle(database, per_address=4)
    for number in range(4):
        throttle.failed(f"{number}@example.org", "10.0.0.1")
    assert throttle.wait_s("new@example.org", "10.0.0.1") > 0
    assert throttle.wait_s("new@example.org", "10.0.0.2") == 0


def test_one_account_cannot_be_guessed_from_many_addresses_and_its_owner_is_not_shut_out(
    database: Database, ada: access.Person
) -> None:
    now = [1_000_000]
    throttle = access.Throttle(database, per_account=4, window_s=60, clock=lambda: now[0])
    throttle.remember("ada@example.org", "token")
    for number in range(4):
        with pytest.raises(access.SignInFailed):
            access.authenticate(database, throttle, "ada@example.org", "wrong", f"10.0.0.{number}")
    with pytest.raises(access.SignInThrottled):
        access.authenticate(database, throttle, "ada@example.org", PASSWORD, "10.0.0.99")
    with pytest.raises(access.SignInThrottled):  # a token that nobody signed in with says nothing
        access.authenticate(database, throttle, "ada@example.org", PASSWORD, "10.0.0.99", "guess")
    throttle.remember("bob@example.org", "other")
    with pytest.raises(access.SignInThrottled):  # nor does one of another account
        access.authenticate(database, throttle, "ada@example.org", PASSWORD, "10.0.0.99", "other")
    assert access.authenticate(database, throttle, "Ada@example.org", PASSWORD, "10.0.0.99", "token") == ada
    now[0] += 61_000
    assert access.authenticate(database, throttle, "ada@example.org", PASSWORD, "10.0.0.99") == ada


def test_a_known_browser_has_few_attempts_too_and_is_forgotten_in_time(database: Database, ada: access.Person) -> None:
    now = [1_000_000]
    throttle = access.Throttle(database, per_address=4, clock=lambda: now[0])
    throttle.remember("ada@example.org", "token")
    for number in range(4):
        throttle.failed(f"{number}@example.org", "10.0.0.1")
    for _ in range(5):  # its address has none left, it has its own
        with pytest.raises(access.SignInFailed):
            access.authenticate(database, throttle, "ada@example.org", "wrong", "10.0.0.1", "token")
    with pytest.raises(access.SignInThrottled):
        access.authenticate(database, throttle, "ada@example.org", PASSWORD, "10.0.0.1", "token")
    assert throttle.wait_s("ada@example.org", "10.0.0.2") == 0, "strangers' attempts are not used up by it"
    now[0] += access.KNOWN_FOR_S * 1000
    assert not throttle.knows("ada@example.org", "token")
    throttle.remember("ada@example.org", "new")
    throttle.remember("ada@example.org", "new")
    with database.read() as connection:
        assert len(connection.execute(select(known_browser)).all()) == 1


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1%eth0", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::7", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_addresses_of_one_customer_count_as_one(address: str, counts_as: str) -> None:
    assert network_of(address) == counts_as


def test_a_flood_over_one_ipv6_network_is_one_address(database: Database) -> None:
    throttle = access.Throttle(database, per_address=4)
    for number in range(4):
        throttle.failed(f"{number}@example.org", f"2001:db8::{number:x}")
    assert throttle.wait_s("new@example.org", "2001:db8::ffff") > 0
    assert throttle.wait_s("new@example.org", "2001:db8:0:1::") == 0


def test_passwords_are_checked_one_at_a_time_and_wrong_ones_seldom() -> None:
    now = [0.0]
    checks = PasswordChecks(failures_per_s=2, burst=4, patience_s=0, clock=lambda: now[0])
    with checks.one(), pytest.raises(access.SignInBusy), checks.one():
        pass
    for _ in range(5):
        with checks.one():
            checks.failed()
    with pytest.raises(access.SignInBusy), checks.one():
        pass
    now[0] += 0.5
    with checks.one():
        checks.failed()
    with pytest.raises(access.SignInBusy), checks.one():
        pass
    now[0] += 60
    for _ in range(100):  # right ones are not counted
        with checks.one():
            pass


def test_strangers_that_are_wrong_keep_no_known_browser_waiting(database: Database, ada: access.Person) -> None:
    throttle = access.Throttle(database)
    throttle.remember("ada@example.org", "token")
    for number in range(20):
        with contextlib.suppress(access.SignInFailed, access.SignInBusy):
            access.authenticate(database, throttle, f"{number}@example.org", "wrong", f"10.0.1.{number}")
    strangers = throttle.checking("10.0.0.1")
    with strangers._one, pytest.raises(access.SignInBusy):
        access.authenticate(database, throttle, "ada@example.org", PASSWORD, "10.0.0.1")
    with strangers._one:
        assert access.authenticate(database, throttle, "ada@example.org", PASSWORD, "10.0.0.1", "token") == ada


def test_a_flood_from_many_addresses_keeps_nobody_else_out(database: Database, ada: access.Person) -> None:
    throttle = without_recovery(access.Throttle(database))
    with pytest.raises(access.SignInFailed):
        access.authenticate(database, throttle, "ada@example.org", "a typo", "10.0.0.2")
    assert access.authenticate(database, throttle, "ada@example.org", PASSWORD, "10.0.0.2") == ada
    answers = []
    for attempt in range(8):
        for number in range(5):
            try:
                access.authenticate(database, throttle, f"{attempt}-{number}@example.org", "wrong", f"10.0.1.{number}")
            except access.AccessError as error:
                answers.append(type(error))
    assert answers[:5] == [access.SignInFailed] * 5
    assert answers[-5:] == [access.SignInBusy] * 5
    assert access.authenticate(database, throttle, "ada@example.org", PASSWORD, "10.0.0.1") == ada


def without_recovery(throttle: access.Throttle) -> access.Throttle:
    """Bounds of which no time gives anything back, so that a slow machine is flooded as well."""
    for checks in (throttle._first_checks, throttle._few_checks, throttle._other_checks):
        checks._clock = lambda: 0.0
    return throttle


def test_a_flood_over_the_networks_of_one_ipv6_site_is_one_flood(database: Database, ada: access.Person) -> None:
    throttle = without_recovery(access.Throttle(database))
    for number in range(20):
        with contextlib.suppress(access.SignInFailed, access.SignInBusy):
            access.authenticate(database, throttle, f"{number}@example.org", "wrong", f"2001:db8:0:{number:x}::1")
    assert throttle.checking("2001:db8:0:ffff::1").are_used_up
    assert access.authenticate(database, throttle, "ada@example.org", PASSWORD, "2001:db8:1::1") == ada


def test_passwords_are_checked_in_a_process_of_low_priority_that_is_replaced_when_it_ends() -> None:
    stored = passwords.hash_password(PASSWORD)
    assert passwords.verify_password(PASSWORD, stored)
    first = hashing_process()
    assert os.getpriority(os.PRIO_PROCESS, first) >= min(19, os.getpriority(os.PRIO_PROCESS, 0) + 5)
    assert not passwords.verify_password("wrong", stored)
    assert not passwords.verify_password("\ud800", stored)
    with pytest.raises(ValueError, match="no argon2 hash"):
        passwords.verify_password(PASSWORD, "scrypt$x")
    assert hashing_process() == first
    os.kill(first, signal.SIGKILL)
    with contextlib.suppress(access.SignInBusy):  # the check that met its end
        passwords.verify_password(PASSWORD, stored)
    assert passwords.verify_password(PASSWORD, stored)
    assert hashing_process() != first


def hashing_process() -> int:
    """The process that checks this process's passwords."""
    script = "hashing_process.py"
    [pid] = [
        int(child)
        for task in Path("/proc/self/task").iterdir()
        for child in (task / "children").read_text().split()
        if script in Path(f"/proc/{child}/cmdline").read_text()
    ]
    return pid


def test_server_processes_share_the_throttle(database_url: str, database: Database) -> None:
    other = open_database(database_url)
    for _ in range(5):
        access.Throttle(other).failed("ada@example.org", "10.0.0.1")
    assert access.Throttle(database).wait_s("ADA@example.org", "10.0.0.1") > 0
    access.Throttle(database).succeeded("ada@example.org", "10.0.0.1")
    assert access.Throttle(other).wait_s("ada@example.org", "10.0.0.1") == 0
    other.close()


def test_failures_are_kept_as_hashes_and_no_longer_than_the_window(database: Database) -> None:
    now = [1_000_000]
    throttle = access.Throttle(database, window_s=60, clock=lambda: now[0])
    for number in range(10):
        throttle.failed(f"{number}@example.org", "10.0.0.1")
    now[0] += 60_000
    throttle.failed("ada@example.org", "10.0.0.2")
    with database.read() as connection:
        kept = connection.scalars(select(sign_in_failure.c.key)).all()
    assert len(kept) == 3  # the pair, the address, the account
    assert all(len(key) == 64 for key in kept)


def test_a_hash_of_other_parameters_is_made_anew_at_the_next_sign_in(database: Database, ada: access.Person) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with database.write() as connection:
        connection.execute(update(person).values(password=weak))
    with pytest.raises(access.SignInFailed):
        sign_in(database, "ada@example.org", "wrong")
    with database.read() as connection:
        assert connection.execute(select(person.c.password)).scalar_one() == weak
    assert sign_in(database, "ada@example.org", PASSWORD) == ada
    with database.read() as connection:
        stored = connection.execute(select(person.c.password)).scalar_one()
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert sign_in(database, "ada@example.org", PASSWORD) == ada


def test_a_session_is_found_by_its_token_and_kept_as_a_hash(database: Database, ada: access.Person) -> None:
    token = access.start_session(database, ada)
    found = access.find_session(database, token)
    assert found is not None
    assert found.person == ada
    assert found.accepts(found.csrf)
    assert not found.accepts("")
    assert not found.accepts("\udcff")
    with database.read() as connection:
        assert token not in connection.execute(select(session.c.token)).scalar_one()
    assert access.find_session(database, token + "x") is None


def test_signing_in_again_takes_the_place_of_the_former_session(database: Database, ada: access.Person) -> None:
    first = access.start_session(database, ada)
    second = access.start_session(database, ada, previous=first)
    assert access.find_session(database, first) is None
    assert access.find_session(database, second) is not None


def test_a_session_ends_at_sign_out_by_age_and_with_its_person(
    database: Database, ledger: Ledger, ada: access.Person
) -> None:
    token = access.start_session(database, ada)
    access.end_session(database, token)
    assert access.find_session(database, token) is None
    assert access.find_session(database, access.start_session(database, ada, life_ms=0)) is None
    token = access.start_session(database, ada)
    access.disable_person(ledger, ada.id)
    assert access.find_session(database, token) is None
    with pytest.raises(access.SignInFailed):
        sign_in(database, "ada@example.org", PASSWORD)
    with pytest.raises(access.AccessError):
        access.disable_person(ledger, "per_nobody")


def test_a_key_opens_its_scopes_and_only_its_hash_is_kept(database: Database, ledger: Ledger) -> None:
    token = access.create_key(ledger, "shop", ["screen", "read"])
    info = access.Keys(database).authenticate(token)
    assert info is not None
    assert (info.name, info.scopes) == ("shop", {access.Scope.SCREEN, access.Scope.READ})
    assert info.may(access.Scope.SCREEN)
    assert not info.may(access.Scope.BANK)
    assert token.startswith(f"sw_{info.id}_")
    with database.read() as connection:
        assert connection.execute(select(api_key.c.token)).scalar_one() not in token


def test_the_admin_scope_opens_everything(database: Database, ledger: Ledger) -> None:
    info = access.Keys(database).authenticate(access.create_key(ledger, "root", ["admin"]))
    assert info is not None
    assert all(info.may(scope) for scope in access.Scope)


@pytest.mark.parametrize("token", ["", "sw_", "sw_0_x", "Bearer x", "sw_é", "sw_" + "x" * 500])
def test_what_is_no_key_opens_nothing(database: Database, ledger: Ledger, token: str) -> None:
    access.create_key(ledger, "shop", ["screen"])
    assert access.Keys(database).authenticate(token) is None


def test_keys_are_looked_up_seldom_and_found_at_once(
    database: Database, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    keys = access.Keys(database, ttl_s=5, miss_s=0.25, clock=lambda: now[0])
    loads = 0
    load = keys._load

    def counted() -> object:
        nonlocal loads
        loads += 1
        return load()

    monkeypatch.setattr(keys, "_load", counted)
    token = access.create_key(ledger, "shop", ["screen"])
    assert keys.authenticate(token) is not None
    for _ in range(100):
        assert keys.authenticate(token) is not None
        assert keys.authenticate("sw_1_guess") is None
    assert loads == 1
    now[0] = 1.0
    assert keys.authenticate(access.create_key(ledger, "late", ["screen"])) is not None
    assert loads == 2
    (info,) = [key for key in access.list_keys(database) if key.name == "shop"]
    access.revoke_key(ledger, info.id)
    now[0] = 6.1
    assert keys.authenticate(token) is None


class Held:
    """A database whose next reads wait until they are let go."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.reading = threading.Event()
        self.go_on = threading.Event()
        self.reads = 0

    @contextmanager
    def read(self) -> Iterator[Connection]:
        self.reads += 1
        self.reading.set()
        assert self.go_on.wait(60), "nobody let the read go on: the event loop waits for the database"
        with self._database.read() as connection:
            yield connection


def test_an_event_loop_does_not_wait_for_the_database(database: Database, ledger: Ledger) -> None:
    token = access.create_key(ledger, "shop", ["screen"])
    held = Held(database)
    keys = access.Keys(held)  # type: ignore[arg-type]

    async def crowd() -> None:
        waiting = [asyncio.ensure_future(keys.authenticate_async(token)) for _ in range(50)]
        guess = asyncio.ensure_future(keys.authenticate_async("sw_1_guess"))
        while not held.reading.is_set():
            await asyncio.sleep(0)
        assert not any(one.done() for one in waiting)
        held.go_on.set()
        assert {info.name for info in await asyncio.gather(*waiting) if info} == {"shop"}
        assert await guess is None
        assert held.reads == 1

    asyncio.run(crowd())


def test_keys_are_read_again_in_the_background(database: Database, ledger: Ledger) -> None:
    now = [0.0]
    token = access.create_key(ledger, "shop", ["screen"])
    held = Held(database)
    held.go_on.set()
    keys = access.Keys(held, ttl_s=5, miss_s=0.25, clock=lambda: now[0])  # type: ignore[arg-type]

    async def life() -> None:
        assert await keys.authenticate_async(token)
        (info,) = access.list_keys(database)
        access.revoke_key(ledger, info.id)
        now[0] = 2.4
        assert await keys.authenticate_async(token)  # still known
        assert held.reads == 1
        held.go_on.clear()
        held.reading.clear()
        now[0] = 2.6  # more than half of the time is over
        assert await keys.authenticate_async(token), "nobody waits for the background"
        await asyncio.to_thread(held.reading.wait, 60)
        assert await keys.authenticate_async(token)
        now[0] = 5.1
        assert await keys.authenticate_async(token), "a database that does not answer stops no known key at once"
        now[0] = 60.1
        last = asyncio.ensure_future(keys.authenticate_async(token))
        await asyncio.sleep(0)
        assert not last.done(), "keys older than their time are not trusted"
        held.go_on.set()
        assert await last is None

    asyncio.run(life())


def test_a_key_made_a_moment_ago_is_found_from_an_event_loop(database: Database, ledger: Ledger) -> None:
    now = [0.0]
    keys = access.Keys(database, clock=lambda: now[0])

    async def life() -> None:
        assert await keys.authenticate_async("sw_1_guess") is None
        token = access.create_key(ledger, "late", ["screen"])
        assert await keys.authenticate_async(token) is None  # looked a moment ago
        now[0] = 0.3
        assert await keys.authenticate_async(token) is not None

    asyncio.run(life())


def test_a_database_that_fails_is_told_when_the_keys_are_too_old(database: Database, ledger: Ledger) -> None:
    now = [0.0]
    token = access.create_key(ledger, "shop", ["screen"])
    keys = access.Keys(database, clock=lambda: now[0])
    failing = [False]
    read = database.read

    @contextmanager
    def broken() -> Iterator[Connection]:
        if failing[0]:
            raise StorageError("gone")
        with read() as connection:
            yield connection

    async def life() -> None:
        assert await keys.authenticate_async(token)
        failing[0] = True
        now[0] = 3.0
        assert await keys.authenticate_async(token)
        now[0] = 5.1
        with pytest.raises(StorageError, match="gone"):
            await keys.authenticate_async(token)
        failing[0] = False
        assert await keys.authenticate_async(token)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "read", broken)
        asyncio.run(life())


def test_a_revoked_key_stays_listed_and_cannot_be_revoked_twice(database: Database, ledger: Ledger) -> None:
    access.create_key(ledger, "shop", ["screen"])
    (info,) = access.list_keys(database)
    access.revoke_key(ledger, info.id)
    (info,) = access.list_keys(database)
    assert info.revoked_at is not None
    with pytest.raises(access.AccessError):
        access.revoke_key(ledger, info.id)


@pytest.mark.parametrize(("name", "scopes"), [("", ["screen"]), ("x" * 101, ["screen"]), ("a", []), ("a", ["all"])])
def test_a_malformed_key_is_refused(database: Database, ledger: Ledger, name: str, scopes: list[str]) -> None:
    with pytest.raises(access.AccessError):
        access.create_key(ledger, name, scopes)


def test_a_view_is_recorded_once_for_a_while(database: Database, ledger: Ledger) -> None:
    for page in ("case", "case", "item"):
        access.record_view(database, ledger, "per_1", ItemRef("comment", "it_1", 1), page)
    access.record_view(database, ledger, "per_2", ItemRef("comment", "it_1", 1), "case")
    with database.read() as connection:
        rows = connection.execute(select(view.c.person, view.c.item, view.c.page).order_by(view.c.seq)).all()
    assert rows == [("per_1", "it_1", "case"), ("per_1", "it_1", "item"), ("per_2", "it_1", "case")]
    assert ledger.rebuild().equal


def test_who_let_whom_in_is_in_the_ledger_without_names_or_secrets(ledger: Ledger) -> None:
    ada = access.create_person(ledger, "ada@example.org", "Ada", PASSWORD, ["policy", "reviewer"], by="cli")
    access.create_key(ledger, "shop", ["screen"], by="cli")
    (key,) = access.list_keys(ledger.database)
    access.revoke_key(ledger, key.id, by=ada.id)
    access.disable_person(ledger, ada.id, by="cli")
    with pytest.raises(access.AccessError):
        access.create_person(ledger, "ada@example.org", "Ada", PASSWORD, ["policy"])
    assert [event.body for event in ledger.events()] == [
        PersonAdded(person=ada.id, roles=("policy", "reviewer"), by="cli"),
        KeyCreated(key=key.id, scopes=("screen",), by="cli"),
        KeyRevoked(key=key.id, by=ada.id),
        PersonDisabled(person=ada.id, by="cli"),
    ]


@pytest.fixture
def chief(ledger: Ledger) -> access.Person:
    return access.create_person(ledger, "chief@example.org", "Chief", PASSWORD, ["admin"])


def test_the_last_administrator_stays(ledger: Ledger, chief: access.Person) -> None:
    for by in ("cli", "system"):
        with pytest.raises(access.AccessError, match="last administrator"):
            access.disable_person(ledger, chief.id, by=by)
        with pytest.raises(access.AccessError, match="last administrator"):
            access.change_roles(ledger, chief.id, ["reviewer"], by=by)
    other = access.create_person(ledger, "other@example.org", "Other", PASSWORD, ["admin"])
    access.disable_person(ledger, chief.id, by=other.id)
    with pytest.raises(access.AccessError, match="last administrator"):
        access.change_roles(ledger, other.id, ["policy"])
    assert access.find_person(ledger.database, other.id).roles == ("admin",)


def test_two_administrators_that_close_each_other_at_once_leave_one(ledger: Ledger, chief: access.Person) -> None:
    other = access.create_person(ledger, "other@example.org", "Other", PASSWORD, ["admin"])

    def close(who: str, by: str) -> None:
        with contextlib.suppress(access.AccessError):
            access.disable_person(ledger, who, by=by)

    threads = [threading.Thread(target=close, args=pair) for pair in ((chief.id, other.id), (other.id, chief.id))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in access.list_people(ledger.database) if not one.disabled]) == 1


@pytest.mark.parametrize("roles", [["reviewer"], ["policy"], ["child_safety"], ["child_safety", "policy"]])
def test_nobody_gives_or_takes_over_rights_that_they_lack(
    ledger: Ledger, chief: access.Person, roles: list[str]
) -> None:
    lesser = access.create_person(ledger, "lesser@example.org", "Lesser", PASSWORD, roles)
    rights = permissions_of(lesser.roles)
    for role in access.PersonRole:
        may = role != access.PersonRole.ADMIN and permissions_of([role]) <= rights
        email = f"{role}@example.org"
        with contextlib.nullcontext() if may else pytest.raises(access.AccessError, match="rights that you do not"):
            access.create_person(ledger, email, "New", PASSWORD, [role], by=lesser.id)
        target = access.create_person(ledger, f"of-{email}", "Old", PASSWORD, [role]).id
        expected = (
            contextlib.nullcontext() if may else pytest.raises(access.AccessError, match="rights that you do not")
        )
        with expected:
            access.reset_password(ledger, target, PASSWORD, by=lesser.id)
        with expected:
            access.make_password_link(ledger, target, by=lesser.id)
        with expected:
            access.disable_person(ledger, target, by=lesser.id)
        assert access.find_person(ledger.database, target).disabled == may
        access.disable_person(ledger, target)
        with expected:
            access.enable_person(ledger, target, by=lesser.id)
        assert access.find_person(ledger.database, target).disabled != may
    with pytest.raises(access.AccessError, match="your own account"):
        access.change_roles(ledger, lesser.id, ["admin"], by=lesser.id)
    assert access.find_person(ledger.database, lesser.id) == lesser


def test_who_was_closed_a_moment_ago_changes_nothing(ledger: Ledger, chief: access.Person, ada: access.Person) -> None:
    other = access.create_person(ledger, "other@example.org", "Other", PASSWORD, ["admin"])
    access.disable_person(ledger, other.id, by=chief.id)
    for act in (
        lambda: access.create_person(ledger, "new@example.org", "New", PASSWORD, ["reviewer"], by=other.id),
        lambda: access.change_roles(ledger, ada.id, ["admin"], by=other.id),
        lambda: access.change_roles(ledger, ada.id, ["admin"], by="per_nobody"),
    ):
        with pytest.raises(access.AccessError, match="Your account is closed"):
            act()


def token_of(link: access.PasswordLink) -> str:
    return link.path.partition("link=")[2]


def test_an_invited_person_chooses_a_password_once(database: Database, ledger: Ledger, chief: access.Person) -> None:
    link = access.invite_person(ledger, "new@example.org", "New", ["reviewer"], by=chief.id)
    for _ in range(2):  # looking uses nothing up
        assert access.person_of_link(database, token_of(link)).id == link.person
    with pytest.raises(access.AccessError, match="A password needs"):
        access.choose_password(ledger, token_of(link), "short")
    access.choose_password(ledger, token_of(link), "a wall of my own")
    assert sign_in(database, "new@example.org", "a wall of my own").id == link.person
    for token in (token_of(link), "", "x", "\udcff", "x" * 10_000):
        with pytest.raises(access.PasswordLinkEnded):
            access.choose_password(ledger, token, "a wall of theirs")
    with database.read() as connection:
        assert connection.execute(select(password_link)).all() == []
    kinds = [type(event.body) for event in ledger.events()]
    assert kinds[-3:] == [PersonAdded, PasswordLinkMade, PasswordChanged]
    assert ledger.rebuild().equal


def test_a_link_ends_in_time_with_its_successor_with_a_change_of_password_and_with_its_person(
    database: Database, ledger: Ledger, ada: access.Person, chief: access.Person
) -> None:
    def ended(link: access.PasswordLink) -> bool:
        with contextlib.suppress(access.PasswordLinkEnded):
            return not access.person_of_link(database, token_of(link))
        return True

    first = access.make_password_link(ledger, ada.id, by=chief.id)
    with database.read() as connection:
        assert token_of(first) not in connection.execute(select(password_link.c.token)).scalar_one()
    second = access.make_password_link(ledger, ada.id, by=chief.id)
    assert (ended(first), ended(second)) == (True, False)
    assert sign_in(database, ada.email, PASSWORD) == ada  # the old password works meanwhile
    access.change_own_password(ledger, ada.id, "another wall of stone", token="")
    assert ended(second)
    third = access.make_password_link(ledger, ada.id)
    access.disable_person(ledger, ada.id)
    access.enable_person(ledger, ada.id)
    assert ended(third)
    fourth = access.make_password_link(ledger, ada.id)
    with database.write() as connection:
        connection.execute(update(password_link).values(expires_at=0))
    assert ended(fourth)
    session_token = access.start_session(database, ada)
    access.choose_password(ledger, token_of(access.make_password_link(ledger, ada.id)), "a third wall of stone")
    assert access.find_session(database, session_token) is None


def test_no_link_for_oneself_for_nobody_or_for_a_closed_account(
    ledger: Ledger, ada: access.Person, chief: access.Person
) -> None:
    access.disable_person(ledger, ada.id)
    for who, reason in ((chief.id, "your own account"), ("per_nobody", "no person"), (ada.id, "closed")):
        with pytest.raises(access.AccessError, match=reason):
            access.make_password_link(ledger, who, by=chief.id)
