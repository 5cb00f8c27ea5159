"""Reading exposure, as typed rows. Pages and programs read through here and never import the tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from seawall.review.exposure.tables import exposure


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Something that a person saw until ``at``, for ``seconds`` if that is known. ``harm`` None: none is known."""

    at: int
    harm: str | None
    intensity: float
    seconds: float = 0.0


def sights_of(connection: Connection, person: str, since: int) -> list[Sight]:
    """What a person saw after ``since``, and after an administrator last ended their break; oldest first."""
    ended = select(func.max(exposure.c.seq)).where(
        exposure.c.person == person, exposure.c.kind == "break_ended", exposure.c.at > since
    )
    query = (
        select(exposure.c.at, exposure.c.harm, exposure.c.intensity, exposure.c.seconds)
        .where(
            exposure.c.person == person,
            exposure.c.at > since,
            exposure.c.kind.in_(("viewed", "unveiled", "watched")),
            exposure.c.seq > func.coalesce(ended.scalar_subquery(), 0),
        )
        .order_by(exposure.c.seq)
    )
    return [
        Sight(at=at, harm=harm, intensity=intensity, seconds=seconds)
        for at, harm, intensity, seconds in connection.execute(query)
    ]


def people_who_saw(connection: Connection, since: int) -> Sequence[str]:
    """Everybody who saw something after ``since``."""
    return connection.scalars(select(exposure.c.person).where(exposure.c.at > since).distinct()).all()


def was_unveiled(connection: Connection, person: str, item: str, part: str, modality: str, since: int) -> bool:
    """Whether this person lifted this veil after ``since``."""
    query = select(exposure.c.seq).where(
        exposure.c.person == person,
        exposure.c.at > since,
        exposure.c.kind == "unveiled",
        exposure.c.item == item,
        exposure.c.part == part,
        exposure.c.modality == modality,
    )
    return connection.execute(query.limit(1)).first() is not None
