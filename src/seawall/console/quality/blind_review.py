"""The page of a blind review: the content as the first reviewer saw it, and a form without actions.

A second review and a golden case look alike here: neither the page nor its address tells which it is.
"""

from __future__ import annotations

from contextlib import suppress

from starlette.responses import JSONResponse, Response

from seawall import access, review
from seawall.access import Permission
from seawall.app import App
from seawall.console import active_bundle
from seawall.console.child_safety import check_item
from seawall.console.history import LIMIT
from seawall.console.item_view import ItemView, item_view
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import Page, PageRequest, missing, redirect
from seawall.console.review.queue import filter_of, go_to_next, undoable, with_filters
from seawall.console.templates import render
from seawall.console.veiling import blind_veiling
from seawall.model import DecisionSource, ItemRef, now_ms
from seawall.review import quality
from seawall.review.quality.queries import TaskRow, get_task
from seawall.screen.queries import decisions_of_item

# Titles of ``review.REASONS``, which forms show in the page's language: the catalogues know them from here.
_REASONS = (
    *(marked("Clear violation"), marked("Violation in its context"), marked("Repeated behaviour")),
    *(marked("Known content"), marked("No violation"), marked("Quotes or condemns the violation")),
    *(marked("Reclaimed speech or banter"), marked("The detector was mistaken"), marked("Not enough evidence")),
    *(marked("A person may be at risk; nobody is accused"), marked("Allowed; the audience should know")),
)


def show(request: PageRequest) -> Response:
    """Show the case to the person who holds it. Viewing takes no lease."""
    return _page(request)


def take(request: PageRequest) -> Response:
    """Take the lease again, after it ended."""
    _task(request)
    try:
        quality.take_task(request.app.database, request.path_param("task"), request.person.id)
    except review.NoSuchCase:
        raise missing(marked("case")) from None
    except review.ReviewError as error:
        return _page(request, error=_(str(error)), status=409)
    return redirect(with_filters(request, f"/blind-reviews/{request.path_param('task')}"))


def renew(request: PageRequest) -> Response:
    """Renew the lease: its remaining time, or why it ended, as JSON."""
    try:
        lease = quality.renew_task(request.app.database, request.path_param("task"), request.person.id)
    except review.ReviewError as error:
        return JSONResponse({"held": False, "reason": _(str(error))}, status_code=409)
    return JSONResponse({"held": True, "left_ms": lease.until - now_ms()})


def release(request: PageRequest) -> Response:
    """Release the lease."""
    quality.release_task(request.app.database, request.path_param("task"), request.person.id)
    return redirect(with_filters(request, "/queue"))


def skip(request: PageRequest) -> Response:
    """Release the lease and take the next case. If the content is gone, nobody is asked about it again."""
    task = _task(request)
    if _lease(request) is not None and is_gone(_view(request.app, task)):
        with suppress(review.CaseMoved):
            quality.withdraw(request.app.ledger, task.id, request.person.id)
    else:
        quality.skip_task(request.app.database, task.id, request.person.id)
    return go_to_next(request)


def submit(request: PageRequest) -> Response:
    """Record the answer, then take the next case. A refused answer shows the case again with the reason."""
    _task(request)
    task = request.path_param("task")
    try:
        quality.submit_second_review(
            request.app.ledger, active_bundle.policies(request.app), task, request.person.id, answer_of(request)
        )
    except review.NoSuchCase:
        raise missing(marked("case")) from None
    except review.ReviewError as error:
        with suppress(review.ReviewError):
            quality.take_task(request.app.database, task, request.person.id)
        return _page(request, error=_(str(error)), status=409)
    return go_to_next(request)


def answer_of(request: PageRequest) -> quality.BlindAnswer:
    """The answer in the form."""
    answer = request.field("answer")
    return quality.BlindAnswer(
        answer=answer,
        policy=(request.field("policy") or None) if answer == review.VIOLATES else None,
        reason=request.field("reason"),
        note=request.field("note").strip(),
    )


def is_gone(seen: ItemView) -> bool:
    """Whether there is nothing to judge: it was erased, or its content type is no longer in force."""
    return seen.erased or not seen.fields


def sent(request: PageRequest) -> dict[str, str]:
    """What the form had, to be filled in again."""
    return {name: request.field(name) for name in ("answer", "policy", "reason", "note")}


def newest_evaluation(app: App, item: ItemRef) -> str | None:
    """The newest decision about this revision that rules made."""
    with app.database.read() as connection:
        made = decisions_of_item(connection, item.ref, limit=LIMIT)
    return next((one.id for one in made if one.revision == item.revision and one.source != DecisionSource.REVIEW), None)


def _task(request: PageRequest) -> TaskRow:
    with request.app.database.read() as connection:
        found = get_task(connection, request.path_param("task"))
        suits = found is not None and quality.may_take(connection, found.id, request.person.id)
        if found is None or not suits:
            raise missing(marked("case"))
        check_item(request, connection, found.item)
    return found


def _lease(request: PageRequest) -> quality.TaskLease | None:
    """The person's own lease."""
    with request.app.database.read() as connection:
        lease = quality.task_lease(connection, request.path_param("task"), now_ms())
    return lease if lease is not None and lease.person == request.person.id else None


def _view(app: App, task: TaskRow, *, whole: bool = False) -> ItemView:
    """The content of the revision, with the words that were read in its files."""
    item = ItemRef(task.content_type, task.item, task.revision)
    return item_view(app, item, newest_evaluation(app, item), whole=whole, blind=True)


def _page(request: PageRequest, *, error: str = "", status: int = 200) -> Response:
    app, task = request.app, _task(request)
    lease = _lease(request) if task.state == "waiting" else None
    seen = None
    if lease is not None:
        item = ItemRef(task.content_type, task.item, task.revision)
        access.record_view(app.database, app.ledger, request.person.id, item, "blind_review")
        seen = _view(app, task, whole=request.query("all") == "1")
    return render(
        request,
        "quality/blind_review.html",
        status=status,
        advice=request.query("advice"),
        task=task,
        lease=lease,
        seen=seen,
        is_gone=seen is not None and is_gone(seen),
        veiling=blind_veiling(request),
        policies=active_bundle.policies(app),
        reasons=review.REASONS,
        given=sent(request),
        filters={"queue": filter_of(request, "queue"), "type": filter_of(request, "type")},
        done=request.query("done"),
        undoable=undoable(request),
        now=now_ms(),
        error=error,
    )


PAGES = (
    Page(path="/blind-reviews/{task}", run=show, permission=Permission.REVIEW),
    Page(path="/blind-reviews/{task}/take", run=take, method="POST", permission=Permission.REVIEW),
    Page(path="/blind-reviews/{task}/lease", run=renew, method="POST", permission=Permission.REVIEW),
    Page(path="/blind-reviews/{task}/release", run=release, method="POST", permission=Permission.REVIEW),
    Page(path="/blind-reviews/{task}/skip", run=skip, method="POST", permission=Permission.REVIEW),
    Page(path="/blind-reviews/{task}/submit", run=submit, method="POST", permission=Permission.REVIEW),
)
