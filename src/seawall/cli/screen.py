"""``seawall screen FILE``: screens rows of a file with the real engine; precision and recall when truth is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from seawall.cli.common import ContentTypes, Policies, TextModel, err, explained, fail, out, settings
from seawall.cli.evaluate_scores import evaluate_scores

if TYPE_CHECKING:
    from seawall.batch.items import TruthColumn
    from seawall.batch.screening import BatchSummary
    from seawall.measure import Accuracy, Interval
    from seawall.policy import Bundle


command = typer.Typer()
command.command("evaluate-scores")(evaluate_scores)


@command.command()
def screen(
    file: Annotated[Path, typer.Argument(help=".csv, .tsv, .jsonl, .json, .parquet; .gz, .zst")],
    content_type: Annotated[str, typer.Option("--type", "-t", help="Content type of the rows.")] = "comment",
    field: Annotated[
        list[str] | None, typer.Option("--map", "-m", help="FIELD=COLUMN; repeat. A bare COLUMN is the body.")
    ] = None,
    id_column: Annotated[str | None, typer.Option("--id", help="Column with the item's id.")] = None,
    actor: Annotated[str | None, typer.Option("--actor", help="Column with the account's id.")] = None,
    language: Annotated[str | None, typer.Option("--language", help="Column with the language code.")] = None,
    truth: Annotated[
        list[str] | None,
        typer.Option("--truth", help="POLICY=COLUMN:VALUE[,VALUE…] (POLICY may be 'any'); repeat."),
    ] = None,
    output: Annotated[Path | None, typer.Option("--out", "-o", help="Decisions: .jsonl or .parquet.")] = None,
    alike: Annotated[
        float | None,
        typer.Option(help="Slow detectors read one of several texts with this similarity, such as 0.85."),
    ] = None,
    policies: Policies = None,
    content_types: ContentTypes = None,
    text_model: TextModel = None,
) -> None:
    """Screen every row of a file, write one decision a row, and print what came out."""
    from seawall.app import BANKS, configured_detectors
    from seawall.batch.items import ColumnMapping
    from seawall.batch.rows import FileError
    from seawall.batch.screening import count_rows, screen_file
    from seawall.detect import Runner
    from seawall.detect.batch import NearDuplicates
    from seawall.detect.cascade import CascadeError
    from seawall.detectors import default_detectors
    from seawall.detectors.banks import BankDetector
    from seawall.policy import build_bundle
    from seawall.publish import read_sources

    if not file.is_file():
        fail(f"there is no file {file}")
    target = output or file.with_name(f"{file.stem}.decisions.jsonl")
    columns = ColumnMapping(
        content_type=content_type,
        fields=mapped_fields(field or ["body"]),
        id=id_column,
        actor=actor,
        language=language,
        truths=_truths(truth or []),
    )
    with explained():
        sources = read_sources(policies, content_types)
        in_force: list[Bundle] = []  # judges ask about the policies of the file's own bundle
        own = configured_detectors(settings(), lambda: in_force[0].policies)
        try:
            together = NearDuplicates(alike) if alike is not None else None
            # Rows are text: extractors are not needed, but rules use their signals.
            detectors = default_detectors(
                BankDetector(BANKS), text_model, hashers=own.hashers, configured=own.detectors
            )
            runner = Runner((*detectors, *own.detectors), own.extractors)
        except CascadeError as error:
            fail(f"ask_when: {error}")
        except ValueError as error:
            fail(f"--alike: {error}")
        with runner:
            bundle = build_bundle(sources.policies, sources.content_types, runner.specs, BANKS, sources.not_permitted)
            in_force.append(bundle)
            try:
                total = count_rows(file)
                with _progress() as progress:
                    task = progress.add_task(f"screening {file.name}", total=total)
                    summary = screen_file(
                        file,
                        target,
                        columns,
                        bundle,
                        runner,
                        alike=together,
                        progress=lambda rows: progress.advance(task, rows),
                    )
            except FileError as error:
                fail(str(error))
    _report(summary, target)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=err, transient=True)


def mapped_fields(pairs: Sequence[str]) -> dict[str, str]:
    """Columns by field, of "FIELD=COLUMN"."""
    fields = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        fields[name if equals else "body"] = column if equals else name
    return fields


def _truths(texts: Sequence[str]) -> tuple[TruthColumn, ...]:
    from seawall.batch.items import TruthColumn

    truths = []
    for text in texts:
        policy, equals, rest = text.partition("=")
        column, colon, values = rest.rpartition(":")
        if not equals or not colon:
            fail(f"--truth {text!r}: write POLICY=COLUMN:VALUE[,VALUE…], such as hateful-conduct=class:0")
        truths.append(TruthColumn(policy=policy, column=column, values=frozenset(values.split(","))))
    return tuple(truths)


def _report(summary: BatchSummary, target: Path) -> None:
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(summary.verdicts.items())) or "none screened"
    out.print(f"{summary.rows} rows: {verdicts}; {summary.degraded} degraded; {summary.refused} refused")
    for number, why in summary.refusals:
        out.print(f"  row {number}: {why}", markup=False)
    if summary.policies:
        table = Table("policy", "rows with a rule fired", title="Policies", title_justify="left")
        for policy, count in summary.policies.most_common():
            table.add_row(policy, str(count))
        out.print(table)
    _report_tiers(summary)
    for column, values in summary.unseen.items():
        out.print(f"No row has {', '.join(map(repr, values))} in the column {column!r}.", markup=False)
    accuracies = summary.accuracies()
    if accuracies:
        out.print(_accuracy_table(accuracies))
    out.print(f"Decisions: {target}", soft_wrap=True)


def _report_tiers(summary: BatchSummary) -> None:
    names = sorted({*summary.skipped, *summary.asked, *summary.copied})
    if not names:
        return
    table = Table("detector", "asked", "skipped (outside its range)", "similar to another", title="Slow detectors")
    for name in names:
        asked = str(summary.asked[name]) if name in summary.asked else "–"
        table.add_row(name, asked, str(summary.skipped[name]), str(summary.copied[name]))
    out.print(table)


def _accuracy_table(accuracies: dict[str, tuple[Accuracy, Accuracy]]) -> Table:
    table = Table(title="Against the truth in the file (95 % intervals)", title_justify="left")
    for name in ("policy", "what counts", "precision", "recall", "true +", "false +", "false −", "true −"):
        table.add_column(name, overflow="fold")
    for policy, (fired, restricted) in accuracies.items():
        rows = [("a rule fired", fired)]
        if policy == "any":
            rows.append(("held or blocked", restricted))
        for what, measured in rows:
            found = measured.confusion
            table.add_row(
                policy,
                what,
                _interval(measured.precision),
                _interval(measured.recall),
                *(
                    f"{count:.0f}"
                    for count in (found.true_positive, found.false_positive, found.false_negative, found.true_negative)
                ),
            )
    return table


def _interval(interval: Interval) -> str:
    from seawall.measure import UNDEFINED, share_text  # imported here: slow

    shown = share_text(interval.value)
    return shown if shown == UNDEFINED else f"{shown} ({interval.lower:.3f}–{interval.upper:.3f})"
