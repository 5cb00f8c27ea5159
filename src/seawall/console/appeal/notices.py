"""Reports that wait for their content, the orders of authorities, and the keys that report for others than users."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection
from starlette.responses import Response

from seawall import access, appeal, review
from seawall.access import Permission
from seawall.appeal import ANSWERS, NoticeText, ReporterAccuracy, ReporterKey
from seawall.appeal.queries import (
    REPORTS_OF_REPORTER,
    NoticeRow,
    ReportRow,
    authority_orders,
    get_notice,
    list_reporter_keys,
    notice_texts,
    overturning_appeals,
    reports_through,
    waiting_notices,
)
from seawall.console import active_bundle
from seawall.console.child_safety import check_item, may_see_all, seen_rows
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import MenuEntry, Page, PageProblem, PageRequest, json_response, missing, redirect
from seawall.console.summaries import known_content_types
from seawall.console.templates import render
from seawall.model import CHILD_SAFETY_HARMS, HARMS, now_ms
from seawall.review.queries import answers_after
from seawall.screen.queries import find_item_ref
from seawall.storage import Erased

PAGE_SIZE = 50
WORDS = (
    *(marked("user"), marked("trusted flagger"), marked("authority"), marked("staff")),
    marked("inaccurate"),
)
"""Kinds of reporters that templates show with the filter ``words``: here for the catalogues."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingNotice:
    """A notice that waits, with what was written, without who wrote it. ``text`` None: erased."""

    notice: NoticeRow
    address: str | None
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownReporterKey:
    """A reporter key with its name, and how accurate its reports were."""

    declared: ReporterKey
    name: str
    revoked: bool
    accuracy: ReporterAccuracy


def show_waiting(request: PageRequest) -> Response:
    """Reports about content that is not known, the oldest first."""
    skip = request.cursor("skip") or 0
    rows = _waiting(request, skip)
    return render(
        request,
        "appeal/waiting.html",
        rows=rows[:PAGE_SIZE],
        older=skip + PAGE_SIZE if len(rows) > PAGE_SIZE else None,
        content_types=sorted(known_content_types(request.app)),
        days=request.app.context.get(appeal.AppealSettings).notice_days,
        now=now_ms(),
    )


def waiting_as_json(request: PageRequest) -> Response:
    """The same rows for programs."""
    rows = _waiting(request, request.cursor("skip") or 0)
    return json_response({"notices": rows[:PAGE_SIZE]})


def _waiting(request: PageRequest, skip: int) -> list[WaitingNotice]:
    hidden = () if may_see_all(request) else CHILD_SAFETY_HARMS
    with request.app.database.read() as connection:
        rows = waiting_notices(connection, hidden_harms=hidden, limit=PAGE_SIZE + 1, skip=skip)
    texts = notice_texts(request.app.vault, rows)
    return [_shown(row, texts.get(row.report)) for row in rows]


def _shown(row: NoticeRow, text: NoticeText | None) -> WaitingNotice:
    if text is None:
        return WaitingNotice(notice=row, address=None, text=None)
    named = f"{text.content_type} {text.item_id}" if text.item_id else text.address
    return WaitingNotice(notice=row, address=named, text=text.note)


def match(request: PageRequest) -> Response:
    """Say which item a waiting notice is about."""
    row = _seen_notice(request)
    app, content_type, item_id = request.app, request.field("content_type"), request.field("item_id").strip()
    item = find_item_ref(app.database, app.vault, content_type, item_id) if item_id else None
    if item is None:
        raise PageProblem(
            422,
            _("Not matched"),
            _("There is no %(type)s %(id)s yet. Give the id with which it is screened.")
            % {"type": content_type, "id": repr(item_id[:80])},
        )
    with app.database.read() as connection:
        check_item(request, connection, item.ref)
    try:
        appeal.match_by_hand(app.ledger, app.vault, row.report, item, person=request.person.id)
    except appeal.UnknownNotice as error:
        raise PageProblem(409, _("Not matched"), _(str(error))) from error
    except Erased as error:
        raise PageProblem(410, _("Erased"), _("The author of this content was erased.")) from error
    return redirect(f"/cases/{review.case_id(item.ref)}")


def dismiss(request: PageRequest) -> Response:
    """Say that a waiting notice is about no content of this platform."""
    row = _seen_notice(request)
    try:
        appeal.dismiss_notice(request.app.ledger, row.report, person=request.person.id)
    except appeal.UnknownNotice as error:
        raise PageProblem(409, _("Not dismissed"), _(str(error))) from error
    return redirect("/reports")


def _seen_notice(request: PageRequest) -> NoticeRow:
    """The notice that the address names. Raises PageProblem 403 when only specialists see it."""
    with request.app.database.read() as connection:
        row = get_notice(connection, request.path_param("report"))
    if row is None:
        raise missing(marked("report"))
    if row.harm in CHILD_SAFETY_HARMS and not may_see_all(request):
        raise PageProblem(403, _("Permission denied"), str(review.CaseRestricted()))
    return row


