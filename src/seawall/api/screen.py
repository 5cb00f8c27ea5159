"""Routes of the screening service: screening itself, decisions with their explanations, and items."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any, ClassVar

import msgspec
from fastapi import APIRouter, Body, Depends, Path
from pydantic import ConfigDict, Field
from sqlalchemy import Connection
from starlette.responses import Response

from seawall.access import KeyInfo, Keys, Scope
from seawall.api.child_safety import RestrictedDecision, check_item, is_restricted, restricted
from seawall.api.common import KNOWN_ONLY, PRINTABLE, Code, json_response, key, not_found, routes_under_v1
from seawall.api.compatible_routes import compatible_routes
from seawall.api.errors import ApiProblem
from seawall.api.screening import plain_routes
from seawall.api.trying import try_route
from seawall.app import App
from seawall.enforce.appeal_link import appeal_url
from seawall.model import Decision, Verdict
from seawall.policy import BundleUnreadable, Explanation, PolicyErrors
from seawall.review.queries import items_of_child_safety
from seawall.screen import ACCOUNT, edit_of, load_decision, still_pending
from seawall.screen.answered_query import AnsweredQuery, answer_query
from seawall.screen.creator_overlays import (
    AccountOverlays,
    CreatorOverlays,
    OverlaysRefused,
    overlays_of,
    set_overlays,
)
from seawall.screen.investigation import InvestigationFilters, InvestigationsBusy
from seawall.screen.queries import DecisionRow, decisions_of_item, find_item
from seawall.storage import Erased

_DECISIONS = 50
AccountId = Annotated[str, Path(min_length=1, max_length=512)]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvestigationRequest:
    """A query in the language of policies. ``content_types``: all that it can be asked of, if none is named.

    ``since`` (included) and ``until`` (not included) are milliseconds since 1970; ``account`` is the platform's id.
    """

    __pydantic_config__: ClassVar[ConfigDict] = KNOWN_ONLY

    query: Annotated[str, Field(max_length=4_000)]
    since: Annotated[int, Field(ge=0, le=2**53)]
    until: Annotated[int, Field(ge=0, le=2**53)]
    content_types: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=100)] = field(
        default_factory=list
    )
    verdict: Verdict | None = None
    account: Annotated[str, Field(pattern=PRINTABLE, max_length=200)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlaysRequest:
    """What a creator has on in their place. ``overlays``: names of overlays of the policies in force, all that are on.

    ``words``: words and phrases of the creator, at most 100 with 60 characters each; rules of overlays count them.
    """

    __pydantic_config__: ClassVar[ConfigDict] = KNOWN_ONLY

    overlays: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=100)] = field(
        default_factory=list
    )
    words: Annotated[list[Annotated[str, Field(max_length=1_000)]], Field(max_length=1_000)] = field(
        default_factory=list
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemState:
    """The state of an item. ``decisions``: newest first, at most 50.

    ``provisional``: its newest revision is not decided yet, or another look by the detectors under ``pending`` follows.
    ``withheld``: what is not listed for keys without the scope of this name, ``decisions`` and ``pending``; else None.
    """

    content_type: str
    id: str
    item: str
    revision: int
    submitted_at: int
    decision: str | None
    verdict: str | None
    degraded: bool | None
    pending: tuple[str, ...]
    provisional: bool
    decisions: list[DecisionRow]
    withheld: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDecision(Decision):
    """A decision as recorded. ``appeal_url``: for its author, who reads the reasons there and objects; else None.

    Whoever has it may appeal in their name, so it is told to keys with the scope appeal alone.
    """

    appeal_url: str | None = None


def router(app: App, keys: Keys) -> APIRouter:
    """Routes under ``/v1``."""
    routes = routes_under_v1(keys)
    routes.routes += [*plain_routes(app, keys), try_route(app, keys), *compatible_routes(app, keys)]
    may_read = key(keys, Scope.READ)

    @routes.get("/decisions/{decision}", tags=["decisions"], response_model=ReadDecision | RestrictedDecision)
    def get_decision(decision: Code, caller: Annotated[KeyInfo, Depends(may_read)]) -> Response:
        """The whole record of a decision.

        About an item of child safety, keys without the scope child_safety get what is to be enforced.
        """
        found = _load(app, decision)
        if is_restricted(app, caller, found.item.ref):
            return json_response(restricted(found))
        url = appeal_url(app.settings, app.vault, found) if caller.may(Scope.APPEAL) else None
        return json_response(
            ReadDecision(**{one.name: getattr(found, one.name) for one in fields(found)}, appeal_url=url)
        )

    @routes.get("/decisions/{decision}/explanation", tags=["decisions"])
    def get_explanation(decision: Code, caller: Annotated[KeyInfo, Depends(may_read)]) -> dict[str, Any]:
        """Why: rules that fired, their values, what was unknown, and the smallest change that would have flipped it."""
        check_item(app, caller, _load(app, decision).item.ref)
        found, explanation = _explained(app, decision)
        if explanation is None:
            return {"decision": found.id, "text": "A person made this decision, not a rule.", "rules": []}
        edit = edit_of(app.database, found)
        if edit is None:
            return explanation.to_json()
        return explanation.to_json() | {"edit": msgspec.to_builtins(edit) | {"text": edit.summary}}

    @routes.post("/investigations", tags=["decisions"], response_model=AnsweredQuery)
    def post_investigation(
        wanted: Annotated[InvestigationRequest, Body()], caller: Annotated[KeyInfo, Depends(may_read)]
    ) -> Response:
        """Ask past decisions in the language of policies: how many match, who stands behind them, what is unknown.

        Items of child safety are left out, and counted, for keys without the scope child_safety.
        """
        return json_response(_investigated(app, caller, wanted))

    may_screen = key(keys, Scope.SCREEN)
    own_place = "/accounts/{account_id:anything}/overlays"

    @routes.get(own_place, tags=["accounts"], dependencies=[Depends(may_screen)], response_model=AccountOverlays)
    def get_overlays(account_id: AccountId) -> Response:
        """What an account has on in its own place, by the platform's id; nothing for an account that never set it."""
        return json_response(_overlays(app, account_id))

    @routes.put(own_place, tags=["accounts"], response_model=AccountOverlays)
    def put_overlays(
        account_id: AccountId,
        wanted: Annotated[OverlaysRequest, Body()],
        caller: Annotated[KeyInfo, Depends(may_screen)],
    ) -> Response:
        """Replace what an account has on in its own place: overlays of the policies in force, and its own words.

        The account need not be known to Seawall. The same settings again change nothing.
        """
        return json_response(_with_overlays(app, account_id, wanted, caller))

    @routes.delete(own_place, tags=["accounts"], response_model=AccountOverlays)
    def delete_overlays(account_id: AccountId, caller: Annotated[KeyInfo, Depends(may_screen)]) -> Response:
        """Switch everything off in an account's place, and delete its words."""
        return json_response(_with_overlays(app, account_id, OverlaysRequest(), caller))

    @routes.get("/items/{content_type}/{item_id:anything}", tags=["items"], response_model=ItemState)
    def get_item(content_type: str, item_id: str, caller: Annotated[KeyInfo, Depends(may_read)]) -> Response:
        """The state of an item, by the platform's own id."""
        found = _item_state(app, content_type, item_id)
        if is_restricted(app, caller, found.item):
            found = replace(found, decisions=[], pending=(), withheld=Scope.CHILD_SAFETY)
        return json_response(found)

    return routes


