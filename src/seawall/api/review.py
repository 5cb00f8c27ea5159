"""Routes of the review service: cases."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from seawall.access import KeyInfo, Keys, Scope
from seawall.api.common import Limit, Text, json_response, key, routes_under_v1
from seawall.app import App
from seawall.model import now_ms
from seawall.review.queries import CaseFilters, CaseRow, list_cases


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

    return routes
