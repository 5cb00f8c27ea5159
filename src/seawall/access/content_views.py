"""Log of content views."""

from __future__ import annotations

from sqlalchemy import select

from seawall.access.tables import view
from seawall.model import ItemRef, now_ms
from seawall.model.events import ContentViewed
from seawall.storage.database import Database
from seawall.storage.ledger import Ledger, Transaction

REPEAT_MS = 5 * 60 * 1000


def record_view(
    database: Database,
    ledger: Ledger,
    person: str,
    item: ItemRef,
    page: str,
    *,
    harm: str | None = None,
    shown: tuple[str, ...] = (),
    veiled: tuple[str, ...] = (),
    controls: tuple[str, ...] = (),
) -> None:
    """Record that ``person`` opens ``item`` on ``page``; again only after ``REPEAT_MS``. Call it before showing.

    ``harm``, ``shown``, ``veiled`` and ``controls``: see ``ContentViewed``; exposure is counted from them.
    """
    recent = select(view.c.seq).where(
        view.c.item == item.ref, view.c.person == person, view.c.page == page, view.c.at > now_ms() - REPEAT_MS
    )
    with database.read() as connection:
        if connection.execute(recent.limit(1)).first():
            return

    def append(tx: Transaction) -> None:
        tx.append(
            ContentViewed(person=person, item=item, page=page, harm=harm, shown=shown, veiled=veiled, controls=controls)
        )

    ledger.commit(append)
