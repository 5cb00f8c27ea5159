"""What a page of a PDF draws: its strings with their places, and how much else. Nothing is rendered."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pypdf.generic import ArrayObject, ContentStream, DictionaryObject, NameObject, StreamObject

from seawall.media.decoders.document_parts import DrawingBudget, TooMuchDrawing
from seawall.media.decoders.pdf_fonts import TextFont, text_font
from seawall.media.decoders.pdf_objects import array, dictionary, entry, identity
from seawall.media.decoders.pdf_shapes import Box, Point, ShapeList, bounds

Matrix = tuple[float, float, float, float, float, float]
SHOWN, PALE, UNSEEN = 0, 1, 2
_SAME: Final[Matrix] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_DEEPEST: Final = 8  # drawings within drawings
_DEEPEST_STATE: Final = 200
_FEW_KINDS, _FEW_UNREAD = 3, 3  # glyphs without a meaning: different ones, and all
_LARGE_SHARE: Final = 20  # what is left of the budget for pages without text: a small share for each
_FEW_STROKES: Final = 20  # a background and some rules; text drawn as shapes takes more
_TINY: Final = 1.0  # points: smaller text is not seen
_SMALL_PAGE: Final = 600  # points
_READS: Final = re.compile(rb"T[jJ]|Do|BI|sh|['\"]")
_STROKES: Final = re.compile(rb"(?<=[\d\s])(?:l|c|v|y|re)(?=\s)")
_OPERATORS: Final = frozenset({b"l", b"c", b"v", b"y", b"re"})
_WHITE: Final = {b"g": [1.0], b"rg": [1.0] * 3, b"k": [0.0] * 4}
_FILLS: Final = frozenset({b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*"})
_PAINTS: Final = frozenset({*_FILLS, b"S", b"s", b"n"})
_CURVE: Final = (0.25, 0.5, 0.75, 1.0)  # places of a curve that are kept
_MOST_COVERS: Final = 8  # pictures over the text that are looked at: the largest ones
_MOST_POINTS: Final = 50_000  # of a path
_SIGNED: Final = {b"sc": (1, 3), b"scn": (1, 3)}


@dataclass(frozen=True, slots=True)
class PlacedText:
    """A string that is drawn: its glyphs' texts, its start and end on the page, its height, the width of a space.

    ``layer``: ``SHOWN``, ``PALE`` (white: seen on a dark background only) or ``UNSEEN``.
    """

    glyphs: tuple[str, ...]
    start: Point
    end: Point
    size: float
    space: float
    layer: int

    @property
    def text(self) -> str:
        """The glyphs' texts in one."""
        return "".join(self.glyphs)


@dataclass(slots=True)
class Drawing:
    """What was found in one page or appearance. ``unread``: glyphs without a meaning."""

    texts: list[PlacedText] = field(default_factory=list)
    unread: dict[tuple[object, str], int] = field(default_factory=dict)
    strokes: int = 0
    shows: bool = False  # an image or a shading
    shapes: ShapeList = field(default_factory=ShapeList)
    covers: list[tuple[Box, int]] = field(default_factory=list)  # what is opaque, and how many texts were drawn before
    inline: list[Any] = field(default_factory=list)  # inline images: settings and data
    spoken: list[str] = field(default_factory=list)  # what stands for drawn text: /ActualText
    fonts: dict[object, TextFont] = field(default_factory=dict)
    is_cut: bool = False  # there is more than is read of one file

    def hide_covered(self) -> None:
        """Texts that something opaque was drawn over are not seen."""
        for box, count in sorted(self.covers, key=lambda cover: -_area(cover[0]))[:_MOST_COVERS]:
            for at in range(count):
                text = self.texts[at]
                if text.layer != UNSEEN and _holds(box, text_box(text.start, text.end, text.size)):
                    self.texts[at] = replace(text, layer=UNSEEN)

    @property
    def is_legible(self) -> bool:
        """Whether the glyphs have a meaning. A few without one are bullets and the like."""
        unread = sum(self.unread.values())
        read = sum(glyph != "\ufffd" and not glyph.isspace() for text in self.texts for glyph in text.glyphs)
        if any(font.is_allotted for font in self.fonts.values()):
            return False
        return not unread or (read > 0 and (len(self.unread) < _FEW_KINDS or unread <= _FEW_UNREAD))

    @property
    def is_nearly_empty(self) -> bool:
        """Whether there is no more than a few glyphs without a meaning."""
        return sum(self.unread.values()) <= _FEW_UNREAD

    @property
    def is_seen(self) -> bool:
        """Whether any of its text is shown."""
        return any(text.layer != UNSEEN and text.text.strip() for text in self.texts)

    @property
    def has_shapes(self) -> bool:
        """Whether it shows something beside text: an image, or more shapes than a frame and some rules."""
        return self.shows or self.strokes > _FEW_STROKES


