"""Signing in and out."""

from __future__ import annotations

import hmac
import secrets
from functools import cache

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from seawall import access
from seawall.console.languages import gettext as _
from seawall.console.request import (
    ConsoleContext,
    Page,
    PageRequest,
    delay_refusal,
    form_cookie,
    local_path,
    redirect,
    roles_in_use,
)
from seawall.console.templates import problem_page, render

_BROWSER = "seawall_browser"  # the cookie of a browser that signed in before

_log = structlog.get_logger(__name__)


def show(request: PageRequest) -> Response:
    """Show the sign-in form."""
    if request.session is not None:
        return redirect(local_path(request.query("next", "/")))
    return _form(request, where=local_path(request.query("next", "/")))


def sign_in(request: PageRequest) -> Response:
    """Check email and password; a new session replaces any former one."""
    where = local_path(request.field("next", "/"))
    email, password = request.field("email"), request.field("password")
    address = request.http.client.host if request.http.client else ""
    database, throttle = request.app.database, request.context.throttle
    browser = browser_of(request.context, request.http)
    try:
        person = access.authenticate(database, throttle, email, password, address, browser)
    except (access.SignInThrottled, access.SignInBusy) as error:
        _log.warning("sign-in refused", reason="throttled", address=_pseudonym(request, address))
        response = _form(request, where=where, email=email, error=_(str(error)), status=429)
        response.headers["Retry-After"] = str(int(error.retry_after_s) + 1)
        return response
    except access.SignInFailed as error:
        _log.warning("sign-in refused", reason="failed", address=_pseudonym(request, address))
        return _form(request, where=where, email=email, error=_(str(error)), status=401)
    access.record_sign_in(request.app.ledger, person.id)
    return _signed_in(request, person, where)


