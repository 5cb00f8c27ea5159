"""Host names: their one canonical form, registrable domain, and risk signs such as imitated brands."""

from __future__ import annotations

import functools
import ipaddress
import re
import unicodedata
from typing import Any, Final
from urllib.parse import unquote

from seawall.content.brands import BRANDS, CHEAP_SUFFIXES, SHORTENERS, words
from seawall.content.lookalikes import CYRILLIC, GREEK
from seawall.content.normalise import fold

_CREDENTIAL_WORDS: Final = words(
    """
    login logon signin verify verification verified secure security account accounts update wallet wallets support
    auth authentication password billing unlock confirm confirmation banking bank bonus claim prize gift gifts
    giveaway free airdrop nitro refund invoice payment customer service helpdesk recover recovery webscr
    """
)


# Not allowed in a host by the URL standard; whoever types one goes nowhere.
_FORBIDDEN = re.compile(r"[\x00-\x20#%/:<>?@\[\\\]^`{|}\x7f]")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_JOINERS: Final = "\u200c\u200d"


@functools.lru_cache(4096)
def canonical_host(written: str) -> str:
    """The host that a browser goes to, in the one form in which hosts are compared; "" where it goes nowhere.

    As the URL standard reads it: percent signs decoded, Unicode mapped (UTS 46, non-transitional), every form of an
    IPv4 address in dotted decimals. Names are in Unicode (``bücher.example``), also those written in Punycode.
    """
    host = unquote(written) if "%" in written else written
    if host.startswith("["):
        return _ipv6(host)
    host = host.lower() if host.isascii() else _mapped(host)
    host = host.removesuffix(".")
    if not host or _FORBIDDEN.search(host):
        return ""
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(labels)
    return "" if "" in labels else ".".join(map(_in_unicode, labels))


def _mapped(host: str) -> str:
    """UTS 46; what it refuses stays, so that such a name is still one of its own."""
    import idna  # imported here: most hosts are ASCII

    try:
        mapped = idna.uts46_remap(host, std3_rules=False)
    except (idna.IDNAError, IndexError):
        mapped = unicodedata.normalize("NFC", "".join(map(_mapped, host)) if len(host) > 1 else host.lower())
    return mapped if not set(_JOINERS) & set(mapped) else ".".join(map(_without_joiners, mapped.split(".")))


def _without_joiners(label: str) -> str:
    """Joiners are letters of a name only where they join (RFC 5892, appendix A); browsers refuse others."""
    import idna

    def joins(at: int) -> bool:
        try:
            return bool(idna.valid_contextj(label, at))
        except ValueError:
            return False

    return "".join(char for at, char in enumerate(label) if char not in _JOINERS or joins(at))


def _in_unicode(label: str) -> str:
    """A label as Unicode, if its Punycode is that of a name; else as it is."""
    decoded = _decoded_label(label)
    return decoded if not decoded.isascii() and _mapped(decoded) == decoded else label


def _ipv4(labels: list[str]) -> str:
    """1 to 4 numbers, decimal, octal (``017``) or hexadecimal (``0xf``), of which the last fills the rest."""
    if len(labels) > 4 or not all(map(_NUMBER.fullmatch, labels)) or max(map(len, labels)) > 64:
        return ""
    try:
        numbers = [_number(label) for label in labels]
    except ValueError:
        return ""
    *first, last = numbers
    if any(number > 255 for number in first) or last >= 256 ** (5 - len(numbers)):
        return ""
    value = last + sum(number << 8 * (3 - place) for place, number in enumerate(first))
    return str(ipaddress.IPv4Address(value))


def _number(label: str) -> int:
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    return int(label, 8 if label.startswith("0") and len(label) > 1 else 10)


def _ipv6(host: str) -> str:
    try:
        return f"[{ipaddress.IPv6Address(host.removeprefix('[').removesuffix(']'))}]"
    except ValueError:
        return ""


@functools.lru_cache(4096)
def registrable(host: str) -> tuple[str, str]:
    """``("example.co.uk", "co.uk")`` for ``www.example.co.uk``. Without a known suffix: the last two labels and ""."""
    if is_ip(host):
        return host, ""
    found = _suffix_list().extract_str(host)
    if found.suffix and found.domain:
        return f"{found.domain}.{found.suffix}", str(found.suffix)
    return ".".join(host.split(".")[-2:]), ""


def is_public_suffix(host: str) -> bool:
    """Whether everybody may register names below it: ``co.uk``."""
    return not is_ip(host) and not _suffix_list().extract_str(host).domain


