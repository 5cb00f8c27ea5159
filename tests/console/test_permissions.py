"""Every page against every role, and against nobody."""

from __future__ import annotations

import pytest

from seawall import review
from seawall.app import COMPONENTS
from seawall.console.routes import console_pages
from support.console import Browser, Rig
from support.pages import proposal

PAGES = console_pages(COMPONENTS).pages
EVERYBODY = frozenset({"reviewer", "child_safety", "policy", "admin"})
ADMIN = frozenset({"admin"})
REVIEWS = frozenset({"reviewer", "child_safety", "admin"})
READS_LEDGER = frozenset({"policy", "admin"})
MEASURES = frozenset({"policy", "admin"})
LEADS = frozenset({"policy", "admin"})
PUBLISHES = frozenset({"policy", "admin"})
MANAGES_BANKS = frozenset({"policy", "admin"})
MANAGES_REPORTERS = frozenset({"policy", "admin"})

ALLOWED = {
    "POST /sign-out": EVERYBODY,
    "GET /account": EVERYBODY,
    "POST /account/name": EVERYBODY,
    "POST /account/password": EVERYBODY,
    "POST /account/sessions/{session}/end": EVERYBODY,
    "POST /account/sessions/end-others": EVERYBODY,
    "POST /account/look": EVERYBODY,
    "POST /account/faces": EVERYBODY,
    "POST /account/letters": EVERYBODY,
    "POST /account/opt-outs": EVERYBODY,
    "POST /account/languages": EVERYBODY,
    "GET /exposure": EVERYBODY,
    "GET /try": EVERYBODY,
    "POST /try": EVERYBODY,
    "GET /exposure/compare": ADMIN,
    "POST /exposure/end-break": ADMIN,
    "POST /exposure/unveiled": EVERYBODY,
    "GET /endpoints": ADMIN,
    "POST /endpoints": ADMIN,
    "POST /endpoints/{endpoint}/switch": ADMIN,
    "POST /endpoints/{endpoint}/secret": ADMIN,
    "GET /": EVERYBODY,
    "GET /overview.json": EVERYBODY,
    "GET /live": EVERYBODY,
    "GET /overview/live": EVERYBODY,
    "GET /overview/traffic.json": EVERYBODY,
    "GET /queue": EVERYBODY,
    "GET /queue.json": EVERYBODY,
    "POST /queue/next": REVIEWS,
    "GET /cases/{case}": EVERYBODY,
    "POST /cases/{case}/take": REVIEWS,
    "POST /cases/{case}/lease": REVIEWS,
    "POST /cases/{case}/release": REVIEWS,
    "POST /cases/{case}/skip": REVIEWS,
    "POST /cases/{case}/preview": REVIEWS,
    "POST /cases/{case}/decide": REVIEWS,
    "POST /cases/{case}/reopen": REVIEWS,
    "POST /cases/{case}/pass-on": REVIEWS,
    "POST /accounts/{account}/review": REVIEWS,
    "POST /cases/{case}/summaries/{summary}/expanded": REVIEWS,
    "GET /figures": LEADS,
    "GET /figures.json": LEADS,
    "GET /figures.csv": LEADS,
    "GET /staffing": LEADS,
    "GET /staffing.json": LEADS,
    "GET /my-figures": REVIEWS,
    "GET /my-figures.json": REVIEWS,
    "GET /my-figures.csv": REVIEWS,
    "POST /cases/{case}/assign": LEADS,
    "POST /cases/{case}/take-away": LEADS,
    "POST /cases/{case}/decline": REVIEWS,
    "POST /queue/assign": LEADS,
    "POST /reviews/{review}/undo": REVIEWS,
    "GET /cases/{case}/near-duplicates": EVERYBODY,
    "GET /cases/{case}/near-duplicates.json": EVERYBODY,
    "GET /bulk-decisions": EVERYBODY,
    "GET /bulk-decisions.json": EVERYBODY,
    "GET /bulk-decisions/{bulk}": EVERYBODY,
    "POST /bulk-decisions/choose": REVIEWS,
    "POST /bulk-decisions": REVIEWS,
    "POST /bulk-decisions/{bulk}/confirm": REVIEWS,
    "POST /bulk-decisions/{bulk}/approve": REVIEWS,
    "POST /bulk-decisions/{bulk}/cancel": REVIEWS,
    "POST /bulk-decisions/{bulk}/undo": REVIEWS,
    "GET /blind-reviews/{task}": REVIEWS,
    "POST /blind-reviews/{task}/take": REVIEWS,
    "POST /blind-reviews/{task}/lease": REVIEWS,
    "POST /blind-reviews/{task}/release": REVIEWS,
    "POST /blind-reviews/{task}/skip": REVIEWS,
    "POST /blind-reviews/{task}/submit": REVIEWS,
    "GET /my-reviews": REVIEWS,
    "GET /my-reviews.json": REVIEWS,
    "GET /quality": MEASURES,
    "GET /quality.json": MEASURES,
    "GET /disagreements": MEASURES,
    "GET /disagreements.json": MEASURES,
    "GET /disagreements/{task}": MEASURES,
    "POST /disagreements/{task}": MEASURES,
    "GET /golden-cases": MEASURES,
    "GET /golden-cases.json": MEASURES,
    "POST /golden-cases": MEASURES,
    "POST /golden-cases/{golden}/retire": MEASURES,
    "POST /cases/{case}/appeals/{appeal}/answer": REVIEWS,
    "POST /cases/{case}/appeals/{appeal}/preview": REVIEWS,
    "GET /appeals": EVERYBODY,
    "GET /appeals/{appeal}": EVERYBODY,
    "POST /appeals/{appeal}/messages": REVIEWS,
    "POST /appeals/{appeal}/out-of-court": REVIEWS,
    "GET /reports": EVERYBODY,
    "GET /reports.json": EVERYBODY,
    "GET /reports/orders": EVERYBODY,
    "GET /reports/orders.json": EVERYBODY,
    "GET /reports/keys": MANAGES_REPORTERS,
    "POST /reports/keys": MANAGES_REPORTERS,
    "POST /reports/keys/{key}/suspend": MANAGES_REPORTERS,
    "POST /reports/keys/{key}/restore": MANAGES_REPORTERS,
    "POST /reports/{report}/match": REVIEWS,
    "POST /reports/{report}/dismiss": REVIEWS,
    "POST /reporters/{reporter}/mute": MANAGES_REPORTERS,
    "POST /reporters/{reporter}/unmute": MANAGES_REPORTERS,
    "GET /items/{item}.json": EVERYBODY,
    "GET /items/{item}": EVERYBODY,
    "GET /items/{item}/{revision:int}/content": EVERYBODY,
    "GET /items/{item}/{revision:int}/image/{field}": EVERYBODY,
    "GET /items/{item}/{revision:int}/image/{field}/{frame:int}": EVERYBODY,
    "GET /items/{item}/{revision:int}/media/{field}": EVERYBODY,
    "GET /items/{item}/{revision:int}/document/{field}": EVERYBODY,
    "GET /decisions": EVERYBODY,
    "GET /decisions.json": EVERYBODY,
    "GET /decisions/{decision}.json": EVERYBODY,
    "GET /decisions/{decision}": EVERYBODY,
    "GET /investigate": EVERYBODY,
    "GET /investigate.json": EVERYBODY,
    "GET /search": EVERYBODY,
    "GET /search.json": EVERYBODY,
    "GET /search.csv": EVERYBODY,
    "POST /search/saved": EVERYBODY,
    "POST /search/saved/{search}/delete": EVERYBODY,
    "GET /find": EVERYBODY,
    "GET /accounts/{account}": EVERYBODY,
    "GET /accounts/{account}.json": EVERYBODY,
    "POST /accounts/{account}/snoozes": PUBLISHES,
    "POST /accounts/{account}/snoozes/{snooze}/end": PUBLISHES,
    "POST /accounts/{account}/notes": REVIEWS,
    "POST /accounts/{account}/enforcements/{enforcement}/lift": REVIEWS,
    "GET /pending-rescreens": EVERYBODY,
    "GET /pending-rescreens.json": EVERYBODY,
    "GET /deliveries": EVERYBODY,
    "GET /deliveries.json": EVERYBODY,
    "POST /deliveries/{delivery}/replay": ADMIN,
    "GET /policies": EVERYBODY,
    "GET /policies.json": EVERYBODY,
    "GET /drafts/new": PUBLISHES,
    "POST /drafts/new": PUBLISHES,
    "POST /drafts/check": PUBLISHES,
    "POST /drafts/check.json": PUBLISHES,
    "GET /policies/{policy}/edit": PUBLISHES,
    "POST /policies/{policy}/edit": PUBLISHES,
    "GET /drafts/backtest": PUBLISHES,
    "POST /drafts/backtest": PUBLISHES,
    "POST /drafts/backtest.json": PUBLISHES,
    "GET /policies/{policy}.json": EVERYBODY,
    "GET /policies/{policy}": EVERYBODY,
    "POST /policies/{policy}/examples": EVERYBODY,
    "POST /policies/{policy}/snoozes": PUBLISHES,
    "GET /proposals.json": EVERYBODY,
    "GET /proposals/{proposal}": EVERYBODY,
    "POST /proposals/{proposal}/approve": PUBLISHES,
    "POST /proposals/{proposal}/decline": PUBLISHES,
    "GET /publications": EVERYBODY,
    "GET /publications.json": EVERYBODY,
    "GET /publications/compare": EVERYBODY,
    "GET /publications/compare.json": EVERYBODY,
    "GET /publications/{bundle}": EVERYBODY,
    "POST /publications/{bundle}": PUBLISHES,
    "GET /banks": EVERYBODY,
    "GET /banks.json": EVERYBODY,
    "GET /banks/{bank}": EVERYBODY,
    "POST /banks/{bank}/configure": MANAGES_BANKS,
    "POST /banks/{bank}/entries": MANAGES_BANKS,
    "GET /banks/{bank}/entries/{entry}": EVERYBODY,
    "POST /banks/{bank}/entries/{entry}/suspend": MANAGES_BANKS,
    "POST /banks/{bank}/entries/{entry}/restore": MANAGES_BANKS,
    "POST /banks/{bank}/entries/{entry}/remove": MANAGES_BANKS,
    "GET /jobs": EVERYBODY,
    "POST /jobs/{job}/requeue": ADMIN,
    "GET /ledger": READS_LEDGER,
    "GET /ledger.json": READS_LEDGER,
    "POST /ledger/verify": ADMIN,
    "GET /subjects": ADMIN,
    "POST /subjects/export": ADMIN,
    "POST /subjects/erase": ADMIN,
    "POST /subjects/legal-holds": ADMIN,
    "POST /subjects/legal-holds/{hold}/lift": ADMIN,
    "GET /ledger/verification": READS_LEDGER,
    "GET /access": ADMIN,
    "GET /access/views": ADMIN,
    "GET /access/views.json": ADMIN,
    "POST /access/people": ADMIN,
    "POST /access/people/{person}/disable": ADMIN,
    "POST /access/people/{person}/enable": ADMIN,
    "POST /access/people/{person}/roles": ADMIN,
    "POST /access/people/{person}/team": ADMIN,
    "POST /access/people/{person}/languages": ADMIN,
    "POST /access/people/{person}/skills": ADMIN,
    "POST /access/people/{person}/link": ADMIN,
    "POST /access/keys": ADMIN,
    "POST /access/keys/{key}/revoke": ADMIN,
}
PUBLIC = {
    *("GET /sign-in", "POST /sign-in", "GET /choose-password", "POST /choose-password"),
    *("GET /report", "POST /report", "GET /report/{token}"),
    *("GET /appeal/{token}", "POST /appeal/{token}"),
    *("POST /appeal/{token}/messages", "POST /appeal/{token}/withdraw"),
    *("GET /sign-in/oidc", "GET /sign-in/oidc/callback", "GET /sign-in/oidc/sign-out"),
}
CHANGING = sorted(name for name in ALLOWED if name.startswith("POST"))


