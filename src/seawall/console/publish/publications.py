"""Pages of publications: who put which policies in force, what that changed, and the way back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from starlette.responses import Response

from seawall import publish
from seawall.access import Permission
from seawall.console import active_bundle
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.publish.proposals import list_proposals
from seawall.console.request import Page, PageProblem, PageRequest, json_response, missing, redirect
from seawall.console.templates import render
from seawall.policy import Bundle, BundleUnreadable, PolicyErrors
from seawall.publish import BundleChanges, ComparedBundle, PublishedMeanwhile, PublishRefused, SourceError, StartReport
from seawall.publish.queries import BundleRow, bundles_like, newest_bundles

_PAGE = 50
FOLDER: Final = "folder"
"""What stands, instead of a hash, for the folder that this server was started with."""

# Codes that these pages show with the filter ``words``: said here, so that the catalogues know them.
WORDS: Final = (
    *(marked("publish"), marked("start"), marked("rebuild"), marked("rollback")),
    *(marked("added"), marked("changed"), marked("dropped"), marked("shipped")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderDifference:
    """What the folder of this server holds, where that is not what is in force."""

    source: str
    why: str
    changes: BundleChanges


def folder_difference(request: PageRequest) -> FolderDifference | None:
    """What the folder that this server was started with would change; None: nothing, or it is not known."""
    start = request.app.context.get(StartReport).publication
    if start is None or start.offered is None:
        return None
    _hash, current = request.app.bundles.in_force()
    if current is None or not (changes := publish.compare(current, start.offered, publish.today())):
        return None
    return FolderDifference(source=start.source, why=start.why, changes=changes)


def show_all(request: PageRequest) -> Response:
    """List publications, newest first, with what the newest changed."""
    return _history(request)


def as_json(request: PageRequest) -> Response:
    """The publications as JSON."""
    with request.app.database.read() as connection:
        return json_response({"publications": newest_bundles(connection, limit=_PAGE, before=request.cursor())})


def show_changes(request: PageRequest) -> Response:
    """Show what one bundle changes against another."""
    before, after, changes = _compared(request)
    return render(request, "publish/compare.html", before=before, after=after, changes=changes, rows=_rows(request))


def changes_as_json(request: PageRequest) -> Response:
    """What one bundle changes against another, as JSON."""
    _before, _after, changes = _compared(request)
    return json_response({"numbers": changes.numbers(), "changes": changes})


def show_rollback(request: PageRequest) -> Response:
    """Show what going back to an earlier bundle would change."""
    return _preview(request)


def roll_back(request: PageRequest) -> Response:
    """Put an earlier bundle in force, if the one in force is still the one that the person saw."""
    wanted = request.path_param("bundle")
    return _put_in_force(request, wanted)


def _put_in_force(request: PageRequest, wanted: str) -> Response:
    try:
        compared = _would_change(request, wanted)
        if compared.changes is not None and not compared.changes:  # sent twice, or somebody else did it
            return redirect("/publications")
        if compared.in_force != (request.field("in_force") or None):
            raise PublishedMeanwhile(compared.in_force)
        if wanted == FOLDER:
            compared.refuse(drop_all=request.field("drop") == "yes")
            compared = replace(compared, screened=False)
        kind = "publish" if wanted == FOLDER else "rollback"
        proposal = request.app.put_in_force(compared, by=request.person.id, kind=kind)
    except (PolicyErrors, PublishedMeanwhile, PublishRefused, SourceError) as error:
        return _preview(request, error=str(error))
    return redirect("/publications" if proposal is None else f"/proposals/{proposal}")


def _would_change(request: PageRequest, wanted: str) -> ComparedBundle:
    if wanted == FOLDER:
        start = request.app.context.get(StartReport).publication
        if start is None or start.offered is None:
            raise missing(marked("publication"))
        return publish.compare_with_force(request.app.bundles, start.offered, start.source)
    return request.app.compare_rollback(_known(request, wanted))


def _preview(request: PageRequest, error: str = "") -> Response:
    wanted = request.path_param("bundle")
    compared: ComparedBundle | None = None
    try:
        compared = _would_change(request, wanted)
    except PublishRefused as refused:
        error = error or str(refused)
    return render(
        request,
        "publish/rollback.html",
        status=422 if error else 200,
        wanted=wanted,
        from_folder=wanted == FOLDER,
        compared=compared,
        creators={} if compared is None else request.app.creators_concerned(compared.bundle),
        needs_approval=request.app.needs_approval,
        error=error,
    )


def _history(request: PageRequest) -> Response:
    with request.app.database.read() as connection:
        rows = newest_bundles(connection, limit=_PAGE + 1, before=request.cursor())
    newest = rows[0] if rows and request.cursor() is None else None
    return render(
        request,
        "publish/publications.html",
        rows=rows[:_PAGE],
        before=rows[_PAGE - 1].seq if len(rows) > _PAGE else None,
        newest=newest,
        in_force=request.app.bundles.in_force()[0],
        changes=None if newest is None else _changes_of(request, newest),
        proposals=list_proposals(request),
        needs_approval=request.app.needs_approval,
        folder=folder_difference(request),
        names=active_bundle.names_of_people(request.app, request.person),
    )


def _changes_of(request: PageRequest, row: BundleRow) -> BundleChanges | None:
    """What a publication changed; None: one of the two bundles cannot be read by this version."""
    try:
        former = None if row.previous is None else request.app.bundles.load(row.previous)
        return publish.compare(former, request.app.bundles.load(row.hash), publish.today())
    except BundleUnreadable:
        return None


def _rows(request: PageRequest) -> list[BundleRow]:
    """The publications that can be chosen: one of each bundle, newest first."""
    with request.app.database.read() as connection:
        rows = newest_bundles(connection, limit=_PAGE)
    return list({row.hash: row for row in reversed(rows)}.values())[::-1]


def _compared(request: PageRequest) -> tuple[str, str, BundleChanges]:
    chosen = [_known(request, name) if (name := request.query(end)) else "" for end in ("before", "after")]
    rows = _rows(request)
    if not rows:
        raise PageProblem(404, _("Nothing was published yet"), _("There are no two bundles to compare."))
    after = chosen[1] or rows[0].hash
    before = chosen[0] or next((row.hash for row in rows if row.hash != after), after)
    return before, after, publish.compare(_loaded(request, before), _loaded(request, after), publish.today())


def _known(request: PageRequest, name: str) -> str:
    with request.app.database.read() as connection:
        found = bundles_like(connection, name)
    if len(found) != 1:
        raise missing(marked("bundle"))
    return found[0]


def _loaded(request: PageRequest, name: str) -> Bundle:
    try:
        return request.app.bundles.load(name)
    except BundleUnreadable as error:
        raise PageProblem(404, _("This bundle cannot be read"), str(error)) from error


PAGES = (
    Page(path="/publications", run=show_all, permission=Permission.SEE_POLICIES),
    Page(path="/publications.json", run=as_json, permission=Permission.SEE_POLICIES),
    Page(path="/publications/compare", run=show_changes, permission=Permission.SEE_POLICIES),
    Page(path="/publications/compare.json", run=changes_as_json, permission=Permission.SEE_POLICIES),
    Page(path="/publications/{bundle}", run=show_rollback, permission=Permission.SEE_POLICIES),
    Page(path="/publications/{bundle}", run=roll_back, method="POST", permission=Permission.PUBLISH_POLICIES),
)
