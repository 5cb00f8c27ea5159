"""Pages that update by themselves: counts, what is new in a list, and the end of sessions; over a real server."""

from __future__ import annotations

import asyncio
import json
import os
import re
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe

from seawall import access, console, review
from seawall.console import live_updates
from seawall.console.live_updates import Listener, LiveState, look, message_for
from seawall.model import ItemRef, ReportReceived, now_ms
from support.console import PASSWORD, Rig, open_page, served
from support.pages import LOOKS

STREAM = {"Accept": "text/event-stream"}


async def events(client: httpx.AsyncClient, path: str = "/live") -> AsyncIterator[tuple[str, Any]]:
    """The events of one stream; a heartbeat is ("", None)."""
    async with client.stream("GET", path, headers=STREAM, timeout=30) as answer:
        if answer.status_code != 200:
            yield str(answer.status_code), None
            return
        assert answer.headers["content-type"].startswith("text/event-stream")
        kind = ""
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield kind, json.loads(line.removeprefix("data: "))
            elif line == ": ":
                yield "", None


def cookies_of(rig: Rig, role: str) -> dict[str, str]:
    return {one.name: one.value or "" for one in rig.browser(role).cookies.jar}


def test_a_program_gets_the_counts_once(rig: Rig) -> None:
    before = rig.browser("reviewer").get("/live").json()["menu"]["/queue"]
    rig.screen("You fool", id="twin")
    found = rig.browser("reviewer").get(f"/live?page=queue&since={now_ms() - 60_000}").json()
    assert found["menu"]["/queue"] == before + 1
    assert found["new"] >= 1
    assert rig.browser("reviewer").get(f"/live?page=queue&since={now_ms() + 1}").json()["new"] == 0
    assert rig.browser("reviewer").get("/live?page=queue&queue=elsewhere").json()["new"] == 0


def test_cases_of_child_safety_are_counted_for_those_who_may_see_them(rig: Rig) -> None:
    screened = rig.screen("You fool", id="guarded")
    before = {role: rig.browser(role).get("/live?page=queue").json() for role in ("reviewer", "child_safety")}
    report = ReportReceived(
        report="rep_live",
        item=ItemRef("comment", screened.item, 1),
        kind="user",
        reporter=None,
        policy="grooming",
        harm="grooming",
    )
    rig.app.ledger.commit(lambda tx: tx.append(report))
    after = {role: rig.browser(role).get("/live?page=queue").json() for role in before}
    assert after["child_safety"] == before["child_safety"]
    assert after["reviewer"]["menu"]["/queue"] == before["reviewer"]["menu"]["/queue"] - 1
    assert after["reviewer"]["new"] == before["reviewer"]["new"] - 1


def test_who_may_not_see_content_is_told_no_counts_of_it(rig: Rig) -> None:
    rig.screen("You fool", id="for-nobody")
    person = access.Person(id="per_x", email="x@example.org", name="X", roles=(), disabled=False, created_at=0)
    told = message_for(look(rig.app, LiveState(), [person.scopes()]), Listener(token="", person=person, page="queue"))
    assert (dict(told.menu), told.new) == ({}, 0)


def test_a_change_reaches_the_page_and_a_sign_out_ends_it(rig: Rig, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_updates, "SESSIONS_S", 0.1)
    monkeypatch.setattr(live_updates, "POLL_S", 0.05)
    monkeypatch.setattr(live_updates, "HEARTBEAT_S", 0.01)

    cookies = cookies_of(rig, "reviewer")

    async def listen() -> list[str]:
        seen: list[str] = []
        async with httpx.AsyncClient(base_url=url, cookies=cookies) as client:
            first = None
            async for kind, data in events(client, f"/live?page=queue&since={now_ms()}"):
                seen.append(kind)
                if kind == "counts" and first is None:
                    first = data
                    await asyncio.to_thread(rig.screen, "You fool", id="arrives")
                elif kind == "counts" and data["new"] == 1:
                    assert data["menu"]["/queue"] == first["menu"]["/queue"] + 1
                    page = await client.get("/account")
                    csrf = page.text.partition('name="csrf" value="')[2].partition('"')[0]
                    await client.post("/sign-out", data={"csrf": csrf})
        return seen

    seen = asyncio.run(listen())
    assert seen[-1] == "ended"
    assert "" in seen  # a heartbeat


def test_too_many_pages_are_refused_and_the_oldest_of_one_person_ends(
    rig: Rig, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_updates, "MOST_OF_ONE", 2)

    cookies = cookies_of(rig, "policy")

    async def open_three() -> list[str]:
        async with httpx.AsyncClient(base_url=url, cookies=cookies) as client:
            streams = [events(client) for _ in range(3)]
            first = [(await anext(stream))[0] for stream in streams]
            last = (await anext(streams[0]))[0]
            monkeypatch.setattr("seawall.console.overview.live.MOST_LISTENING", 0)
            refused = [kind async for kind, _ in events(client)]
            for stream in streams:
                await stream.aclose()  # type: ignore[attr-defined]
            return [*first, last, *refused]

    assert asyncio.run(open_three()) == ["counts", "counts", "counts", "ended", "503"]


