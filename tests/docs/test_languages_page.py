"""docs/languages.md lists the languages that the models answer in."""

from __future__ import annotations

import re
from pathlib import Path

from seawall.detectors import default_detectors

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "languages.md").read_text(encoding="utf-8")
CODES = {
    "Arabic": "ar", "Chinese": "zh", "English": "en", "French": "fr", "German": "de", "Hindi": "hi", "Spanish": "es",
    "Tamil": "ta",
}  # fmt: skip


def test_the_table_lists_the_measured_languages_of_each_harm() -> None:
    measured: dict[str, set[str]] = {}
    for detector in default_detectors():
        if detector.spec.name == "text-model" or detector.spec.name.startswith("multilingual-"):
            for signal in detector.spec.signals:
                measured.setdefault(signal.name, set()).update(detector.spec.languages or ())
    shown: dict[str, set[str]] = {}
    for harms, languages in re.findall(r"^\| (`.+`) \| ([A-Z][\w, ]+) \|$", TEXT, re.MULTILINE):
        for harm in re.findall(r"`(\w+)`", harms):
            shown[harm] = {CODES[language] for language in languages.split(", ")}
    assert shown == measured
