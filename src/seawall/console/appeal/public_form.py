"""The public form to report content (DSA Art. 16), without an account and without scripts.

Switched on by ``SEAWALL_REPORT_FORM``. Against bots it has a field that people do not see, a time before which nobody
has read the form, a limit for each address and one for all. That needs no third party; it stops what is careless, not
a determined person, whose notices are limited instead.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from starlette.responses import Response

from seawall import appeal
from seawall.appeal import ANSWERS, AppealSettings, InvalidReport
from seawall.appeal.notices import receipt_mark, receipt_page
from seawall.appeal.queries import (
    REPORTS_OF_REPORTER,
    get_notice,
    get_report,
    overturning_appeals,
    reports_by,
    standings,
)
from seawall.console.appeal.public_page import public_page, wait_of
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import LETTER_BYTES, Page, PageProblem, PageRequest, missing, redirect
from seawall.enforce.appeal_link import is_mark
from seawall.model import CHILD_SAFETY_HARMS, now_ms
from seawall.policy import NothingPublished, Policy
from seawall.review.queries import answers_after
from seawall.screen.queries import find_item_ref

SOONEST_MS: Final = 3_000
"""Nobody reads and fills in the form faster."""

LATEST_MS: Final = 24 * 3_600_000
SHORTEST_NOTE: Final = 20
OTHER: Final = "other"
FIELDS: Final = ("content_type", "id", "address", "policy", "illegal", "note", "name", "email", "good_faith")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormError:
    """What has to be mended in one field."""

    field: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledForm:
    """What somebody filled in, and what has to be mended."""

    values: dict[str, str]
    errors: Sequence[FormError] = field(default=())

    def error(self, name: str) -> str:
        """What has to be mended in a field; empty: nothing."""
        return next((one.text for one in self.errors if one.field == name), "")


def show(request: PageRequest) -> Response:
    """The form; the query string names what is reported: ``content_type`` and ``id``, or ``address``."""
    _settings(request)
    values = dict.fromkeys(FIELDS, "")
    values |= {name: _asked(request, name) for name in ("content_type", "id", "address", "policy")}
    return _form(request, FilledForm(values=values))


def send(request: PageRequest) -> Response:
    """Record a notice, and show its receipt. What is wrong is said beside its field, and nothing has to be retyped."""
    settings = _settings(request)
    values = {name: request.field(name).strip() for name in FIELDS}
    if request.field("website"):  # people do not see this field; a bot learns nothing
        return redirect(_receipt_path(request, "rep_" + secrets.token_hex(13)))
    errors = _errors(request, values)
    if not errors and not (opened := _opened_at(request, request.field("stamp"))):
        errors = [FormError(field="form", text=_("This form has expired. Your words are still here: send it again."))]
    elif not errors and now_ms() - opened < SOONEST_MS:
        errors = [FormError(field="form", text=_("This was very fast. Please read it once more, and send it again."))]
    if errors:
        return _form(request, FilledForm(values=values, errors=errors), status=422)
    try:
        notice = _notice(request, settings, values)
        appeal.check_notice(notice)
    except InvalidReport as error:
        text = _("Please change this: %(problem)s.") % {"problem": str(error).partition(": ")[2]}
        name = error.field if error.field in FIELDS else "form"
        return _form(request, FilledForm(values=values, errors=[FormError(field=name, text=text)]), status=422)
    if wait := wait_of(request, "report"):
        text = _too_many(wait)
        response = _form(request, FilledForm(values=values, errors=[FormError(field="form", text=text)]), status=429)
        response.headers["Retry-After"] = str(int(wait) + 1)
        return response
    policy = _policy(request, values["policy"])
    find_item = partial(find_item_ref, request.app.database, request.app.vault)
    report = appeal.receive_notice(
        request.app.ledger, notice, find_item=find_item, harm=None if policy is None else policy.harm
    )
    _warn(request, settings, report)
    return redirect(_receipt_path(request, report))


def _warn(request: PageRequest, settings: AppealSettings, report: str) -> None:
    """Warn the reporter when so many of their reports were refused: before that, nobody may mute them."""
    with request.app.database.read() as connection:
        notice = get_notice(connection, report)
        if notice is None or notice.reporter is None:
            return
        reports = reports_by(connection, notice.reporter, limit=REPORTS_OF_REPORTER)
        answers = answers_after(connection, [one.item for one in reports], ANSWERS)
        appeals = overturning_appeals(connection, [one.decision for found in answers.values() for one in found])
    decided = appeal.decided_reports(reports, answers, appeals)
    appeal.warn_if_due(request.app.ledger, notice.reporter, decided, settings.misuse)


def receipt(request: PageRequest) -> Response:
    """The receipt of a notice, and what became of it. Whoever has the link may read it: it names no content."""
    _settings(request)
    report, _dot, mark = request.path_param("token").partition(".")
    if not is_mark(request.app.vault, receipt_page(report), mark):
        raise missing(marked("report"))
    with request.app.database.read() as connection:
        notice, row = get_notice(connection, report), get_report(connection, report)
        answers = [] if row is None else answers_after(connection, [row.item], ANSWERS).get(row.item, [])
        appeals = overturning_appeals(connection, [one.decision for one in answers])
        reporter = None if notice is None else notice.reporter
        warned_at = None if reporter is None else standings(connection, [reporter])[reporter].warned_at
    outcome = None if row is None else appeal.outcome_of(row, answers, appeals)
    return public_page(
        request,
        "appeal/report_receipt.html",
        report=report,
        notice=notice,
        outcome=outcome,
        warned=notice is not None and warned_at is not None and warned_at >= notice.at,
        address=f"{request.app.settings.public_url}{request.path}",
        appeal_path=f"/appeal/{report}.{mark}",
    )


# -- what is sent ------------------------------------------------------------------------------------------------------


def _too_many(wait: float) -> str:
    """Why nothing was recorded, and when to try again."""
    if wait <= 60:
        return _("Too many reports were sent from here, or to us at once. Your words are still here: try in a minute.")
    text = _("Too many reports were sent from here, or to us at once. Your words are still here: try in %(n)d minutes.")
    return text % {"n": int(wait // 60) + 1}


def _errors(request: PageRequest, values: dict[str, str]) -> list[FormError]:
    policy = _policy(request, values["policy"])
    needs_name = policy is None or policy.harm not in CHILD_SAFETY_HARMS
    checks = (
        ("address", not (values["address"] or (values["content_type"] and values["id"])), _("Say where it is.")),
        ("policy", not values["policy"] or (policy is None and values["policy"] != OTHER), _("Choose what is wrong.")),
        (
            "note",
            len(values["note"]) < SHORTEST_NOTE,
            _("Say why, in at least %(n)d characters.") % {"n": SHORTEST_NOTE},
        ),
        ("name", needs_name and not values["name"], _("Give your name.")),
        ("email", needs_name and not values["email"], _("Give your e-mail address.")),
        ("email", bool(values["email"]) and not _is_email(values["email"]), _("This is not an e-mail address.")),
        ("good_faith", values["good_faith"] != "yes", _("Confirm that you believe this in good faith.")),
    )
    return [FormError(field=name, text=text) for name, wrong, text in checks if wrong]


def _is_email(text: str) -> bool:
    before, at, after = text.partition("@")
    return bool(before and at and "." in after.strip(".")) and text.isprintable() and " " not in text


def _notice(request: PageRequest, settings: AppealSettings, values: dict[str, str]) -> appeal.Notice:
    content_type, item_id = values["content_type"], values["id"]
    if not (content_type and item_id):
        content_type, item_id = settings.content_of(values["address"]) or ("", "")
    if content_type not in _content_types(request):  # a link can be mistyped: it waits, with what was written
        address = values["address"] or f"{content_type} {item_id}".strip()
        content_type = item_id = ""
    else:
        address = values["address"]
    said = "\0".join(values[name] for name in FIELDS)
    report = appeal.Report(
        content_type=content_type,
        item_id=item_id,
        policy=None if values["policy"] == OTHER else values["policy"],
        note=values["note"],
        key=request.app.vault.digest(f"{request.field('stamp')}\0{said}".encode("utf-8", "replace")),
    )
    return appeal.Notice(
        report=report,
        channel="form",
        address=address,
        name=values["name"],
        email=values["email"],
        illegal=values["illegal"] == "yes",
    )


def _content_types(request: PageRequest) -> Sequence[str]:
    try:
        return tuple(request.app.bundle.content_types)
    except NothingPublished:
        return ()


def _policies(request: PageRequest) -> Sequence[Policy]:
    try:
        return sorted(request.app.bundle.policies, key=lambda policy: policy.title.casefold())
    except NothingPublished:
        return ()


def _policy(request: PageRequest, name: str) -> Policy | None:
    return next((one for one in _policies(request) if one.name == name), None)


# -- the page ----------------------------------------------------------------------------------------------------------


def _settings(request: PageRequest) -> AppealSettings:
    """Raises PageProblem 404 unless the form is switched on."""
    settings = request.app.context.get(AppealSettings)
    if not settings.report_form:
        raise PageProblem(404, _("Not found"), _("There is no page at this address."))
    return settings


def _form(request: PageRequest, filled: FilledForm, *, status: int = 200) -> Response:
    return public_page(
        request,
        "appeal/report_form.html",
        status=status,
        filled=filled,
        policies=_policies(request),
        child_safety=CHILD_SAFETY_HARMS,
        shortest=SHORTEST_NOTE,
        other=OTHER,
        stamp=_stamp(request),
    )


def _asked(request: PageRequest, name: str) -> str:
    text = request.http.query_params.get(name, "")[:2_000]
    return text if text.isprintable() else ""


def _stamp(request: PageRequest) -> str:
    """When the form was opened, signed; and something that makes it unique, so that sending it twice is once."""
    said = f"{now_ms()}.{secrets.token_hex(8)}"
    return f"{said}.{request.app.vault.digest(f'report form {said}'.encode())[:32]}"


def _opened_at(request: PageRequest, stamp: str) -> int:
    """When the form was opened, ms since 1970; 0: this is no stamp of ours, or it has expired."""
    said, _, mark = stamp.rpartition(".")
    expected = request.app.vault.digest(f"report form {said}".encode("utf-8", "replace"))[:32]
    if not hmac.compare_digest(expected.encode(), mark.encode("utf-8", "replace")):
        return 0
    opened = int(said.partition(".")[0])
    return opened if now_ms() - opened < LATEST_MS else 0


def _receipt_path(request: PageRequest, report: str) -> str:
    return f"/report/{report}.{receipt_mark(request.app.vault, report)}"


PAGES = (
    Page(path="/report", run=show, public=True),
    Page(path="/report", run=send, method="POST", public=True, form_bytes=LETTER_BYTES),
    Page(path="/report/{token}", run=receipt, public=True),
)
