"""The page that compares media shown with a control and without it."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from seawall.access import Permission
from seawall.console.languages import marked
from seawall.console.request import Page, PageRequest
from seawall.console.templates import render
from seawall.model import now_ms
from seawall.review import exposure

_DAY_MS = 24 * 60 * 60 * 1000
_DAYS = (7, 30, 90, 365)

# Names of controls that the page shows with the filter ``words``: said here, so that the catalogues know them.
WORDS: Final = (marked("blur"), marked("greyscale"), marked("mute"), marked("text first"))


def show(request: PageRequest) -> Response:
    """Lifted veils and time looked at, by control."""
    days = request.cursor("days")
    chosen = days if days in _DAYS else 30
    with request.app.database.read() as connection:
        groups = exposure.compare(connection, now_ms() - chosen * _DAY_MS)
    return render(
        request,
        "exposure/comparison.html",
        groups=groups,
        days=chosen,
        choices=_DAYS,
        least_people=exposure.LEAST_PEOPLE,
        least_media=exposure.LEAST_MEDIA,
    )


PAGES = (Page(path="/exposure/compare", run=show, permission=Permission.MANAGE_EXPOSURE),)
