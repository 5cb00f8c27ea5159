"""Who may see which items: those of child safety, and those that the roles and the team of a person admit.

Cases, decisions and media ask here, wherever they are shown.
"""

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
from seawall.model import now_ms
from seawall.model.case_scope import CaseScope
from seawall.review.case_scopes import items_in_scopes
from seawall.review.queries import get_case, items_of_child_safety
from seawall.screen.item_search import SearchResult
from seawall.screen.queries import decisions_by_id, items_by_ref


class AboutItem(Protocol):
    """A row about an item, by its surrogate."""

    @property
    def item(self) -> str: ...


Row = TypeVar("Row", bound=AboutItem)

_NAMES: Final = re.compile(r"\b(?:it|case|dec)_[0-9a-f]{20,40}\b")


def may_see_all(request: PageRequest) -> bool:
    """Whether the person sees items of child safety."""
    return request.may(Permission.SEE_CHILD_SAFETY)


def check_item(
    request: PageRequest, connection: Connection, item: str, permission: Permission = Permission.SEE_CONTENT
) -> None:
    """Raises Problem 403 when the item is of child safety, and the person is no specialist for it.

    The same when the roles that give ``permission`` do not admit it.
    """
    if not may_see_all(request) and items_of_child_safety(connection, [item]):
        raise PageProblem(403, _("Permission denied"), str(review.CaseRestricted()))
    if _out_of_scope(request, connection, [item], permission):
        raise PageProblem(403, _("Permission denied"), _("Your roles and your team do not include this content."))


def check_case(request: PageRequest, case: str, permission: Permission = Permission.REVIEW) -> None:
    """Raises Problem 403 when the person may not decide this case, or may not do with it what ``permission`` allows.

    One that does not exist is found missing later.
    """
    with request.app.database.read() as connection:
        found = get_case(connection, case, now_ms())
        if found is not None:
            check_item(request, connection, found.item, permission)


def _out_of_scope(
    request: PageRequest, connection: Connection, items: Sequence[str], permission: Permission = Permission.SEE_CONTENT
) -> frozenset[str]:
    """Those of the items for which no role of the person gives the permission."""
    scopes = request.person.scopes(permission)
    if any(scope.covers(CaseScope()) for scope in scopes):
        return frozenset()  # child safety has its own check
    admitted = items_in_scopes(connection, items, scopes)
    types = items_by_ref(connection, [item for item in items if item not in admitted])
    for item, row in types.items():
        admitted[item] = any(scope.admits_without_case(row.content_type) for scope in scopes)
    return frozenset(item for item in items if not admitted.get(item, False))


def hidden_items(request: PageRequest, connection: Connection, items: Iterable[str]) -> frozenset[str]:
    """Those of the items that the person may not see. Who sees no content at all meets ids only, of any queue."""
    asked = list(items)
    guarded = frozenset[str]() if may_see_all(request) else items_of_child_safety(connection, asked)
    if not request.person.is_limited or not request.may(Permission.SEE_CONTENT):
        return guarded
    return guarded | _out_of_scope(request, connection, asked)


def decidable_items(request: PageRequest, connection: Connection, items: Sequence[str]) -> list[str]:
    """Those of the items that the person may decide."""
    hidden = hidden_items(request, connection, items)
    if request.person.is_limited:
        hidden |= _out_of_scope(request, connection, items, Permission.REVIEW)
    return [item for item in items if item not in hidden]


def hidden_events(request: PageRequest, connection: Connection, bodies: Sequence[str]) -> list[bool]:
    """Whether the body of each event, as JSON, names an item that the person may not see, or its case or decision."""
    if not bodies or (may_see_all(request) and not request.person.is_limited):
        return [False] * len(bodies)
    named = [set(_NAMES.findall(body)) for body in bodies]
    every = set().union(*named)
    decided = decisions_by_id(connection, sorted(one for one in every if one.startswith("dec_")))
    items = {name: row.item for name, row in decided.items()}
    items |= {one: f"it_{one.partition('_')[2]}" for one in every if not one.startswith("dec_")}
    hidden = hidden_items(request, connection, items.values())
    return [any(items.get(name) in hidden for name in names) for names in named]


def seen_result(request: PageRequest, result: SearchResult) -> SearchResult:
    """The result of a search without the items that the person may not see."""
    with request.app.database.read() as connection:
        hidden = hidden_items(request, connection, [one.item.ref for one in result.found])
    return replace(result, found=tuple(one for one in result.found if one.item.ref not in hidden))


def seen_rows(request: PageRequest, connection: Connection, rows: Sequence[Row]) -> list[Row]:
    """The rows without those about items that the person may not see."""
    hidden = hidden_items(request, connection, [row.item for row in rows])
    return [row for row in rows if row.item not in hidden]
