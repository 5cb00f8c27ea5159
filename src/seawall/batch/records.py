"""Files of records, written as JSON lines and as Parquet: complete or not there, and never whole in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from seawall.batch.rows import FileError

_ENDINGS: Final = (".jsonl", ".parquet")


@contextmanager
def record_file(target: Path, schema: Mapping[str, type]) -> Iterator[Callable[[Sequence[Mapping[str, Any]]], None]]:
    """A function that writes records; ``target`` appears when all of them are written. Raises FileError.

    ``schema``: the columns of Parquet, each ``str``, ``int``, ``float``, ``bool`` or ``list`` (of texts). What a record
    lacks is null there.
    """
    if target.suffix not in _ENDINGS:
        raise FileError(f"{target}: the file must end in {' or '.join(_ENDINGS)}")
    part = target.with_name(target.name + ".part")
    encoder = msgspec.json.Encoder()
    try:
        file = part.open("wb")
    except OSError as error:
        raise FileError(f"cannot write {part}: {error.strerror}") from error

    def write(records: Sequence[Mapping[str, Any]]) -> None:
        file.write(encoder.encode_lines(records))

    try:
        with file:
            yield write
        if target.suffix == ".parquet":
            _to_parquet(part, target, schema)
        else:
            part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _to_parquet(source: Path, target: Path, schema: Mapping[str, type]) -> None:
    """Convert JSON lines to Parquet, streaming: the file need not fit into memory."""
    import polars as pl

    types: Mapping[type, Any] = {
        str: pl.String(), int: pl.Int64(), float: pl.Float64(), bool: pl.Boolean(), list: pl.List(pl.String)
    }  # fmt: skip
    half = target.with_name(target.name + ".half")
    try:
        columns = {name: types[kind] for name, kind in schema.items()}
        if source.stat().st_size:
            pl.scan_ndjson(source, schema=columns).sink_parquet(half)
        else:
            pl.DataFrame(schema=columns).write_parquet(half)
        half.replace(target)
    finally:
        half.unlink(missing_ok=True)
