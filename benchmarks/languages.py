"""How often a text's language is told, told wrongly, or not told: `./run bench languages`.

By language and by length (below 20, below 50, and from 50 characters on), with 95 % intervals (Wilson), on the labelled
sets under ``SEAWALL_DATA`` and the project's own sentences; beside them names, single words, Hindi and Arabic in Latin
letters, and texts of two languages, which are written below. "Cannot tell" is counted apart from wrong: such a text is
read in the language that its content type declares, or not at all. The labels of the sets are as they are: a text of
the French set that is written in English counts as wrong.

Compares with cld3 in the same run where its module ``gcld3`` is installed. Prints tables for people, then one line of
JSON. Sets that are missing are skipped, and said so.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final, TypeAlias

from seawall.content.languages import identify
from seawall.learn.datasets import DATASETS
from seawall.learn.sentences_by_language import sentences_by_language
from seawall.measure.intervals import wilson

Identifier: TypeAlias = Callable[[str], str | None]

MOST: Final = 1_500  # texts of a set
LENGTHS: Final = ("<20", "<50", ">=50")

_SETS: Final = (
    ("germeval2018", "train", "de"),
    ("cold", "train", "zh"),
    ("uli_hi", "train", "hi"),
    ("uli_ta", "train", "ta"),
    ("uli_en", "train", "en"),
    ("mlma_ar", "train", "ar"),
    ("mlma_fr", "train", "fr"),
    ("mlma", "train", "en"),
    ("sms_spam", "train", "en"),
)

NAMES: Final = (
    "Beyoncé", "Rosalía", "DJ Khaled", "Die Ärzte", "Kendrick Lamar", "Blink-182", "AC/DC", "BTS", "Shakira",
    "Taylor Swift", "Mumford & Sons", "PSY", "Aya Nakamura", "Sigur Rós", "Måneskin", "Tokio Hotel", "Stromae",
    "Nina Hagen", "Kool Savas", "Ludovico Einaudi", "Caetano Veloso", "Anitta", "Bad Bunny", "Karol G", "Peso Pluma",
    "Tarkan", "Sezen Aksu", "Fairuz", "Amr Diab", "Umm Kulthum", "Arijit Singh", "Lata Mangeshkar", "A. R. Rahman",
    "Yo-Yo Ma", "Jay Chou", "Utada Hikaru", "Kyary Pamyu Pamyu", "Björk", "Röyksopp", "Motörhead", "Mötley Crüe",
    "Anna Müller", "John Smith", "María García", "Jean Dupont", "João Silva", "Giulia Rossi", "Piotr Nowak",
    "Mehmet Yılmaz", "Nguyễn Văn An", "Fatima al-Sayed", "Priya Sharma", "Budi Santoso", "Siti Rahayu", "Olga Petrova",
    "Lars Svensson", "Mikko Virtanen", "Jan de Vries", "Chidi Okafor", "Kwame Mensah", "Sven & Ole", "Daft Punk",
    "Rammstein", "Edith Piaf", "Los Ángeles Azules", "Os Mutantes", "Zaz", "Mylène Farmer", "Ø", "Ke$ha",
)  # fmt: skip
"""Of people and artists, in Latin letters: nothing is told."""

WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("beautiful", "goosebumps", "awesome", "thanks", "banger", "whatever", "please", "goodnight"),
    "de": ("Gänsehaut", "wunderschön", "Scheiße", "danke", "endlich", "Ohrwurm", "Schlagzeug", "natürlich"),
    "fr": ("magnifique", "merci", "dommage", "chanson", "putain", "bientôt", "aujourd'hui", "génial"),
    "es": ("gracias", "temazo", "hermosa", "mierda", "siempre", "corazón", "mañana", "canción"),
    "pt": ("obrigado", "saudade", "maravilhoso", "música", "caralho", "amanhã", "coração", "demais"),
    "it": ("bellissima", "grazie", "canzone", "stupendo", "cazzo", "domani", "sempre", "davvero"),
    "tr": ("muhteşem", "teşekkürler", "şarkı", "güzel", "yarın", "harika", "sevgilim", "müzik"),
    "id": ("mantap", "lagunya", "terima kasih", "bagus", "keren", "besok", "sayang", "banget"),
    "pl": ("piękne", "dziękuję", "świetne", "piosenka", "jutro", "kocham", "zawsze", "muzyka"),
    "nl": ("prachtig", "bedankt", "geweldig", "liedje", "morgen", "altijd", "muziek", "mooi"),
    "ru": ("спасибо", "красиво", "музыка", "песня", "завтра", "огонь", "люблю", "всегда"),
    "ar": ("شكرا", "جميل", "أغنية", "حبيبي", "رائع", "غدا", "موسيقى", "دائما"),
    "hi": ("धन्यवाद", "सुंदर", "गाना", "बहुत", "शानदार", "कल", "संगीत", "हमेशा"),
    "zh": ("谢谢", "好听", "音乐", "太棒了", "喜欢", "明天", "单曲循环", "加油"),
    "ja": ("ありがとう", "最高", "音楽", "好き", "素敵", "明日", "すごい", "泣ける"),
}

ROMANISED: Final[Mapping[str, tuple[str, ...]]] = {
    "hi": (
        "yeh gaana bahut accha hai bhai", "mujhe tumse nafrat hai", "tum kitne pagal ho yaar", "kal milte hain subah",
        "yaar kya bakwas hai ye", "bhai mast gana hai", "tera dimag kharab hai kya", "chup kar saale",
        "kya baat hai bhai maza aa gaya", "is gaane ne rula diya", "purane din yaad aa gaye", "tu kahan rehta hai",
        "main tujhe dekh lunga", "sab log ghar jao ab", "aaj barish ho rahi hai", "mera dil tut gaya",
        "koi mujhe iska naam batao", "tumhari awaaz bahut pyari hai", "kal concert mein milenge", "ye kaun sa raag hai",
    ),
    "ar": (
        "ana bahebak ya habibi", "inta 3ayez eh", "el oghneya di helwa awy", "ya kalb emshi men hena", "wallah 7elwa",
        "shu hal 7aki", "mabrouk ya basha", "keefak shu akhbarak", "ana mesh fahem 7aga", "ya rab yes3edak",
        "el sot bta3ha gamil", "yalla nroo7 el 7afla", "3ala fekra ana hena", "ma ba3ref shu sar",
        "inti fein dilwa2ti", "bokra en sha allah", "sme3t el album el jdid", "kifak ya zalame", "la ya 7abibi mo heik",
        "ta3ala 3andi el leila",
    ),
}  # fmt: skip
"""Nobody's letters for these languages: told as one of them is right, told as another is wrong."""

