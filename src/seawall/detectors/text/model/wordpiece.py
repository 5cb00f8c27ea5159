"""WordPiece tokeniser with BERT's uncased vocabulary (Devlin et al. 2019; Wu et al. 2016).

Lower case, without accents, spaces around punctuation and Chinese characters, then for each word repeatedly the longest
piece of the vocabulary. Same numbers as the ``tokenizers`` package with ``BertNormalizer`` and ``BertPreTokenizer`` (a
test compares them where that package is installed), except for some characters that Unicode added after version 8,
which that package does not know.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

UNKNOWN, FIRST, LAST, PADDING = "[UNK]", "[CLS]", "[SEP]", "[PAD]"
_LONGEST_WORD = 100  # characters; a longer word is unknown
_REMEMBERED = 50_000  # words: bounds memory under hostile text
_CHINESE = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F), (0x2B920, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip


class WordPiece:
    """A vocabulary. ``vocabulary`` lists the pieces in the order of their numbers.

    >>> pieces = WordPiece(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "sea", "##wall", "!"])
    >>> pieces.cut("Seawall!")
    [4, 5, 6]
    """

    __slots__ = ("_number", "_words", "first", "last", "padding", "unknown")

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._number = {piece: number for number, piece in enumerate(vocabulary)}
        self._words: dict[str, tuple[int, ...]] = {}
        self.unknown, self.first = self._number[UNKNOWN], self._number[FIRST]
        self.last, self.padding = self._number[LAST], self._number[PADDING]

    @property
    def vocabulary(self) -> str:
        """The pieces, one per line, in the order of their numbers."""
        return "\n".join(self._number)

    def cut(self, text: str) -> list[int]:
        """The numbers of a text's pieces, without start and end marks."""
        found: list[int] = []
        for word in split_words(text):
            pieces = self._words.get(word)
            if pieces is None:
                pieces = self._pieces(word)
                if len(self._words) < _REMEMBERED:
                    self._words[word] = pieces
            found += pieces
        return found

    def _pieces(self, word: str) -> tuple[int, ...]:
        if len(word) > _LONGEST_WORD:
            return (self.unknown,)
        found: list[int] = []
        start = 0
        while start < len(word):
            for end in range(len(word), start, -1):
                number = self._number.get(word[start:end] if start == 0 else f"##{word[start:end]}")
                if number is not None:
                    found.append(number)
                    start = end
                    break
            else:
                return (self.unknown,)
        return tuple(found)


def split_words(text: str) -> Iterator[str]:
    """Words and single punctuation marks, in lower case and without accents."""
    if not text.isascii():
        text = _plain(text)
    word: list[str] = []
    for char in text.lower():
        if char.isalnum():
            word.append(char)
            continue
        space, mark = _is_space(char), _is_punctuation(char)
        if not (space or mark):
            if not _is_control(char):
                word.append(char)
            continue
        if word:
            yield "".join(word)
            word = []
        if mark:
            yield char
    if word:
        yield "".join(word)


def _plain(text: str) -> str:
    """The word without control characters and accents, with spaces around Chinese characters."""
    kept: list[str] = []
    for char in text:
        if char == "\ufffd" or _is_control(char):
            continue
        if any(low <= ord(char) <= high for low, high in _CHINESE):
            kept += (" ", char, " ")
        else:
            kept.append(char)
    return "".join(c for c in unicodedata.normalize("NFD", "".join(kept)) if unicodedata.category(c) != "Mn")


def _is_space(char: str) -> bool:
    return char in " \t\n\r" or unicodedata.category(char) == "Zs" or (not char.isascii() and char.isspace())


def _is_control(char: str) -> bool:
    return char not in "\t\n\r" and unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs")


def _is_punctuation(char: str) -> bool:
    code = ord(char)
    if code < 128:
        return 33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
    return unicodedata.category(char).startswith("P")
