"""Banks of known content and the indexes that find it: texts, patterns, domains, hashes of images, audio and video.

>>> from seawall.match import BankEntry, BankMatcher, PlainView
>>> entry = BankEntry(bank="slogans", id="e1", kind="text", value="Buy more streams now")
>>> matcher = BankMatcher([entry], revision=7)
>>> text = PlainView.of("friends, buy more streams NOW!")
>>> [(hit.bank, hit.entry, text.text[hit.start:hit.end]) for hit in matcher.match_text(text, text)]
[('slogans', 'e1', 'buy more streams now')]
"""

from seawall.match.bank import BankMatcher, StoredEntryIndex, digests_of
from seawall.match.entries import (
    KINDS,
    MEANING_PERCENT,
    NO_HASHERS,
    BankEntry,
    EntryError,
    Hashers,
    Hit,
    canonical_value,
    check_threshold,
    hashed_modality,
)
from seawall.match.hashindex.hamming import HammingIndex
from seawall.match.hashindex.index import HashIndex
from seawall.match.hashindex.manifest import IndexDamaged
from seawall.match.meaning import MeaningIndex
from seawall.match.pdq import PDQ_MIN_QUALITY, PDQ_RADIUS, Pdq, pdq, pdq_luma, pdq_of_bytes
from seawall.match.phrases import PlainView, TextView

__all__ = [
    "KINDS",
    "MEANING_PERCENT",
    "NO_HASHERS",
    "PDQ_MIN_QUALITY",
    "PDQ_RADIUS",
    "BankEntry",
    "BankMatcher",
    "EntryError",
    "HammingIndex",
    "HashIndex",
    "Hashers",
    "Hit",
    "IndexDamaged",
    "MeaningIndex",
    "Pdq",
    "PlainView",
    "StoredEntryIndex",
    "TextView",
    "canonical_value",
    "check_threshold",
    "digests_of",
    "hashed_modality",
    "pdq",
    "pdq_luma",
    "pdq_of_bytes",
]
