"""How often the word lists speak where nothing is wrong, by language: `./run bench word_lists`.

The harmless texts of each labelled set under ``SEAWALL_DATA``, and the harmless sentences that ship with Seawall
(``xx-own``: the only ones in some languages); of these the share on which a signal reaches 0.5,
and the share in which an entry is found only because the text was folded: one that its plain letters do not have.
Prints a table for people, then one line of JSON. Sets that are missing are skipped, and said so.
"""

from __future__ import annotations

import csv
import json
import os
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import re2

from seawall.detectors.text.lexicon import LexiconDetector, shipped_lexicon_detector, shipped_lexicons
from seawall.learn.datasets import DATASETS, LabelledText
from seawall.model import Modality, Part, Signal
from seawall.publish.banks.meanings import harmless

SIGNALS: Final = ("threat_terms", "self_harm_terms", "sexual_terms", "illegal_goods_terms", "extremism_terms")
REACHED: Final = 0.5
_PATTERNS: Final = {
    f"{lexicon.signal}/{entry.id}": [phrase.pattern for phrase in entry.phrases]
    for lexicon in shipped_lexicons()
    for entry in lexicon.entries
}


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of harmless texts."""

    texts: int
    reached: dict[str, float]  # by signal
    only_folded: float


def harmless_texts(folder: Path) -> dict[str, Callable[[], list[str]]]:
    """The sets that are there, by name: each reads the texts that its people called harmless."""
    sets: dict[str, tuple[str, Callable[[LabelledText], bool]]] = {
        "de": ("germeval2018", lambda row: row.slice == "OTHER"),
        "zh": ("cold", lambda row: row.labels["harassment"] < 0.5),
        "hi": ("uli_hi", lambda row: row.labels["sexism"] == 0),
        "ta": ("uli_ta", lambda row: row.labels["sexism"] == 0),
        "en": ("uli_en", lambda row: row.labels["sexism"] == 0),
        "ar": ("mlma_ar", lambda row: row.labels["harassment"] < 0.5),
        "fr": ("mlma_fr", lambda row: row.labels["harassment"] < 0.5),
    }

    def read(name: str, harmless: Callable[[LabelledText], bool]) -> list[str]:
        rows = (row for split in ("train", "calibration") for row in DATASETS[name].read(folder, split))
        return [row.text for row in rows if harmless(row)]

    found: dict[str, Callable[[], list[str]]] = {
        language: partial(read, *chosen) for language, chosen in sets.items() if DATASETS[chosen[0]].present(folder)
    }
    sms = folder / "sms_spam" / "sms.tsv"
    return found | ({"en-sms": partial(_sms, sms)} if sms.is_file() else {})


def shipped_texts() -> dict[str, Callable[[], list[str]]]:
    """The harmless sentences that ship with Seawall, by language: few, and the lists were read against them."""

    def read(language: str) -> list[str]:
        return [text for each, text in harmless() if each == language]

    return {f"{language}-own": partial(read, language) for language in sorted({each for each, _ in harmless()})}


def _sms(file: Path) -> list[str]:
    with file.open(encoding="utf-8", newline="") as lines:
        return [row[1] for row in csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE) if row[0] == "ham"]


def rates(texts: Sequence[str], detector: LexiconDetector) -> Rates:
    """What the detector finds in harmless texts."""
    reached = dict.fromkeys(SIGNALS, 0)
    only_folded = 0
    parts = [Part(path="body", modality=Modality.TEXT, field="body", text=text) for text in texts]
    for text, answer in zip(texts, detector.detect(parts), strict=True):
        signals = [each for each in answer if isinstance(each, Signal)]  # type: ignore[union-attr]
        for name in {each.name for each in signals if each.value >= REACHED}.intersection(SIGNALS):
            reached[name] += 1
        plain = _plain(text)
        only_folded += any(not _occurs(each.evidence or "", plain) for each in signals)
    return Rates(len(texts), {name: count / len(texts) for name, count in reached.items()}, only_folded / len(texts))


def _plain(text: str) -> str:
    """The text in lower case, as the lists are written: without accents on Latin letters, in one code per letter."""
    letters = unicodedata.normalize("NFD", text.lower().replace("’", "'"))
    return unicodedata.normalize("NFC", "".join(char for char in letters if not "\u0300" <= char <= "\u036f"))


def _occurs(entry: str, text: str) -> bool:
    options = re2.Options()
    options.log_errors = False
    return any(re2.search(pattern, text, options) for pattern in _PATTERNS[entry])


def main() -> None:
    """Run the benchmark."""
    folder = Path(os.environ.get("SEAWALL_DATA", ""))
    sets = harmless_texts(folder) if os.environ.get("SEAWALL_DATA") else {}
    if not sets:
        print("no data sets found: set SEAWALL_DATA to their folder")
    sets |= shipped_texts()
    detector = shipped_lexicon_detector()
    figures: dict[str, object] = {"benchmark": "word_lists", "reached": REACHED, "sets": {}}
    measured: dict[str, object] = {}
    for name, read in sets.items():
        found = rates(read(), detector)
        shares = "  ".join(f"{signal.removesuffix('_terms')} {share:.2%}" for signal, share in found.reached.items())
        print(f"{name:<7} {found.texts:>6} texts   {shares}   only folded {found.only_folded:.2%}")
        measured[name] = {
            "texts": found.texts,
            "only_folded": round(found.only_folded, 5),
            **{signal: round(share, 5) for signal, share in found.reached.items()},
        }
    print(json.dumps(figures | {"sets": measured}))


if __name__ == "__main__":
    main()
