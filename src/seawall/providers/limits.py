"""Limits of calls to a service: time, rate, retries and cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Final

import msgspec
from msgspec import Meta

from seawall.configfile import ConfigStruct, Seconds, Size
from seawall.net.backoff import LONGEST_BACKOFF_S

_LONGEST_TOTAL_S: Final = 25.0  # a call of 30 seconds counts as hung


class _CallSeconds(Seconds):
    most: ClassVar[float] = _LONGEST_TOTAL_S


class _BackoffSeconds(Seconds):
    most: ClassVar[float] = LONGEST_BACKOFF_S


class LimitsFile(ConfigStruct, frozen=True):
    """The mapping ``limits`` of a provider or a judge."""

    timeout_s: _CallSeconds | None = msgspec.field(default=None, name="timeout")
    total_s: _CallSeconds | None = msgspec.field(default=None, name="total")
    retries: Annotated[int, Meta(ge=0, le=5)] | None = None
    backoff_s: _BackoffSeconds | None = msgspec.field(default=None, name="backoff")
    parallel: Annotated[int, Meta(ge=1, le=64)] | None = None
    per_minute: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None
    cost_per_call: Annotated[float, Meta(ge=0)] | None = None
    cost_per_day: Annotated[float, Meta(ge=0)] | None = None
    answer_bytes: Size | None = None
    cache: Annotated[int, Meta(ge=0, le=10_000_000)] = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLimits:
    """Seconds and bytes; the unit of cost is the operator's."""

    timeout_s: float = 5.0  # one attempt
    total_s: float = 20.0  # all requests of one batch of parts, retries included
    retries: int = 2
    backoff_s: float = 0.25  # doubled each time; the actual delay is random, from half to all of it
    parallel: int = 4
    per_minute: int | None = None
    cost_per_call: float = 0.0
    cost_per_day: float | None = None
    answer_bytes: int = 1_000_000

    def but(self, file: LimitsFile) -> CallLimits:
        """A copy with a file's overrides."""
        said = {name: value for name, value in msgspec.structs.asdict(file).items() if value is not None}
        del said["cache"]
        return replace(self, **{name: _plain(value) for name, value in said.items()})


def _plain(value: float) -> Any:
    """A number without the unit parsed with it."""
    return float(value) if isinstance(value, float) else int(value)
