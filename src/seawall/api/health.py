"""``/healthz``: whether requests can be answered durably now."""

from __future__ import annotations

from typing import Final

from seawall.api.errors import ApiProblem
from seawall.app import App
from seawall.storage import CommitDelayed, StorageError, Transaction

_LONGEST_WAIT_S: Final = 2.0


def _head(tx: Transaction) -> int:
    return tx.head


def _ignore(_result: object, _error: BaseException | None) -> None:
    pass


async def health(app: App) -> dict[str, str | int]:
    """The state when policies are in force and the database commits. Raises Problem 503 with the reason.

    A server that still reads but commits nothing (a full disk, a lock, a frozen server) is not healthy. While the
    writer is stuck, nothing is added to its queue and no thread waits. Raises NothingPublished.
    """
    bundle = app.bundle.hash
    try:
        if app.ledger.stalled_s() > _LONGEST_WAIT_S:
            raise CommitDelayed(app.database.place, app.ledger.stalled_s())
        head = await app.ledger.commit_within(_head, _LONGEST_WAIT_S, _ignore)
    except StorageError as error:
        waiting = sum(app.ledger.waiting())
        raise ApiProblem(
            status=503,
            title="Commits do not happen",
            detail=str(error),
            remedy=f"Look at the database and its disk: {waiting} units of work wait for it in this process.",
            retry_after_s=1,
        ) from error
    return {"status": "ok", "bundle": bundle, "ledger": head}
