"""Emoji as the words for which they stand in a text's language: in a German text 🔪 is "messer", in a Chinese one 刀.

>>> spelt(normalise("ich komme mit dem 🔪 zu dir"), "de").text
'ich komme mit dem  messer  zu dir'

English lists name emoji themselves. Here are only those whose word the other lists know, by the word that a writer
means: the names of Unicode's CLDR say "eggplant" and "kitchen knife". A text without them costs one search.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from seawall.content.normalise import Normalised, normalise, spell

_LANGUAGES: Final = ("de", "fr", "es", "pt", "it", "tr", "ru", "ar", "hi", "zh", "ja", "id")
_WITHOUT_SPACES: Final = frozenset({"zh", "ja"})
# One emoji or several of the same meaning, then a word for each of the languages above ("_" is a space, "-" none).
_WORDS: Final = """
🔪🗡:messer|couteau|cuchillo|faca|coltello|bicak|ножом|سكين|चाकू|刀|包丁|pisau
🔫:waffe|flingue|pistola|arma|pistola|silah|пистолет|سلاح|बंदूक|枪|銃|pistol
💣🧨:bombe|bombe|bomba|bomba|bomba|bomba|бомба|قنبلة|बम|炸弹|爆弾|bom
🐀🐁:ratten|rats|ratas|ratos|ratti|fare|крысы|جرذان|चूहे|老鼠|ネズミ|tikus
🐒🐵:affen|singes|monos|macacos|scimmie|maymun|обезьяны|قرود|बंदर|猴子|猿|monyet
🐷🐖:schweine|porcs|cerdos|porcos|maiali|domuz|свиньи|خنازير|सूअर|猪|豚|babi
🪳:kakerlaken|cafards|cucarachas|baratas|scarafaggi|hamambocegi|тараканы|صراصير|तिलचट्टे|蟑螂|ゴキブリ|kecoak
💩:scheisse|merde|mierda|merda|merda|pislik|дерьмо|خراء|-|屎|-|tai
🍆🍌:schwanz|bite|polla|pau|cazzo|-|член|زبي|लंड|-|ちんこ|kontol
🍑:arsch|cul|culo|bunda|culo|-|попу|طيزك|-|-|-|pantat
🐱🌮:muschi|chatte|cono|buceta|figa|-|киску|كسك|चूत|小穴|まんこ|memek
🍒🍈:titten|seins|tetas|peitos|tette|meme|сиськи|صدرك|बूब्स|奶子|おっぱい|toket
💊:pillen|cachetons|pastillas|balas|pasticche|hap|таблетки|حبوب_مخدرة|नशे_की_गोलियां|-|-|inex
🍃🌿🍁🥦:gras|beuh|marihuana|maconha|erba|esrar|марихуана|حشيش|गांजा|大麻|大麻|ganja
❄🎱:koks|coke|coca|coca|coca|kokain|кокаин|كوكايين|कोकीन|可卡因|コカイン|kokain
🍄:pilze|-|setas|-|-|-|-|-|-|-|-|-
🐴:keta|keta|keta|ketamina|keta|-|-|-|-|k粉|ケタミン|-
🧊:crystal|-|cristal|ice|-|metamfetamin|метамфетамин|شبو|-|冰毒|覚醒剤|sabu
💉:heroin|hero|-|-|-|eroin|героин|هيروين|हेरोइन|海洛因|ヘロイン|putaw
"""


def holds_emoji_words(text: str) -> bool:
    """Whether a text has an emoji that stands for a word in some language."""
    return not text.isascii() and _ANY.search(text) is not None


def spelt(view: Normalised, language: str) -> Normalised:
    """The view with the emoji that stand for words of a language as these words; the view itself where it has none."""
    words = _words().get(language)
    return view if not words else spell(view, words)


@cache
def _words() -> Mapping[str, Mapping[str, str]]:
    """Language → emoji → word, as it is in a normalised text, with a space at both sides where words have them."""
    found: dict[str, dict[str, str]] = {language: {} for language in _LANGUAGES}
    for line in _WORDS.split():
        emoji, _, words = line.partition(":")
        for language, word in zip(_LANGUAGES, words.split("|"), strict=True):
            shown = normalise(word.replace("_", " ")).text
            shown = shown if language in _WITHOUT_SPACES else f" {shown} "
            found[language].update((each, shown) for each in emoji if word != "-")
    return found


_ANY: Final = re.compile("[" + "".join(line.partition(":")[0] for line in _WORDS.split()) + "]")
