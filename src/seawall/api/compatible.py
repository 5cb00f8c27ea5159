"""What the routes in the shapes of other services share: how many texts at once, keys in their places, the languages.

A route here answers from the detectors alone: no item, no policy, no decision; nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from starlette.requests import Request

from seawall.access import KeyInfo, Keys, Scope
from seawall.api.errors import ApiProblem
from seawall.api.requests import bearer_token, header
from seawall.content.languages import identify

MAX_COMPATIBLE_BODY: Final = 1024 * 1024  # bytes
MAX_CHARACTERS: Final = 100_000  # of one text
DEADLINE_MS: Final = 10_000
_MOST_TEXTS = 512  # of all requests in progress; a quarter of a detector's queue: live traffic needs the rest


class TextsInProgress:
    """The texts of all requests in progress in this process. Event loop only: takes no lock."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit or _MOST_TEXTS
        self._count = 0

    @contextmanager
    def hold(self, texts: int) -> Iterator[None]:
        """Count some texts while they are measured. Raises Problem 429, unless nothing else is in progress."""
        if self._count and self._count + texts > self._limit:
            raise ApiProblem(
                status=429,
                title="Too many texts at once",
                detail=f"{self._count} texts are being measured; at most {self._limit} are at once.",
                remedy="Send the request again in a moment.",
                retry_after_s=1,
            )
        self._count += texts
        try:
            yield
        finally:
            self._count -= texts


async def key_of(request: Request, keys: Keys) -> KeyInfo:
    """The caller's key, from where clients of either service put it; it needs the scope ``screen``.

    ``Authorization: Bearer``, ``x-goog-api-key`` or ``?key=``, whichever is there first. Raises Problem 401 or 403,
    which never repeats it.
    """
    token = bearer_token(request) or header(request, b"x-goog-api-key") or request.query_params.get("key", "")
    found = await keys.authenticate_async(token.strip())
    if found is None:
        raise ApiProblem(
            status=401,
            title="No valid API key",
            detail="API key not valid." if token else "The request has no API key.",
            remedy="Use a key of Seawall (sw_…) with the scope 'screen', from the console or 'seawall key create'.",
        )
    if not found.may(Scope.SCREEN):
        raise ApiProblem(
            status=403,
            title="Insufficient scope",
            detail=f"The key {found.name!r} lacks the scope 'screen'.",
            remedy="Create a key with the scope 'screen'.",
        )
    return found


def languages_to_read(text: str, declared: Sequence[str]) -> tuple[tuple[str | None, ...], str | None]:
    """The languages that a text is read in, and the one identified; None where it cannot be told.

    As in screening, what is identified counts more than what is declared: a text is not clean because somebody
    declared another language. Of several declared languages, which say that the text is mixed, each is asked about.
    """
    found = identify(text)
    if declared and (found is None or found in declared):
        return tuple(declared), found
    return (found,), found


def told(problem: ApiProblem, pointer: str | None = None) -> str:
    """A problem in one text: what is wrong, where, and the remedy."""
    if problem.status == 413:
        limit = f"A request may have {MAX_COMPATIBLE_BODY} bytes, and a text {MAX_CHARACTERS} characters."
        return f"The request is too large. {limit} Send it in pieces."
    detail = problem.detail.rstrip(".") + (f" (at {pointer})" if pointer else "")
    return f"{detail}. {problem.remedy}" if problem.remedy else f"{detail}."
