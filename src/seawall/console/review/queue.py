"""The review queue: open cases, most urgent first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from seawall import review
from seawall.access import Permission
from seawall.console import active_bundle
from seawall.console.child_safety import may_see_all
from seawall.console.exposure import rotation
from seawall.console.request import Page, PageRequest, json_response, redirect
from seawall.console.review.order import order_in_words
from seawall.console.review.reviewers import reviewers
from seawall.console.review.suitable import abilities, untaken
from seawall.console.summaries import SummarisedRow, rows_of_accounts, rows_of_items, summaries
from seawall.console.templates import render
from seawall.model import now_ms
from seawall.review import quality
from seawall.review.queries import (
    CaseFilters,
    CaseRow,
    count_assigned,
    count_cases,
    list_cases,
    undoable_review,
)
from seawall.screen.queries import ItemRow, items_by_ref

PAGE_SIZE = 50
STATE_LANGUAGES: Final = "languages"
"""Advice to somebody who left a case to others for its language and has not stated theirs."""
UNSUITABLE: Final = "unsuitable"
"""To somebody who got none of the waiting cases, because none suits their languages and skills."""


def show(request: PageRequest) -> Response:
    """List open or closed cases by queue and content type."""
    state = "closed" if request.query("state") == "closed" else "open"
    queue, content_type = request.query("queue"), request.query("type")
    after, now = request.cursor("skip") or 0, now_ms()
    child_safety, settings = may_see_all(request), active_bundle.queues(request.app)
    scopes = request.person.scopes()
    filters = CaseFilters(state=state, queue=queue, content_type=content_type, child_safety=child_safety, scopes=scopes)
    with request.app.database.read() as connection:
        cases = list_cases(connection, filters, now, limit=PAGE_SIZE + 1, skip=after)
        items = items_by_ref(connection, [case.item for case in cases[:PAGE_SIZE]])
        counts = count_cases(connection, state, child_safety=child_safety, scopes=scopes)
        assigned = count_assigned(connection, request.person.id, now)
        waiting = untaken(request, connection) if state == "open" else []
    shown = cases[:PAGE_SIZE]
    return render(
        request,
        "review/queue.html",
        cases=shown,
        items=items,
        summaries=summaries(request, _about(shown, items)),
        older=after + PAGE_SIZE if len(cases) > PAGE_SIZE else None,
        queues=counts.queues,
        types=counts.content_types,
        chosen={"queue": queue, "type": content_type, "state": state},
        link=lambda **changes: _link(queue, content_type, state, changes),
        done=request.query("done"),
        undoable=undoable(request),
        now=now,
        order={case.id: order_in_words(case, now, settings.of(case.queue).sla_s) for case in cases},
        settings=settings,
        may_decide=state == "open" and request.may(Permission.REVIEW),
        assigned=assigned,
        untaken=waiting,
        advice=request.query("advice"),
        given=request.query("given"),
        reviewers=reviewers(request.app, request.person) if request.may(Permission.ASSIGN) else (),
        why_assign=review.WHY_ASSIGN,
    )


def _about(cases: Sequence[CaseRow], items: Mapping[str, ItemRow]) -> list[SummarisedRow]:
    """What the rows are about: items in their newest revisions, and accounts."""
    accounts = [case for case in cases if case.subject == review.ACCOUNT]
    return [
        *rows_of_items(items.values(), {case.item: case.harm for case in cases}),
        *rows_of_accounts(one.item for one in accounts),
    ]


def as_json(request: PageRequest) -> Response:
    """Open cases as JSON, as ``GET /v1/cases`` returns them, and how many wait that nobody present is given."""
    filters = CaseFilters(
        queue=request.query("queue"),
        content_type=request.query("type"),
        child_safety=may_see_all(request),
        scopes=request.person.scopes(),
    )
    with request.app.database.read() as connection:
        cases = list_cases(connection, filters, now_ms(), limit=PAGE_SIZE)
        return json_response({"cases": cases, "untaken": untaken(request, connection)})


def take_next(request: PageRequest) -> Response:
    """Take the lease of the most urgent case and go to it."""
    return go_to_next(request)


def go_to_next(request: PageRequest, *, done: str = "", advice: str = "") -> Response:
    """Lease the next case of the chosen queue and type and go to it; to the queue when there is none.

    Now and then it is a blind review: a second one, or one of a golden case.
    ``done``: the decision just made, which the next page links to. ``advice``: what the next page advises.
    """
    queue, content_type = filter_of(request, "queue") or None, filter_of(request, "type") or None
    app, person = request.app, request.person.id
    standing = rotation.standing_of(request)
    if standing.on_break:
        return rotation.pause(request, done)
    excluded = standing.over | request.preferences.opt_outs
    shares = app.context.get(quality.QualitySettings)
    sees_all, scopes = may_see_all(request), request.person.scopes(Permission.REVIEW)
    suited = abilities(app, request.person)
    next_task = partial(
        quality.next_task,
        app.ledger,
        shares,
        person,
        policies=active_bundle.policy_names(app),
        child_safety=sees_all,
        scopes=scopes,
        abilities=suited,
    )
    task, lease = next_task(queue=queue, content_type=content_type), None
    if task is None:
        lease = review.next_case(
            app.database,
            person,
            queue=queue,
            content_type=content_type,
            excluded=excluded,
            child_safety=sees_all,
            push=active_bundle.queues(app).push(),
            scopes=scopes,
            abilities=suited,
        )
    if task is None and lease is None:
        if excluded and rotation.others_wait(request, queue, content_type, suited):
            return rotation.to_exposure(done)
        task = next_task(queue=queue, content_type=content_type, idle=True)
        if task is None and suited != review.ANY_CASE and rotation.others_wait(request, queue, content_type):
            advice = advice or UNSUITABLE
    where = f"/blind-reviews/{task}" if task is not None else "/queue" if lease is None else f"/cases/{lease.case}"
    return redirect(with_filters(request, where, done=done, advice=advice))


def undoable(request: PageRequest) -> str | None:
    """The review that made the decision which the address says was just made, if it can be taken back."""
    done = request.query("done")
    if not done or not request.may(Permission.REVIEW):
        return None
    with request.app.database.read() as connection:
        found = undoable_review(connection, done, request.person.id, now_ms())
    return None if found is None else found.id


def filter_of(request: PageRequest, name: str) -> str:
    """A filter from the form, else from the address."""
    return request.field(name) or request.query(name)


def with_filters(request: PageRequest, where: str, **more: str) -> str:
    """The path with the chosen queue and type."""
    carried = {"queue": filter_of(request, "queue"), "type": filter_of(request, "type"), **more}
    query = urlencode({name: value for name, value in carried.items() if value})
    return where + (f"?{query}" if query else "")


def _link(queue: str, content_type: str, state: str, changes: dict[str, object]) -> str:
    chosen: dict[str, object] = {"queue": queue, "type": content_type, "state": state, **changes}
    if chosen["state"] == "open":
        del chosen["state"]
    query = urlencode({name: value for name, value in chosen.items() if value})
    return "/queue" + (f"?{query}" if query else "")


PAGES = (
    Page(path="/queue", run=show, permission=Permission.SEE_CONTENT),
    Page(path="/queue.json", run=as_json, permission=Permission.SEE_CONTENT),
    Page(path="/queue/next", run=take_next, method="POST", permission=Permission.REVIEW),
)
