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
from functools import lru_cache
from typing import Final

from seawall.content.brands import WORDLIKE_SUFFIXES, words
from seawall.content.hosts import canonical_host, host_flags, is_ip, registrable
from seawall.content.invisible import is_ignorable
from seawall.content.lookalikes import CYRILLIC, GREEK
from seawall.content.normalise import Normalised, fold_scripts, latinise
from seawall.model.content import Modality, Part, Span, SpanUnit

_CACHED_TEXTS: Final = 16  # parts are made of a text's links first; detectors ask for them at once
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
    certain: bool = True
    """Whether it is a link without knowing more: ``great.it is`` is rather a full stop without its space."""

    @property
    def risk(self) -> float:
        """0 to 1, not calibrated."""
        doubt = 1.0
        for flag in self.flags:
            doubt *= 1.0 - FLAGS[flag]
        return round(1.0 - doubt, 4)


def extract_links(text: str) -> Sequence[Link]:
    """Every link in a text, in order, with its span in the text."""
    return _scan(text)[0]


def doubtful_links(text: str) -> Sequence[Link]:
    """What is a link only if the host is a known one: ``casino.de`` and ``my-shop.it`` without ``http://``."""
    return _scan(text)[1]


@lru_cache(_CACHED_TEXTS)
def _scan(text: str) -> tuple[Sequence[Link], Sequence[Link]]:
    """The certain links, and the doubtful ones."""
    view = fold_scripts(text)
    if not _may_have_links(view.text):
        return (), ()
    plain, obfuscated = _deobfuscate(view)
    links: list[Link] = []
    doubtful: list[Link] = []
    at = 0
    while (match := _CANDIDATE.search(plain.text, at)) is not None:
        link = _read(match, plain, text, obfuscated)
        at = match.end()
        if link is not None and link.certain:
            links.append(link)
            continue
        if link is not None:
            doubtful.append(link)
        if match["bare"]:  # what is no link may have one behind it
            at = match.end("bare") - len(re.split("[.\u3002]", match["bare"])[-1])
        elif "://" in (match["path"] or ""):
            at = match.start("path")
    return tuple(links), tuple(doubtful)


def read_address(address: str) -> Link | None:
    """A link field's value as a link; None when it is not a URL."""
    address = address.strip().translate(_DROPPED_IN_URLS)
    found = extract_links(address)
    if not found and "://" not in address:
        found = extract_links(f"http://{address}")
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
_IDEOGRAPHIC_DOT = re.compile(r"[a-z0-9]\u3002[a-z]{2}|\u3002[ \t]{0,2}[\])}>]")
_DOTS = re.compile(
    # example [.] com, example(dot)com
    r"[ \t]{0,2}[\[({<][ \t]{0,2}(?:[.\u3002]|dot|punkt|point)[ \t]{0,2}[\])}>][ \t]{0,2}"
    r"|(?<=[a-z0-9])[ \t]{1,2}(?:dot|punkt)[ \t]{1,2}(?=[a-z]{2})"  # example dot com
    r"|(?<=[a-z0-9])(?: \. ?|\. )(?=(?:com|net|org|info|biz|ru|xyz|io|gg|ly|club|shop|top|site)\b)"  # example . com
)
_SCHEME_TRICKS = re.compile(r"(?<![a-z0-9])h[xt*]{2}p(s?)\s?\[?:\]?\s?([/\\]{1,3})")
_ESCAPED = re.compile("(?:%[0-9a-f]{2})+")
_NOTHING: Final = "\u00ad"  # holds the place of a character that is not there
_DROPPED_IN_URLS: Final = dict.fromkeys(map(ord, "\t\r\n"))
_MARKS: Final = (  # marks of scripts with domain names; Python's \w has none
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0dff\u0e31-\u0e4e\u0eb1-\u0ece"
    "\u1000-\u109f\u1780-\u17dd\u3099\u309a"
)
# Of a host whose beginning is certain: all but spaces and punctuation. "。" is a dot to browsers.
_OF_HOST: Final = r"(?:[a-z0-9_.%\-\u3002]|[^\x00-\xa0\s\u2000-\u206f\u3000-\u303f])"
_CANDIDATE = re.compile(
    # http://host, and as browsers repair it: http:host, http:\\host, http:///host, //host
    r"(?:(?:(?P<scheme>https?|ftp):(?P<slashes>[/\\]{0,64})|(?<![\w.@:/\\-])(?P<relative>[/\\]{2,64}))"
    r"(?P<user>[^\s/\\?#<>\"]{0,1000}@)?"
    rf"(?P<host>\[[0-9a-f:.]{{2,45}}\]|{_OF_HOST}{{1,300}})"
    # other://host
    r"|(?![a-z0-9+]{0,8}https?:)(?P<other>[a-z][a-z0-9+]{1,9})://[^\s<>\"']{0,300}"
    # host, also behind a letter of another script, an ellipsis or a dash, or in the underscores of Markdown
    r"|(?:(?:(?<![\w.@/\\-])|(?<=\.\.)|(?<=--)|(?<=\s-)|(?<=\A-))_{0,3}|(?<=[^\W\x00-\x7f])(?=[a-z0-9]))"
    rf"(?P<bare>(?:[^\W_][\w{_MARKS}-]{{0,62}}[.\u3002]){{1,20}}(?!(?:https?|hxxps?|ftp):)[^\W_][\w{_MARKS}-]{{0,62}}))"
    r"(?P<port>:0{0,9}\d{1,5}(?!\d)|:(?=[/\\?#]))?(?P<path>[/\\?#][^\s<>\"']{0,3000})?"
)
_LOOKALIKES: Final = CYRILLIC.keys() | GREEK.keys()
_TRAILING = ".,;:!?)]}'\"…*_"


