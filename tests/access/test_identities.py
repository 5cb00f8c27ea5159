"""Identities of an OpenID provider open accounts: linked or made once, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from seawall import access
from seawall.access.oidc import SignInAttempt
from seawall.access.oidc_file import ClaimRoles, OidcConfiguration
from seawall.app import COMPONENTS
from seawall.configfile import Texts
from seawall.model import now_ms
from seawall.storage import Database, Ledger, Vault, open_database
from seawall.storage.component import ledger_of

DECLARED = OidcConfiguration(
    issuer="https://login.example.org",
    client_id="seawall",
    provision=True,
    roles=ClaimRoles(map={"staff": Texts(["reviewer"]), "boss": Texts(["admin"])}),
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def ledger(database: Database, tmp_path: Path) -> Iterator[Ledger]:
    made = ledger_of(database, Vault.open_in(database, tmp_path), COMPONENTS)
    made.build()
    yield made
    made.close()


def attempt(state: str) -> SignInAttempt:
    return SignInAttempt(state=state, expires_at=now_ms() + 60_000, where="/")


def claims(**changed: Any) -> dict[str, Any]:
    return {"sub": "s-1", "email": "ada@example.org", "email_verified": True, "groups": ["staff"]} | changed


def test_a_completed_sign_in_is_not_completed_again(ledger: Ledger) -> None:
    once = attempt("state")
    assert access.sign_in_identity(ledger, DECLARED, once, claims()).name == "ada@example.org"
    with pytest.raises(access.OidcRefused, match="completed before"):
        access.sign_in_identity(ledger, DECLARED, once, claims())


def test_one_of_many_at_once_completes_an_attempt(ledger: Ledger) -> None:
    once = attempt("state")

    def complete(_: int) -> bool:
        try:
            access.sign_in_identity(ledger, DECLARED, once, claims())
        except access.OidcRefused:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(complete, range(8))) == 1


def test_the_last_administrator_does_not_lose_the_role_by_a_claim(database: Database, ledger: Ledger) -> None:
    who = access.sign_in_identity(ledger, DECLARED, attempt("one"), claims(groups=["boss"]))
    with pytest.raises(access.OidcRefused, match="last administrator"):
        access.sign_in_identity(ledger, DECLARED, attempt("two"), claims())
    assert access.find_person(database, who.id).roles == ("admin",)


@pytest.mark.parametrize("email", [None, "", 7, ["ada@example.org"], "no address"])
def test_without_a_usable_email_nobody_gets_an_account(database: Database, ledger: Ledger, email: object) -> None:
    with pytest.raises(access.OidcRefused):
        access.sign_in_identity(ledger, DECLARED, attempt("state"), claims(email=email))
    assert access.list_people(database) == []
