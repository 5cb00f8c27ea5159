"""Decisions that were answered before they were recorded, because the database did not commit by the deadline.

The answer says so (``recorded: false``). The record follows through the writer's queue, and is tried again as long as
the database refuses it. It says what the answer said: otherwise an item that the platform was told to hold would have
a record that allows it, and nothing would ever release it. Until then the answer is in a journal, so that it is
recorded by the next process if this one is killed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec
import structlog

from seawall.model import FailMode, Item, new_id, now_ms
from seawall.screen.artifacts import EvaluationArtifacts
from seawall.screen.content import decode, encode, references, restore
from seawall.screen.evaluation import DraftDecision
from seawall.screen.fail_modes import rescreen_due, with_fail_mode
from seawall.screen.journal import AnswerJournal, LeftJournal, left_journals
from seawall.screen.plans import StagePlan
from seawall.screen.result import Idempotency, ScreenResponse
from seawall.screen.submission import ItemSubmission
from seawall.screen.units import DraftInForce, Evaluated, follow_unit, is_stricter, late_record_unit, prefetch_of
from seawall.storage import Blobs, Erased, Ledger, OutcomeUnknown, Prefetch, StorageError, Transaction

_log = structlog.get_logger(__name__)

MOST_UNRECORDED: Final = 2_048
"""Answers of this process that may wait for their record; further ones are refused with 503."""
_MOST_WITH_MEDIA: Final = 32
_PAUSE_S: Final = 1.0  # before a refused record is tried again
_LONGEST_WRITE_S: Final = 0.25  # that an answer waits for its journal entry


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """One request whose caller is answered at its deadline, and all that its record needs."""

    evaluated: Evaluated
    in_force: DraftInForce
    submission: ItemSubmission
    idempotency: Idempotency | None
    unit: Callable[[Transaction], ScreenResponse]


class JournalEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An answered request as it is kept in the journal. ``content``: as in the vault; files are references to blobs."""

    content_type: str
    id: str
    actor: str | None
    content: bytes
    draft: DraftDecision
    artifacts: EvaluationArtifacts
    idempotency: Idempotency | None


_ENCODER = msgspec.json.Encoder()
_ENTRY = msgspec.json.Decoder(JournalEntry)


def answer(in_force: DraftInForce, plan: StagePlan) -> ScreenResponse:
    """Put the stage's fail mode into the draft, if that makes it stricter, and answer it, not recorded yet."""
    draft, at = in_force.draft, now_ms()
    due = draft.rescreen_due or rescreen_due(plan.stage, at)
    failed = with_fail_mode(plan.stage.fail_mode, due, draft.verdict, draft.actions, draft.reasons)
    if failed.verdict is not draft.verdict:
        in_force.draft = msgspec.structs.replace(
            draft,
            id=new_id("dec", at),  # another decision than the one that may be under way with the database
            degraded=True,
            fail_mode=failed.mode,
            rescreen_due=due,
            verdict=failed.verdict,
            actions=failed.actions,
            reasons=failed.reasons,
        )
    in_force.is_answered = True
    return ScreenResponse(
        decision=in_force.draft.id,
        item="",
        revision=0,
        verdict=in_force.draft.verdict,
        actions=in_force.draft.actions,
        reasons=in_force.draft.reasons,
        degraded=True,
        stage=draft.stage,
        unknown=draft.unknown,
        fail_mode=draft.fail_mode or FailMode(plan.stage.fail_mode).value,
        provisional=True,
        recorded=False,
    )


