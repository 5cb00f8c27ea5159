"""A ledger with the projections of screening, enforcement, review and reports, on both databases."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from seawall import appeal, enforce, review, screen
from seawall.model import (
    Action,
    ContentType,
    Decision,
    DecisionSource,
    FailMode,
    FieldRole,
    FieldSpec,
    FieldType,
    ItemRef,
    Reason,
    RetentionTerms,
    ScreeningStage,
    new_id,
    now_ms,
)
from seawall.model.events import DecisionMade, ItemSubmitted, ReportReceived
from seawall.policy import verdict_of
from seawall.review import quality
from seawall.review.tables import case
from seawall.storage import Database, Ledger, Vault, open_database
from seawall.storage.component import STORAGE, ledger_of

COMMENT = ContentType(
    name="comment",
    title="Comment",
    owner="tests",
    fields=(FieldSpec(name="body", type=FieldType.TEXT, role=FieldRole.BODY),),
    surface="public",
    audience="general",
    stages=(ScreeningStage(name="pre_publish", budget_ms=100, fail_mode=FailMode.HOLD),),
    actions=("remove", "hold", "strike", "limit", "warn", "review"),
    retention=RetentionTerms(content_days=1, decision_days=1),
)
RULEBOOK = review.Rulebook(content_types={"comment": COMMENT}, harms={"rudeness": "harassment"})
REVIEW = Action("review", {"queue": "rudeness", "priority": 0.7})


@dataclass
class Desk:
    """What a test of reviewing needs: cases made by decisions and reports."""

    database: Database
    vault: Vault
    ledger: Ledger
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def item(self, language: str | None = None) -> tuple[ItemRef, str]:
        """A submitted item and its actor."""
        number = next(self.numbers)

        def unit(tx: Any) -> tuple[ItemRef, str]:
            actor = tx.subject("account", f"author-{number}")
            item = ItemRef("comment", tx.subject("item:comment", f"c-{number}", owner=actor), 1)
            tx.append(ItemSubmitted(item=item, actor=actor, digest=tx.digest(b"x"), language=language))
            return item, actor

        return self.ledger.commit(unit)

    def decide(self, item: ItemRef, actor: str | None, *actions: Action, **more: Any) -> Decision:
        """The machine decides."""
        decision = Decision(
            id=new_id("dec"),
            at=now_ms(),
            item=item,
            source=more.pop("source", DecisionSource.SCREEN),
            verdict=verdict_of(actions),
            actions=actions,
            reasons=more.pop(
                "reasons", (Reason(policy="rudeness", rule="likely", harm="harassment"),) if actions else ()
            ),
            actor=actor,
            **more,
        )

        def unit(tx: Any) -> None:
            tx.append(DecisionMade(decision=decision))
            enforce.apply(tx, decision, item_is_new=False)

        self.ledger.commit(unit)
        return decision

    def edit(self, item: ItemRef, actor: str, language: str | None = None) -> ItemRef:
        """A new revision of the item, which nobody has decided yet."""
        later = ItemRef(item.content_type, item.ref, item.revision + 1)
        submitted = ItemSubmitted(item=later, actor=actor, digest=self.vault.digest(b"y"), language=language)
        self.ledger.commit(lambda tx: tx.append(submitted))
        return later

    def case(
        self, *actions: Action, priority: float = 0.7, language: str | None = None, queue: str = "rudeness"
    ) -> tuple[str, ItemRef, Decision]:
        """A fresh case that a held item opened."""
        item, actor = self.item(language)
        asked = Action("review", {"queue": queue, "priority": priority})
        decision = self.decide(item, actor, *(actions or (Action("hold"),)), asked)
        return review.case_id(item.ref), item, decision

    def report(self, item: ItemRef, kind: str = "user", reporter: str | None = None) -> None:
        """Somebody reports the item."""
        report = ReportReceived(report=new_id("rep"), item=item, reporter=reporter, kind=kind)
        self.ledger.commit(lambda tx: tx.append(report))

    def row(self, case_id: str) -> Any:
        """The case as it stands."""
        with self.database.read() as connection:
            return connection.execute(select(case).where(case.c.id == case_id)).first()

    def submit(self, case_id: str, person: str = "per_1", **answer: Any) -> Decision:
        """Answer the case: a removal, unless said otherwise."""
        seen, seen_revision = answer.pop("seen", None), answer.pop("seen_revision", None)
        child_safety = answer.pop("child_safety", False)
        given = {
            "answer": review.VIOLATES,
            "policy": "rudeness",
            "actions": (Action("remove"),),
            "reason": "clear_violation",
            **answer,
        }
        answered = review.ReviewAnswer(**given)
        return review.submit_review(
            self.ledger,
            RULEBOOK,
            case_id,
            person,
            answered,
            find_item=screen.status_of,
            seen=seen,
            seen_revision=seen_revision,
            child_safety=child_safety,
        )


@pytest.fixture
def rulebook() -> review.Rulebook:
    return RULEBOOK


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    database = open_database(database_url)
    vault = Vault.open_in(database, tmp_path)
    components = (STORAGE, screen.COMPONENT, enforce.COMPONENT, review.COMPONENT, quality.COMPONENT, appeal.COMPONENT)
    ledger = ledger_of(database, vault, components)
    ledger.build()
    yield Desk(database, vault, ledger)
    ledger.close()
    database.close()
