"""``seawall policy backtest``: what a change of policies would have done to items that were decided already."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seawall.cli.common import DatabaseUrl, DataDir, explained, fail, out, settings

if TYPE_CHECKING:
    from seawall.app import App
    from seawall.backtest import BacktestReport
    from seawall.policy import Bundle


def backtest(
    policies: Annotated[
        Path, typer.Option("--policies", help="A draft: files that replace the policies of their names, or are added.")
    ],
    since: Annotated[str, typer.Option(help="How far to look back: 30d, 12h.")] = "30d",
    file: Annotated[
        Path | None, typer.Option("--file", help="Feature rows (.jsonl, .parquet) instead of the history.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Show what a draft would decide otherwise, of the history or of a file. Asks no detector, records nothing."""
    from seawall.app import open_app
    from seawall.backtest import EnginesDisagree, RowsFileError
    from seawall.publish import draft_of, read_sources

    if file is not None and not file.is_file():
        fail(f"there is no file {file}")
    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as opened:
        in_force = opened.bundle
        draft = opened.build(draft_of(in_force, read_sources(policies).policies).sources)
        try:
            report = _report(opened, in_force, draft, since, file)
        except (EnginesDisagree, RowsFileError) as error:
            fail(str(error))
    if as_json:
        typer.echo(json.dumps(report.to_json(), indent=2, ensure_ascii=False))
    else:
        out.print(report.render(), markup=False, soft_wrap=True)


def _report(opened: App, in_force: Bundle, draft: Bundle, since: str, file: Path | None) -> BacktestReport:
    from seawall.backtest import BadSince, FileRows, StoredRows, looked_back, run_backtest
    from seawall.review.queries import items_of_child_safety

    if file is not None:
        return run_backtest(in_force, draft, FileRows(file, [in_force, draft]).batches())
    try:
        start = looked_back(since)
    except BadSince as error:
        fail(f"--since {error}")
    with opened.database.read() as connection:
        rows = StoredRows(
            opened.database,
            opened.vault,
            opened.bundles,
            [in_force, draft],
            since=start,
            hidden=lambda items: items_of_child_safety(connection, items),
        )
        return run_backtest(in_force, draft, rows.batches())