@dataclass(slots=True)
class _State:
    ctm: Matrix = _SAME
    font: TextFont | None = None
    size: float = 0.0
    spacing: float = 0.0
    word_spacing: float = 0.0
    scale: float = 1.0
    leading: float = 0.0
    rise: float = 0.0
    mode: int = 0
    is_pale: bool = False
    alpha: float = 1.0
    is_blended: bool = False  # with what is below
    clip: Box | None = None  # a box around what of the page is painted


@dataclass(slots=True)
class DrawingReader:
    """Reads content streams of one file. ``off``: the layers that are not shown, by reference."""

    pdf: Any
    off: frozenset[object]
    budget: DrawingBudget
    _fonts: dict[object, TextFont | None] = field(default_factory=dict)
    _parsed: dict[object, list[tuple[Any, bytes]]] = field(default_factory=dict)

    def read(self, content: Any, resources: Any, box: Box | None = None) -> Drawing:
        """What a content stream (or an array of them) draws. ``box``: what is seen of the page.

        Any exception of pypdf means *damaged*.
        """
        found = Drawing()
        try:
            self._read(content, resources, box, found)
        except TooMuchDrawing:
            found.is_cut = True
        found.hide_covered()
        return found

    def _read(self, content: Any, resources: Any, box: Box | None, found: Drawing) -> None:
        if content is None:
            return
        parsed = content if isinstance(content, ContentStream) else ContentStream(content, self.pdf, "bytes")
        data = parsed.get_data()
        if not _READS.search(data):
            found.strokes = len(_STROKES.findall(data))
            if found.strokes <= _FEW_STROKES or len(data) > self.budget.bytes // _LARGE_SHARE:
                self.budget.take(0, len(data) // 100)
                return
            found.strokes = 0  # counted below: letters drawn as shapes may be among them
        self.budget.take(len(data), 0)
        parsed.forced_encoding = "bytes"
        run = _Run(self, found, box)
        run.play(parsed.operations, dictionary(resources), _State(), 0)

    def operations(self, form: StreamObject) -> list[tuple[Any, bytes]]:
        """The operators of a drawing, parsed once."""
        key = identity(form)
        if key not in self._parsed:
            data = form.get_data()
            self.budget.take(len(data), 0)
            self._parsed[key] = ContentStream(form, self.pdf, "bytes").operations
        return self._parsed[key]

    def font(self, resources: DictionaryObject, name: object) -> TextFont | None:
        """The font of this name; None if there is none, or it is damaged."""
        fonts = dictionary(resources.get("/Font"))
        reference = fonts.get(name)
        found = dictionary(reference)
        if not found:
            return None
        key = identity(found)
        if key not in self._fonts:
            try:
                self._fonts[key] = text_font(found, key)
            except MemoryError:
                raise
            except Exception:  # any error of a parser of hostile bytes; its glyphs have no meaning then
                self._fonts[key] = None
        return self._fonts[key]


@dataclass(slots=True)
class _Run:
    """Plays the operators of one page."""

    reader: DrawingReader
    found: Drawing
    box: Box | None
    state: _State = field(default_factory=_State)
    tm: Matrix = _SAME
    line: Matrix = _SAME
    resources: DictionaryObject = field(default_factory=DictionaryObject)
    depth: int = 0
    path: list[list[Point]] = field(default_factory=list)  # that is being drawn
    points: int = 0
    clips: bool = False  # what is painted next limits what is painted later
    hidden: list[bool] = field(default_factory=list)  # marked content: whether it belongs to a hidden layer

    def play(self, operations: list[tuple[Any, bytes]], resources: DictionaryObject, state: _State, depth: int) -> None:
        read = operations[: self.reader.budget.operators]
        self.reader.budget.take(0, len(read))
        kept = self.state, self.resources, self.depth, self.tm, self.line
        self.state, self.resources, self.depth = copy(state), resources, depth
        stack: list[_State] = []
        for operands, operator in read:
            try:
                if operator == b"q" and len(stack) < _DEEPEST_STATE:
                    stack.append(copy(self.state))
                elif operator == b"Q":
                    self.state = stack.pop() if stack else self.state
                elif operator == b"INLINE IMAGE":
                    self.found.inline.append(operands)
                    self.found.shows = True
                elif operator in _OPERATORS:
                    self.found.strokes += 1
                    self.trace(operator, operands)
                elif operator in _PAINTS:
                    self.paint(operator)
                elif (act := _ACTS.get(operator)) is not None:
                    act(self, operands)
                elif operator in _WHITE or operator in _SIGNED:
                    self._colour(operator, operands)
            except (ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError):
                continue  # an operator with wrong operands: viewers skip it
        self.state, self.resources, self.depth, self.tm, self.line = kept
        if len(read) < len(operations):
            raise TooMuchDrawing

    def _colour(self, operator: bytes, operands: Any) -> None:
        values = [float(each) for each in operands if not isinstance(each, str)]
        white = _WHITE.get(operator) or [1.0] * len(values)
        is_known = operator not in _SIGNED or len(values) in _SIGNED[operator]
        self.state.is_pale = is_known and bool(values) and values == white

    def trace(self, operator: bytes, operands: Any) -> None:
        """Go on with the path."""
        values = [float(each) for each in operands]
        self.points += 1
        if self.points > _MOST_POINTS:
            return
        if operator == b"re":
            left, bottom, width, height = values
            corners = ((0.0, 0.0), (width, 0.0), (width, height), (0.0, height), (0.0, 0.0))
            self.path.append([self._place(left + across, bottom + up) for across, up in corners])
        elif operator == b"l":
            self._line()[0].append(self._place(*values))
        else:
            line, (x, y) = self._line()
            placed = [self._place(*values[at : at + 2]) for at in range(0, len(values), 2)]
            first, second, end = [(x, y), *placed] if operator == b"v" else [*placed, placed[-1]][:3]
            line += [_on_curve((x, y), first, second, end, at) for at in _CURVE]

    def begin_path(self, operands: Any) -> None:
        self.points += 1
        if self.points <= _MOST_POINTS:
            self.path.append([self._place(float(operands[0]), float(operands[1]))])

    def close_path(self, _: Any) -> None:
        if self.path:
            self.path[-1].append(self.path[-1][0])

    def clip(self, _: Any) -> None:
        self.clips = True

    def paint(self, operator: bytes) -> None:
        """Fill or stroke the path, which may also be what later operators paint within."""
        path, state = self.path, self.state
        if operator != b"n" and state.alpha and not any(self.hidden):
            is_filled = operator in _FILLS
            self.found.shapes.paint(path, is_filled=is_filled)
            self.found.shapes.is_cut |= self.points > _MOST_POINTS
            if is_filled and len(path) == 1 and len(path[0]) == 5:
                self._cover(path[0])
        if self.clips:
            box = bounds([point for line in path for point in line])
            state.clip = box if state.clip is None or box is None else _both(state.clip, box)
        self.path, self.points, self.clips = [], 0, False

    def _cover(self, corners: list[Point]) -> None:
        """Note that nothing below is seen there."""
        state, box = self.state, bounds(corners)
        upright = len({round(x, 2) for x, _ in corners}) == 2 and len({round(y, 2) for _, y in corners}) == 2
        if box and upright and self.found.texts and state.alpha == 1 and not state.is_blended and not any(self.hidden):
            self.found.covers.append((box if state.clip is None else _both(state.clip, box), len(self.found.texts)))

    def _line(self) -> tuple[list[Point], Point]:
        return self.path[-1], self.path[-1][-1]  # a line without a beginning is an IndexError: viewers skip it

    def _place(self, x: float, y: float) -> Point:
        ctm = self.state.ctm
        return x * ctm[0] + y * ctm[2] + ctm[4], x * ctm[1] + y * ctm[3] + ctm[5]

    def begin_text(self, _: Any) -> None:
        self.tm = self.line = _SAME

    def concatenate(self, operands: Any) -> None:
        self.state.ctm = multiply(matrix(operands), self.state.ctm)

    def set_font(self, operands: Any) -> None:
        self.state.font = self.reader.font(self.resources, operands[0])
        self.state.size = float(operands[1])

    def set_matrix(self, operands: Any) -> None:
        self.tm = self.line = matrix(operands)

    def move(self, operands: Any) -> None:
        self.line = self.tm = multiply((1.0, 0.0, 0.0, 1.0, float(operands[0]), float(operands[1])), self.line)

    def move_and_lead(self, operands: Any) -> None:
        self.state.leading = -float(operands[1])
        self.move(operands)

    def next_line(self, _: Any = None) -> None:
        self.move([0.0, -self.state.leading])

    def show(self, operands: Any) -> None:
        self._say(operands[-1])

    def show_on_next_line(self, operands: Any) -> None:
        if len(operands) > 1:
            self.state.word_spacing, self.state.spacing = float(operands[0]), float(operands[1])
        self.next_line()
        self._say(operands[-1])

    def show_pieces(self, operands: Any) -> None:
        for piece in operands[0]:
            if isinstance(piece, bytes | str):
                self._say(piece)
            else:
                self._advance(-float(piece) / 1000 * self.state.size)

    def set_graphics(self, operands: Any) -> None:
        chosen = dictionary(dictionary(self.resources.get("/ExtGState")).get(operands[0]))
        if "/ca" in chosen:
            self.state.alpha = float(entry(chosen, "/ca"))
        if "/BM" in chosen:
            self.state.is_blended = entry(chosen, "/BM") not in ("/Normal", "/Compatible")
        font = array(chosen.get("/Font"))
        if len(font) == 2:
            held = DictionaryObject({NameObject("/Font"): DictionaryObject({NameObject("/X"): font[0]})})
            self.state.font, self.state.size = self.reader.font(held, "/X"), float(font[1])

    def begin_marked(self, operands: Any) -> None:
        named = operands[-1] if len(operands) > 1 else None
        listed = dictionary(self.resources.get("/Properties"))
        chosen = listed.get(named) if isinstance(named, str) else named
        properties = dictionary(chosen)
        spoken = entry(properties, "/ActualText")
        if isinstance(spoken, bytes):
            spoken = spoken.decode("utf-16" if spoken[:2] in (b"\xfe\xff", b"\xff\xfe") else "latin-1", "replace")
        if isinstance(spoken, str) and spoken.strip():
            self.found.spoken.append(spoken)
        self.hidden.append(operands[0] == "/OC" and self._is_off(properties))

    def end_marked(self, _: Any) -> None:
        if self.hidden:
            self.hidden.pop()

    def draw(self, operands: Any) -> None:
        drawn = dictionary(dictionary(self.resources.get("/XObject")).get(operands[0]))
        if not isinstance(drawn, StreamObject):
            return
        if entry(drawn, "/Subtype") == "/Image":
            self.found.shows = True
            if not any(key in drawn for key in ("/SMask", "/Mask", "/ImageMask")):
                self._cover([self._place(x, y) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))])
        elif self.depth < _DEEPEST:
            self.hidden.append("/OC" in drawn and self._is_off(dictionary(drawn.get("/OC"))))
            inner = copy(self.state)
            if len(placed := array(drawn.get("/Matrix"))) == 6:
                inner.ctm = multiply(matrix(placed), inner.ctm)
            inner.clip = _frame(array(drawn.get("/BBox")), inner)
            own = dictionary(drawn.get("/Resources")) or self.resources
            self.play(self.reader.operations(drawn), own, inner, self.depth + 1)
            self.hidden.pop()
        else:
            self.found.shows = True  # drawings nested too deep: something is shown that is not read

    def shade(self, _: Any) -> None:
        self.found.shows = True

    def _is_off(self, layer: DictionaryObject) -> bool:
        members = entry(layer, "/OCGs") if "/OCGs" in layer else layer
        listed = members if isinstance(members, ArrayObject) else [members]
        return bool(listed) and all(identity(dictionary(each)) in self.reader.off for each in listed)

    def _say(self, shown: bytes | str) -> None:
        state, font = self.state, self.state.font
        raw = shown.encode("latin-1", "replace") if isinstance(shown, str) else shown
        if font is None:
            self._count(None, [chr(code) for code in raw])
            return
        glyphs, start = font.glyphs(raw), self._point()
        unread = [code for code, glyph in zip(_codes(font, raw), glyphs, strict=True) if glyph.text is None]
        self._count(font.key, unread)
        self.found.fonts[font.key] = font
        width = sum(
            glyph.width / 1000 * state.size + state.spacing + (state.word_spacing if glyph.is_space else 0.0)
            for glyph in glyphs
        )
        down = -state.size * len(glyphs) if font.is_vertical else None
        self._advance(width, down)
        across = multiply(self.tm, state.ctm)
        size = abs(state.size) * math.hypot(across[2], across[3])
        space = font.space / 1000 * abs(state.size * state.scale) * math.hypot(across[0], across[1])
        texts = tuple("\ufffd" if glyph.text is None else glyph.text for glyph in glyphs)
        end = self._point()
        self.found.texts.append(PlacedText(texts, start, end, size, space, self._layer(start, end, size)))

    def _count(self, key: object, codes: list[str]) -> None:
        for code in codes:
            self.found.unread[key, code] = self.found.unread.get((key, code), 0) + 1

    def _advance(self, width: float, down: float | None = None) -> None:
        move = (width * self.state.scale, 0.0) if down is None else (0.0, down)
        self.tm = multiply((1.0, 0.0, 0.0, 1.0, *move), self.tm)

    def _point(self) -> Point:
        placed = multiply((1.0, 0.0, 0.0, 1.0, 0.0, self.state.rise), multiply(self.tm, self.state.ctm))
        return placed[4], placed[5]

    def _tiny(self) -> float:
        """Text below this size is not seen: a point, or less on a page that is small itself."""
        return _TINY if self.box is None else min(_TINY, (self.box[3] - self.box[1]) / _SMALL_PAGE)

    def _layer(self, start: Point, end: Point, size: float) -> int:
        state = self.state
        is_type3 = state.font is not None and state.font.font.sub_type == "Type3"  # sizes in a space of their own
        if state.mode in (3, 7) or state.alpha == 0 or any(self.hidden) or (size < self._tiny() and not is_type3):
            return UNSEEN
        if self.box is not None and not _overlaps(self.box, start, end, size):
            return UNSEEN
        if state.clip is not None and not _shows(state.clip, text_box(start, end, size), size):
            return UNSEEN
        return PALE if state.is_pale else SHOWN


