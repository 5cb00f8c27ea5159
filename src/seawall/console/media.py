"""Media as a page shows them: what was found in them at its place and its time, and what could not be read."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from seawall.console.formats import clock
from seawall.console.text import SHORT, Run, runs
from seawall.model import Modality, Signal, Span, SpanUnit
from seawall.screen import DerivedPart, MediaInfo

_TEXTS = frozenset({Modality.TEXT, Modality.LINK})
_NOTABLE = 0.5  # a mark with such a signal stands out
_FAINT = 0.1  # weaker ones stand in the table of signals alone
MEASURES = frozenset({"image_quality", "speech_seconds", "speech_unchecked", "link_count"})  # say nothing bad


@dataclass(frozen=True, slots=True, kw_only=True)
class TextView:
    """One text. ``length`` counts the characters of the whole; ``cut``: only the beginning is here."""

    path: str
    runs: Sequence[Run]
    length: int
    cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundText:
    """A text that was found in a medium. ``box``: the number of its box in the picture."""

    kind: str  # words | code | transcript
    text: TextView
    box: int | None = None

    @property
    def signals(self) -> Sequence[Signal]:
        """What marks it, each once, the strongest first."""
        found = {(one.name, one.evidence, one.value): one for run in self.text.runs for one in run.signals}
        return sorted(found.values(), key=lambda one: -one.value)


@dataclass(slots=True, kw_only=True)
class Mark:
    """Something at a time of a recording or film, in seconds from its beginning."""

    kind: str  # frame | speech | transcript | match
    start: float
    end: float
    texts: list[FoundText] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)

    @property
    def place(self) -> str:
        """``12.5–14.0 s``."""
        return clock(self.start, self.end)

    @property
    def is_notable(self) -> bool:
        """Whether something here speaks against it."""
        found = [*self.signals, *(one for text in self.texts for run in text.text.runs for one in run.signals)]
        return any(one.value >= _NOTABLE and one.name not in MEASURES for one in found)

    @property
    def says_something(self) -> bool:
        """Whether there is anything to list beside the time."""
        return bool(self.texts or self.signals) or self.kind != "frame"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Where words stand in a picture, in its own pixels."""

    number: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaView:
    """A picture, recording or film, and all that was found in it."""

    field: str
    type: str  # image | audio | video
    bytes: int
    size: tuple[int, int] | None = None  # of a picture, where boxes are drawn
    boxes: Sequence[Box] = ()
    texts: Sequence[FoundText] = ()  # of a picture
    marks: Sequence[Mark] = ()  # of a recording or film, by time
    length: float = 1.0  # seconds as far as is known


class Places:
    """Where derived parts lie in what was submitted."""

    def __init__(self, derived: Sequence[DerivedPart]) -> None:
        self._parts = {part.path: part for part in derived}

    def seconds(self, path: str) -> tuple[float, float] | None:
        """The time of a part in its recording or film; None: it has none of its own."""
        chain = list(self._chain(path))
        at = next((index for index, part in enumerate(chain) if _unit(part.span) is SpanUnit.SECONDS), None)
        if at is None:
            return None
        offset = sum(part.span.start for part in chain[at + 1 :] if part.span and _unit(part.span) is SpanUnit.SECONDS)
        span = chain[at].span
        assert span is not None
        return offset + span.start, offset + span.end

    def of(self, path: str, span: Span | None = None) -> str:
        """``clip, 3.0–6.0 s, words``: a place in words for people."""
        root = path.partition(">")[0]
        steps = [step.partition(".")[0] for step in path.split(">")[1:]]
        time = self.seconds(path)
        if _unit(span) is SpanUnit.SECONDS and span is not None:
            offset = time[0] if time else 0.0
            time = offset + span.start, offset + span.end
        shown = [step for step in steps if step not in ("frame", "audio", "speech")]
        return ", ".join([root, *([clock(*time)] if time else []), *shown])

    def _chain(self, path: str) -> Iterator[DerivedPart]:
        """The part and its ancestors, nearest first."""
        part = self._parts.get(path)
        while part is not None:
            yield part
            part = self._parts.get(part.parent)


