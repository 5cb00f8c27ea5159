"""The page of an account: its history in words, what is in force on it, notes about it; and lifting a restriction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response

from seawall import enforce
from seawall.access import Permission
from seawall.appeal import InvalidReport, Report, ReporterKind, receive_report
from seawall.appeal.queries import ReportRow, reports_about, reports_by
from seawall.console import active_bundle
from seawall.console.child_safety import check_item, hidden_items, may_see_all, seen_result, seen_rows
from seawall.console.formats import action_title, day, number, within
from seawall.console.languages import gettext as _
from seawall.console.languages import marked, ngettext
from seawall.console.request import Page, PageRequest, json_response, missing, redirect
from seawall.console.screen.lookup import account_path, platform_ids
from seawall.console.screen.search import position_of, position_text
from seawall.console.screen.snoozing import SnoozeRefused, set_aside, snooze_form
from seawall.console.summaries import rows_of_items, summaries
from seawall.console.templates import render
from seawall.enforce.queries import EnforcementRow, enforcements_on, get_enforcement
from seawall.model import now_ms
from seawall.model.harms import CHILD_SAFETY_HARMS
from seawall.policy import Policy
from seawall.review.queries import CaseRow, case_of_item, cases_of_items
from seawall.screen.account_notes import BadNote, add_account_note, lift_restriction, notes_about
from seawall.screen.creator_overlays import AccountOverlays, overlays_of
from seawall.screen.item_search import ItemFilters, search_items
from seawall.screen.queries import (
    ActorTotals,
    DecisionRow,
    decisions_by_id,
    items_by_actor,
    items_by_ref,
    reviews_of_actor,
    totals_of_actor,
)
from seawall.screen.snoozes import RuleSnooze, Snoozes, end_snooze, find_snooze, snoozes_of_account
from seawall.storage import Erased

PAGE_SIZE = 25
_LISTED: Final = 100  # enforcements, reviews, reports and notes
_VERDICTS: Final = {
    "allow": marked("%(n)s allowed"),
    "hold": marked("%(n)s held"),
    "block": marked("%(n)s blocked"),
    "": marked("%(n)s not decided"),
}

# What ``enforce.LIFT_REASONS`` and ``screen.account_notes.BadNote`` say, which the page shows in its language: the
# catalogues know it from here.
_REASONS: Final = (
    *(marked("It lasted long enough"), marked("It was a mistake"), marked("The account was in somebody else's hands")),
    *(marked("The person promised to keep to the rules"), marked("Another reason")),
)
_BAD_NOTES: Final = (
    marked("Write what others should know: without words, a note or the reason of a lifting says nothing."),
    marked("The note contains half of a surrogate pair, which is not a character. Remove it."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """What is recorded about an account, as far as the person may see it. ``case``: the one about the account.

    Of what concerns an item of child safety, people who may not see it get only that a restriction exists, its kind and
    its end; ``unseen`` counts what is missing.
    """

    totals: ActorTotals
    enforced: Sequence[EnforcementRow]
    reviews: Sequence[DecisionRow]
    reported: Sequence[ReportRow]  # it or its items, by others
    filed: Sequence[ReportRow]  # by it, about others
    overlays: AccountOverlays  # on in its place
    snoozes: Sequence[RuleSnooze] = ()
    case: CaseRow | None = None
    unseen: int = 0


def show(request: PageRequest) -> Response:
    """Show the account."""
    return _page(request)


def as_json(request: PageRequest) -> Response:
    """What is recorded about the account, without content."""
    account = _account(request)
    with request.app.database.read() as connection:
        record = record_of(request, connection, account)
    snoozes = [replace(one, why=None) for one in record.snoozes]
    without_words = replace(record, snoozes=snoozes, overlays=replace(record.overlays, words=()))
    return json_response({"account": account, **_json(without_words)})


def _json(record: AccountRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in AccountRecord.__dataclass_fields__}


def note(request: PageRequest) -> Response:
    """Note something about the account."""
    account = _account(request)
    try:
        add_account_note(request.app.ledger, account, request.field("note"), person=request.person.id)
    except (BadNote, Erased) as error:
        return _page(request, error=_(str(error.args[0])), status=422)
    return redirect(f"/accounts/{account}#notes")


def lift(request: PageRequest) -> Response:
    """Lift a restriction in force; the platform is told."""
    account = _account(request)
    with request.app.database.read() as connection:
        found = get_enforcement(connection, request.path_param("enforcement"))
        if found is not None:
            check_item(request, connection, found.item)
    try:
        lift_restriction(
            request.app.ledger,
            request.path_param("enforcement"),
            account=account,
            reason=request.field("reason"),
            text=request.field("note"),
            person=request.person.id,
        )
    except BadNote as error:
        return _page(request, error=_(str(error)), status=422)
    except (enforce.CannotLift, Erased) as error:
        return _page(request, error=_(str(error.args[0])), status=409)
    return redirect(f"/accounts/{account}")


def snooze(request: PageRequest) -> Response:
    """Set a rule aside for the account until a date."""
    account = _account(request)
    try:
        set_aside(request, account, _policies(request))
    except SnoozeRefused as refused:
        return _page(request, error=str(refused), status=refused.status)
    return redirect(f"/accounts/{account}#snoozes")


def wake(request: PageRequest) -> Response:
    """End a snooze before its date."""
    account = _account(request)
    with request.app.database.read() as connection:
        found = find_snooze(connection, request.path_param("snooze"))
    if found is None or found.account != account or (found.harm in CHILD_SAFETY_HARMS and not may_see_all(request)):
        raise missing(marked("snooze"))
    end_snooze(request.app.ledger, found.id, person=request.person.id)
    request.app.context.get(Snoozes).refresh()
    return redirect(f"/accounts/{account}#snoozes")


def ask_for_review(request: PageRequest) -> Response:
    """Open the case of the account, or add to it, with what the colleague says about it."""
    account, why = _account(request), request.field("why").strip()
    name, policy = platform_ids(request.app, [account]).get(account), request.field("policy") or None
    known = _policies(request)
    if not why:
        return _page(request, error=_("Say in words why this account should be reviewed."), status=422)
    if policy is not None and policy not in known:
        return _page(request, error=_("Choose one of the policies in force."), status=422)
    if name is None:
        return _page(request, error=_("This account was erased: there is nothing to review."), status=409)
    report = Report(account=name, kind=ReporterKind.STAFF, policy=policy, note=why, person=request.person.id)
    harm = None if policy is None else known[policy].harm
    try:
        receive_report(request.app.ledger, report, find_item=lambda content_type, item_id: None, harm=harm)
    except InvalidReport as error:
        return _page(request, error=str(error), status=422)
    return redirect(f"/accounts/{account}?asked=1")


def _policies(request: PageRequest) -> Mapping[str, Policy]:
    """Those in force; none before the first publication."""
    return active_bundle.policies(request.app) if active_bundle.policy_names(request.app) else {}


def _account(request: PageRequest) -> str:
    """The surrogate in the address. Raises Problem 404."""
    account = request.path_param("account")
    if not account.startswith("en_") or account_path(request.app, account) is None:
        raise missing(marked("account"))
    return account


def record_of(request: PageRequest, connection: Connection, account: str) -> AccountRecord:
    """What is recorded about an account, without what is said of child safety to those who may not see it."""
    case = case_of_item(connection, account, now_ms())
    enforced = enforcements_on(connection, account, limit=_LISTED)
    reviews = reviews_of_actor(connection, account, limit=_LISTED)
    reported = reports_about(connection, account, items_by_actor(account), limit=_LISTED)
    filed = reports_by(connection, account, limit=_LISTED)
    snoozes = snoozes_of_account(connection, request.app.vault, account, limit=_LISTED)
    items = [row.item for rows in (enforced, reviews, reported, filed) for row in rows]
    hidden = hidden_items(request, connection, items)
    return AccountRecord(
        totals=totals_of_actor(connection, account),
        enforced=[_without_item(row) if row.item in hidden else row for row in enforced],
        reviews=[row for row in reviews if row.item not in hidden],
        reported=[row for row in reported if row.item not in hidden],
        filed=[row for row in filed if row.item not in hidden],
        snoozes=[one for one in snoozes if one.harm not in CHILD_SAFETY_HARMS or may_see_all(request)],
        case=next(iter(seen_rows(request, connection, [case] if case is not None else [])), None),
        unseen=sum(item in hidden for item in items),
        overlays=overlays_of(connection, request.app.vault, active_bundle.creators_overlays(request.app), account),
    )


def _without_item(row: EnforcementRow) -> EnforcementRow:
    """The restriction itself, which is in force for everybody; not what it is for."""
    return replace(row, item="", decision="", parameters={}, deliveries=(), reversed_by=None)


def _page(request: PageRequest, *, error: str = "", status: int = 200) -> Response:
    app, account, now = request.app, _account(request), now_ms()
    found = search_items(
        app.database, app.vault, ItemFilters(actor=account), limit=PAGE_SIZE, after=position_of(request)
    )
    items = {one.item.ref: one.item for one in seen_result(request, found).found}
    with app.database.read() as connection:
        record = record_of(request, connection, account)
        notes = notes_about(connection, app.vault, account, limit=_LISTED)
        cases = cases_of_items(connection, list(items), now)
        decisions = decisions_by_id(connection, [row.decision for row in items.values() if row.decision])
        filed = items_by_ref(connection, [row.item for row in record.filed])
    harms = {ref: case.harm for ref, case in cases.items()}
    about = summaries(request, rows_of_items({**filed, **items}.values(), harms))
    in_force = [one for one in record.enforced if one.is_in_force(now)]
    return render(
        request,
        "screen/account.html",
        status=status,
        account=account,
        id=platform_ids(app, [account]).get(account),
        history=history_in_words(record, now),
        record=record,
        in_force=in_force,
        past=[one for one in record.enforced if one not in in_force],
        items=list(items.values()),
        decisions=decisions,
        cases=cases,
        summaries=about,
        notes=notes,
        names=active_bundle.names_of_people(app, request.person),
        policies=_policies(request),
        snoozing=snooze_form(request, _policies(request)) if request.may(Permission.SNOOZE_RULES) else None,
        asked=request.query("asked"),
        reasons=enforce.LIFT_REASONS,
        older=f"/accounts/{account}?after={position_text(found.further)}" if found.further else None,
        newest=f"/accounts/{account}" if request.query("after") else None,
        typed=request.field("note"),
        why=request.field("why"),
        error=error,
        now=now,
    )


def history_in_words(record: AccountRecord, now: int) -> list[str]:
    """The account's history as sentences; every number that a list may have cut says so."""
    totals = record.totals
    count = sum(totals.verdicts.values())
    if totals.first_at is None:
        said = [_("Seawall has seen nothing that this account wrote.")]
    else:
        numbers = {name: number(n) for name, n in totals.verdicts.items() if n}
        parts = [_(sentence) % {"n": numbers[name]} for name, sentence in _VERDICTS.items() if name in numbers]
        items = ngettext("%(n)s item since %(day)s: %(verdicts)s.", "%(n)s items since %(day)s: %(verdicts)s.", count)
        said = [items % {"n": number(count), "day": day(totals.first_at), "verdicts": ", ".join(parts)}]
    if record.reviews:
        against = sum(1 for row in record.reviews if row.policy is not None)
        text = _("People decided about it or its items: %(times)s times, %(against)d as a violation.")
        said.append(text % {"times": _many(record.reviews), "against": against})
    if record.reported:
        reporters = len({row.reporter for row in record.reported if row.reporter is not None})
        text = _("Reports about it: %(count)s, by %(reporters)d known reporters.")
        said.append(text % {"count": _many(record.reported), "reporters": reporters})
    if record.filed:
        said.append(_("Reports by it: %(count)s.") % {"count": _many(record.filed)})
    in_force = [one for one in record.enforced if one.is_in_force(now)]
    said += [_in_force(kind, in_force) for kind in dict.fromkeys(one.kind for one in in_force)]
    if record.enforced and not in_force:
        said.append(_("No restriction is in force."))
    return said


