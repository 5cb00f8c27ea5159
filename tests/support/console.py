"""The console of an app with two test policies and three small detectors: a test knows beforehand what is decided."""

from __future__ import annotations

import asyncio
import html
import re
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from seawall import access, appeal, console
from seawall.app import App
from seawall.model import (
    Hasher,
    Item,
    ItemRef,
    SignalKind,
)
from seawall.screen import ScreenResponse as Screened
from seawall.screen import item_kind
from support.app import own_app
from support.detectors import Moody, Words
from support.items import policy_text

PASSWORD = "a wall against the sea"
RUDENESS = """\
policy: rudeness
title: Rudeness
owner: test-team
applies_to: [comment, playlist]
harm: harassment
definition: Attacks on a person for who they are. # said <b>plainly</b>
guidance: |
  Criticism of what somebody did is allowed.
  Look at who speaks to whom.
statement:
  ground: incompatible
  clause: House rules, 1
let:
  strong: rudeness >= 0.9
rules:
  - id: certain
    when: strong
    do: [remove, strike(weight=2), review(queue="rudeness", priority=0.5)]
  - id: likely
    when: rudeness >= at_fpr(0.01)
    do: [hold, review(queue="rudeness", priority=rudeness)]
  - id: loud
    mode: shadow
    when: shouting >= 0.5
    do: [demote]
examples:
  - name: a plain insult is removed
    item: {comment: {body: "You fool."}}
    given: {rudeness: 0.97}
    expect: {verdict: block, actions: [remove, strike, review]}
  - name: this one is wrong on purpose
    item: {comment: {body: "Thank you."}}
    given: {rudeness: 0.1}
    expect: {verdict: hold}
"""

GORE = """\
policy: gore
title: Graphic violence
owner: test-team
applies_to: [comment, playlist]
harm: violence
definition: Images or words of wounds.
statement:
  ground: incompatible
  clause: House rules, 2
rules:
  - id: words
    when: gory >= 0.6
    do: [review(queue="gore", priority=gory)]
examples:
  - name: gory words
    item: {comment: {body: "blood"}}
    given: {gory: 0.7}
    expect: {verdict: allow, actions: [review]}
"""

LONG_MEMOS = policy_text("long", "length(text) > 5000", '[review(queue="long")]', "memo", harm="spam")


@dataclass
class Rig:
    """An opened app with people of every role, and shortcuts to make things happen in it."""

    app: App
    asgi: ASGIApp
    stuck: Moody
    people: dict[str, access.Person] = field(default_factory=dict)

    def screen(
        self, text: str, *, id: str = "c-1", actor: str | None = "author", deadline_ms: int | None = None
    ) -> Screened:
        """A comment goes through the house."""
        item = Item(content_type="comment", id=id, fields={"body": text}, actor=actor, language="en")
        return self.app.screener.screen(item, deadline_ms=deadline_ms)

    def report(self, id: str, *, kind: str = "user", note: str = "Look at this.") -> Any:
        """Somebody reports a comment."""
        given = appeal.Report(content_type="comment", item_id=id, kind=kind, reporter="u-9", note=note)
        return appeal.receive_report(self.app.ledger, given, find_item=self._find)

    def report_account(self, account: str, *, note: str = "Look at them.", **more: Any) -> str:
        """Somebody reports an account."""
        given = appeal.Report(account=account, note=note, **{"reporter": "u-9", **more})
        return appeal.receive_report(self.app.ledger, given, find_item=self._find)

    def _find(self, content_type: str, item_id: str) -> ItemRef | None:
        ref = self.app.vault.find(item_kind(content_type), item_id)
        return ItemRef(content_type, ref, 1) if ref is not None else None

    def browser(self, role: str | None = None) -> Browser:
        """A browser without JavaScript, signed in if a role is given."""
        browser = Browser(self.asgi, self.app.settings.public_url)
        if role is not None:
            assert browser.sign_in(f"{role}@example.org", PASSWORD).status_code == 303
        return browser


