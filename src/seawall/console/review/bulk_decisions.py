"""Bulk decisions: the list, and the page of one with its preview, its approval, its progress, and taking it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec
from sqlalchemy import Connection
from starlette.responses import Response

from seawall import review
from seawall.access import Permission
from seawall.console import active_bundle
from seawall.console.child_safety import hidden_items, may_see_all
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import Page, PageProblem, PageRequest, json_response, missing, redirect
from seawall.console.review.consequences import consequences_of
from seawall.console.summaries import Summary, rows_of_accounts, rows_of_items, summaries
from seawall.console.templates import render
from seawall.enforce import RecordedItems
from seawall.model import ACTIONS, ActionSubject, is_account, now_ms
from seawall.review import bulk
from seawall.review.bulk.queries import (
    BulkDecisionRow,
    BulkItemRow,
    count_of_items,
    count_waiting_for_approval,
    get_bulk_decision,
    items_of_bulk,
    list_bulk_decisions,
)
from seawall.review.bulk.undo import may_undo
from seawall.review.queries import cases_of_items
from seawall.screen.queries import ItemRow, items_by_ref

_PAGE: Final = 50

# What ``bulk.WHY_SKIPPED`` says, and the refusals of the service, which pages show in the page's language: the
# catalogues know them from here.
_WHY: Final = (
    marked("It is about an account: somebody must look at it by itself."),
    marked("It is about the safety of children: only people with that role may see and decide it."),
    marked("It is about the safety of children: that it does not violate is never said in bulk."),
    marked("It was flagged for a severe harm that nobody has judged: somebody must look at it by itself."),
    marked("It was erased, or its content is not kept any more."),
    marked("A decision about it was appealed: the appeal must be answered."),
    marked("Somebody else is working on its case."),
    marked("A blind review of it is waiting: deciding it now would change what that is compared with."),
    marked("It was decided like this already."),
    marked("Nobody asked for a review of it, and the answer would change nothing."),
    marked("Its content type does not allow one of these actions, or is no longer in force."),
    marked("Its queue needs a note with every answer, or does not offer one of these actions."),
    marked("Nothing is in force on it that could stay."),
    marked("It was edited or decided again since the preview."),
    marked("It was reported since the preview: somebody must read the report."),
    marked("The answer would do something else now than the preview said."),
    marked("The policy is no longer in force, so the answer is not complete."),
    marked("It was edited, erased or decided again since this bulk decision."),
    marked("Its answer was taken back already."),
)
_REFUSALS: Final = (
    marked("Who prepared this bulk decision has not confirmed it yet."),
    marked("This bulk decision waits for the approval of somebody else."),
    marked("Nobody approved this bulk decision in time. Prepare it again: things may stand otherwise now."),
    marked("This bulk decision was withdrawn by who prepared it."),
    marked("Somebody refused this bulk decision. Prepare another one."),
    marked("This bulk decision is being carried out already."),
    marked("This bulk decision was carried out already."),
    marked("This bulk decision is being taken back."),
    marked("This bulk decision was taken back."),
)
_STATES: Final = (marked("running"), marked("expired"), marked("withdrawn"), marked("refused"), marked("decided"))
"""Codes that the pages show as words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsAlike:
    """Items of a bulk decision to which the same happens. ``authors``: how many people wrote them."""

    count: int
    authors: int
    sentences: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkSummary:
    """What a bulk decision would do, in words. ``acted_on``: the authors to whom something happens themselves."""

    groups: Sequence[ItemsAlike]
    skipped: Mapping[str, int]  # why, in words -> items
    authors: int
    acted_on: int


def show_list(request: PageRequest) -> Response:
    """Bulk decisions, newest first."""
    rows, older = _list(request)
    now = now_ms()
    with request.app.database.read() as connection:
        counts = count_of_items(connection, [row.id for row in rows])
        waiting = count_waiting_for_approval(connection, request.person.id, now, child_safety=may_see_all(request))
    return render(
        request,
        "review/bulk_decisions.html",
        rows=rows,
        states={row.id: row.state(now) for row in rows},
        counts=counts,
        waiting=waiting if request.may(Permission.REVIEW) and not request.person.is_limited else 0,
        policies=active_bundle.policies(request.app),
        names=active_bundle.names_of_people(request.app, request.person),
        older=f"/bulk-decisions?before={older}" if older is not None else None,
    )


