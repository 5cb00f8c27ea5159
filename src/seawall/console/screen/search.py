"""The search page: one box for ids, words and conditions; its results as a list, JSON and CSV; and deep links."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from seawall import access
from seawall.access import Permission
from seawall.appeal.queries import items_with_report
from seawall.console import active_bundle
from seawall.console.child_safety import check_item, seen_result
from seawall.console.languages import gettext as _
from seawall.console.languages import marked, pgettext
from seawall.console.request import Page, PageProblem, PageRequest, json_response, missing, redirect
from seawall.console.screen.lookup import (
    ExactHit,
    content_type_names,
    exact_hits,
    find_ref,
    platform_ids,
    surrogate_kind,
)
from seawall.console.screen.search_query import LONGEST_SEARCH, SearchQuery, SearchRefused, parse_search
from seawall.console.summaries import Summary, rows_of_items, summaries
from seawall.console.templates import render
from seawall.model import now_ms
from seawall.publish import NothingPublished
from seawall.review.queries import CaseRow, cases_of_items, items_with_case
from seawall.screen import ACCOUNT, item_kind
from seawall.screen.account_notes import record_search
from seawall.screen.item_search import ItemFilters, SearchPosition, SearchResult, search_items
from seawall.screen.queries import decisions_by_id
from seawall.screen.saved_searches import (
    MOST_SAVED,
    TooManySaved,
    UnnamedSearch,
    delete_search,
    save_search,
    saved_searches,
    shared_searches,
)

PAGE_SIZE = 50
MOST_EXPORTED = 500
"""Rows of a JSON or CSV answer."""

_POSITION: Final = re.compile(r"(\d{1,15})\.(it_[0-9a-f]{1,40})")
_UNNAMED: Final = marked("Give the search a name before you share it, so that colleagues know what it finds.")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def show(request: PageRequest) -> Response:
    """Search. An id that only one thing has leads to its page at once."""
    text = _asked(request)
    hits = exact_hits(request, text) if text and "\0" not in text and not request.query("after") else []
    if len(hits) == 1:
        return redirect(hits[0].path)
    return _page(request, text, hits)


def _page(request: PageRequest, text: str, hits: list[ExactHit], *, error: str = "", status: int = 200) -> Response:
    app = request.app
    result, notes = None, []
    if text and not error:
        try:
            query = parse_search(text, now=now_ms())
            notes = [] if hits else _notes(request, query, text)
            result = seen_result(request, _search(request, query, limit=PAGE_SIZE))
        except SearchRefused as refused:
            error, status = str(refused), 200 if hits else 422
    return render(
        request,
        "screen/search.html",
        status=status,
        asked=text,
        hits=hits,
        result=result,
        notes=notes,
        error=error,
        saved=saved_searches(app.database, app.vault, request.person.id),
        shared=shared_searches(app.database, app.vault, request.person.id),
        address=urlencode({"q": text}),
        further=_further(text, result),
        most=MOST_EXPORTED,
        may_decide=request.may(Permission.REVIEW),
        **_shown(request, result),
    )


def _shown(request: PageRequest, result: SearchResult | None) -> dict[str, Any]:
    """What the rows say beside the items themselves."""
    app = request.app
    items = [one.item for one in result.found] if result else []
    with app.database.read() as connection:
        cases = cases_of_items(connection, [row.ref for row in items], now_ms())
        decisions = decisions_by_id(connection, [row.decision for row in items if row.decision])
    about = summaries(request, rows_of_items(items, {ref: case.harm for ref, case in cases.items()}))
    excerpts = {one.item.ref: one.excerpt for one in result.found} if result else {}
    return {
        "cases": cases,
        "decisions": decisions,
        "summaries": {ref: _around(one, excerpts.get(ref, "")) for ref, one in about.items()},
        "ids": platform_ids(app, [ref for row in items for ref in (row.ref, row.actor) if ref]),
        "names": active_bundle.names_of_people(app, request.person),
    }


def _around(summary: Summary, excerpt: str) -> Summary:
    """With words, the text around them says more than the beginning does."""
    return replace(summary, text=excerpt, missing="") if excerpt else summary


def as_json(request: PageRequest) -> Response:
    """The result as JSON: the product's ids and what is recorded, without what people wrote."""
    result = _exported(request)
    return json_response(
        {
            "items": _rows(request, result),
            "looked_at": result.looked_at,
            "unreadable": result.unreadable,
            "unmeasured": result.unmeasured,
            "cut": result.further is not None,
            "further": None if result.further is None else position_text(result.further),
        }
    )


