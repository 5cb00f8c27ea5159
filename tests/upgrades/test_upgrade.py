"""What every release left behind, opened by the present code: nothing is lost, everything goes on.

``tests/upgrades/<release>/`` holds the installations (see make.py). One that the present code fills is opened as well:
so the script that a release needs cannot break unnoticed.
"""

from __future__ import annotations

import asyncio
import json
import tarfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from checks.released import released_formats
from sqlalchemy import create_engine, make_url, select

from seawall import access, api, screen
from seawall.app import App, migrate, open_app, open_storage
from seawall.model import DecisionSource
from seawall.screen.tables import item as item_table
from seawall.settings import Settings
from seawall.storage import Erased
from seawall.worker import Worker
from upgrades import make

pytestmark = pytest.mark.timeout(600)

_EXTRACT: Any = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # Python before 3.11.4 has no filters
PRESENT = "present"
_FEW = 40  # comments, where the script alone is tried
RELEASES = [path.parent.name for path in released_formats(Path(make.__file__).parent)]


@dataclass(frozen=True)
class Installation:
    """An unpacked installation, and what must be found in it."""

    settings: Settings
    expected: dict[str, Any]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Callable[[str, str], Path]:
    """The archive of a release for a kind of database."""
    made: dict[str, Path] = {}

    def find(release: str, database: str) -> Path:
        if release != PRESENT:
            return Path(make.__file__).parent / release / f"{database}.tar.xz"
        if database not in made:
            folder = tmp_path_factory.mktemp(database)
            path = folder / f"{database}.tar.xz"
            if database == "sqlite":
                make.write_sqlite(path, folder / "data", _FEW)
            else:
                make.write_postgresql(path, folder / "data", request.getfixturevalue("postgres_server"), _FEW)
            made[database] = path
        return made[database]

    return find


@pytest.fixture(params=[*RELEASES, PRESENT])
def release(request: pytest.FixtureRequest) -> str:
    """Every release, and the code of the day."""
    name: str = request.param
    return name


@pytest.fixture
def installation(
    release: str, empty_database_url: str, archive: Callable[[str, str], Path], tmp_path: Path
) -> Installation:
    """Unpacked as an operator restores a backup; on PostgreSQL into an empty database."""
    on_sqlite = empty_database_url.startswith("sqlite")
    data_dir = tmp_path / "data"
    with tarfile.open(archive(release, "sqlite" if on_sqlite else "postgresql")) as packed:
        packed.extractall(data_dir, **_EXTRACT)
    url = None if on_sqlite else empty_database_url
    if not on_sqlite:
        engine = create_engine(make_url(empty_database_url).set(drivername="postgresql+psycopg"))
        with engine.begin() as connection:
            connection.connection.cursor().execute((data_dir / "dump.sql").read_bytes())
        engine.dispose()
    expected = json.loads((data_dir / "expected.json").read_text())
    return Installation(Settings.from_env({}, data_dir=data_dir, database_url=url), expected)


def test_what_a_release_left_behind(installation: Installation) -> None:
    expected = installation.expected
    migrate(installation.settings)
    with open_storage(installation.settings) as store:
        _ledger_holds(store.ledger, expected["events"])
    with open_app(installation.settings) as app:
        assert app.bundle.hash == expected["bundle"]
        _old_decisions_are_explained(app, expected)
        _people_and_platform_come_in(app, expected)
        _media_are_there_and_what_was_erased_is_not(app, expected)
        assert _send(app, expected, "POST", "/v1/screen", _comment("new", make.BLOCKED))["verdict"] == "block"
        app.publish(by="test")
        for text, verdict in ((make.BLOCKED, "block"), ("a song about rain", "allow")):
            assert _send(app, expected, "POST", "/v1/screen", _comment("newer", text))["verdict"] == verdict
        _a_worker_goes_on(app, expected)
        _old_decisions_are_explained(app, expected)
        _ledger_holds(app.ledger, app.ledger.head())


def _ledger_holds(ledger: Any, events: int) -> None:
    verified = ledger.verify()
    assert (verified.ok, verified.events) == (True, events), verified
    rebuilt = ledger.rebuild()
    assert [table for table in rebuilt.tables if not table.equal] == []


def _old_decisions_are_explained(app: App, expected: dict[str, Any]) -> None:
    assert set(expected["decisions"].values()) >= {"allow", "block"}
    bundles = set()
    for decision_id, verdict in expected["decisions"].items():
        decision, explanation = app.explain(decision_id)
        bundles.add(decision.bundle)
        assert decision.verdict == verdict
        assert explanation is not None
        assert explanation.reproduced
    assert len(bundles) == 2
    reviewed, explanation = app.explain(expected["reviewed"]["decision"])
    assert (reviewed.source, explanation) == (DecisionSource.REVIEW, None)
    answer = _send(app, expected, "GET", f"/v1/items/comment/{expected['reviewed']['item']}")
    assert (answer["decision"], answer["verdict"]) == (reviewed.id, "block")


def _people_and_platform_come_in(app: App, expected: dict[str, Any]) -> None:
    assert [person.email for person in access.list_people(app.database)] == [expected["email"]]
    assert _send(app, expected, "GET", "/v1/cases")


def _media_are_there_and_what_was_erased_is_not(app: App, expected: dict[str, Any]) -> None:
    for item, digest in expected["media"].items():
        ref = app.vault.find(screen.item_kind("post"), item)
        assert ref is not None
        kind, data = screen.media_bytes(app.vault, app.blobs, ref, 1, "image")
        assert (kind, sha256(data).hexdigest()) == ("image", digest)
    erased = expected["erased"]
    assert app.vault.find(screen.item_kind("comment"), erased["item"]) is None
    decision = screen.load_decision(app.database, erased["decision"])
    with pytest.raises(Erased):
        screen.read_content(app.vault, decision.item.ref, 1)


def _a_worker_goes_on(app: App, expected: dict[str, Any]) -> None:
    """Items that the release had taken and not yet screened."""
    refs = {app.vault.find(screen.item_kind("comment"), item): verdict for item, verdict in expected["waiting"].items()}
    query = select(item_table.c.ref, item_table.c.verdict).where(item_table.c.ref.in_(refs))
    pause = threading.Event()
    with Worker(app):
        for _ in range(3000):
            with app.database.read() as connection:
                found = {row.ref: row.verdict for row in connection.execute(query)}
            if None not in found.values():
                break
            pause.wait(0.02)
    assert found == refs


def _comment(item: str, body: str) -> dict[str, Any]:
    return {"content_type": "comment", "id": item, "fields": {"body": body}, "actor": {"id": "u-new"}}


def _send(app: App, expected: dict[str, Any], method: str, path: str, body: object = None) -> Any:
    """One request with the key that the release made."""

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(api.build(app)), base_url="http://api") as client:
            return await client.request(method, path, json=body, headers={"Authorization": f"Bearer {expected['key']}"})

    answer = asyncio.run(ask())
    assert answer.status_code == 200, answer.text
    return answer.json()
