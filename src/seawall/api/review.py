"""Routes of the review service: cases, and whom they are assigned to."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from fastapi import APIRouter, Body, Depends
from pydantic import ConfigDict, Field
from starlette.responses import Response

from seawall import review
from seawall.access import AccessError, KeyInfo, Keys, Permission, Roles, Scope, find_person, opt_outs
from seawall.api.common import KNOWN_ONLY, PRINTABLE, Code, Limit, Text, json_response, key, not_found, routes_under_v1
from seawall.api.errors import ApiProblem
from seawall.app import App
from seawall.model import now_ms
from seawall.review.queries import CaseFilters, CaseRow, admits, get_case, list_cases
from seawall.screen import status_of
from seawall.screen.queries import item_languages


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignmentRequest:
    """Whom a case is to be given to: a person's id or email. ``why``: workload, urgent, knowledge, absent, conflict or
    other, which needs a note."""

    __pydantic_config__: ClassVar[ConfigDict] = KNOWN_ONLY

    person: Annotated[str, Field(pattern=PRINTABLE, max_length=254)]
    why: Annotated[str, Field(pattern=PRINTABLE, max_length=64)] = "workload"
    note: str = ""
    hours: Annotated[float, Field(gt=0, le=168)] = 8


def router(app: App, keys: Keys) -> APIRouter:
    """Routes under ``/v1``."""
    routes = routes_under_v1(keys)

    @routes.get("/cases", tags=["cases"], response_model=list[CaseRow])
    def get_cases(
        caller: Annotated[KeyInfo, Depends(key(keys, Scope.REVIEW))],
        state: Text = "open",
        queue: Text | None = None,
        limit: Limit = 50,
    ) -> Response:
        """Cases: open ones the most urgent first, closed ones the newest first.

        Those of child safety are listed for keys that have the scope child_safety as well.
        """
        filters = CaseFilters(state=state, queue=queue or "", child_safety=caller.may(Scope.CHILD_SAFETY))
        with app.database.read() as connection:
            return json_response(list_cases(connection, filters, now_ms(), limit=limit))

    @routes.put("/cases/{case}/assignment", tags=["cases"], response_model=CaseRow)
    def put_assignment(
        caller: Annotated[KeyInfo, Depends(key(keys, Scope.ADMIN))],
        case: Code,
        wanted: Annotated[AssignmentRequest, Body()],
    ) -> Response:
        """Give an open case to a reviewer, who gets it first and has it to themselves; also in place of another."""
        try:
            person = find_person(app.database, wanted.person, app.context.get(Roles))
        except AccessError as error:
            raise ApiProblem(status=422, title="Not assigned", detail=str(error)) from None
        if not person.may(Permission.REVIEW):
            raise ApiProblem(status=422, title="Not assigned", detail="This person does not review.")
        found = _case(case)
        harms = {one.harm for one in found.policies} | {found.harm}
        if not admits(person.scopes(Permission.REVIEW), found):
            detail = "The roles of this person do not include this case."
            raise ApiProblem(status=409, title="Not assigned", detail=detail)
        if harms & opt_outs(app.database).get(person.id, frozenset()):
            raise ApiProblem(status=409, title="Not assigned", detail="This person is not given cases of this kind.")
        try:
            review.assign(
                app.ledger,
                case,
                person.id,
                by=caller.id,
                why=wanted.why,
                note=wanted.note.strip(),
                ms=round(wanted.hours * 3_600_000),
                find_item=status_of,
                sees_child_safety=person.may(Permission.SEE_CHILD_SAFETY),
                child_safety=True,
                abilities=review.abilities_of(
                    app.context.get(review.Queues), person.languages, person.skills, item_languages=item_languages()
                ),
            )
        except review.ReviewError as error:
            raise _refused(error) from None
        return json_response(_case(case))

    @routes.delete("/cases/{case}/assignment", tags=["cases"], response_model=CaseRow)
    def delete_assignment(
        caller: Annotated[KeyInfo, Depends(key(keys, Scope.ADMIN))],
        case: Code,
        why: Text = "workload",
    ) -> Response:
        """Give an open case back to everybody but the person who has it."""
        try:
            review.take_away(app.ledger, case, by=caller.id, why=why, find_item=status_of, child_safety=True)
        except review.ReviewError as error:
            raise _refused(error) from None
        return json_response(_case(case))

    def _case(case: str) -> CaseRow:
        with app.database.read() as connection:
            found = get_case(connection, case, now_ms())
        if found is None:
            raise not_found(str(review.NoSuchCase()))
        return found

    return routes


def _refused(error: review.ReviewError) -> ApiProblem:
    if isinstance(error, review.NoSuchCase):
        return not_found(str(error))
    status = 422 if isinstance(error, review.BadAnswer) else 409
    return ApiProblem(status=status, title="Not assigned", detail=str(error))
