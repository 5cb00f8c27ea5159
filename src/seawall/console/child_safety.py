"""Who may see items of child safety: their cases, decisions and media, wherever these are shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, Protocol, TypeVar

from sqlalchemy import Connection

from seawall import review
from seawall.access import Permission
from seawall.console.languages import gettext as _
from seawall.console.request import PageProblem, PageRequest
from seawall.review.queries import items_of_child_safety
from seawall.screen.item_search import SearchResult
from seawall.screen.queries import decisions_by_id


class AboutItem(Protocol):
    """A row about an item, by its surrogate."""

    @property
    def item(self) -> str: ...


Row = TypeVar("Row", bound=AboutItem)

_NAMES: Final = re.compile(r"\b(?:it|case|dec)_[0-9a-f]{20,40}\b")


def may_see_all(request: PageRequest) -> bool:
    """Whether the person sees items of child safety."""
    return request.may(Permission.SEE_CHILD_SAFETY)


def check_item(request: PageRequest, connection: Connection, item: str) -> None:
    """Raises Problem 403 when the item is of child safety, and the person is no specialist for it."""
    if not may_see_all(request) and items_of_child_safety(connection, [item]):
        raise PageProblem(403, _("Permission denied"), str(review.CaseRestricted()))


def hidden_items(request: PageRequest, connection: Connection, items: Iterable[str]) -> frozenset[str]:
    """Those of the items that the person may not see."""
    return frozenset() if may_see_all(request) else items_of_child_safety(connection, items)


def hidden_events(request: PageRequest, connection: Connection, bodies: Sequence[str]) -> list[bool]:
    """Whether the body of each event, as JSON, names an item that the person may not see, or its case or decision."""
    if may_see_all(request) or not bodies:
        return [False] * len(bodies)
    named = [set(_NAMES.findall(body)) for body in bodies]
    every = set().union(*named)
    decided = decisions_by_id(connection, sorted(one for one in every if one.startswith("dec_")))
    items = {name: row.item for name, row in decided.items()}
    items |= {one: f"it_{one.partition('_')[2]}" for one in every if not one.startswith("dec_")}
    hidden = items_of_child_safety(connection, items.values())
    return [any(items.get(name) in hidden for name in names) for names in named]


def seen_result(request: PageRequest, result: SearchResult) -> SearchResult:
    """The result of a search without the items that the person may not see."""
    with request.app.database.read() as connection:
        hidden = hidden_items(request, connection, [one.item.ref for one in result.found])
    return replace(result, found=tuple(one for one in result.found if one.item.ref not in hidden))


def seen_rows(request: PageRequest, connection: Connection, rows: Sequence[Row]) -> list[Row]:
    """The rows without those about items that the person may not see."""
    if may_see_all(request) or not rows:
        return list(rows)
    hidden = items_of_child_safety(connection, [row.item for row in rows])
    return [row for row in rows if row.item not in hidden]
