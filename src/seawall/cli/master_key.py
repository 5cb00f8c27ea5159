"""``seawall master-key rotate``: change the vault's master key."""

from __future__ import annotations

import os

import typer

from seawall.cli.common import DatabaseUrl, DataDir, explained, fail, out, settings

app = typer.Typer(no_args_is_help=True, help="The master key, which wraps the keys of all subjects.")


@app.callback()
def _master_key() -> None:
    """The master key."""


@app.command()
def rotate(data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """Change the master key. Killed, run it again: it goes on, and until its end the old key opens everything.

    With SEAWALL_MASTER_KEY the new key is read from SEAWALL_NEW_MASTER_KEY; else a new key file is made.
    """
    from seawall.app import COMPONENTS, open_storage
    from seawall.storage.keys import ENVIRONMENT, read_master_key
    from seawall.storage.rotation import NEW_KEY, next_key, put_in_place, rotate_master_key

    chosen = settings(data_dir=data_dir, database_url=database)
    by_environment = bool(os.environ.get(ENVIRONMENT))
    with explained(), open_storage(chosen) as store:
        if by_environment:
            if not (encoded := os.environ.get(NEW_KEY)):
                fail(f"set {NEW_KEY} to 32 random bytes in base64 (openssl rand -base64 32)")
            new = read_master_key(encoded, f"The environment variable {NEW_KEY}")
        else:
            new = next_key(chosen.data_dir)
        changed = 0
        if new.check != store.vault.master.check:  # else killed before the files were put in place
            changed = rotate_master_key(store.database, store.vault.master, new, COMPONENTS)
    out.print(f"{changed} keys wrapped by the new master key")
    if by_environment:
        out.print(f"Set {ENVIRONMENT} to the new key and restart every process.", soft_wrap=True)
        return
    kept = put_in_place(chosen.data_dir)
    out.print(f"The old key is {kept}: older backups need it. Restart every process.", markup=False, soft_wrap=True)
