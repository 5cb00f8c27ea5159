r"""RE2 patterns that mean Unicode: ``\w \d \s \b`` of RE2 know ASCII only, so they are translated before compiling.

>>> import re2
>>> bool(re2.search(in_unicode(r"\bcul\b"), "ce mot est éculé")), bool(re2.search(in_unicode(r"\bcul\b"), "quel cul !"))
(False, True)

RE2 cannot look at what it does not match, so a ``\b`` at the edge of a pattern matches the character beyond;
``span_of`` leaves it out. In a script written without spaces every character stands at a boundary.

Unicode's classes are large programs. Where many patterns are matched together, ``sieve`` gives each in a small form
that matches at least as much; what it finds is searched again for the exact one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

# Each ends in a class: a hyphen that follows it in a pattern's brackets stays a hyphen and begins no range.
_WORD: Final = r"_\p{L}\p{M}\p{N}"
_SPACE: Final = r"\v\x{85}\s\p{Z}"
_UNSPACED: Final = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_IN_CLASS: Final = {"w": _WORD, "d": r"\p{Nd}", "D": r"\P{Nd}", "s": _SPACE}
_POSIX: Final = {
    "alpha": r"\p{L}\p{M}", "alnum": r"\p{L}\p{M}\p{N}", "word": _WORD, "digit": r"\p{Nd}", "space": _SPACE,
    "upper": r"\p{Lu}", "lower": r"\p{Ll}",
}  # fmt: skip
_OUTSIDE: Final = {**{name: f"[{inner}]" for name, inner in _IN_CLASS.items()}, "W": f"[^{_WORD}]", "S": f"[^{_SPACE}]"}
_BEYOND: Final = r"\x{80}-\x{10ffff}"
_WIDE: Final = {"w": f"[\\w{_BEYOND}]", "d": f"[\\d{_BEYOND}]", "s": f"[\\s\\v{_BEYOND}]"}
_IDIOMS: Final = {r"[^\W\d_]": r"[\p{L}\p{M}]", r"[^\W_]": r"[\p{L}\p{M}\p{N}]", r"[^\W\d]": r"[\p{L}\p{M}_]"}
_APART: Final = rf"[^{_WORD}]|[{_UNSPACED}]"  # a character that does not belong to the word beside it
_TOKEN = re.compile(
    r"\\Q(?P<quoted>.*?)(?:\\E|$)|\\[pP](?:\{[^}]*\}|.)|\\x(?:\{[0-9A-Fa-f]+\}|..)|\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]"
    r"|\((?:\?(?:P?<\w+>|[imsU-]*[:)]))?|\)|\||(?:[*+?]|\{\d+(?:,\d*)?\})\??|.",
    re.DOTALL,
)
_QUANTIFIER = re.compile(r"(?:[*+?]|\{\d+(?:,\d*)?\})\??")
PROBES: Final = ("a", "Z", "é", "ж", "中", "ا", "7", " ", "-", ".", "😀")
"""Texts of one character: a pattern that is found in all of them is found in everything."""

_BEFORE, _AFTER = "seawall_before", "seawall_after"


class UnclearPattern(ValueError):
    """A pattern that RE2 accepts, but that would not mean what it says."""


@dataclass(frozen=True)
class _Item:
    """One element of a sequence: an atom, a group or an assertion of no width, with its quantifier."""

    text: str
    branches: tuple[tuple[_Item, ...], ...] | None = None  # of a group, whose opening ``text`` is
    quantifier: str = ""

    @property
    def is_boundary(self) -> bool:
        return self.text == r"\b"

    @property
    def has_no_width(self) -> bool:
        return self.text in (r"\b", r"\B", r"\A", r"\z", "^", "$") or bool(re.fullmatch(r"\(\?[imsU-]*\)", self.text))

    @property
    def may_be_absent(self) -> bool:
        return self.quantifier[:1] in ("*", "?") or self.quantifier.startswith("{0")


@dataclass
class _Rendering:
    """How a pattern is written: ``wide`` for a sieve; what was unclear; the number of groups beyond an edge."""

    wide: bool = False
    used: int = 0
    unclear: list[str] = field(default_factory=list)

    def group(self, kind: str, inner: str) -> str:
        self.used += 1
        return f"(?P<{kind}_{self.used}>{inner})"


def in_unicode(pattern: str, *, strict: bool = False) -> str:
    r"""The pattern with Unicode's classes and boundaries. Raises UnclearPattern for what cannot be said in RE2.

    A boundary in the middle of a pattern whose neighbours do not settle it stays RE2's, which knows ASCII words only;
    with ``strict`` it is refused next to other letters, where it could never hold. Malformed patterns are returned
    unchanged: compiling says what is wrong.
    """
    rendering = _Rendering()
    shown = _translated(pattern, rendering)
    if strict and rendering.unclear:
        raise UnclearPattern(
            rf"\b next to {rendering.unclear[0]!r} in the middle of a pattern knows ASCII words only and would never "
            r"hold; write what stands there, such as \s+ or [^\pL]"
        )
    return shown


def sieve(pattern: str) -> str:
    """A pattern that is found wherever ``in_unicode(pattern)`` is, and compiles to little."""
    return _translated(pattern, _Rendering(wide=True))


def sieves(patterns: Sequence[str], options: Any, first: int = 0) -> list[tuple[int, Callable[[str], Sequence[int]]]]:
    """Functions that find in one pass which patterns a text may hold: indices, counted from the number beside each.

    RE2 bounds the memory of patterns that are compiled together, so many or large ones take several passes; one that is
    too large by itself may be in every text. Raises ``re2.error`` for a pattern that RE2 rejects.
    """
    import re2  # imported here: not needed at start

    together = re2.Set.SearchSet(options)
    for pattern in patterns:
        together.Add(sieve(pattern))
    try:
        together.Compile()
    except re2.error:
        if len(patterns) == 1:
            return [(first, may_be_anywhere)]
        middle = len(patterns) // 2
        return [*sieves(patterns[:middle], options, first), *sieves(patterns[middle:], options, first + middle)]
    return [(first, lambda text: together.Match(text) or ())]


def may_be_anywhere(_: str) -> Sequence[int]:
    """The sieve of a pattern that is too large for one: it tells nothing."""
    return (0,)


def _translated(pattern: str, rendering: _Rendering) -> str:
    if "\\" not in pattern and "[:" not in pattern:
        return pattern
    tokens = list(_TOKEN.finditer(pattern))
    if "".join(token[0] for token in tokens) != pattern:
        return pattern
    try:
        branches, rest = _parse(tokens, 0)
    except (RecursionError, IndexError):
        return pattern
    return _render_branches(branches, rendering, left=True, right=True) if rest == len(tokens) else pattern


def span_of(match: Any) -> tuple[int, int]:
    """The span of a match of a translated pattern, without the characters beyond its boundaries."""
    start, end = match.span()
    for name, number in match.re.groupindex.items():
        first, last = match.span(number)
        if first >= 0 and name.startswith(_BEFORE):
            start = last
        elif first >= 0 and name.startswith(_AFTER):
            end = first
    return start, end


def find_all(pattern: Any, text: str) -> Iterator[tuple[int, int]]:
    """The spans of all matches, which may share the character between them."""
    at = 0
    while at <= len(text) and (match := pattern.search(text, at)) is not None:
        start, end = span_of(match)
        yield start, end
        at = end if end > max(at, start) else max(end, match.end(), at) + (match.end() <= at)


_Branches = tuple[tuple[_Item, ...], ...]


def _parse(tokens: list[re.Match[str]], at: int) -> tuple[_Branches, int]:
    branches: list[tuple[_Item, ...]] = []
    items: list[_Item] = []
    while at < len(tokens) and tokens[at][0] != ")":
        token = tokens[at]
        at += 1
        if token[0] == "|":
            branches.append(tuple(items))
            items = []
        elif token["quoted"] is not None:
            items += [_Item(re.escape(char) if char.isascii() else char) for char in token["quoted"]]
        elif token[0].startswith("(") and not re.fullmatch(r"\(\?[imsU-]*\)", token[0]):
            inner, at = _parse(tokens, at)
            if tokens[at][0] != ")":
                raise IndexError
            at += 1
            items.append(_Item(token[0], inner))
        elif _QUANTIFIER.fullmatch(token[0]) and items:
            items[-1] = replace(items[-1], quantifier=items[-1].quantifier + token[0])
        else:
            items.append(_Item(token[0]))
    return (*branches, tuple(items)), at


def _render_branches(branches: _Branches, how: _Rendering, *, left: bool, right: bool) -> str:
    return "|".join(_render(items, how, left=left, right=right) for items in branches)


def _render(items: tuple[_Item, ...], how: _Rendering, *, left: bool, right: bool) -> str:
    """``left`` and ``right``: whether nothing of the pattern stands beyond."""
    shown = []
    for n, item in enumerate(items):
        first = left and all(each.has_no_width for each in items[:n])
        last = right and all(each.has_no_width for each in items[n + 1 :])
        if item.is_boundary:
            shown.append(_boundary(items, n, how, first=first, last=last))
        elif item.branches is not None:
            once = item.quantifier == ""
            inner = _render_branches(item.branches, how, left=first and once, right=last and once)
            shown.append(f"{item.text}{inner}){item.quantifier}")
        else:
            shown.append(_atom(item.text, how) + item.quantifier)
    return "".join(shown)


def _boundary(items: tuple[_Item, ...], n: int, how: _Rendering, *, first: bool, last: bool) -> str:
    if how.wide:
        return ""
    before, after = _edge(items[:n], last=True), _edge(items[n + 1 :], last=False)
    if "unspaced" in (before, after) or {before, after} == {"word", "other"}:
        return ""  # always holds
    if first and not last and after == "word":
        return how.group(_BEFORE, rf"\A|{_APART}")
    if last and not first and before == "word":
        return how.group(_AFTER, rf"\z|{_APART}")
    if (first and not last and after == "other") or (last and not first and before == "other"):
        return how.group(_BEFORE if first else _AFTER, f"[{_WORD}]")
    letters = [each.text for each in (*items[max(0, n - 1) : n], *items[n + 1 : n + 2])]
    how.unclear += [text for text in letters if len(text) == 1 and text.isalnum() and not text.isascii()]
    return r"\b"


def _edge(items: tuple[_Item, ...], *, last: bool) -> str:
    """What the last (or first) character of a sequence is: ``word``, ``other``, ``unspaced``, or "" if it varies."""
    kinds: set[str] = set()
    for item in reversed(items) if last else items:
        if item.has_no_width:
            continue
        if item.branches is None:
            kinds.add(_kind(item.text))
        else:
            kinds |= {_edge(branch, last=last) for branch in item.branches}
        if not item.may_be_absent:
            return kinds.pop() if len(kinds) == 1 else ""
    return ""


def _kind(atom: str) -> str:
    if len(atom) == 1 and atom != ".":
        if not atom.isascii() and unicodedata.name(atom, "").startswith(_UNSPACED_NAMES):
            return "unspaced"
        return "word" if atom.isalnum() or atom == "_" or unicodedata.category(atom)[0] == "M" else "other"
    if atom in (r"\w", r"\d") or re.fullmatch(
        r"\\[p](?:[LN]|\{(?:L.?|N.?|Latin|Cyrillic|Greek|Arabic|Hebrew)\})", atom
    ):
        return "word"
    if atom in (r"\s", r"\W") or re.fullmatch(r"\\[^\w\s]", atom):
        return "other"
    if atom.startswith("[") and not atom.startswith("[^"):
        return "word" if re.fullmatch(r"\[(?:\\[wd]|[^\W]-[^\W]|[^\W])+\]", atom) else ""
    return ""


_UNSPACED_NAMES: Final = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")


def _atom(text: str, how: _Rendering) -> str:
    if text.startswith("["):
        return _wide_class(text) if how.wide else _class(text)
    if len(text) == 2 and text.startswith("\\"):
        return _WIDE.get(text[1], text) if how.wide else _OUTSIDE.get(text[1], text)
    return text


# A class without its closing bracket: a hyphen at its end, which is no escaped one, begins a range if more follows.
_LAST_HYPHEN: Final = re.compile(r"\A((?:\\.|[^\\])*?)(-?)\Z", re.DOTALL)


def _wide_class(text: str) -> str:
    """Every class that may mean other letters has all beyond ASCII; RE2's own complements are wide enough."""
    if text in _IDIOMS:
        return f"[A-Za-z0-9_{_BEYOND}]"
    if text.startswith("[^") or not re.search(r"\\[wds]|\[:\w+:\]", text):
        return text
    more = f"\\v{_BEYOND}" if "\\s" in text or "[:space:]" in text else _BEYOND
    return _LAST_HYPHEN.sub(lambda inner: f"{inner[1]}{more}{inner[2]}]", text[:-1])


