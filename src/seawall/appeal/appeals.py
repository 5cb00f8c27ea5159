"""Appeals: reception, the conversation, the answer, and the out-of-court outcome.

Everything is checked again in the transaction that records it, so that of two simultaneous answers one is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date as calendar_date
from typing import Any, Final, Protocol

from sqlalchemy import Row, or_, select

from seawall.appeal.appeal_state import AppealState, AppealTrigger, appeal_after
from seawall.appeal.appealable import AppealRefused, DecisionFacts, Refusal, role_of
from seawall.appeal.events import AppealMessageSent, OutOfCourtOutcomeRecorded
from seawall.appeal.tables import appeal as table
from seawall.model import AppealDecided, AppealReceived, Decision, ItemRef, gravest, new_id, now_ms
from seawall.storage import Ledger, Transaction

LONGEST_TEXT: Final = 10_000
"""Maximum characters of an appeal and of a message."""

LONGEST_APPEAL_KEY: Final = 255

UPHELD_REASONS: Final = {
    "decision_was_right": "The decision was right",
    "context_changes_nothing": "The context that was given changes nothing",
    "rule_explained": "The rule was misunderstood, and is explained",
    "nothing_new": "The same was answered before",
}
"""The codes stored in the ledger when a decision stays, and their titles."""

SETTLEMENT_OUTCOMES: Final = ("upheld", "overturned", "partly", "settled", "withdrawn", "inadmissible")

_BODY: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,63}")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


class InvalidAppeal(ValueError):
    """An appeal, message or outcome that cannot be taken. ``field`` names the place; the text what is expected."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class AppealKeyUsed(Exception):
    """The idempotency key was used before with another text; the new appeal was not recorded."""


class UnknownAppeal(LookupError):
    """No appeal has that id."""

    def __init__(self) -> None:
        super().__init__("There is no appeal with this id.")


class AppealMoved(Exception):
    """The appeal was answered or withdrawn meanwhile, or is not answered yet; the message says what to do."""


