"""Template filters that format times, numbers and codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isnan

from markupsafe import Markup

from seawall.console.languages import current_language, marked, pgettext
from seawall.console.languages import gettext as _
from seawall.model import ACTIONS, HARMS, Action, Unknown, UnknownReason, now_ms

_STEPS = (
    (60, marked("%(n)d s")),
    (60, marked("%(n)d min")),
    (24, marked("%(n)d h")),
    (7, marked("%(n)d d")),
    (52, marked("%(n)d wk")),
)
_MONTHS = (
    *(marked("Jan"), marked("Feb"), marked("Mar"), marked("Apr"), marked("May"), marked("Jun")),
    *(marked("Jul"), marked("Aug"), marked("Sep"), marked("Oct"), marked("Nov"), marked("Dec")),
)


def span_of_time(ms: float) -> str:
    """A duration in its largest unit: ``95000`` → ``1 min``."""
    amount = abs(ms) / 1000
    for size, unit in _STEPS:
        if amount < size:
            return _(unit) % {"n": int(amount)}
        amount /= size
    return _("%(n)d yr") % {"n": int(amount)}


def stamp(ms: int) -> str:
    """Milliseconds as ``2026-11-22 22:04:05 UTC``."""
    return _("%(time)s UTC") % {"time": datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")}


def day(ms: int) -> str:
    """Milliseconds as ``27 Feb 2027``, UTC."""
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return _("%(day)d %(month)s %(year)d") % {"day": at.day, "month": _(_MONTHS[at.month - 1]), "year": at.year}


def when(ms: int | None) -> Markup:
    """A ``<time>`` that shows the distance from now, with the exact time as its title."""
    if ms is None:
        return Markup('<span class="faint">{}</span>').format(_("never"))
    distance = now_ms() - ms
    words = _("%(time)s ago") if distance > 0 else _("%(time)s from now")
    words = _("just now") if abs(distance) < 1_000 else words % {"time": span_of_time(distance)}
    iso = datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(iso, stamp(ms), words)


def clock(start: float, end: float) -> str:
    """Seconds from the beginning: ``12.5–14.0 s``, ``1:02:03–1:02:10``."""
    if end < 120:
        return _point(f"{start:.1f}–{end:.1f} s")
    return f"{_clock_time(start)}–{_clock_time(end)}"


def _clock_time(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


_DERIVED = {
    "words": marked("the words in it could not be read"),
    "codes": marked("codes in it could not be read"),
    "animation": marked("its frames could not be taken out"),
    "frames": marked("its frames could not be taken out"),
    "metadata": marked("what the file says beside it could not be read"),
    "document": marked("some or all of its text could not be read"),
    "voice": marked("speech in it could not be located"),
    "transcript": marked("what is said in it could not be read"),
}
_CODES = {
    "": marked("no reason was given"),
    "deadline": marked("not in time"),
    "later": marked("asked after publication"),
    "stale": marked("measured too long before"),
    "not_configured": marked("nothing that could say it is set up"),
    "not_permitted": marked("the law does not permit it here"),
    "uncounted": marked("history not counted yet"),
    "history_is_read": marked("the past is still being counted"),
    "behind_the_ledger": marked("counting is behind"),
    "out_of_memory": marked("given up for want of memory"),
    "no_database": marked("the database did not answer"),
    "error": marked("an error"),
    "overloaded": marked("overloaded"),
    "language": marked("not in this language"),
    "unreadable": marked("it cannot be decoded"),
    "not installed": marked("not installed"),
    "hung": marked("it hung"),
    "script_unread": marked("it has words in a script that is not read"),
    "no_text_layer": marked("a page has no text layer"),
    "encrypted": marked("a password is needed"),
    "attachments": marked("it has a file inside that cannot be read"),
    "too_many_attachments": marked("it has too many files inside"),
    "too_deep": marked("it is a file in a file in a file"),
    "speech_not_read": marked("speech in a language that is not read, or too unclear"),
    "speech_left": marked("the speech from there on is read next time"),
    "too_much_speech": marked("more speech than is read of one file"),
    "subtitles_unread": marked("its subtitles are pictures or damaged"),
    "profile_unread": marked("its colour profile is damaged"),
    "connect": marked("the service cannot be reached"),
    "timeout": marked("the service took too long"),
    "protocol": marked("the connection to the service broke off"),
    "http 429": marked("the service asks to be called less often"),
    "budget": marked("its budget is spent, so the service was not called"),
    "resting after failures": marked("the service failed repeatedly and is not called for a while"),
}


def why_unknown(unknown: Unknown) -> str:
    """Why a detector did not answer, in words: ``the words in it could not be read: not installed``."""
    maker, found, code = unknown.detail.partition(": ")
    if unknown.reason in (
        UnknownReason.NOT_PERMITTED,
        UnknownReason.NOT_CONFIGURED,
        UnknownReason.STALE,
    ):  # details are for engineers
        return _(_CODES[unknown.reason])
    if not found or maker not in _DERIVED:
        maker, code = unknown.detector, unknown.detail
    said = _(_CODES.get(code or unknown.reason, code.replace("_", " ")))
    if code and code != unknown.reason and unknown.reason in ("unreadable", "overloaded", "language"):
        said = f"{_(_CODES[unknown.reason])} ({said})"
    return f"{_(_DERIVED[maker])}: {said}" if maker in _DERIVED else said


def age(ms: int) -> str:
    """The distance from now, without its direction."""
    return span_of_time(now_ms() - ms)


def number(value: object) -> str:
    """A number with few significant digits: ``1,204``, ``0.83``, ``0.0004``."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or value.is_integer():
        return f"{int(value):,}".replace(",", pgettext("between thousands", ","))
    if isnan(value):
        return _("undefined")
    return _point(f"{value:.3f}" if abs(value) >= 0.01 else f"{value:.2g}")


