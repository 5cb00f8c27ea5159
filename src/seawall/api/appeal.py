"""Routes of the appeal service: reports about items."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar

from fastapi import APIRouter, Body, Depends, Header
from pydantic import ConfigDict, Field

from seawall import appeal
from seawall.access import Keys, Scope
from seawall.api.common import KNOWN_ONLY, PRINTABLE, key, not_found, routes_under_v1
from seawall.api.errors import ApiProblem
from seawall.app import App
from seawall.policy import NothingPublished
from seawall.screen.queries import find_item_ref
from seawall.storage import Erased


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRequest:
    """A report that an item is bad. ``kind``: user, trusted_flagger, authority or staff."""

    __pydantic_config__: ClassVar[ConfigDict] = KNOWN_ONLY

    content_type: str
    id: str
    kind: str = "user"
    reporter: str | None = None
    policy: Annotated[str, Field(pattern=PRINTABLE, max_length=200)] | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportResponse:
    """The receipt of a report (DSA Art. 16(4))."""

    report: str


def router(app: App, keys: Keys) -> APIRouter:
    """Routes under ``/v1``."""
    routes = routes_under_v1(keys)

    @routes.post("/reports", status_code=201, dependencies=[Depends(key(keys, Scope.REPORT))], tags=["reports"])
    def post_report(
        asked: Annotated[ReportRequest, Body()], idempotency_key: Annotated[str | None, Header()] = None
    ) -> ReportResponse:
        """Report an item that was submitted before; opens or moves up its case."""
        return ReportResponse(report=_report(app, asked, idempotency_key))

    return routes


def _harm(app: App, name: str | None) -> str | None:
    """The harm of a policy in force; None: there is none of that name."""
    try:
        policy = app.bundle.policy(name) if name is not None else None
    except NothingPublished:
        return None
    return policy.harm if policy is not None else None


def _report(app: App, asked: ReportRequest, key: str | None) -> str:
    report = appeal.Report(
        content_type=asked.content_type,
        item_id=asked.id,
        kind=asked.kind,
        reporter=asked.reporter,
        policy=asked.policy,
        note=asked.note,
        key=key,
    )
    find_item = partial(find_item_ref, app.database, app.vault)
    try:
        return appeal.receive_report(app.ledger, report, find_item=find_item, harm=_harm(app, asked.policy))
    except appeal.UnknownItem as error:
        raise not_found(str(error)) from error
    except appeal.InvalidReport as error:
        pointer = None if error.field == "key" else f"/{error.field}"  # the key is a header
        raise ApiProblem(status=422, title="Invalid report", detail=str(error), pointer=pointer) from error
    except appeal.ReportKeyUsed as error:
        raise ApiProblem(status=409, title="Idempotency key already used", detail=str(error)) from error
    except Erased as error:
        raise ApiProblem(status=410, title="Erased", detail="The item's author was erased.") from error
