"""Which cases a person may see: what a role and a team declare, as a value that every service can ask."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseScope:
    """What one role admits. None: anything. ``child_safety``: with cases of child safety.

    A case is admitted by its harms only when all of them are among ``harms``: one that is not known, or that the role
    does not name, must not be met by surprise.
    """

    queues: frozenset[str] | None = None
    harms: frozenset[str] | None = None
    content_types: frozenset[str] | None = None
    child_safety: bool = False

    def admits(self, *, queue: str, harms: Collection[str | None], content_type: str, child_safety: bool) -> bool:
        """Whether this scope admits such a case. ``harms``: all that its policies name."""
        return (
            (self.queues is None or queue in self.queues)
            and (self.harms is None or (bool(harms) and all(harm in self.harms for harm in harms)))
            and (self.content_types is None or content_type in self.content_types)
            and (self.child_safety or not child_safety)
        )

    def admits_without_case(self, content_type: str) -> bool:
        """Whether it admits an item that waits for nobody, so that it has neither a queue nor a known harm."""
        anything = self.queues is None and self.harms is None
        return anything and (self.content_types is None or content_type in self.content_types)

    def within(self, queues: frozenset[str] | None) -> CaseScope:
        """The part of it that lies in these queues."""
        if queues is None:
            return self
        return replace(self, queues=queues if self.queues is None else self.queues & queues)

    def covers(self, other: CaseScope) -> bool:
        """Whether everything that ``other`` admits is admitted here."""
        pairs = (
            (self.queues, other.queues),
            (self.harms, other.harms),
            (self.content_types, other.content_types),
        )
        fits = all(mine is None or (theirs is not None and theirs <= mine) for mine, theirs in pairs)
        return fits and (self.child_safety or not other.child_safety)


CaseScopes: TypeAlias = tuple[CaseScope, ...]
"""What several roles admit together: a case that one of them admits. Empty: none."""

EVERY_CASE: Final[CaseScopes] = (CaseScope(child_safety=True),)
