"""Every address that answers GET, against everybody who may not see an item: of child safety, or of another team."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from seawall import access, api, enforce, publish, review
from seawall.app import COMPONENTS
from seawall.console.request import roles_in_use
from seawall.console.routes import console_pages
from seawall.model import Item
from support.child_safety import LETTER
from support.console import PASSWORD, Browser, Rig, small
from support.items import policy_text

GROOMING = policy_text(
    "grooming",
    'contains(item.body, "our secret")',
    '[hold, strike(weight=2), review(queue="child-safety")]',
    "letter",
    harm="grooming",
)
OTHERS = policy_text(
    "grooming",
    'contains(item.body, "our secret")',
    '[hold, strike(weight=2), review(queue="theirs")]',
    "letter",
    harm="harassment",
)
"""The same rule without the harm, for a queue that is not the vendor's."""
TEAMS = """\
teams:
  acme:
    title: Acme
    queues: [elsewhere]
"""
ID, WORD, NOTE = "marker-of-a-child", "zebrafish", "a note that names quokka"
BODY = f"This stays our secret, little {WORD}"
GETS = [page for page in console_pages(COMPONENTS).pages if page.method == "GET" and not page.public]


@dataclass
class World:
    """A house with one item of child safety, and everything that refers to it."""

    rig: Rig
    places: dict[str, list[str]] = field(default_factory=dict)  # what may stand for each parameter of a path
    markers: tuple[str, ...] = ()
    browsers: dict[str, Browser] = field(default_factory=dict)

    def told(self, answer: httpx.Response) -> list[str]:
        """The markers that an answer holds, also where it leads."""
        text = answer.text + " ".join(answer.headers.values())
        return [marker for marker in self.markers if marker in text]


def letter(rig: Rig, body: str, id: str, **more: Any) -> Any:
    fields = {"body": body, "talk": "talk-1", **more}
    return rig.app.screener.screen(Item(content_type="letter", id=id, fields=fields, actor="author"))


def ask(asgi: Any, path: str, key: str, method: str = "GET", **more: Any) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(asgi)
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test", headers=headers) as client:
            return await client.request(method, path, **more)

    return asyncio.run(send())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("everywhere")
    with small(folder, LETTER, GROOMING) as rig:
        app = rig.app
        for role in ("child_safety", "policy"):
            access.create_person(app.ledger, f"{role}@example.org", role, PASSWORD, [role])
        url = "http://127.0.0.1:9/hooks"
        enforce.add_endpoint(app.ledger, app.vault, url=url, allow_private=True)
        yield filled(rig)


