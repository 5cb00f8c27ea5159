"""``seawall key | person``: API keys and console users."""

from __future__ import annotations

from typing import Annotated

import typer

from seawall.cli.common import DatabaseUrl, DataDir, explained, fail, out, settings

command = typer.Typer()
keys = typer.Typer(no_args_is_help=True, help="API keys of programs.")
people = typer.Typer(no_args_is_help=True, help="People who sign in to the console.")
command.add_typer(keys, name="key")
command.add_typer(people, name="person")


@keys.command("create")
def create_key(
    name: str,
    scope: Annotated[list[str], typer.Option("--scope", help="screen, report, read, review, bank, admin; repeat.")],
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
    role: Annotated[list[str], typer.Option("--role", help="reviewer, policy, admin; repeat.")],
    password: Annotated[str, typer.Option(prompt=True, hide_input=True, confirmation_prompt=True)],
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Create a console user."""
    from seawall.access import AccessError
    from seawall.access import create_person as create
    from seawall.app import open_storage

    with explained(), open_storage(settings(data_dir=data_dir, database_url=database)) as store:
        try:
            person = create(store.ledger, email, name, password, role, by="cli")
        except AccessError as error:
            fail(str(error))
    out.print(person.id)