MIXED: Final = (
    ("de en", "das ist so ein banger, I can't stop listening to it"),
    ("de en", "alter was für ein drop, this goes so hard bro"),
    ("es en", "no manches this song is so good, me hace llorar cada vez"),
    ("es en", "amo esta canción, it reminds me of my summer in Madrid"),
    ("fr en", "j'adore cette chanson, the beat is insane"),
    ("fr ar", "cette chanson est magnifique، ما شاء الله عليك"),
    ("hi en", "यह गाना बहुत अच्छा है, best song of the year for me"),
    ("hi en", "love this so much, मेरा दिल खुश हो गया"),
    ("ar en", "هذه الأغنية رائعة I love it so much"),
    ("ar en", "the best voice in the world والله العظيم"),
    ("zh en", "这首歌太好听了 I listen to it every day"),
    ("zh en", "can somebody tell me the name 这是什么歌"),
    ("ja en", "この曲が大好きです greetings from Canada"),
    ("ru en", "это просто огонь, greetings from Moscow"),
    ("ru en", "what a voice, мурашки по коже каждый раз"),
    ("pt es", "essa música é linda demais, me encanta tu voz"),
    ("tr de", "bu şarkı çok güzel, ich höre das jeden Tag"),
    ("id en", "lagunya enak banget, reminds me of home"),
    ("ko en", "노래 너무 좋아요 please come to Brazil"),
    ("it en", "che bella canzone, I heard it at the station today"),
)
"""One of the two, or none, is right: a reader of either reads a part."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text of a set, and the languages that are right for it: none for a name."""

    set: str
    text: str
    languages: frozenset[str]


@dataclass(slots=True)
class Count:
    """What became of texts."""

    right: int = 0
    not_told: int = 0
    wrong: int = 0

    @property
    def texts(self) -> int:
        return self.right + self.not_told + self.wrong


def labelled(folder: Path | None) -> Iterator[Text]:
    """At most ``MOST`` texts of each set that is there, drawn with a fixed seed, and the project's own sentences."""
    for name, split, language in _SETS:
        if folder is not None and DATASETS[name].present(folder):
            rows = [row.text for row in DATASETS[name].read(folder, split)]
            yield from _drawn(name, language, rows)
    checks = DATASETS["multilingual_hatecheck"]
    if folder is not None and checks.present(folder):
        by_language: dict[str, list[str]] = {}
        for split in checks.splits:
            for row in checks.read(folder, split):
                by_language.setdefault(row.language, []).append(row.text)
        for language, texts in sorted(by_language.items()):
            yield from _drawn("multilingual_hatecheck", language, texts)
    own: dict[str, list[str]] = {}
    for row in sentences_by_language(1):
        own.setdefault(row.language, []).append(row.text)
    for language, texts in own.items():
        yield from _drawn("own", language, texts)


