"""The pages of figures: agreement of all reviewers for those who answer for it, and each reviewer's own."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from seawall.access import Permission
from seawall.console import active_bundle
from seawall.console.child_safety import seen_rows
from seawall.console.request import Page, PageRequest, json_response
from seawall.console.templates import render
from seawall.model import now_ms
from seawall.review.case_summary.figures import by_visibility
from seawall.review.case_summary.queries import suggested_answers, summary_use
from seawall.review.quality import figures
from seawall.review.quality.queries import (
    ReviewerCounts,
    answer_pairs,
    count_waiting,
    list_disagreements,
    reviewer_counts,
)

_DAY_MS: Final = 24 * 60 * 60 * 1000
PERIODS: Final = (30, 90, 365)
"""Days that the figures may cover; 0: all."""

_NEWEST = 5


def show(request: PageRequest) -> Response:
    """Show agreement by queue and policy, accuracy by reviewer, and the gravest open disagreements."""
    severities = active_bundle.severities(request.app)
    with request.app.database.read() as connection:
        found = list_disagreements(connection, state="open", severities=severities, limit=_NEWEST)
        newest = seen_rows(request, connection, found)
    return render(
        request,
        "quality/quality.html",
        figures=_figures(request),
        newest=newest,
        days=_days(request),
        periods=PERIODS,
        names=active_bundle.names_of_people(request.app, request.person),
        policies=active_bundle.policies(request.app),
    )


def as_json(request: PageRequest) -> Response:
    """The figures as JSON. Undefined numbers are null."""
    return json_response(_figures(request))


def show_own(request: PageRequest) -> Response:
    """Show the person's own figures."""
    return render(request, "quality/my_reviews.html", own=_own(request), days=_days(request), periods=PERIODS)


def own_as_json(request: PageRequest) -> Response:
    """The person's own figures as JSON."""
    return json_response(_own(request))


def _figures(request: PageRequest) -> dict[str, Any]:
    since = _since(request)
    with request.app.database.read() as connection:
        pairs = answer_pairs(connection, since=since)
        counts = reviewer_counts(connection, since=since)
        waiting = count_waiting(connection)
        suggested = suggested_answers(connection, since=since)
        use = summary_use(connection, since=since)
    scopes = request.person.scopes(Permission.SEE_QUALITY)
    pairs = [one for one in pairs if any(each.queues is None or one.queue in each.queues for each in scopes)]
    seen = {one.id for one in active_bundle.people_seen_by(request.app, request.person)}
    return {
        "queues": figures.by_queue(pairs),
        "policies": figures.by_policy(pairs),
        "reviewers": [figures.of_reviewer(one) for one in counts if one.person in seen or not request.person.team],
        "waiting": waiting,
        "suggestions": by_visibility(suggested),
        "summaries": use,
    }


def _own(request: PageRequest) -> figures.ReviewerFigures:
    """Up to the end of yesterday (UTC), so that a number that grows does not tell which case was a golden one."""
    person = request.person.id
    today = now_ms() // _DAY_MS * _DAY_MS
    with request.app.database.read() as connection:
        found = reviewer_counts(connection, since=_since(request), until=today, person=person)
    return figures.of_reviewer(
        found[0] if found else ReviewerCounts(person=person, pairs=0, agreed=0, golden=0, right=0)
    )


def _days(request: PageRequest) -> int:
    chosen = request.query("days", "90")
    return int(chosen) if chosen in {"0", *map(str, PERIODS)} else 90


def _since(request: PageRequest) -> int:
    days = _days(request)
    return now_ms() - days * _DAY_MS if days else 0


PAGES = (
    Page(path="/quality", run=show, permission=Permission.SEE_QUALITY),
    Page(path="/quality.json", run=as_json, permission=Permission.SEE_QUALITY),
    Page(path="/my-reviews", run=show_own, permission=Permission.REVIEW),
    Page(path="/my-reviews.json", run=own_as_json, permission=Permission.REVIEW),
)
