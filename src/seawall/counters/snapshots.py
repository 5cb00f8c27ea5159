"""Snapshots of the counters: a file in the data folder, so that a start reads the tail of the ledger only.

It holds surrogates, keyed digests and numbers, sealed under the master key. A file that cannot be used is ignored:
counting from the ledger gives the same numbers.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from seawall.counters.conditions import Digest
from seawall.counters.engine import CounterEngine
from seawall.storage import StorageError, Vault

_log = structlog.get_logger(__name__)

_FORMAT: Final = 2
_READABLE: Final = (1, 2)  # 1: before the latest activities of a key were kept
_NAME: Final = "counters"


class CounterSnapshot(msgspec.Struct, frozen=True, array_like=True):
    """What is in the file. ``event``: the id of the event with the number ``position``."""

    format: int
    position: int
    event: str
    state: Any


def save_snapshot(file: Path, vault: Vault, position: int, event: str, engine: CounterEngine) -> None:
    """Replace the file. Raises OSError."""
    data = msgspec.msgpack.encode(CounterSnapshot(_FORMAT, position, event, engine.snapshot()))
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    beside.write_bytes(vault.protect(_NAME, data))
    beside.replace(file)


def load_snapshot(
    file: Path, vault: Vault, digest: Digest, most_entries: int
) -> tuple[CounterSnapshot, CounterEngine] | None:
    """The snapshot with its engine; None when there is none that can be used."""
    try:
        data = vault.reveal(_NAME, file.read_bytes())
        found = msgspec.msgpack.decode(data, type=CounterSnapshot, strict=False)
        if found.format not in _READABLE:
            return None
        return found, CounterEngine.restore(found.state, digest, most_entries)
    except FileNotFoundError:
        return None
    except (OSError, StorageError, msgspec.MsgspecError, ValueError, KeyError, TypeError) as error:
        _log.warning("a snapshot of the counters cannot be used: counting from the ledger", error=repr(error))
        return None
