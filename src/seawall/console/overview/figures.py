"""The figures of reviewing: of everybody for those who lead, and each reviewer's own."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import Connection
from starlette.responses import Response

from seawall import review
from seawall.access import Permission
from seawall.appeal.queries import answered_between
from seawall.console import active_bundle
from seawall.console.child_safety import may_see_all
from seawall.console.days import check_period, day_text, read_day, today
from seawall.console.languages import marked
from seawall.console.request import Page, PageProblem, PageRequest, json_response, missing
from seawall.console.review.suitable import untaken
from seawall.console.templates import render
from seawall.model import now_ms
from seawall.review.figure_rows import FigureFilters, policies_and_queues
from seawall.review.figures import (
    DAY_MS,
    Agreements,
    FigureRow,
    Figures,
    Period,
    Share,
    Spread,
    read_figures,
)
from seawall.review.quality.queries import AnswerPair, answer_pairs, reviewer_counts
from seawall.review.review_answer import VIOLATES

PRESETS: Final = ((marked("today"), 1), (marked("7 days"), 7), (marked("30 days"), 30), (marked("90 days"), 90))
_AGES: Final = (  # the titles of ``review.figures.AGES``, so that the catalogues know them
    *(marked("under 1 h"), marked("1 to 4 h"), marked("4 to 24 h"), marked("1 to 3 days"), marked("3 to 7 days")),
    marked("over 7 days"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """What the address asks for. ``first`` and ``last``: days, both included, as YYYY-MM-DD (UTC)."""

    period: Period
    first: str
    last: str
    filters: FigureFilters


def show(request: PageRequest) -> Response:
    """Show the figures of everybody."""
    return _page(request, _chosen(request), own=False)


def as_json(request: PageRequest) -> Response:
    """The figures as JSON."""
    return json_response(_figures(request, _chosen(request)))


def as_csv(request: PageRequest) -> Response:
    """The figures as CSV: a line for all, the period before, and each queue, policy and reviewer."""
    return _csv(_figures(request, _chosen(request)))


def show_own(request: PageRequest) -> Response:
    """Show the person's own figures."""
    return _page(request, _own(request), own=True)


def own_as_json(request: PageRequest) -> Response:
    """The person's own figures as JSON."""
    return json_response(_figures(request, _own(request)))


def own_as_csv(request: PageRequest) -> Response:
    """The person's own figures as CSV."""
    return _csv(_figures(request, _own(request)))


def _page(request: PageRequest, chosen: _Chosen, *, own: bool) -> Response:
    app = request.app
    found = _figures(request, chosen)
    with app.database.read() as connection:
        policies, queues = policies_and_queues(connection, child_safety=may_see_all(request))
        waiting = [] if own else untaken(request, connection)
    names = active_bundle.names_of_people(app, request.person)
    return render(
        request,
        "overview/figures.html",
        figures=found,
        chosen=chosen,
        own=own,
        untaken=waiting,
        path="/my-figures" if own else "/figures",
        presets=PRESETS,
        preset_days=(chosen.period.until - chosen.period.since) // DAY_MS if _ends_last(chosen, own=own) else 0,
        link=lambda **changes: _link(chosen, own, changes),
        queues=queues,
        policies=policies,
        people=sorted(names.items(), key=lambda one: one[1]),
        names=names,
        settings=active_bundle.queues(app),
        titles={name: one.title for name, one in _policies(request).items()},
        why={"skipped": review.WHY_SKIP, "passed_on": review.WHY},
    )


def _policies(request: PageRequest) -> Mapping[str, Any]:
    known = active_bundle.policy_names(request.app)
    return active_bundle.policies(request.app) if known else {}


