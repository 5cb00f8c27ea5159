"""OpenID Connect: the authorization code flow with PKCE, and the checks of what the provider answers.

What the browser holds is a random state in a cookie with a keyed digest. The nonce and the verifier of PKCE are keyed
digests of that state, so nothing is stored for strangers who only begin. Every request to the provider goes through
``net``, which refuses private addresses unless the configuration declares that the provider is inside.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from seawall.access.errors import AccessError
from seawall.access.oidc_file import OidcConfiguration
from seawall.model import now_ms
from seawall.net.client import FetchError, ask, fetch
from seawall.storage.vault import Vault

ALGORITHMS: Final = ("RS256", "ES256", "PS256", "EdDSA", "Ed25519")
"""Signatures that are accepted: with public keys only, never ``none`` or a shared secret."""

ATTEMPT_MS: Final = 10 * 60 * 1000
"""How long a person may take at the provider."""

CALLBACK: Final = "/sign-in/oidc/callback"
_LEEWAY_S: Final = 60  # clocks differ
_OLDEST_S: Final = 10 * 60  # age of an ID token
_SECONDS: Final = 5.0  # for one request to the provider
_MOST_BYTES: Final = 1 << 20
_KEPT_S: Final = 60 * 60  # how long addresses and keys of the provider are kept


class OidcRefused(AccessError):
    """A sign-in with the provider did not succeed; the message says why, and that passwords still work."""

    def __init__(self, reason: str, text: str) -> None:
        self.reason = reason  # a code for the log
        super().__init__(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInAttempt:
    """What the browser keeps while its person is at the provider. ``where``: the page to open afterwards."""

    state: str
    expires_at: int
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Provider:
    authorization: str
    token: str
    end_session: str
    asks_post: bool  # the client's secret in the form, not in a header
    names_issuer: bool  # in its answer to the browser (RFC 9207)
    keys: tuple[RSAKey | ECKey | OKPKey, ...]
    jwks: str
    until: float


class OidcClient:
    """Signs people in with one provider; ``configuration`` None: there is none. Thread-safe."""

    def __init__(self, configuration: OidcConfiguration | None, vault: Vault, public_url: str) -> None:
        self.configuration = configuration
        self._vault = vault
        self._public_url = public_url
        self._known: _Provider | None = None
        self._lock = threading.Lock()

    @property
    def declared(self) -> OidcConfiguration:
        """The provider's configuration. Raises OidcRefused when there is none."""
        if self.configuration is None:
            raise OidcRefused("not_declared", "There is no single sign-on here. Sign in with email and password.")
        return self.configuration

    def begin(self, where: str) -> tuple[str, str]:
        """The provider's address to send the browser to, and the value of the browser's cookie. Raises OidcRefused."""
        declared, provider = self.declared, self._provider()
        state, expires_at = secrets.token_urlsafe(32), now_ms() + ATTEMPT_MS
        verifier = self._verifier(state)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = urlencode(
            {
                "response_type": "code",
                "client_id": declared.client_id,
                "redirect_uri": self._public_url + CALLBACK,
                "scope": " ".join(declared.scopes),
                "state": state,
                "nonce": self._nonce(state),
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
        )
        joint = "&" if "?" in provider.authorization else "?"
        packed = base64.urlsafe_b64encode(where.encode()).decode().rstrip("=")
        kept = f"{state}.{expires_at}.{packed}"
        return f"{provider.authorization}{joint}{query}", f"{kept}.{self._mark(kept)}"

    def attempt(self, cookie: str) -> SignInAttempt:
        """What this browser began. Raises OidcRefused when the cookie is missing, altered or too old."""
        kept, _, mark = cookie.rpartition(".")
        if not cookie.isascii() or not hmac.compare_digest(self._mark(kept), mark):
            raise _again("no_attempt", "This browser did not begin this sign-in, or its cookie is gone.")
        state, expires, packed = kept.split(".")
        if int(expires) <= now_ms():
            raise _again("attempt_expired", "This sign-in took longer than ten minutes.")
        where = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode()
        return SignInAttempt(state=state, expires_at=int(expires), where=where)

    def finish(self, attempt: SignInAttempt, answer: Mapping[str, str]) -> Mapping[str, Any]:
        """The checked claims of the person, from the provider's ``answer`` to the browser. Raises OidcRefused."""
        declared = self.declared
        if not hmac.compare_digest(attempt.state.encode(), answer.get("state", "").encode("utf-8", "replace")):
            raise _again("state", "The answer belongs to another sign-in.")
        provider = self._provider()
        issuer = answer.get("iss")
        if (issuer is not None or provider.names_issuer) and issuer != declared.issuer:
            raise _lies("answer_issuer", "The answer names another provider than the one that was asked.")
        if error := answer.get("error"):
            code = error if error.replace("_", "").isascii() and error.replace("_", "").isalpha() else "unknown"
            raise OidcRefused("provider_refused", f"{declared.name} refused the sign-in ({code[:60]}).")
        if not (code := answer.get("code", "")):
            raise _again("no_code", "The answer has no code.")
        return self._claims(self._exchange(provider, code, attempt.state), provider, self._nonce(attempt.state))

    def sign_out_address(self) -> str:
        """Where a person ends their session at the provider; empty when it has no such page. Raises OidcRefused."""
        provider = self._provider()
        if not provider.end_session:
            return ""
        query = {"client_id": self.declared.client_id, "post_logout_redirect_uri": f"{self._public_url}/sign-in"}
        return f"{provider.end_session}{'&' if '?' in provider.end_session else '?'}{urlencode(query)}"

    def _provider(self, *, fresh_keys: bool = False) -> _Provider:
        with self._lock:
            known = self._known
        if known is not None and not fresh_keys and known.until > time.monotonic():
            return known
        made = self._discover()
        with self._lock:
            self._known = made
        return made

    def _discover(self) -> _Provider:
        declared = self.declared
        found = self._get_json(declared.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != declared.issuer:
            raise _lies("wrong_issuer", "The provider's configuration names another issuer.")
        jwks = self._address(found, "jwks_uri")
        methods = found.get("token_endpoint_auth_methods_supported")
        return _Provider(
            authorization=self._address(found, "authorization_endpoint"),
            token=self._address(found, "token_endpoint"),
            end_session=self._address(found, "end_session_endpoint") if "end_session_endpoint" in found else "",
            asks_post=isinstance(methods, list) and "client_secret_basic" not in methods,
            names_issuer=found.get("authorization_response_iss_parameter_supported") is True,
            keys=_keys(self._get_json(jwks)),
            jwks=jwks,
            until=time.monotonic() + _KEPT_S,
        )

    def _address(self, found: Mapping[str, Any], name: str) -> str:
        """An address of the provider's configuration; with TLS where the issuer has it."""
        value = found.get(name)
        wanted = urlsplit(self.declared.issuer).scheme
        if not isinstance(value, str) or not value.isprintable() or urlsplit(value).scheme not in ("https", wanted):
            raise _lies("configuration", f"The provider's configuration has no usable {name}.")
        return value

    def _get_json(self, url: str) -> dict[str, Any]:
        private = self.declared.private_network
        try:
            got = fetch(url, max_bytes=_MOST_BYTES, seconds=_SECONDS, allow_private=private)
        except FetchError as error:
            raise _down(error) from error
        if got.final_url != url:
            raise _lies("redirected", "The provider's address is redirected elsewhere.")
        return _object(got.data)

    def _exchange(self, provider: _Provider, code: str, state: str) -> str:
        """The ID token for a code. Raises OidcRefused, also for a code that was used before."""
        declared = self.declared
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._public_url + CALLBACK,
            "code_verifier": self._verifier(state),
        }
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        if declared.client_secret and not provider.asks_post:
            pair = f"{quote(declared.client_id, safe='')}:{quote(declared.client_secret, safe='')}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": declared.client_id}
            form |= {"client_secret": declared.client_secret} if declared.client_secret else {}
        body = urlencode(form).encode()
        try:
            got = ask(
                provider.token,
                headers=headers,
                body=body,
                max_bytes=_MOST_BYTES,
                seconds=_SECONDS,
                allow_private=declared.private_network,
            )
        except FetchError as error:
            raise _down(error) from error
        if got.status in (400, 401, 403):
            raise _again("code", "The provider does not accept the code: it was used before, or is too old.")
        token = _object(got.data).get("id_token") if got.status == 200 else None
        if not isinstance(token, str):
            raise _lies("no_token", "The provider gave no ID token.")
        return token

    def _claims(self, token: str, provider: _Provider, nonce: str) -> dict[str, Any]:
        """The claims of an ID token whose signature and claims hold. Raises OidcRefused."""
        try:
            header = jws.extract_compact(token.encode()).headers()
        except (JoseError, ValueError) as error:
            raise _lies("token", "The provider's ID token cannot be read.") from error
        if header.get("alg") not in ALGORITHMS:
            raise _lies("algorithm", "The provider's ID token is not signed in a way that is accepted here.")
        key = _key(provider.keys, header) or _key(self._provider(fresh_keys=True).keys, header)
        if key is None:
            raise _lies(
                "unknown_key", "The provider's ID token is signed with a key that the provider does not publish."
            )
        try:
            claims = jwt.decode(token, key, algorithms=list(ALGORITHMS)).claims
        except (JoseError, ValueError) as error:
            raise _lies("signature", "The signature of the provider's ID token is wrong.") from error
        _check_claims(claims, self.declared, nonce)
        return claims

    def _nonce(self, state: str) -> str:
        return self._vault.digest(f"oidc-nonce\0{state}".encode())

    def _verifier(self, state: str) -> str:
        return hashlib.sha256(self._vault.digest(f"oidc-verifier\0{state}".encode()).encode()).hexdigest()

    def _mark(self, kept: str) -> str:
        return self._vault.digest(f"oidc-attempt\0{kept}".encode("utf-8", "replace"))


