"""Encrypted artifacts of an evaluation: hashes, by which later bank entries find the item, and derived parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import insert, select, update

from seawall.detect import Findings
from seawall.model import MEDIA_MODALITIES, ItemRef, Modality, Part, PartHash, Signal, Span
from seawall.screen.tables import item_hashes
from seawall.storage import Transaction, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedPart:
    """A part derived from media, as stored in the vault: texts with their words, media by path and span only."""

    path: str
    modality: Modality
    field: str
    parent: str
    text: str | None = None
    span: Span | None = None
    size: tuple[int, int] | None = None  # of a frame: width and height; boxes are in these pixels
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractionRecord:
    """The result of an extractor for a part, reusable by later evaluations; ``gave``: paths of ``DerivedPart``.

    ``reused``: the result of an earlier evaluation was used instead of running the extractor.
    """

    extractor: str
    version: str
    part: str
    content: str
    gave: tuple[str, ...] = ()
    signals: tuple[Signal, ...] = ()
    reused: bool = False


@dataclass(frozen=True, slots=True)
class Artifacts:
    """Artifacts of an item's media in one evaluation."""

    parts: tuple[DerivedPart, ...] = ()
    extractions: tuple[ExtractionRecord, ...] = ()


class EvaluationArtifacts(msgspec.Struct, frozen=True):
    """What is sealed of an evaluation beside its decision: the hashes of its parts, and what its media gave."""

    hashes: tuple[PartHash, ...] = ()
    derived: Artifacts = Artifacts()


NO_ARTIFACTS: Final = EvaluationArtifacts()

_ENCODER = msgspec.json.Encoder()
_HASHES = msgspec.json.Decoder(tuple[PartHash, ...])
_TRACES = msgspec.json.Decoder(Artifacts)


def hashes_name(revision: int) -> str:
    """Name of the vault entry that holds the hashes of one revision: a JSON list of ``PartHash``."""
    return f"hashes/{revision}"


def derived_name(decision: str) -> str:
    """Name of the vault entry with the artifacts of one decision: ``Artifacts`` as JSON."""
    return f"derived/{decision}"


def artifacts_of(findings: Findings, *, has_media: bool) -> EvaluationArtifacts:
    """The artifacts of an evaluation; texts alone have none but hashes."""
    if not has_media and not findings.hashes:
        return NO_ARTIFACTS
    return EvaluationArtifacts(findings.hashes, Artifacts(derived_parts(findings.parts), extractions(findings)))


def seal_artifacts(
    tx: Transaction, decision: str, ref: ItemRef, made: EvaluationArtifacts, *, author: str | None, first: bool
) -> None:
    """Seal the artifacts of an evaluation under the revision's author.

    ``first``: nothing can have been sealed for this revision yet.
    """
    if made.derived.parts or made.derived.extractions:
        tx.seal(ref.ref, derived_name(decision), _ENCODER.encode(made.derived), author)
    if made.hashes:
        _seal_hashes(tx, ref, made.hashes, author, first)


def derived_parts(parts: Sequence[Part]) -> tuple[DerivedPart, ...]:
    """The parts derived from media; a link in a written text can be found in that text again."""
    roots = _media_roots(parts)
    if not roots:
        return ()
    return tuple(
        DerivedPart(
            path=part.path,
            modality=part.modality,
            field=part.field,
            parent=part.parent,
            text=part.text,
            span=part.span,
            size=part.size,
            language=part.language,
        )
        for part in parts
        if part.parent is not None and part.path.partition(">")[0] in roots
    )


def extractions(findings: Findings) -> tuple[ExtractionRecord, ...]:
    """The extractors' results that can be reused."""
    roots = _media_roots(findings.parts) if findings.made else ()
    return tuple(
        ExtractionRecord(
            extractor=made.extractor,
            version=made.version,
            part=made.part,
            content=made.content,
            gave=tuple(part.path for part in made.parts),
            signals=made.signals,
            reused=made.reused,
        )
        for made in findings.made
        if made.part.partition(">")[0] in roots
    )


def _media_roots(parts: Sequence[Part]) -> set[str]:
    return {part.path for part in parts if part.parent is None and part.modality in MEDIA_MODALITIES}


def load_hashes(vault: Vault, ref: str, revision: int) -> tuple[PartHash, ...]:
    """The hashes of one revision; empty when none were computed. Raises ``Erased``."""
    try:
        return read_hashes(vault.open(ref, hashes_name(revision)))
    except KeyError:
        return ()


def read_hashes(sealed: bytes | None) -> tuple[PartHash, ...]:
    """The decoded vault entry; no hashes for None."""
    return () if sealed is None else _HASHES.decode(sealed)


def load_derived(vault: Vault, ref: str, decision: str) -> tuple[DerivedPart, ...]:
    """The parts derived from the item's media for one decision; empty when none, or erased."""
    return load_artifacts(vault, ref, (decision,))[decision].parts


def load_artifacts(vault: Vault, ref: str, decisions: Sequence[str]) -> dict[str, Artifacts]:
    """The artifacts of the item's media by decision; empty when none, or erased."""
    opened = vault.open_many([(ref, derived_name(decision)) for decision in decisions])
    return {decision: read_artifacts(opened.get((ref, derived_name(decision)))) for decision in decisions}


def read_artifacts(sealed: bytes | None) -> Artifacts:
    """The decoded vault entry; empty artifacts for None."""
    return Artifacts() if sealed is None else _TRACES.decode(sealed)


def _seal_hashes(tx: Transaction, ref: ItemRef, hashes: Sequence[PartHash], author: str | None, first: bool) -> None:
    """Replace the hashes of an earlier evaluation, unless this one lacks a kind of hash."""
    kinds = {each.kind for each in hashes}
    row = {"item": ref.ref, "revision": ref.revision, "kinds": ",".join(sorted(kinds)), "at": tx.at}
    here = (item_hashes.c.item == ref.ref) & (item_hashes.c.revision == ref.revision)
    if first:
        tx.insert(item_hashes, row)
    else:
        known = tx.execute(select(item_hashes.c.kinds).where(here)).scalar()
        if known is None:
            tx.execute(insert(item_hashes).values(row))
        elif kinds >= set(known.split(",")):
            tx.execute(update(item_hashes).where(here).values(row))
        else:
            return
    tx.seal(ref.ref, hashes_name(ref.revision), _ENCODER.encode(hashes), author)
