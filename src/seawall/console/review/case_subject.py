"""What a case is about, for its page: an item with its content and conversation, or an account with its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from seawall import review
from seawall.console import active_bundle
from seawall.console.child_safety import seen_rows
from seawall.console.conversation import conversation_view
from seawall.console.item_view import ItemView, item_view
from seawall.console.request import PageRequest
from seawall.console.screen.accounts import history_in_words, record_of
from seawall.console.screen.lookup import platform_ids
from seawall.console.summaries import rows_of_decisions, rows_of_items, summaries
from seawall.enforce.queries import EnforcementRow
from seawall.model import ContentType, ItemRef, now_ms
from seawall.review.queries import CaseRow, cases_of_items
from seawall.screen.account_notes import notes_about
from seawall.screen.queries import ItemRow, decisions_by_id, decisions_of_actor, get_item, gravest_items_of_actor

ITEM_PAGE: Final = "review/case.html"
ACCOUNT_PAGE: Final = "review/account_case.html"
_OTHERS: Final = 8
_SAMPLE: Final = 12  # items of an account
_NOTES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSubject:
    """What a case is about. ``head``: as it stands now, with the decision in force; ``page``: the template."""

    head: ItemRow | review.ReviewedAccount
    seen: ItemView
    content_type: ContentType | None  # for the actions that it allows
    page: str

    def is_about(self, enforced: EnforcementRow) -> bool:
        """Whether an enforcement is part of what is decided here: all of an item's, but of an account's only those
        that came of the matter that opened its case the last time."""
        return isinstance(self.head, ItemRow) or enforced.revision == self.head.revision


def head_of_case(connection: Connection, case: CaseRow) -> ItemRow | review.ReviewedAccount | None:
    """The item or account as it stands now."""
    if case.subject == review.ACCOUNT:
        return review.account_of_case(connection, case.item)
    return get_item(connection, case.item)


def case_subject(request: PageRequest, head: ItemRow | review.ReviewedAccount) -> CaseSubject:
    """What the page of a case shows of it."""
    app = request.app
    known = active_bundle.content_types(app)
    item = ItemRef(head.content_type, head.ref, head.revision)
    of_account = isinstance(head, review.ReviewedAccount)
    return CaseSubject(
        head=head,
        seen=item_view(app, item, head.decision, whole=request.query("all") == "1"),
        content_type=review.account_type(known.values()) if of_account else known.get(head.content_type),
        page=ACCOUNT_PAGE if of_account else ITEM_PAGE,
    )


def context_of(request: PageRequest, about: CaseSubject) -> Mapping[str, Any]:
    """What the template shows beside what every case has."""
    if isinstance(about.head, ItemRow):
        return _around_item(request, about.head)
    return _about_account(request, about.head.ref)


def _around_item(request: PageRequest, head: ItemRow) -> Mapping[str, Any]:
    with request.app.database.read() as connection:
        others = decisions_of_actor(connection, head.actor, except_item=head.ref, limit=_OTHERS) if head.actor else []
        others = seen_rows(request, connection, others)
    return {
        "others": others,
        "talk": conversation_view(request, head),
        "summaries": summaries(request, rows_of_decisions(others)),
    }


def _about_account(request: PageRequest, account: str) -> Mapping[str, Any]:
    """Its history in words, what is in force on it, notes about it, and a sample of its items, the gravest first."""
    app, now = request.app, now_ms()
    with app.database.read() as connection:
        record = record_of(request, connection, account)
        notes = notes_about(connection, app.vault, account, limit=_NOTES)
        items = _seen_items(request, connection, gravest_items_of_actor(connection, account, limit=_SAMPLE))
        cases = cases_of_items(connection, [row.ref for row in items], now)
        decisions = decisions_by_id(connection, [row.decision for row in items if row.decision])
    harms = {ref: case.harm for ref, case in cases.items()}
    return {
        "id": platform_ids(app, [account]).get(account),
        "history": history_in_words(record, now),
        "on_account": [one for one in record.enforced if one.is_in_force(now)],
        "account_notes": notes,
        "items": items,
        "decisions": decisions,
        "summaries": summaries(request, rows_of_items(items, harms)),
    }


def _seen_items(request: PageRequest, connection: Connection, rows: Sequence[ItemRow]) -> list[ItemRow]:
    """Those that the person may see."""
    named = [_Row(item=row.ref, row=row) for row in rows]
    return [one.row for one in seen_rows(request, connection, named)]


@dataclass(frozen=True, slots=True)
class _Row:
    item: str
    row: ItemRow
