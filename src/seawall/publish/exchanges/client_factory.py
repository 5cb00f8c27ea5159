"""Opens the exchanges of a configuration file. Lists at a URL are fetched with the guard against private networks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from seawall.match.exchange import open_exchange, read_exchanges
from seawall.publish.exchanges.sync import OpenedExchange

_MAX_BYTES: Final = 512 << 20
_SECONDS: Final = 300.0


def open_all(
    path: Path | None, *, allow_private: bool = False, environment: Mapping[str, str] = os.environ
) -> dict[str, OpenedExchange]:
    """Name → exchange for each exchange in the file; empty without a file. Raises ConfigError."""
    configs = read_exchanges(path, environment) if path is not None else []

    def fetch(url: str) -> bytes:
        return _fetch(url, allow_private)

    return {config.name: OpenedExchange(config, open_exchange(config, fetch)) for config in configs}


def _fetch(url: str, allow_private: bool) -> bytes:
    from seawall.net.client import FetchError, fetch  # here: brings an HTTP client

    try:
        return fetch(url, max_bytes=_MAX_BYTES, seconds=_SECONDS, allow_private=allow_private).data
    except FetchError as error:
        raise OSError(f"{error.code}") from error
