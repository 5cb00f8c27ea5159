"""``seawall evaluate-scores FILE``: another service's scores of your own texts beside Seawall's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from seawall.cli.common import DatabaseUrl, DataDir, TextModel, err, explained, fail, out, settings

if TYPE_CHECKING:
    from seawall.screen.score_comparison import AttributeComparison, ScoreFigures, ScoreReport


def evaluate_scores(
    file: Annotated[Path, typer.Argument(help=".csv or .jsonl: a text and its old scores in each row.")],
    threshold: Annotated[
        list[str] | None,
        typer.Option("--threshold", help="Your old one: NAME=VALUE, or VALUE for every score; repeat."),
    ] = None,
    text: Annotated[str, typer.Option("--text", help="Column with the text.")] = "text",
    show: Annotated[int, typer.Option("--show", min=0, help="Disagreements to list of each score.")] = 10,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
    text_model: TextModel = None,
) -> None:
    """Compare the scores of Perspective or OpenAI with Seawall's, on texts that you have scores of.

    Columns are named like attributes (TOXICITY, …) or categories (hate, …); 'language', 'label' and 'TOXICITY_label'
    (0 or 1) may stand beside them. Nothing is stored.
    """
    from seawall.cli.trying import running_detectors
    from seawall.screen.score_comparison import compare_scores
    from seawall.screen.score_files import ScoreFileError, read_scored_texts

    chosen = settings(data_dir=data_dir, database_url=database, text_model_dir=text_model)
    thresholds = _thresholds(threshold or ())
    bars = Progress(TextColumn("{task.completed:,} rows"), TimeElapsedColumn(), console=err, transient=True)
    with explained(), running_detectors(chosen) as running, bars:
        task = bars.add_task("", total=None)
        try:
            report = compare_scores(
                running.runner,
                read_scored_texts(file, text),
                thresholds,
                shown=show,
                on_rows=lambda count: bars.advance(task, count),
            )
        except ScoreFileError as error:
            fail(str(error))
    if as_json:
        typer.echo(json.dumps(asdict(report), indent=2, ensure_ascii=False))
        return
    _show(report)


def _thresholds(given: Sequence[str]) -> dict[str, float]:
    """By attribute or category; ends the command for what is none."""
    from seawall.screen.compatible_names import OPENAI, PERSPECTIVE
    from seawall.screen.score_files import known_name

    found: dict[str, float] = {}
    for each in given:
        name, equals, value = each.rpartition("=")
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not 0 <= number <= 1:
            fail(f"--threshold {each!r}: write NAME=VALUE or VALUE, from 0 to 1, such as --threshold TOXICITY=0.8")
        known = known_name(name)
        if equals and known is None:
            fail(f"--threshold {each!r}: there is no attribute or category {name!r}")
        found |= dict.fromkeys((*PERSPECTIVE, *OPENAI), number) | found if known is None else {known: number}
    return found


def _show(report: ScoreReport) -> None:
    out.print(f"{report.rows:,} rows")
    table = Table("old score", "ours", "language", "rows", "rank correlation", "flagged", "your threshold → ours")
    for column in ("agreement", "AUC old → ours"):
        table.add_column(column)
    table.box = None
    for one in report.attributes:
        for cells in _rows(one):
            table.add_row(*cells)
    out.print(table, markup=False)
    for one in report.attributes:
        for line in _lines(one):
            out.print(line, markup=False, soft_wrap=True)


def _rows(one: AttributeComparison) -> Iterator[list[str]]:
    if one.signal is None:
        yield [one.name, "none", "", "0", "", "", "", "", ""]
        return
    yield [one.name, one.signal, "all", *_cells(one.overall, one.old_threshold)]
    if len(one.by_language) > 1:
        for language, figures in one.by_language.items():
            yield ["", "", language, *_cells(figures, one.old_threshold)]


def _cells(figures: ScoreFigures, old: float | None) -> list[str]:
    def number(value: float | None) -> str:
        return "" if value is None else f"{value:.3f}"

    def share(value: float | None) -> str:
        return "" if value is None else f"{value:.1%}"

    moved = "" if old is None or figures.threshold is None else f"{old:g} → {figures.threshold:.4g}"
    flagged = figures.flagged is not None and figures.flagged != figures.flagged_by_ours
    return [
        f"{figures.rows:,}",
        number(figures.rank_correlation),
        f"{share(figures.flagged)} → {share(figures.flagged_by_ours)}" if flagged else share(figures.flagged),
        moved,
        share(figures.agreement),
        "" if figures.auc is None else f"{number(figures.old_auc)} → {number(figures.auc)} ({figures.labelled:,})",
    ]


def _lines(one: AttributeComparison) -> Iterator[str]:
    """What the table has no room for: rows that were not measured, and disagreements."""
    from seawall.screen.score_comparison import FEWEST

    if one.instead:
        yield f"{one.name}: {one.instead}"
    elif one.overall.rows < FEWEST:
        yield f"{one.name}: {one.overall.rows} rows were measured; figures need {FEWEST}"
    for why, count in one.unanswered.items():
        if one.signal is not None:
            yield f"{one.name}: {count:,} rows are in no figure: not measured ({why})"
    if one.signal is not None and one.old_threshold is None:
        yield f"{one.name}: give your old threshold for agreement: --threshold {one.name}=0.8"
    for each in one.disagreements:
        excerpt = "".join(char if char.isprintable() else "·" for char in each.excerpt)
        yield f"  line {each.line} ({each.language}): {each.old:.3f} → {each.ours:.3f}  {excerpt}"
