"""The report form and its widget in a real browser: without scripts, on a phone, from a page of another origin."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from seawall.console.templates import STATIC
from support.appeal_page import link
from support.console import Rig, opened
from support.pages import LOOKS
from support.report_form import FILLED, FORM

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
HOST_PAGE = """<!doctype html><html lang="{lang}"><title>A product</title><body><p>A post</p>
<a id="report" href="{url}/report?content_type=comment&amp;id=c-1" data-seawall>Report</a>
<a id="other" href="{url}/sign-in" data-seawall>Something else</a>
<button id="appeal" data-seawall-appeal="{url}{appeal}">Why?</button>
<button id="wrong" data-seawall-appeal="https://elsewhere.example/appeal/x">Elsewhere</button>
<script src="{url}/static/widget.js" async></script></body></html>"""


@contextmanager
def served(app: Any) -> Iterator[str]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def host(url_of: dict[str, str]) -> Starlette:
    """A page of the product, with a strict policy of its own."""

    async def page(request: Request) -> Response:
        url = url_of["seawall"]
        policy = f"default-src 'none'; script-src {url}; frame-src {url}; style-src 'none'; base-uri 'none'"
        return HTMLResponse(
            HOST_PAGE.format(url=url, appeal=url_of["appeal"], lang=request.query_params.get("lang", "en")),
            headers={"Content-Security-Policy": policy},
        )

    return Starlette(routes=[Route("/", page)])


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rig, str, str, str]]:
    """The house, its address, and the product's page at an address that may frame the form and at one that may not."""
    urls: dict[str, str] = {}
    product = host(urls)
    with served(product) as allowed, served(product) as other:
        framed = allowed.replace("127.0.0.1", "localhost")  # another site than Seawall's
        environment = {**FORM, "SEAWALL_REPORT_FORM_FRAMES": framed}
        with opened(tmp_path_factory.mktemp("widget"), environment=environment) as rig, served(rig.asgi) as seawall:
            urls["seawall"] = seawall
            rig.screen("A plain thing to say", id="c-1")
            urls["appeal"] = link(rig, rig.screen("You fool", id="c-2").decision)
            yield rig, seawall, framed, other


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.console.appeal.public_form.SOONEST_MS", 0)


def fill(page: Any) -> None:
    page.select_option("#policy", FILLED["policy"])
    page.fill("#note", FILLED["note"])
    page.fill("#name", FILLED["name"])
    page.fill("#email", FILLED["email"])
    page.check("[name=good_faith]")


def complaints_of(page: Any) -> list[str]:
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def test_the_widget_opens_the_form_on_a_page_of_another_origin(
    chromium: Any, places: tuple[Rig, str, str, str]
) -> None:
    rig, _, framed, _ = places
    page = chromium.new_context().new_page()
    complaints = complaints_of(page)
    page.goto(framed, wait_until="networkidle")
    page.focus("#report")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")
    frame = page.frame_locator("dialog iframe")
    frame.locator("#note").wait_for()
    assert "c-1" in frame.locator(".about").inner_text()
    fill(frame_page(page))
    frame.locator("button.main").click()
    frame.get_by_text("We have received it").wait_for()
    assert complaints == []
    page.get_by_role("button", name="Close").click()
    page.wait_for_selector("dialog", state="detached")
    assert page.evaluate("document.activeElement.id") == "report"
    assert sum(event.kind == "report.received" for event in rig.app.ledger.events()) == 1


def frame_page(page: Any) -> Any:
    return next(frame for frame in page.frames if "/report" in frame.url)


def test_a_page_that_is_not_named_cannot_frame_the_form(chromium: Any, places: tuple[Rig, str, str, str]) -> None:
    _, _, _, other = places
    page = chromium.new_context().new_page()
    page.goto(other, wait_until="networkidle")
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.click("#report")
    assert page.frame_locator("dialog iframe").locator("#note").count() == 0


def test_the_widget_opens_the_public_forms_only_and_the_link_works_without_it(
    chromium: Any, places: tuple[Rig, str, str, str]
) -> None:
    _, seawall, framed, _ = places
    page = chromium.new_context().new_page()
    page.goto(framed, wait_until="networkidle")
    page.click("#other")
    page.wait_for_url(f"{seawall}/sign-in")
    without = chromium.new_context(java_script_enabled=False).new_page()
    without.goto(framed)
    without.click("#report")
    assert without.url.startswith(f"{seawall}/report?")
    fill(without)
    without.click("button.main")
    assert "We have received it" in without.content()


@pytest.mark.parametrize(("theme", "width", "height"), LOOKS)
def test_axe_finds_nothing_on_the_public_pages(
    chromium: Any, places: tuple[Rig, str, str, str], theme: str, width: int, height: int
) -> None:
    _, seawall, _, _ = places
    page = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=theme).new_page()
    found = []
    for where in ("form", "errors", "receipt"):
        if where == "form":
            page.goto(f"{seawall}/report")
        elif where == "errors":
            page.click("button.main")
            assert "was not sent" in page.content()
        else:
            page.fill("#address", f"https://example.org/c/{theme}-{width}")
            fill(page)
            page.click("button.main")
            assert "We have received it" in page.content()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where
        results = Axe().run(page, options=RULES)
        found += [f"{where}: {one['id']} {one['nodes'][0]['html']}" for one in results.response["violations"]]
    assert not found, "\n".join(found)


def test_the_widget_is_small() -> None:
    assert Path(STATIC / "widget.js").stat().st_size < 10_000


def test_the_widget_speaks_the_language_of_the_page(chromium: Any, places: tuple[Rig, str, str, str]) -> None:
    _, _, allowed, _ = places
    for lang, title, close in (("de-AT", "Inhalt melden", "Schließen"), ("fr", "Report content", "Close")):
        page = chromium.new_context().new_page()
        page.goto(f"{allowed}/?lang={lang}")
        page.click("a[data-seawall]")
        assert page.get_attribute("dialog", "aria-label") == title
        assert page.inner_text("dialog > button") == close


def test_the_widget_opens_the_appeal_page_of_an_element_that_names_it(
    chromium: Any, places: tuple[Rig, str, str, str]
) -> None:
    rig, _, allowed, _ = places
    page = chromium.new_context().new_page()
    complaints = complaints_of(page)
    page.goto(allowed, wait_until="networkidle")
    page.click("#wrong")
    assert page.locator("dialog").count() == 0
    page.focus("#appeal")
    page.keyboard.press("Enter")
    frame = page.frame_locator("dialog[open] iframe")
    frame.get_by_text("What was restricted").wait_for()
    assert page.get_attribute("dialog", "aria-label") == "A decision and your appeal"
    frame.locator("#text").fill("It is a line from a song.")
    frame.get_by_role("button", name="Send the appeal").click()
    frame.get_by_text("We have received your appeal").wait_for()
    assert complaints == []
    assert sum(event.kind == "appeal.received" for event in rig.app.ledger.events()) == 1
