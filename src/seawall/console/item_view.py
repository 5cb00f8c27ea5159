"""View of one revision of an item: content, decision, and explanation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from seawall.app import App
from seawall.console import active_bundle
from seawall.console.field_views import FieldView, field_views, languages_of
from seawall.console.formats import why_unknown
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.media import MEASURES
from seawall.console.part_locations import PartLocations
from seawall.console.skipped_detectors import SkippedDetectors, skipped_detectors
from seawall.media import UnreadableMedia
from seawall.model import Decision, DecisionSource, ItemRef, Signal, SpanUnit, Unknown, UnknownReason, is_account
from seawall.policy import BundleUnreadable, Explanation, RuleExplanation
from seawall.screen import (
    DerivedPart,
    EditComparison,
    ItemContent,
    edit_of,
    load_decision,
    load_derived,
    media_bytes,
    read_content,
)
from seawall.screen.queries import get_item, last_evaluation
from seawall.storage import Erased

# Codes that the templates show in words: the catalogues know them from here.
_VERDICTS = (marked("allow"), marked("hold"), marked("block"))
_FAIL_MODES = (marked("allow and rescreen"), marked("fail-mode-hold"), marked("fail-mode-block"))
_EDITS = (marked("edited-after-review"), marked("near-duplicate-after-review"))
_NOT_COMPARED = (
    marked("the earlier files have no hashes"),
    marked("the new files have no hashes yet"),
    marked("what was restricted is no longer kept"),
)
_UNREAD = (  # what decoders say of files, in ``why_unknown``
    *(marked("damaged"), marked("metadata damaged"), marked("entities"), marked("no sound")),
    *(marked("not a document"), marked("not an image"), marked("not media"), marked("too long")),
    *(marked("too many bytes"), marked("too many channels"), marked("too many frames"), marked("too many images")),
    *(marked("too many pixels"), marked("too many scans"), marked("too many streams"), marked("too many characters")),
    *(marked("too many elements"), marked("too many links"), marked("too many notes"), marked("too many operators")),
    *(marked("too many pages"), marked("too much metadata"), marked("unknown codec"), marked("unknown colours")),
    *(marked("unknown encoding"), marked("unknown format"), marked("image unread"), marked("image unreadable")),
    *(marked("thumbnail unread"), marked("channel unheard"), marked("track unread"), marked("xfa form")),
    *(marked("busy"), marked("crashed"), marked("closed"), marked("no start")),
    *(marked("time limit"), marked("reply limit")),
)
_SOURCES = (
    *(marked("screen"), marked("late"), marked("rescreen"), marked("retro match"), marked("review"), marked("undo")),
)
_STAGES = (marked("pre publish"), marked("post publish"))
_KINDS = (marked("probability"), marked("score"), marked("count"), marked("distance"), marked("not in force"))
_MODES = (marked("shadow"),)
_PARAMETERS = (marked("for"), marked("text"), marked("weight"), marked("queue"), marked("priority"), marked("name"))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalView:
    """A signal and the kind of its value."""

    signal: Signal
    place: str  # where in the item, in words: "clip, 3.0–6.0 s, words"
    language: str  # of the text there; empty: not a text, or cannot be told
    seek: tuple[str, float] | None  # field with a player, and the time in seconds to seek to
    kind: str  # probability (calibrated) | score | count | distance | unknown to this version


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownView:
    """The detectors that did not answer about one part, and the reason."""

    detectors: Sequence[str]
    place: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingValue:
    """Why a feature has no value: detectors that did not answer, and those that are asked after publication."""

    unknown: Sequence[UnknownView]
    later: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """View model of one item revision. ``erased``: its key was destroyed, so the content cannot be restored."""

    item: ItemRef
    platform_id: str | None
    actor: str | None  # the account's id on the platform
    actor_ref: str | None  # its surrogate
    fields: Sequence[FieldView]
    actor_attributes: Mapping[str, object]
    language: str | None
    erased: bool
    decision: Decision | None
    evaluation: Decision | None  # the machine's decision whose findings are shown; for a person's: the last one before
    explanation: Explanation | None
    edit: EditComparison | None  # of what a person restricted
    unexplained: str  # why there is no explanation of a decision that rules made
    signals: Sequence[SignalView]
    unknown: Sequence[UnknownView]
    skipped: SkippedDetectors
    silences: Mapping[str, MissingValue]  # by feature

    def is_waiting(self, rule: RuleExplanation) -> bool:
        """Whether a rule is undetermined only because of detectors that are asked after publication."""
        found = [self.silences[feature.name] for feature in rule.features if feature.name in self.silences]
        return bool(found) and all(one.later and not one.unknown for one in found)


def item_view(
    app: App, item: ItemRef, decision_id: str | None, *, whole: bool = False, blind: bool = False
) -> ItemView:
    """Load the view. ``whole``: long texts are not cut.

    ``blind``: with what the evaluation read in files (words, speech), and without anything that it found or decided.
    """
    made = load_decision(app.database, decision_id) if decision_id else None
    if is_account(item.ref):
        return _account_view(app, item, made)
    evaluated = evaluation_of(app, made) if made is not None else None
    decision, evaluation = (None, None) if blind else (made, evaluated)
    signals = tuple(evaluation.signals) if evaluation else ()
    content_type = active_bundle.content_types(app).get(item.content_type)
    views: Sequence[FieldView] = ()
    languages: Mapping[str, str] = {}
    attributes: Mapping[str, object] = {}
    platform_id = actor = language = None
    actor_ref = made.actor if made is not None else _actor_of(app, item)
    erased = False
    derived = load_derived(app.vault, item.ref, evaluated.id) if evaluated is not None else ()
    try:
        content = read_content(app.vault, item.ref, item.revision)
        platform_id = app.vault.platform_id(item.ref)
        if actor_ref is not None:
            actor = app.vault.platform_id(actor_ref)
        attributes, language = content.actor_attributes, content.language
        sizes = _sizes(app, item, content, derived)
        views = (
            field_views(content_type, content, signals, whole=whole, derived=derived, sizes=sizes)
            if content_type
            else ()
        )
        languages = languages_of(content_type, content, derived) if content_type else {}
    except (Erased, KeyError):
        erased = True
    players = {view.name for view in views if view.media is not None and view.media.type in ("audio", "video")}
    (explanation, unexplained), places = explain(app, evaluation), PartLocations(derived)
    return ItemView(
        item=item,
        platform_id=platform_id,
        actor=actor,
        actor_ref=actor_ref,
        fields=views,
        actor_attributes=attributes,
        language=language,
        erased=erased,
        decision=decision,
        evaluation=evaluation,
        explanation=explanation,
        edit=edit_of(app.database, evaluation) if evaluation is not None else None,
        unexplained=unexplained,
        signals=_signal_views(app, signals, places, languages, players),
        unknown=_unknown_views(evaluation.unknown if evaluation else (), places),
        skipped=skipped_detectors(evaluation, places, app.runner.score_ranges, app.runner.specs)
        if evaluation
        else SkippedDetectors(),
        silences=_silences(explanation, places) if explanation else {},
    )


def _account_view(app: App, account: ItemRef, decision: Decision | None) -> ItemView:
    """An account has no content, and no detector says anything about it: only people decide about it."""
    try:
        platform_id, erased = app.vault.platform_id(account.ref), False
    except (Erased, KeyError):
        platform_id, erased = None, True
    return ItemView(
        item=account,
        platform_id=platform_id,
        actor=platform_id,
        actor_ref=account.ref,
        fields=(),
        actor_attributes={},
        language=None,
        erased=erased,
        decision=decision,
        evaluation=None,
        explanation=None,
        edit=None,
        unexplained="",
        signals=(),
        unknown=(),
        skipped=SkippedDetectors(),
        silences={},
    )


def evaluation_of(app: App, decision: Decision) -> Decision | None:
    """The decision itself, or the machine's last one about the revision that a person decided."""
    if decision.source not in (DecisionSource.REVIEW, DecisionSource.UNDO):
        return decision
    with app.database.read() as connection:
        found = last_evaluation(connection, decision.item.ref, decision.item.revision, decision.id)
    return None if found is None else load_decision(app.database, found)