class Unrecorded:
    """The units whose callers were answered already, in this process. Event loops only, except ``close``."""

    def __init__(self, ledger: Ledger, blobs: Blobs, journal: AnswerJournal) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._journal = journal
        self._units: dict[Callable[[Transaction], Any], Prefetch] = {}
        self._entries: dict[Callable[[Transaction], Any], int] = {}  # numbers in the journal

    def is_full(self, has_media: bool) -> bool:
        """Whether no more answers may be given ahead of their record; items with files are large, so fewer of them."""
        return len(self._units) >= (_MOST_WITH_MEDIA if has_media else MOST_UNRECORDED)

    async def add(self, answered: Answered) -> None:
        """The caller of a unit that is in the writer's queue is answered once this returns: it is in the journal."""
        item, unit = answered.evaluated.item, answered.unit
        self._units[unit] = prefetch_of(item, answered.idempotency)
        try:
            entry = await asyncio.to_thread(_entry, answered) if answered.submission.has_media else _entry(answered)
            written = asyncio.ensure_future(asyncio.wrap_future(self._journal.add(entry)))
            written.add_done_callback(lambda done: self._journaled(unit, done))
            await asyncio.wait_for(asyncio.shield(written), _LONGEST_WRITE_S)
        except (OSError, StorageError, TimeoutError) as error:
            _log.error("an answer is in no journal: it is lost if this process is killed now", error=repr(error))

    def _journaled(self, unit: Callable[[Transaction], Any], written: asyncio.Future[int]) -> None:
        if written.cancelled() or written.exception() is not None:
            return
        if unit in self._units:
            self._entries[unit] = written.result()
        else:
            self._journal.done(written.result())  # it was recorded meanwhile

    def settle_late(self, answered: Answered, response: ScreenResponse | None, error: BaseException | None) -> None:
        """The outcome of a unit whose caller had no more time; runs in the event loop."""
        submission, in_force = answered.submission, answered.in_force
        in_force.outcome = error if response is None else response
        if response is None:
            self._settle(answered.unit, error)
            if not in_force.is_answered and not isinstance(error, OutcomeUnknown):
                asyncio.get_running_loop().run_in_executor(None, submission.discard_media)
            return
        if not submission.recorded and submission.has_media:
            asyncio.get_running_loop().run_in_executor(None, submission.discard_media)
        is_same = response.decision == in_force.draft.id or response.fail_mode is not None
        if not in_force.is_answered or (is_same and not is_stricter(response, in_force.draft)):
            self._settle(answered.unit, None)
            return
        # The record was under way with the database when the deadline came: what was answered follows it.
        follow = follow_unit(self._ledger, answered.evaluated, in_force.draft, response)
        if (number := self._entries.pop(answered.unit, None)) is not None:
            self._entries[follow] = number
        self._settle(answered.unit, None)
        self._submit(follow, Prefetch())

    def _settle(self, unit: Callable[[Transaction], Any], error: BaseException | None) -> None:
        """The outcome of a unit: one that storage refused is tried again."""
        if unit not in self._units:
            return
        if isinstance(error, StorageError):
            if not isinstance(error, OutcomeUnknown):
                _log.warning("a decision that was answered is not recorded yet; trying again", error=str(error))
            asyncio.get_running_loop().call_later(_PAUSE_S, self._submit, unit, self._units[unit])
            return
        self._units.pop(unit)
        if (number := self._entries.pop(unit, None)) is not None:
            self._journal.done(number)
        if error is not None:
            _log.error("a decision that was answered cannot be recorded", exc_info=error)

    def _submit(self, unit: Callable[[Transaction], Any], prefetch: Prefetch) -> None:
        """Queue a unit whose caller has its answer."""
        self._units[unit] = prefetch
        try:
            self._ledger.commit_later(unit, lambda _result, error: self._settle(unit, error), prefetch=prefetch)
        except StorageError as error:  # the queue is full, or the process stops
            self._settle(unit, error)

    def record_left(self) -> None:
        """Record what ended processes of the same data folder answered. What the database refuses stays for later."""
        for left in left_journals(self._journal.folder, self._ledger.vault):
            try:
                self._record_left(left)
            except StorageError as error:
                _log.error("answers of an ended process are not recorded yet", journal=str(left.path), error=str(error))

    def _record_left(self, left: LeftJournal) -> None:
        counts = {"recorded": 0, "superseded": 0, "failed": 0}
        for number, entry in enumerate(left.entries()):
            try:
                counts["recorded" if self._record_entry(_ENTRY.decode(entry)) else "superseded"] += 1
            except StorageError:
                raise
            except Erased:
                counts["superseded"] += 1
            except Exception:
                counts["failed"] += 1
                _log.exception("an answer of an ended process cannot be recorded", journal=left.path.name, entry=number)
        if counts["failed"]:
            left.set_aside()
        else:
            left.remove()
        _log.info("read the journal of an ended process", journal=left.path.name, **counts)

    def _record_entry(self, entry: JournalEntry) -> bool:
        content = decode(entry.content)
        item = restore(content, entry.content_type, entry.id, entry.actor, self._blobs)
        submission = ItemSubmission(item, self._ledger.vault, self._blobs, references(content))
        evaluated = Evaluated(item, entry.artifacts)
        unit = late_record_unit(self._ledger, evaluated, entry.draft, submission, entry.idempotency)
        return self._ledger.commit(unit, prefetch=prefetch_of(item, entry.idempotency))

    def close(self) -> None:
        """Record what the database has refused so far. What it still refuses stays in the journal."""
        units, self._units = self._units, {}
        for done, (unit, prefetch) in enumerate(units.items()):
            try:
                self._ledger.commit(unit, prefetch=prefetch)
            except StorageError as error:
                _log.error(
                    "decisions that were answered wait in the journal", decisions=len(units) - done, error=str(error)
                )
                break
            except Exception:
                _log.exception("a decision that was answered cannot be recorded")
            if (number := self._entries.pop(unit, None)) is not None:
                self._journal.done(number)
        self._journal.close()


def _entry(answered: Answered) -> bytes:
    item: Item = answered.evaluated.item
    return _ENCODER.encode(
        JournalEntry(
            content_type=item.content_type,
            id=item.id,
            actor=item.actor,
            content=encode(item, answered.submission.store_media()),
            draft=answered.in_force.draft,
            artifacts=answered.evaluated.artifacts,
            idempotency=answered.idempotency,
        )
    )
