"""``seawall policy backtest | rows``: what a draft would decide otherwise of the past, and the past as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seawall.cli.common import DatabaseUrl, DataDir, err, explained, fail, out, settings
from seawall.cli.screen import mapped_fields

if TYPE_CHECKING:
    from seawall.app import App
    from seawall.backtest import BacktestReport, StoredRows
    from seawall.batch.items import ColumnMapping
    from seawall.policy import Bundle

Since = Annotated[str, typer.Option(help="How far to look back: 30d, 12h.")]


def backtest(
    policies: Annotated[
        Path, typer.Option("--policies", help="A draft: files that replace the policies of their names, or are added.")
    ],
    since: Since = "30d",
    file: Annotated[
        Path | None, typer.Option("--file", help="Feature rows (.jsonl, .parquet) instead of the history.")
    ] = None,
    save_rows: Annotated[
        Path | None,
        typer.Option(help="The file has items, as of seawall screen: screen them, and write their rows here."),
    ] = None,
    content_type: Annotated[str, typer.Option("--type", "-t", help="Content type of the items.")] = "comment",
    field: Annotated[
        list[str] | None, typer.Option("--map", "-m", help="FIELD=COLUMN of items; repeat. A bare COLUMN is the body.")
    ] = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Column of items with the account's id.")] = None,
    language: Annotated[str | None, typer.Option("--language", help="Column of items with the language code.")] = None,
    created: Annotated[str | None, typer.Option("--created-at", help="Column of items with their time.")] = None,
    label: Annotated[
        str | None, typer.Option(help="COLUMN:VALUE[,VALUE…] of items that violate a policy; empty cells: not known.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes that read a Parquet file of feature rows.")] = 1,
    ray: Annotated[
        str | None, typer.Option(help="Read it on the Ray cluster of this address (auto: RAY_ADDRESS).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Show what a draft would decide otherwise, of the history or of a file. Records nothing.

    No detector is asked, except for items of a file (--save-rows).
    """
    from seawall.app import open_app
    from seawall.publish import draft_of, read_sources

    _check_options(file, save_rows, [field, actor, language, created, label], processes > 1 or ray is not None)
    with _explained(), open_app(settings(data_dir=data_dir, database_url=database)) as opened:
        in_force = opened.bundle
        draft = opened.build(draft_of(in_force, read_sources(policies).policies).sources)
        if file is None:
            with _history(opened, [in_force, draft], since) as rows:
                report = _run(in_force, draft, rows)
        else:
            if save_rows is not None:
                mapping = _mapping(content_type, field, actor, language, created, label)
                _screen_items(opened, file, save_rows, mapping, [in_force, draft])
            report = _of_file(save_rows or file, in_force, draft, processes, ray)
    if as_json:
        typer.echo(json.dumps(report.to_json(), indent=2, ensure_ascii=False))
    else:
        out.print(report.render(), markup=False, soft_wrap=True)


