"""Lists in files: JSON lines or CSV, from a path or a URL, read completely when they change.

Each line is one entry: ``kind``, ``value``, and optionally ``key``, which keeps its identity when its value changes. An
invalid line stops the import before anything changes; the error gives its number.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from seawall.match.entries import EntryError, canonical_value
from seawall.match.exchange.base import (
    ExchangeDelta,
    ExchangeError,
    ExchangeFeedback,
    ExchangeRecord,
    NotSupported,
    SharedEntry,
)
from seawall.match.exchange.config import ConfigError, ExchangeConfig

_CHUNK: Final = 2_000
_LONGEST_KEY: Final = 500


class FileExchange:
    """A whole list. Its checkpoint is its SHA-256: an unchanged list is not read again."""

    def __init__(self, config: ExchangeConfig, fetch: Callable[[str], bytes] | None = None) -> None:
        """Raises ConfigError unless a path, or a URL that can be fetched, is given."""
        settings = config.settings
        self._name = config.name
        self._path = Path(settings["path"]) if "path" in settings else None
        self._url: str | None = settings.get("url")
        if (self._path is None) == (self._url is None):
            raise ConfigError(f"exchange {config.name}: give either path or url")
        if self._url is not None and fetch is None:
            raise ConfigError(f"exchange {config.name}: addresses cannot be fetched here; give a path")
        self._fetch = fetch
        where = str(self._path or self._url or "")
        self._format = settings.get("format") or ("csv" if where.lower().endswith(".csv") else "jsonl")
        if self._format not in ("jsonl", "csv"):
            raise ConfigError(f"exchange {config.name}: format is jsonl or csv")
        self._feedback = Path(settings["feedback"]) if settings.get("feedback") else None
        self.feedback = frozenset(ExchangeFeedback) if self._feedback is not None else frozenset[ExchangeFeedback]()

    def fetch(self, checkpoint: str | None) -> Iterator[ExchangeDelta]:
        """The whole list in chunks, if it differs from that of the checkpoint."""
        data = self._read()
        digest = hashlib.sha256(data).hexdigest()
        if digest == checkpoint:
            return
        records = list(self._records(data))  # check the whole list before using any of it
        for start in range(0, max(1, len(records)), _CHUNK):
            last = start + _CHUNK >= len(records)
            updates = dict(records[start : start + _CHUNK])
            yield ExchangeDelta(updates=updates, checkpoint=digest if last else None, restart=True)

    def report(self, raw: Mapping[str, Any], feedback: ExchangeFeedback) -> None:
        """Append a JSON line to the feedback file. Raises NotSupported when none is configured."""
        if self._feedback is None:
            raise NotSupported(f"{self._name} has no feedback file")
        line = json.dumps({"feedback": feedback.value, "record": dict(raw)}, ensure_ascii=False)
        try:
            with self._feedback.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        except OSError as error:
            raise ExchangeError(f"{self._name}: the feedback file cannot be written: {error.strerror}") from error

    def _read(self) -> bytes:
        try:
            if self._path is not None:
                return self._path.read_bytes()
            assert self._fetch is not None
            assert self._url is not None
            return self._fetch(self._url)
        except OSError as error:
            why = error.strerror or str(error) or type(error).__name__
            raise ExchangeError(f"{self._name}: the list cannot be read: {why}") from error

    def _records(self, data: bytes) -> Iterator[tuple[str, ExchangeRecord]]:
        seen: dict[str, int] = {}
        for number, row in self._rows(data):
            kind, value = row.get("kind"), row.get("value")
            if not isinstance(kind, str) or not isinstance(value, str):
                raise ExchangeError(f"{self._name}: line {number}: kind and value must be strings")
            try:
                known = SharedEntry(kind, canonical_value(kind, value))
            except EntryError as error:
                raise ExchangeError(f"{self._name}: line {number}: {error}") from error
            key = str(row.get("key") or f"{known.kind} {known.value}")
            if len(key) > _LONGEST_KEY:
                key = hashlib.sha256(key.encode()).hexdigest()
            if key in seen:
                raise ExchangeError(f"{self._name}: line {number}: the same key as in line {seen[key]}")
            seen[key] = number
            yield key, ExchangeRecord(known=(known,), raw=row)

    def _rows(self, data: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ExchangeError(f"{self._name}: byte {error.start} is not UTF-8") from error
        if self._format == "csv":
            reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
            try:
                for row in reader:
                    if None in row or None in row.values():
                        raise ExchangeError(
                            f"{self._name}: line {reader.line_num}: the number of columns differs from line 1"
                        )
                    yield reader.line_num, {name: value for name, value in row.items() if value}
            except csv.Error as error:
                raise ExchangeError(f"{self._name}: line {reader.line_num}: {error}") from error
            return
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise ExchangeError(f"{self._name}: line {number} is not JSON") from error
                if not isinstance(row, dict):
                    raise ExchangeError(f"{self._name}: line {number} is not a JSON object")
                yield number, row
