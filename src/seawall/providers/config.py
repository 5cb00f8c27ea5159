"""Configuration files, read strictly: what is not understood is an error that says where and what to write."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

_MISSING: Final = object()
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)?")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|kB|KB|MB)?")
_SECONDS = {None: 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_BYTES = {None: 1, "B": 1, "kB": 1_000, "KB": 1_000, "MB": 1_000_000}
_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_ENV = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_LARGEST_FILE = 1_000_000


class ConfigError(Exception):
    """A configuration that cannot be used: file, place, remedy."""


def read_yaml(text: str, name: str) -> Section:
    """The top mapping of a YAML file. Raises ConfigError."""
    if len(text) > _LARGEST_FILE:
        raise ConfigError(f"{name}: the file is too large; at most {_LARGEST_FILE:,} characters")
    try:
        root = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise ConfigError(f"{name}{line}: not valid YAML: {getattr(error, 'problem', None) or error}") from None
    if not isinstance(root, dict):
        raise ConfigError(f"{name}: write keys and values, such as 'provider: my-service'")
    return Section(root, name, "")


def load_yaml(path: Path) -> Section:
    """As ``read_yaml``, from a file. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or 'cannot be read'}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text") from None
    return read_yaml(text, str(path))


def expand(text: str, place: str, environment: Mapping[str, str] | None = None) -> str:
    """``${NAME}`` and ``${NAME:-otherwise}`` from the environment. Raises ConfigError, which names no value."""
    found = os.environ if environment is None else environment

    def value(match: re.Match[str]) -> str:
        name, otherwise = match.groups()
        held = found.get(name)
        if held:
            return held
        if otherwise is None:
            raise ConfigError(f"{place}: the environment variable {name} is not set")
        return str(otherwise)

    return _ENV.sub(value, text)


class Section:
    """A mapping in a configuration file that knows where it stands."""

    __slots__ = ("_values", "file", "place")

    def __init__(self, values: Mapping[Any, Any], file: str, place: str) -> None:
        self._values = {str(key): value for key, value in values.items()}
        self.file = file
        self.place = place

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def raw(self, key: str, default: object = None) -> Any:
        """A value as YAML gave it."""
        return self._values.get(key, default)

    @property
    def values(self) -> dict[str, Any]:
        """All of it as YAML gave it."""
        return dict(self._values)

    def at(self, key: str) -> str:
        """A key's full place, for messages."""
        inner = f"{self.place}.{key}" if self.place else key
        return f"{self.file}: {inner}"

    def fail(self, key: str, message: str) -> NoReturn:
        """Raise ConfigError about a key."""
        raise ConfigError(f"{self.at(key)}: {message}")

    def only(self, *known: str) -> None:
        """Refuse keys that are not known. Raises ConfigError with the nearest one."""
        for key in self._values:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(known)}"
                self.fail(key, f"this is not understood here; {hint}")

    def text(self, key: str, default: object = _MISSING) -> Any:
        """A text; numbers and booleans are refused, so that nothing is read otherwise than written."""
        value = self._get(key, default)
        if value is default:
            return default
        if not isinstance(value, str) or not value.strip():
            self.fail(key, "write a text")
        return value

    def name(self, key: str, default: object = _MISSING) -> Any:
        """A lower-case name with dashes or underscores."""
        value = self.text(key, default)
        if value is not default and not _NAME.fullmatch(value):
            self.fail(key, f"{value!r} is no name: lower-case letters, digits, dashes, underscores")
        return value

    def number(self, key: str, default: Any = _MISSING, *, least: float = 0.0, most: float = float("inf")) -> Any:
        """A number within bounds."""
        value = self._get(key, default)
        if value is default:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            self.fail(key, f"write a number from {least:g} to {most:g}")
        return float(value)

    def whole(self, key: str, default: Any = _MISSING, *, least: int = 0, most: int = 1_000_000_000) -> Any:
        """A whole number within bounds."""
        value = self._get(key, default)
        if value is default:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.fail(key, f"write a whole number from {least} to {most}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self._get(key, default)
        if not isinstance(value, bool):
            self.fail(key, "write true or false")
        return value

    def seconds(self, key: str, default: float, *, most: float = 3600.0) -> float:
        """A duration such as ``250ms``, ``5s`` or a number of seconds."""
        return self._measure(key, default, _DURATION, _SECONDS, "a duration such as 250ms or 5s", most)

    def size(self, key: str, default: int | None) -> int | None:
        """A number of bytes such as ``4MB``."""
        if default is None and key not in self:
            return None
        return int(self._measure(key, default or 0, _SIZE, _BYTES, "a size such as 500kB or 4MB", 1e9))

    def choice(self, key: str, known: Sequence[str], default: object = _MISSING) -> Any:
        """One of the known words."""
        value = self.text(key, default)
        if value is not default and value not in known:
            self.fail(key, f"{value!r} is none of: {', '.join(known)}")
        return value

    def texts(self, key: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        """A list of texts; a single one may stand alone."""
        value = self._get(key, None)
        if value is None:
            return tuple(default)
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not listed or not all(isinstance(each, str) and each for each in listed):
            self.fail(key, "write a list of texts")
        return tuple(listed)

    def section(self, key: str) -> Section:
        """A nested mapping; empty when it is not there."""
        value = self._get(key, None)
        if value is None:
            value = {}
        return self._nested(value, key)

    def sections(self, key: str) -> list[Section]:
        """A list of mappings; a single one may stand alone."""
        value = self._get(key, None)
        if value is None:
            return []
        listed = value if isinstance(value, list) else [value]
        return [self._nested(each, f"{key}[{number}]") for number, each in enumerate(listed)]

    def _nested(self, value: object, key: str) -> Section:
        if not isinstance(value, dict):
            self.fail(key, "write keys and values")
        return Section(value, self.file, f"{self.place}.{key}" if self.place else key)

    def _get(self, key: str, default: object) -> Any:
        value = self._values.get(key)
        if value is None:
            if default is _MISSING:
                self.fail(key, "this is missing")
            return default
        return value

    def _measure(
        self, key: str, default: float, form: re.Pattern[str], units: Mapping[Any, float], what: str, most: float
    ) -> float:
        value = self._get(key, None)
        if value is None:
            return default
        match = form.fullmatch(str(value).strip()) if not isinstance(value, bool) else None
        amount = float(match[1]) * units[match[2]] if match else -1.0
        if not 0 <= amount <= most:
            self.fail(key, f"write {what}, at most {most:g}")
        return amount