def _actor_of(app: App, item: ItemRef) -> str | None:
    """The account of an item that was not decided yet."""
    with app.database.read() as connection:
        row = get_item(connection, item.ref)
    return None if row is None else row.actor


def explain(app: App, decision: Decision | None) -> tuple[Explanation | None, str]:
    """The explanation, or None and the reason why there is none (empty for a person's decision)."""
    if decision is None:
        return None, ""
    try:
        return app.explain(decision.id)[1], ""
    except Erased:
        return None, _("The content behind this decision was erased, so it cannot be explained further.")
    except (BundleUnreadable, LookupError) as error:
        return None, _("This decision cannot be explained further. %(why)s") % {"why": error.args[0]}


def _sizes(
    app: App, item: ItemRef, content: ItemContent, derived: Sequence[DerivedPart]
) -> Mapping[str, tuple[int, int]]:
    """Width and height of the images in which something was found at a place."""
    sizes = {}
    for name in {part.parent for part in derived if part.span is not None and part.span.box is not None}:
        if name in content.media and content.media[name].type == "image":
            size = app.media.size(media_bytes(app.vault, app.blobs, item.ref, item.revision, name)[1])
            if not isinstance(size, UnreadableMedia):
                sizes[name] = size
    return sizes


def _signal_views(
    app: App,
    signals: Sequence[Signal],
    places: PartLocations,
    languages: Mapping[str, str],
    players: Collection[str],
) -> tuple[SignalView, ...]:
    kinds = active_bundle.signal_kinds(app)
    views = [
        SignalView(
            signal=one,
            place=places.of(one.part, one.span),
            language=languages.get(one.part, ""),
            seek=_seek(one, places) if one.part.partition(">")[0] in players else None,
            kind=kinds.get((one.detector, one.name), "not in force"),
        )
        for one in signals
    ]
    return tuple(
        sorted(
            views,
            key=lambda view: (
                view.kind not in ("probability", "score") or view.signal.name in MEASURES,
                -view.signal.value,
            ),
        )
    )


