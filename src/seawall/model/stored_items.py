"""Items that were submitted before, for code that searches them for something new."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from seawall.model.content import ItemRef, Part
from seawall.model.events import Event
from seawall.model.signals import PartHash


class Past(Protocol):
    """A past item, as a search needs it."""

    @property
    def ref(self) -> ItemRef: ...

    @property
    def decision(self) -> str | None: ...

    @property
    def parts(self) -> Sequence[Part]: ...

    @property
    def hashes(self) -> Sequence[PartHash]: ...

    @property
    def readable(self) -> bool: ...


class PastItems(ABC):
    """Where past items come from: a service that one component makes and another one asks."""

    @abstractmethod
    def page(self, *, after: str, before: str, limit: int, texts: bool) -> Sequence[Past]:
        """The next page of past items in the order of their surrogates; empty when there are no more."""


class FirstRevisions(ABC):
    """What items were when they were first submitted: a service that one component makes and another one asks."""

    @abstractmethod
    def fields_of(self, items: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """The fields of these items (surrogates), files as references; erased ones are absent."""

    @abstractmethod
    def submission(self, item: str) -> Event | None:
        """The event of an item's first submission; None when there is none."""

    @abstractmethod
    def first_decision(self, item: str) -> Event | None:
        """The event of the first decision about an item's first revision; None when there is none."""


class GivenAnswer(Protocol):
    """What counts of one answer of a person about an item."""

    @property
    def seq(self) -> int: ...

    @property
    def at(self) -> int: ...

    @property
    def decision(self) -> str: ...

    @property
    def answer(self) -> str: ...


class ItemAnswers(ABC):
    """What people answered about items: a service that one component makes and another one asks."""

    @abstractmethod
    def answers_of(self, item: str, answers: Sequence[str]) -> Sequence[GivenAnswer]:
        """The answers about an item that stand and are one of ``answers``, oldest first."""


class ItemLanguages(ABC):
    """The languages of recorded items: a service that one component makes and another one asks."""

    @abstractmethod
    def languages_of(self, items: Sequence[str]) -> Mapping[str, str]:
        """Item's surrogate → language, for those items whose language is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredText:
    """What people wrote in one revision of an item, field by field, and the types of its media."""

    text: str
    media: tuple[str, ...]


class ItemTexts(ABC):
    """The texts of recorded items: a service that one component makes and another one asks."""

    @abstractmethod
    def text_of(self, item: str, revision: int) -> StoredText | None:
        """None: it was erased, its retention ended, or its content type is no longer in force."""
