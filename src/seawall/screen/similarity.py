"""Whether an edit is a near-duplicate of the revision that a person restricted, or other content.

Texts: both are normalised as the detectors read them (``content.normalise``) and cut into words. The similarity is 1
when they are equal or the new one still has all of the old one in it; else the share of 5-grams that they have in
common (Jaccard: those in both / those in either), estimated as for ``near_text`` entries of banks, with their limit.
Images: 1 - d / 256, d the Hamming distance of their PDQ hashes, with the banks' radius. Videos: the share of the old
one's frames that have a near frame in the new one. Sound: 1 - the share of bits in which the best common stretch of the
Chromaprints differs. Any file: 1 when its digest is the same.

Content of which any text, image or sound is a near-duplicate is one: what was removed is still in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from seawall.content.normalise import normalise
from seawall.match.audio import AudioIndex
from seawall.match.entries import LEAST_ITEMS, words_of
from seawall.match.neartext import NEAR_TEXT_PERCENT, minhash, similarity
from seawall.match.pdq import PDQ_RADIUS
from seawall.match.video import VIDEO_PERCENT
from seawall.model import PartHash

_LONGEST: Final = 20_000  # characters of a text that are compared, as in ``match.neartext``
_LEAST_KEPT: Final = 4  # characters of an old text from which finding it in the new one means something
_MOST_FRAMES: Final = 256  # of each video
_PDQ_BITS: Final = 256


class RevisionContent(msgspec.Struct, frozen=True):
    """What is compared of a revision: its texts, written and read from files, and the hashes of its parts."""

    texts: Sequence[str]
    hashes: Sequence[PartHash] = ()
    has_media: bool = False


class EditSimilarity(msgspec.Struct, frozen=True):
    """How much of the old content is in the new one: 0 to 1, in the ``part`` that has most of it.

    ``value`` None: nothing could be compared. ``distance``: of two images. ``missing``: what could not be compared.
    """

    near: bool = False
    value: float | None = None
    part: str = ""
    distance: int | None = None
    missing: str = ""


def compare(old: RevisionContent, new: RevisionContent) -> EditSimilarity:
    """How similar the new content is to the old."""
    found = [*_texts(old.texts, new.texts), *_files(old.hashes, new.hashes)]
    missing = ""
    if old.has_media and not old.hashes:
        missing = "the earlier files have no hashes"
    elif old.has_media and new.has_media and not new.hashes:
        missing = "the new files have no hashes yet"
    best = max(found, key=lambda one: (one.near, one.value or 0.0), default=EditSimilarity())
    return msgspec.structs.replace(best, missing=missing)


def _texts(old: Iterable[str], new: Iterable[str]) -> list[EditSimilarity]:
    before, after = words_to_compare(old), words_to_compare(new)
    if not before:
        return []
    value = 1.0 if has_words(after, before) else similarity(minhash(before), minhash(after)) if after else 0.0
    return [EditSimilarity(value >= NEAR_TEXT_PERCENT / 100, round(value, 4), "text")]


def has_words(text: str, part: str) -> bool:
    """Whether all of ``part`` stands in ``text``; both are words as ``words_to_compare`` gives them."""
    return text == part or (len(part) >= _LEAST_KEPT and f" {part} " in f" {text} ")


def words_to_compare(texts: Iterable[str]) -> str:
    """The words of texts as the detectors read them, with a space between two."""
    return " ".join(word[0] for word in words_of(normalise("\n".join(texts)[:_LONGEST]).text))


def _files(old: Sequence[PartHash], new: Sequence[PartHash]) -> list[EditSimilarity]:
    found = []
    after = _by_kind(new)
    equal = {(each.kind, each.value) for each in new}
    for kind, parts in _by_kind(old).items():
        for part, values in parts.items():
            others = [value for each in after.get(kind, {}).values() for value in each]
            if kind == "pdq" and others:
                found.append(_images(part, values, others))
            elif kind == "chromaprint" and others:
                found += [_sound(part, values[0], value) for value in others]
            elif len(values) == 1 and (kind, values[0]) in equal:
                found.append(EditSimilarity(True, 1.0, part))
    return found


def _by_kind(hashes: Sequence[PartHash]) -> Mapping[str, Mapping[str, list[bytes]]]:
    """Kind → part of the item → its hashes; the frames of a video belong to the video."""
    found: defaultdict[str, defaultdict[str, list[bytes]]] = defaultdict(lambda: defaultdict(list))
    for each in hashes:
        found[each.kind][each.part.partition(">")[0]].append(each.value)
    return found


def _images(part: str, old: Sequence[bytes], new: Sequence[bytes]) -> EditSimilarity:
    bits = [np.unpackbits(np.frombuffer(b"".join(each[:_MOST_FRAMES]), np.uint8)).reshape(-1, _PDQ_BITS)
            for each in (old, new)]  # fmt: skip
    ours, theirs = (each.astype(np.int32) for each in bits)
    differ = ours @ (1 - theirs).T + (1 - ours) @ theirs.T
    nearest = differ.min(axis=1)
    if len(ours) == 1:
        distance = int(nearest[0])
        return EditSimilarity(distance <= PDQ_RADIUS, round(1 - distance / _PDQ_BITS, 4), part, distance)
    share = float((nearest <= PDQ_RADIUS).mean())
    return EditSimilarity(share >= VIDEO_PERCENT / 100, round(share, 4), part)


def _sound(part: str, old: bytes, new: bytes) -> EditSimilarity:
    ours, theirs = np.frombuffer(old, "<u4"), np.frombuffer(new, "<u4")
    if old == new:
        return EditSimilarity(True, 1.0, part)
    matches = AudioIndex([ours]).search(theirs) if len(ours) >= LEAST_ITEMS else []
    if not matches:
        return EditSimilarity(False, 0.0, part)
    return EditSimilarity(True, round(1 - matches[0].error, 4), part)
