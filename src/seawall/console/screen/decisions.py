"""Pages of decisions: a list with filters, and one decision with its explanation."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from seawall import review
from seawall.access import Permission
from seawall.console import active_bundle
from seawall.console.child_safety import check_item, seen_rows
from seawall.console.history import LIMIT
from seawall.console.item_view import item_view
from seawall.console.languages import marked
from seawall.console.request import Page, PageRequest, json_response, missing
from seawall.console.summaries import rows_of_decisions, summaries
from seawall.console.templates import render
from seawall.console.veiling import open_content
from seawall.enforce.queries import enforcements_of_item
from seawall.model import ACCOUNT_TYPE, LASTING, Decision, DecisionSource, Verdict, is_account, now_ms
from seawall.review.queries import case_of_item
from seawall.screen import load_decision
from seawall.screen.queries import (
    DecisionFilters,
    DecisionRow,
    decision_that_supersedes,
    get_decision,
    get_item,
    newest_decisions,
)

PAGE_SIZE = 50
_FILTERS = ("verdict", "source", "type", "policy", "rule", "degraded")


def show_all(request: PageRequest) -> Response:
    """List decisions, newest first."""
    chosen = {name: request.query(name) for name in _FILTERS}
    rows = _rows(request, PAGE_SIZE + 1)
    types = sorted({*active_bundle.content_types(request.app), ACCOUNT_TYPE})
    seen = _seen(request, rows[:PAGE_SIZE])
    return render(
        request,
        "screen/decisions.html",
        rows=seen,
        summaries=summaries(request, rows_of_decisions(seen)),
        older=_link(chosen, before=rows[PAGE_SIZE - 1].seq) if len(rows) > PAGE_SIZE else None,
        newest=_link(chosen) if request.cursor() else None,
        chosen=chosen,
        verdicts=list(Verdict),
        sources=list(DecisionSource),
        types=types,
        policies=sorted(active_bundle.policies(request.app)),
        names=active_bundle.names_of_people(request.app, request.person),
    )


def all_as_json(request: PageRequest) -> Response:
    """The list as JSON."""
    return json_response({"decisions": _seen(request, _rows(request, PAGE_SIZE))})


def show(request: PageRequest) -> Response:
    """Show one decision: rules, values, unknown signals, and the smallest change that would have flipped it."""
    app = request.app
    found = _load(request)
    seen = item_view(app, found.item, found.id, whole=request.query("all") == "1")
    with app.database.read() as connection:
        case = case_of_item(connection, found.item.ref, now_ms())
    veiling = open_content(request, seen, case, "decision")
    with app.database.read() as connection:
        row = get_decision(connection, found.id)
        ref = found.item.ref
        head = review.account_of_case(connection, ref) if is_account(ref) else get_item(connection, ref)
        later = decision_that_supersedes(connection, found.id)
        enforced = enforcements_of_item(connection, found.item.ref, limit=LIMIT)
    return render(
        request,
        "screen/decision.html",
        decision=found,
        unanswerable=all(one.reason in LASTING for one in found.unknown),
        row=row,
        head=head,
        later=later,
        enforced=[one for one in enforced if one.decision == found.id],
        seen=seen,
        veiling=veiling,
        names=active_bundle.names_of_people(app, request.person),
    )


def as_json(request: PageRequest) -> Response:
    """The whole record as the ledger keeps it: surrogates, codes and numbers."""
    return json_response(_load(request))


def _load(request: PageRequest) -> Decision:
    """The decision that the address names. Raises Problem 404, and 403 for an item that the person may not see."""
    try:
        found = load_decision(request.app.database, request.path_param("decision"))
    except LookupError:
        raise missing(marked("decision")) from None
    with request.app.database.read() as connection:
        check_item(request, connection, found.item.ref)
    return found


def _rows(request: PageRequest, limit: int) -> list[DecisionRow]:
    """The decisions that match the filters of the address."""
    filters = DecisionFilters(
        verdict=request.query("verdict"),
        source=request.query("source"),
        content_type=request.query("type"),
        policy=request.query("policy"),
        rule=request.query("rule"),
        degraded=bool(request.query("degraded")),
    )
    with request.app.database.read() as connection:
        return newest_decisions(connection, filters, limit=limit, before=request.cursor())


def _seen(request: PageRequest, rows: list[DecisionRow]) -> list[DecisionRow]:
    """Those of the page's rows that the person may see: a page may be shorter than others."""
    with request.app.database.read() as connection:
        return seen_rows(request, connection, rows)


def _link(chosen: dict[str, str], **more: object) -> str:
    query = urlencode({name: value for name, value in {**chosen, **more}.items() if value})
    return "/decisions" + (f"?{query}" if query else "")


PAGES = (
    Page(path="/decisions", run=show_all, permission=Permission.SEE_CONTENT),
    Page(path="/decisions.json", run=all_as_json, permission=Permission.SEE_CONTENT),
    Page(path="/decisions/{decision}.json", run=as_json, permission=Permission.SEE_CONTENT),
    Page(path="/decisions/{decision}", run=show, permission=Permission.SEE_CONTENT),
)
