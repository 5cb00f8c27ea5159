"""The rows that rules would read today of items that were decided before, made from what is stored.

No detector is asked again. A value that is not stored is computed from the stored content where that is all it reads;
otherwise it is unknown, with the reason, and never false.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, Final

from seawall.content import parts_of
from seawall.detectors.text.model.classifier import FIRST_TIER
from seawall.model import UNKNOWN, ContentType, Decision, FeatureValue, Item, Modality, now_ms
from seawall.policy import Bundle, BundleUnreadable, Context, Feature, Program, PublishedBundles
from seawall.policy.features import row_builder
from seawall.policy.prohibitions import texts_withheld
from seawall.policy.tree import FeatureOrigin
from seawall.review.queries import answers_after
from seawall.screen.past_evaluations import PastEvaluation, past_evaluations
from seawall.screen.queries import decisions_by_id
from seawall.screen.unasked import unasked
from seawall.storage import Database, Vault

_PAGE: Final = 1_000
_ANSWERS: Final = ("violates", "does_not_violate")

NOT_ASKED: Final = "no detector was asked for it then"
NOT_COUNTED: Final = "counters are not counted again"
NOT_MEASURED: Final = "it was measured roughly: no rule told values below its threshold apart then"
NOT_PLACED: Final = "the account's place in the canary rule is not stored"
NO_WORDS: Final = "the creator's words of then are not stored"
ERASED: Final = "the content is erased, or its retention ended"
DERIVED: Final = "it reads what was read from files, which are not read again"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRow:
    """One item as rules read it. ``missing``: features that are unknown because nothing is stored, with the reason."""

    content_type: str
    row: dict[str, FeatureValue]
    missing: Mapping[str, str] = field(default_factory=dict)
    rough: Mapping[str, float] = field(default_factory=dict)  # measured so: only known to be below this
    language: str | None = None
    actor: str | None = None
    age_s: float | None = None  # of the account
    snoozed: tuple[str, ...] = ()
    overlays: tuple[str, ...] = ()  # creators' overlays that were on
    label: bool | None = None  # what a person answered: it violates a policy
    item: str = ""  # surrogate; of a file: the row's number
    revision: int = 0
    decision: str = ""


Batches = Iterator[Sequence[PastRow]]


class StoredRows:
    """Reads history in pages, newest first, as rows with the features that two bundles read.

    ``hidden``: those of some items that the reader of the report may not see. They are not read, so that no draft can
    tell what is in them.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        published: PublishedBundles,
        bundles: Sequence[Bundle],
        *,
        since: int,
        hidden: Callable[[Collection[str]], Collection[str]] = lambda items: (),
    ) -> None:
        self._database = database
        self._vault = vault
        self._published = published
        self._bundles = bundles
        self._since = since
        self._hidden = hidden
        self._programs: dict[tuple[str, str, tuple[str, ...]], Program | None] = {}
        self._builders: dict[tuple[Feature, ...], Callable[[Context], Mapping[str, FeatureValue]]] = {}

    def batches(self) -> Batches:
        """Every page; in memory is one at a time."""
        before: int | None = None
        while True:
            page = past_evaluations(self._database, self._vault, since=self._since, before=before, limit=_PAGE)
            if not page:
                return
            before = page[-1].seq
            hidden = frozenset(self._hidden([each.decision.item.ref for each in page]))
            seen = [each for each in page if each.decision.item.ref not in hidden]
            labels = self._labels(seen)
            yield [row for each in seen if (row := self._row(each, labels)) is not None]

    def _labels(self, page: Sequence[PastEvaluation]) -> dict[tuple[str, int], bool]:
        """The newest standing answer about a revision."""
        found: dict[tuple[str, int], bool] = {}
        with self._database.read() as connection:
            answers = answers_after(connection, [each.decision.item.ref for each in page], _ANSWERS)
            made = decisions_by_id(connection, sorted({one.decision for each in answers.values() for one in each}))
        for item, given in answers.items():
            for one in given:
                if one.decision in made:
                    found[item, made[one.decision].revision] = one.answer == "violates"
        return found

    def _row(self, past: PastEvaluation, labels: Mapping[tuple[str, int], bool]) -> PastRow | None:
        decision = past.decision
        name = decision.item.content_type
        if any(name not in bundle.content_types for bundle in self._bundles):
            return None
        features = features_read(self._bundles, name, decision.overlays)
        row, missing = self._values(past, features)
        rough = self._rough(past, features, row)
        missing |= not_measured(self._bundles[-1].program(name, decision.overlays), features, rough)
        age = row.get("age(actor)", past.row.get("age(actor)"))
        if not isinstance(age, int | float) and past.item is not None:
            age = _age(past)
        return PastRow(
            content_type=name,
            row=row,
            missing=missing,
            rough=rough,
            language=past.language,
            actor=decision.actor,
            age_s=age if isinstance(age, int | float) else None,
            snoozed=decision.snoozed,
            overlays=decision.overlays,
            label=labels.get((decision.item.ref, decision.item.revision)),
            item=decision.item.ref,
            revision=decision.item.revision,
            decision=decision.id,
        )

    def _values(
        self, past: PastEvaluation, features: Mapping[str, Feature]
    ) -> tuple[dict[str, FeatureValue], dict[str, str]]:
        program = self._program(past.decision)
        row: dict[str, FeatureValue] = {}
        missing: dict[str, str] = {}
        wanted: list[Feature] = []
        for name, feature in features.items():
            if name not in past.row:
                reason = _not_stored(feature, past, program)
                if reason is None:
                    wanted.append(feature)
                else:
                    row[name], missing[name] = UNKNOWN, reason
                continue
            row[name] = past.row[name]
            if feature.growing and feature.bound in past.row:
                row[feature.bound] = past.row[feature.bound]
        if wanted:
            row.update(self._computed(past, tuple(wanted)))
        return row, missing

    def _rough(
        self, past: PastEvaluation, features: Mapping[str, Feature], row: Mapping[str, FeatureValue]
    ) -> dict[str, float]:
        """Signals that a classifier measured roughly, because no rule told values below its threshold apart then."""
        rough = {signal.name for signal in past.decision.signals if signal.evidence == FIRST_TIER}
        if not rough:
            return {}
        program = self._program(past.decision)
        found = {}
        for feature in features.values():
            signal, value = str(feature.argument), row[feature.name]
            if feature.growing and signal in rough and isinstance(value, int | float):
                below = inf if program is None else program.thresholds.get(signal, 0.0)
                if value < below:
                    found[feature.name] = below
        return found

    def _computed(self, past: PastEvaluation, features: tuple[Feature, ...]) -> Mapping[str, FeatureValue]:
        bundle = self._bundles[-1]
        content_type: ContentType = bundle.content_types[past.decision.item.content_type]
        item = past.item
        if item is None:  # signals alone are asked for
            item = Item(content_type=content_type.name, id="", fields={})
            parts: Sequence[Any] = ()
        else:
            texts = replace(item, fields={name: value for name, value in item.fields.items() if value != ""})
            parts = [part for part in parts_of(texts, content_type) if part.modality is not Modality.CONTEXT]
        prohibitions = [each for one in self._bundles for each in one.not_permitted]  # a draft permits nothing yet
        build = self._builders.get(features)
        if build is None:
            build = self._builders[features] = row_builder(features, bundle.detectors)
        return build(
            Context(
                item=item,
                parts=parts,
                signals=past.decision.signals,
                unknown=(
                    *past.decision.unknown,
                    *unasked(past.decision, [one.name for one in content_type.fields]),
                    *texts_withheld(prohibitions, item, content_type, now_ms()),
                ),
                now_ms=past.decision.at,
            )
        )

    def _program(self, decision: Decision) -> Program | None:
        """The rules that decided then; None when this version cannot read them."""
        key = decision.bundle or "", decision.item.content_type, decision.overlays
        if key not in self._programs:
            try:
                self._programs[key] = self._published.load(key[0]).program(key[1], decision.overlays)
            except (BundleUnreadable, KeyError):
                self._programs[key] = None
        return self._programs[key]


