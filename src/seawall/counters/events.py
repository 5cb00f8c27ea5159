"""Events of the counters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from seawall.storage import EventSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRecorded:
    """The platform said that an account did something which is no content: a play, a rename, a follow.

    ``id``: keyed digest of the platform's id. ``time``: when it was done, milliseconds since 1970. ``attributes``:
    numbers and booleans as they were sent, texts as keyed digests.
    """

    id: str
    activity: str
    actor: str
    time: int
    attributes: Mapping[str, str | int | float | bool] = field(default_factory=dict)


EVENTS = (EventSpec("activity.recorded", ActivityRecorded),)
