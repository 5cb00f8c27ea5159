"""The console as one ASGI application: pages, static files, security headers, error pages."""

from __future__ import annotations

from urllib.parse import urlsplit

import structlog
from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from seawall.access import Throttle
from seawall.app import App
from seawall.console.request import ConsoleContext, PageProblem, route
from seawall.console.routes import console_pages
from seawall.console.templates import STATIC, environment, problem_page
from seawall.storage import StorageError

_log = structlog.get_logger(__name__)

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self'; style-src 'self'; script-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
)

_THREADS = 6  # few: pages and screening share the processor
_PUBLIC_THREADS = 1

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


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
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, with_headers)


def build(app: App) -> ASGIApp:
    """The console of an opened application."""
    found = console_pages(app.components)
    context = ConsoleContext(
        app=app,
        throttle=Throttle(app.database),
        secure=urlsplit(app.settings.public_url).scheme == "https",
        menu=found.menu,
        templates=environment(found.templates),
        threads=CapacityLimiter(_THREADS),
        public_threads=CapacityLimiter(_PUBLIC_THREADS),
    )
    # Headers wrap the application, so that error pages have them too.
    pages = Starlette(
        routes=[*(route(context, page) for page in found.pages), Mount("/static", StaticFiles(directory=STATIC))],
        exception_handlers={
            PageProblem: _problem,
            HTTPException: _http_exception,
            StorageError: _storage_error,
            Exception: _crash,
        },
    )
    return Headers(pages)


def _answer(request: Request, status: int, title: str, text: str) -> Response:
    if request.url.path.endswith(".json"):
        return JSONResponse({"error": {"status": status, "title": title, "detail": text}}, status_code=status)
    return problem_page(status, title, text)


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, PageProblem)
    return _answer(request, error.status, error.title, error.text)


def _http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    titles = {
        404: ("Not found", "There is no page at this address."),
        405: ("Method not allowed", "This page does not accept this method."),
    }
    title, text = titles.get(error.status_code, ("Bad request", "The request could not be understood."))
    return _answer(request, error.status_code, title, text)


def _storage_error(request: Request, error: Exception) -> Response:
    _log.error("storage failed", path=request.url.path, error=str(error))
    return _answer(request, 503, "Database unavailable", str(error))


def _crash(request: Request, error: Exception) -> Response:
    _log.error("a page failed", path=request.url.path, exc_info=error)
    return _answer(request, 500, "Internal error", "The error was logged. Nothing was recorded; try again.")
