"""Errors as ``application/problem+json`` (RFC 9457): what is wrong, where, and the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from seawall.storage import OutcomeUnknown

_ENCODER = msgspec.json.Encoder()


@dataclass(kw_only=True)  # not frozen: Python sets an exception's traceback
class ApiProblem(Exception):
    """An error that a caller can act on. ``pointer``: JSON pointer to the place in the request's body."""

    status: int
    title: str
    detail: str
    pointer: str | None = None
    remedy: str | None = None
    retry_after_s: int | None = None


def problem_response(problem: ApiProblem) -> Response:
    """The problem as a response."""
    body: dict[str, object] = {"type": "about:blank", "title": problem.title, "status": problem.status}
    body["detail"] = problem.detail
    for name in ("pointer", "remedy"):
        if (value := getattr(problem, name)) is not None:
            body[name] = value
    headers: Mapping[str, str] = {"Retry-After": str(problem.retry_after_s)} if problem.retry_after_s else {}
    return Response(_ENCODER.encode(body), problem.status, headers, "application/problem+json")


async def on_problem(request: Request, error: Exception) -> Response:
    """Exception handler for ``ApiProblem``."""
    assert isinstance(error, ApiProblem)
    return problem_response(error)


def unavailable(error: Exception) -> ApiProblem:
    """Problem 503: the database cannot be used now. Says that nothing was recorded, unless that is not known."""
    recorded = "" if isinstance(error, OutcomeUnknown) else "Nothing was recorded. "
    return ApiProblem(
        status=503,
        title="Temporarily unavailable",
        detail=str(error),
        remedy=f"{recorded}Send the request again, with the same idempotency key.",
        retry_after_s=1,
    )


def unusable_draft(error: Exception) -> ApiProblem:
    """The problem to raise for texts of policy files that do not make a bundle."""
    return ApiProblem(
        status=422,
        title="The draft cannot be used",
        detail=str(error),
        pointer="/policies",
        remedy="Mend what the error names; 'seawall policy check' shows the same.",
    )