def _check_claims(claims: Mapping[str, Any], declared: OidcConfiguration, nonce: str) -> None:
    """Raises OidcRefused for an ID token that is of another provider, client, time or attempt."""
    now = now_ms() / 1000
    if claims.get("iss") != declared.issuer:
        raise _lies("issuer", "The ID token is of another provider.")
    audience = claims.get("aud")
    listed = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    if declared.client_id not in listed:
        raise _lies("audience", "The ID token is for another service.")
    if (len(listed) > 1 or "azp" in claims) and claims.get("azp") != declared.client_id:
        raise _lies("authorized_party", "The ID token was given to another service.")
    expires, issued = _seconds(claims, "exp"), _seconds(claims, "iat")
    if expires is None or expires <= now - _LEEWAY_S:
        raise _lies("expired", "The ID token has expired. Compare the clocks of both machines.")
    if issued is None or not now - _OLDEST_S - _LEEWAY_S <= issued <= now + _LEEWAY_S:
        raise _lies("issued_at", "The ID token is too old, or of the future. Compare the clocks of both machines.")
    if "nbf" in claims and ((begins := _seconds(claims, "nbf")) is None or begins > now + _LEEWAY_S):
        raise _lies("not_before", "The ID token is not valid yet. Compare the clocks of both machines.")
    sent = claims.get("nonce")
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode("utf-8", "replace"), nonce.encode()):
        raise _lies("nonce", "The ID token belongs to another sign-in.")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise _lies("subject", "The ID token names nobody.")


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    fine = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if fine and value is not None else None