@pytest.fixture(scope="module")
def vendor_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The same house, where the item is no matter of child safety, and a reviewer of a team with another queue."""
    folder: Path = tmp_path_factory.mktemp("vendor")
    file = tmp_path_factory.mktemp("teams") / "roles.yaml"
    file.write_text(TEAMS)
    with small(folder, LETTER, OTHERS, environment={"SEAWALL_ROLES": str(file)}) as rig:
        app = rig.app
        access.create_person(app.ledger, "child_safety@example.org", "c", PASSWORD, ["child_safety"])
        known = roles_in_use(app)
        access.create_person(app.ledger, "vendor@example.org", "v", PASSWORD, ["reviewer"], team="acme", known=known)
        enforce.add_endpoint(app.ledger, app.vault, url="http://127.0.0.1:9/hooks", allow_private=True)
        yield filled(rig)


def filled(rig: Rig) -> World:
    app = rig.app
    before = letter(rig, "A song about rain", "harmless-1")
    found = letter(rig, BODY, ID, answers="harmless-1")
    after = letter(rig, "A song about snow", "harmless-2")
    specialist, case = rig.browser("child_safety"), review.case_id(found.item)
    key = access.create_key(app.ledger, "platform", ["report", "appeal"])
    asgi = api.build(app)
    for path, body in (
        ("/v1/reports", {"content_type": "letter", "id": ID, "reporter": "teller", "note": NOTE}),
        ("/v1/reports", {"content_type": "letter", "id": "harmless-1", "reporter": "author"}),
    ):
        assert ask(asgi, path, key, "POST", json=body).status_code == 201
    assert specialist.post(f"/cases/{case}/take").status_code == 303
    given = {"answer": "violates", "policy": "grooming", "reason": "clear_violation", "note": NOTE, "by_evidence": "1"}
    decided = specialist.post(
        f"/cases/{case}/decide", action=["remove", "strike"], seen=found.decision, revision="1", **given
    )
    assert decided.status_code == 303
    admin = rig.browser("admin")
    assert admin.post("/golden-cases", case=case, answer="violates", policy="grooming").status_code == 303
    appealed = {"appellant": "author", "content_type": "letter", "id": ID, "text": NOTE}
    appeal = ask(asgi, "/v1/appeals", key, "POST", json=appealed).json()["appeal"]
    origin = {"content_type": "letter", "item_id": ID}
    (entry,) = publish.add_entries(
        app.ledger,
        "blocked-texts",
        [publish.NewEntry(kind="text", value=BODY, source="staff", note=NOTE, **origin)],
        "t",
    )
    decisions = [one["id"] for one in admin.get(f"/items/{found.item}.json").json()["decisions"]]
    assert len(decisions) == 2
    bulk = {"source": "search", "answer": "does_not_violate", "reason": "not_a_violation"}
    bulks = [
        admin.post("/bulk-decisions", items=f"{one},{after.item}", q=ID, **bulk).headers["location"].rpartition("/")[2]
        for one in (found.item, before.item)
    ]
    every = admin.get("/deliveries.json").json()["deliveries"]
    shown = admin.get(f"/accounts/{app.vault.find('account', 'author')}.json").json()
    places = {
        "case": [case, review.case_id(before.item)],
        "item": [found.item, before.item, after.item],
        "decision": [*decisions, before.decision],
        "account": [app.vault.find("account", one) or "" for one in ("author", "teller")],
        "policy": ["grooming"],
        "bundle": [app.bundle.hash],
        "proposal": ["pro_none"],
        "revision:int": ["1"],
        "field": ["body", "picture"],
        "frame:int": ["0"],
        "bank": ["blocked-texts"],
        "entry": [entry],
        "appeal": [appeal],
        "task": ["blind_none"],
        "bulk": bulks,
        "delivery": [one["id"] for one in every],
        "enforcement": [one["id"] for one in shown["enforced"]],
    }
    markers = (ID, WORD, "quokka", found.item.partition("_")[2], *decisions)
    return World(rig, places, markers)


def paths(world: World, template: str) -> list[str]:
    names = [name for name in world.places if "{" + name + "}" in template]
    found = []
    for values in product(*(world.places[name] for name in names)):
        path = template
        for name, value in zip(names, values, strict=True):
            path = path.replace("{" + name + "}", value)
        assert "{" not in path, path
        found.append(path)
    return found


QUERIES = {
    "/search": ["", f"?q={WORD}", "?q=song", "?q=policy%3Agrooming", "?q=case%3Aopen", "?q=account%3Aauthor"],
    "/search.json": ["", f"?q={WORD}", "?q=policy%3Agrooming"],
    "/search.csv": ["", f"?q={WORD}", "?q=policy%3Agrooming"],
    "/investigate": ["", "?q=length(text)>0", f'?q=contains(text,"{WORD}")', "?q=length(text)>0&account=author"],
    "/investigate.json": ["?q=length(text)>0", f'?q=contains(text,"{WORD}")', "?q=length(text)>0&account=author"],
    "/find": ["", f"?type=letter&id={ID}", "?account=author"],
    "/queue": ["", "?state=closed", "?queue=child-safety"],
    "/queue.json": ["", "?state=closed"],
    "/decisions": ["", "?policy=grooming", "?source=review"],
    "/appeals": ["", "?state=answered"],
    "/golden-cases": ["", "?case={case}"],
    "/ledger.json": ["", "?after=0", "?after=20", "?after=40"],
}


def queries(world: World, page: Any) -> list[str]:
    return [query.replace("{case}", world.places["case"][0]) for query in QUERIES.get(page.path, [""])]


@pytest.mark.parametrize("role", ["reviewer", "policy"])
@pytest.mark.parametrize("page", GETS, ids=lambda page: page.path)
def test_no_page_tells_of_it(world: World, page: Any, role: str) -> None:
    browser = browser_of(world, role)
    for path in paths(world, page.path):
        for query in queries(world, page):
            answer = browser.get(path + query)
            asked = {marker for marker in world.markers if marker in path + query}
            told = [one for one in world.told(answer) if one not in asked]
            assert not told, (path + query, told)
            if asked and "q=" not in query:
                assert answer.status_code in (403, 404), path + query


@pytest.mark.parametrize("page", GETS, ids=lambda page: page.path)
def test_no_page_tells_another_team_of_it(vendor_world: World, page: Any) -> None:
    test_no_page_tells_of_it(vendor_world, page, "vendor")


def test_another_team_is_told_no_counts_of_it(vendor_world: World) -> None:
    vendor, reviewer = (browser_of(vendor_world, one) for one in ("vendor", "reviewer"))
    live = {one: vendor.get("/live?page=" + one).json() for one in ("queue", "deliveries")}
    assert (live["queue"]["menu"]["/queue"], live["queue"]["menu"]["/appeals"], live["queue"]["new"]) == (0, 0, 0)
    assert ("/deliveries" in live["deliveries"]["menu"], live["deliveries"]["new"]) == (False, 0)
    mine = reviewer.get("/live?page=queue").json()
    assert (mine["menu"]["/queue"] > 0, mine["menu"]["/appeals"] > 0, mine["new"] > 0) == (True, True, True)
    assert vendor.get("/overview.json").json()["open_cases"] == 0
    assert vendor.get("/overview.json").json()["top_queue"] is None
    assert vendor.get("/deliveries.json").json()["deliveries"] == []
    assert reviewer.get("/deliveries.json").json()["deliveries"] != []
    assert "data-row" not in vendor.get("/deliveries").text
    assert vendor.get("/bulk-decisions.json").json()["bulk_decisions"] == []
    assert reviewer.get("/bulk-decisions.json").json()["bulk_decisions"] != []
    assert vendor_world.places["bulk"][0] not in vendor.get("/bulk-decisions").text


def test_those_who_may_see_it_see_it_on_the_pages_that_are_about_it(world: World) -> None:
    telling = {page.path for page in GETS for path in paths(world, page.path) if told_to_specialist(world, page, path)}
    assert {
        "/cases/{case}",
        "/items/{item}",
        "/items/{item}.json",
        "/decisions",
        "/decisions.json",
        "/decisions/{decision}",
        "/accounts/{account}",
        "/accounts/{account}.json",
        "/appeals",
        "/appeals/{appeal}",
        "/banks/{bank}",
        "/banks/{bank}/entries/{entry}",
        "/bulk-decisions/{bulk}",
        "/deliveries",
        "/golden-cases",
        "/ledger",
        "/ledger.json",
        "/search",
        "/search.json",
        "/search.csv",
        "/investigate",
        "/investigate.json",
        "/find",
        "/queue",
        "/",
    } <= telling


def told_to_specialist(world: World, page: Any, path: str) -> bool:
    browser = browser_of(world, "admin")
    return any(world.told(browser.get(path + query)) for query in queries(world, page))


def test_an_id_typed_into_the_search_leads_nobody_else_there(world: World) -> None:
    for wanted in (*world.places["case"][:1], *world.places["decision"][:2], *world.places["enforcement"], ID):
        answer = browser_of(world, "reviewer").get(f"/search?q={quote(wanted)}")
        assert answer.status_code == 403, wanted
        assert [one for one in world.told(answer) if one not in wanted] == []
        assert browser_of(world, "child_safety").get(f"/search?q={quote(wanted)}").status_code == 303


def test_an_investigation_leaves_it_out_before_anything_is_asked_of_it(world: World) -> None:
    for query in (f'contains(text, "{WORD}")', f'not contains(text, "{WORD}")'):  # no number tells what is in it
        told = browser_of(world, "reviewer").get("/investigate.json", params={"q": query}).json()["result"]
        assert told["hidden"] == 1
        assert told["read"] == 2
    seen = browser_of(world, "child_safety").get("/investigate.json", params={"q": f'contains(text, "{WORD}")'}).json()
    assert (seen["result"]["hidden"], seen["result"]["matched"]) == (0, 1)
    page = browser_of(world, "reviewer").get("/investigate", params={"q": "length(text) > 0"}).text
    assert "they were not asked" in page


def test_a_restriction_for_it_is_shown_without_it_and_is_not_lifted_by_others(world: World) -> None:
    account, reviewer = world.places["account"][0], browser_of(world, "reviewer")
    page = reviewer.get(f"/accounts/{account}").text
    assert "In force: strike" in page
    assert "for an item that your roles do not include" in page
    assert "are not shown" in page
    for enforcement in world.places["enforcement"]:
        path = f"/accounts/{account}/enforcements/{enforcement}/lift"
        assert reviewer.post(path, reason="mistake", note="A mistake.").status_code == 403
    assert reviewer.post("/exposure/unveiled", item=world.places["item"][0], revision="1").status_code == 403


def test_counts_leave_it_out(world: World) -> None:
    assert browser_of(world, "reviewer").get("/overview.json").json()["open_cases"] == 1  # the harmless one, reported
    assert browser_of(world, "admin").get("/overview.json").json()["open_cases"] == 2


def test_keys_without_the_right_get_what_is_to_be_enforced(world: World) -> None:
    app = world.rig.app
    asgi = api.build(app)
    scopes = [one for one in access.Scope if one not in ("admin", "child_safety")]
    others = access.create_key(app.ledger, "others", scopes)
    specialists = access.create_key(app.ledger, "specialists", ["read", "review", "bank", "child_safety"])
    decision, (bank,), (entry,) = world.places["decision"][0], world.places["bank"], world.places["entry"]
    routes = {
        f"/v1/decisions/{decision}": 200,
        f"/v1/decisions/{decision}/explanation": 403,
        f"/v1/items/letter/{ID}": 200,
        "/v1/cases": 200,
        "/v1/cases?state=closed": 200,
        "/v1/banks": 200,
        f"/v1/banks/{bank}/entries": 200,
        f"/v1/banks/{bank}/entries/{entry}": 200,
    }
    document = ask(asgi, "/v1/openapi.json", others).json()
    described = {path for path, operations in document["paths"].items() if "get" in operations}
    spoken = {"/v1/reports/{report}", "/v1/appeals/{appeal}"}  # what the platform itself sent, and what it is answered
    assert {path.count("/") for path in routes} == {
        path.count("/") for path in described - spoken - {"/v1/ledger/verifications/{verification}"}
    }
    for path, status in routes.items():
        answer = ask(asgi, path, others)
        assert answer.status_code == status, path
        for hidden in (WORD, "quokka", "grooming", "contains"):
            assert hidden not in answer.text, (path, hidden)
        assert ask(asgi, path, specialists).status_code == 200, path
    found = ask(asgi, f"/v1/decisions/{decision}", others).json()
    assert found["withheld"] == "child_safety"
    assert (found["verdict"], {one["kind"] for one in found["actions"]}) == ("hold", {"hold", "strike", "review"})
    state = ask(asgi, f"/v1/items/letter/{ID}", others).json()
    assert (state["verdict"], state["decisions"], state["withheld"]) == ("block", [], "child_safety")
    assert WORD in ask(asgi, f"/v1/banks/{bank}/entries", specialists).text
    assert "grooming" in ask(asgi, f"/v1/decisions/{decision}", specialists).text
    assert ask(asgi, f"/v1/items/letter/{ID}", specialists).json()["withheld"] is None


def browser_of(world: World, role: str) -> Browser:
    """One signed-in browser for each role."""
    if role not in world.browsers:
        world.browsers[role] = world.rig.browser(role)
    return world.browsers[role]
