"""What a look leaves in the vault: prints, by which later bank entries find the item, and what came of its media."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import insert, select, update

from seawall.detect import Findings
from seawall.model import ItemRef, Modality, Part, Print, Span
from seawall.screen.tables import item_prints
from seawall.storage import Erased, Transaction, Vault

_MEDIA = frozenset({Modality.IMAGE, Modality.AUDIO, Modality.VIDEO})


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedPart:
    """A part that was derived from media, as the vault keeps it: texts with their words, media by its place alone."""

    path: str
    modality: Modality
    field: str
    parent: str
    text: str | None = None
    span: Span | None = None


_ENCODER = msgspec.json.Encoder()
_PRINTS = msgspec.json.Decoder(tuple[Print, ...])
_DERIVED = msgspec.json.Decoder(tuple[DerivedPart, ...])


def prints_name(revision: int) -> str:
    """Name of the vault entry that holds the prints of one revision: a JSON list of ``Print``."""
    return f"prints/{revision}"


def derived_name(decision: str) -> str:
    """Name of the vault entry that holds what was derived for one decision: a JSON list of ``DerivedPart``."""
    return f"derived/{decision}"


def seal_traces(tx: Transaction, decision: str, ref: ItemRef, findings: Findings, *, first: bool) -> None:
    """Seal what a look found. ``first``: nothing can have been sealed for this revision yet."""
    derived = derived_parts(findings.parts)
    if derived:
        tx.seal(ref.ref, derived_name(decision), _ENCODER.encode(derived))
    if findings.prints:
        _seal_prints(tx, ref, findings.prints, first)


def derived_parts(parts: Sequence[Part]) -> tuple[DerivedPart, ...]:
    """Those that come from media; a link in a written text is found again in that text."""
    roots = {part.path for part in parts if part.parent is None and part.modality in _MEDIA}
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
        )
        for part in parts
        if part.parent is not None and part.path.partition(">")[0] in roots
    )


def load_prints(vault: Vault, ref: str, revision: int) -> tuple[Print, ...]:
    """The prints of one revision; none were taken: empty. Raises ``Erased``."""
    try:
        return _PRINTS.decode(vault.open(ref, prints_name(revision)))
    except KeyError:
        return ()


def load_derived(vault: Vault, ref: str, decision: str) -> tuple[DerivedPart, ...]:
    """What was derived from the item's media for one decision; nothing, or erased: empty."""
    try:
        return _DERIVED.decode(vault.open(ref, derived_name(decision)))
    except (Erased, KeyError):
        return ()


def _seal_prints(tx: Transaction, ref: ItemRef, prints: Sequence[Print], first: bool) -> None:
    """A later look replaces what an earlier one sealed, unless it saw less."""
    kinds = {each.kind for each in prints}
    row = {"item": ref.ref, "revision": ref.revision, "kinds": ",".join(sorted(kinds)), "at": tx.at}
    here = (item_prints.c.item == ref.ref) & (item_prints.c.revision == ref.revision)
    if first:
        tx.insert(item_prints, row)
    else:
        known = tx.execute(select(item_prints.c.kinds).where(here)).scalar()
        if known is None:
            tx.execute(insert(item_prints).values(row))
        elif kinds >= set(known.split(",")):
            tx.execute(update(item_prints).where(here).values(row))
        else:
            return
    tx.seal(ref.ref, prints_name(ref.revision), _ENCODER.encode(prints))
