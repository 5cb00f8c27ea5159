"""Codes of regions, and regional indicators.

Two of these are a flag where a region has that code; otherwise they are shown as letters.
"""

from __future__ import annotations

import re
from typing import Final

# The two-letter codes with a flag: ISO 3166-1, and AC, CP, DG, EA, EU, IC, TA, UN, XK of Unicode's emoji data.
_REGIONS: Final = frozenset(
    re.findall(
        "..",
        "acadaeafagaialamaoaqarasatauawaxazbabbbdbebfbgbhbibjblbmbnbobqbrbsbtbvbwbybzcacccdcfcgchcickclcmcncocpcrcucv"
        "cwcxcyczdedgdjdkdmdodzeaeceeegehereseteufifjfkfmfofrgagbgdgegfggghgiglgmgngpgqgrgsgtgugwgyhkhmhnhrhthuicidie"
        "iliminioiqirisitjejmjojpkekgkhkikmknkpkrkwkykzlalblclilklrlsltlulvlymamcmdmemfmgmhmkmlmmmnmompmqmrmsmtmumvmw"
        "mxmymznancnenfngninlnonpnrnunzompapepfpgphpkplpmpnprpsptpwpyqarerorsrurwsasbscsdsesgshsisjskslsmsnsosrssstsv"
        "sxsysztatctdtftgthtjtktltmtntotrtttvtwtzuaugumunusuyuzvavcvevgvivnvuwfwsxkyeytzazmzw",
    )
)


_NO_COUNTRY: Final = frozenset({"ac", "cp", "dg", "ea", "eu", "ic", "ta", "un"})  # codes that no country has


def is_region(code: str) -> bool:
    """Whether it is a country's code of ISO 3166-1 (or XK, Kosovo), in upper case."""
    return code.isupper() and code.lower() in _REGIONS and code.lower() not in _NO_COUNTRY


def spells_letters(codes: str) -> bool:
    """Whether a run of regional indicators (as letters ``a`` to ``z``) has one that is no half of a flag."""
    return any(codes[at : at + 2] not in _REGIONS for at in range(0, len(codes), 2))
