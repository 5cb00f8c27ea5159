"""The page of one decision for the person concerned: the statement of reasons, and the appeal (DSA Art. 17 and 20).

Without an account and without scripts. The author of what was restricted has its link from the product, a reporter
whose report was refused from their receipt; whoever has a link may read and write here. The page shows what the
statement says and the appellant's own conversation: nothing of others, not who decided, not who reported.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from starlette.responses import Response

from seawall import appeal
from seawall.appeal import AppealRefused, Refusal, StatementOfReasons
from seawall.appeal.notices import receipt_page
from seawall.appeal.queries import (
    AppealMessage,
    AppealRow,
    ReportRow,
    appeal_of_author,
    appeal_of_report,
    conversation,
    get_notice,
    get_report,
)
from seawall.appealed_decision import facts_about, refused_by, statement_about
from seawall.console.appeal.public_page import public_page, wait_of
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import LETTER_BYTES, Page, PageProblem, PageRequest, redirect
from seawall.enforce.appeal_link import appeal_page, is_mark
from seawall.model import Decision, is_adverse, now_ms
from seawall.publish import NothingPublished
from seawall.review import find_reviewed
from seawall.screen import EDITED_RULE, FAIL_MODE_RULES, NEAR_DUPLICATE_RULE, load_decision, status_of
from seawall.storage import Erased

MEASURES: Final = {
    "remove": marked("Removed: nobody finds it any more"),
    "disable": marked("Access disabled: nobody can open it"),
    "hold": marked("Held back: it is not published"),
    "demote": marked("Shown to fewer people"),
    "hold_from_recommendation": marked("Recommended to nobody"),
    "demonetise": marked("Earns nothing"),
    "age_restrict": marked("Shown to adults only"),
    "age_hold": marked("Shown only to people whose age is assured"),
    "advisory": marked("Carries a label"),
    "label_synthetic": marked("Labelled as AI-made"),
    "exclude_from_counts": marked("Not counted"),
    "warn": marked("A warning to you"),
    "strike": marked("A strike on your account"),
    "limit": marked("Your account can do less"),
    "suspend": marked("Your account is suspended"),
    "terminate": marked("Your account is ended"),
}
"""What each action means to the person concerned."""

OWN_RULES: Final = {
    **dict.fromkeys(
        FAIL_MODE_RULES,
        marked("It could not be checked completely, so it waits until it can be, or until a person has looked at it."),
    ),
    EDITED_RULE: marked("A person restricted an earlier version. The change waits until a person has looked at it."),
    NEAR_DUPLICATE_RULE: marked("It still contains what a person removed from an earlier version."),
}
"""What each rule of Seawall itself means to the person concerned."""

_DECISION: Final = re.compile("dec_[0-9a-z]{1,60}")
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcernedPerson:
    """Whose page it is, by the token of its link. ``report``: the refused one, when they are a reporter.

    ``decision`` None: their report is not refused, and there is nothing to appeal.
    """

    token: str
    appellant: str  # surrogate
    decision: Decision | None
    report: ReportRow | None
    appealed: AppealRow | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealPageView:
    """What the page shows. ``until``: the end of the window, ms since 1970; ``refusal``: why no appeal is possible.

    ``content_type`` and ``item_id`` name the content; None: erased, or not theirs.
    """

    statement: StatementOfReasons | None
    until: int | None
    refusal: str | None
    messages: Sequence[AppealMessage]
    content_type: str | None
    item_id: str | None
    gone: bool  # what it is about was erased: nothing can be added

    @property
    def restricts_now(self) -> bool:
        """Whether something is in force, as far as the statement says."""
        said = self.statement
        return said is not None and (not said.measures or any(one.in_force for one in (*said.measures, *said.later)))


# -- the pages ---------------------------------------------------------------------------------------------------------


def show(request: PageRequest) -> Response:
    """The decision, why, what is in force now, and the appeal with its conversation, or the form for one."""
    return _shown(request, _concerned(request))


def send(request: PageRequest) -> Response:
    """Appeal. A second one shows the first; then what was written now can be added to it."""
    person, text = _concerned(request), _written(request)
    if person.decision is None:
        return _shown(request, person, status=409)
    if (problem := _problem(text)) is not None:
        return _shown(request, person, status=422, problem=problem, text=text)
    if person.appealed is not None:
        return _again(request, person, text)
    if wait := wait_of(request, "appeal"):
        return _too_many(request, person, text, wait)
    asked = appeal.Appeal(appellant=person.appellant, text=text, decision=person.decision.id)
    report = None if person.report is None else person.report.id
    decision, appellant = person.decision, person.appellant
    try:
        appeal.receive_appeal(
            request.app.ledger,
            asked,
            find_facts=lambda _asked: facts_about(request.app, decision, appellant, report=report),
            find_item=partial(find_reviewed, find_item=status_of),
        )
    except AppealRefused as error:
        if error.reason is Refusal.ALREADY_APPEALED:
            return _again(request, _concerned(request), text)
        return _shown(request, person, status=409, problem=_("Your appeal was not recorded."), text=text)
    except appeal.InvalidAppeal:
        return _shown(request, person, status=422, problem=_("This text cannot be taken. Write it anew."), text=text)
    except Erased:
        raise _erased() from None
    return redirect(_path(person))


def write(request: PageRequest) -> Response:
    """Add a message to the open appeal. The same one twice is once."""
    person, text = _concerned(request), _written(request)
    if person.appealed is None:
        return _shown(request, person, status=409, text=text)
    if (problem := _problem(text)) is not None:
        return _shown(request, person, status=422, problem=problem, text=text)
    if _last_written(request, person.appealed) == text:
        return redirect(_path(person))
    if wait := wait_of(request, "appeal"):
        return _too_many(request, person, text, wait)
    try:
        appeal.send_message(request.app.ledger, person.appealed.id, text, appellant=person.appellant)
    except appeal.AppealMoved:
        problem = _("Your message was not sent: your appeal had been answered or withdrawn before.")
        return _shown(request, _concerned(request), status=409, problem=problem, text=text)
    except appeal.InvalidAppeal:
        return _shown(request, person, status=422, problem=_("This text cannot be taken. Write it anew."), text=text)
    except Erased:
        raise _erased() from None
    return redirect(_path(person))


def withdraw(request: PageRequest) -> Response:
    """Withdraw the open appeal, once that is confirmed. What is in force stays."""
    person = _concerned(request)
    if person.appealed is None or person.appealed.state != "open":
        return redirect(_path(person))
    if request.field("sure") != "yes":
        problem = _("Nothing was withdrawn. Tick the box first: a withdrawn appeal cannot be made again.")
        return _shown(request, person, status=422, problem=problem)
    try:
        appeal.withdraw(request.app.ledger, person.appealed.id, appellant=person.appellant)
    except appeal.AppealMoved:
        return redirect(_path(person))  # it was answered meanwhile: the page says so
    return redirect(_path(person))


# -- whose page it is --------------------------------------------------------------------------------------------------


def _concerned(request: PageRequest) -> ConcernedPerson:
    """Raises PageProblem: 404 for a link that leads nowhere, whatever the reason; 410 for who was erased."""
    token = request.path_param("token")
    name, _dot, mark = token.partition(".")
    found = _reporter(request, token, name, mark) if name.startswith("rep_") else _author(request, token, name, mark)
    if found is None:
        text = _("This link leads to no decision. Use the whole link as you were given it: a part may be missing.")
        raise PageProblem(404, _("Not found"), text)
    try:
        request.app.vault.platform_id(found.appellant)
    except (Erased, KeyError):
        raise _erased() from None
    return found


def _author(request: PageRequest, token: str, name: str, mark: str) -> ConcernedPerson | None:
    if not _DECISION.fullmatch(name):
        return None
    try:
        decision = load_decision(request.app.database, name)
    except LookupError:
        return None
    author = decision.actor
    if not is_mark(request.app.vault, appeal_page(decision), mark) or author is None or not is_adverse(decision):
        return None
    with request.app.database.read() as connection:
        appealed = appeal_of_author(connection, decision.item.ref, author, decision.id)
    return ConcernedPerson(token=token, appellant=author, decision=decision, report=None, appealed=appealed)


def _reporter(request: PageRequest, token: str, name: str, mark: str) -> ConcernedPerson | None:
    if not is_mark(request.app.vault, receipt_page(name), mark):
        return None
    with request.app.database.read() as connection:
        report, notice = get_report(connection, name), get_notice(connection, name)
        appealed = None if report is None else appeal_of_report(connection, report)
    # Who reported without an address is known by their notice alone.
    known = [None if report is None else report.reporter]
    known += [] if notice is None else [notice.reporter, notice.subject]
    appellant = next((one for one in known if one is not None), None)
    if appellant is None:
        return None
    refused = None if report is None else refused_by(request.app, report)
    named = refused if appealed is None else appealed.decision
    return ConcernedPerson(
        token=token,
        appellant=appellant,
        decision=None if named is None else load_decision(request.app.database, named),
        report=report,
        appealed=appealed,
    )


def _erased() -> PageProblem:
    text = _(
        "What we knew about you was erased, as was asked for. This decision can no longer be shown or appealed here."
    )
    return PageProblem(410, _("Erased"), text)


def _path(person: ConcernedPerson) -> str:
    return f"/appeal/{person.token}"


# -- what is written ---------------------------------------------------------------------------------------------------


def _written(request: PageRequest) -> str:
    """The text of the form: line ends as they were typed, without control characters, which nobody types."""
    return _CONTROLS.sub("", request.field("text").replace("\r\n", "\n").replace("\r", "\n")).strip()


def _problem(text: str) -> str | None:
    if not text:
        return _("Write what we should know: the field was empty.")
    if len(text) <= appeal.LONGEST_TEXT:
        return None
    said = _("Your text has %(n)d characters; at most %(longest)d can be sent. Shorten it, and send the rest later.")
    return said % {"n": len(text), "longest": appeal.LONGEST_TEXT}


def _again(request: PageRequest, person: ConcernedPerson, text: str) -> Response:
    """A second appeal: the first counts, and different words are not lost."""
    row = person.appealed
    if row is not None and _first_written(request, row) == text:
        return redirect(_path(person))
    problem = _("You have appealed this already, and that counts. What you wrote now was not sent.")
    if row is not None and row.state == "open":
        problem = _("You have appealed this already, and that counts. You can add what you wrote now as a message.")
    return _shown(request, person, status=409, problem=problem, text=text)


def _too_many(request: PageRequest, person: ConcernedPerson, text: str, wait: float) -> Response:
    said = _("Too much was sent from here, or to us at once. Your words are still here: try again in %(n)d min.")
    response = _shown(request, person, status=429, problem=said % {"n": int(wait // 60) + 1}, text=text)
    response.headers["Retry-After"] = str(int(wait) + 1)
    return response


def _first_written(request: PageRequest, row: AppealRow) -> str | None:
    return _conversation(request, row)[0].text


def _last_written(request: PageRequest, row: AppealRow) -> str | None:
    """The newest message, if it is the appellant's."""
    last = _conversation(request, row)[-1]
    return last.text if last.kind == "from_appellant" else None