def rows(
    target: Annotated[Path, typer.Option("--out", help="File to write: .parquet or .jsonl.")],
    since: Since = "30d",
    policies: Annotated[
        Path | None, typer.Option("--policies", help="A draft, whose features the rows have beside those in force.")
    ] = None,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Write the feature rows of past decisions, as backtest --file reads them: no text, and surrogates for ids."""
    from seawall.app import open_app
    from seawall.backtest import write_rows
    from seawall.publish import draft_of, read_sources

    _refuse_existing(target)
    with _explained(), open_app(settings(data_dir=data_dir, database_url=database)) as opened:
        bundles = [opened.bundle]
        if policies is not None:
            bundles.append(opened.build(draft_of(opened.bundle, read_sources(policies).policies).sources))
        with _history(opened, bundles, since) as past:
            written = write_rows(target, bundles, past.batches())
    counts = ", ".join(f"{count:,} {name}" for name, count in sorted(written.items())) or "there is none of that time"
    out.print(f"{written.total():,} rows ({counts}): {target}", soft_wrap=True, markup=False)


@contextmanager
def _explained() -> Iterator[None]:
    from seawall.backtest import BadSince, EnginesDisagree, RayUnavailable, RowsFileError
    from seawall.batch.rows import FileError

    with explained():
        try:
            yield
        except BadSince as error:
            fail(f"--since {error}")
        except (EnginesDisagree, FileError, RayUnavailable, RowsFileError) as error:
            fail(str(error))


def _check_options(file: Path | None, save_rows: Path | None, of_items: list[object], spread: bool) -> None:
    if file is not None and not file.is_file():
        fail(f"there is no file {file}")
    if save_rows is None and any(one is not None for one in of_items):
        fail("--map, --actor, --language, --created-at and --label are about items: add --save-rows ROWS.parquet")
    if save_rows is not None:
        if file is None:
            fail("--save-rows takes the items of --file")
        _refuse_existing(save_rows)
    if spread and (save_rows or file or Path()).suffix != ".parquet":
        fail("--processes and --ray read feature rows in Parquet: 'seawall policy rows --out rows.parquet' writes them")


def _refuse_existing(target: Path) -> None:
    if target.exists():
        fail(f"{target} exists; delete it, or write to another file")


@contextmanager
def _history(opened: App, bundles: list[Bundle], since: str) -> Iterator[StoredRows]:
    """What may be read of it: items of child safety are left out. Raises BadSince."""
    from seawall.backtest import StoredRows, looked_back
    from seawall.review.queries import items_of_child_safety

    with opened.database.read() as connection:
        yield StoredRows(
            opened.database,
            opened.vault,
            opened.bundles,
            bundles,
            since=looked_back(since),
            hidden=lambda items: items_of_child_safety(connection, items),
        )


def _run(in_force: Bundle, draft: Bundle, past: StoredRows) -> BacktestReport:
    from seawall.backtest import run_backtest

    return run_backtest(in_force, draft, past.batches())


def _of_file(file: Path, in_force: Bundle, draft: Bundle, processes: int, ray: str | None) -> BacktestReport:
    from seawall.backtest import FileRows, backtest_parts, in_processes, in_this_process, on_ray, run_backtest

    if file.suffix == ".parquet":
        spread = on_ray(ray) if ray is not None else in_processes(processes) if processes > 1 else in_this_process
        return backtest_parts(file, in_force, draft, spread)
    return run_backtest(in_force, draft, FileRows(file, [in_force, draft]).batches())


def _mapping(
    content_type: str,
    field: list[str] | None,
    actor: str | None,
    language: str | None,
    created: str | None,
    label: str | None,
) -> ColumnMapping:
    from seawall.batch.items import ANY, ColumnMapping, TruthColumn

    truths = []
    if label is not None:
        column, colon, values = label.rpartition(":")
        if not colon:
            fail(f"--label {label!r}: write COLUMN:VALUE[,VALUE…], such as class:0,1")
        truths.append(TruthColumn(policy=ANY, column=column, values=frozenset(values.split(","))))
    return ColumnMapping(
        content_type=content_type,
        fields=mapped_fields(field or ["body"]),
        actor=actor,
        language=language,
        created_at=created,
        truths=tuple(truths),
    )


def _screen_items(opened: App, file: Path, target: Path, mapping: ColumnMapping, bundles: list[Bundle]) -> None:
    """Ask the detectors about the file's items and write their rows."""
    from seawall.backtest import ItemRows, write_rows

    items = ItemRows(file, mapping, bundles, opened.runner)
    with err.status(f"screening {file.name}"):
        written = write_rows(target, bundles, items.batches())
    err.print(f"{written.total():,} items screened, {items.refused.count:,} rows refused: {target}", soft_wrap=True)
    for why in items.refused.first:
        err.print(f"  {why}", markup=False, soft_wrap=True)
