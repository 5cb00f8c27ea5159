"""Factory of exchanges: an explicit list of types, each imported when it is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from seawall.match.exchange.base import Exchange
from seawall.match.exchange.config import ConfigError, ExchangeConfig

Fetch = Callable[[str], bytes]
"""Reads a file from a URL, or raises ``OSError``; the caller restricts which URLs are allowed."""


def open_exchange(config: ExchangeConfig, fetch: Fetch | None = None) -> Exchange:
    """Open an exchange, without contacting it. ``fetch`` reads lists at a URL. Raises ConfigError."""
    return TYPES[config.type](config, fetch)


def _ncmec(config: ExchangeConfig, _: Fetch | None) -> Exchange:
    _need_package(config)
    from seawall.match.exchange.ncmec import Ncmec

    return Ncmec(config)


def _stopncii(config: ExchangeConfig, _: Fetch | None) -> Exchange:
    _need_package(config)
    from seawall.match.exchange.stopncii import StopNcii

    return StopNcii(config)


def _tat(config: ExchangeConfig, _: Fetch | None) -> Exchange:
    _need_package(config)
    from seawall.match.exchange.tat import TechAgainstTerrorism

    return TechAgainstTerrorism(config)


def _fb_threatexchange(config: ExchangeConfig, _: Fetch | None) -> Exchange:
    _need_package(config)
    from seawall.match.exchange.fb import ThreatExchange

    return ThreatExchange(config)


def _file(config: ExchangeConfig, fetch: Fetch | None) -> Exchange:
    from seawall.match.exchange.file import FileExchange

    return FileExchange(config, fetch)


TYPES: Final[Mapping[str, Callable[[ExchangeConfig, Fetch | None], Exchange]]] = {
    "ncmec": _ncmec,
    "stopncii": _stopncii,
    "tat": _tat,
    "fb_threatexchange": _fb_threatexchange,
    "file": _file,
}
"""Factories of all exchange types."""


def _need_package(config: ExchangeConfig) -> None:
    try:
        import threatexchange  # noqa: F401 - whether it is there
    except ImportError as error:
        raise ConfigError(
            f"exchange {config.name}: type {config.type} needs the package threatexchange; "
            "run pip install 'seawall[threatexchange]'"
        ) from error