@pytest.fixture(scope="module")
def browsers(rig: Rig) -> dict[str, Browser]:
    return {role: rig.browser(role) for role in EVERYBODY}


@pytest.fixture(scope="module")
def places(rig: Rig) -> dict[str, str]:
    """What stands for the parameters of paths: things that exist, where a page reads; none where one changes."""
    screened = rig.screen("You silly person", id="permissions")
    return {
        "case": review.case_id(screened.item),
        "item": screened.item,
        "decision": screened.decision,
        "bundle": rig.app.bundle.hash,
        "proposal": proposal(rig),
        "snooze": "snz_none",
        "review": "rev_none",
        "bulk": "bulk_none",
        "summary": "sum_none",
        "search": "none",
        "account": rig.app.vault.find("account", "author") or "",
        "enforcement": "enf_none",
        "policy": "rudeness",
        "revision:int": "1",
        "field": "body",
        "frame:int": "0",
        "delivery": "dlv_none",
        "job": "job_none",
        "person": "per_none",
        "session": "none",
        "key": "none",
        "hold": "none",
        "endpoint": "none",
        "bank": "blocked-texts",
        "entry": "ent_none",
        "task": "blind_none",
        "golden": "gold_none",
        "appeal": "app_none",
        "reporter": "en_none",
        "report": "rep_none",
    }


