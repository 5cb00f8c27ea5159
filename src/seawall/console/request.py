"""One calling convention for every page: a function from a ``PageRequest`` to a response.

``Page`` declares path, method and required permission; ``route`` checks session, permission and CSRF token before the
function runs, in a worker thread, because the database is synchronous.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote, urlsplit

import msgspec
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from jinja2 import Environment
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from seawall import access
from seawall.access import Permission, Person, Preferences, Session
from seawall.console.languages import gettext as _
from seawall.console.languages import language_of, marked, speaking

if TYPE_CHECKING:
    from seawall.app import App
    from seawall.console.live_updates import LiveUpdates

MAX_FORM_BYTES = 64 * 1024
LETTER_BYTES = 256 * 1024
"""For forms in which strangers write at length: 10,000 characters of any script, as browsers encode them."""
MOST_WAITING = 64  # requests for a thread; more are refused
MOST_STRANGERS_WAITING = 4
DELAY_S = 1.0
_MOST_DELAYED = 64  # refusals at once
_delayed = 0  # refusals that wait now; event loop only


class PageProblem(Exception):
    """Ends a request with a page that describes the problem."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.text = text


def missing(what: str) -> PageProblem:
    """Problem 404 for a thing that does not exist."""
    text = _("There is no such %(thing)s. It may have been removed, or the address is mistyped.")
    return PageProblem(404, _("Not found"), text % {"thing": _(what)})


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleContext:
    """Objects that all pages share; one for each process."""

    app: App
    throttle: access.Throttle
    secure: bool  # the console is served over https
    menu: Sequence[MenuEntry]
    templates: Environment
    live: LiveUpdates
    threads: CapacityLimiter  # at once for people who have a session
    public_threads: CapacityLimiter  # at once for everybody else
    provider_threads: CapacityLimiter  # at once that wait for the OpenID provider: passwords need no such thread

    @property
    def cookie(self) -> str:
        """Name of the session's cookie; browsers enforce the rules of its prefix."""
        return "__Host-seawall" if self.secure else "seawall"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """One request with its session, parameters and form."""

    context: ConsoleContext
    http: Request
    session: Session | None
    form: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def app(self) -> App:
        """The running application."""
        return self.context.app

    @property
    def person(self) -> Person:
        """The signed-in person. Only on pages that need a session."""
        if self.session is None:
            raise PageProblem(401, _("Sign in"), _("Sign in to see this page."))
        return self.session.person

    @property
    def preferences(self) -> Preferences:
        """What the signed-in person chose for their console; the defaults without a session."""
        return Preferences() if self.session is None else self.session.preferences

    @property
    def language(self) -> str:
        """Code of the language that the person chose, else of what the browser asks for."""
        return language_of(self.preferences.language, self.http.headers.get("accept-language", ""))

    @property
    def path(self) -> str:
        """The path of the request."""
        return self.http.url.path

    def may(self, permission: Permission | str) -> bool:
        """Whether the person has this permission."""
        return self.session is not None and self.session.person.may(permission)

    def path_param(self, name: str) -> str:
        """A parameter of the path."""
        return str(self.http.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        """A parameter of the query, at most 200 characters."""
        return self.http.query_params.get(name, default)[:200]

    def cursor(self, name: str = "before") -> int | None:
        """A position to continue from; None when absent or not a number."""
        text = self.query(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None

    def field(self, name: str, default: str = "") -> str:
        """One value of the form."""
        return self.form.get(name, (default,))[0]

    def fields(self, name: str) -> tuple[str, ...]:
        """All values of that name in the form."""
        return self.form.get(name, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuEntry:
    """A link in the menu, shown to people who have ``permission``; lower ``order`` comes first.

    ``sections``: first parts of other paths that belong to it, such as ``/cases`` to the queue.
    """

    path: str
    title: str
    permission: Permission | str
    order: int
    sections: tuple[str, ...] = ()


Run: TypeAlias = Callable[[PageRequest], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page's path, function and access. ``permission`` None: any signed-in person; ``public``: no session needed."""

    path: str
    run: Run
    permission: Permission | str | None = None
    method: str = "GET"
    public: bool = False
    asks_provider: bool = False  # waits for the OpenID provider
    upload_bytes: int = 0  # of all files in its form together
    most_files: int = 1  # in its form, if it takes any
    form_bytes: int = MAX_FORM_BYTES  # of its texts, as they are encoded
    refuse: Callable[[ConsoleContext, Request], Awaitable[Response | None]] | None = None  # before the body is read


def route(context: ConsoleContext, page: Page) -> Route:
    """The page as a Starlette route."""

    async def endpoint(request: Request) -> Response:
        # Threads of the console's own: neither its pages nor strangers take those of the API.
        threads = context.public_threads if page.public else context.threads
        threads = context.provider_threads if page.asks_provider else threads
        if page.refuse is not None and (refused := await page.refuse(context, request)) is not None:
            return refused
        if threads.statistics().tasks_waiting >= (MOST_STRANGERS_WAITING if page.public else MOST_WAITING):
            if page.public:
                await delay_refusal()
            text = marked("Too many people use the console. Try again in a moment.")
            raise PageProblem(503, marked("Too many requests"), text)
        if page.upload_bytes and not page.public:  # strangers upload nothing
            session = await run_sync(_session, context, request, limiter=threads)
            if (refusal := _refusal(page, session, request)) is not None:
                return refusal
        form, files = await _form(request, page) if page.method == "POST" else ({}, {})
        return await run_sync(_answer, context, page, request, form, files, limiter=threads)

    name = f"{page.method} {page.path}"
    return Route(page.path, endpoint, methods=[page.method], name=name)


async def delay_refusal() -> None:
    """Wait about a second before a stranger is refused, so that who asks again at once costs less.

    Not all at the same moment, and only few at once: each keeps a connection.
    """
    global _delayed
    if _delayed >= _MOST_DELAYED:
        return
    _delayed += 1
    try:
        await asyncio.sleep(DELAY_S * (0.5 + secrets.randbelow(1_000) / 1_000))
    finally:
        _delayed -= 1


def redirect(where: str) -> RedirectResponse:
    """Redirect with a GET."""
    return RedirectResponse(where, status_code=303)


def json_response(value: object) -> Response:
    """Typed rows as JSON, in the same form as the API's."""
    return Response(msgspec.json.encode(value), media_type="application/json")


def local_path(where: str) -> str:
    """``where`` if it is a path of this console, else the start page: prevents redirects to other sites."""
    parts = urlsplit(where)
    fine = where.startswith("/") and not where.startswith(("//", "/\\")) and not parts.netloc and where.isprintable()
    return where if fine and "\\" not in where else "/"


def form_cookie() -> str:
    """Name of the CSRF cookie of the sign-in form, used before a session exists."""
    return "seawall_form"


def _answer(
    context: ConsoleContext,
    page: Page,
    request: Request,
    form: Mapping[str, tuple[str, ...]],
    files: Mapping[str, bytes],
) -> Response:
    session = _session(context, request)
    page_request = PageRequest(context=context, http=request, session=session, form=form, files=files)
    with speaking(page_request.language):
        if page.method == "POST":
            _check_origin(page_request)
        refusal = _refusal(page, session, request)
        return page.run(page_request) if refusal is None else refusal


def roles_in_use(app: App) -> access.Roles:
    """The roles and teams in use."""
    return app.context.get(access.Roles)


def _session(context: ConsoleContext, request: Request) -> Session | None:
    """The session of the request's cookie; None for strangers."""
    token = request.cookies.get(context.cookie, "")
    return access.find_session(context.app.database, token, roles_in_use(context.app)) if token else None


def _refusal(page: Page, session: Session | None, request: Request) -> Response | None:
    """To the sign-in page for those who need a session. Raises PageProblem 403 for those who lack the permission."""
    if page.public:
        return None
    if session is None:
        return _to_sign_in(request)
    if page.permission is not None and not session.person.may(page.permission):
        text = _("Your roles do not have this permission. Ask an administrator if you need it.")
        raise PageProblem(403, _("Permission denied"), text)
    return None


def _check_origin(page_request: PageRequest) -> None:
    """Check the CSRF token of a POST against the session, or, without one, against the sign-in form's cookie."""
    sent = page_request.field("csrf")
    if page_request.session is not None:
        accepted = page_request.session.accepts(sent)
    else:
        expected = page_request.http.cookies.get(form_cookie(), "")
        accepted = bool(expected) and secrets.compare_digest(expected.encode(), sent.encode("utf-8", "replace"))
    if not accepted and (page_request.session is not None or page_request.path == "/sign-in"):
        text = _("This form has expired. Go back, reload the page and send it again.")
        raise PageProblem(403, _("Please try again"), text)


def _to_sign_in(request: Request) -> Response:
    if request.headers.get("HX-Request"):
        return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
    if request.url.path.endswith(".json"):
        raise PageProblem(401, _("Sign in"), _("Sign in to use this address."))
    where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return redirect(
        f"/sign-in?next={quote(where, safe='')}" if where != "/" and request.method == "GET" else "/sign-in"
    )


async def _form(request: Request, page: Page) -> tuple[dict[str, tuple[str, ...]], dict[str, bytes]]:
    """The form's texts and, where the page takes some, its files."""
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > page.form_bytes + page.upload_bytes:
        raise PageProblem(413, marked("Too large"), marked("The form is larger than this page accepts."))
    form: FormData = await request.form(max_files=page.most_files if page.upload_bytes else 0, max_fields=200)
    fields: dict[str, list[str]] = {}
    files: dict[str, bytes] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            fields.setdefault(name, []).append(value)
        elif page.upload_bytes:
            files[name] = await value.read()
    await form.close()
    return {name: tuple(values) for name, values in fields.items()}, files