def _figures(request: PageRequest, chosen: _Chosen) -> Figures:
    period, filters = chosen.period, chosen.filters
    with request.app.database.read() as connection:
        found = read_figures(
            connection,
            period,
            filters,
            active_bundle.queues(request.app),
            now_ms(),
            appeals=answered_between(connection, period.since, period.until),
            appeals_before=answered_between(connection, period.before.since, period.before.until),
            agreements=_agreements(connection, period, filters),
            agreements_before=_agreements(connection, period.before, filters),
        )
    seen = {one.id for one in active_bundle.people_seen_by(request.app, request.person)}
    return found if not request.person.team else replace(found, reviewers=_those(found.reviewers, seen))


def _those(rows: Sequence[FigureRow], seen: Collection[str]) -> tuple[FigureRow, ...]:
    """The rows of people whose figures the person sees."""
    return tuple(row for row in rows if row.name in seen)


def queue_in_scope(request: PageRequest) -> str | None:
    """The queue that was asked for; for people whose roles or team have queues one of these. Raises Problem 403."""
    asked = request.query("queue") or None
    if not request.person.is_limited:
        return asked
    scopes = request.person.scopes(Permission.SEE_FIGURES)
    whole = [one.queues for one in scopes if one.harms is None and one.content_types is None]
    allowed = frozenset[str]().union(*(queues for queues in whole if queues is not None))
    if None in whole or asked in allowed:
        return asked
    if asked is None and allowed:
        return min(allowed)
    raise PageProblem(403, "Permission denied", "Your roles and your team do not include the figures of this queue.")


def _agreements(connection: Connection, period: Period, filters: FigureFilters) -> Agreements:
    """How often blind second answers were the same, as ``/quality`` counts it. Not known by two filters at once."""
    pairs = answer_pairs(connection, since=period.since, until=period.until)
    people = reviewer_counts(connection, since=period.since, until=period.until, person=filters.reviewer)
    reviewers = {one.person: (one.agreed, one.pairs) for one in people if one.pairs}
    given = [one for one in (filters.queue, filters.policy, filters.reviewer) if one is not None]
    if len(given) > 1:
        return Agreements()
    if filters.reviewer is not None:
        return Agreements(total=reviewers.get(filters.reviewer, (0, 0)), reviewers=reviewers)
    if filters.queue is not None:
        mine = [pair for pair in pairs if pair.queue == filters.queue]
        return Agreements(total=_same(mine), queues={filters.queue: _same(mine)}, policies=_by_policy(mine))
    if filters.policy is not None:
        by_policy = _by_policy(pairs)
        named = by_policy.get(filters.policy, (0, 0))
        return Agreements(total=named, policies={filters.policy: named})
    queues = {queue: _same([pair for pair in pairs if pair.queue == queue]) for queue in {one.queue for one in pairs}}
    return Agreements(total=_same(pairs), queues=queues, policies=_by_policy(pairs), reviewers=reviewers)


def _same(pairs: Sequence[AnswerPair]) -> tuple[int, int]:
    return sum(pair.first == pair.second for pair in pairs), len(pairs)


def _by_policy(pairs: Sequence[AnswerPair]) -> dict[str, tuple[int, int]]:
    """Of the pairs in which one names the policy: how often both say that it is violated."""
    agreed, named = Counter[str](), Counter[str]()
    for pair in pairs:
        said = {policy for answer, policy in (pair.first, pair.second) if answer == VIOLATES and policy is not None}
        for policy in said:
            named[policy] += 1
            agreed[policy] += pair.first == pair.second
    return {policy: (agreed[policy], count) for policy, count in named.items()}


def _chosen(request: PageRequest) -> _Chosen:
    reviewer = request.query("reviewer") or None
    if reviewer is not None and reviewer not in active_bundle.names_of_people(request.app, request.person):
        raise missing("person")
    return _choice(request, last_day=today(), reviewer=reviewer, queue=queue_in_scope(request))


def _own(request: PageRequest) -> _Chosen:
    """Up to the end of yesterday (UTC), so that a number that does not grow does not tell which case was blind."""
    queue = request.query("queue") or None
    return _choice(request, last_day=today() - DAY_MS, reviewer=request.person.id, queue=queue)