def as_csv(request: PageRequest) -> Response:
    """The same as CSV. A result that is cut says so in its last row and in the file's name."""
    result = _exported(request)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(ExportedItem.__dataclass_fields__)
    for row in _rows(request, result):
        values = (getattr(row, name) for name in ExportedItem.__dataclass_fields__)
        writer.writerow([_cell(value) for value in values])
    if result.further is not None:
        writer.writerow([f"cut after {len(result.found)} rows, {result.looked_at} items: there may be more"])
    name = "search-cut.csv" if result.further is not None else "search.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedItem:
    """A row of an export: no text, which would outlive an erasure in the file."""

    content_type: str
    id: str | None  # the product's; None: erased
    account: str | None
    item: str
    revision: int
    submitted_at: int
    verdict: str | None
    policy: str | None
    rule: str | None
    harm: str | None
    decision: str | None
    case: str | None
    queue: str | None


def _rows(request: PageRequest, result: SearchResult) -> list[ExportedItem]:
    app = request.app
    items = [one.item for one in result.found]
    with app.database.read() as connection:
        cases: Mapping[str, CaseRow] = cases_of_items(connection, [row.ref for row in items], now_ms())
        decisions = decisions_by_id(connection, [row.decision for row in items if row.decision])
    ids = platform_ids(app, [ref for row in items for ref in (row.ref, row.actor) if ref])
    rows = []
    for row in items:
        made, case = decisions.get(row.decision or ""), cases.get(row.ref)
        rows.append(
            ExportedItem(
                content_type=row.content_type,
                id=ids.get(row.ref),
                account=ids.get(row.actor or ""),
                item=row.ref,
                revision=row.revision,
                submitted_at=row.submitted_at,
                verdict=row.verdict,
                policy=made.policy if made else None,
                rule=made.rule if made else None,
                harm=made.harm if made else None,
                decision=row.decision,
                case=case.id if case else None,
                queue=case.queue if case else None,
            )
        )
    return rows


def _cell(value: object) -> object:
    """Text that a spreadsheet would take for a formula is marked as text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def save(request: PageRequest) -> Response:
    """Keep the search for the person, and with a name for colleagues if they wish."""
    text = request.field("q").strip()
    try:
        parse_search(text, now=now_ms())
        if text:
            name = " ".join(request.field("name").split())
            shared = request.field("shared") == "1"
            save_search(request.app.database, request.app.vault, request.person.id, text, name=name, shared=shared)
    except (SearchRefused, TooManySaved, UnnamedSearch) as error:
        return _page(request, text, [], error=_not_saved(error), status=422)
    return redirect("/search?" + urlencode({"q": text}))


def _not_saved(error: Exception) -> str:
    """Why, in the page's language."""
    if isinstance(error, TooManySaved):
        return _("You keep %(count)d searches. Delete one that you no longer need.") % {"count": MOST_SAVED}
    return _(_UNNAMED) if isinstance(error, UnnamedSearch) else str(error)


def delete(request: PageRequest) -> Response:
    """Delete a kept search of the person."""
    if not delete_search(request.app.database, request.person.id, request.path_param("search")):
        raise missing(marked("saved search"))
    return redirect("/search")


def find(request: PageRequest) -> Response:
    """The page of an item or account by the product's id: ``?type=comment&id=c-1``, ``?account=u-9``."""
    asked = request.http.query_params
    account, content_type, item = asked.get("account"), asked.get("type"), asked.get("id")
    if account is not None and content_type is None and item is None:
        ref = find_ref(request.app, ACCOUNT, account)
        if ref is None:
            about = _("There is no account %(id)r: none was met, or it was erased.") % {"id": account[:200]}
            raise PageProblem(404, _("Not found"), about)
        return redirect(f"/accounts/{ref}")
    if account is not None or not content_type or not item:
        text = _("Give type and id of an item (/find?type=comment&id=c-1), or account.")
        raise PageProblem(422, _("Which one?"), text)
    ref = find_ref(request.app, item_kind(content_type), item)
    if ref is None:
        known = ", ".join(content_type_names(request.app)) or _("none yet")
        about = _("There is no %(type)s %(id)r: it was never screened, or was erased. Content types: %(known)s.")
        about %= {"type": content_type[:100], "id": item[:200], "known": known}
        raise PageProblem(404, _("Not found"), about)
    with request.app.database.read() as connection:
        check_item(request, connection, ref)
    return redirect(f"/items/{ref}")


def _asked(request: PageRequest) -> str:
    """What was typed. One that is too long is refused below, not cut: half a search is another one."""
    return request.http.query_params.get("q", "").strip()[: LONGEST_SEARCH + 1]


def _exported(request: PageRequest) -> SearchResult:
    try:
        return found_by_search(request, _asked(request), limit=MOST_EXPORTED)
    except SearchRefused as error:
        raise PageProblem(422, _("Not understood"), str(error)) from None


