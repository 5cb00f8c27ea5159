"""Known things, and the indexes that find them: texts, patterns, domains, pictures.

>>> from seawall.match import BankEntry, BankMatcher, PlainView
>>> entry = BankEntry(bank="slogans", id="e1", kind="text", value="Buy more streams now")
>>> matcher = BankMatcher([entry], revision=7)
>>> text = PlainView.of("friends, buy more streams NOW!")
>>> [(hit.bank, hit.entry, text.text[hit.start:hit.end]) for hit in matcher.match_text(text, text)]
[('slogans', 'e1', 'buy more streams now')]
"""

from seawall.match.bank import BankMatcher
from seawall.match.entries import BankEntry, EntryError, Hit, canonical_value
from seawall.match.hamming import HammingIndex
from seawall.match.pdq import PDQ_MIN_QUALITY, PDQ_RADIUS, Pdq, pdq
from seawall.match.phrases import PlainView, View

__all__ = [
    "PDQ_MIN_QUALITY",
    "PDQ_RADIUS",
    "BankEntry",
    "BankMatcher",
    "EntryError",
    "HammingIndex",
    "Hit",
    "Pdq",
    "PlainView",
    "View",
    "canonical_value",
    "pdq",
]
