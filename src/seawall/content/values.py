"""Converts one decoded JSON value to the type declared by its field."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Final, TypeAlias

from seawall.model import Audio, Document, FieldSpec, FieldType, Image, Media, Value, Video

MAX_TEXT: Final = 100_000  # characters, if the content type sets no max_length
MAX_ENTRIES: Final = 1_000
MAX_ID: Final = 512
MAX_LINK: Final = 4_096
_MIB: Final = 1024 * 1024
MAX_BYTES: Final = {
    FieldType.IMAGE: 20 * _MIB,
    FieldType.AUDIO: 40 * _MIB,
    FieldType.VIDEO: 45 * _MIB,
    FieldType.DOCUMENT: 20 * _MIB,
}
"""Maximum size of an encoded file, by type of media."""

_MAX_INTEGER: Final = 2**63 - 1
LEAST_MS: Final = 100_000_000_000
"""The first number taken for milliseconds since 1970 (March 1973): a smaller one is seconds, or a value never set."""

_END_OF_TIME: Final = 253_402_300_800_000  # the year 10000, in milliseconds
_LEAST_TEXT_MS: Final = -2_208_988_800_000  # the year 1900; earlier ones are a language's value for "not set"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_LANGUAGE: Final = re.compile(r"([A-Za-z]{2})(?:[-_][A-Za-z0-9_-]{1,30})?")

ReadValue: TypeAlias = Callable[[Any, FieldSpec], Value]


class InvalidValue(Exception):
    """A value that its field does not accept. ``within`` is the path to the entry of a list: ``.3``."""

    def __init__(self, message: str, remedy: str, within: str = "") -> None:
        self.message = message
        self.remedy = remedy
        self.within = within
        super().__init__(message)


def read_text(value: Any, limit: int) -> str:
    """A text of at most ``limit`` characters. Raises InvalidValue."""
    if not isinstance(value, str):
        raise InvalidValue(f"must be a text, not {_kind(value)}", "send a JSON string")
    if len(value) > limit:
        raise InvalidValue(f"has {len(value):,} characters", f"send at most {limit:,}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidValue("is not well-formed Unicode (a lone surrogate)", "send valid UTF-8") from None
    return value


def read_code(value: Any, limit: int = MAX_ID) -> str:
    """An id or a link: a text that is not empty. Raises InvalidValue."""
    if value == "":
        raise InvalidValue("is empty", f"send from 1 to {limit} characters, or leave it out")
    return read_text(value, limit)


def read_timestamp(value: Any) -> int:
    """Milliseconds since 1970 from RFC 3339 text or from milliseconds. Raises InvalidValue.

    A number that is far too small is refused: seconds read as milliseconds make every account decades old.
    """
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _END_OF_TIME:
        if value < LEAST_MS:
            raise InvalidValue(f"is not in milliseconds: {value} would be in {_year(value)}", _seconds_remedy(value))
        return value
    if isinstance(value, str) and _TIMESTAMP.fullmatch(value):
        try:
            since = datetime.fromisoformat(value.upper()) - _EPOCH
        except (ValueError, OverflowError):
            pass
        else:
            moment = (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000
            if moment < _LEAST_TEXT_MS:
                raise InvalidValue("is before the year 1900", "send the real time, or leave it out if it is not known")
            return moment
    raise InvalidValue("is not a timestamp", "send RFC 3339 such as 2026-11-22T20:15:00Z, or milliseconds since 1970")


def _year(milliseconds: int) -> int:
    return 1970 + milliseconds // 31_556_952_000


def _seconds_remedy(value: int) -> str:
    if value * 1_000 < LEAST_MS:
        return "send milliseconds since 1970 or RFC 3339, or leave it out if it is not known"
    return f"if these are seconds, send {value * 1_000}; or send RFC 3339 such as 2026-11-22T20:15:00Z"


def read_language(value: Any) -> str | None:
    """ISO 639-1, lower case; None for BCP 47's "und". Raises InvalidValue."""
    if value == "und":
        return None
    match = _LANGUAGE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise InvalidValue("is not a language code", "send ISO 639-1 such as en or pt-BR, or leave it out")
    return match[1].lower()


def _integer(value: Any, _: FieldSpec) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidValue(f"must be a whole number, not {_kind(value)}", "send a JSON number without fraction")
    if abs(value) > _MAX_INTEGER:
        raise InvalidValue("is too large", "send a number that fits into 64 bits")
    return value


