"""Items of child safety: every page that shows them, against those who may see them and those who may not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from seawall import access, api, review
from seawall.model import Item
from support.child_safety import GROOMING, LETTER
from support.console import PASSWORD, Rig, small


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder: Path = tmp_path_factory.mktemp("child-safety")
    with small(folder, LETTER, GROOMING) as made:
        for role in ("child_safety", "policy"):
            access.create_person(made.app.ledger, f"{role}@example.org", role, PASSWORD, [role])
        yield made


def letter(rig: Rig, body: str, id: str) -> Any:
    return rig.app.screener.screen(Item(content_type="letter", id=id, fields={"body": body}, actor="author"))


@pytest.mark.parametrize("role", ["reviewer", "policy"])
def test_pages_of_an_item_of_child_safety_refuse_who_is_no_specialist(rig: Rig, role: str) -> None:
    found = letter(rig, "This stays our secret", f"l-{role}")
    fine = letter(rig, "A song about rain", f"m-{role}")
    case = review.case_id(found.item)
    browser = rig.browser(role)
    for path in (
        f"/cases/{case}",
        f"/items/{found.item}",
        f"/items/{found.item}.json",
        f"/items/{found.item}/1/image/picture",
        f"/items/{found.item}/1/image/picture/0",
        f"/items/{found.item}/1/media/picture",
        f"/items/{found.item}/1/document/picture",
        f"/decisions/{found.decision}",
        f"/decisions/{found.decision}.json",
    ):
        assert browser.get(path).status_code == 403, path
    assert "only people with the role child_safety" in browser.get(f"/cases/{case}").text
    if role == "reviewer":
        for path in ("take", "lease", "preview", "decide"):
            assert browser.post(f"/cases/{case}/{path}").status_code in (403, 409), path
        assert browser.post("/queue/next").headers["location"] == "/queue"
    for path in ("/queue", "/queue.json", "/decisions", "/decisions.json", "/"):
        text = browser.get(path).text
        assert found.item not in text, path
        assert case not in text, path
        assert found.decision not in text, path
    assert fine.decision in browser.get("/decisions").text
    assert browser.get(f"/items/{fine.item}").status_code == 200


@pytest.mark.parametrize("role", ["child_safety", "admin"])
def test_specialists_see_and_decide_it_and_then_everybody_sees_what_they_cleared(rig: Rig, role: str) -> None:
    found = letter(rig, "This stays our secret, too", f"n-{role}")
    case = review.case_id(found.item)
    browser = rig.browser(role)
    assert case in browser.get("/queue.json").text
    assert found.decision in browser.get("/decisions.json").text
    assert browser.post(f"/cases/{case}/take").status_code == 303
    assert browser.get(f"/cases/{case}").status_code == 200
    assert browser.get(f"/items/{found.item}").status_code == 200
    decided = browser.post(
        f"/cases/{case}/decide",
        answer="does_not_violate",
        reason="not_a_violation",
        seen=found.decision,
        revision="1",
    )
    assert decided.status_code == 303
    assert rig.browser("reviewer").get(f"/items/{found.item}").status_code == 200


def test_a_report_of_grooming_takes_a_case_out_of_the_common_lists(rig: Rig) -> None:
    fine = letter(rig, "A song about snow", "o-1")
    asgi = api.build(rig.app)
    key = access.create_key(rig.app.ledger, "reports", ["report", "review"])
    admin = access.create_key(rig.app.ledger, "admin", ["admin"])

    def ask(method: str, path: str, key: str, **more: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            headers = {"Authorization": f"Bearer {key}"}
            transport = httpx.ASGITransport(asgi)
            async with httpx.AsyncClient(transport=transport, base_url="http://api.test", headers=headers) as client:
                return await client.request(method, path, **more)

        return asyncio.run(send())

    report = {"content_type": "letter", "id": "o-1", "policy": "grooming"}
    assert ask("POST", "/v1/reports", key, json=report).status_code == 201
    case = review.case_id(fine.item)
    assert rig.browser("reviewer").get(f"/cases/{case}").status_code == 403
    assert case not in ask("GET", "/v1/cases", key).text
    assert case in ask("GET", "/v1/cases", admin).text
