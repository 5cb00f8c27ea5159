"""Summaries are written by a worker: a follower of the ledger asks for them when a case opens, a job asks the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Row, select

from seawall.model import DecisionMade, Event, ItemRef, ReportReceived, new_id
from seawall.model.stored_items import ItemTexts, StoredText
from seawall.policy import NothingPublished, PublishedBundles
from seawall.providers.calls import Caller, ProviderRequest
from seawall.providers.judges.questions import PolicyQuestion
from seawall.review.case_policies import read_policies
from seawall.review.case_summary.configuration import SummaryModel
from seawall.review.case_summary.events import CaseSummarised
from seawall.review.case_summary.prompt import ReadSummary, SummaryText, messages, read_summary
from seawall.review.case_summary.tables import case_summary
from seawall.review.machine import CaseState, asks_for_review, case_id
from seawall.review.queues import Queues
from seawall.review.tables import case as case_table
from seawall.storage import Job, Transaction
from seawall.storage.component import Follower, JobSpec, ServiceContext

KIND: Final = "case_summary"
_MOST_POLICIES: Final = 8  # in one request


class Summariser:
    """Asks the model. ``model`` None: no case is summarised."""

    def __init__(self, model: SummaryModel | None) -> None:
        self.model = model
        self._caller = None if model is None else Caller("case summaries", model.limits, proxy=model.proxy)

    def summarise(self, questions: Sequence[PolicyQuestion], text: str, media: Sequence[str]) -> ReadSummary:
        """One request. Never raises because of the service."""
        assert self.model is not None
        assert self._caller is not None
        body = {
            "model": self.model.model,
            "messages": messages(questions, text, media),
            "max_tokens": 2_048,
            "temperature": 0.0,
        }
        headers = {"content-type": "application/json"}
        if self.model.key:
            headers["authorization"] = f"Bearer {self.model.key}"
        request = ProviderRequest(
            method="POST",
            url=f"{self.model.url}/chat/completions",
            headers=headers,
            body=msgspec.json.encode(body),
        )
        (outcome,) = self._caller.fetch([request])
        return read_summary(outcome, frozenset(one.policy for one in questions))

    def close(self) -> None:
        """Close the connections. May be called twice."""
        if self._caller is not None:
            self._caller.close()


def ask(context: ServiceContext, events: Sequence[Event]) -> Callable[[Transaction], None] | None:
    """Have the cases summarised that the events may have opened."""
    if context.get(Summariser).model is None:
        return None
    items = {ref.ref: ref for event in events if (ref := _item(event)) is not None}

    def unit(tx: Transaction) -> None:
        for ref in items.values():
            tx.enqueue(KIND, ref.ref, msgspec.to_builtins(ref))

    return unit if items else None


def _item(event: Event) -> ItemRef | None:
    match event.body:
        case DecisionMade(decision=made) if asks_for_review(made):
            return made.item
        case ReportReceived(item=item):
            return item
    return None


def summarise(context: ServiceContext, job: Job) -> None:
    """Summarise the case of an item, once for each revision, if it is open and its queue is not blind."""
    item, summariser = msgspec.convert(job.payload, ItemRef), context.get(Summariser)
    model, case = summariser.model, case_id(item.ref)
    with context.database.read() as connection:
        row = connection.execute(select(case_table).where(case_table.c.id == case)).first()
        done = select(case_summary.c.id).where(case_summary.c.case == case, case_summary.c.revision == item.revision)
        known = connection.execute(done).first() is not None
    if model is None or row is None or known or not _is_wanted(context, model, row):
        context.ledger.commit(lambda tx: tx.finish(job))
        return
    found, text = _summary(context, summariser, model, row, item)
    hidden = is_hidden(context.vault.digest, case, model.hidden_share)
    made = CaseSummarised(
        summary=new_id("sum"),
        case=case,
        item=item,
        model=model.model,
        outcome=found.outcome,
        answer=found.answer,
        policy=found.policy,
        hidden=hidden,
    )

    def unit(tx: Transaction) -> None:
        tx.finish(job)
        if tx.is_erased(item.ref):
            return
        tx.append(made)
        if text is not None:
            tx.seal(item.ref, text_name(made.summary), msgspec.json.encode(text))

    context.ledger.commit(unit)


def is_hidden(digest: Callable[[bytes], str], case: str, share: float) -> bool:
    """Whether the case's summary is hidden from reviewers, by a keyed hash of its id: nobody can choose it."""
    return int(digest(f"case-summary:{case}".encode())[:13], 16) < share * 16**13


def text_name(summary: str) -> str:
    """Name of the vault entry that holds what the model wrote."""
    return f"summary/{summary}"


def _is_wanted(context: ServiceContext, model: SummaryModel, case: Row[Any]) -> bool:
    if case.state != CaseState.OPEN or (model.queues and case.queue not in model.queues):
        return False
    return not is_blind_queue(context.get(Queues), case.queue)


def is_blind_queue(queues: Queues, queue: str) -> bool:
    """Whether every answer of the queue is given twice, independently: what one model suggests would tie the two."""
    return queues.of(queue).blind_share == 1


def _summary(
    context: ServiceContext, summariser: Summariser, model: SummaryModel, case: Row[Any], item: ItemRef
) -> tuple[ReadSummary, SummaryText | None]:
    """What came of it, and the text to seal. The model is asked only about what it may be sent."""
    if case.child_safety and not model.child_safety:
        return ReadSummary(outcome="child_safety"), None
    stored = context.get(ItemTexts).text_of(item.ref, item.revision)
    if stored is None or not stored.text.strip():
        return ReadSummary(outcome="no_text"), None
    found = summariser.summarise(_questions(context, case, item), stored.text[: model.longest], stored.media)
    return found, _text(found, stored, model) if found.outcome == "given" else None


def _text(found: ReadSummary, stored: StoredText, model: SummaryModel) -> SummaryText:
    return SummaryText(
        summary=found.summary,
        reasons=found.reasons,
        unread=tuple(stored.media),
        cut=len(stored.text) > model.longest,
    )


def _questions(context: ServiceContext, case: Row[Any], item: ItemRef) -> list[PolicyQuestion]:
    """The policies that the case is about; without any, those for content of its type."""
    try:
        policies = {one.name: one for one in context.get(PublishedBundles).current.policies}
    except NothingPublished:
        return []
    named = [one.policy for one in read_policies(case.policies) if one.policy in policies]
    chosen = named or [name for name, one in policies.items() if item.content_type in one.applies_to]
    return [
        PolicyQuestion(
            policy=name,
            title=policies[name].title,
            definition=policies[name].definition,
            guidance=policies[name].guidance,
        )
        for name in chosen[:_MOST_POLICIES]
    ]


FOLLOWER = Follower(name="case_summaries", handles=(DecisionMade, ReportReceived), step=ask, from_start=False)
"""From the end of the ledger: what was decided before the model was named is not sent to it."""

JOB = JobSpec(kind=KIND, handler=summarise, pool=KIND)
