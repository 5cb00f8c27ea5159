"""Reads YAML configuration files strictly into typed structs; errors name the file, place and remedy.

>>> class Limits(ConfigStruct, frozen=True):
...     timeout: Seconds = Seconds(5)
...     retries: Annotated[int, Meta(ge=0, le=5)] = 2
>>> read_yaml("timeout: 250ms", "limits.yaml").convert(Limits)
Limits(timeout=0.25, retries=2)
>>> read_yaml("retires: 3", "limits.yaml").convert(Limits)
Traceback (most recent call last):
seawall.configfile.ConfigError: limits.yaml: retires: unknown key; did you mean 'retries'?
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, NoReturn, Self, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, inspect

from seawall.yamlfile.nodes import UnreadableYaml, read_values
from seawall.yamlfile.source import SourceFile

__all__ = ["Annotated", "ConfigError", "ConfigStruct", "Meta", "Name", "Seconds", "Section", "Size", "Text", "Texts"]

T = TypeVar("T")

_ENV: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


class ConfigError(ValueError):
    """A configuration that cannot be used: file, place, remedy."""


class ConfigStruct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping of a configuration file: its known keys, their types and defaults."""


Text: TypeAlias = Annotated[str, Meta(pattern=r"\S", extra={"remedy": "write a text"})]
"""A text that is not empty; numbers and booleans are refused, because YAML may change how they were written."""

Name: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*\Z",
        extra={"remedy": "VALUE is not a valid name: write lower-case letters, digits, dashes, underscores"},
    ),
]
"""A lower-case name with dashes or underscores."""


class Texts(tuple[str, ...]):
    """A list of texts; a single one needs no list."""

    __slots__ = ()

    @classmethod
    def read(cls, value: object) -> Self:
        """Raises ValueError with the remedy."""
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not listed or not all(isinstance(each, str) and each for each in listed):
            raise ValueError("write a list of texts")
        return cls(listed)


class Seconds(float):
    """A duration such as ``250ms``, ``5s``, or a number of seconds."""

    most: ClassVar[float] = 3_600.0

    @classmethod
    def read(cls, value: object) -> Self:
        """Raises ValueError with the remedy."""
        seconds = _measure(value, {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0}, 1.0)
        if not 0 <= seconds <= cls.most:
            raise ValueError(f"write a duration such as 250ms or 5s, at most {cls.most:g}")
        return cls(seconds)


class Size(int):
    """A number of bytes such as ``4MB``."""

    most: ClassVar[int] = 1_000_000_000

    @classmethod
    def read(cls, value: object) -> Self:
        """Raises ValueError with the remedy."""
        size = _measure(value, {"B": 1, "kB": 1_000, "KB": 1_000, "MB": 1_000_000}, 1)
        if not 0 < size <= cls.most:
            raise ValueError(f"write a size such as 500kB or 4MB, at most {cls.most:,} bytes")
        return cls(size)


class Section:
    """A mapping in a configuration file, with its place. ``repr`` does not show it, because it may hold a secret."""

    __slots__ = ("file", "place", "values")

    def __init__(self, values: Mapping[Any, Any], file: str, place: str = "") -> None:
        self.values = {str(key): value for key, value in values.items()}
        self.file = file
        self.place = place

    def __contains__(self, key: str) -> bool:
        return self.values.get(key) is not None

    def at(self, key: str) -> str:
        """A key's full place, for messages."""
        return f"{self.file}: {_joined(self.place, key)}"

    def fail(self, key: str, message: str) -> NoReturn:
        """Raise ConfigError about a key."""
        raise ConfigError(f"{self.at(key)}: {message}")

    def convert(self, kind: type[T], *, raw: Collection[str] = ()) -> T:
        """The mapping as a struct. Under the keys in ``raw``, empty values are kept. Raises ConfigError."""
        values = _present(self.values, raw)
        try:
            return msgspec.convert(values, kind, dec_hook=_read_custom)
        except msgspec.ValidationError as error:
            key, message = _explained(str(error), inspect.type_info(kind), values)
            self.fail(key, message)

    def section(self, key: str) -> Section:
        """A nested mapping; empty if absent. Raises ConfigError."""
        return self._nested({} if self.values.get(key) is None else self.values[key], key)

    def sections(self, key: str) -> list[Section]:
        """A list of mappings; a single one needs no list. Raises ConfigError."""
        value = self.values.get(key)
        listed = value if isinstance(value, list) else [] if value is None else [value]
        return [self._nested(each, f"{key}[{number}]") for number, each in enumerate(listed)]

    def _nested(self, value: object, key: str) -> Section:
        if not isinstance(value, dict):
            self.fail(key, "write keys and values")
        return Section(value, self.file, _joined(self.place, key))


