"""The signed head: a ledger that was cut off or chained again is noticed, and a kept head proves it to outsiders."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from seawall.storage import LedgerHead, StorageError
from seawall.storage.codec import GENESIS, chain_hash, leaf_hash
from support.storage import Storage, opened, view


def commit(storage: Storage, times: int = 1) -> None:
    for _ in range(times):
        storage.ledger.commit(lambda tx: tx.append(view()))


def unlock(connection: Connection) -> None:
    """What who has the whole database can do: drop the triggers."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("DROP TRIGGER event_append_only ON event"))
        return
    for name in ("event_no_update", "event_no_delete", "event_no_replace"):
        connection.execute(text(f"DROP TRIGGER IF EXISTS {name}"))


def cut(connection: Connection, seq: int) -> None:
    """Remove the events after ``seq``, and what was projected from them."""
    for table in ("event", "test_seen"):
        connection.execute(text(f"DELETE FROM {table} WHERE seq > :seq"), {"seq": seq})


def chain_again(connection: Connection) -> None:
    """Give every event the leaf and the chain hash of its present content."""
    chain = GENESIS
    for row in connection.execute(text("SELECT seq, id, at, kind, version, body FROM event ORDER BY seq")).all():
        leaf = leaf_hash(row.id, row.at, row.kind, row.version, bytes(row.body))
        chain = chain_hash(chain, leaf)
        connection.execute(
            text("UPDATE event SET leaf = :leaf, chain = :chain WHERE seq = :seq"),
            {"leaf": leaf, "chain": chain, "seq": row.seq},
        )


def fault(storage: Storage, expected: LedgerHead | None = None) -> str:
    return storage.ledger.verify(expected=expected).fault or ""


def head(storage: Storage) -> LedgerHead:
    found = storage.ledger.signed_head()
    assert found is not None
    return found


@pytest.fixture
def five(storage: Storage) -> Storage:
    commit(storage, 5)
    return storage


def test_the_head_follows_every_event(five: Storage, tmp_path: Path) -> None:
    assert (head(five).seq, five.ledger.verify().signed) == (5, 5)
    kept = head(five)
    with opened(five.url, tmp_path) as other:  # another process signs on
        commit(other, 2)
    commit(five)
    found = five.ledger.verify(expected=LedgerHead.parse(str(kept)))
    assert (found.ok, found.events, found.signed) == (True, 8, 8)


def test_closing_signs_the_events_that_were_not_signed_with_their_batch(five: Storage, tmp_path: Path) -> None:
    with opened(five.url, tmp_path, sign_every_s=3600) as other:
        commit(other)  # the first batch of a process
        commit(other, 2)
        assert head(five).seq == 6
    assert head(five).seq == 8


def test_the_last_events_are_signed_while_no_unit_waits(five: Storage, tmp_path: Path) -> None:
    with opened(five.url, tmp_path, sign_every_s=0.01) as other:
        while head(five).seq != five.ledger.head() or five.ledger.head() < 8:  # ends with the idle writer's signature
            if five.ledger.head() < 8:
                commit(other)


def test_a_ledger_whose_end_was_cut_off_is_noticed(five: Storage) -> None:
    with five.database.write() as connection:
        unlock(connection)
        cut(connection, 3)
    assert fault(five) == "events 4 to 5 are missing: the signed head is that of event 5"
    commit(five)  # what comes after does not hide it
    assert "signed head" in fault(five)
    commit(five, 3)
    assert "signed head" in fault(five)


def test_a_rewritten_and_chained_ledger_is_noticed(five: Storage) -> None:
    with five.database.write() as connection:
        unlock(connection)
        connection.execute(text("UPDATE event SET at = at + 1 WHERE seq = 2"))
        chain_again(connection)
    assert fault(five) == "events up to 5 were rewritten: their chain is not that of the signed head"
    commit(five)
    assert fault(five) != ""


def test_a_head_cannot_be_made_without_the_master_key(five: Storage) -> None:
    with five.database.write() as connection:
        unlock(connection)
        cut(connection, 3)
        connection.execute(
            text("UPDATE ledger_head SET seq = 3, chain = (SELECT chain FROM event WHERE seq = 3) WHERE name = 'head'")
        )
    assert fault(five) == "the signed head was changed: its MAC does not fit"
    commit(five, 2)
    assert fault(five) == "the signed head was changed: its MAC does not fit"


def test_a_kept_head_shows_what_the_database_alone_cannot(five: Storage) -> None:
    early = head(five)
    commit(five, 2)
    kept = head(five)
    with five.database.write() as connection:  # back to an earlier state, its head included: as an old copy would be
        unlock(connection)
        cut(connection, 5)
        connection.execute(
            text("UPDATE ledger_head SET seq = :seq, chain = :chain, mac = :mac"),
            {"seq": early.seq, "chain": early.chain, "mac": early.mac},
        )
    assert five.ledger.verify().ok
    assert fault(five, kept) == "events 6 to 7 are missing: the expected head is that of event 7"
    assert fault(five, LedgerHead(2, kept.chain, kept.mac)).startswith("events up to 2 were rewritten")


def test_a_ledger_from_before_heads_is_valid_and_is_signed_from_its_next_event_on(five: Storage) -> None:
    with five.database.write() as connection:
        connection.execute(text("DELETE FROM ledger_head"))  # as the migration leaves a database of 0.2.0
    found = five.ledger.verify()
    assert (found.ok, found.signed) == (True, None)
    commit(five)
    assert five.ledger.verify().signed == 6


def test_events_of_an_older_process_beside_this_one_are_signed_later(five: Storage) -> None:
    early = head(five)
    commit(five, 2)
    with five.database.write() as connection:  # as if a process that signs nothing had appended the last two
        connection.execute(
            text("UPDATE ledger_head SET seq = :seq, chain = :chain, mac = :mac"),
            {"seq": early.seq, "chain": early.chain, "mac": early.mac},
        )
    found = five.ledger.verify()
    assert (found.ok, found.events, found.signed) == (True, 7, 5)
    commit(five)
    assert five.ledger.verify().signed == 8


@pytest.mark.parametrize("seq", [2, 5])
def test_an_event_cannot_be_replaced(five: Storage, seq: int) -> None:
    on_sqlite = five.database.dialect == "sqlite"
    columns = "seq, id, at, kind, version, body, leaf, chain"
    same = f"SELECT seq, id, at + 1, kind, version, body, leaf, chain FROM event WHERE seq = {seq}"
    statement = (
        f"INSERT OR REPLACE INTO event ({columns}) {same}"
        if on_sqlite
        else f"INSERT INTO event ({columns}) {same} ON CONFLICT (seq) DO UPDATE SET at = excluded.at"
    )
    with pytest.raises(DBAPIError, match="append-only"), five.database.write() as connection:
        connection.execute(text(statement))
    assert five.ledger.verify().ok


@pytest.mark.parametrize("wrong", ["", "7", "7:ab:cd", "x" * 200, "-1:" + "0" * 64 + ":" + "0" * 64])
def test_what_is_no_head_is_refused(wrong: str) -> None:
    with pytest.raises(StorageError, match="seawall ledger head"):
        LedgerHead.parse(wrong)
