"""Decisions that were answered before they were recorded, because the database did not commit by the deadline.

The answer says so (``recorded: false``). The record follows through the writer's queue, and is tried again as long as
the database refuses it. It says what the answer said: otherwise an item that the platform was told to hold would have
a record that allows it, and nothing would ever release it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec
import structlog

from seawall.model import FailMode, new_id, now_ms
from seawall.screen.evaluation import DraftDecision
from seawall.screen.fail_modes import rescreen_due, with_fail_mode
from seawall.screen.plans import StagePlan
from seawall.screen.result import ScreenResponse
from seawall.storage import Ledger, OutcomeUnknown, Prefetch, StorageError, Transaction

_log = structlog.get_logger(__name__)

MOST_UNRECORDED: Final = 2_048
"""Answers of this process that may wait for their record; further ones are refused with 503."""
_MOST_WITH_MEDIA: Final = 32
_PAUSE_S: Final = 1.0  # before a refused record is tried again


class DraftInForce:
    """The draft that the unit of one request records. The event loop replaces it at the deadline."""

    __slots__ = ("draft", "is_answered")

    def __init__(self, draft: DraftDecision) -> None:
        self.draft = draft
        self.is_answered = False  # the caller has been told ``draft`` already

    def answer(self, plan: StagePlan) -> ScreenResponse:
        """Put the stage's fail mode into the draft, if that makes it stricter, and answer it, not recorded yet."""
        draft, at = self.draft, now_ms()
        due = draft.rescreen_due or rescreen_due(plan.stage, at)
        failed = with_fail_mode(plan.stage.fail_mode, due, draft.verdict, draft.actions, draft.reasons)
        if failed.verdict is not draft.verdict:
            self.draft = msgspec.structs.replace(
                draft,
                id=new_id("dec", at),  # another decision than the one that may be under way with the database
                degraded=True,
                fail_mode=failed.mode,
                rescreen_due=due,
                verdict=failed.verdict,
                actions=failed.actions,
                reasons=failed.reasons,
            )
        self.is_answered = True
        return ScreenResponse(
            decision=self.draft.id,
            item="",
            revision=0,
            verdict=self.draft.verdict,
            actions=self.draft.actions,
            reasons=self.draft.reasons,
            degraded=True,
            stage=draft.stage,
            unknown=draft.unknown,
            fail_mode=draft.fail_mode or FailMode(plan.stage.fail_mode).value,
            provisional=True,
            recorded=False,
        )


class Unrecorded:
    """The units whose callers were answered already, in this process. Event loops only, except ``close``."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._units: dict[Callable[[Transaction], Any], Prefetch] = {}

    def is_full(self, has_media: bool) -> bool:
        """Whether no more answers may be given ahead of their record; items with files are large, so fewer of them."""
        return len(self._units) >= (_MOST_WITH_MEDIA if has_media else MOST_UNRECORDED)

    def add(self, unit: Callable[[Transaction], Any], prefetch: Prefetch) -> None:
        """The caller of a unit that is in the writer's queue was answered."""
        self._units[unit] = prefetch

    def settle(self, unit: Callable[[Transaction], Any], error: BaseException | None) -> None:
        """The outcome of a unit: one that storage refused is tried again."""
        if unit not in self._units:
            return
        if isinstance(error, StorageError):
            if not isinstance(error, OutcomeUnknown):
                _log.warning("a decision that was answered is not recorded yet; trying again", error=str(error))
            asyncio.get_running_loop().call_later(_PAUSE_S, self.submit, unit, self._units[unit])
            return
        self._units.pop(unit)
        if error is not None:
            _log.error("a decision that was answered cannot be recorded", exc_info=error)

    def submit(self, unit: Callable[[Transaction], Any], prefetch: Prefetch) -> None:
        """Queue a unit whose caller has its answer."""
        self._units[unit] = prefetch
        try:
            self._ledger.commit_later(unit, lambda _result, error: self.settle(unit, error), prefetch=prefetch)
        except StorageError as error:  # the queue is full, or the process stops
            self.settle(unit, error)

    def close(self) -> None:
        """Record what the database has refused so far. What it still refuses is lost, and said in the log."""
        units, self._units = self._units, {}
        for done, (unit, prefetch) in enumerate(units.items()):
            try:
                self._ledger.commit(unit, prefetch=prefetch)
            except StorageError as error:
                _log.error("decisions that were answered are lost", decisions=len(units) - done, error=str(error))
                return
            except Exception:
                _log.exception("a decision that was answered cannot be recorded")