_Act = Callable[[_Run, Any], None]


def _setting(name: str, convert: Callable[[Any], object] = float) -> _Act:
    return lambda run, operands: setattr(run.state, name, convert(operands[0]))


_ACTS: Final[dict[bytes, _Act]] = {
    b"m": _Run.begin_path,
    b"h": _Run.close_path,
    b"W": _Run.clip,
    b"W*": _Run.clip,
    b"BT": _Run.begin_text,
    b"cm": _Run.concatenate,
    b"Tf": _Run.set_font,
    b"Tc": _setting("spacing"),
    b"Tw": _setting("word_spacing"),
    b"Tz": _setting("scale", lambda value: float(value) / 100),
    b"TL": _setting("leading"),
    b"Ts": _setting("rise"),
    b"Tr": _setting("mode", int),
    b"Tm": _Run.set_matrix,
    b"Td": _Run.move,
    b"TD": _Run.move_and_lead,
    b"T*": _Run.next_line,
    b"Tj": _Run.show,
    b"'": _Run.show_on_next_line,
    b'"': _Run.show_on_next_line,
    b"TJ": _Run.show_pieces,
    b"gs": _Run.set_graphics,
    b"BDC": _Run.begin_marked,
    b"BMC": _Run.begin_marked,
    b"EMC": _Run.end_marked,
    b"Do": _Run.draw,
    b"sh": _Run.shade,
}


