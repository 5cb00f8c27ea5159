"""``seawall key | person``: API keys and console users."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from seawall.cli.common import DatabaseUrl, DataDir, explained, fail, out, settings

if TYPE_CHECKING:
    from seawall.access import Person, Roles
    from seawall.app import Storage

Who = Annotated[str, typer.Argument(help="Id or email of the person.")]

command = typer.Typer()
keys = typer.Typer(no_args_is_help=True, help="API keys of programs.")
people = typer.Typer(no_args_is_help=True, help="People who sign in to the console.")
command.add_typer(keys, name="key")
command.add_typer(people, name="person")


@keys.command("create")
def create_key(
    name: str,
    scope: Annotated[
        list[str],
        typer.Option("--scope", help="screen, report, appeal, read, review, bank, child_safety, admin; repeat."),
    ],
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Create a key; it is shown only once."""
    from seawall.access import AccessError
    from seawall.access import create_key as create
    from seawall.app import open_storage

    with explained(), open_storage(settings(data_dir=data_dir, database_url=database)) as store:
        try:
            out.print(create(store.ledger, name, scope, by="cli"), markup=False, soft_wrap=True)
        except AccessError as error:
            fail(str(error))


@keys.command("list")
def list_keys(data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """List keys without their secrets."""
    from seawall.access import list_keys as every
    from seawall.app import open_storage

    with explained(), open_storage(settings(data_dir=data_dir, database_url=database)) as store:
        for key in every(store.database):
            out.print(f"{key.id}  {key.name}  {','.join(sorted(key.scopes))}{'  revoked' if key.revoked_at else ''}")


@keys.command("revoke")
def revoke_key(key: str, data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """Revoke a key; running servers notice within seconds."""
    from seawall.access import AccessError
    from seawall.access import revoke_key as revoke
    from seawall.app import open_storage

    with explained(), open_storage(settings(data_dir=data_dir, database_url=database)) as store:
        try:
            revoke(store.ledger, key, by="cli")
        except AccessError as error:
            fail(str(error))


@people.command("create")
def create_person(
    email: str,
    name: Annotated[str, typer.Option(prompt=True)],
    role: Annotated[
        list[str], typer.Option("--role", help="reviewer, child_safety, policy, admin, or your own; repeat.")
    ],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
    team: Annotated[str, typer.Option("--team", help="A team of the file of roles.")] = "",
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Create a console user."""
    from seawall.access import AccessError
    from seawall.access import create_person as create
    from seawall.app import open_storage

    with explained(), open_storage(settings(data_dir=data_dir, database_url=database)) as store:
        try:
            person = create(store.ledger, email, name, password, role, by="cli", team=team, known=_roles(data_dir))
        except AccessError as error:
            fail(str(error))
    out.print(person.id)


@people.command("list")
def list_people(data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """List console users."""
    from seawall.access import list_people as every
    from seawall.app import open_storage

    with explained(), open_storage(settings(data_dir=data_dir, database_url=database)) as store:
        for one in every(store.database):
            ended = "  closed" if one.disabled else ""
            reads = "" if one.languages is None else f"  languages: {', '.join(one.languages)}"
            skills = "" if one.skills is None else f"  skills: {', '.join(one.skills) or 'none'}"
            line = f"{one.id}  {one.email}  {one.name}  {','.join(one.roles)}{reads}{skills}{ended}"
            out.print(line, markup=False, soft_wrap=True)


@people.command("disable")
def disable_person(person: Who, data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """Close an account and end its sessions."""
    from seawall.access import disable_person as disable

    with _person(person, data_dir, database) as (store, found):
        disable(store.ledger, found.id, by="cli")


@people.command("enable")
def enable_person(person: Who, data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """Open a closed account again."""
    from seawall.access import enable_person as enable

    with _person(person, data_dir, database) as (store, found):
        enable(store.ledger, found.id, by="cli")


@people.command("roles")
def change_roles(
    person: Who,
    role: Annotated[list[str], typer.Option("--role", help="reviewer, child_safety, policy, admin; repeat.")],
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Give a person these roles and no others."""
    from seawall.access import change_roles as change

    with _person(person, data_dir, database) as (store, found):
        change(store.ledger, found.id, role, by="cli", known=_roles(data_dir))


@people.command("team")
def change_team(
    person: Who,
    team: Annotated[str, typer.Argument(help="A team of the file of roles; empty: none.")],
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Put a person into a team, or into none."""
    from seawall.access import change_team as change

    with _person(person, data_dir, database) as (store, found):
        change(store.ledger, found.id, team, by="cli", known=_roles(data_dir))


@people.command("languages")
def change_languages(
    person: Who,
    language: Annotated[
        list[str] | None, typer.Option("--language", help="A code, such as de; repeat. Without it: not stated.")
    ] = None,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """State the languages that a person reads: they are not given cases in others."""
    from seawall.access import change_languages as change

    with _person(person, data_dir, database) as (store, found):
        change(store.ledger, found.id, language, by="cli")


@people.command("skills")
def change_skills(
    person: Who,
    skill: Annotated[
        list[str] | None, typer.Option("--skill", help="A skill of the queue file; repeat. Without it: not stated.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="They have none: only queues that need no skill.")] = False,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Give a person skills: they are not given cases of queues that need others."""
    from seawall.access import change_skills as change

    if none and skill:
        fail("Either name skills, or say --none.")
    with _person(person, data_dir, database) as (store, found):
        change(store.ledger, found.id, [] if none else skill or None, by="cli")


@people.command("reset-password")
def reset_password(
    person: Who,
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Give a person a new password and end their sessions."""
    from seawall.access import reset_password as reset

    with _person(person, data_dir, database) as (store, found):
        reset(store.ledger, found.id, password, by="cli")


@people.command("password-link")
def make_password_link(person: Who, data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """Print a link by which a person chooses a new password, once."""
    from seawall.access import make_password_link as make

    with _person(person, data_dir, database) as (store, found):
        link = make(store.ledger, found.id, by="cli")
        out.print(
            settings(data_dir=data_dir, database_url=database).public_url + link.path, markup=False, soft_wrap=True
        )


def _roles(data_dir: DataDir) -> Roles:
    """The roles and teams in use. Raises SettingsError."""
    from seawall.access.roles import load_roles
    from seawall.access.settings import AccessSettings
    from seawall.app import COMPONENTS

    chosen = settings(data_dir=data_dir)
    declared = [spec.name for component in COMPONENTS for spec in component.permissions]
    return load_roles(chosen.section(AccessSettings).roles, chosen.data_dir, declared)


@contextmanager
def _person(name: str, data_dir: DataDir, database: DatabaseUrl) -> Iterator[tuple[Storage, Person]]:
    """The person with that id or email, to be changed; what cannot be done ends the command."""
    from seawall.access import AccessError, find_person
    from seawall.app import open_storage

    with explained(), open_storage(settings(data_dir=data_dir, database_url=database)) as store:
        try:
            yield store, find_person(store.database, name)
        except AccessError as error:
            fail(str(error))
