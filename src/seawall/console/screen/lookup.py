"""What an id leads to: the product's own ids of items and accounts, Seawall's ids, and the email of a colleague."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from sqlalchemy import Connection

from seawall import access
from seawall.access import Permission
from seawall.app import App
from seawall.appeal.queries import get_report
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
        "it": "item",
        "en": "account",
        "dec": "decision",
        "case": "case",
        "rev": "review",
        "rep": "report",
        "enf": "enforcement",
        "dlv": "delivery",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactHit:
    """Something with the id that was typed. ``kind``: item | account | decision | … | person."""

    kind: str
    title: str
    path: str


def surrogate_kind(text: str) -> str | None:
    """What an id of Seawall's names, in a word; None for any other text."""
    found = _SURROGATE.fullmatch(text)
    return None if found is None else NAMES[found[1]]


def exact_hits(request: PageRequest, text: str) -> list[ExactHit]:
    """Everything that has this id or email. The product's ids are found by a keyed look-up, not by reading."""
    app = request.app
    if (kind := surrogate_kind(text)) is not None:
        if kind == "delivery" and not request.may(Permission.SEE_OPERATIONS):
            return []
        with app.database.read() as connection:
            path = _PATHS[kind](app, connection, text)
        if path is not None:
            return [ExactHit(kind=kind, title=kind, path=path)]
    hits = [
        ExactHit(kind="item", title=name, path=f"/items/{ref}")
        for name in content_type_names(app)
        if (ref := find_ref(app, item_kind(name), text)) is not None
    ]
    if (account := find_ref(app, ACCOUNT, text)) is not None:
        hits.append(ExactHit(kind="account", title="account", path=f"/accounts/{account}"))
    if "@" in text:
        with suppress(access.AccessError):
            person = access.find_person(app.database, text)
            if request.person.team in ("", person.team):
                hits.append(ExactHit(kind="person", title=person.name, path=f"/search?q=by%3A{person.id}"))
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


_PATHS: Final[Mapping[str, Callable[[App, Connection, str], str | None]]] = MappingProxyType(
    {
        "item": lambda app, connection, ref: f"/items/{ref}" if get_item(connection, ref) else None,
        "account": lambda app, connection, ref: account_path(app, ref),
        "decision": lambda app, connection, ref: f"/decisions/{ref}" if get_decision(connection, ref) else None,
        "case": lambda app, connection, ref: f"/cases/{ref}" if get_case(connection, ref, now_ms()) else None,
        "review": lambda app, connection, ref: f"/cases/{row.case}" if (row := get_review(connection, ref)) else None,
        "report": lambda app, connection, ref: item_path(row.item) if (row := get_report(connection, ref)) else None,
        "enforcement": lambda app, connection, ref: (
            f"/decisions/{row.decision}" if (row := get_enforcement(connection, ref)) else None
        ),
        "delivery": lambda app, connection, ref: (
            f"/deliveries?id={ref}" if delivery_lines(connection, limit=1, delivery_id=ref) else None
        ),
    }
)


def platform_ids(app: App, refs: Iterable[str]) -> dict[str, str]:
    """The product's own ids by surrogate; erased ones are absent."""
    opened = app.vault.open_many([(ref, "id") for ref in refs])
    return {ref: sealed.decode(errors="replace") for (ref, _), sealed in opened.items()}
