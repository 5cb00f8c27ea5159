"""Cache of extractors' results from earlier evaluations of an item, so that later ones need not run them again.

Texts, links and empty results are kept in the item's own vault entries, so that erasing the item erases them. Frames
and audio are not: they are extracted in every evaluation. A changed extractor version, content or language, and
results that stayed unknown, are extracted again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import select

from seawall.detect import CachedExtraction, ExtractionCache
from seawall.model import Part
from seawall.screen.artifacts import Artifacts, DerivedPart, ExtractionRecord, load_artifacts
from seawall.screen.tables import decision
from seawall.storage import Database, Vault

_EVALUATIONS: Final = 8  # searched: an edit's first evaluation asks fewer extractors than the last one
_DECISIONS = select(decision.c.id).order_by(decision.c.seq.desc()).limit(_EVALUATIONS)


def load_extractions(database: Database, vault: Vault, ref: str) -> ExtractionCache:
    """Extractors' results of the last evaluations of an item, of any revision; empty when none, or erased."""
    with database.read() as connection:
        ids = connection.execute(_DECISIONS.where(decision.c.item == ref)).scalars().all()
    memory: dict[tuple[str, str, str], CachedExtraction] = {}
    for traces in load_artifacts(vault, ref, ids).values() if ids else ():
        for made in _made(traces):
            memory.setdefault(made.key, made)  # the newest wins
    return memory


def _made(traces: Artifacts) -> list[CachedExtraction]:
    parts = {part.path: part for part in traces.parts}
    return [_whole(each, parts) for each in traces.extractions if parts.keys() >= set(each.gave)]


def _whole(made: ExtractionRecord, parts: Mapping[str, DerivedPart]) -> CachedExtraction:
    given = (parts[path] for path in made.gave)
    return CachedExtraction(
        extractor=made.extractor,
        version=made.version,
        part=made.part,
        content=made.content,
        parts=tuple(
            Part(
                path=each.path,
                modality=each.modality,
                field=each.field,
                text=each.text,
                language=each.language,
                parent=each.parent,
                span=each.span,
            )
            for each in given
        ),
        signals=made.signals,
    )
