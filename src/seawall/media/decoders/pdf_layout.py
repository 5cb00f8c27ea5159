"""Puts the strings of a page in the order in which people read them: lines, words, and pages of text.

Where words end is seen from the gaps between strings. Letters that are placed one by one have gaps of their own, so
that their line is measured by itself.
"""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from seawall.media.decoders.line_breaks import rejoin
from seawall.media.decoders.pdf_drawing import PlacedText

_SAME_LINE: Final = 0.6  # of the height: further apart are two lines
_SAME_DIRECTION: Final = 0.98
_MANY: Final = 0.6  # share of strings of one letter in a line whose letters are placed one by one
_FEWEST: Final = 4  # such letters
_PITCH: Final = 0.04  # deviation of the pitch of a fixed grid, as a share of it
_OVERPRINT: Final = 0.15  # of the height: the same letter again so near is bold, not a second letter
_GUTTER: Final = 2.0  # of the height: the gap between two columns


@dataclass(slots=True)
class _Piece:
    glyphs: tuple[str, ...]
    start: float  # along the line
    end: float
    across: float
    size: float
    space: float

    @property
    def text(self) -> str:
        return "".join(self.glyphs)

    @property
    def is_letter(self) -> bool:
        return len(self.glyphs) == 1 and self.text.isalnum()


@dataclass(slots=True)
class _Line:
    direction: tuple[float, float]
    across: float
    pieces: list[_Piece] = field(default_factory=list)


def page_text(texts: Sequence[PlacedText]) -> str:
    """The text of what is drawn; what is not shown, or white, comes after the rest, so that it interrupts nothing."""
    return "\n".join(map(rejoin, page_layers(texts)))


def page_layers(texts: Sequence[PlacedText]) -> list[str]:
    """The text that is shown, then what is white, then what is not shown; an empty text where there is none at all.

    Words that are broken at the end of a line are not made whole yet.
    """
    layers = [[text for text in texts if text.layer == layer] for layer in (0, 1, 2)]
    return [text for layer in layers if (text := _layer_text(layer)).strip("\ufffd \n")] or [""]


def _layer_text(texts: Sequence[PlacedText]) -> str:
    lines = _lines(texts)
    if _is_shuffled(lines):
        lines = _by_place(lines)
    stacked = _unstacked(lines)
    return "\n".join(filter(None, (_line_text(line).rstrip() for line in stacked)))


def _lines(texts: Sequence[PlacedText]) -> list[_Line]:
    """Lines in the order in which they are drawn."""
    lines: list[_Line] = []
    for text in texts:
        if not text.glyphs:
            continue
        across, along = text.end[0] - text.start[0], text.end[1] - text.start[1]
        length = math.hypot(across, along)
        last = lines[-1] if lines else None
        direction = (across / length, along / length) if length else (last.direction if last else (1.0, 0.0))
        piece = _placed(text, direction)
        is_parallel = last is not None and _dot(last.direction, direction) > _SAME_DIRECTION
        if last is None or not is_parallel or abs(piece.across - last.across) > _SAME_LINE * _height(last, piece):
            last = _Line(direction, piece.across)
            lines.append(last)
        if not _is_overprint(last, piece):
            last.pieces.append(piece)
    return lines


def _placed(text: PlacedText, direction: tuple[float, float]) -> _Piece:
    normal = (-direction[1], direction[0])
    start, end = _dot(direction, text.start), _dot(direction, text.end)
    return _Piece(text.glyphs, start, end, _dot(normal, text.start), text.size or 1.0, text.space)


def _height(line: _Line, piece: _Piece) -> float:
    return min(piece.size, line.pieces[-1].size) if line.pieces else piece.size


def _is_overprint(line: _Line, piece: _Piece) -> bool:
    """Whether the same was just drawn at the same place, which makes it bold."""
    return any(
        each.glyphs == piece.glyphs
        and abs(each.start - piece.start) < _OVERPRINT * piece.size
        and abs(each.across - piece.across) < _OVERPRINT * piece.size
        for each in line.pieces[-3:]
    )


