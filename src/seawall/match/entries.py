"""What banks hold: entries, and the one spelling in which each value is kept."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import re2

KINDS: Final = ("text", "pattern", "domain", "image")


class EntryError(ValueError):
    """A bank entry cannot be used; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BankEntry:
    """One known thing.

    ``value``: a text, an RE2 pattern, a domain, or the 64 hex digits of a PDQ hash. ``threshold``: for a picture the
    largest Hamming distance that matches (31), for a text the percentage of its 3-word sequences that must be found
    (80 for texts of 12 words and more; shorter ones match word for word). ``expires``: milliseconds since 1970.
    """

    bank: str
    id: str
    kind: str
    value: str
    threshold: int | None = None
    expires: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry was found. ``start`` and ``end`` count characters of the original text; a picture has a distance."""

    bank: str
    entry: str
    start: int | None = None
    end: int | None = None
    distance: int | None = None


def canonical_value(kind: str, value: str, threshold: int | None = None) -> str:
    """The value as a bank keeps it: two spellings of one thing come out equal. Raises ``EntryError``.

    Ask before an entry is added: a value that passes always compiles.
    """
    if kind not in KINDS:
        raise EntryError(f"kind is {kind!r}; it must be one of {', '.join(KINDS)}")
    if not value.strip():
        raise EntryError("the value is empty")
    least, most = _THRESHOLDS.get(kind, (None, None))
    if threshold is not None and (least is None or most is None or not least <= threshold <= most):
        allowed = f"from {least} to {most}" if most is not None else "left out"
        raise EntryError(f"threshold is {threshold}; for kind {kind} it must be {allowed}")
    return _CANONICAL[kind](value)


def host_of(value: str) -> str:
    """The host of a domain entry, which may be written as a whole address: lower case, without ``www.``."""
    host = re.sub(r"^[a-z][a-z0-9+.-]*://", "", value.strip().lower())
    host = re.split(r"[/?#:]", host.rpartition("@")[2])[0]
    return host.strip(".").removeprefix("*.").removeprefix("www.")


# A word; scripts written without spaces count each character as one.
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+"
)


def words_of(text: str) -> Iterator[re.Match[str]]:
    """The words of a text, in order."""
    return _WORD.finditer(text)


@functools.cache
def pattern_options() -> Any:
    """How patterns are compiled: without case, in linear time and bounded memory."""
    options = re2.Options()
    options.case_sensitive = False
    options.max_mem = 64 << 20
    options.log_errors = False
    return options


_THRESHOLDS: Final = {"text": (1, 100), "image": (0, 64)}


def _canonical_text(value: str) -> str:
    if not any(words_of(value)):
        raise EntryError("the text holds no word")
    return " ".join(value.split())


def _canonical_pattern(value: str) -> str:
    try:
        compiled = re2.compile(value, pattern_options())
    except re2.error as error:
        message = error.args[0] if error.args else error
        text = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
        raise EntryError(f"RE2 refuses the pattern: {text}") from error
    if compiled.search("") is not None:
        raise EntryError("the pattern matches the empty text, so it would match everything")
    return value


def _canonical_domain(value: str) -> str:
    import tldextract  # here: costs 35 ms

    host = host_of(value)
    if not re.fullmatch(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W_](?:[\w-]{0,61}[^\W_])?", host):
        raise EntryError(f"{host!r} is no domain; write one such as evil.example")
    if not tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None).extract_str(host).domain:
        raise EntryError(f"{host!r} is a public suffix; it would match every domain below it")
    return host


def _canonical_image(value: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", value.strip()):
        raise EntryError("expected the 64 hexadecimal digits of a PDQ hash")
    return value.strip().lower()


_CANONICAL: Final[dict[str, Callable[[str], str]]] = {
    "text": _canonical_text,
    "pattern": _canonical_pattern,
    "domain": _canonical_domain,
    "image": _canonical_image,
}
