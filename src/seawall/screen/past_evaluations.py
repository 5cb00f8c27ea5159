"""The newest evaluation of each item, newest first in pages, with what is stored of it: for backtests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec
from sqlalchemy import exists, select

from seawall.model import UNKNOWN, Decision, DecisionSource, FeatureValue, Item
from seawall.screen.content import SealedContent, decode, features_name, fields_name
from seawall.screen.events import DECISION_MADE
from seawall.screen.tables import decision as decision_table
from seawall.screen.tables import item as item_table
from seawall.storage import Database, Vault
from seawall.storage.ledger import event

_BY_PEOPLE = (DecisionSource.REVIEW.value, DecisionSource.UNDO.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEvaluation:
    """The newest decision of the rules about one item. ``row``: what is stored of its feature row.

    A value of ``row`` is absent when it was erased; ``item`` is None when its content was.
    """

    seq: int
    decision: Decision
    language: str | None
    row: Mapping[str, FeatureValue]
    item: Item | None  # media files are empty texts: they are not read again
    has_media: bool = False


def past_evaluations(
    database: Database, vault: Vault, *, since: int, before: int | None, limit: int
) -> list[PastEvaluation]:
    """A page of evaluations since then (ms since 1970), newest first: those with numbers below ``before``."""
    later = decision_table.alias("later")
    newer = exists().where(
        later.c.item == decision_table.c.item,
        later.c.seq > decision_table.c.seq,
        later.c.source.not_in(_BY_PEOPLE),
        later.c.bundle.is_not(None),
    )
    query = (
        select(event.c.seq, event.c.version, event.c.body, item_table.c.language)
        .join(decision_table, decision_table.c.seq == event.c.seq)
        .join(item_table, item_table.c.ref == decision_table.c.item)
        .where(decision_table.c.at >= since, decision_table.c.source.not_in(_BY_PEOPLE), ~newer)
        .where(decision_table.c.bundle.is_not(None))
        .order_by(event.c.seq.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(event.c.seq < before)
    with database.read() as connection:
        rows = connection.execute(query).all()
    decided = [(row.seq, row.language, DECISION_MADE.decode(row.version, row.body).decision) for row in rows]
    opened = vault.open_many(_entries(decision for _, _, decision in decided))
    return [_past(seq, language, decision, opened) for seq, language, decision in decided]


def _entries(decisions: Iterable[Decision]) -> Iterable[tuple[str, str]]:
    for decision in decisions:
        yield decision.item.ref, fields_name(decision.item.revision)
        if decision.vault_features:
            yield decision.item.ref, features_name(decision.id)


def _past(
    seq: int, language: str | None, decision: Decision, opened: Mapping[tuple[str, str], bytes]
) -> PastEvaluation:
    row: dict[str, FeatureValue] = dict(decision.features or {})
    row.update(dict.fromkeys(decision.unknown_features, UNKNOWN))
    ref = decision.item.ref
    if (personal := opened.get((ref, features_name(decision.id)))) is not None:
        row.update(msgspec.json.decode(personal))
    sealed = opened.get((ref, fields_name(decision.item.revision)))
    content = None if sealed is None else decode(sealed)
    media = content is not None and any(isinstance(value, dict) for value in content.fields.values())
    return PastEvaluation(
        seq=seq,
        decision=decision,
        language=language,
        row=row,
        item=None if content is None else _without_media(content, decision),
        has_media=media,
    )


def _without_media(content: SealedContent, decision: Decision) -> Item:
    fields = {
        name: "" if isinstance(value, dict) else tuple(value) if isinstance(value, list) else value
        for name, value in content.fields.items()
    }
    return Item(
        content_type=decision.item.content_type,
        id="",
        fields=fields,
        actor_attributes=content.actor_attributes,
        language=content.language,
        created_at=content.created_at,
    )