def _number(value: Any, _: FieldSpec) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise InvalidValue(f"must be a number, not {_kind(value)}", "send a JSON number")
    if abs(value) > _MAX_INTEGER if isinstance(value, int) else not isfinite(value):
        raise InvalidValue("is too large, or not a number", "send a finite number that fits into 64 bits")
    return float(value)


def _boolean(value: Any, _: FieldSpec) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue(f"must be true or false, not {_kind(value)}", "send a JSON boolean")
    return value


_MEDIA: Final[Mapping[FieldType, type[Media]]] = {
    FieldType.IMAGE: Image,
    FieldType.AUDIO: Audio,
    FieldType.VIDEO: Video,
    FieldType.DOCUMENT: Document,
}
_NOUNS: Final = {
    FieldType.IMAGE: "an image",
    FieldType.AUDIO: "an audio file",
    FieldType.VIDEO: "a video",
    FieldType.DOCUMENT: "a document",
}


def _media(value: Any, spec: FieldSpec) -> Value:
    """An image, audio file, video or document: ``{"base64": …}``, or one that was fetched already."""
    kind, limit = _MEDIA[spec.type], MAX_BYTES[spec.type]
    data = value.data if isinstance(value, kind) else _decoded(value, spec, limit)
    if len(data) > limit:
        raise _too_large(limit)
    if not data:
        raise InvalidValue("is empty", "send the encoded file, or leave the field out")
    return kind(data)


def _decoded(value: Any, spec: FieldSpec, limit: int) -> bytes:
    from base64 import b64decode  # imported here: only items with media need it

    remedy = 'send {"base64": "…"} with the encoded file'
    encoded = value.get("base64") if isinstance(value, Mapping) and len(value) == 1 else None
    if isinstance(value, Mapping) and "url" in value and len(value) == 1:
        raise InvalidValue("is a URL; URLs are fetched only for POST /v1/screen and POST /v1/items", remedy)
    if not isinstance(encoded, str):
        raise InvalidValue(f"must be {_NOUNS[spec.type]}", remedy)
    if len(encoded) > limit * 4 // 3 + 4:
        raise _too_large(limit)
    try:
        return b64decode(encoded, validate=True)
    except ValueError:
        raise InvalidValue("is not valid base64", remedy) from None


def _too_large(limit: int) -> InvalidValue:
    return InvalidValue("is too large", f"send at most {limit // _MIB} MiB")


def _listed(read: Callable[[Any], str]) -> ReadValue:
    def entries(value: Any, spec: FieldSpec) -> Value:
        if not isinstance(value, list | tuple):
            raise InvalidValue(f"must be a list, not {_kind(value)}", "send a JSON array of strings")
        limit = spec.max_length or MAX_ENTRIES
        if len(value) > limit:
            raise InvalidValue(f"has {len(value):,} entries", f"send at most {limit:,}")
        found = []
        for entry in value:
            try:
                found.append(read(entry))
            except InvalidValue as bad:
                raise InvalidValue(bad.message, bad.remedy, f".{len(found)}") from None
        return tuple(found)

    return entries


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    for types, noun in ((bool, "a boolean"), (int | float, "a number"), (str, "a text"), (list | tuple, "a list")):
        if isinstance(value, types):
            return noun
    return "an object"


READERS: Final[Mapping[FieldType, ReadValue]] = {
    FieldType.TEXT: lambda value, spec: read_text(value, spec.max_length or MAX_TEXT),
    FieldType.TEXTS: _listed(lambda value: read_text(value, MAX_TEXT)),
    FieldType.LINK: lambda value, spec: read_code(value, spec.max_length or MAX_LINK),
    FieldType.LINKS: _listed(lambda value: read_code(value, MAX_LINK)),
    FieldType.IMAGE: _media,
    FieldType.AUDIO: _media,
    FieldType.VIDEO: _media,
    FieldType.DOCUMENT: _media,
    FieldType.ID: lambda value, spec: read_code(value, spec.max_length or MAX_ID),
    FieldType.IDS: _listed(read_code),
    FieldType.INTEGER: _integer,
    FieldType.NUMBER: _number,
    FieldType.BOOLEAN: _boolean,
    FieldType.TIMESTAMP: lambda value, _: read_timestamp(value),
    FieldType.LANGUAGE: lambda value, _: read_language(value),
}
"""Reader for each type of field; all raise InvalidValue."""
