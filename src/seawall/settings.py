"""Settings of a process, read from the environment, with defaults for a single machine.

``Settings`` has the settings of the whole process. A component adds its own as a section: a frozen dataclass
with a default for each field, which ``section`` reads from ``SEAWALL_<FIELD>`` in the same way. A path must exist.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, Final, TypeVar, get_args, get_type_hints

DEFAULT_PUBLIC_URL = "http://127.0.0.1:8470"
PREFIX: Final = "SEAWALL_"

Section = TypeVar("Section")


class SettingsError(Exception):
    """An invalid setting; the message has its name and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the whole process. Every field but the last two can be set as ``SEAWALL_<NAME>``."""

    data_dir: Path  # database (by default), blobs and master key
    database_url: str
    public_url: str = DEFAULT_PUBLIC_URL
    policies_dir: Path | None = None  # None: the shipped ones
    content_types_dir: Path | None = None
    text_model_dir: Path | None = None
    transcriber_dir: Path | None = None  # a faster-whisper model; None: that of the extra ``speech-en``
    ocr_languages: tuple[str, ...] = ()  # that Tesseract reads in images, by its names: ara, hin, rus …
    detectors: Path | None = None  # a YAML file of providers, judges and plug-ins to add
    plugins: tuple[str, ...] = ()  # names of plug-ins to load; installed ones are not loaded unless named
    allow_private_endpoints: bool = False  # webhooks to private addresses: for development only
    has_public_url: bool = True  # ``public_url`` is for others; False: it is where this process listens
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)  # from which sections are read

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None, **overrides: object) -> Settings:
        """Settings from ``SEAWALL_*``; ``overrides`` that are not None take precedence. Raises SettingsError."""
        found = {
            name: value
            for name, value in (os.environ if environment is None else environment).items()
            if name.startswith(PREFIX)
        }
        found |= {_variable(name): str(value) for name, value in overrides.items() if value is not None}

        def path(name: str) -> Path | None:
            text = _text(found, name)
            return None if text is None else _existing(name, text)

        data_dir = Path(_text(found, "data_dir") or "var/seawall").absolute()
        public_url = _text(found, "public_url")
        return cls(
            data_dir=data_dir,
            database_url=_text(found, "database_url") or f"sqlite:///{data_dir / 'seawall.db'}",
            public_url=(public_url or DEFAULT_PUBLIC_URL).rstrip("/"),
            has_public_url=public_url is not None,
            policies_dir=path("policies_dir"),
            content_types_dir=path("content_types_dir"),
            text_model_dir=path("text_model_dir"),
            transcriber_dir=path("transcriber_dir"),
            ocr_languages=_words(_text(found, "ocr_languages") or ""),
            detectors=path("detectors"),
            plugins=_words(_text(found, "plugins") or ""),
            allow_private_endpoints=_truth("allow_private_endpoints", _text(found, "allow_private_endpoints") or "no"),
            environment=found,
        )

    def section(self, kind: type[Section]) -> Section:
        """A component's section. Raises SettingsError that names the variable and the remedy."""
        types = get_type_hints(kind)
        values: dict[str, Any] = {}
        for each in fields(kind):  # type: ignore[arg-type]
            if (text := _text(self.environment, each.name)) is not None:
                values[each.name] = _value(each.name, types[each.name], text)
        return kind(**values)


def _variable(name: str) -> str:
    return PREFIX + name.upper()


def _text(environment: Mapping[str, str], name: str) -> str | None:
    return environment.get(_variable(name)) or None


def _existing(name: str, text: str) -> Path:
    """A folder for a setting named ``…_dir``, else a file."""
    path = Path(text)
    folder = name.endswith("_dir")
    if not (path.is_dir() if folder else path.is_file()):
        what = "folder" if folder else "file"
        raise SettingsError(f"{_variable(name)}: there is no {what} {text}; give the path of a {what} that exists")
    return path


def _value(name: str, kind: Any, text: str) -> Any:
    if isinstance(kind, UnionType):  # an optional value
        (kind,) = (each for each in get_args(kind) if each is not type(None))
    if kind is bool:
        return _truth(name, text)
    if kind == tuple[str, ...]:
        return _words(text)
    if kind is Path:
        return _existing(name, text)
    if kind not in (str, int, float):
        raise TypeError(f"the setting {name} is a {kind}: use str, int, float, bool, Path or tuple[str, ...]")
    try:
        return kind(text)
    except ValueError as error:
        what = "a whole number" if kind is int else "a number"
        raise SettingsError(f"{_variable(name)}: expected {what}, not {text!r}") from error


def _truth(name: str, text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise SettingsError(f"{_variable(name)}: expected yes or no, not {text!r}")


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
