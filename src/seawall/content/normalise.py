"""Text normalisation against evasion: the text as a reader sees it, with offsets into the original.

    >>> shown = normalise("K\u200bi\u0338ll  y.o.u, id1ot")
    >>> shown.text
    'kill  you, idiot'
    >>> shown.span(0, 4)  # "kill", in the original
    (0, 6)

Two views, each with offsets back into the original text:

``fold``       one character at a time: compatibility forms, case, accents on Latin letters, invisible and stacked
               characters, optional marks and variants of letters (``scripts``), look-alike letters. Digits and
               punctuation stay: patterns, banks and links read this view.
``normalise``  ``fold``, then whole words: letters spaced out are joined, runs of three and more become two, digits
               and signs inside words become the letters they stand for, kana become hiragana. Lexicons and models read
               this view.

All functions are pure, take linear time, and never raise on any string.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec
import re2

from seawall.content.invisible import BLANKS, is_ignorable, parting_blanks
from seawall.content.lookalikes import (
    CYRILLIC,
    CYRILLIC_EXACT,
    DECORATIVE,
    ENCLOSED,
    GREEK,
    GREEK_EXACT,
    LATIN_AS_CYRILLIC,
    LATIN_AS_GREEK,
)
from seawall.content.regions import spells_letters
from seawall.content.scripts import (
    HANGUL_LETTERS,
    SPACING_MARKS,
    as_hiragana,
    compose_jamo,
    holds_jamo,
    is_optional_mark,
    plain_letter,
    plain_mark,
    split_vowel,
)


class Normalised(msgspec.Struct, frozen=True):
    """``text``, and for each of its characters the index of its origin in the original text (ascending)."""

    text: str
    offsets: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The position of ``text[start:end]`` (not empty) in the original: first index included, last excluded."""
        return self.offsets[start], self.offsets[end - 1] + 1


def fold(text: str) -> Normalised:
    """The character-by-character view."""
    return latinise(fold_scripts(text))


def fold_scripts(text: str) -> Normalised:
    """``fold`` with the letters of every script as they are. ``latinise`` makes the rest, at the same positions."""
    if text.isascii():
        lowered = text.lower()
        if not _CONTROL.search(lowered):
            return Normalised(lowered, range(len(lowered)))
    return _fold_characters(text)


def latinise(view: Normalised) -> Normalised:
    """From the view of ``fold_scripts`` to that of ``fold``: the look-alike letters in a word are of its own script."""
    if view.text.isascii() or not _FOREIGN.search(view.text):
        return view
    return Normalised(_latinise(view.text), view.offsets)


def normalise(text: str) -> Normalised:
    """The reader's view. Idempotent: normalising ``normalise(t).text`` changes nothing."""
    return unmask(fold(text))


def unmask(view: Normalised) -> Normalised:
    """From the view of ``fold`` to that of ``normalise``."""
    if not view.text.isascii():
        view = Normalised(as_hiragana(view.text), view.offsets)
    elif not _SUSPECT.search(view.text):
        return view
    for _ in range(_PASSES):
        before = view.text
        view = _substitute(_SPACED, view, _join)
        view = _substitute(_RUN, view, _cut_run)
        view = _substitute(_MIXED, view, _unleet)
        if not view.text.isascii():
            view = _substitute(_SPACED_HAN, view, _join)
            view = Normalised(_latinise(view.text), view.offsets)  # a digit that became a letter may mix scripts
            view = _composed(view)
        if view.text == before:
            break
    return view


def name_emoji(view: Normalised) -> Normalised:
    """Each emoji followed by its name in words (``🔫`` → ``🔫 pistol``), with the offset of the emoji."""

    def spell(match: re.Match[str]) -> _Edit:
        name = unicodedata.name(match[0], "").lower().replace("-", " ")
        spelled = f"{match[0]} {name} " if name else match[0]
        return spelled, [0] * len(spelled)

    return _substitute(_EMOJI, view, spell)


def spell(view: Normalised, words: Mapping[str, str]) -> Normalised:
    """Each character that has a word replaced by it, repeated ones by one word, with the offsets of the characters."""

    def edit(match: re.Match[str]) -> _Edit | None:
        word = words.get(match[1])
        return None if word is None else (word, [0] * (len(word) - 1) + [len(match[0]) - 1])

    return _substitute(_EMOJI_RUN, view, edit)


# ── characters ──────────────────────────────────────────────────────────────────────────────────────────────────────

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MARK: Final = "\0"  # in the table: a combining mark, kept or dropped depending on what precedes it
_KEPT_MARKS: Final = 2  # per letter, in scripts that use combining marks; more are ornament
_TABLE_LIMIT: Final = 20_000  # cached characters: bounds memory under hostile text


