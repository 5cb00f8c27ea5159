"""Signing in and out, cookies, headers, and what strangers get."""

from __future__ import annotations

from pathlib import Path

import pytest

from seawall.console.request import local_path
from support.console import PASSWORD, Rig, opened


def test_signing_in_opens_the_page_that_was_asked_for(rig: Rig) -> None:
    browser = rig.browser()
    answer = browser.get("/queue?queue=rudeness")
    assert answer.headers["location"] == "/sign-in?next=%2Fqueue%3Fqueue%3Drudeness"
    form = browser.get(answer.headers["location"])
    assert 'value="/queue?queue=rudeness"' in form.text
    answer = browser.post("/sign-in", email="reviewer@example.org", password=PASSWORD, next="/queue?queue=rudeness")
    assert answer.headers["location"] == "/queue?queue=rudeness"
    assert browser.get("/queue?queue=rudeness").status_code == 200


@pytest.mark.parametrize(
    "where",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "evil",
        "/a\nb",
        "/\tevil",
        "",
    ],
)
def test_nobody_is_sent_elsewhere(rig: Rig, where: str) -> None:
    assert local_path(where) == "/"
    browser = rig.browser()
    browser.get("/sign-in")
    answer = browser.post("/sign-in", email="admin@example.org", password=PASSWORD, next=where)
    assert answer.headers["location"] == "/"


def test_the_wrong_password_is_refused_in_words_and_the_email_kept(rig: Rig) -> None:
    answer = rig.browser().sign_in("admin@example.org", "wrong")
    assert answer.status_code == 401
    assert "is incorrect" in answer.text
    assert 'value="admin@example.org"' in answer.text
    assert "wrong" not in answer.text


def test_guessing_is_slowed_down(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        browser = rig.browser()
        for _ in range(5):
            assert browser.sign_in("policy@example.org", "wrong").status_code == 401
        answer = browser.sign_in("policy@example.org", PASSWORD)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0


def test_who_signed_in_before_is_not_shut_out_by_others(tmp_path: Path) -> None:
    with opened(tmp_path) as rig:
        owner = rig.browser("policy")
        owner.post("/sign-out")
        for _ in range(5):
            assert rig.browser().sign_in("policy@example.org", "wrong").status_code == 401
        assert rig.browser().sign_in("policy@example.org", PASSWORD).status_code == 429
        token = owner.cookies["seawall_browser"]
        assert owner.sign_in("policy@example.org", PASSWORD).status_code == 303
        assert owner.cookies["seawall_browser"] == token
        chosen = rig.browser()
        chosen.cookies.set("seawall_browser", "chosen-by-another", domain="console.test")
        assert chosen.sign_in("admin@example.org", PASSWORD).status_code == 303
        assert chosen.cookies.get("seawall_browser", domain="console.test") != "chosen-by-another"


def test_a_flood_of_wrong_passwords_is_refused_without_checking_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path) as rig:
        monkeypatch.setattr("seawall.console.request.DELAY_S", 0.0)
        owner = rig.browser("admin")
        owner.post("/sign-out")
        answers = [rig.browser().sign_in(f"{number}@example.org", "wrong") for number in range(30)]
        busy = [answer for answer in answers if answer.status_code == 429]
        assert busy
        assert all("Try again in a few seconds" in answer.text for answer in busy)
        assert all(int(answer.headers["retry-after"]) > 0 for answer in busy)
        assert owner.sign_in("admin@example.org", PASSWORD).status_code == 303


def test_an_upload_is_not_read_before_the_session_is_looked_at(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger, reviewer = rig.browser(), rig.browser("reviewer")

    async def parsed(*_: object, **__: object) -> None:
        raise AssertionError("the form was parsed")

    monkeypatch.setattr("starlette.requests.Request._get_form", parsed)
    assert stranger.post("/banks/any/entries", kind="image").headers["location"] == "/sign-in"
    assert reviewer.post("/banks/any/entries", kind="image").status_code == 403


def test_the_sign_in_form_needs_its_own_token(rig: Rig) -> None:
    browser = rig.browser()
    browser.get("/sign-in")
    answer = browser.post("/sign-in", csrf="guess", email="admin@example.org", password=PASSWORD)
    assert answer.status_code == 403
    bare = rig.browser()
    assert bare.post("/sign-in", csrf="", email="admin@example.org", password=PASSWORD).status_code == 403


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(rig: Rig) -> None:
    browser = rig.browser()
    browser.get("/sign-in")
    answer = browser.post("/sign-in", email="admin@example.org", password=PASSWORD)
    cookie = next(value for value in answer.headers.get_list("set-cookie") if value.startswith("seawall="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    assert "Max-Age=43200" in cookie


def test_over_https_the_cookie_is_secure_and_bound_to_the_host(tmp_path: Path) -> None:
    with opened(tmp_path, public_url="https://console.test") as rig:
        browser = rig.browser()
        browser.get("/sign-in")
        answer = browser.post("/sign-in", email="admin@example.org", password=PASSWORD)
        (cookie,) = [value for value in answer.headers.get_list("set-cookie") if value.startswith("__Host-seawall=")]
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert browser.get("/").status_code == 200


def test_signing_in_rotates_and_signing_out_ends(rig: Rig) -> None:
    browser = rig.browser("admin")
    first = browser.cookies["seawall"]
    browser.post("/sign-in", email="admin@example.org", password=PASSWORD)
    second = browser.cookies["seawall"]
    assert first != second
    browser.get("/")
    assert browser.post("/sign-out").status_code == 303
    for token in (first, second):
        browser.cookies.set("seawall", token, domain="console.test")
        assert browser.get("/").status_code == 303


def test_a_part_that_renews_itself_leads_to_the_sign_in_page(rig: Rig) -> None:
    answer = rig.browser().get("/overview/live", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"] == "/sign-in"


@pytest.mark.parametrize("path", ["/", "/sign-in", "/nowhere", "/static/seawall.css", "/queue.json"])
def test_every_answer_carries_the_headers(rig: Rig, path: str) -> None:
    headers = rig.browser("reviewer").get(path).headers
    policy = headers["content-security-policy"]
    for directive in (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ):
        assert directive in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert ("cache-control" in headers) == (not path.startswith("/static/"))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/cases/case_none", 404),
        ("GET", "/items/it_none", 404),
        ("GET", "/items/it_none/1/image/cover", 404),
        ("GET", "/decisions/dec_none", 404),
        ("GET", "/policies/none", 404),
        ("GET", "/static/../server.py", 404),
        ("POST", "/", 405),
    ],
)
def test_what_is_not_there_is_said_in_words(rig: Rig, method: str, path: str, status: int) -> None:
    browser = rig.browser("admin")
    answer = browser.get(path) if method == "GET" else browser.post(path)
    assert answer.status_code == status
    assert "Traceback" not in answer.text
    assert "To the start page" in answer.text
    assert '<nav class="menu"' in answer.text
    assert 'action="/sign-out"' in answer.text
    if method == "GET":
        assert '<nav class="menu"' not in rig.browser().get(path).text


def test_a_form_that_is_too_large_is_refused(rig: Rig) -> None:
    answer = rig.browser("admin").post("/access/people", name="x" * 70_000)
    assert answer.status_code == 413


def test_a_page_that_breaks_shows_no_traceback(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = rig.browser("admin")

    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("seawall.console.overview.start.numbers", broken)
    answer = browser.get("/")
    assert answer.status_code == 500
    assert "Internal error" in answer.text
    assert "secret detail" not in answer.text
    assert browser.get("/overview.json").json()["error"]["status"] == 500
