"""kill -9 of what keeps and forgets data: nothing is lost, half-erased or unreadable, and it goes on when run again."""

from __future__ import annotations

import io
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image as Picture
from sqlalchemy import func, select

from seawall.cli.subject import storage_context
from seawall.model import Image, Item
from seawall.screen import load_item
from seawall.screen.queries import find_item_ref
from seawall.screen.retention import erasure_job
from seawall.screen.submission import ItemSubmission, record
from seawall.settings import Settings
from seawall.storage.collector import missing_files
from seawall.storage.component import ServiceContext
from seawall.storage.deletions import ErasureCompleted
from seawall.storage.erasure import ERASURE_JOB
from seawall.storage.tables import rewrapped_key, subject

pytestmark = pytest.mark.timeout(180)  # of each, seconds: three processes are started

TESTS = Path(__file__).parents[1]
ITEMS = 3  # of each account, each with a picture


def image(shade: int) -> Image:
    file = io.BytesIO()
    Picture.new("RGB", (40, 30), (shade, 40, 60)).save(file, "PNG")
    return Image(file.getvalue())


def start(data: Path, url: str, operation: str, point: str, times: int) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "storage.paused", str(data), url, operation, point, str(times)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}
    )


def kill_at(data: Path, url: str, operation: str, point: str, times: int = 1) -> None:
    """Run it until it is at the point, and kill it there."""
    with start(data, url, operation, point, times) as process:
        assert process.stdout is not None
        try:
            assert "there\n" in process.stdout
        finally:
            process.kill()


def run(data: Path, url: str, operation: str) -> None:
    """Run it to its end."""
    with start(data, url, operation, "none", 1) as process:
        output, _ = process.communicate(timeout=120)
        assert (process.returncode, output.splitlines()[-1:]) == (0, ["done"])


@contextmanager
def stored(folder: Path, url: str) -> Iterator[ServiceContext]:
    """The storage, without models and servers."""
    with storage_context(Settings(data_dir=folder / "data", database_url=url)) as context:
        yield context


def fill(folder: Path, url: str) -> None:
    """Items of two accounts, as they are submitted for a later screening."""
    (folder / "data").mkdir()
    with stored(folder, url) as context:
        for who in ("A", "B"):
            for number in range(ITEMS):
                fields = {"body": f"by {who}", "image": image(number)}
                item = Item(content_type="note", id=f"{who}-{number}", actor=who, fields=fields)
                submission = ItemSubmission(item, context.vault, context.blobs)
                context.ledger.commit(lambda tx, one=submission: record(tx, one) and None)


def readable(context: ServiceContext, who: str) -> int:
    """How many items of an account are there with all they hold. Half of one is an error."""
    found = 0
    for number in range(ITEMS):
        ref = find_item_ref(context.database, context.vault, "note", f"{who}-{number}")
        if ref is not None:
            fields = load_item(context.database, context.vault, context.blobs, ref.ref, 1).fields
            assert fields == {"body": f"by {who}", "image": image(number)}
            found += 1
    return found


def blobs(folder: Path) -> set[str]:
    return {path.name for path in (folder / "data" / "blobs").rglob("*") if path.is_file()}


def completed(context: ServiceContext) -> list[ErasureCompleted]:
    return [event.body for event in context.ledger.events() if isinstance(event.body, ErasureCompleted)]


def assert_whole(context: ServiceContext) -> None:
    assert context.ledger.verify().ok
    assert context.ledger.rebuild().equal


@pytest.mark.parametrize(("point", "times"), [("page", 2), ("erasure_mark", 1), ("rotated", 1)])
def test_a_change_of_the_master_key(database_url: str, tmp_path: Path, point: str, times: int) -> None:
    fill(tmp_path, database_url)
    old = (tmp_path / "data" / "master.key").read_bytes()
    kill_at(tmp_path / "data", database_url, "rotate", point, times)
    with stored(tmp_path, database_url) as context:
        assert readable(context, "A") == readable(context, "B") == ITEMS
        context.ledger.commit(lambda tx: tx.subject("account", "C"))
        assert context.ledger.verify().ok
    run(tmp_path / "data", database_url, "rotate")
    assert (tmp_path / "data" / "master.key").read_bytes() != old
    with stored(tmp_path, database_url) as context:
        assert readable(context, "A") == readable(context, "B") == ITEMS
        assert context.vault.find("account", "C") is not None
        with context.database.read() as connection:
            assert connection.execute(select(func.count()).select_from(rewrapped_key)).scalar() == 0
        assert_whole(context)


