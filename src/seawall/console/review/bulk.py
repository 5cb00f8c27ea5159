"""Bulk decisions: choose items, say the answer once, see what it would do with each, confirm, approve, take back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from seawall import review
from seawall.access import Permission
from seawall.console import active_bundle
from seawall.console.child_safety import may_see_all, seen_rows
from seawall.console.letters import letters_of
from seawall.console.request import Page, PageRequest, json_response, missing, redirect
from seawall.console.review.case import ACTION_KEYS, actions_in_form
from seawall.console.review.consequences import recorded_consequences
from seawall.console.screen.search import all_found
from seawall.console.summaries import rows_of_items, summaries
from seawall.console.templates import render
from seawall.enforce import RecordedItems
from seawall.model import ACTIONS, ActionSubject, now_ms
from seawall.review import bulk
from seawall.review.bulk.queries import (
    BulkDecisionRow,
    BulkItemRow,
    count_of_items,
    get_bulk_decision,
    items_of_bulk,
    list_bulk_decisions,
)
from seawall.review.queries import CaseFilters, get_case, list_cases
from seawall.screen.queries import ItemRow, items_by_ref

PAGE_SIZE = 50
_SOURCES: Final = ("search", "queue", "near_duplicates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The items of a bulk decision before its answer, and where they were chosen."""

    items: Sequence[ItemRow]
    source: str
    query: str = ""
    case: str | None = None
    cut: bool = False  # the search or queue has more than one bulk decision takes


def choose(request: PageRequest) -> Response:
    """The chosen items, and the form of their answer."""
    return _form(request, _chosen(request))


def prepare(request: PageRequest) -> Response:
    """Find out what the answer would do with each item, and show it. Nothing is decided."""
    app = request.app
    chosen = _posted(request)
    try:
        made = bulk.prepare(
            app.ledger,
            app.database,
            app.vault,
            app.context.get(RecordedItems),
            active_bundle.rulebook(app),
            request.person.id,
            _answer(request),
            [row.ref for row in chosen.items],
            source=chosen.source,
            query=chosen.query,
            case=chosen.case,
            child_safety=may_see_all(request),
        )
    except review.ReviewError as error:
        return _form(request, chosen, error=str(error), status=422)
    return redirect(f"/bulk-decisions/{made}")


def show(request: PageRequest) -> Response:
    """One bulk decision: what it would do, how far it is, or what it did."""
    return _page(request)


def confirm(request: PageRequest) -> Response:
    """The proposer confirms what they saw."""
    return _move(request, lambda one: bulk.confirm(request.app.ledger, one, request.person.id, _limits(request)))


def approve(request: PageRequest) -> Response:
    """A second person approves it."""
    sees_all = may_see_all(request)
    return _move(request, lambda one: bulk.approve(request.app.ledger, one, request.person.id, child_safety=sees_all))


def cancel(request: PageRequest) -> Response:
    """Withdraw one's own, or refuse a colleague's."""
    sees_all = may_see_all(request)
    return _move(request, lambda one: bulk.cancel(request.app.ledger, one, request.person.id, child_safety=sees_all))


def undo(request: PageRequest) -> Response:
    """Take the whole of it back."""
    sees_all = may_see_all(request)
    return _move(request, lambda one: bulk.ask_undo(request.app.ledger, one, request.person.id, child_safety=sees_all))


def list_all(request: PageRequest) -> Response:
    """All bulk decisions, newest first."""
    before = request.cursor()
    with request.app.database.read() as connection:
        rows = list_bulk_decisions(connection, child_safety=may_see_all(request), limit=PAGE_SIZE + 1, before=before)
        counts = count_of_items(connection, [row.id for row in rows])
    shown = rows[:PAGE_SIZE]
    return render(
        request,
        "review/bulk_decisions.html",
        rows=shown,
        counts=counts,
        now=now_ms(),
        names=active_bundle.names_of_people(request.app, request.person),
        policies=active_bundle.policies(request.app),
        older=shown[-1].seq if len(rows) > PAGE_SIZE else None,
        before=before,
    )


def as_json(request: PageRequest) -> Response:
    """One bulk decision with its items as JSON."""
    found = _found(request)
    with request.app.database.read() as connection:
        items = seen_rows(request, connection, items_of_bulk(connection, found.id))
    return json_response({"bulk_decision": found, "state": found.state(now_ms()), "items": items})


