"""Users of the simulated platform: many ordinary ones, and a few repeat offenders."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

_PEOPLE = 240
_TROUBLED = 18
_DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class DemoUser:
    """An account as stored by the platform."""

    id: str
    created_at: int  # milliseconds since 1970
    verified: bool
    followers: int

    def attributes(self) -> dict[str, Any]:
        """The account's attributes in requests to Seawall."""
        return {"created_at": self.created_at, "verified": self.verified, "followers": self.followers}


class DemoUsers:
    """All users, with a fixed group behind most violations: accounts return, so that they build up a history."""

    def __init__(self, rng: random.Random, now_ms: int) -> None:
        self._rng = rng
        self._now_ms = now_ms
        self._people = {person.id: person for person in (self._make(number) for number in range(_PEOPLE))}
        self._ids = list(self._people)

    def person(self, person_id: str) -> DemoUser:
        """The account of that id. Raises KeyError."""
        return self._people[person_id]

    def somebody(self, harm: str | None) -> DemoUser:
        """The author of a post: anyone for ordinary posts and for distress, mostly the same few for the rest."""
        if harm is None or harm == "self_harm" or self._rng.random() < 0.25:
            return self._people[self._rng.choice(self._ids)]
        return self._people[self._rng.choice(self._ids[:_TROUBLED])]

    def _make(self, number: int) -> DemoUser:
        fresh = number < _TROUBLED
        age = self._rng.randrange(1, 20) if fresh else self._rng.randrange(30, 2500)
        followers = self._rng.randrange(0, 8) if fresh else int(self._rng.lognormvariate(4, 1.6))
        return DemoUser(f"user-{number:03}", self._now_ms - age * _DAY, followers > 2000, followers)
