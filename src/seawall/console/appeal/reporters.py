"""Muting of reporters who misuse reports: a person's act, after a warning."""

from __future__ import annotations

from starlette.responses import Response

from seawall import appeal
from seawall.access import Permission
from seawall.appeal import ANSWERS, AppealSettings
from seawall.appeal.queries import REPORTS_OF_REPORTER, overturning_appeals, reports_by
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import Page, PageProblem, PageRequest, missing, redirect
from seawall.model import now_ms
from seawall.review.queries import answers_after, get_case


def mute(request: PageRequest) -> Response:
    """Receive the reporter's reports without priority for some time."""
    reporter = request.path_param("reporter")
    with request.app.database.read() as connection:
        reports = reports_by(connection, reporter, limit=REPORTS_OF_REPORTER)
        answers = answers_after(connection, [one.item for one in reports], ANSWERS)
        changed = overturning_appeals(connection, [one.decision for found in answers.values() for one in found])
    if not reports:
        raise missing(marked("reporter"))
    decided = appeal.decided_reports(reports, answers, changed)
    terms = request.app.context.get(AppealSettings).misuse
    try:
        appeal.mute_reporter(request.app.ledger, reporter, decided, terms, person=request.person.id)
    except appeal.MutingRefused as error:
        raise PageProblem(409, _("Not muted"), _(str(error))) from error
    return _back(request)


def unmute(request: PageRequest) -> Response:
    """Give the reporter's reports their priority back."""
    try:
        appeal.unmute_reporter(request.app.ledger, request.path_param("reporter"), person=request.person.id)
    except appeal.MutingRefused as error:
        raise PageProblem(409, _("Not changed"), _(str(error))) from error
    return _back(request)


def _back(request: PageRequest) -> Response:
    """To the case that the form names, if there is one."""
    with request.app.database.read() as connection:
        case = get_case(connection, request.field("case"), now_ms())
    return redirect("/queue" if case is None else f"/cases/{case.id}")


PAGES = (
    Page(path="/reporters/{reporter}/mute", run=mute, method="POST", permission=Permission.MANAGE_REPORTERS),
    Page(path="/reporters/{reporter}/unmute", run=unmute, method="POST", permission=Permission.MANAGE_REPORTERS),
)
