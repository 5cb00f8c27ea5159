"""Jinja, with autoescape on and undefined names as errors."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from seawall.console.formats import FILTERS
from seawall.console.request import PageRequest
from seawall.console.text import visible

_HERE = Path(__file__).parent
STATIC = _HERE / "static"

# (path, title, permission): the menu; a person sees what their roles open.
MENU = (
    ("/", "Overview", "see_overview"),
    ("/queue", "Queue", "see_content"),
    ("/decisions", "Decisions", "see_content"),
    ("/pending-rescreens", "PendingRescreens", "see_operations"),
    ("/deliveries", "Deliveries", "see_operations"),
    ("/policies", "Policies", "see_policies"),
    ("/banks", "Banks", "see_banks"),
    ("/ledger", "Ledger", "see_ledger"),
    ("/access", "People and keys", "manage_access"),
)


@cache
def environment() -> Environment:
    """The one environment of the console."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(FILTERS)
    made.filters["visible"] = visible
    return made


def render(visit: PageRequest, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """The template as a page for this visitor."""
    menu = [entry for entry in MENU if visit.may(entry[2])]
    text = (
        environment()
        .get_template(template)
        .render(
            visit=visit,
            person=visit.session.person if visit.session else None,
            csrf=visit.session.csrf if visit.session else "",
            menu=menu,
            here=_here(visit.path),
            **context,
        )
    )
    return HTMLResponse(text, status_code=status)


def problem_page(status: int, title: str, text: str, visit: PageRequest | None = None) -> HTMLResponse:
    """A page that says what went wrong."""
    body = (
        environment()
        .get_template("problem.html")
        .render(visit=visit, person=None, csrf="", menu=(), here="", status=status, title=title, text=text)
    )
    return HTMLResponse(body, status_code=status)


def _here(path: str) -> str:
    """The entry of the menu that a path belongs to."""
    section = "/" + path.split("/")[1]
    return {"/cases": "/queue", "/items": "/decisions", "/overview": "/"}.get(section, section)
