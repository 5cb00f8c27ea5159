"""Disagreements between first and second reviewers, and their adjudication."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from seawall import access, review
from seawall.access import Permission
from seawall.console import active_bundle
from seawall.console.child_safety import check_item, seen_rows
from seawall.console.item_view import item_view
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.quality.blind_review import answer_of, newest_evaluation, sent
from seawall.console.request import Page, PageRequest, json_response, missing, redirect
from seawall.console.templates import render
from seawall.console.veiling import blind_veiling
from seawall.model import ItemRef
from seawall.review import quality
from seawall.review.quality.queries import BlindReviewRow, get_blind_review, list_disagreements
from seawall.review.queries import reviews_of_item

_PAGE = 50
_STATES = ("open", "adjudicated")


def show_all(request: PageRequest) -> Response:
    """List disagreements, the most severe first, by policy and state."""
    found, older = _list(request)
    policy, state = request.query("policy"), request.query("state")
    return render(
        request,
        "quality/disagreements.html",
        rows=found,
        older=_link(policy=policy, state=state, skip=older),
        states=[("", marked("All")), ("open", marked("Open")), ("adjudicated", marked("Adjudicated"))],
        chosen={"policy": policy, "state": state},
        link=_link,
        names=active_bundle.names_of_people(request.app, request.person),
        policies=active_bundle.policies(request.app),
    )


def as_json(request: PageRequest) -> Response:
    """Disagreements as JSON; ``older``: the value of ``skip`` that goes on."""
    found, older = _list(request)
    return json_response({"disagreements": found, "older": older})


def show(request: PageRequest) -> Response:
    """Show one disagreement: the content, both answers, and the form for the final one."""
    return _page(request)


def adjudicate(request: PageRequest) -> Response:
    """Record the final answer."""
    task = request.path_param("task")
    with request.app.database.read() as connection:
        if (row := get_blind_review(connection, task)) is not None:
            check_item(request, connection, row.item, Permission.ADJUDICATE)
    try:
        quality.adjudicate(
            request.app.ledger, active_bundle.policies(request.app), task, request.person.id, answer_of(request)
        )
    except review.NoSuchCase:
        raise missing("disagreement") from None
    except review.ReviewError as error:
        return _page(request, error=_(str(error)), status=409)
    return redirect(f"/disagreements/{task}")


def _list(request: PageRequest) -> tuple[list[BlindReviewRow], int | None]:
    state, skip = request.query("state"), request.cursor("skip") or 0
    severities = active_bundle.severities(request.app)
    with request.app.database.read() as connection:
        rows = list_disagreements(
            connection,
            policy=request.query("policy"),
            state=state if state in _STATES else "",
            severities=severities,
            limit=_PAGE + 1,
            skip=skip,
        )
        seen = seen_rows(request, connection, rows[:_PAGE])
    return seen, skip + _PAGE if len(rows) > _PAGE else None


def _link(**chosen: object) -> str | None:
    """The address of a list; None for a page that does not exist."""
    if "skip" in chosen and chosen["skip"] is None:
        return None
    query = urlencode({name: value for name, value in chosen.items() if value})
    return "/disagreements" + (f"?{query}" if query else "")


def _page(request: PageRequest, *, error: str = "", status: int = 200) -> Response:
    app = request.app
    with app.database.read() as connection:
        row = get_blind_review(connection, request.path_param("task"))
        if row is None or row.first_review is None or row.answer is None:
            raise missing("disagreement")
        check_item(request, connection, row.item)
        newest = reviews_of_item(connection, row.item, limit=1)
    item = ItemRef(row.content_type, row.item, row.revision)
    access.record_view(app.database, app.ledger, request.person.id, item, "disagreement")
    final = (row.final_answer, row.final_policy)
    in_force = (newest[0].answer, newest[0].policy) if newest else None
    agree = (row.first_answer, row.first_policy) == (row.answer, row.policy)
    return render(
        request,
        "quality/disagreement.html",
        status=status,
        row=row,
        seen=item_view(app, item, newest_evaluation(app, item), whole=request.query("all") == "1"),
        veiling=blind_veiling(request),
        notes=_notes(request, row),
        agree=agree,
        overturned=row.state == "adjudicated" and in_force is not None and in_force != final,
        may_adjudicate=request.may(Permission.ADJUDICATE)
        and row.state == "answered"
        and not agree
        and request.person.id not in (row.first_reviewer, row.reviewer),
        policies=active_bundle.policies(app),
        names=active_bundle.names_of_people(app, request.person),
        reasons=review.REASONS,
        given=sent(request),
        error=error,
    )


def _notes(request: PageRequest, row: BlindReviewRow) -> dict[str, str]:
    """What the three wrote: ``first``, ``second``, ``final``; erased notes are left out."""
    names = {
        f"review/{row.first_review}": "first",
        f"second-review/{row.id}": "second",
        f"adjudication/{row.id}": "final",
    }
    opened = request.app.vault.open_many([(row.item, name) for name in names])
    return {names[name]: note.decode(errors="replace") for (_, name), note in opened.items() if note is not None}


PAGES = (
    Page(path="/disagreements", run=show_all, permission=Permission.SEE_QUALITY),
    Page(path="/disagreements.json", run=as_json, permission=Permission.SEE_QUALITY),
    Page(path="/disagreements/{task}", run=show, permission=Permission.SEE_QUALITY),
    Page(path="/disagreements/{task}", run=adjudicate, method="POST", permission=Permission.ADJUDICATE),
)
