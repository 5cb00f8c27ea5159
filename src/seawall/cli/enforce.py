"""``seawall endpoint | delivery``: the receivers of deliveries, and what is sent to them."""

from __future__ import annotations

from typing import Annotated

import typer

from seawall.cli.common import DatabaseUrl, DataDir, explained, fail, out, settings

command = typer.Typer()
endpoints = typer.Typer(no_args_is_help=True, help="Receivers of deliveries.")
command.add_typer(endpoints, name="endpoint")
deliveries = typer.Typer(no_args_is_help=True, help="Messages to receivers.")
command.add_typer(deliveries, name="delivery")


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


@endpoints.command("disable")
def disable_endpoint(endpoint: str, data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """Send nothing to a receiver any more; what is queued for it becomes dead and can be replayed."""
    _switch(endpoint, False, data_dir, database)


@endpoints.command("enable")
def enable_endpoint(endpoint: str, data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """Send to a receiver again; 'seawall delivery replay --dead' sends what it missed."""
    _switch(endpoint, True, data_dir, database)


@endpoints.command("rotate-secret")
def rotate_secret(endpoint: str, data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """Give a receiver a new signing secret, shown this once; for a day messages are signed with the old one too."""
    from seawall.app import open_storage
    from seawall.enforce import UnknownEndpoint
    from seawall.enforce import rotate_secret as rotate

    with explained(), open_storage(settings(data_dir=data_dir, database_url=database)) as store:
        try:
            made = rotate(store.ledger, store.vault, endpoint, by="cli")
        except UnknownEndpoint as error:
            fail(str(error))
    out.print(f"{made.endpoint}  {made.secret}", markup=False, soft_wrap=True)


def _switch(endpoint: str, enabled: bool, data_dir: DataDir, database: DatabaseUrl) -> None:
    from seawall.app import open_storage
    from seawall.enforce import UnknownEndpoint, set_enabled

    with explained(), open_storage(settings(data_dir=data_dir, database_url=database)) as store:
        try:
            set_enabled(store.ledger, endpoint, enabled, by="cli")
        except UnknownEndpoint as error:
            fail(str(error))


@deliveries.command("list")
def list_deliveries(
    state: Annotated[str | None, typer.Option(help="queued, retrying, delivered or dead; else all.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Deliveries, newest first."""
    from seawall.app import open_storage
    from seawall.enforce import DeliveryState
    from seawall.enforce.queries import delivery_lines

    if state not in (None, *DeliveryState):
        fail(f"--state: expected one of {', '.join(DeliveryState)}, not {state!r}")
    with explained(), open_storage(settings(data_dir=data_dir, database_url=database)) as store:
        with store.database.read() as connection:
            lines = delivery_lines(connection, limit=limit, state=state or "")
        for line in lines:
            row = line.delivery
            answer = f"  {row.status or ''} {row.detail}".rstrip()
            text = (
                f"{row.id}  {row.state}  {line.kind or ''} {row.change}  {row.endpoint}  tries {row.attempts}{answer}"
            )
            out.print(text, markup=False, soft_wrap=True)


@deliveries.command("replay")
def replay_deliveries(
    wanted: Annotated[list[str] | None, typer.Argument(help="Ids of dead or delivered messages.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Every dead one that no later message supersedes.")] = False,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Send messages again under the same ids. A worker sends them."""
    from seawall.app import open_storage
    from seawall.enforce import CannotReplay, UnknownDelivery, replay
    from seawall.enforce.queries import delivery_lines

    if bool(wanted) == dead:
        fail("name the messages to send again, or give --dead")
    with explained(), open_storage(settings(data_dir=data_dir, database_url=database)) as store:
        if dead:
            with store.database.read() as connection:
                wanted = [line.delivery.id for line in delivery_lines(connection, limit=100_000, state="dead")]
        sent = 0
        for delivery in wanted or ():
            try:
                replay(store.ledger, delivery, person="cli")
                sent += 1
            except (UnknownDelivery, CannotReplay) as error:
                if not dead:
                    fail(str(error))
                out.print(str(error), markup=False, soft_wrap=True)
        out.print(f"{sent} deliveries queued again")
