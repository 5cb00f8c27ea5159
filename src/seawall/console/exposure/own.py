"""One's own exposure and break; for administrators also how many are on a break, and who opted out of what."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from seawall import access
from seawall.access import Permission
from seawall.console import active_bundle
from seawall.console.exposure.rotation import standing_of
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import Page, PageRequest, redirect
from seawall.console.templates import render
from seawall.model import now_ms
from seawall.review import exposure

# Titles of ``exposure.BREAK_REASONS``, said here so that the catalogues know them.
WORDS: Final = (
    marked("Somebody is in danger, and nobody else can look"),
    marked("It was counted wrongly"),
    marked("The person asked for it"),
)


def show(request: PageRequest) -> Response:
    """One's own exposure."""
    return _page(request)


def end_break(request: PageRequest) -> Response:
    """End somebody's break, with a reason."""
    try:
        person = access.find_person(request.app.database, request.field("person"))
        if request.person.team and person.team != request.person.team:
            raise access.AccessError(_("You manage the people of your own team only."))
        exposure.end_break(request.app.ledger, person.id, request.field("reason"), by=request.person.id)
    except (access.AccessError, exposure.BadBreak) as error:
        return _page(request, error=_(str(error)))
    return redirect("/exposure?ended=1")


def _page(request: PageRequest, *, error: str = "") -> Response:
    app = request.app
    wellbeing = app.context.get(exposure.Wellbeing)
    manages = request.may(Permission.MANAGE_EXPOSURE)
    standing = standing_of(request)
    harms = sorted({*standing.by_harm, *standing.over}, key=lambda harm: (-standing.by_harm.get(harm, 0.0), harm))
    return render(
        request,
        "exposure/own.html",
        status=422 if error else 200,
        standing=standing,
        wellbeing=wellbeing,
        harms=harms,
        opt_outs=sorted(request.preferences.opt_outs),
        now=now_ms(),
        paused=request.query("paused") == "1",
        ended=request.query("ended") == "1",
        done=request.query("done"),
        manages=manages,
        on_break=exposure.count_on_break(app.database, wellbeing, now_ms()) if manages else 0,
        people=active_bundle.people_seen_by(app, request.person) if manages else (),
        others=access.opt_outs(app.database) if manages else {},
        reasons=exposure.BREAK_REASONS,
        error=error,
    )


PAGES = (
    Page(path="/exposure", run=show, permission=Permission.SEE_CONTENT),
    Page(path="/exposure/end-break", run=end_break, method="POST", permission=Permission.MANAGE_EXPOSURE),
)
