"""Which exchanges there are: a YAML file in which secrets stand as ``${NAME}`` and come from the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from seawall.match.entries import KINDS
from seawall.match.exchange.base import ExchangeFeedback

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_DURATION = re.compile(r"([1-9][0-9]{0,5})\s*([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_LEAST_EVERY_S: Final = 60
_OWN: Final = frozenset({"name", "type", "bank", "banks", "every", "report"})

SECRETS: Final = frozenset({"user", "password", "token", "fetch_key", "subscription_key", "feedback_key"})
"""Settings that must stand as ``${NAME}``."""

_SETTINGS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {  # type → required, optional
    "ncmec": (frozenset({"environment", "user", "password"}), frozenset({"only_members", "url", "negative_reason"})),
    "stopncii": (frozenset({"fetch_key", "subscription_key"}), frozenset({"feedback_key", "url"})),
    "tat": (frozenset({"user", "password"}), frozenset({"url"})),
    "fb_threatexchange": (frozenset({"token", "privacy_group"}), frozenset({"url"})),
    "file": (frozenset(), frozenset({"path", "url", "format", "feedback"})),
}


class ExchangeConfigError(ValueError):
    """The file of exchanges cannot be used; the text names the place and the remedy."""


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
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ExchangeConfigError(f"{path} cannot be read: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ExchangeConfigError(f"{path} is no YAML in UTF-8: {error}") from error
    listed = document.get("exchanges") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise ExchangeConfigError(f"{path}: expected a list under 'exchanges:'")
    found = [_read(one, f"{path}: exchanges[{index}]", environment) for index, one in enumerate(listed)]
    names = [config.name for config in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ExchangeConfigError(f"{path}: two exchanges are named {twice[0]!r}; give each its own name")
    return found


def _read(raw: Any, place: str, environment: Mapping[str, str]) -> ExchangeConfig:
    if not isinstance(raw, dict):
        raise ExchangeConfigError(f"{place}: expected name, type, bank and settings")
    name, kind = raw.get("name"), raw.get("type")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ExchangeConfigError(f"{place}.name: expected lower-case words joined by hyphens, such as ncmec-industry")
    place = f"{place} ({name})"
    if not isinstance(kind, str) or kind not in _SETTINGS:
        raise ExchangeConfigError(f"{place}.type: expected one of {', '.join(_SETTINGS)}")
    required, optional = _SETTINGS[kind]
    given = {key: value for key, value in raw.items() if key not in _OWN}
    if strange := sorted(map(str, given.keys() - required - optional)):
        raise ExchangeConfigError(
            f"{place}.{strange[0]}: unknown; type {kind} takes {', '.join(sorted(required | optional))}"
        )
    if missing := sorted(required - given.keys()):
        raise ExchangeConfigError(f"{place}.{missing[0]}: is missing")
    return ExchangeConfig(
        name=name,
        type=kind,
        banks=_banks(raw, place),
        every_s=_every(raw.get("every", "15m"), place),
        report=_feedback(raw.get("report", []), place),
        settings={key: _resolved(key, value, place, environment) for key, value in given.items()},
    )


def _banks(raw: Mapping[str, Any], place: str) -> Mapping[str, str]:
    if isinstance(bank := raw.get("bank"), str) and "banks" not in raw:
        return dict.fromkeys(KINDS, bank)
    banks = raw.get("banks")
    if not isinstance(banks, dict) or not banks or "bank" in raw:
        raise ExchangeConfigError(f"{place}: expected either bank: <name>, or banks: {{image: <name>, digest: <name>}}")
    for kind, bank in banks.items():
        if kind not in KINDS or not isinstance(bank, str):
            raise ExchangeConfigError(
                f"{place}.banks.{kind}: expected a kind ({', '.join(KINDS)}) and the name of a bank"
            )
    return banks


def _every(text: Any, place: str) -> int:
    found = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if seconds < _LEAST_EVERY_S:
        raise ExchangeConfigError(f"{place}.every: expected a duration of at least 60s, such as 15m or 6h")
    return seconds


def _feedback(listed: Any, place: str) -> frozenset[ExchangeFeedback]:
    try:
        return frozenset(ExchangeFeedback(one) for one in listed)
    except (TypeError, ValueError) as error:
        raise ExchangeConfigError(f"{place}.report: expected a list of {', '.join(ExchangeFeedback)}") from error


def _resolved(key: str, value: Any, place: str, environment: Mapping[str, str]) -> Any:
    found = _REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        if key in SECRETS:
            raise ExchangeConfigError(
                f"{place}.{key}: write ${{NAME}} and put the secret into the environment variable NAME"
            )
        return value
    secret = environment.get(found[1])
    if not secret:
        raise ExchangeConfigError(f"{place}.{key}: the environment variable {found[1]} is not set")
    return secret