def _conversation(request: PageRequest, row: AppealRow) -> Sequence[AppealMessage]:
    with request.app.database.read() as connection:
        return conversation(connection, request.app.vault, row, notes=False)


# -- what is shown -----------------------------------------------------------------------------------------------------


def _shown(
    request: PageRequest, person: ConcernedPerson, *, status: int = 200, problem: str = "", text: str = ""
) -> Response:
    return public_page(
        request,
        "appeal/appeal_page.html",
        status=status,
        concerned=person,
        view=_view(request, person),
        problem=problem,
        text=text,
        measures=MEASURES,
        own_rules=OWN_RULES,
        longest=appeal.LONGEST_TEXT,
        address=f"{request.app.settings.public_url}{_path(person)}",
    )


def _view(request: PageRequest, person: ConcernedPerson) -> AppealPageView:
    decision, row, until, refusal = person.decision, person.appealed, None, None
    messages = () if row is None else _conversation(request, row)
    content_type = item_id = None
    gone = False
    if decision is None:
        refusal = Refusal.NOT_ADVERSE.value
    else:
        report = None if person.report is None else person.report.id
        facts = facts_about(request.app, decision, person.appellant, report=report)
        until = appeal.window_end(facts)
        try:
            appeal.role_of(facts, now_ms())
        except AppealRefused as error:
            refusal = error.reason.value
        try:
            item_id = request.app.vault.platform_id(decision.item.ref)
            content_type = _title(request, decision.item.content_type)
        except (Erased, KeyError):
            gone = True
    is_author = person.report is None and decision is not None
    return AppealPageView(
        statement=statement_about(request.app, decision) if is_author and decision is not None else None,
        until=until,
        refusal=refusal,
        messages=messages,
        content_type=content_type if is_author else None,
        item_id=item_id if is_author else None,
        gone=gone,
    )


def _title(request: PageRequest, content_type: str) -> str:
    try:
        found = request.app.bundle.content_types.get(content_type)
    except NothingPublished:
        return content_type
    return content_type if found is None else found.title


PAGES = (
    Page(path="/appeal/{token}", run=show, public=True),
    Page(path="/appeal/{token}", run=send, method="POST", public=True, form_bytes=LETTER_BYTES),
    Page(path="/appeal/{token}/messages", run=write, method="POST", public=True, form_bytes=LETTER_BYTES),
    Page(path="/appeal/{token}/withdraw", run=withdraw, method="POST", public=True),
)