def _seek(signal: Signal, places: PartLocations) -> tuple[str, float] | None:
    inside = places.seconds(signal.part)
    start = inside[0] if inside else 0.0
    if signal.span is not None and signal.span.unit is SpanUnit.SECONDS:
        return signal.part.partition(">")[0], start + signal.span.start
    return None if inside is None else (signal.part.partition(">")[0], start)


def _unknown_views(unknown: Sequence[Unknown], places: PartLocations) -> tuple[UnknownView, ...]:
    """Detectors that did not answer, grouped by part and reason, without those that are asked after publication."""
    together: dict[tuple[str, str], list[str]] = {}
    for one in unknown:
        if one.reason is not UnknownReason.LATER:
            together.setdefault((places.of(one.part), why_unknown(one)), []).append(one.detector)
    return tuple(
        UnknownView(detectors=tuple(dict.fromkeys(names)), place=place, why=why)
        for (place, why), names in together.items()
    )


def _silences(explanation: Explanation, places: PartLocations) -> Mapping[str, MissingValue]:
    found = {}
    for feature in (feature for rule in explanation.rules for feature in rule.features if feature.silent):
        later = dict.fromkeys(one.detector for one in feature.silent if one.reason is UnknownReason.LATER)
        found[feature.name] = MissingValue(unknown=_unknown_views(feature.silent, places), later=tuple(later))
    return found