def _overlays(app: App, account: str) -> AccountOverlays:
    with app.database.read() as connection:
        return overlays_of(connection, app.vault, app.bundle.creators_overlays, app.vault.find(ACCOUNT, account))


def _with_overlays(app: App, account: str, wanted: OverlaysRequest, caller: KeyInfo) -> AccountOverlays:
    """Set them; here they hold at once, in other processes within a second."""
    try:
        set_overlays(
            app.ledger, app.bundle, account, overlays=wanted.overlays, words=wanted.words, by=f"key/{caller.id}"
        )
    except OverlaysRefused as error:
        raise ApiProblem(
            status=422,
            title="The overlays cannot be set",
            detail=str(error),
            pointer=error.place,
            remedy=error.remedy,
        ) from error
    except Erased as error:
        raise ApiProblem(status=409, title="Erased", detail=str(error)) from error
    app.context.get(CreatorOverlays).refresh()
    return _overlays(app, account)


def _investigated(app: App, caller: KeyInfo, wanted: InvestigationRequest) -> AnsweredQuery:
    actor = app.vault.find(ACCOUNT, wanted.account) if wanted.account else None
    if wanted.account and actor is None:
        raise not_found(f"no account with the id {wanted.account!r} was met, or it was erased")
    filters = InvestigationFilters(since=wanted.since, until=wanted.until, verdict=wanted.verdict or "", actor=actor)
    bundle = app.bundle
    if unknown := [name for name in wanted.content_types if name not in bundle.content_types]:
        known = ", ".join(sorted(bundle.content_types))
        raise _not_asked(f"There is no content type {unknown[0]!r}. There are: {known}.", "/content_types")

    def hidden(connection: Connection, items: Sequence[str]) -> Collection[str]:
        return () if caller.may(Scope.CHILD_SAFETY) else items_of_child_safety(connection, items)

    try:
        return answer_query(
            app.ledger,
            bundle,
            wanted.query,
            wanted.content_types,
            filters,
            hidden,
            person=caller.id,
        )
    except PolicyErrors as error:
        raise _not_asked(str(error), "/query") from None
    except InvestigationsBusy as error:
        raise ApiProblem(status=429, title="Too many requests", detail=str(error), retry_after_s=5) from None


