"""``seawall policy | content-type | bank``: what is published, and the banks that policies name."""

from __future__ import annotations

import typer

from seawall.cli import bank, policy, publications

command = typer.Typer()
policy.app.add_typer(publications.command)
command.add_typer(policy.app, name="policy")
command.add_typer(policy.content_types, name="content-type")
command.add_typer(bank.app, name="bank")
