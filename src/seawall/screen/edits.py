"""Edits of what a person restricted: the restriction stays until a person has looked at the edit.

Otherwise an author would undo a reviewer's removal by changing one character. Two cases are told apart, by how much of
the restricted revision is still there (``similarity``): a *near-duplicate* inherits the removal, as if it were the same
content; any *other* content is held. In both nothing is restored on the platform, and a person is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import select

from seawall.model import (
    ACTIONS,
    Action,
    ActionSubject,
    Decision,
    DecisionSource,
    Item,
    Modality,
    Reason,
    Signal,
    Unknown,
    UnknownReason,
    Verdict,
)
from seawall.policy import verdict_of
from seawall.screen.artifacts import EvaluationArtifacts, load_artifacts, load_hashes
from seawall.screen.content import decode, fields_name, has_media
from seawall.screen.evaluation import DraftDecision
from seawall.screen.fail_modes import FAIL_MODE_POLICY, strictness
from seawall.screen.item_status import was_undone
from seawall.screen.similarity import EditSimilarity, RevisionContent, compare
from seawall.screen.stored_content import load_decision
from seawall.screen.tables import decision as decision_table
from seawall.storage import Database, Erased, Vault

EDITED_RULE: Final = "edited-after-review"
"""The rule name in the reason that holds other content than a person restricted, until a person looks."""
NEAR_DUPLICATE_RULE: Final = "near-duplicate-after-review"
"""The rule name in the reason that keeps a person's restriction on a near-duplicate."""
EDITS_QUEUE: Final = "edits"
"""The queue of edits of what a person restricted."""
EDIT_SIMILARITY: Final = "edit_similarity"
"""The signal that says how much of the restricted revision an edit has. Its evidence is the person's decision."""

_DETECTOR = "edits"
_VERSION = "1"
_PRIORITY = 0.6
_EVALUATIONS = 8  # of the restricted revision, searched for texts that were read from its files


def keeping_restriction(
    draft: DraftDecision,
    review: Decision,
    item: Item,
    made: EvaluationArtifacts,
    database: Database,
    vault: Vault,
) -> DraftDecision:
    """The draft with what a person's last ``review`` put on the item, and a new review; unchanged if that was nothing.

    What it put on the account stays by itself: it belongs to the revision that was decided.
    """
    restricted = _on_item(review.actions)
    if not restricted:
        return draft
    found = _similarity(database, vault, review, item, made)
    actions = [*restricted, *(action for action in draft.actions if action not in restricted)]
    if not any(action.kind == "review" for action in actions):
        actions.append(Action("review", {"queue": EDITS_QUEUE, "priority": _PRIORITY}))
    verdict = verdict_of(restricted)
    if verdict is Verdict.BLOCK and not found.near:
        verdict = Verdict.HOLD  # other content: not removed, and not visible before a person has looked
    rule = NEAR_DUPLICATE_RULE if found.near else EDITED_RULE
    return msgspec.structs.replace(
        draft,
        verdict=max(draft.verdict, verdict, key=strictness),
        actions=tuple(actions),
        reasons=(*review.reasons, *draft.reasons, Reason(policy=FAIL_MODE_POLICY, rule=rule, harm="terms")),
        signals=(*draft.signals, *_signals(found, review)),
        unknown=(*draft.unknown, *_unknown(found)),
    )


class EditComparison(msgspec.Struct, frozen=True, kw_only=True):
    """What an edit has to do with the revision that a person restricted, by the record of its decision.

    ``similarity``: see ``similarity.compare``; None: it could not be compared, for the reason in ``missing``.
    """

    decision: str
    reviewer: str | None
    at: int
    revision: int
    actions: tuple[str, ...]
    near_duplicate: bool
    similarity: float | None
    part: str
    missing: str

    @property
    def summary(self) -> str:
        """In words: "near-duplicate (0.97) of revision 1, which a person restricted: remove"."""
        figure = "not comparable" if self.similarity is None else f"{self.similarity:.2f} of it in the {self.part}"
        what = "near-duplicate" if self.near_duplicate else "changed"
        return f"{what} ({figure}): revision {self.revision} was restricted by a person ({', '.join(self.actions)})"


