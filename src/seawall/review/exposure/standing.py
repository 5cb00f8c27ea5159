"""Where a person stands with their budget and breaks: a pure function of what they saw, and its reading."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from seawall.review.exposure.queries import Sight, people_who_saw, sights_of
from seawall.review.exposure.wellbeing import Wellbeing
from seawall.storage.database import Database

_FREE_AFTER_BREAK: Final = 0.25  # of the budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A person's exposure in the last shift, by harm, and the break that follows from it.

    ``over``: harms whose budget is used up; other people take their cases. ``until`` (ms since 1970): the end of the
    break, None without one; ``why``: budget | stretch. ``stretch_ms``: with content, since the last break.
    """

    total: float = 0.0
    by_harm: Mapping[str, float] = field(default_factory=dict)
    over: frozenset[str] = frozenset()
    stretch_ms: int = 0
    until: int | None = None
    why: str = ""

    @property
    def on_break(self) -> bool:
        """Whether no new case is given now."""
        return self.until is not None

    def allows(self, harm: str | None) -> bool:
        """Whether a case of this harm may be taken now; None: its harm is not known."""
        return not self.on_break and harm not in self.over


def standing(sights: Sequence[Sight], wellbeing: Wellbeing, now: int) -> Standing:
    """Where somebody stands at ``now`` who saw this in the last two shifts, oldest first."""
    shift = [one for one in sights if now - wellbeing.shift_ms < one.at <= now]
    total = sum(one.intensity for one in shift)
    by_harm: defaultdict[str, float] = defaultdict(float)
    for one in shift:
        if one.harm is not None:
            by_harm[one.harm] += one.intensity
    stretch, ends = _stretch(shift, wellbeing, now)
    free = _budget_free_at(sights, wellbeing, now)
    until = max((one for one in (ends, free) if one is not None and one > now), default=None)
    return Standing(
        total=total,
        by_harm=dict(by_harm),
        over=frozenset(harm for harm, most in wellbeing.budgets.items() if by_harm.get(harm, 0.0) >= most),
        stretch_ms=stretch,
        until=until,
        why="" if until is None else "stretch" if until == ends else "budget",
    )


def _stretch(sights: Sequence[Sight], wellbeing: Wellbeing, now: int) -> tuple[int, int | None]:
    """How long the present stretch lasts, and when the break after it ends; None: it is not over yet."""
    if not sights or now - sights[-1].at >= wellbeing.break_ms:
        return 0, None
    start = sights[-1].at
    for one in reversed(sights):
        if start - one.at >= wellbeing.break_ms:
            break
        start = min(start, one.at - round(one.seconds * 1_000))
    lasts = now - start
    return lasts, sights[-1].at + wellbeing.break_ms if lasts >= wellbeing.stretch_ms else None


def _budget_free_at(sights: Sequence[Sight], wellbeing: Wellbeing, now: int) -> int | None:
    """When the break ends that a used-up budget began; None: there is none.

    It lasts until a quarter of the budget is free again: else there would be a break after every single case.
    """
    if wellbeing.budget is None:
        return None
    enough = wellbeing.budget * (1 - _FREE_AFTER_BREAK)
    window: deque[Sight] = deque()
    total, used_up = 0.0, False
    for one in [*sights, Sight(at=now, harm=None, intensity=0.0)]:
        while window and window[0].at <= one.at - wellbeing.shift_ms:
            total -= window.popleft().intensity
        window.append(one)
        used_up = used_up and total > enough
        total += one.intensity
        used_up = used_up or total >= wellbeing.budget
    if not used_up:
        return None
    while total > enough:
        oldest = window.popleft()
        total -= oldest.intensity
    return oldest.at + wellbeing.shift_ms


def standing_of(database: Database, wellbeing: Wellbeing, person: str, now: int) -> Standing:
    """Where a person stands now."""
    with database.read() as connection:
        return standing(sights_of(connection, person, now - 2 * wellbeing.shift_ms), wellbeing, now)


def allowed(database: Database, wellbeing: Wellbeing, person: str, harm: str | None, now: int) -> bool:
    """Whether a person may take a case of this harm now."""
    return standing_of(database, wellbeing, person, now).allows(harm)


def count_on_break(database: Database, wellbeing: Wellbeing, now: int) -> int:
    """How many people are on a break now. Not who: that somebody reached their limit is nobody's business."""
    since = now - 2 * wellbeing.shift_ms
    with database.read() as connection:
        everybody = people_who_saw(connection, since)
        return sum(standing(sights_of(connection, one, since), wellbeing, now).on_break for one in everybody)
