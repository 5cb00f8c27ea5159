"""Pages of proposals: publications that another person approves, where the operator asks for that."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from seawall import publish
from seawall.access import Permission
from seawall.console import active_bundle
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import Page, PageRequest, json_response, missing, redirect
from seawall.console.templates import render
from seawall.model import now_ms
from seawall.policy import Bundle, BundleUnreadable, run_examples
from seawall.publish import BundleProposal, PublishedMeanwhile, PublishRefused

_LISTED: Final = 20

# Codes that these pages show with the filter ``words``: said here, so that the catalogues know them.
WORDS: Final = (
    *(marked("approved"), marked("declined"), marked("withdrawn"), marked("expired"), marked("outdated")),
    marked("open"),
)


def list_proposals(request: PageRequest) -> list[tuple[BundleProposal, str]]:
    """The newest proposals, each with its state."""
    now = now_ms()
    with request.app.database.read() as connection:
        found = publish.newest_proposals(connection, limit=_LISTED)
    return [(proposal, proposal.state(now)) for proposal in found]


def as_json(request: PageRequest) -> Response:
    """The newest proposals as JSON."""
    listed: list[dict[str, Any]] = [
        {"proposal": proposal, "state": state} for proposal, state in list_proposals(request)
    ]
    return json_response({"proposals": listed})


def show(request: PageRequest) -> Response:
    """Show one proposal: what it changes, and how its examples do."""
    return _page(request)


def approve(request: PageRequest) -> Response:
    """Put the proposed bundle in force."""
    try:
        publish.approve(request.app.bundles, _found(request), request.person.id)
    except (BundleUnreadable, PublishedMeanwhile, PublishRefused) as error:
        return _page(request, error=str(error))
    return redirect("/publications")


def decline(request: PageRequest) -> Response:
    """Decline the proposal, or withdraw one's own."""
    try:
        publish.decline(request.app.ledger, _found(request), request.person.id)
    except PublishRefused as error:
        return _page(request, error=str(error))
    return redirect("/publications")


def _found(request: PageRequest) -> BundleProposal:
    with request.app.database.read() as connection:
        found = publish.find_proposal(connection, request.path_param("proposal"))
    if found is None:
        raise missing(marked("proposal"))
    return found


def _page(request: PageRequest, error: str = "") -> Response:
    proposal = _found(request)
    proposed, former = (_loaded(request, one) for one in (proposal.bundle, proposal.instead_of))
    results = [] if proposed is None else run_examples(proposed)
    return render(
        request,
        "publish/proposal.html",
        status=422 if error else 200,
        proposal=proposal,
        state=proposal.state(now_ms()),
        changes=None if proposed is None else publish.compare(former, proposed, publish.today()),
        creators={} if proposed is None else request.app.creators_concerned(proposed),
        results=results,
        failed=[result for result in results if not result.passed],
        own=proposal.by == request.person.id,
        names=active_bundle.names_of_people(request.app, request.person),
        error=_(error),
    )


def _loaded(request: PageRequest, bundle: str | None) -> Bundle | None:
    """The bundle; None: there is none, or it cannot be read by this version, or it was not kept."""
    try:
        return None if bundle is None else request.app.bundles.load(bundle)
    except BundleUnreadable:
        return None


PAGES = (
    Page(path="/proposals.json", run=as_json, permission=Permission.SEE_POLICIES),
    Page(path="/proposals/{proposal}", run=show, permission=Permission.SEE_POLICIES),
    Page(path="/proposals/{proposal}/approve", run=approve, method="POST", permission=Permission.PUBLISH_POLICIES),
    Page(path="/proposals/{proposal}/decline", run=decline, method="POST", permission=Permission.PUBLISH_POLICIES),
)
