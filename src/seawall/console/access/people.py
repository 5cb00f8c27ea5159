"""The page of people and API keys."""

from __future__ import annotations

import re

from starlette.responses import Response

from seawall import access
from seawall.access import Permission
from seawall.console import active_bundle
from seawall.console.languages import gettext as _
from seawall.console.request import Page, PageRequest, redirect, roles_in_use
from seawall.console.templates import render


def show(request: PageRequest) -> Response:
    """List all people and all keys."""
    return _page(request)


def add_person(request: PageRequest) -> Response:
    """Create an account and show the link by which its owner chooses a password, once."""
    try:
        link = access.invite_person(
            request.app.ledger,
            request.field("email"),
            request.field("name"),
            request.fields("role"),
            by=request.person.id,
            team=request.field("team"),
            known=roles_in_use(request.app),
        )
    except access.AccessError as error:
        return _page(request, error=_(str(error)))
    return _page(request, link=link)


def disable_person(request: PageRequest) -> Response:
    """Close an account; closing one's own is refused."""
    if request.path_param("person") == request.person.id:
        return _page(request, error=_("You cannot close your own account."))
    try:
        access.disable_person(
            request.app.ledger, request.path_param("person"), by=request.person.id, known=roles_in_use(request.app)
        )
    except access.AccessError as error:
        return _page(request, error=_(str(error)))
    return redirect("/access")


def enable_person(request: PageRequest) -> Response:
    """Open a closed account again."""
    try:
        access.enable_person(
            request.app.ledger, request.path_param("person"), by=request.person.id, known=roles_in_use(request.app)
        )
    except access.AccessError as error:
        return _page(request, error=_(str(error)))
    return redirect("/access")


def change_roles(request: PageRequest) -> Response:
    """Change a person's roles; one's own cannot be changed, so that an administrator remains."""
    if request.path_param("person") == request.person.id:
        return _page(request, error=_("You cannot change your own roles. Ask another administrator."))
    try:
        access.change_roles(
            request.app.ledger,
            request.path_param("person"),
            request.fields("role"),
            by=request.person.id,
            known=roles_in_use(request.app),
        )
    except access.AccessError as error:
        return _page(request, error=_(str(error)))
    return redirect("/access")


def change_team(request: PageRequest) -> Response:
    """Put a person into another team, or into none."""
    try:
        access.change_team(
            request.app.ledger,
            request.path_param("person"),
            request.field("team"),
            by=request.person.id,
            known=roles_in_use(request.app),
        )
    except access.AccessError as error:
        return _page(request, error=_(str(error)))
    return redirect("/access")


def change_languages(request: PageRequest) -> Response:
    """State the languages that a person reads; none: not stated."""
    codes = [code for code in re.split(r"[\s,;]+", request.field("languages")) if code]
    try:
        access.change_languages(
            request.app.ledger,
            request.path_param("person"),
            codes,
            by=request.person.id,
            known=roles_in_use(request.app),
        )
    except access.AccessError as error:
        return _page(request, error=_(str(error)))
    return redirect("/access")


def change_skills(request: PageRequest) -> Response:
    """Give a person skills; none and not ticked that they have none: not stated."""
    skills = [word.strip() for word in request.field("skills").split(",") if word.strip()]
    try:
        access.change_skills(
            request.app.ledger,
            request.path_param("person"),
            skills if skills or request.field("none") else None,
            by=request.person.id,
            known=roles_in_use(request.app),
        )
    except access.AccessError as error:
        return _page(request, error=_(str(error)))
    return redirect("/access")


def make_link(request: PageRequest) -> Response:
    """Make a link by which a person chooses a new password, and show it once."""
    try:
        link = access.make_password_link(
            request.app.ledger, request.path_param("person"), by=request.person.id, known=roles_in_use(request.app)
        )
    except access.AccessError as error:
        return _page(request, error=_(str(error)))
    return _page(request, link=link)


def add_key(request: PageRequest) -> Response:
    """Create a key and show it once. A program sees all that its scopes open: only administrators make keys."""
    if not request.person.has_rights_of((access.PersonRole.ADMIN,), ""):
        return _page(request, error=_("Only administrators create API keys, because a key is not limited to a team."))
    try:
        token = access.create_key(
            request.app.ledger, request.field("name"), request.fields("scope"), by=request.person.id
        )
    except access.AccessError as error:
        return _page(request, error=_(str(error)))
    return _page(request, token=token)


def revoke_key(request: PageRequest) -> Response:
    """Revoke a key."""
    try:
        access.revoke_key(request.app.ledger, request.path_param("key"), by=request.person.id)
    except access.AccessError as error:
        return _page(request, error=_(str(error)))
    return redirect("/access")


def _page(
    request: PageRequest, *, error: str = "", token: str = "", link: access.PasswordLink | None = None
) -> Response:
    known, team = roles_in_use(request.app), request.person.team
    queues = active_bundle.queues(request.app).by_name.values()
    people = [one for one in access.list_people(request.app.database, known) if not team or one.team == team]
    return render(
        request,
        "access/people.html",
        status=422 if error else 200,
        people=people,
        link=None if link is None else request.app.settings.public_url + link.path,
        link_of=next((one for one in people if link is not None and one.id == link.person), None),
        link_hours=access.LINK_LIFE_MS // 3_600_000,
        keys=access.list_keys(request.app.database),
        roles=list(known.by_name.values()),
        teams=[one for one in known.teams.values() if not team or one.name == team],
        asked_skills=sorted({word for one in queues for word in one.skills}),
        scopes=list(access.Scope),
        permissions={name: role.permissions for name, role in known.by_name.items()},
        error=error,
        token=token,
    )


PAGES = (
    Page(path="/access", run=show, permission=Permission.MANAGE_ACCESS),
    Page(path="/access/people", run=add_person, method="POST", permission=Permission.MANAGE_ACCESS),
    Page(
        path="/access/people/{person}/disable", run=disable_person, method="POST", permission=Permission.MANAGE_ACCESS
    ),
    Page(path="/access/people/{person}/enable", run=enable_person, method="POST", permission=Permission.MANAGE_ACCESS),
    Page(path="/access/people/{person}/roles", run=change_roles, method="POST", permission=Permission.MANAGE_ACCESS),
    Page(path="/access/people/{person}/team", run=change_team, method="POST", permission=Permission.MANAGE_ACCESS),
    Page(
        path="/access/people/{person}/languages",
        run=change_languages,
        method="POST",
        permission=Permission.MANAGE_ACCESS,
    ),
    Page(path="/access/people/{person}/skills", run=change_skills, method="POST", permission=Permission.MANAGE_ACCESS),
    Page(path="/access/people/{person}/link", run=make_link, method="POST", permission=Permission.MANAGE_ACCESS),
    Page(path="/access/keys", run=add_key, method="POST", permission=Permission.MANAGE_ACCESS),
    Page(path="/access/keys/{key}/revoke", run=revoke_key, method="POST", permission=Permission.MANAGE_ACCESS),
)
