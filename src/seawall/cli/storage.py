"""Commands of storage: ``seawall backup | restore | ledger | jobs | subject | legal-hold | retention``."""

from __future__ import annotations

import typer

from seawall.cli import backup, jobs, ledger, master_key, subject

command = typer.Typer()
command.add_typer(ledger.app, name="ledger")
command.add_typer(jobs.app, name="jobs")
command.add_typer(subject.app, name="subject")
command.add_typer(subject.holds, name="legal-hold")
command.add_typer(subject.retention, name="retention")
command.add_typer(backup.app)
command.add_typer(master_key.app, name="master-key")