def _answer(request: PageRequest) -> review.ReviewAnswer:
    """The answer in the form. What stays with ``keeps_measure`` is found for each item. Raises BadAnswer."""
    answer = request.field("answer")
    violates = answer == review.VIOLATES
    return review.ReviewAnswer(
        answer=answer,
        policy=(request.field("policy") or None) if violates else None,
        actions=actions_in_form(request) if violates else (),
        reason=request.field("reason"),
        note=request.field("note").strip(),
    )


def _move(request: PageRequest, move: Callable[[str], object]) -> Response:
    found = _found(request)
    try:
        move(found.id)
    except review.ReviewError as error:
        return _page(request, error=str(error), status=409)
    return redirect(f"/bulk-decisions/{found.id}")


def _found(request: PageRequest) -> BulkDecisionRow:
    with request.app.database.read() as connection:
        found = get_bulk_decision(connection, request.path_param("bulk"))
        items = items_of_bulk(connection, found.id) if found is not None else ()
        if len(seen_rows(request, connection, items)) < len(items) and request.person.is_limited:
            raise missing("bulk decision")
    if found is None or (found.child_safety and not may_see_all(request)):
        raise missing("bulk decision")
    return found


def _limits(request: PageRequest) -> bulk.BulkLimits:
    return request.app.context.get(bulk.BulkLimits)


def _chosen(request: PageRequest) -> Chosen:
    """The items of the address: ticked ones, all that a search finds, or all that wait in a queue."""
    asked = request.http.query_params
    case, query = asked.get("case"), asked.get("q", "").strip()
    if asked.get("all") == "search":
        found, cut = all_found(request, query, bulk.MOST_ITEMS)
        return Chosen(items=_seen(request, found), source="search", query=query, cut=cut)
    if asked.get("all") == "queue":
        return _waiting(request)
    refs = list(dict.fromkeys(asked.getlist("item")))[: bulk.MOST_ITEMS]
    source = "near_duplicates" if case else "search" if query else "queue"
    return Chosen(items=_items(request, refs), source=source, query=query, case=_known_case(request, case))


def _waiting(request: PageRequest) -> Chosen:
    filters = CaseFilters(
        queue=request.query("queue"),
        content_type=request.query("type"),
        child_safety=may_see_all(request),
        scopes=request.person.scopes(Permission.REVIEW),
    )
    with request.app.database.read() as connection:
        cases = list_cases(connection, filters, now_ms(), limit=bulk.MOST_ITEMS + 1)
    refs = [case.item for case in cases[: bulk.MOST_ITEMS]]
    return Chosen(items=_items(request, refs), source="queue", cut=len(cases) > bulk.MOST_ITEMS)


def _posted(request: PageRequest) -> Chosen:
    """The items as the form had them: what was shown is what is decided, not what a search finds later."""
    source = request.field("source")
    return Chosen(
        items=_items(request, list(dict.fromkeys(request.field("items").split()))),
        source=source if source in _SOURCES else "search",
        query=request.field("q"),
        case=_known_case(request, request.field("case") or None),
    )


def _known_case(request: PageRequest, case: str | None) -> str | None:
    if not case:
        return None
    with request.app.database.read() as connection:
        found = get_case(connection, case, now_ms())
    return None if found is None else found.id


def _items(request: PageRequest, refs: Sequence[str]) -> list[ItemRow]:
    with request.app.database.read() as connection:
        found = items_by_ref(connection, refs)
    return _seen(request, [found[ref] for ref in refs if ref in found])


@dataclass(frozen=True, slots=True)
class _Seen:
    item: str


def _seen(request: PageRequest, rows: Iterable[ItemRow]) -> list[ItemRow]:
    """Without items of child safety, for those who may not see them: they are not told that there are any."""
    given = list(rows)
    with request.app.database.read() as connection:
        kept = {one.item for one in seen_rows(request, connection, [_Seen(row.ref) for row in given])}
    return [row for row in given if row.ref in kept]


