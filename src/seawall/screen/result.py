"""The response to a screening request, in this process and over HTTP, and the handling of repeated requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from seawall.model import LASTING, Action, Decision, Reason, Unknown, UnknownReason, Verdict
from seawall.model.not_permitted import RULE_TEXTS
from seawall.screen.item_status import ItemStatus


class IdempotencyConflict(Exception):
    """The idempotency key was used before with another request."""


class ScreenResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The response to a screening request. ``item`` is Seawall's surrogate of the item.

    ``provisional``: another look follows, and may change the verdict; ``pending``: the detectors that it waits for.
    ``recorded`` false: the database did not commit by the deadline. The record follows; until then ``decision`` cannot
    be looked up, ``item`` is empty and ``revision`` 0. The same request with its idempotency key gets the recorded one.
    """

    decision: str
    item: str
    revision: int
    verdict: Verdict
    actions: tuple[Action, ...]
    reasons: tuple[Reason, ...]
    degraded: bool
    stage: str
    unknown: tuple[Unknown, ...]
    fail_mode: str | None
    pending: tuple[str, ...] = ()
    provisional: bool = False
    recorded: bool = True


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The caller's idempotency key, bound to the API key, and a digest of the request."""

    key: str
    request: str


encode_response = msgspec.json.Encoder().encode
_DECODER = msgspec.json.Decoder(ScreenResponse)


def still_pending(decision: Decision) -> tuple[str, ...]:
    """The detectors whose answers are still to come: those of a later stage, and those that a rescreen asks again."""
    if not decision.unknown:
        return ()
    again = decision.rescreen_due is not None
    return tuple(
        sorted(
            {
                each.detector
                for each in decision.unknown
                if each.detector != RULE_TEXTS  # rules wait for an extractor, which is named
                and (each.reason is UnknownReason.LATER or (again and each.reason not in LASTING))
            }
        )
    )


def response_of(decision: Decision) -> ScreenResponse:
    """The caller's view of a recorded decision."""
    pending = still_pending(decision)
    return ScreenResponse(
        decision=decision.id,
        item=decision.item.ref,
        revision=decision.item.revision,
        verdict=decision.verdict,
        actions=decision.actions,
        reasons=decision.reasons,
        degraded=decision.degraded,
        stage=decision.stage or "",
        unknown=decision.unknown,
        fail_mode=decision.fail_mode,
        pending=pending,
        provisional=bool(pending) or decision.rescreen_due is not None,
    )


def repeated_response(seen: Mapping[str, Any], idempotency: Idempotency) -> ScreenResponse:
    """The response already given to that idempotency key. Raises IdempotencyConflict for another request."""
    if seen["request"] != idempotency.request:
        raise IdempotencyConflict("this idempotency key was used with another request; use a new key for new content")
    return _DECODER.decode(seen["response"])


def standing_result(status: ItemStatus, stage: str) -> ScreenResponse:
    """The response for content that a person has decided, which automatic screening does not overrule."""
    assert status.decision is not None
    return ScreenResponse(
        decision=status.decision,
        item=status.ref,
        revision=status.revision,
        verdict=Verdict(status.verdict or Verdict.ALLOW),
        actions=status.actions,
        reasons=status.reasons,
        degraded=False,
        stage=stage,
        unknown=(),
        fail_mode=None,
    )
