"""One page."""

from __future__ import annotations

from starlette.responses import Response

from seawall.access import Permission
from seawall.console.request import MenuEntry, Page, PageRequest
from seawall.console.templates import render


def show(visit: PageRequest) -> Response:
    """The toys."""
    return render(visit, "toy/toys.html", events=visit.app.ledger.head())


PAGES = (Page(path="/toys", run=show, permission=Permission.SEE_LEDGER),)
MENU = (MenuEntry(path="/toys", title="Toys", permission=Permission.SEE_LEDGER, order=85),)