def _class(text: str) -> str:
    if text in _IDIOMS:
        return _IDIOMS[text]
    opening, inner = ("[^", text[2:-1]) if text.startswith("[^") else ("[", text[1:-1])
    apart = []

    def widen(match: re.Match[str]) -> str:
        if match["posix"]:
            return _POSIX.get(match["posix"], match[0])
        if match["letter"] in ("W", "S"):
            apart.append(_OUTSIDE[match["letter"]])
            return ""
        return _IN_CLASS.get(match["letter"], match[0])

    kept = re.sub(r"\[:(?P<posix>\w+):\]|\\(?P<letter>.)", widen, inner, flags=re.DOTALL)
    if not apart:
        return f"{opening}{kept}]"
    if opening == "[^":
        raise UnclearPattern(rf"{text} cannot be said in RE2; write the letters meant, such as [\pL\pM] or [\pL\pN_]")
    return f"(?:{'|'.join([*([f'[{kept}]'] if kept else []), *apart])})"


# -- size --------------------------------------------------------------------------------------------------------

# Instructions that RE2 needs for a class of Unicode, rounded up; of a script: _SCRIPT.
_CATEGORIES: Final = {
    "L": 1_300, "Lu": 800, "Ll": 900, "Lo": 1_000, "Lm": 200, "M": 750, "Mn": 600, "Mc": 400, "N": 250, "No": 200,
    "P": 400, "Po": 400, "S": 500, "So": 400, "Common": 450,
}  # fmt: skip
_SCRIPT: Final = 150
_MOST_OF_CLASSES: Final = 1_700  # of several such classes in one
_LETTER_BEYOND_ASCII: Final = 6
_ANY_CHARACTER: Final = 12
_MOST_REPEATED: Final = 1_001  # RE2 refuses more than 1,000
_COUNTED: Final = re.compile(r"\{(\d+)(,?)(\d*)\}|[*+?]")
_PROPERTY: Final = re.compile(r"\\[pP](?:\{\^?([^}]*)\}|(.))")
_LARGEST_SIZE: Final = 10**9