class _Table(dict[str, str]):
    """Character → folded form ('' drops it), computed on first use."""

    def __missing__(self, char: str) -> str:
        folded = _fold_character(char)
        if len(self) < _TABLE_LIMIT:
            self[char] = folded
        return folded


def _fold_character(char: str) -> str:
    category = unicodedata.category(char)
    if is_ignorable(char) or char in BLANKS or category in ("Cf", "Cs") or (category == "Cc" and char not in "\t\n\r"):
        return ""
    if category in ("Zs", "Zl", "Zp"):
        return "\n" if category in ("Zl", "Zp") else " "
    if is_optional_mark(char):
        return ""
    if category in ("Mn", "Me") or char in SPACING_MARKS:
        return _MARK
    shown = ENCLOSED.get(char, char)
    for _ in range(3):  # reaches a fixed point in two
        shown = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", shown).casefold())
        shown = "".join(DECORATIVE.get(c, c) for c in map(_base_letter, shown) if c)
    shown = "".join(map(split_vowel, shown))
    return "".join(c for c in shown if _is_visible(c))


def _is_visible(char: str) -> bool:
    hidden = unicodedata.category(char) in ("Mn", "Me", "Cf", "Cs", "Cc") or is_ignorable(char)
    return not hidden or char in "\t\n\r"


def _base_letter(char: str) -> str:
    """A Latin or Greek letter without its accents, others in their plain form; any other character unchanged."""
    if char.isascii():
        return char
    decomposed = unicodedata.normalize("NFD", char)
    base = decomposed[0]
    return base if base.isascii() or "\u0370" <= base <= "\u03ff" else plain_letter(char)


_TABLE: Final = _Table()


def _fold_characters(text: str) -> Normalised:
    chars: list[str] = []
    offsets: list[int] = []
    table = _TABLE
    shown_here = _in_context(text)
    marks = 0
    for index, char in enumerate(text):
        shown = shown_here[index] if index in shown_here else table[char]
        if shown == _MARK:
            marks += 1
            _place_mark(char, chars, offsets, index, marks)
            continue
        marks = 0
        for piece in shown:
            chars.append(piece)
            offsets.append(index)
    return _composed(Normalised("".join(chars), offsets))


def _composed(view: Normalised) -> Normalised:
    """Hangul letters one by one as syllables."""
    return _substitute(HANGUL_LETTERS, view, compose_jamo) if holds_jamo(view.text) else view


_CONTEXTUAL = re.compile(f"[{BLANKS}\U0001f1e6-\U0001f1ff]")
_REGIONAL_RUN = re.compile("[\U0001f1e6-\U0001f1ff]+")


def _in_context(text: str) -> dict[int, str]:
    """Characters whose meaning depends on their neighbours: blanks that part words, letters that are not flags."""
    if not _CONTEXTUAL.search(text):
        return {}
    shown = dict.fromkeys(parting_blanks(text), " ")
    for run in _REGIONAL_RUN.finditer(text):
        letters = "".join(chr(ord(char) - 0x1F1E6 + ord("a")) for char in run[0])
        if spells_letters(letters):
            shown.update(zip(range(*run.span()), letters, strict=True))
    return shown


def _place_mark(mark: str, chars: list[str], offsets: list[int], index: int, nth: int) -> None:
    """Keep a combining mark that is part of spelling (й, Devanagari vowels, …); drop it as decoration."""
    if not chars or nth > _KEPT_MARKS:
        return
    base = chars[-1]
    if base <= "\u03ff" or not (base.isalpha() or unicodedata.category(base) in ("Mn", "Mc")):
        return
    mark = plain_mark(mark)
    composed = unicodedata.normalize("NFC", base + mark)
    if len(composed) == 1:
        shown = _TABLE[composed]
        chars[-1] = shown if len(shown) == 1 and shown != _MARK else composed
    elif (
        not ("\u0400" <= base <= "\u052f" or "\u0653" <= mark <= "\u0655")
        and not unicodedata.normalize("NFKD", base)[0].isascii()
    ):
        chars.append(mark)
        offsets.append(index)


_WORD = re.compile(r"[^\W\d_]+")
_FOREIGN = re.compile("[\u0370-\u052f]")  # scripts with Latin look-alikes


