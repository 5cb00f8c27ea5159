"""One listed component adds routes, pages with menu and templates, and commands; without it nothing changes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp
from typer.testing import CliRunner

from components import toy
from seawall import access, api, console
from seawall.app import COMPONENTS, App, migrate, open_app
from seawall.cli.main import SHIPPED, program
from seawall.console.routes import console_pages
from seawall.settings import Settings
from seawall.storage.component import Component
from seawall.storage.entry_points import EntryPointError, entry_points
from support.api import problem
from support.console import Browser

PASSWORD = "a wall against the sea"


@contextmanager
def opened(folder: Path, components: Sequence[Component]) -> Iterator[App]:
    settings = Settings.from_env({}, data_dir=folder)
    migrate(settings, components=components)
    with open_app(settings, components=components) as app:
        app.publish(by="test")
        yield app


@pytest.fixture(scope="module")
def toy_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with opened(tmp_path_factory.mktemp("toy"), (*COMPONENTS, toy.COMPONENT)) as app:
        yield app


@pytest.fixture(scope="module")
def plain_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with opened(tmp_path_factory.mktemp("plain"), COMPONENTS) as app:
        yield app


@dataclass(frozen=True)
class Caller:
    """Calls the API with a key of some scopes; without scopes, with no key."""

    asgi: ASGIApp
    key: str | None

    def get(self, path: str) -> httpx.Response:
        return self._send("GET", path)

    def post(self, path: str) -> httpx.Response:
        return self._send("POST", path)

    def _send(self, method: str, path: str) -> httpx.Response:
        headers = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.asgi, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(ask())


def client(app: App, *scopes: str) -> Caller:
    return Caller(api.build(app), access.create_key(app.ledger, "test", scopes) if scopes else None)


def signed_in(app: App, role: str) -> Browser:
    """The console with a person of that role signed in."""
    email = f"{role}@example.org"
    if not any(person.email == email for person in access.list_people(app.database)):
        access.create_person(app.ledger, email, role, PASSWORD, [role])
    browser = Browser(console.build(app), "http://console.test")
    assert browser.sign_in(email, PASSWORD).status_code == 303
    return browser


def test_a_route_answers_and_asks_for_its_scope(toy_app: App) -> None:
    found = client(toy_app, "read").get("/v1/toys/ball").json()
    assert found == {"name": "ball", "events": toy_app.ledger.head()}
    assert problem(client(toy_app, "read").get("/v1/toys/lost"), 404)["detail"] == "this toy is lost"
    assert problem(client(toy_app, "screen").get("/v1/toys/ball"), 403)["title"] == "Insufficient scope"
    assert problem(client(toy_app).get("/v1/toys/ball"), 401)["remedy"]
    assert problem(client(toy_app, "read").post("/v1/toys/ball"), 405)["remedy"] == "It takes GET."


def test_a_route_that_forgets_its_scope_still_needs_a_key(toy_app: App) -> None:
    problem(client(toy_app).get("/v1/toys"), 401)
    assert client(toy_app, "screen").get("/v1/toys").json() == ["ball"]


def test_openapi_describes_the_route_with_its_refusals(toy_app: App, plain_app: App) -> None:
    with_toy, without = api.build(toy_app).openapi(), api.build(plain_app).openapi()
    operation = with_toy["paths"]["/v1/toys/{name}"]["get"]
    assert operation["tags"] == ["toys"]
    assert operation["responses"]["401"]["content"]["application/problem+json"]
    assert with_toy["security"] == [{"key": []}]
    assert set(with_toy["paths"]) - set(without["paths"]) == {"/v1/toys", "/v1/toys/{name}"}
    for path, described in without["paths"].items():
        assert with_toy["paths"][path] == described


def test_a_page_with_its_template_and_its_place_in_the_menu(toy_app: App) -> None:
    page = signed_in(toy_app, "admin").get("/toys")
    assert page.status_code == 200
    assert "<h1>Toys</h1>" in page.text
    assert '<a href="/toys" aria-current="page">Toys</a>' in page.text
    menu = [line for line in page.text.splitlines() if "<li><a href=" in line]
    places = [
        next(at for at, line in enumerate(menu) if f'"{path}"' in line) for path in ("/ledger", "/toys", "/access")
    ]
    assert places == sorted(places)


def test_who_may_not_see_the_page_gets_neither_it_nor_the_menu_entry(toy_app: App) -> None:
    browser = signed_in(toy_app, "reviewer")
    assert 'href="/toys"' not in browser.get("/").text
    refused = browser.get("/toys")
    assert refused.status_code == 403
    assert "Permission denied" in refused.text


def test_without_it_the_rest_is_untouched(plain_app: App) -> None:
    browser = signed_in(plain_app, "admin")
    assert browser.get("/toys").status_code == 404
    assert 'href="/toys"' not in browser.get("/").text
    problem(client(plain_app, "read").get("/v1/toys/ball"), 404)


def test_a_command_is_listed_and_runs(toy_app: App) -> None:
    runner, folder = CliRunner(), str(toy_app.settings.data_dir)
    assert "An example." in runner.invoke(program([toy.COMPONENT]), ["--help"]).output
    counted = runner.invoke(program([toy.COMPONENT]), ["toy", "count", "--data-dir", folder])
    assert counted.output.strip() == f"{toy_app.ledger.head()} events"
    assert "toy" not in runner.invoke(program(), ["--help"]).output
    assert runner.invoke(program(), ["toy", "count"]).exit_code == 2


def test_the_program_lists_the_shipped_components() -> None:
    """Two lists, because importing the first takes seconds; this keeps them equal."""
    assert sorted(component.cli for component in COMPONENTS if component.cli is not None) == sorted(SHIPPED)


def test_help_loads_no_server_and_no_database() -> None:
    code = "import sys; from seawall.cli.main import app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"sqlalchemy", "fastapi", "starlette", "numpy", "polars", "onnxruntime", "PIL"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            replace(toy.COMPONENT, console="components.absent"),
            "component 'toy': there is no module components.absent",
        ),
        (replace(toy.COMPONENT, console="components.toy.api"), "components.toy.api must define PAGES and MENU"),
        (replace(toy.COMPONENT, name="screen"), "two components are named 'screen'"),
        (replace(toy.COMPONENT, console="seawall.console.storage"), "component 'toy': another has a page GET /ledger"),
    ],
)
def test_a_wrong_declaration_is_refused_with_its_place(wrong: Component, said: str) -> None:
    with pytest.raises(EntryPointError) as refused:
        console_pages((*COMPONENTS, wrong))
    assert said in str(refused.value)


def test_two_components_do_not_take_one_route(toy_app: App) -> None:
    other = replace(toy.COMPONENT, name="other", api="seawall.api.review")
    twice = App(context=replace(toy_app.context, components=(*COMPONENTS, other)))
    with pytest.raises(EntryPointError, match="two components have a route GET /v1/cases"):
        api.build(twice)


def test_what_a_module_itself_lacks_is_not_mistaken_for_the_module(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "toy_that_lacks.py").write_text("import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_installed_anywhere"):
        entry_points([Component(name="toy", api="toy_that_lacks")], "api")
