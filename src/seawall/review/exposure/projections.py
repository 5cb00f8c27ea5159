"""The projection of exposure: what each person saw, in the order in which they saw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import Connection, Table

from seawall.model import Event, EventBody
from seawall.model.events import ContentViewed
from seawall.review.exposure.events import BreakEnded, ContentUnveiled, ContentWatched
from seawall.review.exposure.intensity import MEDIA, intensity
from seawall.review.exposure.tables import exposure
from seawall.storage.upsert import insert_rows


@dataclass(frozen=True, slots=True)
class Exposures:
    """One row for each page that was opened, veil that was lifted, medium that was looked at, break that was ended.

    ``version`` rises also when a weight or a severity changes.
    """

    name: ClassVar[str] = "exposures"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (ContentViewed, ContentUnveiled, ContentWatched, BreakEnded)
    tables: tuple[Table, ...] = (exposure,)

    def apply(self, conn: Connection, events: Sequence[Event]) -> None:
        """Add a row for each of ``events``."""
        insert_rows(conn, self.tables[0], [_EMPTY | {"seq": one.seq, "at": one.at} | _row(one.body) for one in events])


_EMPTY: dict[str, Any] = {
    "item": None,
    "part": None,
    "modality": None,
    "harm": None,
    "intensity": 0.0,
    "media": 0,
    "seconds": 0.0,
    "controls": "",
}


def _row(body: EventBody) -> dict[str, Any]:
    match body:
        case ContentViewed():
            return {
                "kind": "viewed",
                "person": body.person,
                "item": body.item.ref,
                "harm": body.harm,
                "intensity": intensity(body.harm, body.shown),
                "media": sum(one in MEDIA for one in (*body.shown, *body.veiled)),
                "controls": ",".join(body.controls),
            }
        case ContentUnveiled() | ContentWatched():
            unveiled = isinstance(body, ContentUnveiled)
            return {
                "kind": "unveiled" if unveiled else "watched",
                "person": body.person,
                "item": body.item.ref,
                "part": body.part,
                "modality": body.modality,
                "harm": body.harm,
                "intensity": intensity(body.harm, (body.modality,)) if unveiled else 0.0,
                "seconds": body.seconds if isinstance(body, ContentWatched) else 0.0,
                "controls": ",".join(body.controls),
            }
        case BreakEnded():
            return {"kind": "break_ended", "person": body.person}
        case _:
            raise TypeError(type(body))


PROJECTIONS = (Exposures(),)
