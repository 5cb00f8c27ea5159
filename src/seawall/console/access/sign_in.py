"""Signing in and out."""

from __future__ import annotations

import secrets

from starlette.responses import Response

from seawall import access
from seawall.console.request import Page, PageRequest, form_cookie, local_path, redirect
from seawall.console.templates import render


def show(visit: PageRequest) -> Response:
    """The form."""
    if visit.session is not None:
        return redirect(local_path(visit.query("next", "/")))
    return _form(visit, where=local_path(visit.query("next", "/")))


def sign_in(visit: PageRequest) -> Response:
    """Check email and password; a fresh session takes the place of any former one."""
    where = local_path(visit.field("next", "/"))
    email = visit.field("email")
    address = visit.request.client.host if visit.request.client else ""
    database = visit.app.database
    try:
        person = access.authenticate(database, visit.house.throttle, email, visit.field("password"), address)
    except access.SignInThrottled as error:
        response = _form(visit, where=where, email=email, error=str(error), status=429)
        response.headers["Retry-After"] = str(int(error.retry_after_s) + 1)
        return response
    except access.SignInFailed as error:
        return _form(visit, where=where, email=email, error=str(error), status=401)
    previous = visit.request.cookies.get(visit.house.cookie)
    token = access.start_session(database, person, previous=previous)
    response = redirect(where)
    response.set_cookie(
        visit.house.cookie,
        token,
        max_age=access.LIFE_MS // 1000,
        httponly=True,
        samesite="lax",
        secure=visit.house.secure,
    )
    response.delete_cookie(form_cookie())
    return response


def sign_out(visit: PageRequest) -> Response:
    """End the session."""
    token = visit.request.cookies.get(visit.house.cookie)
    if token:
        access.end_session(visit.app.database, token)
    response = redirect("/sign-in")
    response.delete_cookie(visit.house.cookie, secure=visit.house.secure, httponly=True, samesite="lax")
    return response


def _form(visit: PageRequest, *, where: str, email: str = "", error: str = "", status: int = 200) -> Response:
    if visit.session is not None:
        return render(visit, "access/sign_in.html", where=where, email=email, error=error, form_csrf=visit.session.csrf)
    token = visit.request.cookies.get(form_cookie()) or secrets.token_urlsafe(24)
    response = render(
        visit, "access/sign_in.html", status=status, where=where, email=email, error=error, form_csrf=token
    )
    response.set_cookie(form_cookie(), token, httponly=True, samesite="lax", secure=visit.house.secure)
    return response


PAGES = (
    Page(path="/sign-in", run=show, public=True),
    Page(path="/sign-in", run=sign_in, method="POST", public=True),
    Page(path="/sign-out", run=sign_out, method="POST"),
)
