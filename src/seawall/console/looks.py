"""One look at one revision of an item: its content, the decision about it, and why it was so decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seawall.app import App
from seawall.console import in_force
from seawall.console.contents import FieldView, field_views
from seawall.model import Decision, ItemRef, Signal
from seawall.policy import Explanation
from seawall.screen import load_decision, read_content
from seawall.storage import Erased


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalView:
    """A signal and how its value is to be read."""

    signal: Signal
    kind: str  # probability (calibrated) | score | count | distance | unknown to this version


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """All of it. ``erased``: the content's key was destroyed, and nothing can bring it back."""

    item: ItemRef
    platform_id: str | None
    actor: str | None  # the account's id on the platform
    fields: Sequence[FieldView]
    actor_attributes: Mapping[str, object]
    language: str | None
    erased: bool
    decision: Decision | None
    explanation: Explanation | None
    signals: Sequence[SignalView]


def look(app: App, item: ItemRef, decision_id: str | None, *, whole: bool = False) -> Look:
    """Gather it. ``whole``: long texts are not cut."""
    decision = load_decision(app.database, decision_id) if decision_id else None
    signals = tuple(decision.signals) if decision else ()
    content_type = in_force.content_types(app).get(item.content_type)
    views: Sequence[FieldView] = ()
    attributes: Mapping[str, object] = {}
    platform_id = actor = language = None
    erased = False
    try:
        content = read_content(app.vault, item.ref, item.revision)
        platform_id = app.vault.platform_id(item.ref)
        if decision is not None and decision.actor is not None:
            actor = app.vault.platform_id(decision.actor)
        attributes, language = content.actor_attributes, content.language
        views = field_views(content_type, content, signals, whole=whole) if content_type else ()
    except (Erased, KeyError):
        erased = True
    return Look(
        item=item,
        platform_id=platform_id,
        actor=actor,
        fields=views,
        actor_attributes=attributes,
        language=language,
        erased=erased,
        decision=decision,
        explanation=explain(app, decision),
        signals=_signal_views(app, signals),
    )


def explain(app: App, decision: Decision | None) -> Explanation | None:
    """Why; None for a person's decision, and when what it read was erased or its bundle is not at hand."""
    if decision is None:
        return None
    try:
        return app.explain(decision.id)[1]
    except (Erased, LookupError):
        return None


def _signal_views(app: App, signals: Sequence[Signal]) -> tuple[SignalView, ...]:
    kinds = in_force.signal_kinds(app)
    views = [SignalView(signal=one, kind=kinds.get((one.detector, one.name), "not in force")) for one in signals]
    return tuple(sorted(views, key=lambda view: (view.kind != "probability", view.kind != "score", -view.signal.value)))
