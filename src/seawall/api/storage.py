"""Routes of storage: data of a subject, legal holds, and verification of the ledger."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from fastapi import APIRouter, Body, Depends
from pydantic import ConfigDict, Field
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from seawall.access import KeyInfo, Keys, Scope
from seawall.api.common import KNOWN_ONLY, PRINTABLE, Code, json_response, key, not_found, routes_under_v1
from seawall.api.errors import ApiProblem
from seawall.app import App
from seawall.storage import Erased
from seawall.storage.erasure import ErasureCertificate, UnknownSubject, erase_subject, export_file, find_subject
from seawall.storage.legal_holds import LegalHoldError, UnderLegalHold, lift_hold, place_hold
from seawall.storage.verification import LedgerVerification, find_verification, start_verification


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHoldRequest:
    """Why all data of the subject must be kept: a code, such as the number of an order."""

    __pydantic_config__: ClassVar[ConfigDict] = KNOWN_ONLY

    reason: Annotated[str, Field(pattern=PRINTABLE, max_length=64)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHoldReceipt:
    """The legal hold that was placed."""

    legal_hold: str


def router(app: App, keys: Keys) -> APIRouter:
    """Routes under ``/v1``. All need a key with the scope ``admin``."""
    routes = routes_under_v1(keys, tag="subjects")
    admin = key(keys, Scope.ADMIN)

    @routes.post("/subjects/{kind}/{subject_id:anything}/erase", response_model=ErasureCertificate)
    def post_erase(kind: Code, subject_id: str, caller: Annotated[KeyInfo, Depends(admin)]) -> Response:
        """Erase all that is sealed for or by a subject: ``account`` or ``item:<content type>``. Cannot be undone."""
        try:
            return json_response(erase_subject(app.context, _subject(app, kind, subject_id), by=f"key/{caller.id}"))
        except UnderLegalHold as error:
            raise ApiProblem(status=409, title="Legal hold", detail=str(error)) from error

    @routes.post("/subjects/{kind}/{subject_id:anything}/export", dependencies=[Depends(admin)])
    def post_export(kind: Code, subject_id: str) -> Response:
        """All that is held about a subject, as a ZIP of JSON and files."""
        ref = _subject(app, kind, subject_id)
        try:
            file = export_file(app.context, ref)
        except Erased as error:
            raise ApiProblem(status=410, title="Erased", detail=str(error)) from error
        done = BackgroundTask(file.unlink)
        return FileResponse(file, media_type="application/zip", filename="subject.zip", background=done)

    @routes.post("/subjects/{kind}/{subject_id:anything}/legal-holds", status_code=201)
    def post_hold(
        kind: Code,
        subject_id: str,
        asked: Annotated[LegalHoldRequest, Body()],
        caller: Annotated[KeyInfo, Depends(admin)],
    ) -> LegalHoldReceipt:
        """Keep all data of a subject against erasure and retention."""
        try:
            hold = place_hold(app.ledger, _subject(app, kind, subject_id), asked.reason, by=f"key/{caller.id}")
        except LegalHoldError as error:
            raise ApiProblem(status=422, title="Legal hold", detail=str(error), pointer="/reason") from error
        return LegalHoldReceipt(legal_hold=hold)

    @routes.delete("/legal-holds/{hold}", status_code=204)
    def delete_hold(hold: Code, caller: Annotated[KeyInfo, Depends(admin)]) -> None:
        """End a legal hold."""
        try:
            lift_hold(app.ledger, hold, by=f"key/{caller.id}")
        except LegalHoldError as error:
            raise not_found(str(error)) from error

    @routes.post("/ledger/verifications", status_code=202, response_model=LedgerVerification, tags=["ledger"])
    def post_verification(caller: Annotated[KeyInfo, Depends(admin)]) -> Response:
        """Have a worker verify the whole ledger; while one is not done, that one is the answer."""
        made = start_verification(app.ledger, by=f"key/{caller.id}")
        return json_response(_verification(app, made), status=202)

    @routes.get(
        "/ledger/verifications/{verification}",
        dependencies=[Depends(admin)],
        response_model=LedgerVerification,
        tags=["ledger"],
    )
    def get_verification(verification: Code) -> Response:
        """How far a verification is, and what it found."""
        return json_response(_verification(app, verification))

    return routes


def _verification(app: App, verification: str) -> LedgerVerification:
    with app.database.read() as connection:
        found = find_verification(connection, verification)
    if found is None:
        raise not_found(f"there is no verification {verification!r}")
    return found


def _subject(app: App, kind: str, subject_id: str) -> str:
    try:
        return find_subject(app.context, kind, subject_id)
    except UnknownSubject as error:
        raise not_found(str(error.args[0])) from error