def _is_shuffled(lines: Sequence[_Line]) -> bool:
    """Whether letters are placed one by one, and lines are left and taken up again."""
    pieces = [piece for line in lines for piece in line.pieces]
    singles = sum(piece.is_letter for piece in pieces)
    if singles < _FEWEST or singles < _MANY * sum(piece.text.strip() != "" for piece in pieces):
        return False
    is_parallel = all(_dot(line.direction, lines[0].direction) > _SAME_DIRECTION for line in lines)
    return is_parallel and len(lines) > len(_baselines(pieces))


def _baselines(pieces: Sequence[_Piece]) -> list[list[_Piece]]:
    """The pieces of each baseline, from top to bottom."""
    found: list[list[_Piece]] = []
    for piece in sorted(pieces, key=lambda piece: -piece.across):
        if found and abs(piece.across - found[-1][0].across) <= _SAME_LINE * min(piece.size, found[-1][-1].size):
            found[-1].append(piece)
        else:
            found.append([piece])
    return found


def _by_place(lines: Sequence[_Line]) -> list[_Line]:
    """The same pieces in lines by their places; those of several columns in the order in which they are drawn."""
    drawn = {id(piece): at for at, piece in enumerate(piece for line in lines for piece in line.pieces)}
    baselines = _baselines([piece for line in lines for piece in line.pieces])
    placed: list[_Line] = []
    for baseline in baselines:
        end = -math.inf
        for piece in sorted(baseline, key=_start):
            if piece.start > end + _GUTTER * piece.size:
                placed.append(_Line(lines[0].direction, piece.across))
            placed[-1].pieces.append(piece)
            end = max(end, piece.end)
    if len(placed) > len(baselines):
        placed.sort(key=lambda line: min(drawn[id(piece)] for piece in line.pieces))
    return placed


def _unstacked(lines: Sequence[_Line]) -> list[_Line]:
    """Letters under each other as one line each: four or more with the same distance, in one column."""
    made: list[_Line] = []
    at = 0
    while at < len(lines):
        end = at + 1
        while end < len(lines) and _is_below(lines[at], lines[end - 1], lines[end]):
            end += 1
        if end - at < _FEWEST:
            made.append(lines[at])
            at += 1
            continue
        made.append(_turned(lines[at:end]))
        at = end
    return made


def _is_below(first: _Line, last: _Line, line: _Line) -> bool:
    if any(len(each.pieces) != 1 or len(each.pieces[0].glyphs) != 1 for each in (first, last, line)):
        return False
    above, piece = last.pieces[0], line.pieces[0]
    apart = last.across - line.across
    middle = abs((above.start + above.end) / 2 - (piece.start + piece.end) / 2)
    return 0 < apart < 3 * piece.size and middle < 0.5 * piece.size


def _turned(lines: Sequence[_Line]) -> _Line:
    """A column of letters as a line."""
    pieces = [line.pieces[0] for line in lines]
    made = _Line((0.0, -1.0), 0.0)
    for line, piece in zip(lines, pieces, strict=True):
        made.pieces.append(_Piece(piece.glyphs, -line.across, -line.across + 1e-3, 0.0, piece.size, piece.space))
    return made


def _line_text(line: _Line) -> str:
    """The words of a line."""
    pieces = line.pieces
    letters = sum(piece.is_letter for piece in pieces)
    marks = sum(any(letter.isalnum() for letter in piece.text) for piece in pieces)
    is_lettered = letters >= _FEWEST and letters >= _MANY * marks
    has_rtl = any(_is_rtl(letter) for piece in pieces for letter in piece.text)
    if is_lettered or has_rtl:
        pieces = sorted(pieces, key=lambda piece: piece.start)
    breaks = _breaks_of_letters(pieces) if is_lettered else _breaks_of_words(pieces)
    glyphs: list[str] = []
    for piece, is_break in zip(pieces, breaks, strict=True):
        if is_break and glyphs and not glyphs[-1].isspace() and not piece.text[:1].isspace():
            glyphs.append(" ")
        glyphs += piece.glyphs
    return "".join(_logical(glyphs) if has_rtl else glyphs)


def _breaks_of_words(pieces: Sequence[_Piece]) -> list[bool]:
    """Whether a word ends before each string: a gap of half a space, or a leap backwards."""
    breaks = [False]
    for before, piece in itertools.pairwise(pieces):
        gap = piece.start - before.end
        breaks.append(gap >= _half_space(before, piece) or gap < -2 * piece.size)
    return breaks