def _latinise(text: str) -> str:
    """Look-alike letters of Cyrillic, Greek and Latin in the script that their word is meant to be in.

    A word of several scripts is of the one that all its letters can be in; where that is more than one, of that of the
    words around it. A word of Cyrillic or Greek letters alone is unchanged when one has no Latin look-alike, or when
    the surrounding text is not Latin; one of Latin letters alone always: banks look for names such as IBM in any text.
    """
    if not _FOREIGN.search(text):
        return text
    text = _unmixed_words(text)
    latin, foreign = _letters(_WORD.findall(text))
    if latin <= foreign or any(map(_is_genuine, _WORD.findall(text))):
        return text
    return _WORD.sub(lambda word: _to_latin(word[0]) if _is_all_twins(word[0]) else word[0], text)


_CYRILLIC_LETTER = re.compile("[\u0400-\u052f]")


_LATIN_WORD = re.compile("[a-z]{4}")  # is one of its own, as in "смотриhttp://…"


def _unmixed_words(text: str) -> str:
    words = _WORD.findall(text)
    if not any(map(_is_mixed, words)):
        return text
    latin, foreign = _letters(word for word in words if not _is_mixed(word))
    return _WORD.sub(lambda word: _unmixed(word[0], foreign - latin) if _is_mixed(word[0]) else word[0], text)


def _unmixed(word: str, foreign_around: int) -> str:
    """A word of Latin and other letters in one script, as far as that is possible.

    ``foreign_around``: how many more letters of the words around it are foreign than Latin.
    """
    if _LATIN_WORD.search(word):
        return _to_latin(word)
    for _ in range(2):  # with Cyrillic and Greek letters: the second round has one of them
        latin, foreign = _letters([word])
        for table, script in ((LATIN_AS_CYRILLIC, CYRILLIC), (LATIN_AS_GREEK, GREEK)):
            if not all(char in table for char in word if _is_latin(char)) or not _is_of(word, table):
                continue
            imitates_latin = all(char in script for char in word if _is_foreign(char))
            if not imitates_latin or (foreign_around or foreign - latin) > 0:
                return "".join(table.get(char, char) for char in word)
        word = _to_latin(word)
        if not _is_mixed(word):
            break
    return word


def _is_of(word: str, table: Mapping[str, str]) -> bool:
    """Whether the foreign letters of a word are of the script into which the table leads."""
    cyrillic = table is LATIN_AS_CYRILLIC
    return all((char >= "\u0400") is cyrillic for char in word if _is_foreign(char))


def _letters(words: Iterable[str]) -> tuple[int, int]:
    """How many letters of words are Latin, and how many Cyrillic or Greek."""
    text = "".join(words)
    return sum(map(_is_latin, text)), sum(map(_is_foreign, text))


def _to_latin(word: str) -> str:
    return "".join(CYRILLIC.get(char) or GREEK.get(char, char) for char in word)


def _is_mixed(word: str) -> bool:
    return any(map(_is_foreign, word)) and any(map(_is_latin, word))


def _is_latin(char: str) -> bool:
    return "a" <= char <= "z"


def _is_foreign(char: str) -> bool:
    return "\u0370" <= char <= "\u052f"


def _is_all_twins(letters: str) -> bool:
    return all(char in CYRILLIC_EXACT or char in GREEK_EXACT for char in letters)


def _is_genuine(letters: str) -> bool:
    """A word of at least two letters, all Cyrillic or Greek, that Latin letters could not imitate."""
    return len(letters) > 1 and all(map(_is_foreign, letters)) and not _is_all_twins(letters)


# ── words ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_Edit = tuple[str, Sequence[int]]  # the new text, and for each of its characters its index in the matched text
_PASSES: Final = 4  # one replacement may expose another; bounds hostile nesting

_LEET: Final = {
    "0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g",
    "@": "a", "$": "s", "!": "i", "|": "i", "+": "t", "€": "e", "£": "l",
}  # fmt: skip
_LEET_CYRILLIC: Final = {
    "0": "о", "1": "и", "3": "з", "4": "ч", "6": "б", "7": "т", "8": "в", "9": "я",
    "@": "а", "$": "с", "!": "и", "+": "т", "€": "е",
}  # fmt: skip
_SIGNS: Final = "@$!|+€£"

