"""Routes of the appeal service: reports about items and accounts, and appeals of decisions."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, ClassVar, TypeVar

from fastapi import APIRouter, Body, Depends, Header
from pydantic import ConfigDict, Field

from seawall import appeal
from seawall.access import KeyInfo, Keys, Scope
from seawall.api.common import KNOWN_ONLY, PRINTABLE, Code, key, not_found, routes_under_v1
from seawall.api.errors import ApiProblem
from seawall.app import App
from seawall.appeal.notices import receipt_mark
from seawall.appeal.queries import (
    REPORTS_OF_REPORTER,
    AppealRow,
    NoticeRow,
    conversation,
    get_appeal,
    get_notice,
    get_report,
    get_reporter_key,
    overturning_appeals,
    reports_by,
    standings,
)
from seawall.appealed_decision import find_facts
from seawall.policy import NothingPublished
from seawall.review import find_reviewed
from seawall.review.queries import answers_after
from seawall.screen import status_of
from seawall.screen.queries import find_item_ref
from seawall.storage import Erased

T = TypeVar("T")

WAITING = "waiting_for_content"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """A report that an item, by its content type and id, or an ``account``, by its id, is bad.

    ``kind``: user; trusted_flagger, authority or staff for keys declared as that.
    """

    __pydantic_config__: ClassVar[ConfigDict] = KNOWN_ONLY

    content_type: str | None = None
    id: str | None = None
    account: str | None = None
    kind: str = "user"
    reporter: str | None = None
    policy: Annotated[str, Field(pattern=PRINTABLE, max_length=200)] | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportResponse:
    """The receipt of a report (DSA Art. 16(4)). ``warning``: tell the reporter (Art. 23).

    ``state``: received, or waiting_for_content when the item is not known yet: it is matched when it is screened.
    ``kind``: as what it was received; ``lost_priority``: why not as what it was sent.
    """

    report: str
    warning: str | None = None
    state: str = "received"
    kind: str = "user"
    lost_priority: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportState:
    """What became of a report (DSA Art. 16(5)). ``outcome``: restricted or not_restricted; None: not decided yet.

    ``decision`` can be appealed by the reporter when the outcome is not_restricted. ``on_appeal``: the outcome is that
    of an appeal. ``appeal_url``: where the reporter objects themselves, for keys with the scope appeal. Times are
    milliseconds since 1970.
    """

    report: str
    state: str  # waiting_for_content | received | decided | ended (the content never came)
    received_at: int
    outcome: str | None = None
    decision: str | None = None
    decided_at: int | None = None
    on_appeal: bool = False
    warning: str | None = None
    appeal_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealRequest:
    """An objection to a decision, by its id or, for the one in force, by the item's content type and id.

    ``appellant``: the account's id: the item's author, or a reporter whose report was refused.
    """

    __pydantic_config__: ClassVar[ConfigDict] = KNOWN_ONLY

    appellant: Annotated[str, Field(pattern=PRINTABLE)]
    text: str
    decision: Annotated[str, Field(pattern=PRINTABLE, max_length=200)] | None = None
    content_type: Annotated[str, Field(pattern=PRINTABLE, max_length=200)] | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealResponse:
    """The receipt of an appeal."""

    appeal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppellantRequest:
    """Who says it: the account's id of the appellant."""

    __pydantic_config__: ClassVar[ConfigDict] = KNOWN_ONLY

    appellant: Annotated[str, Field(pattern=PRINTABLE)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealMessageRequest:
    """A message of the appellant about their open appeal."""

    __pydantic_config__: ClassVar[ConfigDict] = KNOWN_ONLY

    appellant: Annotated[str, Field(pattern=PRINTABLE)]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealMessageState:
    """One message. ``sender``: appellant or reviewer; ``text`` None: erased. ``at``: milliseconds since 1970."""

    at: int
    sender: str
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfCourtOutcome:
    """What an out-of-court dispute settlement body said (DSA Art. 21)."""

    body: str
    outcome: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealStatus:
    """An appeal as its appellant may see it: who answered, and notes for colleagues, are not among it.

    ``new_decision``: what replaced the appealed decision; None: it stays. Times are milliseconds since 1970.
    """

    appeal: str
    state: str  # open | upheld | overturned | partly | withdrawn
    role: str  # author | reporter
    decision: str
    received_at: int
    answered_at: int | None
    reason: str | None
    new_decision: str | None
    messages: tuple[AppealMessageState, ...]
    out_of_court: OutOfCourtOutcome | None = None


def router(app: App, keys: Keys) -> APIRouter:
    """Routes under ``/v1``."""
    routes = routes_under_v1(keys)
    may_report, may_appeal = Depends(key(keys, Scope.REPORT)), Depends(key(keys, Scope.APPEAL))

    @routes.post("/reports", status_code=201, tags=["reports"])
    def post_report(
        asked: Annotated[ReportRequest, Body()],
        caller: Annotated[KeyInfo, may_report],
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> ReportResponse:
        """Report an item or an account; opens or moves up its case. An unknown item is waited for."""
        claim = _claim(app, asked, caller)
        report, state = _report(app, asked, idempotency_key, claim)
        return ReportResponse(
            report=report, warning=_warning(app, report), state=state, kind=claim.kind, lost_priority=claim.lost
        )

    @routes.get("/reports/{report}", tags=["reports"])
    def get_report_state(report: Code, caller: Annotated[KeyInfo, may_report]) -> ReportState:
        """Whether a report was decided, and how."""
        found = _report_state(app, report)
        refused = found.outcome == "not_restricted" and caller.may(Scope.APPEAL)
        return replace(found, appeal_url=_appeal_url(app, report)) if refused else found

    @routes.post("/appeals", status_code=201, dependencies=[may_appeal], tags=["appeals"])
    def post_appeal(
        asked: Annotated[AppealRequest, Body()], idempotency_key: Annotated[str | None, Header()] = None
    ) -> AppealResponse:
        """Appeal a decision; opens the item's case for somebody who did not decide it."""
        asked_for = appeal.Appeal(
            appellant=asked.appellant,
            text=asked.text,
            decision=asked.decision,
            content_type=asked.content_type,
            item_id=asked.id,
            key=idempotency_key,
        )
        found = _told(
            lambda: appeal.receive_appeal(
                app.ledger,
                asked_for,
                find_facts=partial(find_facts, app),
                find_item=partial(find_reviewed, find_item=status_of),
            )
        )
        return AppealResponse(appeal=found)

    @routes.get("/appeals/{appeal}", dependencies=[may_appeal], tags=["appeals"])
    def get_appeal_status(appeal: Code) -> AppealStatus:
        """The state of an appeal, and the messages meant for the appellant."""
        return _status(app, appeal)

    @routes.post("/appeals/{appeal}/messages", status_code=201, dependencies=[may_appeal], tags=["appeals"])
    def post_appeal_message(appeal: Code, asked: Annotated[AppealMessageRequest, Body()]) -> AppealStatus:
        """Add a message of the appellant to their open appeal."""
        _message(app, appeal, asked)
        return _status(app, appeal)

    @routes.post("/appeals/{appeal}/withdraw", dependencies=[may_appeal], tags=["appeals"])
    def post_withdrawal(appeal: Code, asked: Annotated[AppellantRequest, Body()]) -> AppealStatus:
        """Withdraw an open appeal; what is in force stays."""
        _withdraw(app, appeal, asked)
        return _status(app, appeal)

    return routes


def _harm(app: App, name: str | None) -> str | None:
    """The harm of a policy in force; None: there is none of that name."""
    try:
        policy = app.bundle.policy(name) if name is not None else None
    except NothingPublished:
        return None
    return policy.harm if policy is not None else None


# -- reports -----------------------------------------------------------------------------------------------------------


def _claim(app: App, asked: ReportRequest, caller: KeyInfo) -> appeal.ReporterClaim:
    """As what the report is received. Raises ApiProblem 403 when the key may not report as that kind."""
    with app.database.read() as connection:
        reporter_key = get_reporter_key(connection, caller.id) if asked.kind in list(appeal.KEYED_KINDS) else None
    try:
        return appeal.claim(reporter_key, asked.kind, _harm(app, asked.policy))
    except appeal.ReporterKeyRefused as error:
        raise ApiProblem(status=403, title="Not declared for this key", detail=str(error), pointer="/kind") from error


def _report(app: App, asked: ReportRequest, key: str | None, claim: appeal.ReporterClaim) -> tuple[str, str]:
    """The report's id and its state."""
    report = appeal.Report(
        content_type=asked.content_type,
        item_id=asked.id,
        account=asked.account,
        kind=claim.kind,
        reporter=asked.reporter,
        policy=asked.policy,
        note=asked.note,
        key=key,
        reporter_key=claim.reporter_key,
    )
    find_item = partial(find_item_ref, app.database, app.vault)
    harm = _harm(app, asked.policy)
    try:
        if (known := appeal.waiting_report(app.ledger, report)) is not None:
            return known, _state_of(app, known)
        try:
            return appeal.receive_report(app.ledger, report, find_item=find_item, harm=harm), "received"
        except appeal.UnknownItem:
            if not _is_content_type(app, asked.content_type or ""):
                raise
            notice = appeal.Notice(report=report, channel="api")
            found = appeal.receive_notice(app.ledger, notice, find_item=find_item, harm=harm)
            return found, _state_of(app, found)
    except appeal.UnknownItem as error:
        raise not_found(str(error)) from error
    except appeal.InvalidReport as error:
        pointer = None if error.field == "key" else f"/{error.field}"  # the key is a header
        raise ApiProblem(status=422, title="Invalid report", detail=str(error), pointer=pointer) from error
    except appeal.ReportKeyUsed as error:
        raise ApiProblem(status=409, title="Idempotency key already used", detail=str(error)) from error
    except Erased as error:
        raise ApiProblem(status=410, title="Erased", detail="The account was erased, or the item's author.") from error


def _is_content_type(app: App, name: str) -> bool:
    try:
        return name in app.bundle.content_types
    except NothingPublished:
        return False


def _state_of(app: App, report: str) -> str:
    with app.database.read() as connection:
        return "received" if get_report(connection, report) is not None else WAITING


def _warning(app: App, report: str) -> str | None:
    """The warning to the reporter, when one is due with this report; it is recorded."""
    with app.database.read() as connection:
        row = get_report(connection, report)
        if row is None or row.reporter is None or row.kind != appeal.ReporterKind.USER:
            return None
        reports = reports_by(connection, row.reporter, limit=REPORTS_OF_REPORTER)
        answers = answers_after(connection, [one.item for one in reports], appeal.ANSWERS)
        appeals = overturning_appeals(connection, [one.decision for found in answers.values() for one in found])
    decided = appeal.decided_reports(reports, answers, appeals)
    warned = appeal.warn_if_due(app.ledger, row.reporter, decided, app.context.get(appeal.AppealSettings).misuse)
    return appeal.WARNING if warned else None


def _report_state(app: App, report: str) -> ReportState:
    with app.database.read() as connection:
        row = get_report(connection, report)
        if row is None:
            return _notice_state(get_notice(connection, report))
        answers = answers_after(connection, [row.item], appeal.ANSWERS).get(row.item, [])
        outcome = appeal.outcome_of(row, answers, overturning_appeals(connection, [one.decision for one in answers]))
        warned_at = None if row.reporter is None else standings(connection, [row.reporter])[row.reporter].warned_at
    warning = appeal.WARNING if warned_at is not None and warned_at >= row.at else None
    if outcome is None:
        return ReportState(report=row.id, state="received", received_at=row.at, warning=warning)
    return ReportState(
        report=row.id,
        state="decided",
        received_at=row.at,
        outcome="restricted" if outcome.upheld else "not_restricted",
        decision=outcome.decision,
        decided_at=outcome.at,
        on_appeal=outcome.on_appeal,
        warning=warning,
    )


def _appeal_url(app: App, report: str) -> str | None:
    """Where the reporter of a refused report objects; None: nobody is known, or the console's address is not set."""
    with app.database.read() as connection:
        row, notice = get_report(connection, report), get_notice(connection, report)
    if not app.settings.has_public_url or (notice is None and (row is None or row.reporter is None)):
        return None
    return f"{app.settings.public_url}/appeal/{report}.{receipt_mark(app.vault, report)}"


def _notice_state(row: NoticeRow | None) -> ReportState:
    """The state of a report that has no item yet."""
    if row is None:
        raise not_found("There is no report with this id.")
    state = WAITING if row.state == "waiting" else "ended"
    return ReportState(report=row.report, state=state, received_at=row.at, decided_at=row.ended_at)


# -- appeals -----------------------------------------------------------------------------------------------------------


def _status(app: App, appeal_id: str) -> AppealStatus:
    with app.database.read() as connection:
        row = get_appeal(connection, appeal_id)
        if row is None:
            raise not_found(str(appeal.UnknownAppeal()))
        said = conversation(connection, app.vault, row, notes=False)
    return AppealStatus(
        appeal=row.id,
        state=row.state,
        role=row.role,
        decision=row.decision,
        received_at=row.at,
        answered_at=row.answered_at,
        reason=row.reason,
        new_decision=row.new_decision,
        messages=tuple(
            AppealMessageState(
                at=one.at, sender="appellant" if one.kind == "from_appellant" else "reviewer", text=one.text
            )
            for one in said
        ),
        out_of_court=_out_of_court(row),
    )


def _out_of_court(row: AppealRow) -> OutOfCourtOutcome | None:
    if row.settlement_body is None or row.settlement_outcome is None or row.settlement_date is None:
        return None
    return OutOfCourtOutcome(body=row.settlement_body, outcome=row.settlement_outcome, date=row.settlement_date)


def _message(app: App, appeal_id: str, asked: AppealMessageRequest) -> None:
    appellant = app.vault.find("account", asked.appellant) or ""
    _told(lambda: appeal.send_message(app.ledger, appeal_id, asked.text, appellant=appellant))


def _withdraw(app: App, appeal_id: str, asked: AppellantRequest) -> None:
    appellant = app.vault.find("account", asked.appellant) or ""
    _told(lambda: appeal.withdraw(app.ledger, appeal_id, appellant=appellant))


_STATUS_OF = {appeal.Refusal.NO_DECISION: 404, appeal.Refusal.NOT_CONCERNED: 403}


def _told(unit: Callable[[], T]) -> T:
    """What ``unit`` returns; its refusals as problems."""
    try:
        return unit()
    except appeal.AppealRefused as error:
        status = _STATUS_OF.get(error.reason, 409)
        raise ApiProblem(status=status, title="Appeal not accepted", detail=str(error)) from error
    except appeal.InvalidAppeal as error:
        pointer = None if error.field == "key" else f"/{error.field}"  # the key is a header
        raise ApiProblem(status=422, title="Invalid appeal", detail=str(error), pointer=pointer) from error
    except appeal.AppealKeyUsed as error:
        raise ApiProblem(status=409, title="Idempotency key already used", detail=str(error)) from error
    except appeal.UnknownAppeal as error:
        raise not_found(str(error)) from error
    except appeal.NotTheAppellant as error:
        raise ApiProblem(status=403, title="Not the appellant", detail=str(error)) from error
    except appeal.AppealMoved as error:
        raise ApiProblem(status=409, title="Appeal already answered", detail=str(error)) from error
    except Erased as error:
        raise ApiProblem(
            status=410, title="Erased", detail="The appellant or the item's author was erased: nothing can be added."
        ) from error
