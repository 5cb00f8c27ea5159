"""Items that are nearly the same as one item: its text, or its images, sound or video by their hashes.

Contents are encrypted and have no index, so the newest items are read and compared, as a search for words does. What
is compared are their texts and the hashes of their files, by the measure and the limits of ``similarity``. Texts are
what people wrote and what extractors read from files: words in images, speech, the text of documents. The answer says
how many items were looked at, and of how many nobody can say: it never says that there are no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from seawall.match.neartext import NEAR_TEXT_PERCENT, Signature, minhash, similarity
from seawall.model import DecisionSource, Modality
from seawall.screen.artifacts import DerivedPart, derived_name, hashes_name, read_artifacts, read_hashes
from seawall.screen.edits import written_texts
from seawall.screen.queries import ItemRow, get_item
from seawall.screen.similarity import EditSimilarity, RevisionContent, compare, has_words, words_to_compare
from seawall.screen.stored_content import ItemContent, read_contents
from seawall.screen.tables import decision
from seawall.screen.tables import item as table
from seawall.storage import Database, Vault
from seawall.storage.queries import select_in_chunks

MOST_COMPARED: Final = 500
"""The newest items that one item is compared with."""

_LEAST_WORDS: Final = 5  # of a text that is found in a much longer one
_EVALUATIONS: Final = 8  # of one revision, in which texts that were read from its files are looked for


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicateItem:
    """One of them. ``similarity``: 0 to 1, in the ``part`` that has most of the content."""

    item: ItemRow
    similarity: float
    part: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicateResult:
    """What was found, the most similar first. ``unreadable``: erased or past their retention, so nobody can say.

    ``comparable``: whether there is anything to compare, False for an item that is gone itself.
    """

    found: Sequence[NearDuplicateItem]
    looked_at: int
    unreadable: int
    comparable: bool = True


def near_duplicates_of(
    database: Database, vault: Vault, item: str, *, most: int = MOST_COMPARED
) -> NearDuplicateResult:
    """The near-duplicates of an item among the newest ones."""
    with database.read() as connection:
        own = get_item(connection, item)
        query = select(*(table.c[name] for name in ItemRow.__dataclass_fields__)).where(table.c.ref != item)
        newest = query.order_by(table.c.submitted_at.desc(), table.c.ref.desc()).limit(most)
        rows = [ItemRow(**row) for row in connection.execute(newest).mappings()]
    if own is None:
        return NearDuplicateResult(found=(), looked_at=0, unreadable=0, comparable=False)
    contents = _contents(database, vault, [own, *rows])
    old = contents.get(own.ref)
    if old is None or not old.is_comparable:
        return NearDuplicateResult(found=(), looked_at=0, unreadable=0, comparable=False)
    found: list[NearDuplicateItem] = []
    unreadable = 0
    for row in rows:
        new = contents.get(row.ref)
        if new is None:
            unreadable += 1
            continue
        alike = _compare(old, new)
        if alike.near and alike.value is not None:
            found.append(NearDuplicateItem(item=row, similarity=alike.value, part=alike.part))
    found.sort(key=lambda one: -one.similarity)
    return NearDuplicateResult(found=tuple(found), looked_at=len(rows), unreadable=unreadable)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedText:
    """One text to compare: its words, and their MinHash."""

    words: str
    hash: Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedContent:
    """What is compared of an item. ``texts``: what people wrote, what was read from files, and both together."""

    texts: Sequence[ComparedText]
    files: RevisionContent

    @property
    def is_comparable(self) -> bool:
        """Whether it has anything that another item could have too."""
        return bool(self.texts or self.files.hashes)


def _compare(old: ComparedContent, new: ComparedContent) -> EditSimilarity:
    """How much of the old content the new one has, in the part that has most of it."""
    values = [_of_texts(one, other) for one in old.texts for other in new.texts]
    best = max(values, default=0.0)
    in_text = EditSimilarity(near=best >= NEAR_TEXT_PERCENT / 100, value=round(best, 4), part="text")
    return max(compare(old.files, new.files), in_text, key=lambda one: (one.near, one.value or 0.0))


def _of_texts(old: ComparedText, new: ComparedText) -> float:
    """1 when the new text has the old one in it; a few words in a longer text say nothing, "you fool" in a novel."""
    is_telling = len(old.words.split()) >= _LEAST_WORDS or 2 * len(old.words) >= len(new.words)
    if old.words == new.words or (is_telling and has_words(new.words, old.words)):
        return 1.0
    return similarity(old.hash, new.hash)


def _texts(written: Sequence[str], read: Sequence[str]) -> Sequence[ComparedText]:
    """The texts to compare; a few words that were read, such as a watermark, are compared with the rest only."""
    found = dict.fromkeys([words_to_compare(written), words_to_compare([*written, *read])])
    by_themselves = words_to_compare(read)
    if len(by_themselves.split()) >= _LEAST_WORDS:
        found[by_themselves] = None
    return [ComparedText(words=words, hash=minhash(words)) for words in found if words]


def _contents(database: Database, vault: Vault, rows: Sequence[ItemRow]) -> Mapping[str, ComparedContent]:
    """The contents of the items in their newest revisions, in three readings of the vault; without what is gone."""
    contents = read_contents(vault, {(row.ref, row.revision) for row in rows})
    with_media = [row for row in rows if _media(contents.get((row.ref, row.revision)))]
    sealed = vault.open_many([(row.ref, hashes_name(row.revision)) for row in with_media])
    read = _read_from_files(database, vault, with_media)
    found = {}
    for row in rows:
        content = contents.get((row.ref, row.revision))
        if content is not None:
            hashes = read_hashes(sealed.get((row.ref, hashes_name(row.revision))))
            texts = _texts(list(written_texts(content.fields)), read.get(row.ref, ()))
            found[row.ref] = ComparedContent(texts=texts, files=RevisionContent((), hashes, _media(content)))
    return found


def _read_from_files(database: Database, vault: Vault, rows: Sequence[ItemRow]) -> Mapping[str, list[str]]:
    """What extractors read from the files of the items in their newest revisions, by item.

    It is that of the last evaluation that read any. What a file says about itself (``metadata``) is left out: two
    files that one program wrote are not the same for that.
    """
    revisions = {row.ref: row.revision for row in rows}
    query = select(decision.c.id, decision.c.item, decision.c.revision).order_by(decision.c.seq.desc())
    evaluated = query.where(decision.c.source.notin_([DecisionSource.REVIEW.value, DecisionSource.UNDO.value]))
    wanted: dict[str, list[str]] = {}
    with database.read() as connection:
        for made in select_in_chunks(connection, evaluated, decision.c.item, sorted(revisions)):
            those = wanted.setdefault(made.item, [])
            if made.revision == revisions[made.item] and len(those) < _EVALUATIONS:
                those.append(made.id)
    names = [(ref, derived_name(one)) for ref, those in wanted.items() for one in those]
    sealed = vault.open_many(names)
    found: dict[str, list[str]] = {}
    for ref, name in names:
        parts = read_artifacts(sealed.get((ref, name))).parts if ref not in found else ()
        if texts := [one.text for one in parts if one.text and _is_content(one)]:
            found[ref] = texts
    return found


def _is_content(part: DerivedPart) -> bool:
    return part.modality is Modality.TEXT and ">metadata." not in part.path


def _media(content: ItemContent | None) -> bool:
    return content is not None and bool(content.media)
