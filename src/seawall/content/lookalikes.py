"""Characters that resemble Latin letters. The tables were compiled for this project, letter by letter from shapes."""

from __future__ import annotations

from typing import Final


def _pairs(letters: str, shapes: str) -> dict[str, str]:
    return dict(zip(shapes, letters, strict=True))


# Letters of living scripts: mapped only in words that imitate Latin ones (see normalise.py).
CYRILLIC: Final[dict[str, str]] = {
    **_pairs("aeopcyxijshkmtbhqwdgvlru", "аеорсухіјѕһкмтвнԛԝԁԍѵӏгц"),
    **_pairs("eecyeelh", "ёѐҫұєэԑҥ"),
}
GREEK: Final[dict[str, str]] = {
    **_pairs("aoviknptuxywerbzhmsjnd", "αονικηρτυχγωεгβζнμςϳπδ"),
    **_pairs("scf", "σϲϝ"),
}
CYRILLIC_EXACT: Final = frozenset("аеорсухіјѕһԛԝԁкмтвн")
"""Cyrillic letters whose capital or small form is identical to a Latin one."""
GREEK_EXACT: Final = frozenset("αονικρτυχεβζημ")
LATIN_AS_CYRILLIC: Final[dict[str, str]] = _pairs("аеорсухікмтвн", "aeopcyxikmtbh")
"""Latin letters whose capital or small form is identical to a Cyrillic one."""
LATIN_AS_GREEK: Final[dict[str, str]] = _pairs("αονικρτυχεβζημ", "aovikptyxebzhm")

# Shapes without legitimate use in Latin text, after compatibility normalisation and lower-casing: always mapped.
DECORATIVE: Final[dict[str, str]] = {
    **_pairs("abcdeghjklmnoprtuvwyzfqsi", "ᴀʙᴄᴅᴇɢʜᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢꜰꞯꜱɪ"),  # small capitals
    **_pairs("aehijklmrtvwycguo", "ɐǝɥᴉɾʞꞁɯɹʇʌʍʎɔƃոօ"),  # turned letters, Armenian
    **_pairs("agilldhobtzuvyswec", "ɑɡıłƚđħøƀŧƶʉʋɏʂɰɘƈ"),  # struck and hooked letters
    **_pairs("bdfgkmnprstvxz", "ᵬᵭᵮᶃᶄᵯᵰᵱᵲᵴᵵᶌᶍᵶ"),
    **_pairs("kgpqbcdtyn", "ƙɠƥʠɓȼɗƭƴɲ"),
    **_pairs("ffmy", "ɟⅎꟺ⅄"),  # more turned letters
    "œ": "oe",
    "æ": "ae",
    "ꭓ": "x",
    "ℓ": "l",
    "∨": "v",
    "∪": "u",
    "∩": "n",
    "℮": "e",
    "∅": "o",
    "ⅼ": "l",
    "ꓲ": "i",
    **_pairs("''''\"\"\"\"", "‘’‛ʼ“”„‟"),
    **_pairs("-----", "‐‒–—−"),
}


def _ranges() -> dict[str, str]:
    """Enclosed letters that Unicode's compatibility forms do not cover."""
    table: dict[str, str] = {}
    for start in (0x1F150, 0x1F170):  # negative circled, negative squared
        table.update({chr(start + n): chr(97 + n) for n in range(26)})
    return table


DECORATIVE.update(_ranges())

ENCLOSED: Final[dict[str, str]] = {chr(start + n): chr(97 + n) for start in (0x249C, 0x1F110) for n in range(26)}
"""Letters in brackets, which compatibility forms would spell with the brackets: ⒦ is "k", not "(k)"."""
