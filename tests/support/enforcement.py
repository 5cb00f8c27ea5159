"""A house with a ledger and the projections of enforce and appeal, and decisions to feed it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select, text

from seawall import appeal, enforce, screen
from seawall.enforce.tables import delivery, enforcement
from seawall.model import Action, Decision, DecisionSource, ItemRef, Reason, Verdict, new_id, now_ms
from seawall.model.events import DecisionMade
from seawall.storage import Job, Jobs, Ledger, Vault, open_database
from seawall.storage.component import STORAGE, ledger_of

REMOVE = Action("remove")
HOLD = Action("hold")
DEMOTE = Action("demote")
WARN = Action("warn")
STRIKE = Action("strike", {"weight": 2.0})
LIMIT = Action("limit", {"for": 86_400.0})
REVIEW = Action("review", {"queue": "hate", "priority": 0.9})
TAG = Action("tag", {"name": "watched"})


@dataclass
class Rig:
    """The parts of an app that enforcement needs. ``clock`` is what the courier takes for now."""

    database: Any
    vault: Any
    ledger: Ledger
    jobs: Jobs
    decisions: dict[str, Decision] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def item(self, content_type: str = "comment", *, actor: str | None = "author") -> tuple[ItemRef, str | None]:
        """A fresh item with its actor, as surrogates. Platform ids: ``c-<n>`` and ``actor-<n>``."""
        number = next(self.numbers)

        def unit(tx: Any) -> tuple[ItemRef, str | None]:
            owner = None if actor is None else tx.subject("account", f"{actor}-{number}")
            ref = tx.subject(f"item:{content_type}", f"c-{number}", owner=owner)
            return ItemRef(content_type, ref, 1), owner

        return self.ledger.commit(unit)

    def decide(
        self,
        item: ItemRef,
        *actions: Action,
        actor: str | None = None,
        is_new: bool = False,
        **more: Any,
    ) -> None:
        """Record a decision with these actions and let it be enforced."""
        decision = make_decision(item, *actions, actor=actor, **more)
        self.decisions[decision.id] = decision

        def unit(tx: Any) -> None:
            tx.append(DecisionMade(decision=decision))
            enforce.apply(tx, decision, item_is_new=is_new)

        self.ledger.commit(unit)

    def load_decision(self, decision: str) -> Decision:
        return self.decisions[decision]

    def active(self, item: ItemRef) -> set[tuple[str, str, str]]:
        """(subject, kind, parameters) of what is in force because of the item."""
        rows = self.rows(select(enforcement).where(enforcement.c.item == item.ref, enforcement.c.state == "active"))
        return {(row["subject"], row["kind"], row["parameters"]) for row in rows}

    def deliveries(self) -> list[dict[str, Any]]:
        return self.rows(select(delivery).order_by(delivery.c.seq))

    def rows(self, statement: Any) -> list[dict[str, Any]]:
        with self.database.read() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def due(self, limit: int = 100) -> list[Job]:
        """Claim what is due now."""
        return self.jobs.claim([enforce.JOB_KIND], "test", limit, 60_000)

    def let_time_pass(self) -> None:
        """Every waiting job becomes due, so that no test sleeps."""
        with self.database.write() as connection:
            connection.execute(text("UPDATE job SET due_at = 0 WHERE state = 'pending'"))

    def job_due_at(self, key: str) -> int:
        with self.database.read() as connection:
            found = connection.execute(
                text("SELECT due_at FROM job WHERE key = :key AND state = 'pending'"), {"key": key}
            )
            return int(found.scalar_one())

    def jobs_left(self) -> int:
        return sum(self.jobs.counts().values())


def make_decision(
    item: ItemRef,
    *actions: Action,
    actor: str | None = None,
    source: DecisionSource = DecisionSource.SCREEN,
    supersedes: str | None = None,
) -> Decision:
    kinds = {action.kind for action in actions}
    verdict = Verdict.BLOCK if kinds & {"remove", "disable"} else Verdict.HOLD if "hold" in kinds else Verdict.ALLOW
    return Decision(
        id=new_id("dec"),
        at=now_ms(),
        item=item,
        source=source,
        verdict=verdict,
        actions=actions,
        reasons=(Reason(policy="hateful-conduct", rule="certain", harm="hate"),) if actions else (),
        actor=actor,
        supersedes=supersedes,
    )


@contextmanager
def open_rig(url: str, folder: Path) -> Iterator[Rig]:
    database = open_database(url)
    vault = Vault.open_in(database, folder, environ={})
    ledger = ledger_of(database, vault, (STORAGE, screen.COMPONENT, enforce.COMPONENT, appeal.COMPONENT))
    ledger.build()
    try:
        yield Rig(database, vault, ledger, Jobs(database))
    finally:
        ledger.close()
        database.close()
