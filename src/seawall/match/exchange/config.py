"""The configuration of exchanges: a YAML file in which secrets stand as ``${NAME}`` and come from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Self, TypeAlias

import msgspec
from msgspec import Meta

from seawall.configfile import ConfigError, ConfigStruct, Name, Section, Text, load_yaml
from seawall.match.entries import KINDS
from seawall.match.exchange.base import ExchangeFeedback

__all__ = ["ConfigError", "ExchangeConfig", "read_exchanges"]

_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LEAST_EVERY_S: Final = 60


Secret: TypeAlias = Annotated[
    str,
    Meta(
        pattern=rf"^\s*{_REFERENCE.pattern}\s*\Z",
        extra={"remedy": "write ${NAME} and put the secret into the environment variable NAME"},
    ),
]
"""A setting that must stand as ``${NAME}``."""


class PollInterval(int):
    """Seconds between two calls, written ``15m`` or ``6h``."""

    @classmethod
    def read(cls, value: object) -> Self:
        """Raises ValueError with the remedy."""
        found = re.fullmatch(r"([1-9][0-9]{0,5})\s*([smhd])", value.strip()) if isinstance(value, str) else None
        seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
        if seconds < _LEAST_EVERY_S:
            raise ValueError("write a duration of at least 60s, such as 15m or 6h")
        return cls(seconds)


class ExchangeFile(ConfigStruct, frozen=True):
    """What an entry of every type says."""

    name: Name
    type: Text
    bank: Text | None = None
    banks: dict[str, Any] | None = None
    every: PollInterval = PollInterval(900)
    report: list[ExchangeFeedback] = msgspec.field(default_factory=list)


class NcmecFile(ExchangeFile, frozen=True, kw_only=True):
    """NCMEC's hash sharing API."""

    environment: Text
    user: Secret
    password: Secret
    only_members: list[Any] | None = None
    url: Text | None = None
    negative_reason: Text | None = None


class StopNciiFile(ExchangeFile, frozen=True, kw_only=True):
    """StopNCII.org."""

    fetch_key: Secret
    subscription_key: Secret
    feedback_key: Secret | None = None
    url: Text | None = None


class TatFile(ExchangeFile, frozen=True, kw_only=True):
    """Tech Against Terrorism's hash list."""

    user: Secret
    password: Secret
    url: Text | None = None


class ThreatExchangeFile(ExchangeFile, frozen=True, kw_only=True):
    """Meta's ThreatExchange."""

    token: Secret
    privacy_group: Any
    url: Text | None = None


class ListFile(ExchangeFile, frozen=True, kw_only=True):
    """A list at a path or an address."""

    path: Text | None = None
    url: Text | None = None
    format: Text | None = None
    feedback: Text | None = None


_TYPES: Final[Mapping[str, type[ExchangeFile]]] = {
    "ncmec": NcmecFile,
    "stopncii": StopNciiFile,
    "tat": TatFile,
    "fb_threatexchange": ThreatExchangeFile,
    "file": ListFile,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeConfig:
    """One exchange. ``banks``: kind → bank; other kinds are skipped. ``settings`` hold secrets: never shown."""

    name: str
    type: str
    banks: Mapping[str, str]
    every_s: int = 900
    report: frozenset[ExchangeFeedback] = frozenset()
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)


def read_exchanges(path: Path, environment: Mapping[str, str]) -> list[ExchangeConfig]:
    """The exchanges of a YAML file. Raises ConfigError."""
    file = load_yaml(path)
    if not isinstance(file.values.get("exchanges"), list):
        file.fail("exchanges", "write a list")
    found = [_read(each, environment) for each in file.sections("exchanges")]
    names = [config.name for config in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        file.fail("exchanges", f"two are named {twice[0]!r}; give each its own name")
    return found


def _read(section: Section, environment: Mapping[str, str]) -> ExchangeConfig:
    kind = section.values.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        section.fail("type", f"write one of {', '.join(_TYPES)}")
    file = section.convert(_TYPES[kind])
    settings = {
        key: _resolved(section, key, value, environment)
        for key, value in msgspec.structs.asdict(file).items()
        if key not in ExchangeFile.__struct_fields__ and value is not None
    }
    return ExchangeConfig(
        name=file.name,
        type=kind,
        banks=_banks(section, file),
        every_s=int(file.every),
        report=frozenset(file.report),
        settings=settings,
    )


def _banks(section: Section, file: ExchangeFile) -> Mapping[str, str]:
    if (file.bank is None) == (not file.banks):
        section.fail("bank", "write either bank: <name>, or banks: {image: <name>, digest: <name>}")
    if file.bank is not None:
        return dict.fromkeys(KINDS, file.bank)
    banks = section.section("banks")
    for kind, bank in banks.values.items():
        if kind not in KINDS or not isinstance(bank, str):
            banks.fail(kind, f"write a kind ({', '.join(KINDS)}) and the name of a bank")
    return banks.values


def _resolved(section: Section, key: str, value: Any, environment: Mapping[str, str]) -> Any:
    found = _REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return value
    secret = environment.get(found[1])
    if not secret:
        section.fail(key, f"the environment variable {found[1]} is not set")
    return secret
