"""The console as one ASGI application: pages, static files, security headers, error pages."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import structlog
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seawall.access import Throttle, find_session, warm_up_passwords
from seawall.app import App
from seawall.console.languages import gettext, language_of, marked, speaking
from seawall.console.live_updates import LiveUpdates
from seawall.console.request import ConsoleContext, PageProblem, PageRequest, roles_in_use, route
from seawall.console.routes import console_pages
from seawall.console.static_files import static_route
from seawall.console.templates import STATIC, environment, problem_page, render
from seawall.storage import StorageError

_log = structlog.get_logger(__name__)

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self'; style-src 'self'; script-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
)

_THREADS = 6  # few: pages and screening share the processor
_PUBLIC_THREADS = 2  # one may wait for a password to be checked
_PROVIDER_THREADS = 4  # each may wait seconds for the OpenID provider

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


WIDGET = "/static/widget.js"


class Headers:
    """Adds the security headers to every response; pages are never cached."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if scope["path"] == WIDGET:  # pages of other origins run it
                    headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin")
                framed = "content-security-policy" in headers  # a page that says itself who may frame it
                for name, value in HEADERS.items():
                    if name != "X-Frame-Options" or not framed:
                        headers.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, with_headers)


def build(app: App) -> ASGIApp:
    """The console of an opened application. Starts what its first sign-in would make requests wait for."""
    found = console_pages(app.components)
    context = ConsoleContext(
        app=app,
        throttle=Throttle(app.database),
        secure=urlsplit(app.settings.public_url).scheme == "https",
        menu=found.menu,
        templates=environment(found.templates),
        live=LiveUpdates(app),
        threads=CapacityLimiter(_THREADS),
        public_threads=CapacityLimiter(_PUBLIC_THREADS),
        provider_threads=CapacityLimiter(_PROVIDER_THREADS),
    )
    # Headers wrap the application, so that error pages have them too.
    pages = Starlette(
        routes=[*(route(context, page) for page in found.pages), static_route("/static", STATIC)],
        exception_handlers=_error_pages(context),
    )
    warm_up_passwords()
    context.templates.get_template("access/sign_in.html")
    return Headers(pages)


def _error_pages(context: ConsoleContext) -> dict[Any, Any]:
    """What is shown for each exception, with the menu for people who have a session."""

    async def shown(request: Request, status: int, title: str, text: str, *, with_menu: bool = True) -> Response:
        if request.url.path.endswith(".json"):
            body = {"error": {"status": status, "title": title, "detail": text}}
            return JSONResponse(body, status_code=status)
        if with_menu and request.cookies.get(context.cookie):
            with suppress(Exception):  # an error page never fails: without the menu it needs nothing
                return await run_sync(_with_menu, context, request, status, title, text, limiter=context.threads)
        with speaking(language_of("", request.headers.get("accept-language", ""))):
            return problem_page(status, title, text)

    async def problem(request: Request, error: PageProblem) -> Response:
        return await shown(request, error.status, error.title, error.text)

    async def http_exception(request: Request, error: HTTPException) -> Response:
        titles = {
            404: (marked("Not found"), marked("There is no page at this address.")),
            405: (marked("Method not allowed"), marked("This page does not accept this method.")),
        }
        otherwise = marked("Bad request"), marked("The request could not be understood.")
        title, text = titles.get(error.status_code, otherwise)
        response = await shown(request, error.status_code, title, text)
        response.headers.update(error.headers or {})
        return response

    async def storage_error(request: Request, error: StorageError) -> Response:
        _log.error("storage failed", path=request.url.path, error=str(error))
        return await shown(request, 503, marked("Database unavailable"), str(error), with_menu=False)

    async def disconnected(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=499)  # nobody reads it

    async def crash(request: Request, error: Exception) -> Response:
        _log.error("a page failed", path=request.url.path, exc_info=error)
        text = marked("The error was logged. Nothing was recorded; try again.")
        return await shown(request, 500, marked("Internal error"), text)

    return {
        PageProblem: problem,
        HTTPException: http_exception,
        StorageError: storage_error,
        ClientDisconnect: disconnected,
        Exception: crash,
    }


def _with_menu(context: ConsoleContext, request: Request, status: int, title: str, text: str) -> Response:
    session = find_session(context.app.database, request.cookies[context.cookie], roles_in_use(context.app))
    if session is None:
        return problem_page(status, title, text)
    asked = PageRequest(context=context, http=request, session=session)
    with speaking(asked.language):
        return render(
            asked, "problem_with_menu.html", status=status, title=gettext(title), text=gettext(text), code=status
        )
