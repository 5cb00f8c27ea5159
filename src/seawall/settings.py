"""Settings of a process: from the environment, with defaults that work on one machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PUBLIC_URL = "http://127.0.0.1:8470"


class SettingsError(Exception):
    """A setting that cannot be used, with its name and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where things are. Every field can be set as ``SEAWALL_<NAME>``."""

    data_dir: Path  # database (by default), blobs and master key
    database_url: str
    public_url: str = DEFAULT_PUBLIC_URL
    policies_dir: Path | None = None  # None: the shipped ones
    content_types_dir: Path | None = None
    text_model_dir: Path | None = None
    transcriber_dir: Path | None = None  # a faster-whisper model; None: speech stays unread
    detectors: Path | None = None  # a YAML file of services, judges and plug-ins to ask as well
    plugins: tuple[str, ...] = ()  # plug-ins to load, by name; installed ones are not loaded by themselves
    exchanges_file: Path | None = None  # YAML: lists that others keep, read by workers
    allow_private_endpoints: bool = False  # webhooks to private addresses: for development only

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None, **overrides: object) -> Settings:
        """Settings from ``SEAWALL_*``; ``overrides`` that are not None win. Raises SettingsError."""

        found = os.environ if environment is None else environment

        def text(name: str) -> str | None:
            value = overrides.get(name)
            return str(value) if value is not None else found.get(f"SEAWALL_{name.upper()}") or None

        def there(name: str, what: str) -> Path | None:
            value = text(name)
            if value is not None and not Path(value).exists():
                raise SettingsError(f"SEAWALL_{name.upper()}: there is no {what} {value}")
            return Path(value) if value is not None else None

        def folder(name: str) -> Path | None:
            return there(name, "folder")

        data_dir = Path(text("data_dir") or "var/seawall").absolute()
        return cls(
            data_dir=data_dir,
            database_url=text("database_url") or f"sqlite:///{data_dir / 'seawall.db'}",
            public_url=(text("public_url") or DEFAULT_PUBLIC_URL).rstrip("/"),
            policies_dir=folder("policies_dir"),
            content_types_dir=folder("content_types_dir"),
            text_model_dir=folder("text_model_dir"),
            transcriber_dir=folder("transcriber_dir"),
            detectors=there("detectors", "file"),
            plugins=tuple(name.strip() for name in (text("plugins") or "").split(",") if name.strip()),
            exchanges_file=folder("exchanges_file"),
            allow_private_endpoints=(text("allow_private_endpoints") or "").lower() in ("1", "true", "yes"),
        )
