"""The ``seawall`` command. Modules are imported when their command runs, so that ``seawall --help`` is fast."""

from __future__ import annotations

import logging

import typer

import seawall
from seawall.cli import bank, detectors, ledger, manage, policy, screen, serve, train
from seawall.cli.common import log_to_stderr

app = typer.Typer(name="seawall", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(seawall.__version__)
        raise typer.Exit


@app.callback()
def _root(version: bool = typer.Option(False, "--version", callback=_version, is_eager=True)) -> None:
    """The open safety platform."""


serve.register(app)
screen.register(app)
train.register(app)
app.add_typer(policy.app, name="policy")
app.add_typer(policy.content_types, name="content-type")
app.add_typer(bank.app, name="bank")
app.add_typer(detectors.app, name="detectors")
app.add_typer(ledger.app, name="ledger")
app.add_typer(manage.keys, name="key")
app.add_typer(manage.people, name="person")
app.add_typer(manage.endpoints, name="endpoint")


def main() -> None:
    """Entry point of the ``seawall`` command."""
    log_to_stderr(level=logging.WARNING)
    app()
