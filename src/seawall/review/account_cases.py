"""Cases about accounts: what can be done to an account, and how one stands when its case is decided.

An item's status is the business of screening; an account has nothing but its case. Both go through the same machine,
leases, reviews and enforcement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from sqlalchemy import Connection, select

from seawall.model import ACCOUNT_TYPE, ACTIONS, ActionSubject, ContentType, RetentionTerms, is_account
from seawall.review.tables import case
from seawall.storage.transaction import Transaction


class ReviewedItem(Protocol):
    """What a review must know of the item as it stands: its newest revision and the decision in force."""

    @property
    def actor(self) -> str | None: ...

    @property
    def revision(self) -> int: ...

    @property
    def decision(self) -> str | None: ...


FindReviewedItem = Callable[[Transaction, str], ReviewedItem | None]
"""(transaction, item's surrogate) → the item as it stands in this transaction; ``screen.status_of`` is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewedAccount:
    """An account as its case has it, with the fields of an item's head that pages and reviews read.

    ``revision``: the times that something new opened its case; ``decision``: the one about the last of them.
    """

    ref: str
    revision: int
    decision: str | None
    content_type: str = ACCOUNT_TYPE
    verdict: str | None = None  # of items only: an account is not published
    degraded: bool = False

    @property
    def actor(self) -> str:
        """The account itself: what is done to an author is done to it."""
        return self.ref


def account_of_case(reader: Connection | Transaction, ref: str) -> ReviewedAccount | None:
    """The account with that surrogate; None when there is no case about it."""
    query = select(case.c.openings, case.c.decision).where(case.c.item == ref, case.c.state != "none")
    row = reader.execute(query).first()
    return None if row is None else ReviewedAccount(ref=ref, revision=row.openings, decision=row.decision)


def find_reviewed(tx: Transaction, ref: str, find_item: FindReviewedItem) -> ReviewedItem | None:
    """What a case is about as it stands in this transaction: an account, or the item that ``find_item`` finds."""
    return account_of_case(tx, ref) if is_account(ref) else find_item(tx, ref)


def as_appealed(item: ReviewedItem, revision: int, decision: str | None) -> ReviewedItem:
    """What the answer to an appeal is about: an item as it stands now, but an account as it was when it was decided.

    An item's answer puts it as it is to be; an account's says nothing about what it has done since.
    """
    if not isinstance(item, ReviewedAccount) or item.revision == revision:
        return item
    return replace(item, revision=revision, decision=decision)


_KINDS: Final = tuple(kind.name for kind in ACTIONS.values() if kind.subject is ActionSubject.ENTITY)


def account_type(content_types: Iterable[ContentType]) -> ContentType:
    """What stands for a content type in the case of an account: the actions on accounts that the product knows.

    Those are what its content types allow; all of them, where none allows any.
    """
    known = {kind for one in content_types for kind in one.actions}
    return ContentType(
        name=ACCOUNT_TYPE,
        title="Account",
        owner="",
        fields=(),
        surface="public",
        audience="general",
        stages=(),
        actions=tuple(kind for kind in _KINDS if kind in known) or _KINDS,
        retention=RetentionTerms(content_days=0, decision_days=0),
    )
