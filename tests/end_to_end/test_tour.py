"""The tour of the README, walked: ``seawall demo`` as a user starts it, in a real Chromium; then its ledger rebuilt."""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.processes import Process, cli, environment

pytestmark = pytest.mark.timeout(600)

CHROMIUM = os.environ.get("SEAWALL_CHROMIUM") or shutil.which("chromium")
SHOTS = os.environ.get("SEAWALL_SCREENSHOTS")  # a folder: keep the images of the documents there


class Demo(Process):
    """A running demo and what it printed."""

    def __init__(self, env: dict[str, str], data_dir: Path, database_url: str) -> None:
        super().__init__(
            env, "demo", "--port", "0", "--data-dir", str(data_dir), "--database", database_url, "--rate", "6"
        )
        while not any("Stop with Ctrl-C" in line for line in self.lines):
            assert self._reader.is_alive(), "".join(self.lines)
        text = "".join(self.lines)
        self.password = re.search(r"Password\s+(\S+)", text).group(1)  # type: ignore[union-attr]
        self.platform = re.search(r"Platform's view\s+(\S+)", text).group(1)  # type: ignore[union-attr]


@pytest.fixture
def demo(tmp_path: Path, database_url: str) -> Iterator[Demo]:
    running = Demo(environment(tmp_path, None), tmp_path / "demo", database_url)
    yield running
    running.stop()
    env = environment(tmp_path / "demo", database_url)
    assert "events verified" in cli(env, "ledger", "verify")
    assert "byte for byte" in cli(env, "ledger", "rebuild")


@pytest.fixture
def page(demo: Demo) -> Iterator[Any]:
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium: install Debian's package chromium")
        pytest.skip("no Chromium: install Debian's package chromium to run the browser tests")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Playwright's own, at import
        from playwright.sync_api import sync_playwright
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        made = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        complaints: list[str] = []
        made.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        made.on("pageerror", lambda error: complaints.append(str(error)))
        yield made
        assert [one for one in complaints if "409 (Conflict)" not in one] == []  # see ``decide``
        browser.close()


def test_the_tour(demo: Demo, page: Any) -> None:
    sign_in(demo, page)
    a_colleague_gets_a_link_to_this_server(demo, page)
    live_traffic(demo, page)
    case = open_top_case(demo, page)
    decision = decide(demo, page, case)
    delivered(demo, page, decision)
    explained_and_in_the_ledger(demo, page, decision)
    a_detector_hangs(demo, page)


def shoot(page: Any, name: str) -> None:
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png")


def sign_in(demo: Demo, page: Any) -> None:
    page.goto(demo.url)
    page.fill("#email", "demo@seawall.example")
    page.fill("#password", demo.password)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{demo.url}/")


def a_colleague_gets_a_link_to_this_server(demo: Demo, page: Any) -> None:
    page.goto(f"{demo.url}/access")
    added = page.locator("form", has=page.locator("[name=email]"))
    added.locator("[name=name]").fill("Rita")
    added.locator("[name=email]").fill("rita@seawall.example")
    added.locator("input[value=reviewer]").check()
    added.get_by_role("button", name="Add").click()
    page.wait_for_selector("text=choose-password")
    assert f"{demo.url}/choose-password?link=" in page.inner_text("main")
    page.goto(demo.url)


def live_traffic(demo: Demo, page: Any) -> None:
    """The numbers move by themselves."""
    page.wait_for_selector("#traffic canvas")
    first = page.inner_text("main")
    page.wait_for_function("before => document.querySelector('main').innerText !== before", arg=first, timeout=20_000)
    page.wait_for_function(
        "() => fetch('/overview.json').then(r => r.json()).then(n => n.decisions >= 80 && n.open_cases > 3)",
        timeout=60_000,
    )
    page.reload()
    page.wait_for_selector("#traffic canvas")
    shoot(page, "overview")


def open_top_case(demo: Demo, page: Any) -> str:
    page.goto(f"{demo.url}/queue")
    shoot(page, "queue")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/case_*")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-lease]")
    case = re.search(r"case_\w+", page.url).group(0)  # type: ignore[union-attr]
    if page.locator("text=Show the text").count():
        page.keyboard.press("b")
    shoot(page, "case")
    page.set_viewport_size({"width": 390, "height": 844})
    shoot(page, "case-phone")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390, "the case does not fit on a phone"
    page.set_viewport_size({"width": 1280, "height": 800})
    return case


def decide(demo: Demo, page: Any, case: str) -> str:
    for _ in range(3):  # a late result may decide the item meanwhile: the page says so
        page.keyboard.press("v")
        page.check("input[name=action][value=remove]")
        page.keyboard.press("1")  # the reason: a clear violation
        page.click("#decide button:has-text('Decide')")
        page.wait_for_selector("[role=status] a[href^='/decisions/'], [role=alert]")
        if page.locator("text=see the decision").count():
            break
        assert "decided again" in page.inner_text("[role=alert]")
    page.click("text=see the decision")
    page.wait_for_url("**/decisions/dec_*")
    assert "in force" in page.inner_text("main")
    shoot(page, "decision-by-a-person")
    return str(re.search(r"dec_\w+", page.url).group(0))  # type: ignore[union-attr]


def delivered(demo: Demo, page: Any, decision: str) -> None:
    """The platform's own end has it, by a signed webhook."""
    page.wait_for_function(
        """() => fetch(location.href).then(r => r.text()).then(t =>
            [...new DOMParser().parseFromString(t, 'text/html').querySelectorAll('main .chip')]
                .some(chip => chip.textContent.trim() === 'delivered'))""",
        timeout=60_000,
    )
    state = httpx.get(f"{demo.platform}/state.json").json()
    assert "remove" in str(state)


def explained_and_in_the_ledger(demo: Demo, page: Any, decision: str) -> None:
    page.goto(f"{demo.url}/decisions?verdict=block")
    page.click("a[href^='/decisions/dec_'] >> nth=-1")
    page.wait_for_url("**/decisions/dec_*")
    text = page.inner_text("main")
    assert "when" in text
    assert "fired" in text
    shoot(page, "decision")
    page.goto(f"{demo.url}/policies")
    shoot(page, "policies")
    page.goto(f"{demo.url}/ledger")
    assert "decision.made" in page.inner_text("main")
    shoot(page, "ledger")


def a_detector_hangs(demo: Demo, page: Any) -> None:
    """A pending rescreen opens, shows, and is resolved; outcomes are overturned and the platform is told."""
    httpx.post(f"{demo.platform}/hang", data={"seconds": "6"})
    page.wait_for_function(
        "() => fetch('/pending-rescreens').then(r => r.text()).then(t => t.includes('demo-second-opinion'))",
        timeout=30_000,
    )
    page.goto(f"{demo.url}/pending-rescreens")
    shoot(page, "pending_rescreens")
    page.wait_for_function(
        "() => fetch('/overview.json').then(r => r.json()).then(n => n.pending_rescreens === 0)", timeout=90_000
    )
