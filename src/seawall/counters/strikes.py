"""Strikes in force: read from the enforcements, which are exact at any moment, not counted again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, bindparam, select

from seawall.enforce.tables import enforcement
from seawall.model import Decision
from seawall.model.counters import CounterSpec

_IN_FORCE: Final = select(enforcement.c.decision, enforcement.c.at, enforcement.c.parameters).where(
    enforcement.c.subject == bindparam("actor"),
    enforcement.c.state == "active",
    enforcement.c.kind == "strike",
    enforcement.c.at >= bindparam("since"),
)


def strikes_of(
    connection: Connection, actor: str, spec: CounterSpec, at: int, find: Callable[[str], Decision] | None = None
) -> float:
    """The weight of an account's strikes in force at that time: not reversed, not lifted, not run out.

    A strike is one under every policy that its decision names; ``find`` looks the decision up.
    """
    total = 0.0
    since = at - spec.within if spec.within else 0
    for row in connection.execute(_IN_FORCE, {"actor": actor, "since": since}):
        parameters = json.loads(row.parameters)
        lasts = parameters.get("for")
        if lasts is not None and row.at + 1000 * lasts <= at:
            continue
        if spec.policy and (find is None or spec.policy not in {one.policy for one in find(row.decision).reasons}):
            continue
        total += parameters.get("weight", 1.0)
    return total