def _signed_in(request: PageRequest, person: access.Person, where: str) -> Response:
    """A new session for the person, which replaces this browser's former one, and the browser is known from now on."""
    throttle, browser = request.context.throttle, browser_of(request.context, request.http)
    previous = request.http.cookies.get(request.context.cookie)
    token = access.start_session(request.app.database, person, previous=previous)
    if not throttle.knows(person.email, browser):  # never a token that somebody else may have chosen
        browser = _new_browser(request.context)
    throttle.remember(person.email, browser)
    response = redirect(where)
    for name, value, seconds in (
        (request.context.cookie, token, access.LIFE_MS // 1000),
        (_BROWSER, browser, access.KNOWN_FOR_S),
    ):
        response.set_cookie(name, value, max_age=seconds, httponly=True, samesite="lax", secure=request.context.secure)
    response.delete_cookie(form_cookie())
    return response


def begin_oidc(request: PageRequest) -> Response:
    """Send the browser to the OpenID provider. A link, not a form: a form must not lead to another site."""
    where = local_path(request.query("next", "/"))
    if request.session is not None:
        return redirect(where)
    try:
        address, attempt = _oidc(request).begin(where)
    except access.OidcRefused as error:
        return _oidc_refused(request, error, where)
    response = redirect(address)
    response.set_cookie(
        _attempt_cookie(request),
        attempt,
        max_age=access.ATTEMPT_MS // 1000,
        httponly=True,
        samesite="lax",
        secure=request.context.secure,
    )
    return response


def finish_oidc(request: PageRequest) -> Response:
    """The browser comes back from the provider: its person is signed in, or the sign-in page says why not."""
    client, where = _oidc(request), "/"
    try:
        attempt = client.attempt(request.http.cookies.get(_attempt_cookie(request), ""))
        where = local_path(attempt.where)
        claims = client.finish(attempt, request.http.query_params)
        person = access.sign_in_identity(
            request.app.ledger, client.declared, attempt, claims, roles_in_use(request.app)
        )
    except access.OidcRefused as error:
        return _oidc_refused(request, error, where)
    response = _signed_in(request, person, where)
    response.delete_cookie(_attempt_cookie(request), secure=request.context.secure, httponly=True, samesite="lax")
    return response


def sign_out_of_oidc(request: PageRequest) -> Response:
    """To the provider's own page for signing out."""
    try:
        return redirect(_oidc(request).sign_out_address() or "/sign-in")
    except access.OidcRefused as error:
        return _oidc_refused(request, error, "/")


def _oidc(request: PageRequest) -> access.OidcClient:
    return request.app.context.get(access.OidcClient)


def _attempt_cookie(request: PageRequest) -> str:
    return "__Host-seawall_oidc" if request.context.secure else "seawall_oidc"


def _oidc_refused(request: PageRequest, error: access.OidcRefused, where: str) -> Response:
    address = request.http.client.host if request.http.client else ""
    _log.warning("sign-in refused", reason=f"oidc_{error.reason}", address=_pseudonym(request, address))
    response = _form(request, where=where, error=_(str(error)), status=503 if "provider_" in error.reason else 401)
    response.delete_cookie(_attempt_cookie(request), secure=request.context.secure, httponly=True, samesite="lax")
    return response


def _pseudonym(request: PageRequest, address: str) -> str:
    """A keyed digest: attempts from one address can be counted, and the address stays out of the log."""
    return request.app.vault.digest(f"address\0{address}".encode())[:16]


async def refuse(context: ConsoleContext, request: Request) -> Response | None:
    """Refuse a stranger's attempt when no further password is checked: at the least cost, before its form is read."""
    address = request.client.host if request.client else ""
    if not context.throttle.checking(address).are_used_up or browser_of(context, request):
        return None
    await delay_refusal()
    headers = {"Retry-After": str(int(access.SignInBusy.retry_after_s) + 1), "Connection": "close"}
    return HTMLResponse(_busy_page(), status_code=429, headers=headers)


@cache
def _busy_page() -> bytes:
    return bytes(problem_page(429, "Too many attempts", str(access.SignInBusy())).body)


def _new_browser(context: ConsoleContext) -> str:
    """A token for a browser that has signed in; it shows by itself that it was made here."""
    name = secrets.token_hex(16)
    return f"{name}.{_mark(context, name)}"


def browser_of(context: ConsoleContext, request: Request) -> str:
    """The token of the browser's cookie; empty when it has none, or one that was not made here."""
    token = request.cookies.get(_BROWSER, "")
    name, _dot, mark = token.partition(".")
    return token if token.isascii() and hmac.compare_digest(_mark(context, name), mark) else ""


def _mark(context: ConsoleContext, name: str) -> str:
    return context.app.vault.digest(f"{_BROWSER} {name}".encode())


def sign_out(request: PageRequest) -> Response:
    """End the session."""
    token = request.http.cookies.get(request.context.cookie)
    if token:
        access.end_session(request.app.database, token)
    response = redirect("/sign-in" if _oidc(request).configuration is None else "/sign-in?signed-out=1")
    response.delete_cookie(request.context.cookie, secure=request.context.secure, httponly=True, samesite="lax")
    return response


def show_link(request: PageRequest) -> Response:
    """The form in which a person chooses a password, once, by a link. Opening it uses nothing up."""
    token = request.query("link")
    try:
        owner = access.person_of_link(request.app.database, token)
    except access.PasswordLinkEnded as error:
        return render(request, "access/choose_password.html", status=410, owner=None, token="", error=_(str(error)))
    return render(request, "access/choose_password.html", owner=owner, token=token, error="")


def use_link(request: PageRequest) -> Response:
    """Take the chosen password. Who holds the link is who may: a session of somebody else in this browser ends."""
    token, chosen = request.field("link"), request.field("password")
    try:
        owner = access.person_of_link(request.app.database, token)
    except access.PasswordLinkEnded as error:
        return render(request, "access/choose_password.html", status=410, owner=None, token="", error=_(str(error)))
    if chosen != request.field("again"):
        error_text = _("The two passwords differ. Type the same one twice.")
        return render(request, "access/choose_password.html", status=422, owner=owner, token=token, error=error_text)
    try:
        access.choose_password(request.app.ledger, token, chosen)
    except access.AccessError as error:
        return render(request, "access/choose_password.html", status=422, owner=owner, token=token, error=_(str(error)))
    return sign_out(request)


def _form(request: PageRequest, *, where: str, email: str = "", error: str = "", status: int = 200) -> Response:
    declared = _oidc(request).configuration
    provider = declared.name if declared is not None else ""
    signed_out = bool(request.query("signed-out"))
    if request.session is not None:
        return render(
            request,
            "access/sign_in.html",
            status=status,
            where=where,
            email=email,
            error=error,
            form_csrf=request.session.csrf,
            provider=provider,
            signed_out=signed_out,
        )
    token = request.http.cookies.get(form_cookie()) or secrets.token_urlsafe(24)
    response = render(
        request,
        "access/sign_in.html",
        status=status,
        where=where,
        email=email,
        error=error,
        form_csrf=token,
        provider=provider,
        signed_out=signed_out,
    )
    response.set_cookie(form_cookie(), token, httponly=True, samesite="lax", secure=request.context.secure)
    return response


PAGES = (
    Page(path="/sign-in", run=show, public=True),
    Page(path="/sign-in", run=sign_in, method="POST", public=True, refuse=refuse),
    Page(path="/sign-in/oidc", run=begin_oidc, public=True, asks_provider=True),
    Page(path=access.CALLBACK, run=finish_oidc, public=True, asks_provider=True),
    Page(path="/sign-in/oidc/sign-out", run=sign_out_of_oidc, public=True, asks_provider=True),
    Page(path="/choose-password", run=show_link, public=True),
    Page(path="/choose-password", run=use_link, method="POST", public=True),
    Page(path="/sign-out", run=sign_out, method="POST"),
)
