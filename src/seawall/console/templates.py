"""Jinja, with autoescape on and undefined names as errors.

Shared templates have plain names (``base.html``); those of a component are prefixed with its name (``review/case.html``
is ``case.html`` in the folder ``templates`` of the component ``review``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from seawall.console.formats import FILTERS
from seawall.console.languages import current_language, gettext, ngettext, pgettext
from seawall.console.request import PageRequest
from seawall.console.terms import terms_of
from seawall.console.text import visible

_HERE = Path(__file__).parent
STATIC = _HERE / "static"


def environment(folders: Mapping[str, Path]) -> Environment:
    """The shared templates, and those in the components' ``folders``."""
    of_components = PrefixLoader({name: FileSystemLoader(folder) for name, folder in folders.items()})
    made = Environment(
        loader=ChoiceLoader([FileSystemLoader(_HERE / "templates"), of_components]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.policies["ext.i18n.trimmed"] = True  # a sentence over several lines is one line
    made.install_gettext_callables(gettext, ngettext, newstyle=True, pgettext=pgettext)  # type: ignore[attr-defined]
    # Jinja's own take a sentence for markup, and every one for a format: these are given values as well as literals.
    made.globals["_"] = _sentence
    made.globals["language"] = current_language
    made.filters.update(FILTERS)
    made.filters["visible"] = visible
    return made


def _sentence(text: str, **values: object) -> str:
    """``{{ _("…") }}``: the sentence in the page's language, escaped like any text; markup is for ``{% trans %}``."""
    said = gettext(text)
    if not values:
        return said.replace("%%", "%")
    return escape(said) % values if any(isinstance(one, Markup) for one in values.values()) else said % values


@cache
def _shared() -> Environment:
    return environment({})


def render(request: PageRequest, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """Render the template for this request."""
    text = request.context.templates.get_template(template).render(
        request=request,
        person=request.session.person if request.session else None,
        theme=request.preferences.theme,
        csrf=request.session.csrf if request.session else "",
        menu=[entry for entry in request.context.menu if request.may(entry.permission)],
        here=_here(request),
        terms=terms_of(template),
        **context,
    )
    return HTMLResponse(text, status_code=status)


def problem_page(status: int, title: str, text: str) -> HTMLResponse:
    """An error page. It needs no session, no menu and no component."""
    body = _shared().get_template("problem.html").render(status=status, title=gettext(title), text=gettext(text))
    return HTMLResponse(body, status_code=status)


def _here(request: PageRequest) -> str:
    """The path of the menu entry that the page belongs to."""
    section = "/" + request.path.split("/")[1]
    return next((entry.path for entry in request.context.menu if section in (entry.path, *entry.sections)), section)
