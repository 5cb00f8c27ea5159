"""The language of the search box: words, phrases in quotes, and conditions such as ``verdict:block``.

    >>> parse_search('type:comment "see you" signal:toxicity>0.8', now=0).words
    ('see you',)

Whatever cannot be meant is refused with its place, because a condition that is silently dropped finds too much, and
one that is silently false finds nothing where there is something.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from seawall.console.languages import gettext as _
from seawall.model import HARMS
from seawall.screen.item_search import Comparison, SignalCondition

LONGEST_SEARCH: Final = 500
"""Characters of a search."""

_MS: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_FIELD: Final = re.compile(r"([a-z]+):")
_AGO: Final = re.compile(r"(\d{1,4})([mhdw])")
_SIGNAL: Final = re.compile(r"([^<>=]+)(>=|<=|>|<)(-?\d{1,9}(?:\.\d{1,9})?)")


class SearchRefused(ValueError):
    """A search that cannot be understood. ``position``: the character where, from 1."""

    def __init__(self, position: int, problem: str) -> None:
        super().__init__(_("At character %(position)d: %(problem)s") % {"position": position, "problem": problem})
        self.position = position


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """What to look for: every condition holds, and every word or phrase is in the item. None: not a condition."""

    words: tuple[str, ...] = ()
    content_type: str | None = None
    verdict: str | None = None  # allow | hold | block | undecided
    policy: str | None = None
    rule: str | None = None
    harm: str | None = None
    queue: str | None = None
    case: str | None = None  # open | closed
    by: str | None = None  # person | rules | somebody's email or id
    account: str | None = None  # the product's id
    since: int | None = None  # milliseconds since 1970, included
    until: int | None = None  # not included
    reported: bool | None = None
    degraded: bool | None = None
    signals: tuple[SignalCondition, ...] = ()

    @property
    def reads_content(self) -> bool:
        """Whether items must be decrypted or their records read one by one."""
        return bool(self.words or self.signals)


@dataclass(frozen=True, slots=True)
class _Token:
    position: int
    field: str  # empty: a word or phrase
    text: str


def parse_search(text: str, *, now: int) -> SearchQuery:
    """The query. ``now``: milliseconds since 1970, for ``since:7d``. Raises SearchRefused."""
    if len(text) > LONGEST_SEARCH:
        problem = _("a search has at most %(count)d characters; shorten it") % {"count": LONGEST_SEARCH}
        raise SearchRefused(LONGEST_SEARCH + 1, problem)
    if "\0" in text:
        raise SearchRefused(text.index("\0") + 1, _("there is a NUL character, which no text has; remove it"))
    words: list[str] = []
    signals: list[SignalCondition] = []
    given: dict[str, Any] = {}
    for token in _tokens(text):
        if not token.field:
            words.append(token.text)
        elif token.field == "signal":
            signals.append(_signal(token))
        else:
            name, read = _FIELDS[token.field]
            if name in given:
                problem = _("%(field)s: stands twice; a search has it once") % {"field": token.field}
                raise SearchRefused(token.position, problem)
            given[name] = read(token, now)
    query = replace(SearchQuery(words=tuple(words), signals=tuple(signals)), **given)
    if query.since is not None and query.until is not None and query.since >= query.until:
        raise SearchRefused(1, _("since: is not before until:, so nothing can be found; exchange them"))
    return query


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        start, field = at, ""
        if (found := _FIELD.match(text, at)) is not None:
            field, at = found[1], found.end()
            _check_field(field, start + 1)
        value, at = _value(text, at)
        if not value.strip():
            problem = _("%(field)s: needs a value") if field else _("there is nothing between the quotes")
            raise SearchRefused(start + 1, problem % {"field": field})
        yield _Token(start + 1, field, value)


def _value(text: str, at: int) -> tuple[str, int]:
    """A word up to the next white space, or what stands between quotes; and where it ends."""
    if text.startswith('"', at):
        end = text.find('"', at + 1)
        if end < 0:
            raise SearchRefused(at + 1, _('the quote is not closed; add a " after the phrase'))
        return text[at + 1 : end], end + 1
    end = at
    while end < len(text) and not text[end].isspace():
        end += 1
    return text[at:end], end


def _check_field(field: str, position: int) -> None:
    if field != "signal" and field not in _FIELDS:
        known = ", ".join(sorted((*_FIELDS, "signal")))
        problem = _('there is no field %(field)r. Fields: %(known)s. To look for the text itself, write it in "quotes"')
        raise SearchRefused(position, problem % {"field": field, "known": known})


def _plain(token: _Token, now: int) -> str:
    return token.text


def _one_of(*values: str) -> Callable[[_Token, int], str]:
    def read(token: _Token, now: int) -> str:
        if token.text not in values:
            problem = _("%(field)s: is one of %(values)s, not %(value)r")
            named = {"field": token.field, "values": ", ".join(values), "value": token.text}
            raise SearchRefused(token.position, problem % named)
        return token.text

    return read


def _yes_or_no(token: _Token, now: int) -> bool:
    return _one_of("yes", "no")(token, now) == "yes"


def _since(token: _Token, now: int) -> int:
    return _moment(token, now, days=0)


def _until(token: _Token, now: int) -> int:
    return _moment(token, now, days=1)  # the whole day belongs to it


def _moment(token: _Token, now: int, *, days: int) -> int:
    if (ago := _AGO.fullmatch(token.text)) is not None:
        return now - int(ago[1]) * _MS[ago[2]]
    try:
        day = datetime.strptime(token.text, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=days)
    except (ValueError, OverflowError):
        problem = _("%(field)s: is a day such as 2026-11-01, or a time ago such as 7d or 12h")
        raise SearchRefused(token.position, problem % {"field": token.field}) from None
    return int(day.timestamp() * 1000)


def _signal(token: _Token) -> SignalCondition:
    found = _SIGNAL.fullmatch(token.text)
    if found is None:
        problem = _("signal: is a name, a comparison (>, >=, <, <=) and a number, as signal:toxicity>0.8")
        raise SearchRefused(token.position, problem)
    return SignalCondition(name=found[1], comparison=Comparison(found[2]), value=float(found[3]))


_FIELDS: Final[Mapping[str, tuple[str, Callable[[_Token, int], Any]]]] = MappingProxyType(
    {
        "type": ("content_type", _plain),
        "verdict": ("verdict", _one_of("allow", "hold", "block", "undecided")),
        "policy": ("policy", _plain),
        "rule": ("rule", _plain),
        "harm": ("harm", _one_of(*sorted(HARMS))),
        "queue": ("queue", _plain),
        "case": ("case", _one_of("open", "closed")),
        "by": ("by", _plain),
        "account": ("account", _plain),
        "since": ("since", _since),
        "until": ("until", _until),
        "reported": ("reported", _yes_or_no),
        "degraded": ("degraded", _yes_or_no),
    }
)
