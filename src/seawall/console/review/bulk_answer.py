"""Choosing items and one answer for all of them: from a search, a queue, or the near-duplicates of a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from seawall import review
from seawall.access import Permission
from seawall.console import active_bundle
from seawall.console.child_safety import decidable_items, may_see_all
from seawall.console.languages import gettext as _
from seawall.console.letters import letters_of
from seawall.console.request import Page, PageProblem, PageRequest, redirect
from seawall.console.review.case import ACTION_KEYS, answer_in_form
from seawall.console.review.near_duplicates import seen_case, seen_near_duplicates
from seawall.console.screen.search import found_by_search
from seawall.console.screen.search_query import SearchRefused
from seawall.console.summaries import rows_of_accounts, rows_of_items, summaries
from seawall.console.templates import render
from seawall.enforce import RecordedItems
from seawall.model import ACTIONS, Action, ActionSubject, is_account, now_ms
from seawall.review import bulk
from seawall.review.queries import CaseFilters, cases_of_items, list_cases, reviews_of_item
from seawall.screen import load_decision
from seawall.screen.queries import items_by_ref

_SHOWN: Final = 20  # items in words beside the form; all of them are on the preview


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkChoice:
    """The items that a person chose. ``more``: there are further ones, beyond the most that are decided at once."""

    items: Sequence[str]
    source: str  # search | queue | near_duplicates
    query: str = ""
    case: str | None = None
    more: bool = False


def choose(request: PageRequest) -> Response:
    """Show the form for the items that were ticked, or for all that a search finds or that wait in a queue."""
    return _page(request, _chosen(request))


def prepare(request: PageRequest) -> Response:
    """Find out what the answer would do with each item, keep that as the preview, and show it."""
    app, choice = request.app, _carried(request)
    with app.database.read() as connection:
        items = decidable_items(request, connection, choice.items)
    try:
        made = bulk.prepare(
            app.ledger,
            app.database,
            app.vault,
            app.context.get(RecordedItems),
            active_bundle.rulebook(app),
            request.person.id,
            _answer(request),
            items,
            source=choice.source,
            query=choice.query,
            case=choice.case,
            child_safety=may_see_all(request),
        )
    except review.ReviewError as error:
        return _page(request, choice, error=_(str(error)), status=409)
    return redirect(f"/bulk-decisions/{made}")


def _answer(request: PageRequest) -> review.ReviewAnswer:
    """The answer in the form. What stays of what is in force is found out item by item."""
    if request.field("answer") == review.KEEPS_MEASURE:
        note = request.field("note").strip()
        return review.ReviewAnswer(answer=review.KEEPS_MEASURE, reason=request.field("reason"), note=note)
    return answer_in_form(request)


def _chosen(request: PageRequest) -> BulkChoice:
    """What the form of a list chose. Raises PageProblem."""
    ticked, case = list(dict.fromkeys(request.fields("item"))), request.field("case") or None
    source = request.field("source")
    if source not in ("search", "queue", "near_duplicates"):
        raise PageProblem(422, _("Nothing was chosen"), _("Choose items on a search, in a queue, or on a case."))
    query = request.field("q") if source == "search" else ""
    if not request.field("all"):
        return BulkChoice(items=ticked, source=source, query=query, case=case)
    if source == "search":
        try:
            result = found_by_search(request, query, limit=bulk.MOST_ITEMS)
        except SearchRefused as error:
            raise PageProblem(422, _("Not understood"), str(error)) from None
        found = [one.item.ref for one in result.found]
        return BulkChoice(items=found, source=source, query=query, more=result.further is not None)
    if source == "near_duplicates":
        alike = [one.item.ref for one in seen_near_duplicates(request, seen_case(request, case or "")).found]
        return BulkChoice(items=alike, source=source, case=case)
    filters = CaseFilters(
        queue=request.field("queue"),
        content_type=request.field("type"),
        child_safety=may_see_all(request),
        scopes=request.person.scopes(Permission.REVIEW),
    )
    with request.app.database.read() as connection:
        cases = list_cases(connection, filters, now_ms(), limit=bulk.MOST_ITEMS + 1)
    refs = [one.item for one in cases]
    return BulkChoice(items=refs[: bulk.MOST_ITEMS], source=source, more=len(refs) > bulk.MOST_ITEMS)


def _carried(request: PageRequest) -> BulkChoice:
    """What the form of the answer carries with it."""
    source = request.field("source")
    return BulkChoice(
        items=[one for one in request.field("items").split(",") if one],
        source=source if source in ("queue", "near_duplicates") else "search",
        query=request.field("q"),
        case=request.field("case") or None,
        more=request.field("more") == "1",
    )


def _page(request: PageRequest, choice: BulkChoice, *, error: str = "", status: int = 200) -> Response:
    app, now = request.app, now_ms()
    with app.database.read() as connection:
        items = items_by_ref(connection, choice.items)
        first = [items[one] for one in choice.items if one in items][:_SHOWN]
        cases = cases_of_items(connection, [row.ref for row in first], now)
        accounts = decidable_items(request, connection, [one for one in choice.items if is_account(one)])
        accounts = [one for one, row in cases_of_items(connection, accounts, now).items() if row.state != "none"]
    about = summaries(request, rows_of_items(first, {ref: case.harm for ref, case in cases.items()}))
    named = summaries(request, rows_of_accounts(accounts[:_SHOWN]))
    types = {row.content_type for row in items.values()}
    policies = active_bundle.policies(app)
    known = active_bundle.content_types(app)
    allowed = [kind for name in sorted(types) if name in known for kind in known[name].actions]
    kinds = [ACTIONS[kind] for kind in ACTIONS if kind in allowed and kind in ACTION_KEYS]
    return render(
        request,
        "review/bulk_answer.html",
        status=status,
        choice=choice,
        count=len(items),
        first=[row for row in first if row.ref in about],
        summaries=about,
        accounts=[one for one in accounts[:_SHOWN] if one in named],
        count_of_accounts=len(accounts),
        named=named,
        policies={name: one for name, one in policies.items() if types & set(one.applies_to)},
        item_kinds=[kind for kind in kinds if kind.subject is ActionSubject.ITEM],
        actor_kinds=[kind for kind in kinds if kind.subject is ActionSubject.ENTITY],
        form=_form(request, choice),
        most=bulk.MOST_ITEMS,
        error=error,
    )


def _form(request: PageRequest, choice: BulkChoice) -> dict[str, Any]:
    """What is filled in: as sent, or the answer about the case of which the items are near-duplicates, or nothing."""
    sent: Mapping[str, tuple[str, ...]] = request.form
    given = None if sent.get("answer") or choice.case is None else _answer_of(request, choice.case)
    kept = {
        "given": {},
        "machine": frozenset(),
        "letters": letters_of(request.preferences, ACTION_KEYS),
        "reasons": review.REASONS,
        "note": sent.get("note", ("",))[0],
    }
    if given is None:
        fields = {name: sent.get(name, ("",))[0] for name in ("answer", "reason", "policy")}
        return {**kept, **fields, "ticked": set(sent.get("action", ()))}
    return {
        **kept,
        "answer": given.answer,
        "reason": given.reason,
        "policy": given.policy or "",
        "ticked": {one.kind for one in given.actions},
        "given": {one.kind: one.parameters for one in given.actions},
    }


def _answer_of(request: PageRequest, case_id: str) -> review.ReviewAnswer | None:
    """The answer that stands about a case, if there is one. Raises PageProblem for one that the person may not see."""
    case = seen_case(request, case_id)
    with request.app.database.read() as connection:
        answers = [one for one in reviews_of_item(connection, case.item, limit=20) if one.undone_at is None]
    if not answers:
        return None
    last, actions = answers[0], tuple[Action, ...]()
    if last.answer == review.VIOLATES:
        actions = load_decision(request.app.database, last.decision).actions
    return review.ReviewAnswer(answer=last.answer, policy=last.policy, reason=last.reason, actions=actions)


PAGES = (
    Page(path="/bulk-decisions/choose", run=choose, method="POST", permission=Permission.REVIEW),
    Page(path="/bulk-decisions", run=prepare, method="POST", permission=Permission.REVIEW),
)
