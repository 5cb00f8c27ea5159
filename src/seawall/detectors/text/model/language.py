"""A light language check for parts without declared language, to skip texts that the model cannot read.

Not a language detector. Two tests: most letters are Latin; and a text of some length does not use other languages'
commonest words far more than English ones. Short texts pass: "si" alone proves nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_ENGLISH_WORDS = """
    the of and to in is you that it he was for on are as with his they i at be this have from or had by not but
    what all were we when your can said there use an each which she do how their if will up other about out many then
    them these so some her would make like him into time has look two more my me no just don't it's i'm who get got
    dont im u ur lol know think want people why because
"""
_OTHER_WORDS = """
    der die und ist nicht ich das ein eine zu mit auf für sich auch wie wir sie aber oder wenn sind dem den war
    le la les des une est et pas que qui dans pour sur vous nous je il elle avec mais ce cette sont du au c'est
    el los las una es y que por con para no se lo como más pero su sus está yo muy también del
    il che di per non è sono con una più come anche questo ma della nel mi ti
    o os as um uma é não que com para por mais como mas seu sua você eu muito também do da
    de het een en van niet dat die ik je met voor zijn maar ook
    och att det som på är av för inte jag har med
    i w nie na się że z do jest to jak ale
    ve bir bu da de için ile çok ben sen ne
    yang dan di itu dengan untuk ini tidak ada saya
"""
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_AMBIGUOUS = frozenset({"me", "as", "die", "do", "war", "de", "la", "en", "el", "los"})
_OTHERS = frozenset(word for word in _OTHER_WORDS.split() if len(word) > 1) - _ENGLISH - _AMBIGUOUS
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_ENOUGH = 6


def mostly_latin(text: str, sample: int = 2000) -> bool:
    """Whether at least half of the letters (of the first ``sample`` characters) are Latin.

    True when there are fewer than three letters, as in ``(ಠ_ಠ)``.
    """
    head = text[:sample]
    if head.isascii():
        return True
    letters = [char for char in head if char.isalpha()]
    latin = sum(char.isascii() or unicodedata.name(char, "").startswith("LATIN") for char in letters)
    return len(letters) < 3 or latin * 2 >= len(letters)


def plainly_not_english(text: str, words: Sequence[str] | None = None) -> bool:
    """Whether a text is in another script, or uses other languages' commonest words and hardly any English one."""
    if not mostly_latin(text):
        return True
    found = words if words is not None else _WORD.findall(text[:2000].lower())
    if len(found) < _ENOUGH:
        return False
    english = sum(word in _ENGLISH for word in found)
    others = sum(word in _OTHERS for word in found)
    return others >= 2 and others > 2 * english and others * 8 >= len(found)
