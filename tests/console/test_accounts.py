"""People, passwords and receivers are changed on pages, and every change is on the record."""

from __future__ import annotations

import re

import pytest
from structlog.testing import capture_logs

from seawall import access, enforce
from seawall.access.events import PasswordChanged, PersonEnabled, PersonRolesChanged, PersonSignedIn
from seawall.enforce.events import EndpointAdded, EndpointSecretRotated, EndpointSwitched
from support.console import PASSWORD, Browser, Rig

NEW = "another wall, a higher one"


@pytest.fixture
def admin(rig: Rig) -> Browser:
    return rig.browser("admin")


@pytest.fixture
def eve(rig: Rig, request: pytest.FixtureRequest) -> access.Person:
    email = f"{abs(hash(request.node.name))}@example.org"
    return access.create_person(rig.app.ledger, email, "Eve", PASSWORD, ["reviewer"])


def newest(rig: Rig) -> object:
    return rig.app.ledger.events(rig.app.ledger.head() - 1)[0].body


def test_roles_are_changed(rig: Rig, admin: Browser, eve: access.Person) -> None:
    browser = rig.browser()
    browser.sign_in(eve.email, PASSWORD)
    assert browser.get("/ledger").status_code == 403
    assert admin.post(f"/access/people/{eve.id}/roles", role="policy").status_code == 303
    assert isinstance(newest(rig), PersonRolesChanged)
    assert browser.get("/ledger").status_code == 200  # at once
    assert admin.post(f"/access/people/{eve.id}/roles").status_code == 422
    assert admin.post(f"/access/people/{eve.id}/roles", role="king").status_code == 422


def test_nobody_takes_the_last_administrator_away(rig: Rig, admin: Browser) -> None:
    (me,) = [one for one in access.list_people(rig.app.database) if access.PersonRole.ADMIN in one.roles]
    assert "your own roles" in admin.post(f"/access/people/{me.id}/roles", role="reviewer").text
    assert "your own account" in admin.post(f"/access/people/{me.id}/disable").text


def test_a_person_changes_their_own_password(rig: Rig, eve: access.Person) -> None:
    browser = rig.browser()
    browser.sign_in(eve.email, PASSWORD)
    other = rig.browser()
    other.sign_in(eve.email, PASSWORD)
    assert "old password is incorrect" in browser.post("/account/password", old="wrong", new=NEW).text
    assert "10 to 1024" in browser.post("/account/password", old=PASSWORD, new="short").text
    assert other.get("/").status_code == 200
    assert browser.post("/account/password", old=PASSWORD, new=NEW).status_code == 303
    assert newest(rig) == PasswordChanged(person=eve.id, by=eve.id)
    assert browser.get("/").status_code == 200  # this session goes on
    assert other.get("/").status_code == 303  # the others end
    assert rig.browser().sign_in(eve.email, NEW).status_code == 303


def test_an_account_is_closed_and_opened_again(rig: Rig, admin: Browser, eve: access.Person) -> None:
    admin.post(f"/access/people/{eve.id}/disable")
    assert rig.browser().sign_in(eve.email, PASSWORD).status_code == 401
    admin.post(f"/access/people/{eve.id}/enable")
    assert isinstance(newest(rig), PersonEnabled)
    assert rig.browser().sign_in(eve.email, PASSWORD).status_code == 303


def test_sign_ins_are_on_the_record_and_failures_in_the_log(rig: Rig, eve: access.Person) -> None:
    rig.browser().sign_in(eve.email, PASSWORD)
    assert newest(rig) == PersonSignedIn(person=eve.id)
    with capture_logs() as lines:
        rig.browser().sign_in(eve.email, "wrong password")
    (refused,) = [line for line in lines if line["event"] == "sign-in refused"]
    assert refused["reason"] == "failed"
    assert eve.email not in repr(refused)
    assert "wrong password" not in repr(refused)


def test_receivers_are_managed(rig: Rig, admin: Browser) -> None:
    refused = admin.post("/endpoints", url="ftp://example.org/")
    assert refused.status_code == 422
    answer = admin.post("/endpoints", url="https://93.184.215.14:9/hook")
    made = [one for one in enforce.list_endpoints(rig.app.database) if one.url.endswith(":9/hook")][-1]
    assert isinstance(newest(rig), EndpointAdded)
    secrets = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", answer.text))
    admin.post(f"/endpoints/{made.id}/switch", enabled="no")
    switched = newest(rig)
    assert isinstance(switched, EndpointSwitched)
    assert (switched.endpoint, switched.enabled) == (made.id, False)
    assert "Switch on" in admin.get("/endpoints").text
    secrets |= set(re.findall(r"whsec_[A-Za-z0-9+/=]+", admin.post(f"/endpoints/{made.id}/secret").text))
    assert isinstance(newest(rig), EndpointSecretRotated)
    assert len(secrets) == 2
    assert not any(secret in admin.get("/endpoints").text for secret in secrets)
    assert admin.post("/endpoints/ep_none/switch").status_code == 404
    assert admin.post("/endpoints/ep_none/secret").status_code == 404
