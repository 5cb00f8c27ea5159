"""One page."""

from __future__ import annotations

from starlette.responses import Response

from seawall.console.request import MenuEntry, Page, PageRequest
from seawall.console.templates import render


def show(request: PageRequest) -> Response:
    """The toys."""
    return render(request, "toy/toys.html", events=request.app.ledger.head())


PAGES = (Page(path="/toys", run=show, permission="toy.greet"),)
MENU = (MenuEntry(path="/toys", title="Toys", permission="toy.greet", order=85),)
