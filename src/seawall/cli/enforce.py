"""``seawall endpoint``: the receivers of deliveries."""

from __future__ import annotations

from typing import Annotated

import typer

from seawall.cli.common import DatabaseUrl, DataDir, explained, out, settings

command = typer.Typer()
endpoints = typer.Typer(no_args_is_help=True, help="Receivers of deliveries.")
command.add_typer(endpoints, name="endpoint")


@endpoints.command("add")
def add_endpoint(
    url: str,
    content_type: Annotated[list[str] | None, typer.Option("--content-type", help="Only these; repeat.")] = None,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Deliver enforcements to a receiver; its signing secret is shown this once."""
    from seawall.app import open_storage
    from seawall.enforce import add_endpoint as add

    chosen = settings(data_dir=data_dir, database_url=database)
    with explained(), open_storage(chosen) as store:
        made = add(
            store.ledger,
            store.vault,
            url=url,
            content_types=content_type or (),
            allow_private=chosen.allow_private_endpoints,
            by="cli",
        )
    out.print(f"{made.endpoint}  {made.secret}", markup=False, soft_wrap=True)


@endpoints.command("list")
def list_endpoints(data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """Receivers."""
    from seawall.app import open_storage
    from seawall.enforce import list_endpoints as every

    with explained(), open_storage(settings(data_dir=data_dir, database_url=database)) as store:
        for endpoint in every(store.database):
            wants = ",".join(endpoint.content_types) or "all"
            out.print(f"{endpoint.id}  {endpoint.url}  {wants}{'' if endpoint.enabled else '  off'}", soft_wrap=True)