def multiply(one: Matrix, other: Matrix) -> Matrix:
    """Both transformations, ``one`` first."""
    return (
        one[0] * other[0] + one[1] * other[2],
        one[0] * other[1] + one[1] * other[3],
        one[2] * other[0] + one[3] * other[2],
        one[2] * other[1] + one[3] * other[3],
        one[4] * other[0] + one[5] * other[2] + other[4],
        one[4] * other[1] + one[5] * other[3] + other[5],
    )


def matrix(operands: Any) -> Matrix:
    """Six numbers. Raises ``ValueError`` for anything else."""
    first, second, third, fourth, fifth, sixth = (float(each) for each in operands)
    return first, second, third, fourth, fifth, sixth


def _codes(font: TextFont, raw: bytes) -> str:
    encoding = font.font.encoding
    return raw.decode(encoding, "replace") if isinstance(encoding, str) else raw.decode("latin-1")


def _overlaps(box: Box, start: Point, end: Point, size: float) -> bool:
    left, bottom, right, top = box
    return (
        min(start[0], end[0]) < right + size
        and max(start[0], end[0]) > left - size
        and min(start[1], end[1]) < top
        and max(start[1], end[1]) > bottom - size
    )


def text_box(start: Point, end: Point, size: float) -> Box:
    """About what the letters of a string take up."""
    left, right = min(start[0], end[0]), max(start[0], end[0])
    bottom, top = min(start[1], end[1]), max(start[1], end[1])
    if right - left >= top - bottom:
        return left, bottom - 0.2 * size, max(right, left + 0.2 * size), top + 0.7 * size
    return left - 0.7 * size, bottom, right + 0.7 * size, top


