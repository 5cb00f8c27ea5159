"""The page of the receivers of deliveries: add, switch off and on, new secrets."""

from __future__ import annotations

from starlette.responses import Response

from seawall import enforce
from seawall.access import Permission
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import Page, PageRequest, missing, redirect
from seawall.console.templates import render


def show(request: PageRequest) -> Response:
    """List all receivers."""
    return _page(request)


def add(request: PageRequest) -> Response:
    """Register a receiver and show its secret once."""
    app = request.app
    try:
        made = enforce.add_endpoint(
            app.ledger,
            app.vault,
            url=request.field("url").strip(),
            content_types=request.field("content_types").replace(",", " ").split(),
            allow_private=app.settings.allow_private_endpoints,
            by=request.person.id,
        )
    except enforce.EndpointRefused as error:
        return _page(request, error=_(str(error)))
    return _page(request, made=made)


def switch(request: PageRequest) -> Response:
    """Switch a receiver off or on."""
    enabled = request.field("enabled") == "yes"
    try:
        enforce.set_enabled(request.app.ledger, request.path_param("endpoint"), enabled, by=request.person.id)
    except enforce.UnknownEndpoint:
        raise missing(marked("receiver")) from None
    return redirect("/endpoints")


def rotate(request: PageRequest) -> Response:
    """Give a receiver a new secret and show it once."""
    app = request.app
    try:
        made = enforce.rotate_secret(app.ledger, app.vault, request.path_param("endpoint"), by=request.person.id)
    except enforce.UnknownEndpoint:
        raise missing(marked("receiver")) from None
    return _page(request, made=made)


def _page(request: PageRequest, *, error: str = "", made: enforce.NewSecret | None = None) -> Response:
    return render(
        request,
        "enforce/endpoints.html",
        status=422 if error else 200,
        endpoints=enforce.list_endpoints(request.app.database),
        error=error,
        made=made,
    )


PAGES = (
    Page(path="/endpoints", run=show, permission=Permission.MANAGE_ENDPOINTS),
    Page(path="/endpoints", run=add, method="POST", permission=Permission.MANAGE_ENDPOINTS),
    Page(path="/endpoints/{endpoint}/switch", run=switch, method="POST", permission=Permission.MANAGE_ENDPOINTS),
    Page(path="/endpoints/{endpoint}/secret", run=rotate, method="POST", permission=Permission.MANAGE_ENDPOINTS),
)