def estimated_size(pattern: str) -> int:
    """About how many instructions RE2 compiles the pattern to, rather more: counted without compiling, to a billion.

    RE2 takes about a microsecond for each, and writes out repetitions: ``(\\w{1,99}){1,99}`` has 9,801 times ``\\w``.
    """
    with suppress(UnclearPattern):  # it is refused for that; its size is then that of what is written
        pattern = in_unicode(pattern)
    tokens = list(_TOKEN.finditer(pattern))
    try:
        branches, rest = _parse(tokens, 0)
        if rest == len(tokens):
            return min(_size_of_branches(branches), _LARGEST_SIZE)
    except (RecursionError, IndexError):
        pass
    size = sum(_size_of_atom(token[0]) for token in tokens)  # not told apart: as if all were repeated by all
    for token in tokens:
        if _QUANTIFIER.fullmatch(token[0]):
            size = min(_repeated(size, token[0]), _LARGEST_SIZE)
    return size


def _size_of_branches(branches: _Branches) -> int:
    """Classes that are alternatives of each other are one class to RE2."""
    size = classes = 0
    for items in branches:
        if len(items) == 1 and items[0].branches is None and not items[0].quantifier:
            wide, narrow = _parts_of_class(items[0].text)
            classes += wide
            size += narrow + 1
        else:
            size += sum(_size_of_item(item) for item in items) + 1
    return min(size + min(classes, _MOST_OF_CLASSES), _LARGEST_SIZE)


