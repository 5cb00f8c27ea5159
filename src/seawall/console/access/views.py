"""The page of the access log: who opened whose content, the newest first."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from seawall.access import Permission
from seawall.access.queries import ViewRow, newest_views
from seawall.console import active_bundle
from seawall.console.child_safety import seen_rows
from seawall.console.languages import marked
from seawall.console.request import Page, PageRequest, json_response
from seawall.console.templates import render

PAGE_SIZE: Final = 100

_PLACES: Final = {
    "item": marked("the item's page"),
    "case": marked("the case"),
    "decision": marked("the decision"),
    "blind_review": marked("a blind review"),
    "disagreement": marked("a disagreement"),
    "appeal": marked("an appeal"),
    "media": marked("a file, inside a page"),
    "media_alone": marked("a file, by its own address"),
}


def show(request: PageRequest) -> Response:
    """The log, of everybody or of one person, about everything or about one item."""
    seen, more = _rows(request)
    people = active_bundle.people_seen_by(request.app, request.person)
    kept = {name: value for name in ("person", "item") if (value := request.query(name))}
    return render(
        request,
        "access/views.html",
        rows=seen,
        people=people,
        names={one.id: one.name for one in people},
        places=_PLACES,
        who=request.query("person"),
        item=request.query("item"),
        older="/access/views?" + urlencode({**kept, "before": more}) if more else None,
        newest="/access/views?" + urlencode(kept) if request.cursor() else None,
    )


def as_json(request: PageRequest) -> Response:
    """The same as JSON; ``before`` continues it."""
    seen, more = _rows(request)
    return json_response({"views": seen, "before": more})


def _rows(request: PageRequest) -> tuple[list[ViewRow], int | None]:
    """The rows that the person may see, and where the next ones begin. Which items are of child safety is not told."""
    with request.app.database.read() as connection:
        rows = newest_views(
            connection,
            limit=PAGE_SIZE + 1,
            person=request.query("person"),
            item=request.query("item").strip(),
            before=request.cursor(),
        )
        seen = seen_rows(request, connection, rows[:PAGE_SIZE])
    if request.person.team:
        people = {one.id for one in active_bundle.people_seen_by(request.app, request.person)}
        seen = [row for row in seen if row.person in people]
    return seen, rows[PAGE_SIZE - 1].seq if len(rows) > PAGE_SIZE else None


PAGES = (
    Page(path="/access/views", run=show, permission=Permission.SEE_VIEWS),
    Page(path="/access/views.json", run=as_json, permission=Permission.SEE_VIEWS),
)