def _is_apart(before: _Piece, piece: _Piece) -> bool:
    return piece.start - before.end >= _half_space(before, piece)


def _half_space(before: _Piece, piece: _Piece) -> float:
    """Half the width of a space (a little less: kerning), of the narrower of two fonts."""
    size = min(before.size, piece.size)
    return 0.475 * min(max(0.2 * size, min(before.space, piece.space)), 0.6 * size)


def _breaks_of_letters(pieces: Sequence[_Piece]) -> list[bool]:
    """Whether a word ends before each letter, as seen from the usual gap of this line or from its fixed pitch."""
    pairs = list(itertools.pairwise(pieces))
    for place in (_start, _middle):
        steps = [place(piece) - place(before) for before, piece in pairs]
        pitch = _grid(steps)
        if pitch:
            return [False, *(step > 1.5 * pitch and _is_apart(*pair) for step, pair in zip(steps, pairs, strict=True))]
    gaps = [piece.start - before.end for before, piece in pairs]
    has_spaces = any(piece.text.isspace() for piece in pieces)
    between = [
        gap for gap, (before, piece) in zip(gaps, pairs, strict=True) if before.text.strip() and piece.text.strip()
    ]
    usual = max(0.0, _usual_gap(between))
    widths = [_half_space(before, piece) for before, piece in pairs]
    if has_spaces:  # words are told apart by spaces: only a gap that is wide for this line ends one, too
        widest = [max(usual + 2 * width, 1.6 * usual) for width in widths]
    else:
        widest = [usual + width for width in widths]
    return [False, *(gap >= limit for gap, limit in zip(gaps, widest, strict=True))]


def _usual_gap(gaps: Sequence[float]) -> float:
    """The gap between letters of a word: the lower quartile, because the gaps between words are among these."""
    return sorted(gaps)[len(gaps) // 4] if gaps else 0.0


def _grid(steps: Sequence[float]) -> float:
    """The pitch of letters in cells of one width; 0 where there is no such grid."""
    sound = sorted(step for step in steps if step > 0)
    if len(sound) < _FEWEST - 1 or len(sound) < len(steps):
        return 0.0
    pitch = sound[len(sound) // 4]
    fits = sum(abs(step / pitch - round(step / pitch)) < _PITCH * max(1, round(step / pitch)) for step in sound)
    return pitch if fits >= 0.9 * len(sound) else 0.0


def _start(piece: _Piece) -> float:
    return piece.start


def _middle(piece: _Piece) -> float:
    return (piece.start + piece.end) / 2


def _is_rtl(letter: str) -> bool:
    return unicodedata.bidirectional(letter) in ("R", "AL")


def _logical(glyphs: Sequence[str]) -> list[str]:
    """Glyphs from left to right in the order in which they are read: words from right to left are turned around.

    In a line that is mostly from right to left, so are the words; numbers and words in other scripts stay as they are.
    """
    rtl = sum(_is_rtl(letter) for glyph in glyphs for letter in glyph)
    ltr = sum(unicodedata.bidirectional(letter) == "L" for glyph in glyphs for letter in glyph)
    if rtl >= ltr:
        return _turn_runs(list(reversed(glyphs)), rtl=False)
    return _turn_runs(list(glyphs), rtl=True)


def _turn_runs(glyphs: list[str], *, rtl: bool) -> list[str]:
    """Turn around each run of letters of one direction, with the marks and blanks inside it."""
    strong = ("R", "AL") if rtl else ("L", "EN", "AN")
    weak = ("L", "EN", "AN") if rtl else ("R", "AL")
    out: list[str] = []
    at = 0
    while at < len(glyphs):
        if unicodedata.bidirectional(glyphs[at][:1] or " ") not in strong:
            out.append(glyphs[at])
            at += 1
            continue
        end = last = at
        while end < len(glyphs) and unicodedata.bidirectional(glyphs[end][:1] or " ") not in weak:
            if unicodedata.bidirectional(glyphs[end][:1] or " ") in strong:
                last = end
            end += 1
        out += reversed(glyphs[at : last + 1])
        at = last + 1
    return out


def _dot(one: tuple[float, float], other: tuple[float, float]) -> float:
    return one[0] * other[0] + one[1] * other[1]
