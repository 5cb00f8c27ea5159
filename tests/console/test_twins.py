"""A page's ``.json`` and the API's resource are one reading: programs get the same rows from both."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from seawall import access, api, review
from support.console import Rig


@pytest.fixture(scope="module")
def resources(rig: Rig) -> Any:
    """Reads a resource of the API over the console's app."""
    scopes = ["read", "review", "bank"]
    headers = {"Authorization": f"Bearer {access.create_key(rig.app.ledger, 'twins', scopes)}"}
    transport = httpx.ASGITransport(api.build(rig.app))

    def get(path: str) -> Any:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://api.test", headers=headers) as client:
                return await client.get(path)

        answer = asyncio.run(ask())
        assert answer.status_code == 200, answer.text
        return answer.json()

    return get


def test_cases_banks_and_decisions_read_the_same_in_both(rig: Rig, resources: Any) -> None:
    first, second = (
        rig.screen("You fool", id="duplicate-1"),
        rig.screen("A silly thing", id="duplicate-2"),
    )
    review.take(rig.app.database, review.case_id(first.item), rig.people["reviewer"].id)
    browser = rig.browser("admin")
    cases = browser.get("/queue.json").json()["cases"]
    assert cases == resources("/v1/cases")
    assert {case["id"] for case in cases} >= {review.case_id(first.item), review.case_id(second.item)}
    assert rig.people["reviewer"].id in {case["holder"] for case in cases}
    assert browser.get("/queue.json?queue=rudeness").json()["cases"] == resources("/v1/cases?queue=rudeness")
    assert browser.get("/banks.json").json()["banks"] == resources("/v1/banks")
    told = resources(f"/v1/decisions/{first.decision}")
    assert told.pop("appeal_url") is None, "whoever has it can appeal: for keys that may, never in the console"
    assert browser.get(f"/decisions/{first.decision}.json").json() == told
    item = browser.get(f"/items/{first.item}.json").json()
    assert item["decisions"][::-1] == resources("/v1/items/comment/duplicate-1")["decisions"]