def as_json(request: PageRequest) -> Response:
    """The same as JSON."""
    rows, older = _list(request)
    return json_response({"bulk_decisions": rows, "older": older})


def _list(request: PageRequest) -> tuple[list[BulkDecisionRow], int | None]:
    """One page of them; without those that have an item which the roles and the team of the person do not include."""
    with request.app.database.read() as connection:
        rows = list_bulk_decisions(
            connection, child_safety=may_see_all(request), limit=_PAGE + 1, before=request.cursor()
        )
        older = rows[_PAGE - 1].seq if len(rows) > _PAGE else None
        return [row for row in rows[:_PAGE] if _is_seen(request, connection, row)], older


def _is_seen(request: PageRequest, connection: Connection, found: BulkDecisionRow) -> bool:
    if not request.person.is_limited:
        return True
    return not hidden_items(request, connection, [row.item for row in items_of_bulk(connection, found.id)])


def show(request: PageRequest) -> Response:
    """One bulk decision."""
    return _page(request)


def confirm(request: PageRequest) -> Response:
    """Carry out what the preview shows, or ask somebody else to approve it."""
    limits = request.app.context.get(bulk.BulkLimits)
    return _do(request, lambda one: bulk.confirm(request.app.ledger, one, request.person.id, limits))


def approve(request: PageRequest) -> Response:
    """Approve what a colleague prepared."""
    sees_all = may_see_all(request)
    return _do(request, lambda one: bulk.approve(request.app.ledger, one, request.person.id, child_safety=sees_all))


def cancel(request: PageRequest) -> Response:
    """Withdraw one's own, or refuse a colleague's."""
    sees_all = may_see_all(request)
    return _do(request, lambda one: bulk.cancel(request.app.ledger, one, request.person.id, child_safety=sees_all))


def undo(request: PageRequest) -> Response:
    """Take all of it back."""
    sees_all = may_see_all(request)
    return _do(request, lambda one: bulk.ask_undo(request.app.ledger, one, request.person.id, child_safety=sees_all))


def _do(request: PageRequest, change: Callable[[str], object]) -> Response:
    found = _found(request)
    try:
        change(found.id)
    except review.ReviewError as error:
        return _page(request, error=_(str(error)), status=409)
    return redirect(f"/bulk-decisions/{found.id}")


def _found(request: PageRequest) -> BulkDecisionRow:
    with request.app.database.read() as connection:
        found = get_bulk_decision(connection, request.path_param("bulk"))
        if found is not None and not _is_seen(request, connection, found):
            found = None
    if found is None:
        raise missing(marked("bulk decision"))
    if found.child_safety and not may_see_all(request):
        raise PageProblem(403, _("Permission denied"), _(str(review.CaseRestricted())))
    return found