def _not_asked(detail: str, pointer: str) -> ApiProblem:
    remedy = "Mend what the error names; the language is that of policies: docs/policy-language.md."
    return ApiProblem(status=422, title="The query cannot be asked", detail=detail, pointer=pointer, remedy=remedy)


def _load(app: App, decision: str) -> Decision:
    try:
        return load_decision(app.database, decision)
    except LookupError as error:
        raise not_found(str(error.args[0])) from error


def _explained(app: App, decision: str) -> tuple[Decision, Explanation | None]:
    try:
        return app.explain(decision)
    except Erased as error:
        raise ApiProblem(status=410, title="Erased", detail="The content behind this decision was erased.") from error
    except BundleUnreadable as error:
        raise ApiProblem(status=409, title="Policy bundle of the decision cannot be read", detail=str(error)) from error
    except LookupError as error:
        raise not_found(str(error.args[0])) from error


def _item_state(app: App, content_type: str, item_id: str) -> ItemState:
    found = find_item(app.database, app.vault, content_type, item_id)
    if found is None:
        raise not_found(f"no {content_type} with the id {item_id[:200]!r} was submitted")
    with app.database.read() as connection:
        decisions = decisions_of_item(connection, found.ref, limit=_DECISIONS)
    made = load_decision(app.database, found.decision) if found.decision is not None else None
    if made is not None and made.item.revision != found.revision:
        made = None  # it is about an earlier revision: the newest one waits to be screened
    pending = still_pending(made) if made is not None else ()
    return ItemState(
        content_type=content_type,
        id=item_id,
        item=found.ref,
        revision=found.revision,
        submitted_at=found.submitted_at,
        decision=found.decision,
        verdict=found.verdict,
        degraded=found.degraded,
        pending=pending,
        provisional=made is None or bool(pending) or made.rescreen_due is not None,
        decisions=decisions,
    )
