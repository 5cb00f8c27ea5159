"""Whether what softens content helps those who look at it: lifted veils and time, with and without each control.

People choose their controls themselves, so the groups may differ in other ways too: a comparison, not an experiment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, func, select

from seawall.measure.intervals import Interval, bootstrap
from seawall.review.exposure.intensity import MEDIA
from seawall.review.exposure.tables import exposure

CONTROLS: Final = ("blur", "greyscale", "mute", "text_first")
LEAST_PEOPLE: Final = 5  # of fewer, an interval says nothing, and a number could be traced to a person
LEAST_MEDIA: Final = 50
_SEED: Final = 20_261_128


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlGroup:
    """Media that were on pages with a control, or without it. No intervals: there is not enough data.

    ``lifted``: share of them whose veil was lifted; None where they had none. ``seconds``: looked at, per medium.
    """

    control: str
    on: bool
    people: int
    media: int
    lifted: Interval | None = None
    seconds: Interval | None = None

    @property
    def enough(self) -> bool:
        """Whether there is enough data for numbers."""
        return self.people >= LEAST_PEOPLE and self.media >= LEAST_MEDIA


@dataclass(frozen=True, slots=True)
class _Tally:
    """Of one person: media on their pages, veils of media lifted, seconds looked at."""

    media: int = 0
    lifted: int = 0
    seconds: float = 0.0

    def plus(self, media: int, lifted: int, seconds: float) -> _Tally:
        return _Tally(self.media + media, self.lifted + lifted, self.seconds + seconds)


def compare(connection: Connection, since: int) -> list[ControlGroup]:
    """Each control, with it and without it, since then (ms since 1970)."""
    tallies = _tallies(connection, since)
    return [_group(control, on, tallies[control, on]) for control in CONTROLS for on in (True, False)]


def _tallies(connection: Connection, since: int) -> Mapping[tuple[str, bool], Mapping[str, _Tally]]:
    found: defaultdict[tuple[str, bool], dict[str, _Tally]] = defaultdict(dict)
    query = (
        select(
            exposure.c.person,
            exposure.c.kind,
            exposure.c.controls,
            func.sum(exposure.c.media).label("media"),
            func.count().label("times"),
            func.sum(exposure.c.seconds).label("seconds"),
        )
        .where(
            exposure.c.at > since,
            ((exposure.c.kind == "viewed") & (exposure.c.media > 0)) | exposure.c.modality.in_(sorted(MEDIA)),
        )
        .group_by(exposure.c.person, exposure.c.kind, exposure.c.controls)
    )
    for row in connection.execute(query):
        used = row.controls.split(",")
        lifted = row.times if row.kind == "unveiled" else 0
        for control in CONTROLS:
            people = found[control, control in used]
            people[row.person] = people.get(row.person, _Tally()).plus(row.media, lifted, row.seconds)
    return found


def _group(control: str, on: bool, people: Mapping[str, _Tally]) -> ControlGroup:
    tallies = [one for _, one in sorted(people.items()) if one.media]
    group = ControlGroup(control=control, on=on, people=len(tallies), media=sum(one.media for one in tallies))
    if not group.enough:
        return group
    veiled = on or control != "blur"
    return ControlGroup(
        control=control,
        on=on,
        people=group.people,
        media=group.media,
        lifted=_per_medium(tallies, [min(one.lifted, one.media) for one in tallies]) if veiled else None,
        seconds=_per_medium(tallies, [one.seconds for one in tallies]),
    )


def _per_medium(tallies: Sequence[_Tally], amounts: Sequence[float]) -> Interval:
    """An amount per medium. People are drawn, not media: what one person looks at resembles itself."""
    media, amount = np.array([one.media for one in tallies], float), np.array(amounts, float)

    def ratio(index: NDArray[np.int64]) -> float:
        return float(amount[index].sum() / media[index].sum())

    return bootstrap(ratio, len(tallies), seed=_SEED)
