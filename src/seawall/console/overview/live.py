"""The address that open pages listen to: counts of the menu, and how much is new in a list."""

from __future__ import annotations

from starlette.responses import Response, StreamingResponse

from seawall.console.languages import gettext as _
from seawall.console.live_updates import MOST_LISTENING, Listener, LiveState, look, message_for
from seawall.console.request import Page, PageProblem, PageRequest, json_response


def listen(request: PageRequest) -> Response:
    """Server-sent events for a page; once as JSON for a program that does not ask for them."""
    listener = _listener(request)
    if "text/event-stream" not in request.http.headers.get("accept", ""):
        return json_response(message_for(look(request.app, LiveState(), [request.person.scopes()]), listener))
    updates = request.context.live
    if updates.listening >= MOST_LISTENING:
        raise PageProblem(503, _("Too many pages are open"), _("Reload this page to see what is new."))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(updates.stream(listener), media_type="text/event-stream", headers=headers)


def _listener(request: PageRequest) -> Listener:
    return Listener(
        token=request.http.cookies.get(request.context.cookie, ""),
        person=request.person,
        page=request.query("page"),
        queue=request.query("queue"),
        content_type=request.query("type"),
        state=request.query("state"),
        since=request.cursor("since") or 0,
    )


PAGES = (Page(path="/live", run=listen),)
