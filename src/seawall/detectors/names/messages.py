"""Detector of titles used as messages to a person, and of track lists whose order spells a message."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Sequence
from importlib import resources
from typing import Final

from seawall.content.brands import words
from seawall.content.normalise import fold
from seawall.detectors.names.titles import TITLE_FIELDS
from seawall.detectors.text.lexicon import LexiconDetector, read_lexicon
from seawall.model.content import Modality, Part, Span
from seawall.model.signals import Cost, DetectorResult, DetectorSpec, Signal, SignalKind, SignalSpec, Unknown

VERSION: Final = "1"
LIST_FIELDS: Final = frozenset({"track_titles", "tracks", "episodes"})

_SPELLED: Final = words(
    "hello hi hey help me you u i we us my your ur call text add dm snap insta send pics nudes meet tonight today"
    " now home alone love miss want need come over here there where when who are r is at on in to the a not dont"
    " tell no yes ok sell buy pills weed coke meth molly xans guns drugs kill die dead hate school after secret"
    " age old how what reply answer back please pls sorry bye it its this that for and or of telegram kik discord"
    " wickr signal run hide stop pay cash money trust only one we she he they them her him"
)
_LEAST_LETTERS: Final = 6
_LONG_WORD: Final = 4
_LETTERS_A_WORD: Final = 2.5
_LEAST_TITLES: Final = 3
_TITLE_START: Final = 20  # characters in which a title's first letter must occur
_SHORT_TITLE: Final = 3  # words
_LONGEST_LIST: Final = 60


class TitleMessageDetector:
    """``title_message``: a title that addresses a person; ``acrostic``: a list of titles that spells words in order.

    Scores from 0 to 1, not calibrated; English only. A song may be called "Text Me": one sign alone stays below 0.65,
    and rules require further evidence (an empty playlist, a contact).
    """

    spec = DetectorSpec(
        name="title_messages",
        version=VERSION,
        signals=(
            SignalSpec(
                name="title_message",
                kind=SignalKind.SCORE,
                harm="grooming",
                description="A title that is a message to somebody",
            ),
            SignalSpec(
                name="acrostic",
                kind=SignalKind.SCORE,
                harm="grooming",
                description="A list of titles that spells a message",
            ),
        ),
        modalities=frozenset({Modality.TEXT, Modality.CONTEXT}),
        cost=Cost.INLINE,
    )

    def __init__(
        self, titles: Collection[str] = TITLE_FIELDS | {"description"}, lists: Collection[str] = LIST_FIELDS
    ) -> None:
        """``titles``, ``lists``: fields of content types that contain titles, or lists of them."""
        self._titles = frozenset(titles)
        self._lists = frozenset(lists)
        source = resources.files("seawall.detectors.names").joinpath("title_message.yaml").read_text("utf-8")
        self._lexicon = read_lexicon(source, "title_message.yaml")
        self._phrases = LexiconDetector([self._lexicon])

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """One answer per part; evidence names the signs."""
        return [tuple(self._measure(part)) for part in parts]

    def _measure(self, part: Part) -> Iterator[Signal]:
        if part.modality is Modality.CONTEXT and part.field in self._lists:
            titles = [line for line in (part.text or "").split("\n") if line.strip()][:_LONGEST_LIST]
            score, sign = max(self._sentence(titles), _spelled(titles))
            if score:
                yield self._signal("acrostic", score, part, sign, None)
        elif part.modality is Modality.TEXT and part.field in self._titles and part.parent is None:
            for each in _signals(self._phrases.detect([part])[0]):
                yield self._signal("title_message", each.value, part, each.evidence, each.span)

    def _sentence(self, titles: Sequence[str]) -> tuple[float, str]:
        """Whether short titles, read in order, form a sentence that no single title contains."""
        if len(titles) < _LEAST_TITLES or any(len(title.split()) > _SHORT_TITLE for title in titles):
            return 0.0, ""
        [together] = self._phrases.detect([_text(" ".join(titles))])
        said = _signals(together)
        if not said:
            return 0.0, ""
        alone = {
            each.evidence for answer in self._phrases.detect(list(map(_text, titles))) for each in _signals(answer)
        }
        across = [each.value for each in said if each.evidence not in alone]
        return (min(0.9, 0.2 + max(across)), "sentence") if across else (0.0, "")

    def _signal(self, name: str, value: float, part: Part, evidence: str | None, span: Span | None) -> Signal:
        return Signal(
            name=name,
            value=value,
            part=part.path,
            detector=self.spec.name,
            version=VERSION,
            span=span,
            evidence=evidence,
        )


def _text(text: str) -> Part:
    return Part(path="", modality=Modality.TEXT, field="", text=text)


def _signals(answer: DetectorResult) -> list[Signal]:
    return [] if isinstance(answer, Unknown) else [each for each in answer if isinstance(each, Signal)]


def _spelled(titles: Sequence[str]) -> tuple[float, str]:
    """Whether the first letters of the titles spell words."""
    initials = "".join(
        next((char for char in fold(title[:_TITLE_START]).text if char.isalpha()), " ") for title in titles
    )
    for letters in initials.split():
        spelled = _segment(letters) if len(letters) >= _LEAST_LETTERS else ()
        if spelled and max(map(len, spelled)) >= _LONG_WORD and len(spelled) * _LETTERS_A_WORD <= len(letters):
            return 0.9, "initials"
    return 0.0, ""


def _segment(letters: str) -> tuple[str, ...]:
    """The fewest known words that spell all the letters; () when impossible."""

    @functools.cache
    def best(at: int) -> tuple[str, ...] | None:
        if at == len(letters):
            return ()
        tries = [
            (letters[at:end], *rest)
            for end in range(at + 1, min(len(letters), at + 10) + 1)
            if letters[at:end] in _SPELLED and (rest := best(end)) is not None
        ]
        return min(tries, key=len) if tries else None

    return best(0) or ()