@pytest.mark.parametrize(("point", "times"), [("erase", 1), ("delete", 2)])
def test_an_erasure(database_url: str, tmp_path: Path, point: str, times: int) -> None:
    fill(tmp_path, database_url)
    before = blobs(tmp_path)
    kill_at(tmp_path / "data", database_url, "erase", point, times)
    with stored(tmp_path, database_url) as context:
        if point == "erase":  # before the commit: nothing was erased
            assert (readable(context, "A"), completed(context), blobs(tmp_path)) == (ITEMS, [], before)
            run(tmp_path / "data", database_url, "erase")
        else:
            assert len(before) - len(blobs(tmp_path)) == times - 1
        (job,) = context.jobs.claim([ERASURE_JOB], "tests", limit=9, lease_ms=60_000)
        erasure_job(context, job)
        (done,) = completed(context)
        assert (done.subjects, done.files, len(before) - len(blobs(tmp_path))) == (ITEMS + 1, ITEMS, ITEMS)
        assert (readable(context, "A"), readable(context, "B")) == (0, ITEMS)
        erased = select(subject).where((subject.c.ref == done.subject) | (subject.c.owner == done.subject))
        with context.database.read() as connection:
            assert {(row.lookup, row.key) for row in connection.execute(erased)} == {(None, None)}
        assert_whole(context)


def test_the_collector(database_url: str, tmp_path: Path) -> None:
    fill(tmp_path, database_url)
    used = blobs(tmp_path)
    with stored(tmp_path, database_url) as context:
        for number in range(4):
            context.blobs.put(b"of nobody %d" % number)
    kill_at(tmp_path / "data", database_url, "collect", "delete", 3)
    assert (len(blobs(tmp_path) - used), used - blobs(tmp_path)) == (2, set())
    run(tmp_path / "data", database_url, "collect")
    assert blobs(tmp_path) == used
    with stored(tmp_path, database_url) as context:
        assert readable(context, "A") == readable(context, "B") == ITEMS


@pytest.mark.parametrize("point", ["blobs", "newer blobs"])
def test_a_backup(database_url: str, tmp_path: Path, point: str) -> None:
    fill(tmp_path, database_url)
    kill_at(tmp_path / "data", database_url, "backup", point)
    assert not (tmp_path / "backup").exists()
    run(tmp_path / "data", database_url, "backup")
    assert (tmp_path / "backup" / "manifest.json").exists()
    assert not (tmp_path / "backup.partial").exists()


def test_a_restoration(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    fill(tmp_path, database_url)
    run(tmp_path / "data", database_url, "backup")
    shutil.rmtree(tmp_path / "data")
    url = f"sqlite:///{tmp_path / 'other.db'}"
    if not database_url.startswith("sqlite"):
        url = request.getfixturevalue("empty_postgres_url")
    kill_at(tmp_path / "data", url, "restore", "copy", 4)
    assert 0 < len(blobs(tmp_path)) < 2 * ITEMS + 1
    run(tmp_path / "data", url, "restore")
    with stored(tmp_path, url) as context:
        assert readable(context, "A") == readable(context, "B") == ITEMS
        assert missing_files(context) == 0
        assert_whole(context)


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(8))
def test_one_thing_after_another_killed_anywhere(database_url: str, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    fill(tmp_path, database_url)
    for _ in range(6):
        operation, point, most = chance.choice(
            [("rotate", "page", 2), ("rotate", "erasure_mark", 1), ("collect", "none", 1), ("erase", "erase", 1)]
        )
        if point == "none":
            run(tmp_path / "data", database_url, operation)
        else:
            kill_at(tmp_path / "data", database_url, operation, point, chance.randint(1, most))
        with stored(tmp_path, database_url) as context:
            assert readable(context, "A") == readable(context, "B") == ITEMS
            assert context.ledger.verify().ok
    run(tmp_path / "data", database_url, "rotate")
    with stored(tmp_path, database_url) as context:
        assert readable(context, "A") == readable(context, "B") == ITEMS
        assert_whole(context)
