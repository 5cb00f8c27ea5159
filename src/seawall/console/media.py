"""View of media: findings with their place and time, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from seawall.console.formats import clock
from seawall.console.languages import marked
from seawall.console.part_locations import PartLocations, unit_of
from seawall.console.text import SHORT, TextRun, runs, windows
from seawall.model import Modality, Signal, SpanUnit
from seawall.screen import DerivedPart, MediaInfo

_TEXTS = frozenset({Modality.TEXT, Modality.LINK})
# Kinds of findings that the templates show in words: the catalogues know them from here.
_KINDS = (marked("frame"), marked("speech"), marked("transcript"), marked("match"), marked("words"), marked("code"))
_NAMED_KINDS = (marked("link"), marked("metadata"))
NOTABLE = 0.5  # marks with such a signal are emphasised
FAINT = 0.1  # weaker signals are shown only in the table of signals
MEASURES = frozenset(
    {"image_quality", "speech_seconds", "speech_unchecked", "sexual_image_unchecked", "link_count"}
)  # no evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaTextView:
    """One text. ``length`` counts the characters of the whole; ``cut``: the beginning and what is around evidence."""

    path: str
    runs: Sequence[TextRun]
    length: int
    cut: bool

    @property
    def marked(self) -> Sequence[tuple[str, Signal]]:
        """The signals that mark the text, each once, with the words that they mark."""
        words: dict[Signal, str] = {}
        for run in self.runs:
            for signal in run.signals:
                words[signal] = words.get(signal, "") + run.text
        return [(text, signal) for signal, text in words.items()]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundText:
    """A text that was found in a medium. ``box``: the number of its box in the image or frame."""

    kind: str  # words | code | transcript | link; empty: a page
    text: MediaTextView
    box: int | None = None

    @property
    def signals(self) -> Sequence[Signal]:
        """The signals that mark the text, each once, strongest first."""
        found = {(one.name, one.evidence, one.value): one for run in self.text.runs for one in run.signals}
        return sorted(found.values(), key=lambda one: -one.value)


@dataclass(slots=True, kw_only=True)
class TimelineMark:
    """A finding at a time of an audio file or video, in seconds from the start."""

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
        """Whether a signal here is notable."""
        found = [*self.signals, *(one for text in self.texts for run in text.text.runs for one in run.signals)]
        return any(one.value >= NOTABLE and one.name not in MEASURES for one in found)

    @property
    def says_something(self) -> bool:
        """Whether there is anything to list beside the time."""
        return bool(self.texts or self.signals) or self.kind != "frame"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceBox:
    """Bounding box of text in an image or frame, in pixels."""

    number: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameView:
    """A frame of a video or of an animated image in which something was found at a place."""

    number: int  # as in its path: ``clip>frame.3``
    start: float
    end: float
    size: tuple[int, int]
    boxes: Sequence[EvidenceBox]
    texts: Sequence[FoundText]

    @property
    def place(self) -> str:
        """``12.5–14.0 s``."""
        return clock(self.start, self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaView:
    """An image, audio file, video or document, with its findings."""

    field: str
    type: str  # image | audio | video | document
    bytes: int
    size: tuple[int, int] | None = None  # of an image, where boxes are drawn
    boxes: Sequence[EvidenceBox] = ()
    texts: Sequence[FoundText] = ()  # of an image; of an audio file or video: those without a time, such as its title
    marks: Sequence[TimelineMark] = ()  # of an audio file or video, by time
    frames: Sequence[FrameView] = ()  # those with boxes, by time
    length: float = 1.0  # seconds, if known


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
    places = PartLocations(mine)
    drawn_in = {part.path for part in mine if part.size is not None} | ({name} if size else set())
    boxes = _boxes([part for part in mine if part.parent in drawn_in])
    frames = sorted(_frames(mine, places, evidence, boxes, whole), key=lambda frame: frame.start)
    view = MediaView(field=name, type=info.type, bytes=info.bytes, frames=frames)
    if info.type == "image":
        elsewhere = {one.text.path for frame in frames for one in frame.texts}
        here = [part for part in shown_texts(mine) if part.path not in elsewhere]
        return replace(
            view,
            size=size,
            boxes=[boxes[part.path] for part in here if part.path in boxes],
            texts=[_found(part, evidence, whole, boxes) for part in here],
        )
    marks = sorted(_marks(name, mine, places, evidence, boxes, whole), key=lambda mark: (mark.start, mark.end))
    ends = [mark.end for mark in marks] + [part.span.end for part in mine if part.span and part.path.endswith(">audio")]
    untimed = [part for part in shown_texts(mine) if places.seconds(part.path) is None]
    texts = [_found(part, evidence, whole, boxes) for part in untimed]
    return replace(view, marks=marks, texts=texts, length=max(ends, default=1.0) or 1.0)


def text_view(path: str, text: str, evidence: Mapping[str, Sequence[Signal]], whole: bool) -> MediaTextView:
    """A text with its evidence marked; a long one is cut."""
    cut = len(text) > SHORT and not whole
    signals = evidence.get(path, ())
    return MediaTextView(
        path=path, runs=windows(text, signals) if cut else runs(text, signals), length=len(text), cut=cut
    )


def _boxes(derived: Sequence[DerivedPart]) -> Mapping[str, EvidenceBox]:
    """Boxes of findings in images and frames by part path, numbered within the medium."""
    boxes: dict[str, EvidenceBox] = {}
    for part in shown_texts(derived):
        if part.span is not None and part.span.box is not None:
            x0, y0, x1, y1 = part.span.box
            size = {"width": max(1, x1 - x0), "height": max(1, y1 - y0)}
            boxes[part.path] = EvidenceBox(number=len(boxes) + 1, x=x0, y=y0, **size)
    return boxes


def _frames(
    derived: Sequence[DerivedPart],
    places: PartLocations,
    evidence: Mapping[str, Sequence[Signal]],
    boxes: Mapping[str, EvidenceBox],
    whole: bool,
) -> Iterator[FrameView]:
    found: dict[str, list[DerivedPart]] = {}
    for part in shown_texts(derived):
        found.setdefault(part.parent, []).append(part)
    for frame in derived:
        time, texts = places.seconds(frame.path), found.get(frame.path)
        if frame.modality is Modality.IMAGE and frame.size is not None and time is not None and texts:
            yield FrameView(
                number=int(frame.path.rpartition(".")[2]),
                start=time[0],
                end=time[1],
                size=frame.size,
                boxes=[boxes[part.path] for part in texts if part.path in boxes],
                texts=[_found(part, evidence, whole, boxes) for part in texts],
            )


def _marks(
    name: str,
    derived: Sequence[DerivedPart],
    places: PartLocations,
    evidence: Mapping[str, Sequence[Signal]],
    boxes: Mapping[str, EvidenceBox],
    whole: bool,
) -> Iterator[TimelineMark]:
    marks: dict[str, TimelineMark] = {}
    for part in derived:
        if unit_of(part.span) is SpanUnit.SECONDS and not part.path.endswith(">audio"):
            time = places.seconds(part.path)
            assert time is not None
            kind = part.path.rpartition(">")[2].partition(".")[0]
            marks[part.path] = TimelineMark(kind=kind, start=time[0], end=time[1])
    for part in shown_texts(derived):
        mark = marks.get(part.path) or marks.get(part.parent)
        if mark is not None:
            mark.texts.append(_found(part, evidence, whole, boxes))
    for path in (name, *(part.path for part in derived)):
        for signal in evidence.get(path, ()):
            if unit_of(signal.span) is SpanUnit.SECONDS and signal.span is not None:
                outer = places.seconds(path)
                offset = outer[0] if outer else 0.0
                start, end = offset + signal.span.start, offset + signal.span.end
                yield TimelineMark(kind="match", start=start, end=end, signals=[signal])
            elif signal.span is None and signal.value >= FAINT:
                mark = marks.get(path) or marks.get(path.rpartition(">")[0])
                if mark is not None:
                    mark.signals.append(signal)
    yield from marks.values()


def shown_texts(derived: Sequence[DerivedPart]) -> Iterator[DerivedPart]:
    """Texts and codes; a link in a text is shown in that text."""
    texts = {part.path for part in derived if part.modality is Modality.TEXT}
    for part in derived:
        if part.modality in _TEXTS and part.text is not None and part.parent not in texts:
            yield part


def _found(
    part: DerivedPart, evidence: Mapping[str, Sequence[Signal]], whole: bool, boxes: Mapping[str, EvidenceBox]
) -> FoundText:
    kind = part.path.rpartition(">")[2].partition(".")[0]
    box = boxes.get(part.path)
    text = text_view(part.path, part.text or "", evidence, whole)
    return FoundText(kind=kind, text=text, box=box.number if box else None)
