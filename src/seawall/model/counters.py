"""Counters as rules ask for them: what is counted, about whom, in which window."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

ACTOR: Final = "actor"
"""The dimension of the account that acts."""
COUNTERS: Final = "counters"
"""What stands for a detector's name where counters gave no answer."""
UNREAD_COUNTERS: Final = f"{COUNTERS}/history"
"""Among what was unneeded for a decision: some of its counters were not read."""
POSITION: Final = "ledger_position(counters)"
"""Column of a stored feature row: the event of the ledger up to which its counters had counted."""

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000

OWN: Final = "own:"
"""Before the names of activities that Seawall itself sees beside items: a content type may be called ``review``."""
SENT: Final = "sent:"
"""Before the names of those that the platform sends."""
NEAR: Final = "near:"
"""Before a text field's name: the attribute that near-duplicates of the text share values of."""
DECIDED: Final = "decided:"
"""Before a content type's name: its items with the signals that their first decision found."""

Condition: TypeAlias = tuple[Any, ...]
"""A condition over an activity's attributes: ``("and", a, b)``, ``("or", a, b)``, ``("not", a)``, ``("is", name)``,
``("compare", name, operator, constant)``, ``("in", name, (constants))``. A missing attribute makes a test false."""


class CounterFunction(StrEnum):
    """The functions of the language that read history."""

    COUNT = "count"
    DISTINCT = "distinct"
    SUM = "sum_of"
    MAX = "max_of"
    RATE = "rate"
    RATIO = "ratio"
    FIRST_SEEN = "first_seen"
    STRIKES = "strikes"
    CLUSTER_SIZE = "cluster_size"
    SINCE_LAST = "since_last"
    AMONG_LAST = "among_last"


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterSpec:
    """One counter of a rule. ``activity``: a content type, or a name after ``OWN``, ``SENT`` or ``DECIDED``.

    ``by``: the dimensions whose values name what is counted: ``actor``, fields of the item.
    ``within``: milliseconds; 0 for those without a window. ``value``: the attribute whose values are told apart, added
    or compared; ``ACTOR``: the accounts are. ``policy``: of strikes; empty: any. ``signals``: those that it reads.
    ``last``: how many of the latest activities it looks at; ``within`` is then how far it looks back.
    """

    function: CounterFunction
    by: tuple[str, ...]
    activity: str = ""
    within: int = 0
    value: str = ""
    where: Condition | None = None
    policy: str = ""
    signals: tuple[str, ...] = ()
    last: int = 0


def attributes_in(condition: Condition) -> frozenset[str]:
    """The attributes that a condition reads."""
    if condition[0] in ("and", "or", "not"):
        return frozenset().union(*map(attributes_in, condition[1:]))
    return frozenset({condition[1]})


def tile_size(within: int) -> int:
    """The tile in milliseconds by which a window of that length slides: it counts at most one tile too much."""
    if within <= 2 * _HOUR:
        return _MINUTE
    return _HOUR if within <= 7 * _DAY else _DAY
