"""The page of background jobs: how many wait, and those that failed for good, to be run again."""

from __future__ import annotations

from starlette.responses import Response

from seawall.access import Permission
from seawall.console.languages import marked
from seawall.console.request import Page, PageRequest, missing, redirect
from seawall.console.templates import render

_SHOWN = 200


def show(request: PageRequest) -> Response:
    """Numbers by kind and state, and the dead jobs with their last error."""
    jobs = request.app.jobs
    counts = jobs.counts()
    kinds = sorted({kind for kind, _ in counts})
    return render(
        request,
        "storage/jobs.html",
        kinds=[
            {"kind": kind, **{state: counts.get((kind, state), 0) for state in ("pending", "leased", "dead")}}
            for kind in kinds
        ],
        dead=jobs.listed("dead", _SHOWN),
        deaths=sum(count for (_, state), count in counts.items() if state == "dead"),
    )


def requeue(request: PageRequest) -> Response:
    """Make one dead job due now."""
    try:
        request.app.jobs.requeue(request.path_param("job"))
    except KeyError:
        raise missing(marked("dead job")) from None
    return redirect("/jobs")


PAGES = (
    Page(path="/jobs", run=show, permission=Permission.SEE_OPERATIONS),
    Page(path="/jobs/{job}/requeue", run=requeue, method="POST", permission=Permission.REPLAY_DELIVERIES),
)
