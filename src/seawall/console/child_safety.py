"""Who may see items of child safety: their cases, decisions and media, wherever these are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from seawall import review
from seawall.access import Permission
from seawall.console.languages import gettext as _
from seawall.console.request import PageProblem, PageRequest
from seawall.review.queries import items_of_child_safety
from seawall.screen.item_search import SearchResult


class AboutItem(Protocol):
    """A row about an item, by its surrogate."""

    @property
    def item(self) -> str: ...


Row = TypeVar("Row", bound=AboutItem)


def may_see_all(request: PageRequest) -> bool:
    """Whether the person sees items of child safety."""
    return request.may(Permission.SEE_CHILD_SAFETY)


def check_item(request: PageRequest, connection: Connection, item: str) -> None:
    """Raises Problem 403 when the item is of child safety, and the person is no specialist for it."""
    if not may_see_all(request) and items_of_child_safety(connection, [item]):
        raise PageProblem(403, _("Permission denied"), str(review.CaseRestricted()))


def seen_result(request: PageRequest, result: SearchResult) -> SearchResult:
    """The result of a search without the items that the person may not see."""
    with request.app.database.read() as connection:
        hidden = frozenset() if may_see_all(request) else items_of_child_safety(connection, _refs(result))
    return replace(result, found=tuple(one for one in result.found if one.item.ref not in hidden))


def _refs(result: SearchResult) -> list[str]:
    return [one.item.ref for one in result.found]


def seen_rows(request: PageRequest, connection: Connection, rows: Sequence[Row]) -> list[Row]:
    """The rows without those about items that the person may not see."""
    if may_see_all(request) or not rows:
        return list(rows)
    hidden = items_of_child_safety(connection, [row.item for row in rows])
    return [row for row in rows if row.item not in hidden]