def _may_have_links(text: str) -> bool:
    """False for most texts without a link, quickly."""
    return (
        "//" in text
        or ":/" in text
        or "tp:" in text
        or "tps:" in text
        or "\\" in text
        or "dot" in text
        or "punkt" in text
        or _DOT.search(text) is not None
        or ("\u3002" in text and _IDEOGRAPHIC_DOT.search(text) is not None)
    )


def _deobfuscate(view: Normalised) -> tuple[Normalised, frozenset[int]]:
    """The text with obfuscated dots and schemes restored, and where (in the original) they were."""
    pieces: list[str] = []
    offsets: list[int] = []
    at: set[int] = set()
    end = 0
    text = latinise(view).text  # as long as the view
    found = [(match, ".") for match in _DOTS.finditer(text)]
    found += [
        (m, f"http{m[1]}:{m[2]}") for m in _SCHEME_TRICKS.finditer(text) if not m[0].startswith(("http:", "https:"))
    ]
    for match, meant in sorted(found, key=lambda pair: pair[0].start()):
        if match.start() < end:
            continue
        pieces += (view.text[end : match.start()], meant)
        offsets += view.offsets[end : match.start()]
        offsets += [view.offsets[match.start()]] * len(meant)
        at.add(view.offsets[match.start()])
        end = match.end()
    if not pieces:
        return view, frozenset()
    pieces.append(view.text[end:])
    offsets += view.offsets[end:]
    return Normalised("".join(pieces), offsets), frozenset(at)


def _is_trick(scheme: str) -> bool:
    return not scheme.startswith(("http:", "https:"))


def _read(match: re.Match[str], view: Normalised, source: str, obfuscated: frozenset[int]) -> Link | None:
    """The link at a match, or None where it is none."""
    if match["other"]:
        return None
    group = "bare" if match["bare"] else "host"
    letters = _as_written(view, source, *match.span(group))
    shown = _decoded(letters, match[group])
    first, last = _bounds(letters, shown, bare=group == "bare")
    shown, written, tail = shown[first:last], "".join(letters[first:last]), shown[last:]
    host = canonical_host(written)
    if not host:
        return None
    tail = tail.strip(_NOTHING)
    is_whole = not tail or (tail in (".", "\u3002") and bool(match["port"] or match["path"]))
    port = _port(match) if is_whole else ""
    path = (match["path"] or "").rstrip(_TRAILING) if is_whole else ""
    opening = match.start("bare") + first if group == "bare" else match.start()
    closing = match.end(group) + len(match["port"] or "") + len(path) if is_whole else match.start(group) + last
    start, stop = view.span(opening, closing)
    domain, suffix = registrable(host)
    disguised = any(start <= index < stop for index in obfuscated)
    certain = bool(match["scheme"]) and len(match["slashes"]) > 1
    is_plausible = True
    if group == "bare":
        if match.string[closing : closing + 1] == "@":
            return None
        is_plausible = _is_plausible(host, shown, suffix, port + path, source[start:stop], disguised)
        if not is_plausible and not (is_whole and _is_suffix(host.rpartition(".")[2]) and suffix != host):
            return None
    if group == "host" and not certain and not (is_ip(host) or _is_suffix(host.rpartition(".")[2])):
        return None
    if path and not disguised:
        path = source[view.offsets[closing - len(path)] : stop]  # paths keep their case
    user = match["user"] or ""
    return Link(
        address=f"{match['scheme'] or 'http'}://{user}{host}{port}{path}",
        host=host,
        domain=domain,
        start=start,
        end=stop,
        flags=_flags(host, written.lower(), port, path, has_user=bool(user), disguised=disguised),
        certain=is_plausible,
    )


def _flags(host: str, written: str, port: str, path: str, *, has_user: bool, disguised: bool) -> tuple[str, ...]:
    flags = {*host_flags(host)}
    checks = {
        "executable": _EXECUTABLE.search(path) is not None,
        "userinfo": has_user,
        "obfuscated": disguised,
        "punycode": "xn--" in written,
        "odd_port": port not in ("", ":80", ":443"),
    }
    return tuple(sorted(flags | {flag for flag, holds in checks.items() if holds}))


def _port(match: re.Match[str]) -> str:
    digits = (match["port"] or ":")[1:]
    return f":{int(digits)}" if digits else ""