def media_view(
    name: str,
    info: MediaInfo,
    derived: Sequence[DerivedPart],
    evidence: Mapping[str, Sequence[Signal]],
    *,
    size: tuple[int, int] | None,
    whole: bool,
) -> MediaView:
    """The view of one field. ``evidence``: signals by the path of the part they are shown in."""
    mine = [part for part in derived if part.path.partition(">")[0] == name]
    places = Places(mine)
    if info.type == "image":
        boxes, texts = _boxed(mine, evidence, whole)
        return MediaView(
            field=name, type=info.type, bytes=info.bytes, size=size, boxes=boxes if size else (), texts=texts
        )
    marks = sorted(_marks(name, mine, places, evidence, whole), key=lambda mark: (mark.start, mark.end))
    ends = [mark.end for mark in marks] + [part.span.end for part in mine if part.span and part.path.endswith(">audio")]
    return MediaView(field=name, type=info.type, bytes=info.bytes, marks=marks, length=max(ends, default=1.0) or 1.0)


def text_view(path: str, text: str, evidence: Mapping[str, Sequence[Signal]], whole: bool) -> TextView:
    """A text with its evidence marked; a long one is cut."""
    cut = len(text) > SHORT and not whole
    shown = text[:SHORT] if cut else text
    return TextView(path=path, runs=runs(shown, evidence.get(path, ())), length=len(text), cut=cut)


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a picture as it is shown, from its header alone; None where it cannot be read."""
    from PIL import Image  # not at start-up

    try:
        with Image.open(io.BytesIO(data)) as opened:
            width, height = opened.size
            turned = opened.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return None
    return (height, width) if turned else (width, height)


def _boxed(
    derived: Sequence[DerivedPart], evidence: Mapping[str, Sequence[Signal]], whole: bool
) -> tuple[list[Box], list[FoundText]]:
    boxes: list[Box] = []
    texts: list[FoundText] = []
    for part in _shown_texts(derived):
        number = None
        if part.span is not None and part.span.box is not None:
            x0, y0, x1, y1 = part.span.box
            number = len(boxes) + 1
            boxes.append(Box(number=number, x=x0, y=y0, width=max(1, x1 - x0), height=max(1, y1 - y0)))
        texts.append(_found(part, evidence, whole, number))
    return boxes, texts


def _marks(
    name: str,
    derived: Sequence[DerivedPart],
    places: Places,
    evidence: Mapping[str, Sequence[Signal]],
    whole: bool,
) -> Iterator[Mark]:
    marks: dict[str, Mark] = {}
    for part in derived:
        if _unit(part.span) is SpanUnit.SECONDS and not part.path.endswith(">audio"):
            time = places.seconds(part.path)
            assert time is not None
            kind = part.path.rpartition(">")[2].partition(".")[0]
            marks[part.path] = Mark(kind=kind, start=time[0], end=time[1])
    for part in _shown_texts(derived):
        mark = marks.get(part.path) or marks.get(part.parent)
        if mark is not None:
            mark.texts.append(_found(part, evidence, whole))
    for path in (name, *(part.path for part in derived)):
        for signal in evidence.get(path, ()):
            if _unit(signal.span) is SpanUnit.SECONDS and signal.span is not None:
                outer = places.seconds(path)
                offset = outer[0] if outer else 0.0
                start, end = offset + signal.span.start, offset + signal.span.end
                yield Mark(kind="match", start=start, end=end, signals=[signal])
            elif signal.span is None and signal.value >= _FAINT:
                mark = marks.get(path) or marks.get(path.rpartition(">")[0])
                if mark is not None:
                    mark.signals.append(signal)
    yield from marks.values()


def _shown_texts(derived: Sequence[DerivedPart]) -> Iterator[DerivedPart]:
    """Texts and codes; a link in a text is shown in that text."""
    texts = {part.path for part in derived if part.modality is Modality.TEXT}
    for part in derived:
        if part.modality in _TEXTS and part.text is not None and part.parent not in texts:
            yield part


def _found(
    part: DerivedPart, evidence: Mapping[str, Sequence[Signal]], whole: bool, box: int | None = None
) -> FoundText:
    kind = part.path.rpartition(">")[2].partition(".")[0]
    return FoundText(kind=kind, text=text_view(part.path, part.text or "", evidence, whole), box=box)


def _unit(span: Span | None) -> SpanUnit | None:
    return span.unit if span is not None else None