def show_orders(request: PageRequest) -> Response:
    """The orders of authorities, the newest first."""
    skip = request.cursor("skip") or 0
    rows, more = _orders(request, skip)
    names = {key.id: key.name for key in access.list_keys(request.app.database)}
    return render(
        request,
        "appeal/orders.html",
        rows=[(row, review.case_id(row.item), names.get(row.reporter_key or "", "")) for row in rows],
        older=skip + PAGE_SIZE if more else None,
    )


def orders_as_json(request: PageRequest) -> Response:
    """The same rows for programs."""
    return json_response({"orders": _orders(request, request.cursor("skip") or 0)[0]})


def _orders(request: PageRequest, skip: int) -> tuple[list[ReportRow], bool]:
    with request.app.database.read() as connection:
        rows = authority_orders(connection, limit=PAGE_SIZE + 1, skip=skip)
        return seen_rows(request, connection, rows[:PAGE_SIZE]), len(rows) > PAGE_SIZE


def show_keys(request: PageRequest) -> Response:
    """Which keys may report for others than users, and how accurate they were."""
    return _keys_page(request)


def _keys_page(request: PageRequest, *, error: str = "", status: int = 200) -> Response:
    keys = access.list_keys(request.app.database)
    by_id = {key.id: key for key in keys}
    with request.app.database.read() as connection:
        declared = [
            ShownReporterKey(
                declared=one,
                name=by_id[one.key].name if one.key in by_id else one.key,
                revoked=one.key not in by_id or by_id[one.key].revoked_at is not None,
                accuracy=_accuracy(connection, one.key),
            )
            for one in list_reporter_keys(connection)
        ]
    return render(
        request,
        "appeal/reporter_keys.html",
        status=status,
        error=error,
        declared=declared,
        keys=[key for key in keys if key.revoked_at is None and key.may(access.Scope.REPORT)],
        kinds=appeal.KEYED_KINDS,
        harms=sorted(HARMS.values(), key=lambda harm: harm.title),
        names=active_bundle.names_of_people(request.app, request.person),
    )


def _accuracy(connection: Connection, reporter_key: str) -> ReporterAccuracy:
    reports = reports_through(connection, reporter_key, limit=REPORTS_OF_REPORTER)
    answers = answers_after(connection, [one.item for one in reports], ANSWERS)
    changed = overturning_appeals(connection, [one.decision for found in answers.values() for one in found])
    return appeal.reporter_accuracy(appeal.decided_reports(reports, answers, changed))


def declare(request: PageRequest) -> Response:
    """Declare what a key may report as."""
    key, keys = request.field("key"), access.list_keys(request.app.database)
    if not any(one.id == key and one.revoked_at is None and one.may(access.Scope.REPORT) for one in keys):
        return _keys_page(request, error=_("Choose an API key in use that has the scope report."), status=422)
    try:
        appeal.declare_reporter_key(
            request.app.ledger, key, request.field("kind"), request.fields("harm"), by=request.person.id
        )
    except appeal.ReporterKeyRefused as error:
        return _keys_page(request, error=_(str(error)), status=422)
    return redirect("/reports/keys")


def suspend(request: PageRequest) -> Response:
    """Take a reporter key's priority away for now."""
    try:
        appeal.suspend_reporter_key(
            request.app.ledger, request.path_param("key"), request.field("reason").strip(), by=request.person.id
        )
    except appeal.ReporterKeyRefused as error:
        return _keys_page(request, error=_(str(error)), status=409)
    return redirect("/reports/keys")


def restore(request: PageRequest) -> Response:
    """Give a reporter key its priority back."""
    try:
        appeal.restore_reporter_key(request.app.ledger, request.path_param("key"), by=request.person.id)
    except appeal.ReporterKeyRefused as error:
        return _keys_page(request, error=_(str(error)), status=409)
    return redirect("/reports/keys")


_MANAGE = Permission.MANAGE_REPORTERS
PAGES = (
    Page(path="/reports", run=show_waiting, permission=Permission.SEE_CONTENT),
    Page(path="/reports.json", run=waiting_as_json, permission=Permission.SEE_CONTENT),
    Page(path="/reports/orders", run=show_orders, permission=Permission.SEE_CONTENT),
    Page(path="/reports/orders.json", run=orders_as_json, permission=Permission.SEE_CONTENT),
    Page(path="/reports/keys", run=show_keys, permission=_MANAGE),
    Page(path="/reports/keys", run=declare, method="POST", permission=_MANAGE),
    Page(path="/reports/keys/{key}/suspend", run=suspend, method="POST", permission=_MANAGE),
    Page(path="/reports/keys/{key}/restore", run=restore, method="POST", permission=_MANAGE),
    Page(path="/reports/{report}/match", run=match, method="POST", permission=Permission.REVIEW),
    Page(path="/reports/{report}/dismiss", run=dismiss, method="POST", permission=Permission.REVIEW),
)
MENU = (MenuEntry(path="/reports", title=marked("Reports"), permission=Permission.SEE_CONTENT, order=24),)
