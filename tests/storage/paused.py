"""A process that keeps or forgets data and stops at a named point, to be killed there.

    python -m storage.paused DATA_DIR URL OPERATION POINT TIMES

Prints ``there`` when it comes to the point for the given time, and waits until it is killed. With the point ``none``
it runs to its end and prints ``done``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from databases import MIGRATIONS
from seawall.app import COMPONENTS
from seawall.cli.subject import storage_context
from seawall.settings import Settings
from seawall.storage import Blobs, Vault, open_database
from seawall.storage import rotation as rotation_module
from seawall.storage.backup import back_up, restore
from seawall.storage.collector import delete_unused_files
from seawall.storage.erasure import erase_subject, find_subject
from seawall.storage.rotation import next_key, put_in_place, rotate_master_key

rotation_module._PAGE = 1  # type: ignore[misc]


class Pause:
    """Stops the process when a point is reached for the given time."""

    def __init__(self, point: str, times: int) -> None:
        self._point, self._left = point, times

    def at(self, point: str) -> None:
        """The process is at a point."""
        self._left -= point == self._point
        if point == self._point and self._left == 0:
            print("there", flush=True)
            sys.stdin.read()

    def around(self, owner: Any, name: str, *, after: bool = False) -> None:
        """Every call of a function is a point: before it, or after it."""
        run: Callable[..., Any] = getattr(owner, name)

        def paused(*arguments: Any, **options: Any) -> Any:
            if not after:
                self.at(name)
            result = run(*arguments, **options)
            if after:
                self.at(name)
            return result

        setattr(owner, name, paused)


def main(data_dir: str, url: str, operation: str, pause: Pause) -> None:
    """Do it."""
    chosen = Settings(data_dir=Path(data_dir), database_url=url)
    pause.around(Blobs, "delete")
    pause.around(Blobs, "copy")
    pause.around(Vault, "erase", after=True)  # in the transaction, before its commit
    pause.around(rotation_module, "erasure_mark")  # in the last transaction
    folder = chosen.data_dir.parent / "backup"
    if operation == "restore":
        chosen.data_dir.mkdir(parents=True, exist_ok=True)
        target = open_database(url)
        restore(target, chosen.data_dir, folder, MIGRATIONS)
        target.close()
        return
    with storage_context(chosen) as context:
        if operation == "erase":
            erase_subject(context, find_subject(context, "account", "A"), by="paused")
        elif operation == "collect":
            delete_unused_files(context, grace_ms=-60_000)
        elif operation == "backup":
            back_up(context.database, chosen.data_dir, folder, with_key=True, progress=pause.at)
        elif operation == "rotate":
            old, new = context.vault.master, next_key(chosen.data_dir)
            if old.check != new.check:
                rotate_master_key(context.database, old, new, COMPONENTS, progress=lambda _: pause.at("page"))
            pause.at("rotated")
            put_in_place(chosen.data_dir)


if __name__ == "__main__":
    main(*sys.argv[1:4], Pause(sys.argv[4], int(sys.argv[5])))
    print("done", flush=True)