def _in_force(kind: str, rows: Sequence[EnforcementRow]) -> str:
    """That restrictions of this kind are in force, how many, and until when."""
    ends = [one.ends_at for one in rows if one.kind == kind]
    last = None if None in ends else max(end for end in ends if end is not None)
    until = _("without an end") if last is None else _("until %(day)s") % {"day": day(last)}
    several = _("In force: %(action)s (%(count)d times), %(until)s.")
    said = several if len(ends) > 1 else _("In force: %(action)s, %(until)s.")
    return said % {"action": within(action_title(kind)), "count": len(ends), "until": until}


def _many(rows: Sequence[object]) -> str:
    return _("%(count)d or more") % {"count": _LISTED} if len(rows) == _LISTED else str(len(rows))


PAGES = (
    Page(path="/accounts/{account}.json", run=as_json, permission=Permission.SEE_CONTENT),
    Page(path="/accounts/{account}", run=show, permission=Permission.SEE_CONTENT),
    Page(path="/accounts/{account}/review", run=ask_for_review, method="POST", permission=Permission.REVIEW),
    Page(path="/accounts/{account}/snoozes", run=snooze, method="POST", permission=Permission.SNOOZE_RULES),
    Page(path="/accounts/{account}/snoozes/{snooze}/end", run=wake, method="POST", permission=Permission.SNOOZE_RULES),
    Page(path="/accounts/{account}/notes", run=note, method="POST", permission=Permission.REVIEW),
    Page(
        path="/accounts/{account}/enforcements/{enforcement}/lift",
        run=lift,
        method="POST",
        permission=Permission.REVIEW,
    ),
)