def path_of(name: str, places: dict[str, str]) -> str:
    path = name.split(" ", 1)[1]
    for parameter, value in places.items():
        path = path.replace("{" + parameter + "}", value)
    assert "{" not in path
    return path


def test_the_table_names_every_page() -> None:
    assert {f"{page.method} {page.path}" for page in PAGES} == set(ALLOWED) | PUBLIC
    assert {f"{page.method} {page.path}" for page in PAGES if page.public} == PUBLIC


@pytest.mark.parametrize("role", sorted(EVERYBODY))
@pytest.mark.parametrize("name", sorted(set(ALLOWED) - {"POST /sign-out"}))
def test_a_page_opens_to_its_roles_only(
    browsers: dict[str, Browser], places: dict[str, str], name: str, role: str
) -> None:
    browser, path = browsers[role], path_of(name, places)
    answer = browser.get(path) if name.startswith("GET") else browser.post(path)
    if role in ALLOWED[name]:
        assert answer.status_code in (200, 303, 404, 409, 422)
    else:
        assert answer.status_code == 403
        if not path.endswith(".json"):
            assert "Permission denied" in answer.text


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_nobody_gets_in_without_signing_in(rig: Rig, places: dict[str, str], name: str) -> None:
    browser, path = rig.browser(), path_of(name, places)
    answer = browser.get(path) if name.startswith("GET") else browser.post(path)
    if path.endswith(".json"):
        assert answer.status_code == 401
    else:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("name", CHANGING)
@pytest.mark.parametrize("csrf", ["", "guess"])
def test_every_change_needs_the_token_of_the_session(
    browsers: dict[str, Browser], places: dict[str, str], name: str, csrf: str
) -> None:
    answer = browsers["admin"].post(path_of(name, places), csrf=csrf)
    assert answer.status_code == 403
    assert "Please try again" in answer.text


def test_one_session_does_not_accept_the_token_of_another(browsers: dict[str, Browser]) -> None:
    browsers["policy"].get("/")
    assert browsers["admin"].post("/ledger/verify", csrf=browsers["policy"].csrf).status_code == 403


def test_the_menu_shows_what_the_roles_open(browsers: dict[str, Browser]) -> None:
    assert 'href="/access"' in browsers["admin"].get("/").text
    reviewer = browsers["reviewer"].get("/").text
    assert 'href="/access"' not in reviewer
    assert 'href="/ledger"' not in reviewer
    assert 'href="/queue"' in reviewer
