"""A process that writes to the ledger as fast as it can and prints what was acknowledged.

    python -m storage.child URL FOLDER NAME COUNT

Prints ``ready``, waits for a line on standard input, then prints each item's name once its event is durable.
Item names are NAME-0, NAME-1, …; COUNT 0 never ends.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from pathlib import Path

from support.storage import opened, view

_CLIENTS = 16


def main(url: str, folder: str, name: str, count: int) -> None:
    """Write with several concurrent clients."""
    numbers = iter(range(count)) if count else itertools.count()
    with opened(url, Path(folder)) as storage:
        print("ready", flush=True)
        sys.stdin.readline()

        async def client() -> None:
            for number in numbers:
                item = f"{name}-{number}"

                def unit(tx, item=item):  # type: ignore[no-untyped-def]
                    ref = tx.subject("item:comment", item, owner=tx.subject("account", f"a{len(item)}"))
                    tx.seal(ref, "fields/1", item.encode())
                    tx.append(view(item))
                    tx.append(view(item))
                    tx.enqueue("screen", item, {"ref": ref})

                await storage.ledger.commit_async(unit)
                os.write(1, f"{item}\n".encode())  # one write, so a killed process leaves whole lines

        async def clients() -> None:
            await asyncio.gather(*(client() for _ in range(_CLIENTS)))

        asyncio.run(clients())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
