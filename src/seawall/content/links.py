"""Link detection in text, including obfuscated links, scored by the URL alone. Nothing is fetched.

>>> found = extract_links("prize at paypaI-prizes[.]com/claim")
>>> found[0].address, found[0].flags
('http://paypai-prizes.com/claim', ('brand_lookalike', 'obfuscated'))
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from seawall.content.brands import WORDLIKE_SUFFIXES, words
from seawall.content.hosts import host_flags, is_ip, registrable
from seawall.content.normalise import Normalised, fold
from seawall.model.content import Modality, Part, Span, SpanUnit

MOST_PARTS: Final = 200  # link parts made from one text part; ``link_count`` counts all

FLAGS: Final[dict[str, float]] = {
    "userinfo": 0.8,  # http://paypal.com@evil.example
    "brand_lookalike": 0.8,  # paypa1.com, раураl.com, paypal.com.evil.example
    "mixed_script": 0.8,  # letters of several scripts in one label
    "brand_in_name": 0.5,  # paypal-help.example
    "ip_host": 0.6,
    "executable": 0.4,  # ends in .exe, .apk, …
    "obfuscated": 0.3,  # example[.]com, "example dot com"
    "shortener": 0.3,
    "punycode": 0.3,
    "odd_port": 0.3,
    "cheap_suffix": 0.25,
    "credential_words": 0.25,  # login, verify, wallet, … in the host
    "deep_subdomains": 0.2,
    "long_host": 0.1,
}
"""Risk flags of a URL and their weights. ``link_risk`` is ``1 - Π(1 - weight)``."""


@dataclass(frozen=True, slots=True)
class Link:
    """One link. ``address``: the full URL, lower-cased up to its path; ``domain``: registrable (``example.co.uk``)."""

    address: str
    host: str
    domain: str
    start: int
    end: int
    flags: tuple[str, ...]

    @property
    def risk(self) -> float:
        """0 to 1, not calibrated."""
        doubt = 1.0
        for flag in self.flags:
            doubt *= 1.0 - FLAGS[flag]
        return round(1.0 - doubt, 4)


def extract_links(text: str) -> list[Link]:
    """Every link in a text, in order, with its span in the text."""
    view = fold(text)
    if not _may_have_links(view.text):
        return []
    plain, obfuscated = _deobfuscate(view)
    links = []
    for match in _CANDIDATE.finditer(plain.text):
        link = _read(match, plain, text, obfuscated)
        if link is not None:
            links.append(link)
    return links


def read_address(address: str) -> Link | None:
    """A link field's value as a link; None when it is not a URL."""
    found = extract_links(address.strip()) or extract_links(f"http://{address.strip()}")
    return found[0] if found else None


def add_link_parts(parts: Sequence[Part]) -> list[Part]:
    """The parts, followed by a link part for each link in a text part (at most ``MOST_PARTS`` per text)."""
    derived = list(parts)
    for part in parts:
        if part.modality is not Modality.TEXT or not part.text:
            continue
        for number, link in enumerate(extract_links(part.text)[:MOST_PARTS]):
            derived.append(
                Part(
                    path=f"{part.path}>link.{number}",
                    modality=Modality.LINK,
                    field=part.field,
                    text=link.address,
                    parent=part.path,
                    span=Span(unit=SpanUnit.CHARACTERS, start=link.start, end=link.end),
                )
            )
    return derived


# ── finding ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_RESERVED: Final = frozenset({"example", "test", "invalid", "onion", "i2p"})
_SPOKEN_SUFFIXES: Final = words(
    """
    co ru io uk eu nl fr be ch at it de es tk cc tv gg ly me to
    """
)
_EXECUTABLE = re.compile(r"\.(?:exe|scr|apk|bat|cmd|msi|vbs|jar|dmg|iso|lnk|ps1|hta)(?:$|[?#])", re.IGNORECASE)
# What stands around the dot of a host, written so that the search skips to the next dot.
_DOT = re.compile(r"\.(?:(?<=[^\s.]\.)[^\s.]{2}|(?<=[\[({]\.)|(?<=[\[({]\s\.)|(?<=[\[({]\s\s\.)|(?<=\S \.)\s?[a-z]{2})")
_DOTS = re.compile(
    r"[ \t]{0,2}[\[({<][ \t]{0,2}(?:\.|dot|punkt|point)[ \t]{0,2}[\])}>][ \t]{0,2}"  # example [.] com, example(dot)com
    r"|(?<=[a-z0-9])[ \t]{1,2}(?:dot|punkt)[ \t]{1,2}(?=[a-z]{2})"  # example dot com
    r"|(?<=[a-z0-9])(?: \. ?|\. )(?=(?:com|net|org|info|biz|ru|xyz|io|gg|ly|club|shop|top|site)\b)"  # example . com
)
_SCHEME_TRICKS = re.compile(r"\bh[xt*]{2}p(s?)\s?(?:\[?:\]?)\s?//")
_CANDIDATE = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+]{1,9})://(?P<user>[^\s/@<>\"']{0,200}@)?|(?<![\w.@/-]))"
    r"(?P<host>\[[0-9a-f:.]{2,45}\]|(?:[^\W_](?:[\w-]{0,62})\.){1,20}[^\W_][\w-]{0,62}|(?<=//)[\w-]{1,63})"
    r"(?P<port>:\d{1,5})?(?P<path>[/?#][^\s<>\"']*)?"
)
_TRAILING = ".,;:!?)]}'\"…*_"


