"""What the adapters over the package ``threatexchange`` share: its errors and its log without secrets or records."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import threatexchange

from seawall.match.exchange.base import ExchangeError, SharedEntry

TIMEOUT_S = 60.0
_PACKAGE = str(Path(threatexchange.__path__[0]))


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn whatever the package raises into an ExchangeError that quotes neither address nor record."""
    try:
        yield
    except ExchangeError:
        raise
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else "no"
        raise ExchangeError(f"{name} answered with status {status}{_HINTS.get(status, '')}") from None
    except requests.Timeout:
        raise ExchangeError(f"{name} did not answer in time") from None
    except requests.RequestException as error:
        raise ExchangeError(f"{name} could not be reached ({type(error).__name__})") from None
    except Exception as error:  # the clients parse with assertions, index look-ups and bare exceptions
        raise ExchangeError(f"{name} sent an answer that its client cannot read ({type(error).__name__})") from None


_HINTS: dict[Any, str] = {
    401: ": check its credentials",
    403: ": its credentials do not open this",
    429: ": it asks for fewer requests",
}


def usable(kind: str, value: str) -> SharedEntry | None:
    """A signal that a bank can take, or None."""
    from seawall.match.entries import EntryError, canonical_value

    try:
        return SharedEntry(kind, canonical_value(kind, value))
    except EntryError:
        return None


def quiet() -> None:
    """Keep the package's own lines out of the log: some quote records and user names, all at the root logger."""
    root = logging.getLogger()
    if _not_from_package not in root.filters:
        root.addFilter(_not_from_package)


def _not_from_package(record: logging.LogRecord) -> bool:
    return not record.pathname.startswith(_PACKAGE)
