"""``seawall toy``."""

from __future__ import annotations

import typer

from seawall.cli.common import DataDir, explained, out, settings

command = typer.Typer()
toys = typer.Typer(no_args_is_help=True, help="An example.")
command.add_typer(toys, name="toy")


@toys.command()
def count(data_dir: DataDir = None) -> None:
    """How long the ledger is."""
    from seawall.app import open_storage

    with explained(), open_storage(settings(data_dir=data_dir)) as store:
        out.print(f"{store.ledger.head()} events")