def _may_have_links(text: str) -> bool:
    """False for most texts without a link, quickly."""
    return "://" in text or "dot" in text or "punkt" in text or _DOT.search(text) is not None


def _deobfuscate(view: Normalised) -> tuple[Normalised, frozenset[int]]:
    """The text with obfuscated dots and schemes restored, and where (in the original) they were."""
    pieces: list[str] = []
    offsets: list[int] = []
    at: set[int] = set()
    end = 0
    text = view.text
    found = [(match, ".") for match in _DOTS.finditer(text)]
    found += [(m, f"http{m[1]}://") for m in _SCHEME_TRICKS.finditer(text) if "x" in m[0] or "*" in m[0] or "[" in m[0]]
    for match, meant in sorted(found, key=lambda pair: pair[0].start()):
        if match.start() < end:
            continue
        pieces += (text[end : match.start()], meant)
        offsets += view.offsets[end : match.start()]
        offsets += [view.offsets[match.start()]] * len(meant)
        at.add(view.offsets[match.start()])
        end = match.end()
    if not pieces:
        return view, frozenset()
    pieces.append(text[end:])
    offsets += view.offsets[end:]
    return Normalised("".join(pieces), offsets), frozenset(at)


def _read(match: re.Match[str], view: Normalised, source: str, obfuscated: frozenset[int]) -> Link | None:
    scheme, path = match["scheme"], (match["path"] or "").rstrip(_TRAILING)
    end = match.end() - len(match["path"] or "") + len(path)
    start, stop = view.span(match.start(), end)
    host = _true_host(match, view, source)
    domain, suffix = registrable(host)
    disguised = any(start <= index < stop for index in obfuscated)
    if scheme is None:
        if not _is_plausible(match, host, suffix, path, source[start:stop], disguised):
            return None
    elif scheme not in ("http", "https", "ftp"):
        return None
    if path and not disguised:
        path = source[view.offsets[end - len(path)] : stop]  # paths keep their case
    flags = [*host_flags(host), *["executable"] * bool(_EXECUTABLE.search(path))]
    flags += ["userinfo"] * bool(match["user"]) + ["obfuscated"] * disguised
    flags += ["odd_port"] * (match["port"] not in (None, ":80", ":443"))
    address = f"{scheme or 'http'}://{match['user'] or ''}{host}{match['port'] or ''}{path}"
    return Link(address=address, host=host, domain=domain, start=start, end=stop, flags=tuple(sorted(flags)))


def _true_host(match: re.Match[str], view: Normalised, source: str) -> str:
    """The host as a browser reads it: look-alike letters of other scripts are unchanged."""
    first = match.start("host")
    chars = []
    for index, shown in enumerate(match["host"], first):
        written = unicodedata.normalize("NFKC", source[view.offsets[index]]).lower()
        chars.append(shown if shown.isascii() and (written.isascii() or len(written) != 1) else written)
    return "".join(chars).rstrip(".")


def _is_plausible(match: re.Match[str], host: str, suffix: str, path: str, written: str, disguised: bool) -> bool:
    """Whether text without a scheme is a link: "e.g.", "great.It", "3.50", "readme.md", mail addresses are not."""
    if match.string[match.end() : match.end() + 1] == "@" or host.endswith("-"):
        return False
    if is_ip(host):
        return bool(path or match["port"])
    last = host.rpartition(".")[2]
    if not (suffix or last in _RESERVED) or last.isdigit():
        return False
    if host.startswith("www.") or (path.startswith("/") and len(path) > 1) or match["port"]:
        return True
    if re.search(r"[a-z]\.[A-Z]", written):  # a full stop without its space
        return False
    return (
        suffix not in WORDLIKE_SUFFIXES
        and last != "dot"
        and not (disguised and last not in _SPOKEN_SUFFIXES and len(last) < 3)
    )