class NotTheAppellant(Exception):
    """Somebody else made this appeal."""

    def __init__(self) -> None:
        super().__init__("This appeal was made by somebody else. Send the account id of its appellant.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeal:
    """An appeal as submitted, with the platform's ids: of a decision, or of the one in force about an item.

    ``key`` makes repeating it harmless.
    """

    appellant: str  # the account's id on the platform
    text: str
    decision: str | None = None
    content_type: str | None = None
    item_id: str | None = None
    key: str | None = None


FindFacts = Callable[[Appeal], DecisionFacts]
"""What is known about the appealed decision. Raises AppealRefused when there is none."""


def appeal_name(appeal: str) -> str:
    """Name of the vault entry, under the item and sealed for the appellant, with what they wrote."""
    return f"appeal/{appeal}"


def message_name(message: str, kind: str) -> str:
    """Name of the vault entry of a message or note about an appeal."""
    return f"appeal-note/{message}" if kind == "note" else f"appeal-message/{message}"


class AppealedItem(Protocol):
    """The item as it stands in a transaction."""

    @property
    def decision(self) -> str | None: ...


FindAppealedItem = Callable[[Transaction, str], AppealedItem | None]
"""(transaction, item's surrogate) → the item as it stands in this transaction; ``screen.status_of`` is one."""


class _DecidedMeanwhile(Exception):
    """The item was decided after the facts were found: they may name the wrong people."""


def receive_appeal(ledger: Ledger, appeal: Appeal, *, find_facts: FindFacts, find_item: FindAppealedItem) -> str:
    """Record an appeal, which opens the item's case; returns its id once it is durable.

    The same key gives the same appeal again. Raises InvalidAppeal, AppealRefused, AppealKeyUsed, Erased.
    """
    _check(appeal)
    appeal_id = _id_of_key(ledger, appeal) if appeal.key is not None else new_id("app")
    if appeal.key is not None and _recorded(ledger, appeal_id):
        return _the_same(ledger, appeal_id, appeal)
    while True:
        try:
            return _receive(ledger, appeal, appeal_id, find_facts(appeal), find_item)
        except _DecidedMeanwhile:
            continue


def _receive(ledger: Ledger, appeal: Appeal, appeal_id: str, facts: DecisionFacts, find_item: FindAppealedItem) -> str:
    role = role_of(facts, now_ms())
    received = AppealReceived(
        appeal=appeal_id,
        item=facts.decision.item,
        decision=facts.decision.id,
        appellant=facts.appellant,
        role=role.value,
        report=facts.refused_report if role.value == "reporter" else None,
        reasons=facts.decision.reasons,
        deciders=facts.deciders,
    )

    def unit(tx: Transaction) -> bool:
        item = find_item(tx, received.item.ref)
        if item is not None and item.decision != facts.head:
            raise _DecidedMeanwhile
        return _record(tx, received, appeal.text)

    return appeal_id if ledger.commit(unit) else _the_same(ledger, appeal_id, appeal)


def _record(tx: Transaction, received: AppealReceived, text: str) -> bool:
    """Whether it is new. Raises AppealRefused when the appellant has appealed this already."""
    if tx.execute(select(table.c.id).where(table.c.id == received.appeal)).first() is not None:
        return False
    query = select(table.c.id, table.c.state).where(
        table.c.item == received.item.ref,
        table.c.appellant == received.appellant,
        or_(table.c.decision == received.decision, table.c.state == AppealState.OPEN.value),
    )
    if (other := tx.execute(query.order_by(table.c.seq.desc())).first()) is not None:
        state = "is open" if other.state == AppealState.OPEN else f"was answered: {other.state}"
        raise AppealRefused(
            Refusal.ALREADY_APPEALED,
            f"The appellant has appealed this already ({other.id}), which {state}. See GET /v1/appeals/{other.id}; add "
            "to an open appeal with a message.",
            appeal=other.id,
        )
    tx.append(received)
    tx.seal(received.item.ref, appeal_name(received.appeal), text.encode(), received.appellant)
    return True


def _id_of_key(ledger: Ledger, appeal: Appeal) -> str:
    said = (appeal.appellant, appeal.decision or "", appeal.content_type or "", appeal.item_id or "", appeal.key or "")
    return "app_" + ledger.vault.digest("\0".join(said).encode())[:26]


def _recorded(ledger: Ledger, appeal_id: str) -> bool:
    with ledger.database.read() as connection:
        return connection.execute(select(table.c.id).where(table.c.id == appeal_id)).first() is not None


def _the_same(ledger: Ledger, appeal_id: str, appeal: Appeal) -> str:
    """The recorded appeal's id. Raises AppealKeyUsed when it says something else: the new one would be lost."""
    with ledger.database.read() as connection:
        item = connection.execute(select(table.c.item).where(table.c.id == appeal_id)).scalar_one()
        entry = (item, appeal_name(appeal_id))
        text = ledger.vault.open_many([entry], conn=connection).get(entry)
    if text is not None and text.decode() != appeal.text:
        raise AppealKeyUsed(
            f"This idempotency key belongs to another appeal ({appeal_id}), with another text. This one was not "
            "recorded: add a message to that one, or send it with a key of its own."
        )
    return appeal_id


# -- the conversation --------------------------------------------------------------------------------------------------


def send_message(ledger: Ledger, appeal: str, text: str, *, appellant: str) -> str:
    """A message of the appellant (their surrogate). Raises InvalidAppeal, UnknownAppeal, NotTheAppellant, AppealMoved,
    Erased."""
    return _say(ledger, appeal, text, "from_appellant", AppealTrigger.MESSAGE, None, appellant)


def answer_message(ledger: Ledger, appeal: str, text: str, *, person: str, note: bool) -> str:
    """A message of a reviewer to the appellant, or a note for colleagues. Raises as ``send_message``."""
    kind, trigger = ("note", AppealTrigger.NOTE) if note else ("to_appellant", AppealTrigger.MESSAGE)
    return _say(ledger, appeal, text, kind, trigger, person, None)


def _say(
    ledger: Ledger, appeal: str, text: str, kind: str, trigger: AppealTrigger, person: str | None, appellant: str | None
) -> str:
    _check_written("text", text)
    message = new_id("msg")

    def unit(tx: Transaction) -> str:
        row = _moved(tx, appeal, trigger, appellant)
        tx.append(AppealMessageSent(message=message, appeal=appeal, kind=kind, person=person))
        holder = None if kind == "note" else row.appellant
        tx.seal(row.item, message_name(message, kind), text.encode(), holder)
        return message

    return ledger.commit(unit)


# -- the answer --------------------------------------------------------------------------------------------------------


def withdraw(ledger: Ledger, appeal: str, *, appellant: str) -> None:
    """The appellant withdraws. What is in force stays. Raises UnknownAppeal, NotTheAppellant, AppealMoved."""

    def unit(tx: Transaction) -> None:
        row = _moved(tx, appeal, AppealTrigger.WITHDRAWN, appellant)
        tx.append(_decided(row, AppealTrigger.WITHDRAWN, None, "", None))

    ledger.commit(unit)


def record_answer(
    tx: Transaction,
    appeal: str,
    outcome: AppealTrigger,
    *,
    person: str,
    reason: str,
    message: str,
    decision: Decision | None = None,
) -> None:
    """Answer an appeal in the transaction that changes what is in force, or leaves it; ``message``: to the appellant.

    The caller has checked that ``person`` may answer. Raises UnknownAppeal, AppealMoved.
    """
    row = _moved(tx, appeal, outcome, None)
    if not tx.is_erased(row.appellant) and not tx.is_erased(row.item):  # else nobody is left to tell
        told = new_id("msg", tx.at)
        tx.append(AppealMessageSent(message=told, appeal=appeal, kind="to_appellant", person=person))
        tx.seal(row.item, message_name(told, "to_appellant"), message.encode(), row.appellant)
    tx.append(_decided(row, outcome, person, reason, decision))


def check_answer_text(message: str) -> None:
    """What the appellant is told with the answer: never nothing (DSA Art. 20(5)). Raises InvalidAppeal."""
    _check_written("message", message)


def _decided(
    row: Row[Any], outcome: AppealTrigger, person: str | None, reason: str, decision: Decision | None
) -> AppealDecided:
    judged = None if decision is None else gravest(decision.reasons)
    return AppealDecided(
        appeal=row.id,
        item=ItemRef(row.content_type, row.item, row.revision),
        role=row.role,
        outcome=outcome.value,
        person=person,
        reason=reason,
        decision=None if decision is None else decision.id,
        policy=None if judged is None else judged.policy,
    )


def record_out_of_court(ledger: Ledger, appeal: str, *, body: str, outcome: str, date: str, person: str) -> None:
    """Record what a dispute settlement body said about an answered appeal. It changes nothing by itself.

    Raises InvalidAppeal, UnknownAppeal, AppealMoved.
    """
    if not _BODY.fullmatch(body):
        raise InvalidAppeal("body", "expected a code such as user-rights: small letters, digits and hyphens")
    if outcome not in SETTLEMENT_OUTCOMES:
        raise InvalidAppeal("outcome", f"expected one of {', '.join(SETTLEMENT_OUTCOMES)}")
    try:
        day = calendar_date.fromisoformat(date)
    except ValueError:
        raise InvalidAppeal("date", "expected a day such as 2026-11-28") from None

    def unit(tx: Transaction) -> None:
        _moved(tx, appeal, AppealTrigger.OUT_OF_COURT, None)
        said = OutOfCourtOutcomeRecorded(appeal=appeal, body=body, outcome=outcome, date=day.isoformat(), person=person)
        tx.append(said)

    ledger.commit(unit)


def _moved(tx: Transaction, appeal: str, trigger: AppealTrigger, appellant: str | None) -> Row[Any]:
    """The appeal, if the trigger is possible in its state. Raises UnknownAppeal, NotTheAppellant, AppealMoved."""
    row = tx.execute(select(table).where(table.c.id == appeal)).first()
    if row is None:
        raise UnknownAppeal
    if appellant is not None and row.appellant != appellant:
        raise NotTheAppellant
    try:
        appeal_after(AppealState(row.state), trigger)
    except ValueError:
        if trigger is AppealTrigger.OUT_OF_COURT:
            raise AppealMoved("This appeal is not answered yet. Record the out-of-court outcome afterwards.") from None
        raise AppealMoved(
            f"This appeal was answered ({row.state}). An out-of-court dispute settlement body can be asked now."
        ) from None
    return row


def _check(appeal: Appeal) -> None:
    _check_text("appellant", appeal.appellant, 1, 512)
    _check_written("text", appeal.text)
    if appeal.key is not None:
        _check_text("key", appeal.key, 1, LONGEST_APPEAL_KEY)
    if (appeal.decision is None) == (appeal.content_type is None and appeal.item_id is None):
        raise InvalidAppeal("decision", "send the id of a decision, or content_type and id of an item; not both")
    if appeal.decision is None and (appeal.content_type is None or appeal.item_id is None):
        raise InvalidAppeal("id", "an item is named by content_type and id together")


def _check_written(field: str, text: str) -> None:
    _check_text(field, text, 1, LONGEST_TEXT)
    if not text.strip():
        raise InvalidAppeal(field, "expected words, not only spaces")


def _check_text(field: str, value: str, shortest: int, longest: int) -> None:
    if not shortest <= len(value) <= longest:
        raise InvalidAppeal(field, f"expected {shortest} to {longest} characters, not {len(value)}")
    if _SURROGATES.search(value):
        raise InvalidAppeal(field, "contains half of a surrogate pair, which is not a character")
