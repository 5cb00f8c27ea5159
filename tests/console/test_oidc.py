"""Signing in with an OpenID provider: a real one over a socket, that may be down or lie."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from seawall import access
from seawall.access.events import IdentityLinked, PersonAdded, PersonRolesChanged, PersonSignedIn
from support.console import PASSWORD, Browser, Rig, opened


class Provider:
    """Discovery, keys and codes like a real provider; a test changes what it says."""

    def __init__(self) -> None:
        self.key: Any = RSAKey.generate_key(2048, {"kid": "one"})
        self.published: Any = None  # keys; None: the present one
        self.algorithm = "RS256"
        self.claims: dict[str, Any] = {}  # changes of the ID token's claims
        self.person: dict[str, Any] = {}
        self.discovery: dict[str, Any] = {}
        self.down = False
        self.codes: dict[str, dict[str, str]] = {}
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                if self.path.startswith("/authorize"):
                    back = owner.authorize(self.path)
                    self.send_response(303)
                    self.send_header("location", back)
                    self.end_headers()
                else:
                    self.answer(200, owner.configuration() if "well-known" in self.path else owner.jwks())

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                self.answer(*owner.exchange({name: values[0] for name, values in form.items()}))

            def answer(self, status: int, body: dict[str, Any]) -> None:
                data = json.dumps(body).encode()
                self.send_response(503 if owner.down else status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "end_session_endpoint": f"{self.issuer}/logout",
        } | self.discovery

    def jwks(self) -> dict[str, Any]:
        key = self.published or self.key
        return {"keys": [{"kty": "new-kind"}, key.as_dict(private=False)]}

    def authorize(self, path: str) -> str:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def exchange(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if asked is None or base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": "seawall", "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims |= self.person | self.claims
        header: dict[str, Any] = {"alg": self.algorithm, "kid": self.key.kid}
        if self.algorithm == "none":
            parts = (json.dumps(part).encode() for part in (header, claims))
            token = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."
        else:
            token = jwt.encode(header, claims, self.key, algorithms=[self.algorithm])
        return 200, {"id_token": token, "token_type": "Bearer"}


CONFIGURATION = """\
issuer: {issuer}
client_id: seawall
client_secret: ${{SEAWALL_OIDC_SECRET}}
name: Example login
private_network: yes
provision: {provision}
roles:
  claim: realm_access.roles
  map:
    moderators: reviewer
    leads: [policy, reviewer]