def test_two_hundred_pages_take_no_thread_and_other_pages_are_answered(
    rig: Rig, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_updates, "MOST_OF_ONE", 500)

    cookies, limits = cookies_of(rig, "admin"), httpx.Limits(max_connections=None)

    async def run() -> tuple[int, int, int]:
        async with httpx.AsyncClient(base_url=url, cookies=cookies, limits=limits, timeout=60) as client:
            await client.get("/queue")
            before = threading.active_count()
            streams = [events(client) for _ in range(200)]
            for start in range(0, len(streams), 20):  # of more at once, the console refuses some
                first = await asyncio.gather(*(anext(one) for one in streams[start : start + 20]))
                assert {kind for kind, _ in first} == {"counts"}
            during = threading.active_count()
            answered = [(await client.get("/queue")).status_code for _ in range(5)]
            await asyncio.to_thread(rig.screen, "You fool", id="to-all")
            told = await asyncio.gather(*(anext(one) for one in streams))
            for stream in streams:
                await stream.aclose()  # type: ignore[attr-defined]
            assert answered == [200] * 5
            return during - before, len(told), len({json.dumps(data) for _, data in told})

    threads, told, different = asyncio.run(run())
    assert threads <= 8  # those of the console itself, however many pages listen
    assert (told, different) == (200, 1)


def test_a_list_says_what_is_new_and_moves_only_when_asked(chromium: object, url: str, rig: Rig) -> None:
    rig.screen("You fool", id="there-before")
    page: Any
    page, complaints = open_page(chromium, url, "reviewer")
    page.goto(f"{url}/queue")
    rows = page.locator("tbody [data-row]").count()
    count = page.locator("[data-live-count='/queue']")
    count.filter(has_text=re.compile(r"\d")).wait_for()
    news = page.locator("[data-live]")
    assert (news.get_attribute("role"), news.inner_text()) == ("status", "")
    screened = rig.screen("You silly person", id="just-in")
    page.get_by_role("button", name="1 new case: show").wait_for()
    assert page.locator("tbody [data-row]").count() == rows  # nothing has moved
    page.keyboard.press("u")
    page.locator(f"a[href*='{review.case_id(screened.item)}']").wait_for()
    assert page.locator("tbody [data-row]").count() == rows + 1
    assert page.locator("[data-live]").inner_text() == ""
    assert complaints == []


def test_without_scripts_the_pages_are_whole(chromium: Any, url: str, rig: Rig) -> None:
    screened = rig.screen("You fool", id="no-scripts")
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(f"{url}/sign-in")
    page.fill("#email", "reviewer@example.org")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/")
    for path in ("/queue", "/deliveries", "/jobs"):
        page.goto(url + path)
        assert page.locator("h1").inner_text()
        assert page.locator("[data-live]").inner_text() == ""
    page.goto(f"{url}/queue")
    assert page.locator(f"a[href*='{review.case_id(screened.item)}']").count() == 1


@pytest.mark.parametrize(("theme", "width", "height"), LOOKS)
def test_axe_finds_nothing_when_something_is_new(
    chromium: object, url: str, rig: Rig, theme: str, width: int, height: int
) -> None:
    page: Any
    page, _ = open_page(chromium, url, "reviewer", width, height)
    page.emulate_media(color_scheme=theme)
    page.goto(f"{url}/queue")
    rig.screen("You fool", id=f"axe-{theme}-{width}")
    page.get_by_role("button", name="new case: show").wait_for()
    if folder := os.environ.get("SEAWALL_SCREENSHOTS"):
        page.screenshot(path=f"{folder}/live-{theme}-{width}.png")
    results = Axe().run(page, options={"resultTypes": ["violations"]}).response
    assert [(one["id"], node["html"][:160]) for one in results["violations"] for node in one["nodes"]] == []


def test_a_page_goes_on_after_the_server_was_restarted(
    chromium: Any, rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_updates, "POLL_S", 0.05)
    rig.screen("You fool", id="before-restart")
    with served(rig) as first:
        port = int(first.rpartition(":")[2])
        page: Any
        page, _ = open_page(chromium, first, "reviewer")
        page.goto(f"{first}/queue")
        count = page.locator("[data-live-count='/queue']")
        count.filter(has_text=re.compile(r"\d")).wait_for()
        before = int(count.inner_text())
    rig.screen("You fool", id="while-away")
    with served(replace(rig, asgi=console.build(rig.app)), port=port):  # another process: it knows no page
        count.filter(has_text=re.compile(rf"^{before + 1}$")).wait_for()
        page.get_by_role("button", name="1 new case: show").wait_for()
        assert int(count.inner_text()) == before + 1
