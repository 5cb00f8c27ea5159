"""Combining actions: equal kinds on one subject merge, stronger parameters win, ``remove`` covers lesser actions.

A rule cannot weaken another: adding a rule's actions never lowers a verdict or a parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from seawall.model import ACTIONS, Action, ParameterType, Verdict

_VERDICTS: Final = {"remove": Verdict.BLOCK, "disable": Verdict.BLOCK, "hold": Verdict.HOLD}


def verdict_of(actions: Iterable[Action]) -> Verdict:
    """The verdict implied by actions: ``remove`` or ``disable`` block, otherwise ``hold`` holds, otherwise allow."""
    verdicts = {_VERDICTS.get(action.kind) for action in actions}
    for verdict in (Verdict.BLOCK, Verdict.HOLD):
        if verdict in verdicts:
            return verdict
    return Verdict.ALLOW


def combine(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Merge actions on one item and its actor, in order of first mention; drop those that another one covers."""
    merged: dict[tuple[str, ...], dict[str, str | float]] = {}
    for action in actions:
        key = _identity(action)
        held = merged.get(key)
        merged[key] = dict(action.parameters) if held is None else _stronger(action.kind, held, action.parameters)
    kinds = {key[0] for key in merged}
    covered = frozenset[str]().union(*(ACTIONS[kind].covers for kind in kinds))
    return tuple(Action(key[0], parameters) for key, parameters in merged.items() if key[0] not in covered)


def _identity(action: Action) -> tuple[str, ...]:
    """The key under which actions merge: kind and required strings (reviews merge by queue, tags by name)."""
    required = (parameter.name for parameter in ACTIONS[action.kind].parameters if parameter.required)
    return (action.kind, *(str(action.parameters.get(name, "")) for name in required))


def _stronger(kind: str, held: Mapping[str, str | float], other: Mapping[str, str | float]) -> dict[str, str | float]:
    """The stronger value of each parameter. An omitted duration means "no end", so it is stronger than any other."""
    result: dict[str, str | float] = {}
    for parameter in ACTIONS[kind].parameters:
        a, b = held.get(parameter.name), other.get(parameter.name)
        if parameter.type is ParameterType.DURATION and (a is None or b is None):
            continue
        if isinstance(a, str) or isinstance(b, str) or a is None or b is None:
            first = a if a is not None else b  # strings have no order: keep the first
            if first is not None:
                result[parameter.name] = first
        else:
            result[parameter.name] = max(a, b)
    return result
