"""Results of calls to Seawall, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Verdict: TypeAlias = Literal["allow", "hold", "block"]
OnUnreachable: TypeAlias = Literal["raise", "allow", "hold", "block"]
"""What a call does when Seawall is unreachable: raise ``Unreachable``, or return this verdict, marked ``degraded``."""


@dataclass(frozen=True, slots=True)
class ResultAction:
    """One effect of the decision: ``remove``, ``strike`` … Durations are seconds."""

    kind: str
    parameters: Mapping[str, str | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResultReason:
    """The policy and rule that decided, and their harm."""

    policy: str
    rule: str
    harm: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenResult:
    """The result for an item. ``decision`` and ``item`` are None when Seawall was unreachable.

    Neither ``provisional`` nor ``degraded``: everything was looked at. ``provisional``: another look follows, by the
    detectors under ``pending`` if they are known, and a webhook reports any change. ``recorded`` False: the server
    could not record the decision by the deadline; it follows, and until then ``decision`` cannot be looked up.
    """

    verdict: Verdict
    actions: tuple[ResultAction, ...] = ()
    reasons: tuple[ResultReason, ...] = ()
    decision: str | None = None
    item: str | None = None
    degraded: bool = False  # something was unknown, and the fail mode applied
    unknown: tuple[Mapping[str, Any], ...] = ()
    stage: str | None = None
    pending: tuple[str, ...] = ()
    provisional: bool = False
    recorded: bool = True

    @property
    def allowed(self) -> bool:
        """Whether to publish it."""
        return self.verdict == "allow"

    @property
    def held(self) -> bool:
        """Whether to keep it back until a webhook releases or removes it."""
        return self.verdict == "hold"

    @property
    def blocked(self) -> bool:
        """Whether publishing is not allowed."""
        return self.verdict == "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """An item for ``submit_many``, with the platform's own ids."""

    content_type: str
    id: str
    fields: Mapping[str, Any]
    actor: str | None = None
    actor_attributes: Mapping[str, Any] = field(default_factory=dict)
    language: str | None = None
    created_at: int | str | None = None  # milliseconds since 1970, or RFC 3339


def result_from(data: Mapping[str, Any]) -> ScreenResult:
    """Parse the body of a 200 from ``POST /v1/screen``. Raises KeyError, TypeError or ValueError for anything else."""
    if data["verdict"] not in ("allow", "hold", "block"):
        raise ValueError(f"a verdict is allow, hold or block, not {data['verdict']!r}")
    return ScreenResult(
        verdict=data["verdict"],
        actions=tuple(ResultAction(action["kind"], action.get("parameters", {})) for action in data["actions"]),
        reasons=tuple(ResultReason(reason["policy"], reason["rule"], reason["harm"]) for reason in data["reasons"]),
        decision=data["decision"],
        item=data["item"] or None,
        degraded=data["degraded"],
        unknown=tuple(data.get("unknown", ())),
        stage=data.get("stage"),
        pending=tuple(data.get("pending", ())),
        provisional=data.get("provisional", data["degraded"]),  # servers before 0.3 do not say
        recorded=data.get("recorded", True),
    )


def unreachable_result(verdict: Verdict) -> ScreenResult:
    """The answer that the caller chose for when Seawall is unreachable."""
    reasons = (ResultReason("seawall", "unreachable", "terms"),)
    return ScreenResult(verdict=verdict, reasons=reasons, degraded=True, recorded=False)