def tenth(value: float) -> str:
    """A number to one place."""
    return _point(f"{value:.1f}")


def _point(digits: str) -> str:
    return digits.replace(".", pgettext("decimal point", "."))


def percent(value: float) -> str:
    """A share as a whole percentage."""
    return _("undefined") if isnan(value) else _("%(n).0f%%") % {"n": 100 * value}


def coefficient(value: float) -> str:
    """A coefficient of agreement, to two places."""
    return _("undefined") if isnan(value) else _point(f"{value:.2f}")


def action_title(kind: str) -> str:
    """``age_restrict`` → ``Restrict to adults``."""
    return _(ACTIONS[kind].title) if kind in ACTIONS else kind


def parameters(values: Mapping[str, str | float] | Action) -> str:
    """Parameters of an action in one line; durations (stored as seconds) in words."""
    given = values.parameters if isinstance(values, Action) else values
    parts = []
    for name, value in given.items():
        shown = span_of_time(float(value) * 1000) if name == "for" else number(value)
        parts.append(f"{words(name)} {shown}")
    return ", ".join(parts)


def harm_title(name: str | None) -> str:
    """``hate`` → ``Hateful conduct``."""
    return _(HARMS[name].title) if name in HARMS else (name or "")


_NEW_LINE = re.compile(r"\n(?!\n|\s*(?:\d+\.|[-*])\s|\s*[A-Z][\w ]{0,30}:)(?<!\n\n)[ \t]*")


def reflow(text: str) -> str:
    """Hard-wrapped prose without its line ends, except before lists, captions and blank lines."""
    return _NEW_LINE.sub(" ", text.strip())


def words(code: str) -> str:
    """``does_not_violate`` → ``does not violate``."""
    return _(code.replace("_", " "))


def within(title: str) -> str:
    """A title within a sentence, where English does without its capital; other languages may need theirs."""
    return title.lower() if current_language() == "en" else title


def short(ref: str, keep: int = 6) -> str:
    """The prefix and the last characters of an id; its random end differs between neighbouring ids."""
    kind, _, tail = ref.partition("_")
    return f"{kind}…{tail[-keep:]}" if len(tail) > keep else ref


FILTERS = {
    "day": day,
    "when": when,
    "age": age,
    "stamp": stamp,
    "duration": span_of_time,
    "number": number,
    "tenth": tenth,
    "percent": percent,
    "coefficient": coefficient,
    "action_title": action_title,
    "parameters": parameters,
    "harm_title": harm_title,
    "reflow": reflow,
    "why_unknown": why_unknown,
    "words": words,
    "short": short,
    "within": within,
}
