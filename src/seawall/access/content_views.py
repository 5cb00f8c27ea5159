"""Log of content views."""

from __future__ import annotations

from sqlalchemy import select

from seawall.access.events import ContentViewed
from seawall.access.tables import view
from seawall.model import ItemRef, now_ms
from seawall.storage.database import Database
from seawall.storage.ledger import Ledger, Transaction

REPEAT_MS = 5 * 60 * 1000


def record_view(database: Database, ledger: Ledger, person: str, item: ItemRef, page: str) -> None:
    """Record that ``person`` opens ``item`` on ``page``; again only after ``REPEAT_MS``. Call it before showing."""
    recent = select(view.c.seq).where(
        view.c.item == item.ref, view.c.person == person, view.c.page == page, view.c.at > now_ms() - REPEAT_MS
    )
    with database.read() as connection:
        if connection.execute(recent.limit(1)).first():
            return

    def append(tx: Transaction) -> None:
        tx.append(ContentViewed(person=person, item=item, page=page))

    ledger.commit(append)
