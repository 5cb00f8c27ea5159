"""Finding values in a JSON answer: JSON Pointer (RFC 6901) with two steps more.

``/results/0/score`` as in the RFC; ``[class=hate]`` picks the objects of a list whose ``class`` is ``hate``; ``*``
goes through a whole list.

>>> document = {"output": [{"class": "spam", "score": 0.1}, {"class": "hate", "score": 0.7}]}
>>> Path.read("/output/[class=hate]/score").find(document)
[0.7]
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

_PICK = re.compile(r"\[([^=\]]+)=([^\]]*)\]")
_MOST: Final = 10_000  # values that one path may find


@dataclass(frozen=True, slots=True)
class ArrayPick:
    """Objects of a list by the value of one of their keys."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class ResponsePath:
    """A compiled path. ``text`` is as written."""

    text: str
    steps: tuple[str | ArrayPick, ...]

    @classmethod
    def read(cls, text: str) -> ResponsePath:
        """Raises ValueError with what a path looks like."""
        if text == "":
            return cls(text, ())
        if not text.startswith("/"):
            raise ValueError(f"{text!r} is no path: write /key/0/[name=value]/key")
        steps: list[str | ArrayPick] = []
        for step in _split(text[1:]):
            match = _PICK.fullmatch(step)
            steps.append(ArrayPick(match[1], match[2]) if match else step.replace("~1", "/").replace("~0", "~"))
        return cls(text, tuple(steps))

    @property
    def tail(self) -> str:
        """The last step that names something: what evidence shows."""
        for step in reversed(self.steps):
            if isinstance(step, ArrayPick):
                return step.value
            if step != "*" and not step.isdigit() and step not in ("score", "value", "severity", "prob", "Confidence"):
                return step
        return ""

    def find(self, document: object) -> list[Any]:
        """Every value the path leads to; none when it leads nowhere."""
        found = [document]
        for step in self.steps:
            found = [value for place in found for value in _follow(place, step)][:_MOST]
        return found


def _split(text: str) -> list[str]:
    """Steps between slashes; a slash inside brackets is part of the value."""
    return re.findall(r"(?:\[[^\]]*\]|[^/\[])+|\[[^\]]*\]|(?<=/)(?=/)|^(?=/)|(?<=/)$", text)


def _follow(place: object, step: str | ArrayPick) -> list[Any]:
    if isinstance(step, ArrayPick):
        if not isinstance(place, list):
            return []
        return [each for each in place if isinstance(each, dict) and str(each.get(step.key)) == step.value]
    if isinstance(place, list):
        if step == "*":
            return place
        return [place[int(step)]] if step.isdecimal() and int(step) < len(place) else []
    if isinstance(place, dict) and step in place:
        return [place[step]]
    return []