def _keys(found: Mapping[str, Any]) -> tuple[RSAKey | ECKey | OKPKey, ...]:
    """The public keys for signatures. One that cannot be read does not take the others away."""
    listed = found.get("keys")
    made: list[RSAKey | ECKey | OKPKey] = []
    for each in listed[:100] if isinstance(listed, list) else []:
        if not isinstance(each, dict) or each.get("kty") not in ("RSA", "EC", "OKP") or each.get("use") == "enc":
            continue
        try:
            key = import_key(each)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        if isinstance(key, RSAKey | ECKey | OKPKey):
            made.append(key)
    return tuple(made)


def _key(keys: tuple[RSAKey | ECKey | OKPKey, ...], header: Mapping[str, Any]) -> RSAKey | ECKey | OKPKey | None:
    """The key that the header names; without a name, the only key that fits the algorithm."""
    kty = {"R": "RSA", "P": "RSA"}.get(str(header["alg"])[0], "EC" if header["alg"] == "ES256" else "OKP")
    fitting = [key for key in keys if key.key_type == kty]
    if "kid" in header:
        fitting = [key for key in fitting if key.kid == header["kid"]]
    return fitting[0] if len(fitting) == 1 else None


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _lies("no_json", "The provider's answer cannot be read.") from error
    if not isinstance(found, dict):
        raise _lies("no_json", "The provider's answer cannot be read.")
    return found


def _again(reason: str, text: str) -> OidcRefused:
    return OidcRefused(reason, f"{text} Begin again below.")


def _lies(reason: str, text: str) -> OidcRefused:
    return OidcRefused(reason, f"{text} You were not signed in. Tell your administrator; passwords still work.")


def _down(error: FetchError) -> OidcRefused:
    text = "The single sign-on does not answer. Try again later, or sign in with email and password."
    return OidcRefused(f"provider_{error.code}", text)