def _as_written(view: Normalised, source: str, start: int, end: int) -> list[str]:
    """For each character of a host in the view, what it stands for in the source.

    The view has lost accents and joiners, which are letters of names, and has changed letters into others.
    """
    letters = []
    for index in range(start, end):
        at = view.offsets[index]
        after = view.offsets[index + 1] if index + 1 < len(view.offsets) else len(source)
        if view.text[index] in ".\u3002":
            letters.append(".")
        elif index > start and view.offsets[index - 1] == at:
            letters.append("")  # one character shown as several
        else:
            marks = (char for char in source[at + 1 : after] if char in "\u200c\u200d" or _is_mark(char))
            letters.append(source[at] + "".join(marks))
    return letters


def _decoded(letters: list[str], shown: str) -> str:
    """``shown`` and ``letters`` with percent signs decoded, in their places; what they leave over shows nothing."""
    for escaped in _ESCAPED.finditer(shown):
        start, end = escaped.span()
        chars = bytes.fromhex(escaped[0].replace("%", "")).decode("utf-8", "replace")
        filled = [*chars, *[""] * (end - start - len(chars))]
        letters[start:end] = filled
        shown = shown[:start] + "".join(char.lower()[:1] or _NOTHING for char in filled) + shown[end:]
    return shown


def _is_mark(char: str) -> bool:
    return unicodedata.category(char).startswith("M") and not is_ignorable(char)


def _bounds(letters: Sequence[str], shown: str, *, bare: bool) -> tuple[int, int]:
    """Where a host begins and ends among letters of scripts that are written without spaces.

    No suffix mixes scripts, so a Latin one ends at the first other letter, and another one where a known suffix does.
    A bare host may begin behind a word of another script that touches it.
    """
    end = _end(letters, shown, bare)
    last = _last_dot(shown, end) + 1
    if not bare or not shown[last : last + 1].isascii():
        return 0, end
    dots = [at for at in (shown.find("."), shown.find("\u3002")) if at >= 0]
    label = letters[: min(dots)]
    foreign = [at for at, letter in enumerate(label) if _is_of_other_script(letter)]
    if not foreign or all(letter.lower() in _LOOKALIKES for letter in (label[at] for at in foreign)):
        return 0, end  # paypal.com with Cyrillic letters is a name, and a trick
    begin = foreign[-1] + 1
    while begin < len(label) and shown[begin] in "-_":
        begin += 1
    return (begin, end) if begin < len(label) else (0, end)


def _end(letters: Sequence[str], shown: str, bare: bool) -> int:
    whole = 0
    end = len(shown)
    while end > 0:
        end = len(shown[:end].rstrip(f"-_.\u3002%{_NOTHING}"))
        dot = _last_dot(shown, end)
        last = dot + 1
        if shown[last : last + 1].isascii():
            end = next((at for at in range(last, end) if _is_of_other_script(letters[at])), end)
            end = len(shown[:end].rstrip(f"-_{_NOTHING}"))
        elif not bare:
            end = next((at for at in range(end, last, -1) if _is_suffix("".join(letters[last:at]))), end)
        whole = whole or end
        if "\u3002" not in shown or _is_suffix("".join(letters[last:end])):
            return end
        end = shown.rfind("\u3002", 0, end)  # behind the full stop of a sentence
    return whole


def _last_dot(shown: str, end: int) -> int:
    return max(shown.rfind(".", 0, end), shown.rfind("\u3002", 0, end))


def _is_of_other_script(letter: str) -> bool:
    """Whether it is no Latin letter, digit or hyphen, in whatever form."""
    base = unicodedata.normalize("NFKD", letter)[:1]
    return bool(base) and not base.isascii() and not unicodedata.name(base, "").startswith("LATIN ")


def _is_suffix(label: str) -> bool:
    """Whether it is a known last label of names."""
    label = canonical_host(label)
    return label in _RESERVED or bool(label and registrable(f"x.{label}")[1])


def _is_plausible(host: str, shown: str, suffix: str, rest: str, written: str, disguised: bool) -> bool:
    """Whether text without a scheme is a link: "e.g.", "great.It", "3.50", "readme.md", mail addresses are not.

    ``shown``: the host in the view; ``rest``: its port and path.
    """
    if is_ip(host):
        return bool(rest) and shown.startswith(host)
    rest_of_host, _, last = host.rpartition(".")
    if not rest_of_host or not (suffix or last in _RESERVED) or last.isdigit():
        return False
    if "\u3002" in shown and not re.search(r"[a-z0-9][.\u3002][a-z]+$", shown):
        return False  # the full stop of a Chinese or Japanese sentence
    if host.startswith("www.") or len(rest) > 1 or "xn--" in shown:
        return True
    if re.search(r"[a-z]\.[A-Z]", written):  # a full stop without its space
        return False
    if not last.isalnum() and not last.isascii():  # भारत: the words of a sentence without their space
        return False
    return (
        suffix not in WORDLIKE_SUFFIXES
        and last != "dot"
        and not (disguised and last not in _SPOKEN_SUFFIXES and len(last) < 3)
    )
