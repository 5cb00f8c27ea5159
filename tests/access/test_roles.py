"""Roles and teams as data: what the file may say, what follows from it, and who may give what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall import access
from seawall.access import Permission, read_roles
from seawall.configfile import ConfigError
from seawall.model.case_scope import EVERY_CASE, CaseScope
from seawall.storage import Database, Ledger, Vault, open_database
from seawall.storage.component import ledger_of

FILE = """\
roles:
  spam-reviewer:
    title: Reviewer of spam
    permissions: [screen.view_content, review.decide]
    queues: [spam, scams]
    content_types: [comment]
  manager:
    permissions: [access.manage, screen.view_content, review.decide]
    queues: [spam]
  specialist:
    permissions: [screen.view_content, review.decide, review.see_child_safety]
teams:
  acme:
    title: Acme
    queues: [spam]
"""
DECLARED = [one.value for one in Permission]
KNOWN = read_roles(FILE, "roles.yaml", DECLARED)


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


def person(*roles: str, team: str = "") -> access.Person:
    return access.Person(
        id="per_1", email="a@b.c", name="A", roles=roles, disabled=False, created_at=0, team=team, known=KNOWN
    )


def test_a_role_of_the_file_gives_what_it_says_for_the_cases_that_it_names() -> None:
    ada = person("spam-reviewer")
    assert ada.permissions == {Permission.SEE_CONTENT, Permission.REVIEW}
    (scope,) = ada.scopes(Permission.REVIEW)
    assert scope.admits(queue="spam", harms=["spam"], content_type="comment", child_safety=False)
    assert not scope.admits(queue="hate", harms=["spam"], content_type="comment", child_safety=False)
    assert not scope.admits(queue="spam", harms=["spam"], content_type="track", child_safety=False)
    assert not scope.admits(queue="spam", harms=["spam"], content_type="comment", child_safety=True)
    assert ada.scopes(Permission.SEE_LEDGER) == ()


def test_child_safety_comes_only_from_the_role_that_names_it() -> None:
    assert not any(scope.child_safety for scope in person("spam-reviewer", "reviewer").scopes())
    assert [scope.child_safety for scope in person("specialist").scopes()] == [True]
    assert person("admin").scopes() == EVERY_CASE


def test_a_team_narrows_every_role() -> None:
    assert [scope.queues for scope in person("admin", team="acme").scopes()] == [frozenset({"spam"})]
    assert [scope.queues for scope in person("spam-reviewer", team="acme").scopes()] == [frozenset({"spam"})]
    assert person("admin", team="gone").scopes() == ()


def test_a_role_that_is_declared_no_more_gives_nothing() -> None:
    assert person("gone").permissions == frozenset()
    assert person("gone").scopes() == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("roles: {admin: {permissions: []}}", "shipped role"),
        ("roles: {one: {permissions: [review.decde]}}", "no permission 'review.decde'"),
        ("roles: {one: {permissions: [review.decide]}}", "needs screen.view_content"),
        ("roles: {one: {permissions: [review.see_child_safety]}}", "needs screen.view_content"),
        ("roles: {one: {permissions: [screen.view_content], harms: [hat]}}", "no harm 'hat'"),
        ("roles: {One: {permissions: []}}", "is no name"),
        ("teams: {'a,b': {}}", "is no name"),
        ("roles: {one: {permissions: [], queue: [a]}}", "unknown key"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        read_roles(text, "roles.yaml", DECLARED)
    assert str(refused.value).startswith("roles.yaml: ")


def test_nobody_gives_cases_or_teams_that_they_lack(database: Database, ledger: Ledger) -> None:
    def make(name: str, *roles: str, team: str = "", by: str = "system") -> access.Person:
        email = f"{name}@example.org"
        return access.create_person(ledger, email, name, "0123456789", roles, by=by, team=team, known=KNOWN)

    root = make("root", "admin")
    manager = make("manager", "manager")
    lead = make("lead", "manager", team="acme", by=root.id)
    with pytest.raises(access.AccessError, match="rights that you do not have"):
        make("x", "spam-reviewer", by=manager.id)  # its queues are more than the manager's
    with pytest.raises(access.AccessError, match="rights that you do not have"):
        make("x", "admin", by=manager.id)
    with pytest.raises(access.AccessError, match="own team only"):
        make("x", "manager", by=lead.id)
    hired = make("hired", "manager", team="acme")
    with pytest.raises(access.AccessError, match="own team only"):
        access.change_team(ledger, hired.id, "", by=lead.id, known=KNOWN)
    with pytest.raises(access.AccessError, match="own team only"):
        access.disable_person(ledger, manager.id, by=lead.id, known=KNOWN)
    access.disable_person(ledger, hired.id, by=lead.id, known=KNOWN)
    assert access.find_person(database, hired.id, KNOWN).disabled
    with pytest.raises(access.AccessError, match="not a team in use"):
        access.change_team(ledger, hired.id, "gone", known=KNOWN)
    access.change_team(ledger, hired.id, "", by=root.id, known=KNOWN)
    assert access.find_person(database, hired.id, KNOWN).team == ""


def test_a_scope_by_harms_admits_only_cases_whose_harms_are_all_known() -> None:
    scope = CaseScope(harms=frozenset({"spam"}))
    assert scope.admits(queue="q", harms=["spam"], content_type="comment", child_safety=False)
    for harms in ([], [None], ["spam", "hate"], ["spam", None]):
        assert not scope.admits(queue="q", harms=harms, content_type="comment", child_safety=False)
