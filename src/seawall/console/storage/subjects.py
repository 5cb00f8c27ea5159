"""The page of a subject's data: export, erasure, legal holds."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from seawall.access import Permission
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import Page, PageRequest, redirect
from seawall.console.templates import render
from seawall.storage import Erased
from seawall.storage.erasure import ErasureCertificate, UnknownSubject, erase_subject, export_file, find_subject
from seawall.storage.legal_holds import LegalHoldError, UnderLegalHold, lift_hold, list_holds, place_hold
from seawall.storage.queries import newest_deletions

_REPORTED = 50

# What the page translates but storage says, where nothing marks it: what a certificate says remains, and terms.
WORDS: Final = (
    marked(
        "The ledger keeps surrogates, codes and keyed digests, which no longer lead to anybody. Backups made before "
        "the erasure still hold the data: let them expire, and repeat the erasure after restoring one. A worker "
        "deletes the responses kept for repeated requests, at once when one runs, at the latest after seven days. "
        "Bank entries made from its content that are not counted here stay, as values without their origin."
    ),
    marked("content"),
    marked("decisions"),
)

_FAULTS = (UnknownSubject, UnderLegalHold, LegalHoldError, Erased)


def show(request: PageRequest) -> Response:
    """The forms, and every legal hold."""
    return _page(request)


def export(request: PageRequest) -> Response:
    """All that is held about a subject, as a ZIP."""

    def answer() -> Response:
        file = export_file(request.app.context, _subject(request))
        done = BackgroundTask(file.unlink)
        return FileResponse(file, media_type="application/zip", filename="subject.zip", background=done)

    return _attempted(request, answer)


def erase(request: PageRequest) -> Response:
    """Erase a subject, after its id was typed twice, and show the certificate."""
    if request.field("again") != request.field("subject"):
        return _page(request, error=_("The two ids differ: nothing was erased. Type the id again to confirm."))
    return _attempted(
        request,
        lambda: _page(request, certificate=erase_subject(request.app.context, _subject(request), by=request.person.id)),
    )


def place(request: PageRequest) -> Response:
    """Place a legal hold."""

    def answer() -> Response:
        place_hold(request.app.ledger, _subject(request), request.field("reason"), by=request.person.id)
        return redirect("/subjects")

    return _attempted(request, answer)


def lift(request: PageRequest) -> Response:
    """Lift a legal hold."""

    def answer() -> Response:
        lift_hold(request.app.ledger, request.path_param("hold"), by=request.person.id)
        return redirect("/subjects")

    return _attempted(request, answer)


def _subject(request: PageRequest) -> str:
    return find_subject(request.app.context, request.field("kind").strip(), request.field("subject").strip())


def _attempted(request: PageRequest, answer: Callable[[], Response]) -> Response:
    try:
        return answer()
    except _FAULTS as error:
        return _page(request, error=str(error.args[0]))


def _deleted(request: PageRequest) -> list[dict[str, object]]:
    with request.app.database.read() as connection:
        rows = newest_deletions(connection, limit=_REPORTED)
    return [{"seq": row.seq, "at": row.at, "kind": row.kind, **json.loads(row.body)} for row in rows]


def _page(request: PageRequest, *, error: str = "", certificate: ErasureCertificate | None = None) -> Response:
    return render(
        request,
        "storage/subjects.html",
        status=422 if error else 200,
        error=error,
        certificate=certificate,
        holds=list_holds(request.app.database),
        deleted=_deleted(request),
        kind=request.field("kind", "account"),
        subject=request.field("subject"),
    )


PAGES = (
    Page(path="/subjects", run=show, permission=Permission.MANAGE_SUBJECTS),
    Page(path="/subjects/export", run=export, method="POST", permission=Permission.MANAGE_SUBJECTS),
    Page(path="/subjects/erase", run=erase, method="POST", permission=Permission.MANAGE_SUBJECTS),
    Page(path="/subjects/legal-holds", run=place, method="POST", permission=Permission.MANAGE_SUBJECTS),
    Page(path="/subjects/legal-holds/{hold}/lift", run=lift, method="POST", permission=Permission.MANAGE_SUBJECTS),
)
