"""Helpers for adapters over the package ``threatexchange``: its errors and its log without secrets or records."""

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
    """Turn any exception of the package into an ExchangeError that quotes neither URL nor record."""
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
    except Exception as error:  # the clients raise AssertionError, IndexError and bare Exception
        raise ExchangeError(f"{name} sent a response that its client cannot parse ({type(error).__name__})") from None


_HINTS: dict[Any, str] = {
    401: ": check its credentials",
    403: ": its credentials lack the permission",
    429: ": too many requests",
}


def usable(kind: str, value: str) -> SharedEntry | None:
    """A signal that a bank can store, or None."""
    from seawall.match.entries import EntryError, canonical_value

    try:
        return SharedEntry(kind, canonical_value(kind, value))
    except EntryError:
        return None


def quiet() -> None:
    """Silence the package's logging: it writes records and user names to the root logger."""
    root = logging.getLogger()
    if _not_from_package not in root.filters:
        root.addFilter(_not_from_package)


def _not_from_package(record: logging.LogRecord) -> bool:
    return not record.pathname.startswith(_PACKAGE)
