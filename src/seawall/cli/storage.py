"""Commands of storage: ``seawall ledger`` and ``seawall jobs``."""

from __future__ import annotations

import typer

from seawall.cli import jobs, ledger

command = typer.Typer()
command.add_typer(ledger.app, name="ledger")
command.add_typer(jobs.app, name="jobs")
