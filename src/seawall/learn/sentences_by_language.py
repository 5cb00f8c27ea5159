"""Training sentences written for this project in fifteen languages, to teach the multilingual encoder.

Few labelled sets exist beside English ones, and none that tells a group's name from hate. Each language has patterns
for names of groups (hate and its opposites: praise, denial, condemnation, reports of the attacked), for contempt of
things and trades, for abuse of one person, and for friendly strong language. They were written for this purpose, under
this project's licence; none is from a test suite, and those too close to a test text are removed like any other
(``dedupe``).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

from seawall.learn.datasets import LabelledText
from seawall.yamlfile.nodes import read_values
from seawall.yamlfile.source import SourceFile

NAME: Final = "seawall_languages"
_GROUPS: Final = 10  # with which a pattern is written
_LABELS: Final[Mapping[str, Mapping[str, float]]] = {
    "hate": {"hate": 0.97, "harassment": 0.95},
    "harmless": {"hate": 0.02, "harassment": 0.03, "sexism": 0.0},
    "other_hate_targets": {"hate": 0.02, "harassment": 0.08, "sexism": 0.0},
    "abuse": {"hate": 0.06, "harassment": 0.95},
    "friendly": {"hate": 0.02, "harassment": 0.04, "sexism": 0.0},
}
_REPEATED: Final = {"other_hate_targets": 4, "abuse": 6, "friendly": 5}  # patterns without a group: in as many texts


def sentences_by_language(seed: int) -> Iterator[LabelledText]:
    """All sentences of all languages, the same for the same seed."""
    for file in sorted(files("seawall.learn").joinpath("sentences").iterdir(), key=lambda one: one.name):
        language = file.name.removesuffix(".yaml")
        chance = random.Random(f"{seed} {language}")  # noqa: S311
        patterns = read_values(SourceFile(file.read_text(encoding="utf-8"), file.name))
        for kind, text in _written(patterns, chance):
            yield LabelledText(text=text, labels=_LABELS[kind], dataset=NAME, language=language, slice=kind)


def _written(patterns: Mapping[str, Any], chance: random.Random) -> Iterator[tuple[str, str]]:
    groups = [_forms(patterns["forms"], group) for group in patterns["groups"]]
    for kind in ("hate", "harmless"):
        for pattern in [*patterns[kind], *patterns.get("romanised", {}).get(kind, ())]:
            for group in chance.sample(groups, min(_GROUPS, len(groups))):
                yield kind, pattern.format(**group)
    for kind, times in _REPEATED.items():
        for pattern in patterns[kind]:
            trades = patterns["trades"] if "{trade}" in pattern else [""] * times
            for trade in trades:
                yield kind, pattern.format(trade=trade)


def _forms(names: Sequence[str], group: str) -> dict[str, str]:
    return dict(zip(names, (form.strip() for form in group.split("|")), strict=True))
