"""Exceptions of the client, one type per reaction of the caller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from seawall.client.results import ScreenResult


class SeawallError(Exception):
    """Any failure of a call to Seawall."""


class Unreachable(SeawallError):
    """No answer by the deadline: no connection, a timeout, an overloaded or broken server. The outcome is unknown."""


class CannotSend(SeawallError):
    """The request holds a value that JSON cannot represent: NaN, half of a surrogate pair, an object."""


class RequestRefused(SeawallError):
    """Seawall rejected the request (HTTP 4xx). Retrying does not help."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.title = str(problem.get("title") or f"HTTP {status}")
        self.detail = str(problem.get("detail") or "")
        self.pointer: str | None = problem.get("pointer")  # JSON pointer to the place in the request's body
        self.remedy: str | None = problem.get("remedy")
        at = f" (at {self.pointer})" if self.pointer else ""
        said = (self.title + at, self.detail, self.remedy or "")
        super().__init__(" ".join(_sentence(part) for part in said if part))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


class InvalidRequest(RequestRefused):
    """400, 413, 415, 422: the request is invalid; ``pointer`` names the place."""


class NotAuthorised(RequestRefused):
    """401, 403: the API key is unknown, or lacks the scope."""


class NotFound(RequestRefused):
    """404: unknown item, decision or content type."""


class Conflict(RequestRefused):
    """409: the idempotency key was used for another request."""


class Gone(RequestRefused):
    """410: the requested data were erased."""


_BY_STATUS: dict[int, type[RequestRefused]] = {
    400: InvalidRequest,
    413: InvalidRequest,
    415: InvalidRequest,
    422: InvalidRequest,
    401: NotAuthorised,
    403: NotAuthorised,
    404: NotFound,
    409: Conflict,
    410: Gone,
}


def refusal(status: int, problem: Mapping[str, Any]) -> RequestRefused:
    """The error for a status below 500."""
    return _BY_STATUS.get(status, RequestRefused)(status, problem)


class NotPublished(Exception):
    """A guarded function was not called. ``answer`` says why."""

    word: ClassVar[str]

    def __init__(self, answer: ScreenResult) -> None:
        self.answer = answer
        policies = ", ".join(dict.fromkeys(reason.policy for reason in answer.reasons)) or "no reason given"
        super().__init__(f"{self.word}: {policies} (decision {answer.decision or 'none: Seawall was unreachable'})")

    @property
    def decision(self) -> str | None:
        """Id of the decision, for explanations and appeals."""
        return self.answer.decision


class ContentBlocked(NotPublished):
    """The content may not be published."""

    word = "blocked"


class ContentHeld(NotPublished):
    """The content waits for review; a webhook reports the outcome."""

    word = "held"
