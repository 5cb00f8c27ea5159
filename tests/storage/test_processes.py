"""Several processes on one ledger, and processes that are killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from seawall.model import Event
from seawall.model.events import ContentViewed
from seawall.storage import Transaction
from support.storage import Storage, opened, view

TESTS = Path(__file__).parents[1]


@contextmanager
def _child(url: str, folder: Path, name: str, count: int = 0) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "storage.child", url, str(folder), name, str(count)]
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("go\n")
        process.stdin.flush()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def _items(events: list[Event]) -> Counter[str]:
    return Counter(event.body.item.ref for event in events if isinstance(event.body, ContentViewed))


def test_a_reader_never_skips_though_two_processes_write(storage: Storage, tmp_path: Path) -> None:
    count, read = 150, []
    with _child(storage.url, tmp_path, "one", count) as one, _child(storage.url, tmp_path, "two", count) as two:
        cursor = 0
        while cursor < 4 * count:
            for event in storage.ledger.events(after=cursor):
                assert event.seq == cursor + 1
                cursor = event.seq
                read.append(event)
            assert one.poll() in (None, 0)
            assert two.poll() in (None, 0)
        assert one.wait(30) == two.wait(30) == 0
    assert _items(read) == {f"{name}-{number}": 2 for name in ("one", "two") for number in range(count)}
    assert storage.ledger.verify().ok
    assert storage.ledger.rebuild().equal


def _interleave(first: Storage, second: Storage) -> list[BaseException]:
    """One writer stands in mid-transaction while another commits, or queues for the lock. What failed?"""
    entered, failed = threading.Event(), []

    def commit(storage: Storage, unit: object) -> None:
        try:
            storage.ledger.commit(unit)  # type: ignore[arg-type]
        except IntegrityError as error:
            failed.append(error)

    def wait_for_the_other(tx: Transaction) -> None:
        entered.set()
        while not other_done.is_set() and not _somebody_queues(first):
            pass
        tx.append(view("first"))

    def second_writer() -> None:
        entered.wait(30)
        commit(second, lambda tx: tx.append(view("second")))
        other_done.set()

    other_done = threading.Event()
    threads = [
        threading.Thread(target=commit, args=(first, wait_for_the_other)),
        threading.Thread(target=second_writer),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return failed


def _somebody_queues(storage: Storage) -> bool:
    with storage.database.read() as connection:
        query = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return connection.execute(query).scalar_one() > 0


def test_writers_queue_for_the_lock(postgres_url: str, tmp_path: Path) -> None:
    with opened(postgres_url, tmp_path) as first, opened(postgres_url, tmp_path) as second:
        assert _interleave(first, second) == []
        assert [event.body for event in first.ledger.events()] == [view("first"), view("second")]


def test_without_the_lock_writers_do_collide(postgres_url: str, tmp_path: Path) -> None:
    """So the test above can fail: both writers read the same head and give out the same number."""

    def no_lock(connection: Connection) -> None:
        pass

    with (
        opened(postgres_url, tmp_path, lock=no_lock) as first,
        opened(postgres_url, tmp_path, lock=no_lock) as second,
    ):
        assert len(_interleave(first, second)) == 1
        assert [event.body for event in first.ledger.events()] == [view("second")]


def test_nothing_acknowledged_is_lost_when_a_process_is_killed(database_url: str, tmp_path: Path) -> None:
    acknowledged: list[str] = []
    for round_ in range(4):
        with _child(database_url, tmp_path, f"round{round_}") as child:
            assert child.stdout is not None
            acknowledged += [child.stdout.readline().strip() for _ in range(100 + 37 * round_)]
            child.kill()  # SIGKILL, in mid-batch
            acknowledged += [line.strip() for line in child.stdout.read().splitlines(keepends=True) if line[-1] == "\n"]
        with opened(database_url, tmp_path) as storage:
            assert storage.ledger.verify().ok
            assert storage.ledger.rebuild().equal
            events: list[Event] = []
            while found := storage.ledger.events(after=len(events), limit=5000):
                events += found
            items = _items(events)
            assert set(items.values()) == {2}  # both events of a unit or none, and never twice
            assert set(acknowledged) <= set(items)
            assert storage.jobs.counts() == {("screen", "pending"): len(items)}
            for item in (acknowledged[0], acknowledged[-1]):
                ref = storage.vault.find("item:comment", item)
                assert ref is not None
                assert storage.vault.open(ref, "fields/1") == item.encode()