def read_yaml(text: str, name: str) -> Section:
    """The top mapping of a YAML file. Raises ConfigError."""
    try:
        root = read_values(SourceFile(text.removeprefix("\ufeff"), name))
    except UnreadableYaml as error:
        problem = error.problem
        expected = f"; write {problem.expected}" if problem.expected else ""
        raise ConfigError(f"{name}, line {problem.line}: {problem.message}{expected}") from None
    if not isinstance(root, dict):
        raise ConfigError(f"{name}: write keys and values, such as 'provider: my-service'")
    return Section(root, name)


def load_yaml(path: Path) -> Section:
    """Like ``read_yaml``, from a file. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or 'cannot be read'}") from error
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text") from None
    return read_yaml(text, str(path))


def expand(text: str, place: str, environment: Mapping[str, str] | None = None) -> str:
    """Replace ``${NAME}`` and ``${NAME:-default}`` from the environment. Raises ConfigError without the value."""
    found = os.environ if environment is None else environment

    def value(match: re.Match[str]) -> str:
        name, otherwise = match.groups()
        held = found.get(name)
        if held and not held.isspace():
            return held
        if otherwise is None:
            state = "not set" if held is None else "empty"
            raise ConfigError(f"{place}: the environment variable {name} is {state}")
        return str(otherwise)

    return _ENV.sub(value, text)


def _joined(place: str, key: str) -> str:
    return f"{place}.{key}" if place and key else place or key


def _measure(value: object, units: Mapping[str, float], plain: float) -> float:
    """A number with one of the units, or a plain one; -1 if it is neither."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", str(value).strip())
    if found is None or isinstance(value, bool) or (found[2] and found[2] not in units):
        return -1.0
    return float(found[1]) * (units[found[2]] if found[2] else plain)


def _present(value: Any, raw: Collection[str]) -> Any:
    """The mapping without empty keys: YAML's ``key:`` counts as absent."""
    if isinstance(value, dict):
        return {
            str(key): each if key in raw else _present(each, raw) for key, each in value.items() if each is not None
        }
    return [_present(each, raw) for each in value] if isinstance(value, list) else value


def _read_custom(kind: type[Any], value: Any) -> Any:
    return kind.read(value)


def _explained(said: str, kind: inspect.Type, value: Any) -> tuple[str, str]:
    """The key and the remedy for a conversion error of msgspec."""
    said, _, path = said.partition(" - at `$")
    key = path.rstrip("`").removeprefix(".")
    for name, number in re.findall(r"\.?([^.\[\]]+)|\[(\d+)\]", key):
        kind, value = _inside(kind, name, number, value)
    field = re.search(r"`(.*)`", said)
    if said.startswith("Object contains unknown field") and field is not None:
        known = [each.encode_name for each in _struct_of(kind).fields]
        near = difflib.get_close_matches(field[1], known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
        return _joined(key, field[1]), f"unknown key; {hint}"
    if said.startswith("Object missing required field") and field is not None:
        return _joined(key, field[1]), "this is missing"
    if said.startswith(("Expected", "Invalid")):
        return key, _remedy(kind, value)
    return key, said  # a type of this module has given the remedy


def _inside(kind: inspect.Type, name: str, number: str, value: Any) -> tuple[inspect.Type, Any]:
    """The type and the value of a field or of an element of a list."""
    for each in kind.types if isinstance(kind, inspect.UnionType) else (kind,):
        if number and isinstance(each, inspect.ListType) and isinstance(value, list):
            return each.item_type, value[int(number)]
        if name and isinstance(each, inspect.StructType) and isinstance(value, dict):
            found = next(field for field in each.fields if field.encode_name == name)
            return found.type, value.get(name)
    return kind, value


def _struct_of(kind: inspect.Type) -> inspect.StructType:
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    return next(each for each in kinds if isinstance(each, inspect.StructType))


def _remedy(kind: inspect.Type, value: Any) -> str:
    match kind:
        case inspect.UnionType(types=types):
            return _remedy(next(each for each in types if not isinstance(each, inspect.NoneType)), value)
        case inspect.Metadata(extra={"remedy": str(remedy)}) if isinstance(value, str):
            return remedy.replace("VALUE", repr(value))
        case inspect.IntType(ge=least, le=most) | inspect.FloatType(ge=least, le=most):
            what = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
            least_said = "" if least is None else f" from {least:g}"
            return f"write {what}{least_said}{'' if most is None else f' to {most}'}"
        case inspect.BoolType():
            return "write true or false"
        case inspect.EnumType(cls=enum):
            return f"{value!r} is none of: {', '.join(str(each.value) for each in enum)}"
        case inspect.LiteralType(values=words):
            return f"{value!r} is none of: {', '.join(map(str, words))}"
        case inspect.ListType():
            return "write a list"
        case inspect.StructType() | inspect.DictType():
            return "write keys and values"
    return "write a text"