def _form(request: PageRequest, chosen: Chosen, *, error: str = "", status: int = 200) -> Response:
    app = request.app
    types = active_bundle.content_types(app)
    kinds = {kind for row in chosen.items if row.content_type in types for kind in types[row.content_type].actions}
    allowed = [action for kind, action in ACTIONS.items() if kind in kinds]
    sent = request.form
    return render(
        request,
        "review/bulk_new.html",
        status=status,
        chosen=chosen,
        most=bulk.MOST_ITEMS,
        summaries=summaries(request, rows_of_items(chosen.items)),
        policies={
            name: policy
            for name, policy in active_bundle.policies(app).items()
            if any(row.content_type in policy.applies_to for row in chosen.items)
        },
        policy=request.field("policy"),
        form={
            "item_actions": [kind for kind in allowed if kind.subject is ActionSubject.ITEM and kind.name != "review"],
            "actor_actions": [kind for kind in allowed if kind.subject is ActionSubject.ENTITY],
            "ticked": set(sent.get("action", ())),
            "letters": letters_of(request.preferences, ACTION_KEYS),
            "answer": request.field("answer"),
            "reason": request.field("reason"),
            "note": request.field("note"),
            "reasons": review.REASONS,
        },
        back=_back(chosen),
        alone=_limits(request).alone,
        error=error,
    )


def _back(chosen: Chosen) -> str:
    """Where the items were chosen."""
    if chosen.case is not None:
        return f"/cases/{chosen.case}"
    return "/queue" if chosen.source == "queue" else "/search?" + urlencode({"q": chosen.query})


def _page(request: PageRequest, *, error: str = "", status: int = 200) -> Response:
    app, found, now = request.app, _found(request), now_ms()
    state = found.state(now)
    recorded = app.context.get(RecordedItems)
    with app.database.read() as connection:
        items = seen_rows(request, connection, items_of_bulk(connection, found.id))
        heads = items_by_ref(connection, [row.item for row in items])
        words = bulk.bulk_words(connection, app.vault, found.id)
        taking_back = state in ("running", "done") and bulk.may_undo(found, request.person.id, now)
        restored = bulk.preview_undo(connection, recorded, found.id) if taking_back else None
        asks = state == "previewed" and bulk.needs_approval(connection, found, _limits(request), now)
    own = found.by == request.person.id

    def does(row: BulkItemRow) -> list[str]:
        return recorded_consequences(row.applied, row.reversed, found.actions, found.at, no_actor=row.no_actor)

    return render(
        request,
        "review/bulk_decision.html",
        status=status,
        found=found,
        state=state,
        items=items,
        hidden=found.items - len(items),
        heads=heads,
        words=words,
        own=own,
        asks_approval=asks,
        may_confirm=own and state == "previewed" and found.planned > 0,
        may_approve=not own and state == "waiting",
        may_cancel=state == "waiting" or (own and state == "previewed"),
        undo_preview=restored,
        counts=Counter(row.state for row in items),
        outcomes=Counter(" ".join(does(row)) for row in items if row.state != "skipped").most_common(),
        accounts=len({row.actor for row in items if row.state != "skipped" and row.actor}),
        why=bulk.WHY_SKIPPED,
        does=does,
        summaries=summaries(request, rows_of_items(heads.values())),
        names=active_bundle.names_of_people(app, request.person),
        policies=active_bundle.policies(app),
        reasons={code: title for titles in review.REASONS.values() for code, title in titles.items()},
        limits=_limits(request),
        error=error,
    )


PAGES = (
    Page(path="/bulk-decisions", run=list_all, permission=Permission.REVIEW),
    Page(path="/bulk-decisions/new", run=choose, permission=Permission.REVIEW),
    Page(path="/bulk-decisions", run=prepare, method="POST", permission=Permission.REVIEW),
    Page(path="/bulk-decisions/{bulk}.json", run=as_json, permission=Permission.REVIEW),
    Page(path="/bulk-decisions/{bulk}", run=show, permission=Permission.REVIEW),
    Page(path="/bulk-decisions/{bulk}/confirm", run=confirm, method="POST", permission=Permission.REVIEW),
    Page(path="/bulk-decisions/{bulk}/approve", run=approve, method="POST", permission=Permission.REVIEW),
    Page(path="/bulk-decisions/{bulk}/cancel", run=cancel, method="POST", permission=Permission.REVIEW),
    Page(path="/bulk-decisions/{bulk}/undo", run=undo, method="POST", permission=Permission.REVIEW),
)
