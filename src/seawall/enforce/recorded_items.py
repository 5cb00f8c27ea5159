"""Recorded items and decisions, read where they are decided: a service that one component makes and others ask."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from sqlalchemy import Connection

from seawall.model import Decision
from seawall.storage import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemHead:
    """An item's newest revision, and the decision in force. ``gone``: erased, or its content's retention ended."""

    content_type: str
    actor: str | None
    revision: int
    decision: str | None
    gone: bool = False


class RecordedItems(ABC):
    """Looks up items and decisions, mostly inside a unit of work."""

    @abstractmethod
    def head(self, reader: Connection | Transaction, item: str) -> ItemHead | None:
        """The item as it stands; None: there is none with that surrogate."""

    @abstractmethod
    def decision(self, tx: Transaction, decision: str) -> Decision:
        """The whole record of one decision. Raises NoResultFound when there is none."""

    @abstractmethod
    def rescreen(self, tx: Transaction, decision: Decision) -> None:
        """See to the pending rescreen of a decision that is in force again."""
