"""A shift by keyboard alone: two reviewers and a policy specialist in a real Chromium, on really screened content.

Nothing is clicked and no address is typed but the first: what cannot be reached with keys fails here. Around it, a
platform that screens, reports and appeals over HTTP, and a receiver that is told.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
import warnings
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from seawall.demo.media import image_with_words, video_with_words, voice_note
from seawall.detectors import default_extractors
from support.processes import Inbox, Process, cli, environment, receiver

pytestmark = pytest.mark.timeout(900)

CHROMIUM = os.environ.get("SEAWALL_CHROMIUM") or shutil.which("chromium")
PASSWORD = "a wall against the sea"
PEOPLE = {"ada": "reviewer", "ben": "reviewer", "carol": "policy"}
NAMES = ("Anna", "Bert", "Cem", "Dora", "Emil", "Fatma", "Gero", "Hana", "Ivo", "Jana")
PATIENCE_S = 240
BUDGETS = "budgets: {threat: 30}\n"  # four videos and some words of threats
CASE = re.compile(r"/cases/(case_\w+)")
QUEUES = {"Threats", "Goods", "Reports"}
POLICIES = {"text": "Threats", "video": "Threats", "image": "Illegal"}


def missing(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    extractors = default_extractors()
    names = {extractor.spec.name for extractor in extractors}
    for extractor in extractors:
        extractor.close()  # type: ignore[attr-defined]
    if not {"frames", "voice", "words"} <= names:
        missing("the extra 'media' is not installed")
    if shutil.which("espeak-ng") is None:
        missing("no espeak-ng: nobody can speak")
    if CHROMIUM is None:
        missing("no Chromium: install Debian's package chromium")


class Platform:
    """The product: it screens, reports and appeals with its key."""

    def __init__(self, url: str, key: str, env: dict[str, str]) -> None:
        self.url = url
        self.env = env
        self._http = httpx.Client(base_url=f"{url}/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60)

    def close(self) -> None:
        self._http.close()

    def post(self, path: str, **body: Any) -> Any:
        answer = self._http.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    def get(self, path: str) -> Any:
        answer = self._http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def screen(self, content_type: str, id: str, **fields: Any) -> None:
        self.post("/screen", content_type=content_type, id=id, fields=fields, actor={"id": f"by-{id}"})

    def report(self, id: str) -> str:
        return str(self.post("/reports", content_type="post", id=id, reporter=f"r-{id}", note="Mocks me.")["report"])

    def decision(self, content_type: str, id: str) -> Any:
        return self.get(f"/decisions/{self.get(f'/items/{content_type}/{id}')['decision']}")


@pytest.fixture
def inbox() -> Iterator[tuple[str, Inbox]]:
    with receiver() as made:
        yield made


@pytest.fixture
def platform(tmp_path: Path, database_url: str, inbox: tuple[str, Inbox]) -> Iterator[Platform]:
    """A server as an operator starts it: everybody is asked a second time, budgets are small, one receiver is told."""
    env = environment(tmp_path, database_url) | {"SEAWALL_BLIND_SHARE": "1", "SEAWALL_GOLDEN_SHARE": "1"}
    (tmp_path / "wellbeing.yaml").write_text(BUDGETS)
    scopes = [f"--scope={scope}" for scope in ("screen", "read", "report", "review", "appeal")]
    key = re.search(r"sw_\S+", cli(env, "key", "create", "test", *scopes)).group(0)  # type: ignore[union-attr]
    for name, role in PEOPLE.items():
        cli(
            env,
            "person",
            "create",
            f"{name}@example.org",
            "--name",
            name.title(),
            "--role",
            role,
            "--password",
            PASSWORD,
        )
    cli(env, "endpoint", "add", inbox[0])
    running = Process(env, "serve", "--port", "0")
    made = Platform(running.url, key, env)
    yield made
    made.close()
    running.stop()


class Person:
    """Somebody at a keyboard."""

    def __init__(self, page: Any, url: str, name: str) -> None:
        self.page = page
        self.url = url
        page.goto(url)
        page.wait_for_function("() => document.activeElement.id === 'email'")
        self.type(f"{name}@example.org")
        self.press("Tab")
        self.type(PASSWORD)
        self.press("Enter")
        page.wait_for_url(f"{url}/")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def go(self, *keys: str) -> str:
        """Press keys, the last of which leads to another page; its path."""
        self.page.evaluate("window.stale = true")
        self.press(*keys)
        self.page.wait_for_function("() => window.stale === undefined && document.readyState === 'complete'")
        return str(self.page.url).removeprefix(self.url)

    def tab_to(self, selector: str) -> None:
        """Press Tab until the focus is there."""
        for _ in range(200):
            self.press("Tab")
            if self.page.evaluate("selector => document.activeElement?.matches(selector) ?? false", selector):
                return
        raise AssertionError(f"Tab never reaches {selector} on {self.page.url}")

    def says(self, text: str) -> None:
        self.page.wait_for_selector(f"text={text}")


@contextmanager
def at_keyboard(platform: Platform, name: str) -> Iterator[Person]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Playwright's own, at import
        from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--mute-audio"],
        )
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield Person(page, platform.url, name)
        assert complaints == []
        browser.close()


def encoded(data: bytes | None) -> dict[str, str]:
    assert data is not None
    return {"base64": b64encode(data).decode()}


def content(platform: Platform) -> list[str]:
    """Twenty-six items in four modalities, looked at completely; those with a voice are reported: their receipts."""
    for number in range(4):
        video = video_with_words(
            "Welcome to my channel", f"I will kill you {NAMES[number]}", "Nice weather", said="Hi."
        )
        platform.screen("post", f"video-{number}", clip=encoded(video))
    for number in range(6):
        image = image_with_words("BUY XANAX ONLINE", "no prescription needed", f"{NAMES[number]} has it")
        platform.screen("post", f"image-{number}", image=encoded(image))
        voice = voice_note(f"Good morning {NAMES[number]}. The weather is fine today.", 0.5)
        platform.screen("post", f"voice-{number}", voice=encoded(voice))
    for number, name in enumerate(NAMES):
        platform.screen("comment", f"text-{number}", body=f"I will kill you, {name}, I know where you live")
    until = time.monotonic() + PATIENCE_S
    for kind, count in (("video", 4), ("image", 6), ("voice", 6)):
        for number in range(count):
            while any(one["reason"] in ("later", "deadline") for one in unknown(platform, f"{kind}-{number}")):
                assert time.monotonic() < until, f"{kind}-{number}: {unknown(platform, f'{kind}-{number}')}"
                time.sleep(1)
    return [platform.report(f"voice-{number}") for number in range(6)]


def unknown(platform: Platform, id: str) -> Any:
    return platform.decision("post", id)["unknown"]


def test_a_shift(platform: Platform, inbox: tuple[str, Inbox], tmp_path: Path) -> None:
    receipts = content(platform)
    with at_keyboard(platform, "ada") as ada:
        taken = until_she_is_paused(ada)
    assert len(taken) >= 20
    assert {modality for modality, _ in taken} == {"text", "image", "audio", "video"}
    assert {queue for _, queue in taken} == QUEUES
    outcomes = [platform.get(f"/reports/{receipt}") for receipt in receipts]
    assert [one["outcome"] for one in outcomes] == ["not_restricted"] * 6
    assert len(platform.get("/cases?queue=threats")) > 0  # others may answer them
    assert len(platform.get("/cases?queue=specialists")) == 1

    struck = next(f"text-{number}" for number in range(10) if "strike" in actions(platform, f"text-{number}"))
    told(inbox[1], struck, "enforcement.applied", {"remove", "strike"})
    with at_keyboard(platform, "carol") as carol:
        mark_golden(carol, struck)
    with at_keyboard(platform, "ben") as ben:
        ben.tab_to("nav a[href='/queue']")
        ben.go("Enter")
        where = ben.go("n")
        for _ in range(3):  # one of them is the golden case; he cannot tell which
            assert where.startswith("/blind-reviews/"), where
            where = judged(ben)
        appeal = platform.post(
            "/appeals", appellant=f"by-{struck}", decision=in_force(platform, struck)["id"], text="From a song."
        )["appeal"]
        overturn(ben)
    with at_keyboard(platform, "carol") as carol:
        for where in ("nav a[href='/quality']", "main a[href='/golden-cases']"):
            carol.tab_to(where)
            carol.go("Enter")
        assert carol.page.locator("td[data-name=answered]").all_inner_texts() == ["1"]
    assert platform.get(f"/appeals/{appeal}")["state"] == "overturned"
    assert platform.get(f"/appeals/{appeal}")["messages"][-1]["text"] == "It is a song."
    assert in_force(platform, struck)["verdict"] == "allow"
    told(inbox[1], struck, "enforcement.reversed", {"remove", "strike"})
    cli(platform.env, "labels", "export", str(tmp_path / "labels.jsonl"))
    labels = [json.loads(line) for line in (tmp_path / "labels.jsonl").read_text().splitlines()]
    (label,) = [one for one in labels if one["id"] == struck and one["policy"] == "threats"]
    assert (label["violates"], label["source"]) == (False, "appeal")


def until_she_is_paused(ada: Person) -> list[tuple[str, str]]:
    """Take case after case from the queue until the budget says that it is enough: modality and queue of each."""
    ada.tab_to("nav a[href='/queue']")
    ada.go("Enter")
    where = ada.go("n")
    taken: dict[str, tuple[str, str]] = {}
    texts = 0
    while where.startswith("/cases/"):
        case = ada.page.url
        modality, queue = looked_at(ada)
        texts += modality == "text"
        taken[where.partition("?")[0]] = (modality, queue)
        where = answered(ada, modality, texts)
        if modality == "text" and texts == 2:  # not what she meant
            assert ada.go("r").partition("?")[0] == case.removeprefix(ada.url).partition("?")[0]
            ada.says("Your answer is taken back")
            where = answered(ada, modality, 0)
    assert where.startswith("/exposure?paused=1"), where
    ada.says("Nothing for you here right now")
    return list(taken.values())


def looked_at(person: Person) -> tuple[str, str]:
    """Lift every veil; what the case is about, and where it waited."""
    person.page.wait_for_selector("[data-lease]")
    person.press("b")
    assert person.page.locator("[data-veiled]").count() == 0
    found = [kind for kind in ("video", "audio", "img") if person.page.locator(f"[data-media] {kind}").count()]
    queue = QUEUES & set(person.page.locator(".head .chips .chip").all_inner_texts())
    return {"img": "image"}.get("".join(found), "".join(found)) or "text", "".join(queue)


def answered(ada: Person, modality: str, nth_text: int) -> str:
    """Answer the case in view, and where that leads: the first text with a strike, the third goes to specialists."""
    if modality == "text" and nth_text == 3:
        return ada.go("9")
    if modality == "audio":
        ada.press("n", "2")
        ada.says("Nothing changes")
    elif modality == "text" and nth_text == 1:
        ada.press("v", "1", "i")
        ada.says("The author gets a strike of 1")
    else:
        ada.press("v", "1")
        ada.says("Visitors will no longer find it")
    return ada.go("Enter")


def judged(ben: Person) -> str:
    """A second review, or a golden case: nothing is preset."""
    modality, queue = looked_at(ben)
    assert queue == ""
    if modality == "audio":
        ben.press("n", "2")
    else:
        ben.press("v", "p")
        ben.type(POLICIES[modality])
        ben.press("1")
    return ben.go("Enter")


def mark_golden(carol: Person, id: str) -> None:
    carol.press("/")
    carol.type(id)
    carol.go("Enter")
    carol.tab_to("main a[href^='/cases/']")
    carol.go("Enter")
    carol.tab_to("a[href^='/golden-cases?case=']")
    carol.go("Enter")
    carol.press("v", "p")
    carol.type("Threats")
    carol.press("Escape")
    carol.go("Enter")


def overturn(ben: Person) -> None:
    ben.tab_to("nav a[href='/appeals']")
    ben.go("Enter")
    ben.press("j")
    ben.go("Enter")
    ben.go("t")
    ben.press("n", "2", "m")
    ben.type("It is a song.")
    ben.press("Escape")
    ben.says("The author's strike is taken back")
    ben.go("Enter")


def in_force(platform: Platform, id: str) -> Any:
    return platform.decision("comment", id)


def actions(platform: Platform, id: str) -> set[str]:
    return {one["kind"] for one in in_force(platform, id)["actions"]}


def told(inbox: Inbox, id: str, type: str, wanted: set[str]) -> None:
    """The receiver was told of these actions about the item."""

    def came() -> set[Any]:
        messages: list[Any] = list(inbox.messages.values())
        return {one["data"]["action"]["kind"] for one in messages if one["type"] == type and about(one) == id}

    def about(message: Any) -> str:
        return str(message["data"]["item"]["id"])

    with inbox.arrived:
        assert inbox.arrived.wait_for(lambda: wanted <= came(), timeout=60), (came(), type)
