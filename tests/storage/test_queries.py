"""Reading by many keys, and the pages of the ledger, on both databases."""

from __future__ import annotations

from sqlalchemy import select

from seawall.model import ItemRef, new_id
from seawall.model.events import ContentViewed, ReportReceived
from seawall.storage.queries import events_after, newest_events, select_in_chunks
from seawall.storage.tables import event
from support.storage import Storage

EVENTS = 1_203


def fill(storage: Storage) -> None:
    """One report, and then so many views that a statement cannot name them all."""
    item = ItemRef("comment", "it_1", 1)
    report = ReportReceived(report=new_id("rep"), item=item, reporter=None, kind="user")
    storage.ledger.commit(lambda tx: tx.append(report))

    def unit(tx: object) -> None:
        for _ in range(EVENTS - 1):
            tx.append(ContentViewed(person="per_1", item=item, page="item"))  # type: ignore[attr-defined]

    storage.ledger.commit(unit)


def test_rows_of_many_keys_come_once_each(storage: Storage) -> None:
    fill(storage)
    asked = [*range(EVENTS, 0, -1), *range(1, 20), EVENTS + 1]
    query = select(event.c.seq).where(event.c.kind == "content.viewed")
    with storage.database.read() as connection:
        found = [row.seq for row in select_in_chunks(connection, query, event.c.seq, asked)]
        assert sorted(found) == list(range(2, EVENTS + 1))
        assert list(select_in_chunks(connection, query, event.c.seq, [])) == []
    inside = storage.ledger.commit(lambda tx: [row.seq for row in select_in_chunks(tx, query, event.c.seq, asked)])
    assert sorted(inside) == sorted(found)


def test_pages_of_the_ledger_go_on_where_the_last_ended(storage: Storage) -> None:
    fill(storage)
    with storage.database.read() as connection:
        seen: list[int] = []
        before = None
        while page := newest_events(connection, limit=500, before=before):
            seen += [row.seq for row in page]
            before = page[-1].seq
        assert seen == list(range(EVENTS, 0, -1))
        (report,) = newest_events(connection, limit=10, kind="report.received")
        assert (report.seq, report.kind) == (1, "report.received")
        assert newest_events(connection, limit=10, seq=1) == [report]
        assert newest_events(connection, limit=10, seq=1, kind="content.viewed") == []
        assert [row.seq for row in events_after(connection, 1_200, limit=2)] == [1_201, 1_202]
