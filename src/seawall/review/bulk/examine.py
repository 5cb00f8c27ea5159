"""What an answer would do with one item of a bulk decision, or why the item is left out.

The same function makes the preview and runs again when the item is decided, in the same transaction: what it says then
must be what was shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, select

from seawall import enforce
from seawall.enforce import ActiveEnforcement, EnforcementDiff, ItemHead
from seawall.enforce.diff import enforcement_diff
from seawall.model import Action, ItemRef
from seawall.review.bulk.events import BulkItem
from seawall.review.errors import BadAnswer
from seawall.review.leases import assigned_to
from seawall.review.machine import Case, CaseState, new_case
from seawall.review.quality.tables import blind_review
from seawall.review.review_answer import KEEPS_MEASURE, VIOLATES, ReviewAnswer, Rulebook, check_queue, kept_measures
from seawall.review.reviews import decision_of
from seawall.review.tables import case as case_table
from seawall.review.tables import lease
from seawall.review.tables import review as review_table
from seawall.storage.transaction import Transaction

ABOUT_ACCOUNT: Final = "account"
NOT_VISIBLE: Final = "not_visible"
CHANGED: Final = "changed"
REPORTED: Final = "reported"
OUTCOME_CHANGED: Final = "outcome_changed"

WHY_SKIPPED: Final[Mapping[str, str]] = {
    ABOUT_ACCOUNT: "It is about an account: somebody must look at it by itself.",
    NOT_VISIBLE: "It is about the safety of children: only people with that role may see and decide it.",
    "child_safety": "It is about the safety of children: that it does not violate is never said in bulk.",
    "severe": "It was flagged for a severe harm that nobody has judged: somebody must look at it by itself.",
    "gone": "It was erased, or its content is not kept any more.",
    "appealed": "A decision about it was appealed: the appeal must be answered.",
    "leased": "Somebody else is working on its case.",
    "blind_review": "A blind review of it is waiting: deciding it now would change what that is compared with.",
    "already_so": "It was decided like this already.",
    "nothing_to_do": "Nobody asked for a review of it, and the answer would change nothing.",
    "not_allowed": "Its content type does not allow one of these actions, or is no longer in force.",
    "queue_demands": "Its queue needs a note with every answer, or does not offer one of these actions.",
    "no_measure": "Nothing is in force on it that could stay.",
    CHANGED: "It was edited or decided again since the preview.",
    REPORTED: "It was reported since the preview: somebody must read the report.",
    OUTCOME_CHANGED: "The answer would do something else now than the preview said.",
    "not_in_force": "The policy is no longer in force, so the answer is not complete.",
    "edited": "It was edited, erased or decided again since this bulk decision.",
    "undone": "Its answer was taken back already.",
}
"""Why an item is left out: codes stored in the ledger, and what they say."""

_parameters = msgspec.json.Decoder(dict[str, str | float]).decode
_NO_CHANGE: Final = EnforcementDiff()


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemOutcome:
    """What an answer would do with an item. ``skip``: why nothing; empty: ``answer`` is what is recorded for it."""

    answer: ReviewAnswer
    case: Row[Any] | Case
    head: ItemHead
    skip: str = ""
    change: EnforcementDiff = _NO_CHANGE

    def as_item(self) -> BulkItem:
        """As the preview records it."""
        return BulkItem(
            item=self.case.item,
            content_type=self.head.content_type,
            revision=self.head.revision,
            decision=self.head.decision,
            reports=self.case.reports_received,
            actor=self.head.actor,
            case_state=str(self.case.state),
            skip=self.skip,
            applied=tuple(sorted(one.action.kind for one in self.change.apply)),
            reversed=tuple(sorted(one.kind for one in self.change.reverse)),
            no_actor=bool(self.change.skipped),
        )

    def since(self, shown: BulkItem) -> str:
        """Why the item is not decided although it was planned as ``shown``; empty: it is as it was shown."""
        now = self.as_item()
        if (now.revision, now.decision) != (shown.revision, shown.decision):
            return CHANGED
        if now.reports != shown.reports:
            return REPORTED
        if self.skip:
            return self.skip
        return "" if now == shown else OUTCOME_CHANGED


def examine(
    reader: Connection | Transaction,
    item: str,
    head: ItemHead,
    person: str,
    answer: ReviewAnswer,
    rulebook: Rulebook,
    *,
    now: int,
    child_safety: bool,
) -> ItemOutcome:
    """What the checked ``answer`` of ``person`` would do with the item. Changes nothing."""
    row = reader.execute(select(case_table).where(case_table.c.item == item)).first()
    case: Row[Any] | Case = new_case(ItemRef(head.content_type, item, head.revision)) if row is None else row
    found = ItemOutcome(answer=answer, case=case, head=head)
    skip = _set_aside(case, head, answer, child_safety=child_safety) or _busy(reader, case, person, now)
    if skip:
        return replace(found, skip=skip)
    active = enforce.in_force(reader, item)
    if answer.answer == KEEPS_MEASURE:
        answer = replace(answer, actions=_kept(active))
        if not answer.actions:
            return replace(found, skip="no_measure")
    try:
        decision = decision_of(case, head, person, answer, rulebook, now)
    except BadAnswer:
        return replace(found, skip="not_allowed")
    try:
        check_queue(answer, rulebook.queues.of(case.queue), [one.kind for one in active])
    except BadAnswer:
        return replace(found, skip="queue_demands")
    change = enforcement_diff(active, decision)
    return replace(found, answer=answer, change=change, skip=_settled(reader, case, answer, change))


def account_set_aside(
    reader: Connection | Transaction, account: str, *, child_safety: bool
) -> tuple[BulkItem, bool] | None:
    """The case of an account as a preview shows it: left out, and why; and whether it is of child safety.

    None: no case was ever opened about it.

    What is measured on an account is its history, so no answer about items is an answer about it.
    """
    query = select(case_table).where(case_table.c.item == account, case_table.c.state != CaseState.NONE)
    row = reader.execute(query).first()
    if row is None:
        return None
    left_out = BulkItem(
        item=account,
        content_type=row.content_type,
        revision=0,
        decision=row.decision,
        reports=row.reports_received,
        actor=None,
        case_state=str(row.state),
        skip=NOT_VISIBLE if row.child_safety and not child_safety else ABOUT_ACCOUNT,
    )
    return left_out, row.child_safety


def _set_aside(case: Row[Any] | Case, head: ItemHead, answer: ReviewAnswer, *, child_safety: bool) -> str:
    """Why the item is not for a bulk decision at all."""
    if case.child_safety and not child_safety:
        return NOT_VISIBLE
    if head.gone:
        return "gone"
    clears = answer.answer != VIOLATES
    if case.child_safety and clears:
        return "child_safety"
    is_open = case.state == CaseState.OPEN
    if is_open and case.severe_revision is not None and (clears or case.severe_revision != head.revision):
        return "severe"
    return "appealed" if case.appeals else ""


def _busy(reader: Connection | Transaction, case: Row[Any] | Case, person: str, now: int) -> str:
    """Whether others work on it."""
    held = select(lease.c.person).where(lease.c.case == case.id, lease.c.until > now, lease.c.person != person)
    if reader.execute(held).first() is not None or assigned_to(reader, case.id, now) not in (None, person):
        return "leased"
    waiting = select(blind_review.c.id).where(blind_review.c.case == case.id, blind_review.c.state == "waiting")
    return "blind_review" if reader.execute(waiting.limit(1)).first() is not None else ""


def _settled(
    reader: Connection | Transaction, case: Row[Any] | Case, answer: ReviewAnswer, change: EnforcementDiff
) -> str:
    """Whether there is nothing to decide: no case waits, and nothing would be in force that is not."""
    if case.state == CaseState.OPEN or change.apply or change.reverse:
        return ""
    if case.state == CaseState.CLOSED and case.answer == answer.answer:
        stands = (review_table.c.case == case.id) & review_table.c.undone_at.is_(None)
        last = select(review_table.c.policy).where(stands).order_by(review_table.c.seq.desc()).limit(1)
        if reader.execute(last).scalar() == answer.policy:
            return "already_so"
    return "nothing_to_do" if answer.answer != VIOLATES and case.answer is None else ""


def _kept(active: Sequence[ActiveEnforcement]) -> tuple[Action, ...]:
    return kept_measures([Action(one.kind, _parameters(one.parameters)) for one in active])
