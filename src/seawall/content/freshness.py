"""Freshness: attributes of an account that are older than their content type allows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from seawall.model import FieldSpec, Item, Unknown, UnknownReason
from seawall.model.durations import format_duration

_AHEAD_MS: Final = 300_000  # that the platform's clock may be before ours


def stale_attributes(item: Item, specs: Iterable[FieldSpec], at: int) -> tuple[Unknown, ...]:
    """What is unknown because it was measured too long before the item was made (``at``, if that is not told).

    ``specs``: attributes with a limit. One that is absent is absent; one without the time of its measurement is
    unknown, and so is one measured after ``at``: a wrong clock or unit would make it fresh for ever. The moment of the
    item counts, so that what was fresh stays so when the item is screened again.
    """
    moment = at if item.created_at is None else item.created_at
    found = []
    for spec in specs:
        if item.actor_attributes.get(spec.name) is None or spec.as_of is None or spec.fresh_for_s is None:
            continue
        measured = item.actor_attributes.get(spec.as_of)
        why = _why_stale(measured, moment, at, spec)
        if why is not None:
            found.append(Unknown(detector=f"actor.{spec.name}", part="account", reason=UnknownReason.STALE, detail=why))
    return tuple(found)


def _why_stale(measured: Any, moment: int, at: int, spec: FieldSpec) -> str | None:
    assert spec.fresh_for_s is not None
    if not isinstance(measured, int):
        return f"without {spec.as_of}"
    if measured > at + _AHEAD_MS:
        return "of the future"
    if moment - measured > 1000 * spec.fresh_for_s:
        return f"older than {format_duration(float(spec.fresh_for_s))}"
    return None
