"""The page that shows what a policy file would decide otherwise, of the items that were decided already."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from starlette.responses import Response

from seawall.access import Permission
from seawall.backtest import (
    MOST_DAYS,
    WAIT_S,
    BacktestBusy,
    BacktestReport,
    BadSince,
    EnginesDisagree,
    serve_backtest,
)
from seawall.backtest.past_rows import (
    DERIVED,
    ERASED,
    NOT_ASKED,
    NOT_COUNTED,
    NOT_MEASURED,
    NOT_PLACED,
)
from seawall.backtest.report import COHORTS, NOT_KNOWN, OTHER_ACTIONS
from seawall.console.child_safety import hidden_items
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import Page, PageRequest, json_response
from seawall.console.templates import render
from seawall.policy import Bundle, PolicyErrors, PolicySource
from seawall.publish import draft_of

_FORM_BYTES: Final = 512 * 1024
_SINCE: Final = "30d"
_PATH: Final = "draft.yaml"
_SPANS: Final = ("1d", "7d", "30d", "90d", "365d")

# Codes and sentences of reports that the template shows with the filter ``words`` or translates.
SENTENCES: Final = (
    *(marked("content type"), marked("language"), marked("surface"), marked("age of the account")),
    *(marked("other actions"), marked("not known"), marked("in force"), marked("draft")),
    *(marked("under a day"), marked("under a week"), marked("under a month"), marked("under a year")),
    marked("a year and more"),
    marked("no detector was asked for it then"),
    marked("counters are not counted again"),
    marked("it was measured roughly: no rule told values below its threshold apart then"),
    marked("the account's place in the canary rule is not stored"),
    marked("the content is erased, or its retention ended"),
    marked("it reads what was read from files, which are not read again"),
)
_TRANSLATED: Final = frozenset(
    {*COHORTS, NOT_KNOWN, OTHER_ACTIONS, NOT_ASKED, NOT_COUNTED, NOT_MEASURED, NOT_PLACED, ERASED, DERIVED}
)


def show(request: PageRequest) -> Response:
    """The form; ``policy`` names a policy in force to begin with."""
    policy = request.app.bundle.policy(request.query("policy"))
    return _page(request, policy.source.text if policy is not None else "", _SINCE)


def run(request: PageRequest) -> Response:
    """Run the backtest of the form's policy file, and show the form again with the result."""
    text, since = request.field("text").replace("\r\n", "\n"), request.field("since", _SINCE).strip() or _SINCE
    try:
        report = _report(request, text, since)
    except _PROBLEMS as error:
        problem, status = _told(error)
        return _waiting(_page(request, text, since, problem=problem, status=status))
    return _page(request, text, since, report)


def run_as_json(request: PageRequest) -> Response:
    """The same result for programs."""
    text, since = request.field("text").replace("\r\n", "\n"), request.field("since", _SINCE).strip() or _SINCE
    try:
        return json_response(_report(request, text, since).to_json())
    except _PROBLEMS as error:
        problem, status = _told(error)
        response = json_response({"problem": problem})
        response.status_code = status
        return _waiting(response)


_PROBLEMS: Final = (PolicyErrors, BadSince, BacktestBusy, EnginesDisagree)


def _told(error: Exception) -> tuple[str, int]:
    """One of ``_PROBLEMS`` in the reader's language, and the status. Errors of policy files are always in English."""
    match error:
        case BacktestBusy():
            busy = _("Another backtest is running now. Wait %(seconds)d seconds and try again.")
            return busy % {"seconds": WAIT_S}, 429
        case BadSince():
            bad = _("'%(given)s' is no duration to look back; write 30d, 12h or 90m, at most %(days)d days.")
            return bad % {"given": error.given, "days": MOST_DAYS}, 422
        case EnginesDisagree():
            disagree = _(
                "The two engines disagree about %(row)s under the bundle %(bundle)s, so no figures are given. "
                "This is a defect of Seawall: please report it."
            )
            return disagree % {"row": error.row, "bundle": error.bundle[:12]}, 500
    return str(error), 422


def _waiting(response: Response) -> Response:
    """The response, with the time to wait where somebody else must finish first."""
    if response.status_code == 429:
        response.headers["Retry-After"] = str(WAIT_S)
    return response


def _report(request: PageRequest, text: str, since: str) -> BacktestReport:
    """Raises one of ``_PROBLEMS``."""
    app = request.app

    def build() -> Bundle:
        return app.build(draft_of(app.bundle, [PolicySource(path=_PATH, text=text)]).sources)

    def hidden(items: Collection[str]) -> Collection[str]:
        with app.database.read() as connection:
            return hidden_items(request, connection, items)

    return serve_backtest(app.database, app.vault, app.bundles, build, since=since, hidden=hidden)


def _page(
    request: PageRequest,
    text: str,
    since: str,
    report: BacktestReport | None = None,
    *,
    problem: str = "",
    status: int = 200,
) -> Response:
    return render(
        request,
        "publish/backtest.html",
        status=status,
        text=text,
        since=since,
        spans=_SPANS if since in _SPANS else (*_SPANS, since),
        report=report,
        problem=problem,
        translated=_TRANSLATED,
        may_open=request.may(Permission.SEE_CONTENT),
    )


PAGES = (
    Page(path="/drafts/backtest", run=show, permission=Permission.PUBLISH_POLICIES),
    Page(
        path="/drafts/backtest",
        run=run,
        permission=Permission.PUBLISH_POLICIES,
        method="POST",
        form_bytes=_FORM_BYTES,
    ),
    Page(
        path="/drafts/backtest.json",
        run=run_as_json,
        permission=Permission.PUBLISH_POLICIES,
        method="POST",
        form_bytes=_FORM_BYTES,
    ),
)