def _frame(box: list[Any], state: _State) -> Box | None:
    """What of a drawing is painted: its own box on the page, within what is painted around it."""
    if len(box) != 4:
        return state.clip
    left, bottom, right, top = (float(each) for each in box)
    ctm = state.ctm
    corners = [(x, y) for x in (left, right) for y in (bottom, top)]
    placed = bounds([(x * ctm[0] + y * ctm[2] + ctm[4], x * ctm[1] + y * ctm[3] + ctm[5]) for x, y in corners])
    return placed if state.clip is None or placed is None else _both(state.clip, placed)


def _both(one: Box, other: Box) -> Box:
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _holds(box: Box, inner: Box) -> bool:
    """Whether nearly all of it is inside."""
    return _area(_both(box, inner)) >= 0.9 * _area(inner)


def _shows(clip: Box, text: Box, size: float) -> bool:
    """Whether more than a hair of a text is inside what is painted."""
    left, bottom, right, top = _both(clip, text)
    return right - left > min(0.1 * size, 0.5 * (text[2] - text[0])) and top - bottom > 0.1 * size


def _on_curve(start: Point, first: Point, second: Point, end: Point, at: float) -> Point:
    """A point of a cubic curve."""
    a, b, c, d = (1 - at) ** 3, 3 * at * (1 - at) ** 2, 3 * at**2 * (1 - at), at**3
    x = a * start[0] + b * first[0] + c * second[0] + d * end[0]
    y = a * start[1] + b * first[1] + c * second[1] + d * end[1]
    return x, y