def special() -> Iterator[Text]:
    """Names, single words, romanised and mixed texts."""
    yield from (Text("names", name, frozenset()) for name in NAMES)
    for kind, listed in (("single words", WORDS), ("in Latin letters", ROMANISED)):
        for language, texts in listed.items():
            yield from (Text(kind, text, frozenset([language])) for text in texts)
    yield from (Text("two languages", text, frozenset(both.split())) for both, text in MIXED)


def count(texts: Sequence[Text], identifier: Identifier) -> tuple[dict[tuple[str, str, str], Count], float]:
    """By set, language and length what became of the texts; microseconds of CPU time per text."""
    started = time.process_time()
    told = [identifier(each.text) for each in texts]
    spent = time.process_time() - started
    found: dict[tuple[str, str, str], Count] = {}
    for each, language in zip(texts, told, strict=True):
        key = (each.set, "+".join(sorted(each.languages)), length(each.text))
        counted = found.setdefault(key, Count())
        counted.right += language is not None and language in each.languages
        counted.wrong += language is not None and language not in each.languages
        counted.not_told += language is None
    return found, spent / max(1, len(texts)) * 1e6


def length(text: str) -> str:
    """The bucket of a text's length in characters."""
    return LENGTHS[(len(text) >= 20) + (len(text) >= 50)]


def cld3() -> Identifier | None:
    """cld3's answer where it calls it reliable; None where its package is not installed."""
    try:
        found = import_module("gcld3").NNetLanguageIdentifier(min_num_bytes=0, max_num_bytes=2_000)
    except ImportError:
        return None

    def tell(text: str) -> str | None:
        answer = found.FindLanguage(text)
        language = str(answer.language).split("-")[0]
        return {"ms": "id", "iw": "he"}.get(language, language) if answer.is_reliable else None

    return tell


def _drawn(name: str, language: str, texts: Sequence[str]) -> Iterator[Text]:
    spelt = (text.replace("<handle replaced>", "@name ").strip() for text in texts)
    distinct = sorted({text for text in spelt if text})
    chosen = random.Random(1).sample(distinct, min(MOST, len(distinct)))
    yield from (Text(name, text, frozenset([language])) for text in chosen)


def _table(title: str, counts: Mapping[tuple[str, str, str], Count], by: Sequence[int]) -> dict[str, object]:
    """Print the counts grouped by places of their key; the same for the line of JSON."""
    grouped: dict[str, Count] = {}
    for key, one in counts.items():
        group = grouped.setdefault(" ".join(filter(None, (key[place] for place in by))), Count())
        group.right, group.wrong = group.right + one.right, group.wrong + one.wrong
        group.not_told += one.not_told
    print(f"\n{title:<28} {'texts':>6} {'right':>7} {'interval':>15} {'not told':>9} {'wrong':>7} {'interval':>15}")
    figures: dict[str, object] = {}
    for name, one in sorted(grouped.items()):
        right, wrong = wilson(one.right, one.texts), wilson(one.wrong, one.texts)
        print(
            f"{name:<28} {one.texts:>6} {one.right / one.texts:>7.1%} {right.lower:>7.1%}-{right.upper:<7.1%} "
            f"{one.not_told / one.texts:>9.1%} {one.wrong / one.texts:>7.1%} {wrong.lower:>7.1%}-{wrong.upper:<7.1%}"
        )
        figures[name] = {
            "texts": one.texts,
            "right": round(one.right / one.texts, 4),
            "right_interval": [round(right.lower, 4), round(right.upper, 4)],
            "not_told": round(one.not_told / one.texts, 4),
            "wrong": round(one.wrong / one.texts, 4),
            "wrong_interval": [round(wrong.lower, 4), round(wrong.upper, 4)],
        }
    return figures


def main() -> None:
    """Run the benchmark."""
    folder = Path(os.environ["SEAWALL_DATA"]) if os.environ.get("SEAWALL_DATA") else None
    missing = [name for name, _, _ in _SETS if folder is None or not DATASETS[name].present(folder)]
    if missing:
        print("not found, skipped (SEAWALL_DATA):", ", ".join(missing))
    subjects: dict[str, Identifier] = {"seawall": identify}
    other = cld3()
    if other is None:
        print("cld3 is not installed: no comparison")
    else:
        subjects["cld3"] = other
    texts, specials = list(labelled(folder)), list(special())
    figures: dict[str, object] = {"benchmark": "languages"}
    for name, identifier in subjects.items():
        identifier("a text that loads what is loaded once")
        counts, micros = count(texts, identifier)
        print(f"\n== {name}: {len(texts)} texts, {micros:.0f} microseconds of CPU time per text")
        figures[name] = {
            "microseconds": round(micros, 1),
            "by_language": _table("language", counts, [1]),
            "by_length": _table("characters", counts, [2]),
            "by_language_and_length": _table("language, characters", counts, [1, 2]),
            "by_set": _table("set", counts, [0, 1]),
            "special": _table("others", count(specials, identifier)[0], [0]),
        }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