class Browser:
    """Keeps cookies and the CSRF token of the last page; follows no redirect by itself."""

    def __init__(self, asgi: ASGIApp, url: str) -> None:
        self._asgi = asgi
        self._url = url
        self.cookies = httpx.Cookies()
        self.csrf = ""

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Ask for a page."""
        return self._request("GET", path, **more)

    def head(self, path: str, **more: Any) -> httpx.Response:
        """Ask for a page's headers."""
        return self._request("HEAD", path, **more)

    def post(
        self, path: str, *, csrf: str | None = None, headers: Mapping[str, str] | None = None, **fields: Any
    ) -> httpx.Response:
        """Send a form, with the token of the last page."""
        data = {"csrf": self.csrf if csrf is None else csrf, **fields}
        return self._request("POST", path, data=data, headers=headers)

    def sign_in(self, email: str, password: str, where: str = "/") -> httpx.Response:
        """Open the sign-in page and send its form; on success take the session's token from a page."""
        self.get("/sign-in")
        answer = self.post("/sign-in", email=email, password=password, next=where)
        if answer.status_code == 303:
            self.get("/")
        return answer

    def _request(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self._asgi, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url=self._url, cookies=self.cookies) as client:
                answer = await client.request(method, path, **more)
                self.cookies = client.cookies
                return answer

        answer = asyncio.run(ask())
        if found := re.search(r'name="csrf" value="([^"]+)"', answer.text):
            self.csrf = html.unescape(found[1])
        return answer


def open_page(chromium: object, url: str, role: str, width: int = 1280, height: int = 800) -> tuple[object, list[str]]:
    """A signed-in page, and what its console complains about."""
    page = chromium.new_context(viewport={"width": width, "height": height}).new_page()  # type: ignore[attr-defined]
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{url}/sign-in")
    page.fill("#email", f"{role}@example.org")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{url}/")
    return page, complaints


def gore_detector() -> Moody:
    """Hangs about texts that hold ``stuck``."""
    return Moody(0.75, harm="violence", version="2.1")


@contextmanager
def opened(
    folder: Path,
    *,
    database_url: str | None = None,
    public_url: str = "http://console.test",
    hashers: Sequence[Hasher] = (),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Rig]:
    """A house on a fresh database, its test policies published, with a reviewer, a policy specialist and an admin.

    ``environment``: from which the components' settings are read.
    """
    policies = folder / "policies"
    policies.mkdir(parents=True)
    (policies / "rudeness.yaml").write_text(RUDENESS)
    (policies / "gore.yaml").write_text(GORE)
    stuck = gore_detector()
    detectors = (
        Words(
            "insults",
            "rudeness",
            {"fool": 0.93, "silly": 0.82, "odd": 0.6},
            kind=SignalKind.PROBABILITY,
            harm="harassment",
        ),
        Words("caps", "shouting", {"LOUD": 0.9}, harm="harassment"),
        stuck,
    )
    with own_app(
        folder,
        detectors=detectors,
        hashers=hashers,
        database_url=database_url,
        public_url=public_url,
        policies_dir=policies,
        allow_private_endpoints=False,
        environment=environment or {},
    ) as app:
        rig = Rig(app, console.build(app), stuck)
        for role in access.PersonRole:
            rig.people[role] = access.create_person(
                app.ledger, f"{role}@example.org", f"{role.capitalize()} Person", PASSWORD, [role]
            )
        try:
            yield rig
        finally:
            stuck.go_on.set()


@contextmanager
def served(rig: Rig, *, port: int = 0) -> Iterator[str]:
    """Serve the console; its address. ``port``: one that was in use before, or 0 for any."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()  # who comes before the server runs waits for it
    server = uvicorn.Server(uvicorn.Config(rig.asgi, log_level="warning", ws="none", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listener.close()


@contextmanager
def small(
    folder: Path, content_type: str, policy: str, *, environment: Mapping[str, str] | None = None
) -> Iterator[Rig]:
    """A house with the shipped detectors, a content type and a policy of the test's own, a reviewer and an admin.

    ``environment``: from which the components' settings are read.
    """
    for name, text in (("types", content_type), ("policies", policy)):
        (folder / name).mkdir()
        (folder / name / "own.yaml").write_text(text)
    with own_app(
        folder,
        public_url="http://console.test",
        policies_dir=folder / "policies",
        content_types_dir=folder / "types",
        allow_private_endpoints=False,
        environment=environment or {},
    ) as app:
        for role in ("reviewer", "admin"):
            access.create_person(app.ledger, f"{role}@example.org", role, PASSWORD, [role])
        yield Rig(app, console.build(app), gore_detector())
