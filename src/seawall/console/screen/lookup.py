"""What an id leads to: the product's own ids of items and accounts, Seawall's ids, and the email of a colleague."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from sqlalchemy import Connection

from seawall import access
from seawall.access import Permission
from seawall.app import App
from seawall.appeal.queries import get_report
from seawall.console.child_safety import check_item, hidden_items
from seawall.console.languages import marked
from seawall.console.request import PageRequest
from seawall.console.summaries import known_content_types
from seawall.enforce.queries import delivery_lines, get_enforcement
from seawall.model import ACCOUNT_TYPE, is_account, now_ms
from seawall.review.queries import get_case, get_review
from seawall.screen import ACCOUNT, item_kind
from seawall.screen.queries import get_decision, get_item, total_traffic
from seawall.storage import Erased

_SURROGATE: Final = re.compile(r"(it|en|dec|case|rev|rep|enf|dlv)_[0-9a-f]{20,40}")
NAMES: Final = MappingProxyType(
    {
        "it": marked("item"),
        "en": marked("account"),
        "dec": marked("decision"),
        "case": marked("case"),
        "rev": marked("review"),
        "rep": marked("report"),
        "enf": marked("enforcement"),
        "dlv": marked("delivery"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactHit:
    """Something with the id that was typed. ``kind``: item | account | decision | … | person.

    ``item``: the surrogate of the item that it is about, if it is about one.
    """

    kind: str
    title: str
    path: str
    item: str | None = None


def surrogate_kind(text: str) -> str | None:
    """What an id of Seawall's names, in a word; None for any other text."""
    found = _SURROGATE.fullmatch(text)
    return None if found is None else NAMES[found[1]]


def exact_hits(request: PageRequest, text: str) -> list[ExactHit]:
    """Everything that has this id or email and that the person may see. Raises Problem 403 if they may see none of it.

    The product's ids are found by a keyed look-up, not by reading.
    """
    hits = _hits(request, text)
    with request.app.database.read() as connection:
        hidden = hidden_items(request, connection, [hit.item for hit in hits if hit.item is not None])
        seen = [hit for hit in hits if hit.item not in hidden]
        if hits and not seen:
            check_item(request, connection, next(iter(hidden)))
    return seen


def _hits(request: PageRequest, text: str) -> list[ExactHit]:
    app = request.app
    if (kind := surrogate_kind(text)) is not None:
        if kind == "delivery" and not request.may(Permission.SEE_OPERATIONS):
            return []
        with app.database.read() as connection:
            found = _PLACES[kind](app, connection, text)
        if found is not None:
            return [ExactHit(kind=kind, title=kind, path=found[0], item=found[1])]
    hits = [
        ExactHit(kind="item", title=name, path=f"/items/{ref}", item=ref)
        for name in content_type_names(app)
        if (ref := find_ref(app, item_kind(name), text)) is not None
    ]
    if (account := find_ref(app, ACCOUNT, text)) is not None:
        hits.append(ExactHit(kind="account", title="account", path=f"/accounts/{account}"))
    if "@" in text:
        with suppress(access.AccessError):
            person = access.find_person(app.database, text)
            if request.person.team in ("", person.team):
                hits.append(ExactHit(kind=marked("person"), title=person.name, path=f"/search?q=by%3A{person.id}"))
    return hits


def content_type_names(app: App) -> list[str]:
    """The content types in force, and those of which something was decided before."""
    with app.database.read() as connection:
        decided = {count.content_type for count in total_traffic(connection)}
    return sorted({*known_content_types(app), *decided} - {ACCOUNT_TYPE})  # of that one there are no items


def find_ref(app: App, kind: str, platform_id: str) -> str | None:
    """The surrogate of the product's id. What is no text at all is nobody's id."""
    try:
        return app.vault.find(kind, platform_id)
    except UnicodeEncodeError:
        return None


def named_account(app: App, text: str) -> str | None:
    """The account that somebody names by the product's id or by Seawall's; None: there is none of that id."""
    if surrogate_kind(text) == "account":
        return text if account_path(app, text) is not None else None
    return find_ref(app, ACCOUNT, text)


def account_path(app: App, ref: str) -> str | None:
    """The page of an account, also of an erased one; None when there is no such account."""
    try:
        app.vault.platform_id(ref)
    except Erased:
        pass
    except KeyError:
        return None
    return f"/accounts/{ref}"


def item_path(ref: str) -> str:
    """The page of what was reported or decided: an item, or an account."""
    return f"/accounts/{ref}" if is_account(ref) else f"/items/{ref}"


_Place: TypeAlias = tuple[str, str | None]  # a path, and the item that its page is about


def _review_place(app: App, connection: Connection, ref: str) -> _Place | None:
    found = get_review(connection, ref)
    case = None if found is None else get_case(connection, found.case, now_ms())
    return None if case is None else (f"/cases/{case.id}", case.item)


def _delivery_place(app: App, connection: Connection, ref: str) -> _Place | None:
    found = delivery_lines(connection, limit=1, delivery_id=ref)
    return (f"/deliveries?id={ref}", None) if found else None


_PLACES: Final[Mapping[str, Callable[[App, Connection, str], _Place | None]]] = MappingProxyType(
    {
        "item": lambda app, connection, ref: (f"/items/{ref}", ref) if get_item(connection, ref) else None,
        "account": lambda app, connection, ref: (path, None) if (path := account_path(app, ref)) else None,
        "decision": lambda app, connection, ref: (
            (f"/decisions/{ref}", row.item) if (row := get_decision(connection, ref)) else None
        ),
        "case": lambda app, connection, ref: (
            (f"/cases/{ref}", row.item) if (row := get_case(connection, ref, now_ms())) else None
        ),
        "review": _review_place,
        "report": lambda app, connection, ref: (
            (item_path(row.item), row.item) if (row := get_report(connection, ref)) else None
        ),
        "enforcement": lambda app, connection, ref: (
            (f"/decisions/{row.decision}", row.item) if (row := get_enforcement(connection, ref)) else None
        ),
        "delivery": _delivery_place,
    }
)


def platform_ids(app: App, refs: Iterable[str]) -> dict[str, str]:
    """The product's own ids by surrogate; erased ones are absent."""
    opened = app.vault.open_many([(ref, "id") for ref in refs])
    return {ref: sealed.decode(errors="replace") for (ref, _), sealed in opened.items()}
