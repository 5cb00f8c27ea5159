"""What the caller of a screening gets, now and when it asks the same again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from seawall.model import Action, Decision, Reason, Unknown, Verdict
from seawall.screen.item_state import ItemState


class IdempotencyConflict(Exception):
    """The same idempotency key came with another request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningResult:
    """What the caller of a screening gets. Durable in the ledger when it is returned."""

    decision: str
    item: str
    revision: int
    verdict: Verdict
    actions: tuple[Action, ...]
    reasons: tuple[Reason, ...]
    degraded: bool
    stage: str
    unknown: tuple[Unknown, ...] = ()
    fail_mode: str | None = None
    supersedes: str | None = None


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The caller's key, already bound to the API key, and a digest of the request it stands for."""

    key: str
    request: str


_DECODER = msgspec.json.Decoder(ScreeningResult)


def result_of(decision: Decision) -> ScreeningResult:
    """The caller's view of a recorded decision."""
    return ScreeningResult(
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
        supersedes=decision.supersedes,
    )


def repeat(seen: Mapping[str, Any], idempotency: Idempotency) -> ScreeningResult:
    """The answer already given to that idempotency key. Raises IdempotencyConflict for another request."""
    if seen["request"] != idempotency.request:
        raise IdempotencyConflict("this idempotency key was used with another request; use a new key for new content")
    return _DECODER.decode(seen["response"])


def standing_result(head: ItemState, stage: str) -> ScreeningResult:
    """A person's decision about this very content stands; a machine does not overrule it."""
    assert head.decision is not None
    return ScreeningResult(
        decision=head.decision,
        item=head.ref,
        revision=head.revision,
        verdict=Verdict(head.verdict or Verdict.ALLOW),
        actions=head.actions,
        reasons=head.reasons,
        degraded=False,
        stage=stage,
    )