# A linear pre-check for obfuscation, negative for nearly all ordinary text.
_SUSPECT = re2.compile(
    "|".join(letter * 3 for letter in "abcdefghijklmnopqrstuvwxyz")
    + r"|[a-z][0-9@$!|+]+[a-z]|\b[0-9][a-z]{3}|\$[a-z]{2}|[a-z]\$\$"
    + r"|\b[a-z][^a-z0-9\n]{1,3}[a-z0-9@$!][^a-z0-9\n]{1,3}[a-z0-9@$!]\b"
)
_RUN = re.compile(r"([^\W\d_])\1{2,}")
# One character, a separator, one character, the same separator, …: at least three single characters.
_SPACED = re.compile(r"(?<![^\W_])[^\W\d_](?=([ .\-_*~,/|+·•‧∙⋅・]{1,3})[^\W_@$!])(?:\1[^\W_@$!]){2,}(?![^\W_])")
# Han characters one by one, also where the first and the last touch others: words have no spaces there.
_SPACED_HAN = re.compile(r"[\u3400-\u9fff](?=([ .\-_*~|+·•‧∙⋅・]{1,2})[\u3400-\u9fff])(?:\1[\u3400-\u9fff]){2,}")
_MIXED = re.compile(rf"(?<![\w@./:+&=-])(?=[^\W_]*[\d{_SIGNS}])[\w{_SIGNS}]{{3,40}}(?![\w@/:&=]|\.\w)")
_EMOJI = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")
_EMOJI_RUN = re.compile("([\u2600-\u27bf\U0001f300-\U0001faff])\\1*")
_VOWEL = re.compile("[aeiouyäöüœаеёиоуыэюяієαεηιουω]")


def _substitute(
    pattern: re.Pattern[str], view: Normalised, edit: Callable[[re.Match[str]], _Edit | None]
) -> Normalised:
    """``pattern.sub`` that preserves the offsets; ``edit`` returns None to leave a match unchanged."""
    pieces: list[str] = []
    offsets: list[int] = []
    end = 0
    for match in pattern.finditer(view.text):
        edited = edit(match)
        if edited is None:
            continue
        pieces += (view.text[end : match.start()], edited[0])
        offsets.extend(view.offsets[end : match.start()])
        offsets.extend(view.offsets[match.start() + index] for index in edited[1])
        end = match.end()
    if not pieces:
        return view
    pieces.append(view.text[end:])
    offsets.extend(view.offsets[end:])
    return Normalised("".join(pieces), offsets)


def _cut_run(match: re.Match[str]) -> _Edit:
    return match[1] * 2, (0, 1)


def _join(match: re.Match[str]) -> _Edit | None:
    step = len(match[1]) + 1
    letters = match[0][::step]
    if sum(map(str.isalpha, letters)) * 2 <= len(letters):
        return None  # "a 1 2 3": an enumeration
    return letters, range(0, len(match[0]), step)


def _unleet(match: re.Match[str]) -> _Edit | None:
    """A word with digits and signs replaced by the letters they represent; None where they are digits and signs."""
    if match[0][0] == "@":
        return None  # a mention
    word = match[0].rstrip("!|+@")  # at the end they are punctuation
    start = 1 if word.startswith(("!", "|", "+")) else 0  # likewise at the start
    core = word[start:]
    if not _is_masked(core):
        return None
    spelled = _spell(core)
    if not spelled.isalpha() or not _VOWEL.search(spelled):
        return None
    return match[0][:start] + spelled + match[0][len(word) :], range(len(match[0]))


_INNER = re.compile(rf"(?<=[^\W\d_])[\d{_SIGNS}]{{1,2}}(?=[^\W\d_])")
_EDGES = re.compile(rf"^[\d{_SIGNS}]|[\d{_SIGNS}]$")
_OPENING = re.compile(r"^(?:[013456]|\$)[^\W\d_]{3,}$")
_ORDINAL = re.compile(r"^\d+(?:st|nd|rd|th|am|pm|ever|life|some|star|real)")


def _is_masked(word: str) -> bool:
    """Whether digits and signs are used as letters: single or in pairs, between letters, fewer than the letters."""
    others = sum(not char.isalpha() for char in word)
    if not others or others * 2 > len(word) + 1 or _ORDINAL.match(word):
        return False
    if _INNER.search(word):
        return True
    return bool(_OPENING.match(word)) or (word.endswith("$$") and word[:-2].isalpha())


def _spell(word: str) -> str:
    if _is_cyrillic(word):
        return "".join(_LEET_CYRILLIC.get(char, char) for char in word)
    spelled = word.replace("11", "ll")
    return "".join(_LEET.get(char, char) for char in spelled)


def _is_cyrillic(word: str) -> bool:
    """Whether a word with digits and signs is Cyrillic, Latin look-alikes in it included (``y6ью``)."""
    letters = _CYRILLIC_LETTER.findall(word)
    latin = [char for char in word if _is_latin(char)]
    genuine = any(char not in CYRILLIC for char in letters)
    return bool(letters) and (not latin or (genuine and all(char in LATIN_AS_CYRILLIC for char in latin)))
