"""``seawall backup`` and ``seawall restore``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seawall.cli.common import DatabaseUrl, DataDir, explained, fail, out, settings

app = typer.Typer()


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder for the backup.")],
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Put the master key into it too: whoever has it can read all.")
    ] = False,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Back up database and blobs while servers run. The master key is not in it, unless asked for."""
    from seawall.app import open_storage
    from seawall.storage.backup import back_up

    chosen = settings(data_dir=data_dir, database_url=database)
    with explained(), open_storage(chosen, build=False) as store:
        made = back_up(store.database, chosen.data_dir, folder, with_key=with_key, progress=_copied)
    out.print(f"{folder}: {made.events} events, {made.blobs} blobs", markup=False, soft_wrap=True)
    if with_key:
        out.print("The master key is in it: whoever has this folder can read everything.")
    else:
        out.print("The master key is not in it: keep it elsewhere. Without it nothing in the vault can be read.")


def _copied(what: str) -> None:
    out.print(f"{what} copied")


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="A folder that 'seawall backup' made.")],
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Fill an empty database and data folder from a backup, and verify the ledger.

    The master key comes from SEAWALL_MASTER_KEY, else from master.key in the data folder, else from the backup.
    """
    from seawall.app import COMPONENTS
    from seawall.cli.subject import storage_context
    from seawall.storage import StorageError, open_database
    from seawall.storage.backup import head_of
    from seawall.storage.backup import restore as fill
    from seawall.storage.collector import missing_files
    from seawall.storage.component import migration_sources

    chosen = settings(data_dir=data_dir, database_url=database)
    with explained():
        chosen.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = open_database(chosen.database_url)
        try:
            manifest = fill(target, chosen.data_dir, folder, migration_sources(COMPONENTS))
        finally:
            target.close()
        try:
            with storage_context(chosen, build=False) as context:
                result = context.ledger.verify(expected=head_of(manifest))
                missing = missing_files(context)
        except StorageError as error:
            fail(f"restored, but not verified. {error} Then run 'seawall ledger verify'.")
    if not result.ok:
        fail(f"restored, but the ledger is not intact: {result.fault}")
    out.print(f"{result.events} events restored and verified, {manifest.blobs} blobs")
    if missing:
        out.print(f"{missing} files are not in the backup: they were stored and erased again while it was made.")
    out.print("Who was erased after this backup is in it again: repeat those erasures.")