def _search(request: PageRequest, query: SearchQuery, *, limit: int) -> SearchResult:
    """Run the query from the position in the address. Raises SearchRefused for a person or account that is unknown."""
    app = request.app
    filters = _filters(request, query)
    if filters is None:
        return SearchResult(found=(), looked_at=0)
    result = search_items(
        app.database,
        app.vault,
        filters,
        words=query.words,
        signals=query.signals,
        limit=limit,
        after=position_of(request),
    )
    if query.words:
        record_search(app.ledger, person=request.person.id, looked_at=result.looked_at, found=len(result.found))
    return result


def found_by_search(request: PageRequest, text: str, *, limit: int) -> SearchResult:
    """What the search finds and the person may see, newest first. Raises SearchRefused."""
    return seen_result(request, _search(request, parse_search(text, now=now_ms()), limit=limit))


def _filters(request: PageRequest, query: SearchQuery) -> ItemFilters | None:
    """The conditions for the services; None: an account that nobody met wrote nothing."""
    app = request.app
    filters = ItemFilters(
        content_type=query.content_type,
        verdict=query.verdict,
        policy=query.policy,
        rule=query.rule,
        harm=query.harm,
        since=query.since,
        until=query.until,
        degraded=query.degraded,
    )
    if query.account is not None:
        actor = query.account if surrogate_kind(query.account) == "account" else find_ref(app, ACCOUNT, query.account)
        if actor is None:
            return None
        filters = replace(filters, actor=actor)
    if query.by in ("person", "rules"):
        filters = replace(filters, by_person=query.by == "person")
    elif query.by is not None:
        try:
            found = access.find_person(app.database, query.by)
            if request.person.team and found.team != request.person.team:
                raise access.AccessError("Not in this team.")  # as if there were none
            filters = replace(filters, reviewer=found.id)
        except access.AccessError:
            text = _("by: is person, rules, or the email of a colleague, not %(value)r") % {"value": query.by}
            raise SearchRefused(1, text) from None
    if query.queue is not None or query.case is not None:
        filters = replace(filters, among=(items_with_case(state=query.case, queue=query.queue),))
    if query.reported is not None:
        reported = (items_with_report(),)
        filters = (
            replace(filters, among=(*filters.among, *reported))
            if query.reported
            else replace(filters, not_among=reported)
        )
    return filters


def _notes(request: PageRequest, query: SearchQuery, text: str) -> list[str]:
    """Names in the query that nothing in force has: a typing error would otherwise look like an empty result."""
    app = request.app
    notes = []
    if (kind := surrogate_kind(text)) is not None:
        text = _("There is no %(kind)s with this id. What was erased is not found by its id either.")
        notes.append(text % {"kind": _(kind)})
    if query.content_type is not None and query.content_type not in (types := content_type_names(app)):
        known = ", ".join(types) or pgettext("content types", "none")
        text = _("There is no content type %(name)r. There are: %(known)s.")
        notes.append(text % {"name": query.content_type, "known": known})
    try:
        policies, signals = active_bundle.policies(app), {one[1] for one in active_bundle.signal_kinds(app)}
    except NothingPublished:
        return notes
    if query.policy is not None and query.policy not in policies:
        text = _("No policy in force is named %(name)r; an earlier one may have been.")
        notes.append(text % {"name": query.policy})
    notes += [
        _("No detector in force gives a signal %(name)r; an earlier one may have.") % {"name": one.name}
        for one in query.signals
        if one.name not in signals
    ]
    return notes


def position_of(request: PageRequest) -> SearchPosition | None:
    """The position in the address, to go on from. Raises Problem 422."""
    given = request.query("after")
    if not given:
        return None
    found = _POSITION.fullmatch(given)
    if found is None:
        text = _("The position in this address is damaged. Start the search again.")
        raise PageProblem(422, _("Not a position"), text)
    return SearchPosition(int(found[1]), found[2])


def position_text(position: SearchPosition) -> str:
    """A position as an address has it."""
    return f"{position.submitted_at}.{position.ref}"


def _further(text: str, result: SearchResult | None) -> str | None:
    if result is None or result.further is None:
        return None
    return "/search?" + urlencode({"q": text, "after": position_text(result.further)})


PAGES = (
    Page(path="/search", run=show, permission=Permission.SEE_CONTENT),
    Page(path="/search.json", run=as_json, permission=Permission.SEE_CONTENT),
    Page(path="/search.csv", run=as_csv, permission=Permission.SEE_CONTENT),
    Page(path="/search/saved", run=save, method="POST", permission=Permission.SEE_CONTENT),
    Page(path="/search/saved/{search}/delete", run=delete, method="POST", permission=Permission.SEE_CONTENT),
    Page(path="/find", run=find, permission=Permission.SEE_CONTENT),
)