def _size_of_item(item: _Item) -> int:
    size = _size_of_atom(item.text) if item.branches is None else _size_of_branches(item.branches) + 2
    return min(_repeated(size, item.quantifier), _LARGEST_SIZE)


def _repeated(size: int, quantifier: str) -> int:
    for count in _COUNTED.finditer(quantifier):
        least, comma, most = count.groups()
        copies = min(int(most or least), _MOST_REPEATED) if least else 1
        size = (size + 1) * max(copies + (1 if comma and not most else 0), 1)
    return size


def _size_of_atom(text: str) -> int:
    wide, narrow = _parts_of_class(text)
    return min(wide, _MOST_OF_CLASSES) + narrow


def _parts_of_class(text: str) -> tuple[int, int]:
    """The instructions for the classes of Unicode in an atom, and for all else."""
    if text == ".":
        return 0, _ANY_CHARACTER
    names = [match[1] or match[2] for match in _PROPERTY.finditer(text)]
    rest = _PROPERTY.sub("", text)
    wide = sum(_CATEGORIES.get(name, _SCRIPT) for name in names)
    letters = sum(1 if letter.isascii() else _LETTER_BEYOND_ASCII for letter in rest)
    beyond = _LETTER_BEYOND_ASCII * (rest.count("\\x") + rest.count("\\P") + (_ANY_CHARACTER if "^" in rest[:2] else 0))
    return wide, letters + beyond