@functools.lru_cache(4096)
def host_flags(host: str) -> tuple[str, ...]:
    """The risk flags of a host name (see ``links.FLAGS``)."""
    if is_ip(host):
        return ("ip_host",)
    domain, suffix = registrable(host)
    shown = _decoded(host)
    brands = _brand_flag(shown, _decoded(domain), domain)
    checks = {
        "mixed_script": any(map(_mixes_scripts, shown.split("."))),
        "punycode": "xn--" in host,
        "shortener": domain in SHORTENERS,
        "cheap_suffix": suffix.rpartition(".")[2] in CHEAP_SUFFIXES,
        "credential_words": domain not in _GENUINE and not _CREDENTIAL_WORDS.isdisjoint(re.split(r"[.-]", shown)),
        "deep_subdomains": host.count(".") - suffix.count(".") > 3,
        "long_host": len(host) > 50,
    }
    return tuple(flag for flag, holds in checks.items() if holds) + ((brands,) if brands else ())


_GENUINE: Final = frozenset(domain for domains in BRANDS.values() for domain in domains)
_SAME_SHAPE: Final = str.maketrans({"0": "o", "1": "l", "i": "l", "3": "e", "5": "s", "4": "a", "7": "t", "8": "b"})
_HONEST_NEIGHBOURS: Final = frozenset({"revolt", "discords", "bookings", "barclay"})


def _shape(name: str) -> str:
    """The visual shape of a name: i, l and 1 are one, rn is m."""
    latin = "".join(CYRILLIC.get(char) or GREEK.get(char, char) for char in name)
    return fold(latin).text.replace("rn", "m").replace("vv", "w").replace("cl", "d").translate(_SAME_SHAPE)


@functools.cache
def _brand_shapes() -> dict[str, str]:
    return {_shape(brand): brand for brand in BRANDS}


def _brand_flag(host: str, domain: str, written_domain: str) -> str | None:
    if written_domain in _GENUINE:
        return None
    brands = _brand_shapes()
    name = domain.partition(".")[0]
    subdomains = host[: -len(domain)].rstrip(".").split(".") if len(host) > len(domain) else []
    for word in (name, *name.split("-")):
        brand = brands.get(_shape(word))
        if brand is not None and word != brand:
            return "brand_lookalike"
    if not _BRAND_NAMES.isdisjoint(subdomains) and any(f"{brand}.com" in host for brand in BRANDS):
        return "brand_lookalike"
    if name not in _HONEST_NEIGHBOURS and any(_one_slip(name, brand) for brand in BRANDS if len(brand) >= 6):
        return "brand_lookalike"
    words = {*name.split("-"), *(part for each in subdomains for part in each.split("-"))}
    if not _BRAND_NAMES.isdisjoint(words) or any(name.startswith(brand) for brand in BRANDS if len(brand) >= 6):
        return "brand_in_name"
    return None


_BRAND_NAMES: Final = frozenset(BRANDS)


def _one_slip(name: str, brand: str) -> bool:
    """Same first letter, and one letter added, removed, replaced or swapped with its neighbour."""
    if name == brand or abs(len(name) - len(brand)) > 1 or name[:1] != brand[:1]:
        return False
    at = next(
        (index for index, (a, b) in enumerate(zip(name, brand, strict=False)) if a != b), min(len(name), len(brand))
    )
    rest, wanted = name[at:], brand[at:]
    return (
        rest[1:] == wanted
        or rest == wanted[1:]
        or rest[1:] == wanted[1:]
        or (rest[:2] == wanted[1::-1] and len(wanted) > 1 and rest[2:] == wanted[2:])
    )


def _mixes_scripts(label: str) -> bool:
    foreign = any("\u0370" <= char <= "\u052f" for char in label)
    return foreign and (
        any("a" <= char <= "z" for char in label)
        or all(char in CYRILLIC or char in GREEK or char == "-" for char in label)
    )


def _decoded(host: str) -> str:
    """The host with its punycode labels decoded."""
    if "xn--" not in host:
        return host
    return ".".join(map(_decoded_label, host.split(".")))


def _decoded_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError, OverflowError):
        return label


def is_ip(host: str) -> bool:
    """Whether it is a numeric address, IPv4 or (in brackets or not) IPv6."""
    if not host[:1].isdigit() and not host.startswith("["):
        return False
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


@functools.cache
def _suffix_list() -> Any:
    """The public suffix list as packaged with tldextract: never fetched, never written to disk."""
    import tldextract  # imported here: takes 35 ms, and most texts have no link

    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
