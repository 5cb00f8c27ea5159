"""Cells of a file as values of an item: what a column's storage makes of a value is undone, nothing is guessed."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from typing import Any, Final

from seawall.model import FieldSpec, FieldType

_WHOLE: Final = re.compile(r"[+-]?\d{1,30}")
_NUMBER: Final = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,4})?")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_NO_ZONE: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?")
_TRUTHS: Final = {"true": True, "false": False, "1": True, "0": False}


class WrittenFloat(float):
    """A number with a fraction, and how the file writes it: the id ``1.10`` is not the id ``1.1``."""

    __slots__ = ("written",)

    def __new__(cls, written: str) -> WrittenFloat:
        """The number of this text."""
        made = super().__new__(cls, written)
        made.written = written
        return made

    written: str


def from_parquet(value: Any) -> Any:
    """A value of a Parquet column as JSON has it: times as RFC 3339 (UTC if the column has no zone)."""
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date | time_of_day):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value.as_tuple().exponent == 0 else WrittenFloat(str(value))
    if isinstance(value, list):
        return [from_parquet(entry) for entry in value]
    if isinstance(value, dict):
        return {name: from_parquet(entry) for name, entry in value.items()}
    return value


def as_id(value: Any) -> Any:
    """A cell as an id, as written; None for an empty one, whose row is refused."""
    return value if value is None or isinstance(value, str | list | dict) else as_text(value)


def as_text(value: Any) -> str:
    """A cell as the file writes it: ``true``, ``1.10``, ``9007199254740993``."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, WrittenFloat):
        return value.written
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def as_field(value: Any, spec: FieldSpec, text_cells: bool) -> Any:
    """A cell as a field's value. What does not fit is left as it is, and the item's check says so."""
    if isinstance(value, bytes):
        if spec.type in _MEDIA:
            return {"base64": b64encode(value).decode()}
        return value.decode(errors="surrogateescape")  # what is not UTF-8 is refused as a text
    if isinstance(value, str) and (text_cells or spec.type is FieldType.TIMESTAMP):
        convert = _FROM_TEXT.get(spec.type)
        return value if convert is None else convert(value.strip())
    return value


def as_timestamp(value: Any) -> Any:
    """A cell as a time: digits are milliseconds; a time without a zone, or a day, is in UTC."""
    if not isinstance(value, str):
        return value
    if _WHOLE.fullmatch(value):
        return int(value)
    if _DAY.fullmatch(value):
        return f"{value}T00:00:00Z"
    return f"{value}Z" if _NO_ZONE.fullmatch(value) else value


def _whole(text: str) -> Any:
    return int(text) if _WHOLE.fullmatch(text) else text


def _number(text: str) -> Any:
    return _whole(text) if _WHOLE.fullmatch(text) else float(text) if _NUMBER.fullmatch(text) else text


def _list(text: str) -> Any:
    if not text.startswith("["):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


_MEDIA: Final = (FieldType.IMAGE, FieldType.AUDIO, FieldType.VIDEO, FieldType.DOCUMENT)
_FROM_TEXT: Final[Mapping[FieldType, Callable[[str], Any]]] = {
    FieldType.INTEGER: _whole,
    FieldType.NUMBER: _number,
    FieldType.BOOLEAN: lambda text: _TRUTHS.get(text.lower(), text),
    FieldType.TIMESTAMP: as_timestamp,
    FieldType.TEXTS: _list,
    FieldType.LINKS: _list,
    FieldType.IDS: _list,
}
