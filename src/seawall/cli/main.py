"""The program ``seawall``: the server's own commands, and those of every component.

A component's module of commands is imported to list them, so it imports what a command needs when the command runs:
``seawall --help`` stays quick.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Final

import typer

import seawall
from seawall.cli.common import log_to_stderr

if TYPE_CHECKING:
    from seawall.storage.component import Component

SHIPPED: Final = (
    "seawall.cli.screen",
    "seawall.cli.enforce",
    "seawall.cli.review",
    "seawall.cli.publish",
    "seawall.cli.access",
    "seawall.cli.storage",
    "seawall.cli.detectors",
    "seawall.cli.train",
)
"""The modules that ``seawall.app.COMPONENTS`` names, which a test compares: importing ``app`` to read them takes
seconds, and a list of commands must not."""


def program(added: Iterable[Component] = ()) -> typer.Typer:
    """The program with the commands of the shipped components, and of ``added`` ones."""
    app = typer.Typer(name="seawall", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(_root)
    paths = [component.cli for component in added if component.cli is not None]
    for path in ("seawall.cli.serve", "seawall.cli.migrate", *SHIPPED, *paths):
        app.add_typer(import_module(path).command)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(seawall.__version__)
        raise typer.Exit


def _root(version: bool = typer.Option(False, "--version", callback=_version, is_eager=True)) -> None:
    """The open safety platform."""


app = program()


def main() -> None:
    """Entry point of the ``seawall`` command."""
    log_to_stderr(level=logging.WARNING)
    app()