def _page(request: PageRequest, *, error: str = "", status: int = 200) -> Response:
    app, found, now = request.app, _found(request), now_ms()
    after = request.cursor("skip") or 0
    recorded = app.context.get(RecordedItems)
    limits = app.context.get(bulk.BulkLimits)
    may_decide = request.may(Permission.REVIEW)
    with app.database.read() as connection:
        rows = items_of_bulk(connection, found.id)
        page = rows[after : after + _PAGE]
        items = items_by_ref(connection, [row.item for row in page])
        words = bulk.bulk_words(connection, app.vault, found.id)
        if found.by != request.person.id:  # what somebody searched for may name somebody
            words = msgspec.structs.replace(words, query="")
        can_undo = may_decide and may_undo(found, request.person.id, now)
        back = bulk.preview_undo(connection, recorded, found.id) if can_undo else None
        needs_two = found.confirmed_at is None and bulk.needs_approval(connection, found, limits, now)
    return render(
        request,
        "review/bulk_decision.html",
        status=status,
        found=found,
        state=found.state(now),
        rows=page,
        counts=Counter(row.state for row in rows),
        summary=_summary(found, rows, now),
        says={row.item: _says(found, row, now) for row in page},
        why=bulk.WHY_SKIPPED,
        summaries=_gists(request, found, items, [row.item for row in page if is_account(row.item)]),
        words=words,
        policies=active_bundle.policies(app),
        names=active_bundle.names_of_people(app, request.person),
        own=found.by == request.person.id,
        may_decide=may_decide,
        needs_two=needs_two,
        alone=limits.alone,
        back=back,
        older=f"/bulk-decisions/{found.id}?skip={after + _PAGE}" if len(rows) > after + _PAGE else None,
        newer=f"/bulk-decisions/{found.id}" if after else None,
        now=now,
        error=error,
    )


def _gists(
    request: PageRequest, found: BulkDecisionRow, items: Mapping[str, ItemRow], accounts: Sequence[str]
) -> dict[str, Summary]:
    """What the items are about, veiled by the harms of their cases, of their decisions, and of the answer's policy."""
    policies = active_bundle.policies(request.app)
    named = policies.get(found.policy or "")
    with request.app.database.read() as connection:
        cases = cases_of_items(connection, list(items), now_ms())
    rows = rows_of_items(items.values(), {ref: case.harm for ref, case in cases.items()})
    veiled = [replace(row, harms=(*row.harms, named.harm if named else None)) for row in rows]
    return summaries(request, [*veiled, *rows_of_accounts(accounts)])


def _summary(found: BulkDecisionRow, rows: Sequence[BulkItemRow], now: int) -> BulkSummary:
    """What the preview showed, counted: items to which the same happens are one group."""
    groups: dict[tuple[str, ...], list[BulkItemRow]] = {}
    skipped: Counter[str] = Counter()
    acted_on: set[str] = set()
    for row in rows:
        if row.state == "skipped":
            skipped[bulk.WHY_SKIPPED.get(row.why or "", row.why or "")] += 1
            continue
        groups.setdefault(tuple(_says(found, row, now)), []).append(row)
        if row.actor is not None and any(_is_about_author(kind) for kind in (*row.applied, *row.reversed)):
            acted_on.add(row.actor)
    alike = [
        ItemsAlike(count=len(each), authors=len({row.actor for row in each if row.actor}), sentences=sentences)
        for sentences, each in sorted(groups.items(), key=lambda pair: -len(pair[1]))
    ]
    authors = {row.actor for row in rows if row.state != "skipped" and row.actor}
    return BulkSummary(groups=alike, skipped=dict(skipped.most_common()), authors=len(authors), acted_on=len(acted_on))


def _says(found: BulkDecisionRow, row: BulkItemRow, now: int) -> list[str]:
    applied = [one for one in found.actions if one.kind in row.applied]
    return consequences_of(applied, row.reversed, no_actor=row.no_actor, now=now)


def _is_about_author(kind: str) -> bool:
    return kind in ACTIONS and ACTIONS[kind].subject is ActionSubject.ENTITY


PAGES = (
    Page(path="/bulk-decisions", run=show_list, permission=Permission.SEE_CONTENT),
    Page(path="/bulk-decisions.json", run=as_json, permission=Permission.SEE_CONTENT),
    Page(path="/bulk-decisions/{bulk}", run=show, permission=Permission.SEE_CONTENT),
    Page(path="/bulk-decisions/{bulk}/confirm", run=confirm, method="POST", permission=Permission.REVIEW),
    Page(path="/bulk-decisions/{bulk}/approve", run=approve, method="POST", permission=Permission.REVIEW),
    Page(path="/bulk-decisions/{bulk}/cancel", run=cancel, method="POST", permission=Permission.REVIEW),
    Page(path="/bulk-decisions/{bulk}/undo", run=undo, method="POST", permission=Permission.REVIEW),
)