def edit_of(database: Database, decision: Decision) -> EditComparison | None:
    """What a decision says about the restricted revision that it is an edit of; None when it is no such edit."""
    rules = {reason.rule for reason in decision.reasons if reason.policy == FAIL_MODE_POLICY}
    if not rules & {EDITED_RULE, NEAR_DUPLICATE_RULE}:
        return None
    made, of = decision_table.c, decision_table.alias("of").c
    earlier = (made.item == of.item) & (made.seq < of.seq) & (of.id == decision.id)
    reviews = select(made.id).where(earlier, made.source == DecisionSource.REVIEW.value)
    reviews = reviews.where(~was_undone(decision_table)).order_by(made.seq.desc())
    with database.read() as connection:
        review = load_decision(database, connection.execute(reviews.limit(1)).scalar_one())
    signal = next((each for each in decision.signals if each.detector == _DETECTOR), None)
    missing = next((each for each in decision.unknown if each.detector == _DETECTOR), None)
    return EditComparison(
        decision=review.id,
        reviewer=review.reviewer,
        at=review.at,
        revision=review.item.revision,
        actions=tuple(action.kind for action in _on_item(review.actions)),
        near_duplicate=NEAR_DUPLICATE_RULE in rules,
        similarity=signal.value if signal is not None else None,
        part=signal.part if signal is not None else "",
        missing=missing.detail if missing is not None else "",
    )


def _on_item(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    kinds = {name: ACTIONS[name] for name in {action.kind for action in actions}}
    return tuple(
        action
        for action in actions
        if kinds[action.kind].subject is ActionSubject.ITEM and kinds[action.kind].inverse is not None
    )


def _signals(found: EditSimilarity, review: Decision) -> Iterator[Signal]:
    if found.value is not None:
        yield Signal(
            name=EDIT_SIMILARITY,
            value=found.value,
            part=found.part,
            detector=_DETECTOR,
            version=_VERSION,
            evidence=review.id,
            distance=found.distance,
        )


def _unknown(found: EditSimilarity) -> Iterator[Unknown]:
    if found.missing:
        yield Unknown(detector=_DETECTOR, part="", reason=UnknownReason.UNREADABLE, detail=found.missing)


def _similarity(
    database: Database, vault: Vault, review: Decision, item: Item, made: EvaluationArtifacts
) -> EditSimilarity:
    """How much of what the person restricted is in the item. Reads the vault: for the few edits of such items only."""
    ref, revision = review.item.ref, review.item.revision
    try:
        stored = decode(vault.open(ref, fields_name(revision)))
        hashes = load_hashes(vault, ref, revision)
    except (Erased, KeyError):
        return EditSimilarity(missing="what was restricted is no longer kept")
    media = any(isinstance(value, dict) for value in stored.fields.values())
    old = [*written_texts(stored.fields), *(_read_from_files(database, vault, ref, revision) if media else ())]
    new = [
        *written_texts(item.fields),
        *(part.text for part in made.derived.parts if part.text and _is_text(part.modality)),
    ]
    return compare(RevisionContent(old, hashes, media), RevisionContent(new, made.hashes, has_media(item)))


def written_texts(fields: Mapping[str, Any]) -> Iterator[str]:
    """The texts among the fields, in the order of their names."""
    for _, value in sorted(fields.items()):
        if isinstance(value, str):
            yield value
        elif isinstance(value, list | tuple):
            yield from (each for each in value if isinstance(each, str))


def _read_from_files(database: Database, vault: Vault, ref: str, revision: int) -> Iterator[str]:
    """The texts that extractors read from the files of one revision: those of its last evaluation that read any."""
    here = (decision_table.c.item == ref) & (decision_table.c.revision == revision)
    query = select(decision_table.c.id).where(here).order_by(decision_table.c.seq.desc()).limit(_EVALUATIONS)
    with database.read() as connection:
        decisions = connection.execute(query).scalars().all()
    for artifacts in load_artifacts(vault, ref, decisions).values():
        if texts := [part.text for part in artifacts.parts if part.text and _is_text(part.modality)]:
            yield from texts
            return


def _is_text(modality: Modality) -> bool:
    return modality is Modality.TEXT
