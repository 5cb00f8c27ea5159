"""People and keys: who may come in."""

from __future__ import annotations

from starlette.responses import Response

from seawall import access
from seawall.access import Permission
from seawall.console.request import Page, PageRequest, redirect
from seawall.console.templates import render


def show(visit: PageRequest) -> Response:
    """Everybody, and every key."""
    return _page(visit)


def add_person(visit: PageRequest) -> Response:
    """Make an account."""
    try:
        access.create_person(
            visit.app.ledger,
            visit.field("email"),
            visit.field("name"),
            visit.field("password"),
            visit.fields("role"),
            by=visit.person.id,
        )
    except access.AccessError as error:
        return _page(visit, error=str(error))
    return redirect("/access")


def disable_person(visit: PageRequest) -> Response:
    """Close an account; nobody closes their own."""
    if visit.place("person") == visit.person.id:
        return _page(visit, error="You cannot close your own account.")
    try:
        access.disable_person(visit.app.ledger, visit.place("person"), by=visit.person.id)
    except access.AccessError as error:
        return _page(visit, error=str(error))
    return redirect("/access")


def add_key(visit: PageRequest) -> Response:
    """Make a key and show it, this once."""
    try:
        token = access.create_key(visit.app.ledger, visit.field("name"), visit.fields("scope"), by=visit.person.id)
    except access.AccessError as error:
        return _page(visit, error=str(error))
    return _page(visit, token=token)


def revoke_key(visit: PageRequest) -> Response:
    """The key opens nothing any more."""
    try:
        access.revoke_key(visit.app.ledger, visit.place("key"), by=visit.person.id)
    except access.AccessError as error:
        return _page(visit, error=str(error))
    return redirect("/access")


def _page(visit: PageRequest, *, error: str = "", token: str = "") -> Response:
    return render(
        visit,
        "access/people.html",
        status=422 if error else 200,
        people=access.list_people(visit.app.database),
        keys=access.list_keys(visit.app.database),
        roles=list(access.PersonRole),
        scopes=list(access.Scope),
        permissions=access.PERMISSIONS,
        error=error,
        token=token,
    )


PAGES = (
    Page(path="/access", run=show, permission=Permission.MANAGE_ACCESS),
    Page(path="/access/people", run=add_person, method="POST", permission=Permission.MANAGE_ACCESS),
    Page(
        path="/access/people/{person}/disable", run=disable_person, method="POST", permission=Permission.MANAGE_ACCESS
    ),
    Page(path="/access/keys", run=add_key, method="POST", permission=Permission.MANAGE_ACCESS),
    Page(path="/access/keys/{key}/revoke", run=revoke_key, method="POST", permission=Permission.MANAGE_ACCESS),
)