"""


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    made.person = {"sub": "s-1", "email": "new@example.org", "email_verified": True, "name": "New Person"}
    made.person["realm_access"] = {"roles": ["moderators"]}
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def rig(tmp_path: Path, provider: Provider, request: pytest.FixtureRequest) -> Iterator[Rig]:
    file = tmp_path / "oidc.yaml"
    provision = getattr(request, "param", "yes")
    file.write_text(CONFIGURATION.format(issuer=provider.issuer, provision=provision))
    environment = {"SEAWALL_OIDC_FILE": str(file), "SEAWALL_OIDC_SECRET": "hush"}
    with opened(tmp_path / "app", environment=environment) as made:
        yield made


def start(provider: Provider, browser: Browser, where: str = "/queue") -> str:
    """From the sign-in page to the provider; the address that it sends the browser back to."""
    answer = browser.get(f"/sign-in/oidc?next={where}")
    assert answer.status_code == 303
    back = urlsplit(provider.authorize(answer.headers["location"]))
    return f"{back.path}?{back.query}"


def signed_in(provider: Provider, browser: Browser) -> Any:
    return browser.get(start(provider, browser))


def bodies(rig: Rig) -> list[object]:
    return [event.body for event in rig.app.ledger.events(0, limit=1000)]


def test_who_has_no_account_gets_one_with_the_mapped_roles(rig: Rig, provider: Provider) -> None:
    browser = rig.browser()
    assert "Sign in with Example login" in browser.get("/sign-in").text
    answer = signed_in(provider, browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue")
    assert browser.get("/queue").status_code == 200
    who = access.find_person(rig.app.database, "new@example.org")
    assert who.roles == ("reviewer",)
    added, linked, came = bodies(rig)[-3:]
    assert added == PersonAdded(person=who.id, roles=("reviewer",), by="oidc")
    assert linked == IdentityLinked(person=who.id, provisioned=True)
    assert came == PersonSignedIn(person=who.id, method="oidc")
    provider.person["realm_access"] = {"roles": ["leads"]}
    assert signed_in(provider, rig.browser()).status_code == 303
    assert access.find_person(rig.app.database, who.id).roles == ("policy", "reviewer")
    assert any(isinstance(body, PersonRolesChanged) for body in bodies(rig))
    provider.person["realm_access"] = {"roles": []}
    assert "no role here any more" in signed_in(provider, rig.browser()).text


def test_an_existing_person_is_linked_by_a_verified_email_and_keeps_roles(rig: Rig, provider: Provider) -> None:
    provider.person |= {"email": "Admin@example.org", "email_verified": "true"}
    assert "has not verified your email" in signed_in(provider, rig.browser()).text
    provider.person["email_verified"] = True
    assert signed_in(provider, rig.browser()).status_code == 303
    assert access.find_person(rig.app.database, "admin@example.org").roles == ("admin",)
    provider.person |= {"sub": "s-2"}  # the provider gave the email to somebody else
    assert "belongs to another identity" in signed_in(provider, rig.browser()).text


@pytest.mark.parametrize("rig", ["no"], indirect=True)
def test_without_provisioning_nobody_new_comes_in(rig: Rig, provider: Provider) -> None:
    answer = signed_in(provider, rig.browser())
    assert answer.status_code == 401
    assert "You have no account here yet" in answer.text


def test_a_closed_account_stays_closed(rig: Rig, provider: Provider) -> None:
    assert signed_in(provider, rig.browser()).status_code == 303
    who = access.find_person(rig.app.database, "new@example.org")
    access.disable_person(rig.app.ledger, who.id)
    assert "Your account is closed" in signed_in(provider, rig.browser()).text


def _claim(name: str, value: Any) -> Callable[[Provider], None]:
    return lambda provider: provider.claims.update({name: value})


def _other_key(provider: Provider) -> None:
    provider.published = RSAKey.generate_key(2048, {"kid": "other"})


def _same_name(provider: Provider) -> None:
    provider.published = RSAKey.generate_key(2048, {"kid": "one"})


def _shared_secret(provider: Provider) -> None:
    provider.published, provider.algorithm = provider.key, "HS256"
    provider.key = OctKey.import_key("x" * 40, {"kid": "one"})


def _unsigned(provider: Provider) -> None:
    provider.algorithm = "none"


LIES = {
    "another issuer": (_claim("iss", "https://evil.example"), "of another provider"),
    "another audience": (_claim("aud", "shop"), "for another service"),
    "two audiences and no azp": (_claim("aud", ["seawall", "shop"]), "given to another service"),
    "another azp": (_claim("azp", "shop"), "given to another service"),
    "expired": (_claim("exp", 1_000), "has expired"),
    "expires never": (_claim("exp", float("inf")), "has expired"),
    "expires true": (_claim("exp", True), "has expired"),
    "old": (_claim("iat", 1_000), "too old"),
    "of the future": (_claim("iat", 99_999_999_999), "of the future"),
    "not yet valid": (_claim("nbf", 99_999_999_999), "not valid yet"),
    "another nonce": (_claim("nonce", "guess"), "another sign-in"),
    "no nonce": (_claim("nonce", None), "another sign-in"),
    "nobody": (_claim("sub", ""), "names nobody"),
    "unknown key": (_other_key, "does not publish"),
    "a key of the same name": (_same_name, "signature"),
    "a shared secret": (_shared_secret, "not signed in a way"),
    "unsigned": (_unsigned, "not signed in a way"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_provider_signs_nobody_in(rig: Rig, provider: Provider, lie: str) -> None:
    tell, said = LIES[lie]
    tell(provider)
    browser = rig.browser()
    answer = signed_in(provider, browser)
    assert answer.status_code == 401
    assert said in answer.text
    assert browser.get("/queue").status_code == 303
    assert not any(isinstance(body, IdentityLinked) for body in bodies(rig))
    assert browser.sign_in("reviewer@example.org", PASSWORD).status_code == 303


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # the library's: providers still write this name
@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", RSAKey.generate_key(2048, {"kid": "two"})),
        ("PS256", RSAKey.generate_key(2048, {"kid": "two"})),
        ("ES256", ECKey.generate_key("P-256", {"kid": "two"})),
        ("EdDSA", OKPKey.generate_key("Ed25519", {"kid": "two"})),
    ],
)
def test_keys_rotate(rig: Rig, provider: Provider, algorithm: str, key: Any) -> None:
    assert signed_in(provider, rig.browser()).status_code == 303
    provider.key, provider.algorithm = key, algorithm
    assert signed_in(provider, rig.browser()).status_code == 303


def test_an_answer_counts_once_and_in_its_own_browser(rig: Rig, provider: Provider) -> None:
    browser, stranger = rig.browser(), rig.browser()
    back = start(provider, browser)
    assert "did not begin this sign-in" in stranger.get(back).text
    other = start(provider, stranger)
    assert "belongs to another sign-in" in stranger.get(back).text
    assert "did not begin" in stranger.get(other).text  # its cookie went with the refusal
    cookie = browser.cookies["seawall_oidc"]
    assert browser.get(back).status_code == 303
    assert "did not begin" in rig.browser().get(back).text
    again = rig.browser()
    again.cookies.set("seawall_oidc", cookie, domain="console.test")
    assert "used before" in again.get(back).text  # the provider's code
    fresh = provider.authorize("/?" + urlencode(provider_asks(back)))
    again.cookies.set("seawall_oidc", cookie, domain="console.test")
    assert again.get("/sign-in/oidc/callback?" + urlsplit(fresh).query).status_code == 401
    altered = rig.browser()
    altered.cookies.set("seawall_oidc", cookie[:-1] + "x", domain="console.test")
    assert "did not begin" in altered.get(back).text


def provider_asks(back: str) -> dict[str, str]:
    state = parse_qs(urlsplit(back).query)["state"][0]
    return {"state": state, "redirect_uri": "http://console.test/x", "nonce": "x", "code_challenge": "x"}


def test_an_answer_of_another_provider_is_refused(rig: Rig, provider: Provider) -> None:
    browser = rig.browser()
    answer = browser.get(start(provider, browser) + "&iss=https%3A%2F%2Fevil.example")
    assert "names another provider" in answer.text
    answer = browser.get(start(provider, browser).partition("?")[0] + "?error=access_denied")
    assert answer.status_code == 401


def test_a_wrong_configuration_is_refused(rig: Rig, provider: Provider) -> None:
    provider.discovery = {"issuer": "https://evil.example"}
    assert "names another issuer" in rig.browser().get("/sign-in/oidc").text


def test_passwords_work_while_the_provider_is_down(rig: Rig, provider: Provider) -> None:
    provider.down = True
    browser = rig.browser()
    answer = browser.get("/sign-in/oidc")
    assert answer.status_code == 503
    assert "does not answer" in answer.text
    assert browser.sign_in("reviewer@example.org", PASSWORD).status_code == 303


def test_signing_out_leads_to_the_provider_too(rig: Rig, provider: Provider) -> None:
    browser = rig.browser("reviewer")
    answer = browser.post("/sign-out")
    assert "/sign-in/oidc/sign-out" in browser.get(answer.headers["location"]).text
    assert browser.get("/sign-in/oidc/sign-out").headers["location"].startswith(f"{provider.issuer}/logout?")


def test_other_sessions_are_ended_at_once(rig: Rig) -> None:
    browser, other = rig.browser("reviewer"), rig.browser("reviewer")
    browser.get("/account")
    assert browser.post("/account/sessions/end-others").status_code == 303
    assert (browser.get("/").status_code, other.get("/").status_code) == (200, 303)


def test_a_person_signs_in_with_the_provider_in_a_real_browser(
    chromium: Any, tmp_path: Path, provider: Provider
) -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    file = tmp_path / "oidc.yaml"
    file.write_text(CONFIGURATION.format(issuer=provider.issuer, provision="yes"))
    environment = {"SEAWALL_OIDC_FILE": str(file), "SEAWALL_OIDC_SECRET": "hush"}
    with opened(tmp_path / "app", environment=environment, public_url=address) as rig:
        server = uvicorn.Server(uvicorn.Config(rig.asgi, log_level="warning", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        page = chromium.new_context().new_page()
        try:
            page.goto(f"{address}/account")
            assert not violations(page)
            page.get_by_role("link", name="Sign in with Example login").press("Enter")
            page.wait_for_url(f"{address}/account")
            assert "new@example.org" in page.content()
            provider.claims = {"nonce": "guess"}
            page.context.clear_cookies()
            page.goto(f"{address}/sign-in")
            page.get_by_role("link", name="Sign in with Example login").click()
            page.get_by_role("alert").wait_for()
            assert "belongs to another sign-in" in page.get_by_role("alert").inner_text()
            assert not violations(page)
            for name, width, height, scheme in (("wide", 1280, 800, "light"), ("narrow", 390, 844, "dark")):
                page.set_viewport_size({"width": width, "height": height})
                page.emulate_media(color_scheme=scheme)
                assert not violations(page), name
        finally:
            page.context.close()
            server.should_exit = True
            thread.join(10)
            listener.close()


def violations(page: Any) -> list[str]:
    return [one["id"] for one in Axe().run(page).response["violations"]]