def features_read(bundles: Sequence[Bundle], content_type: str, overlays: tuple[str, ...] = ()) -> dict[str, Feature]:
    """Every feature that the rules of some bundle read of a content type, by name; ``overlays``: the creators'."""
    return {each.name: each for bundle in bundles for each in bundle.program(content_type, overlays).features}


def not_measured(draft: Program, features: Mapping[str, Feature], rough: Mapping[str, float]) -> dict[str, str]:
    """The features that were measured too roughly for the draft's rules, with that reason."""
    lowest = draft.thresholds
    coarse = [name for name, below in rough.items() if lowest.get(str(features[name].argument), below) < below]
    return dict.fromkeys(coarse, NOT_MEASURED)


def _not_stored(feature: Feature, past: PastEvaluation, program: Program | None) -> str | None:
    """Why a feature that is not stored cannot be computed again, or None."""
    if feature.counter is not None:
        return NOT_COUNTED
    if feature.growing or feature.origin is FeatureOrigin.UNANSWERABLE:
        asked = program is not None and str(feature.argument) in program.signals | program.shadow_signals
        return None if asked else NOT_ASKED
    if feature.origin is FeatureOrigin.NOW:
        return None
    if feature.origin is FeatureOrigin.CANARY:
        return NOT_PLACED
    if feature.origin is FeatureOrigin.CREATOR_WORDS:
        return NO_WORDS
    if past.item is None:
        return ERASED
    return DERIVED if feature.of_all_texts and past.has_media else None


def _age(past: PastEvaluation) -> float | None:
    assert past.item is not None
    created = past.item.actor_attributes.get("created_at")
    return max(past.decision.at - created, 0) / 1000 if isinstance(created, int) else None
