"""A component plugs in with one line, works through the public API, and can be taken out again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from components import toy
from seawall.app import COMPONENTS, App, migrate, open_app
from seawall.settings import Settings, SettingsError
from seawall.storage import StorageError
from seawall.storage.component import Component, EventSpec
from seawall.worker import Worker
from support.app import eventually

WITH_TOY = (*COMPONENTS, toy.COMPONENT)
BEFORE = (*COMPONENTS, replace(toy.COMPONENT, events=(toy.FIRST_EVENT,), projections=(), followers=()))
"""The component as an earlier release had it: the event in version 1, and no projection yet."""


@contextmanager
def opened(url: str, folder: Path, components: tuple[Component, ...] = WITH_TOY, **environment: str) -> Iterator[App]:
    settings = Settings(data_dir=folder / "data", database_url=url, environment=environment)
    migrate(settings, components=components)
    with open_app(settings, components=components) as app:
        yield app


def counted(app: App) -> dict[str, int]:
    with app.database.read() as connection:
        return toy.times(connection)


def test_a_component_that_was_not_there_before(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seawall.worker.worker.FOLLOW_S", 0.01)
    with opened(database_url, tmp_path, BEFORE) as app:
        for name in ("ada", "bob", "ada"):
            app.ledger.commit(lambda tx, name=name: tx.append(toy.FirstGreeting(name=name)))  # type: ignore[misc]
    with opened(database_url, tmp_path, SEAWALL_TOY_WARMTH="7") as app:
        assert counted(app) == {"ada": 2, "bob": 1}  # the projection is new: built from what was there
        assert app.ledger.events()[0].body == toy.Greeted(who="ada", warmth=1)  # brought up to version 2
        greeter = app.context.get(toy.Greeter)
        greeter.greet("eve")
        assert app.ledger.events()[-1].body == toy.Greeted(who="eve", warmth=7)
        with Worker(app):
            eventually(lambda: sorted(set(greeter.thanked)) == ["ada", "bob", "eve"])
            eventually(lambda: greeter.polished > 1)
        with app.database.read() as connection:
            assert list(connection.execute(select(toy.answered.c.seq)).scalars()) == [1, 2, 3, 4]
        assert app.ledger.rebuild().equal
        assert app.ledger.verify().unknown == {}
    with opened(database_url, tmp_path, COMPONENTS) as app:  # taken out
        found = app.ledger.verify()
        assert (found.ok, found.events, found.unknown) == (True, 4, {"toy.greeted": 4})
        assert [event.kind for event in app.ledger.events()] == ["toy.greeted"] * 4
        assert app.ledger.rebuild().equal
        app.publish(by="tests")
        assert app.ledger.head() == 5
    with opened(database_url, tmp_path) as app:  # and back: what it missed is made up for
        assert counted(app) == {"ada": 2, "bob": 1, "eve": 1}
        assert app.ledger.verify().unknown == {}


def test_an_event_of_newer_code_is_named(sqlite_url: str, tmp_path: Path) -> None:
    with opened(sqlite_url, tmp_path) as app:
        app.context.get(toy.Greeter).greet("ada")
    with opened(sqlite_url, tmp_path, BEFORE) as app:
        with pytest.raises(StorageError, match=r"toy\.greeted event of version 2.*upgrade Seawall"):
            app.ledger.events()
        assert "version 2" in (app.ledger.verify().fault or "")


def test_processes_with_another_list_of_components_do_not_write(sqlite_url: str, tmp_path: Path) -> None:
    with opened(sqlite_url, tmp_path) as app:
        app.context.get(toy.Greeter).greet("ada")
        with opened(sqlite_url, tmp_path, COMPONENTS) as other:
            app.context.get(toy.Greeter).greet("bob")  # that it is open does no harm
            other.publish(by="tests")
        with pytest.raises(StorageError, match=r"toy_greetings.*another list of components"):
            app.context.get(toy.Greeter).greet("eve")
    with opened(sqlite_url, tmp_path) as app:
        assert counted(app) == {"ada": 1, "bob": 1}
        assert app.ledger.rebuild().equal


def test_a_setting_that_cannot_be_used_is_named(sqlite_url: str, tmp_path: Path) -> None:
    with (
        pytest.raises(SettingsError, match="SEAWALL_TOY_WARMTH: expected a whole number, not 'hot'"),
        opened(sqlite_url, tmp_path, SEAWALL_TOY_WARMTH="hot"),
    ):
        pass


def test_a_path_that_is_not_there_is_named(sqlite_url: str, tmp_path: Path) -> None:
    for place in (tmp_path / "nowhere.yaml", tmp_path):  # a folder is no file
        with (
            pytest.raises(SettingsError, match=r"SEAWALL_EXCHANGES_FILE: there is no file .* give the path of a file"),
            opened(sqlite_url, tmp_path, SEAWALL_EXCHANGES_FILE=str(place)),
        ):
            pass


def test_declarations_that_collide_are_refused(sqlite_url: str, tmp_path: Path) -> None:
    same_kind = Component(name="other", events=(EventSpec("toy.greeted", toy.FirstGreeting),))
    for clash, message in (
        (Component(name="toy"), "two components are named 'toy'"),
        (same_kind, "the kind toy.greeted"),
        (Component(name="other", projections=(toy.Greetings(),)), "two projections"),
        (Component(name="other", permissions=toy.COMPONENT.permissions), r"declares the permission 'toy\.greet'"),
        (Component(name="other", jobs=toy.COMPONENT.jobs), "two components declare the job toy_thank"),
    ):
        with pytest.raises(ValueError, match=message), opened(sqlite_url, tmp_path, (*WITH_TOY, clash)):
            pass


def test_an_event_has_a_way_up_from_each_older_version() -> None:
    with pytest.raises(ValueError, match="each version below it"):
        EventSpec("toy.greeted", toy.Greeted, version=3, upcast={1: dict})
    with pytest.raises(ValueError, match="not a kind of event"):
        EventSpec("Greeted", toy.Greeted)