def _choice(request: PageRequest, *, last_day: int, reviewer: str | None, queue: str | None) -> _Chosen:
    last = min(read_day(request.query("to"), last_day), last_day)
    first = read_day(request.query("from"), last - 6 * DAY_MS)
    check_period(first, last)
    filters = FigureFilters(
        queue=queue,
        policy=request.query("policy") or None,
        reviewer=reviewer,
        child_safety=may_see_all(request),
    )
    return _Chosen(
        period=Period(since=first, until=last + DAY_MS), first=day_text(first), last=day_text(last), filters=filters
    )


def _ends_last(chosen: _Chosen, *, own: bool) -> bool:
    return chosen.period.until == today() + (0 if own else DAY_MS)


def _link(chosen: _Chosen, own: bool, changes: Mapping[str, object]) -> str:
    """The address with some of its parts changed. ``days``: a preset, which ends with the last day."""
    kept: dict[str, object] = {
        "from": chosen.first,
        "to": chosen.last,
        "queue": chosen.filters.queue,
        "policy": chosen.filters.policy,
        "reviewer": None if own else chosen.filters.reviewer,
    }
    changed = dict(changes)
    suffix = str(changed.pop("suffix", ""))
    if (days := changed.pop("days", None)) is not None:
        last = today() - (DAY_MS if own else 0)
        kept |= {"from": day_text(last - (int(str(days)) - 1) * DAY_MS), "to": day_text(last)}
    query = urlencode({name: value for name, value in (kept | changed).items() if value})
    return ("/my-figures" if own else "/figures") + suffix + (f"?{query}" if query else "")


_SHARES: Final = ("missed", "overturned", "agreed", "undone")
_SHARE_ENDS: Final = ("count", "n", "share", "lower", "upper")
_SPREADS: Final = ("wait", "handle")
_SPREAD_ENDS: Final = ("n", "median_s", "p90_s")


def _csv(found: Figures) -> Response:
    out = io.StringIO()
    writer = csv.writer(out)
    columns: list[str] = []
    for one in fields(FigureRow):
        ends: tuple[str, ...] = _SHARE_ENDS if one.name in _SHARES else _SPREAD_ENDS if one.name in _SPREADS else ()
        columns += [f"{one.name}_{end}" for end in ends] or [one.name]
    writer.writerow(["of", "from", "to", *columns])
    groups: list[tuple[str, Sequence[FigureRow]]] = [("all", [found.total]), ("before", [found.before])]
    groups += [("queue", found.queues), ("policy", found.policies), ("reviewer", found.reviewers)]
    for of, rows in groups:
        period = found.period.before if of == "before" else found.period
        for row in rows:
            writer.writerow([of, day_text(period.since), day_text(period.until - DAY_MS), *_cells(row)])
    headers = {"Content-Disposition": 'attachment; filename="figures.csv"'}
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _cells(row: FigureRow) -> list[object]:
    cells: list[object] = []
    for one in fields(FigureRow):
        match getattr(row, one.name):
            case Spread(n=n, median=median, p90=p90):
                cells += [n, median, p90]
            case Share(count=count, n=n, interval=interval):
                cells += [count, n, *((None,) * 3 if interval is None else _bounds(interval))]
            case None if one.name in _SHARES:
                cells += [None] * 5
            case str() as text:
                cells.append(text if not text.startswith(("=", "+", "-", "@", "\t", "\r")) else f"'{text}")
            case value:
                cells.append(value)
    return cells


def _bounds(interval: Any) -> tuple[float, float, float]:
    return interval.value, interval.lower, interval.upper


PAGES = (
    Page(path="/figures", run=show, permission=Permission.SEE_FIGURES),
    Page(path="/figures.json", run=as_json, permission=Permission.SEE_FIGURES),
    Page(path="/figures.csv", run=as_csv, permission=Permission.SEE_FIGURES),
    Page(path="/my-figures", run=show_own, permission=Permission.REVIEW),
    Page(path="/my-figures.json", run=own_as_json, permission=Permission.REVIEW),
    Page(path="/my-figures.csv", run=own_as_csv, permission=Permission.REVIEW),
)
