"""``seawall train``: trains the text model from the data sets, reproducibly; ``seawall labels``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from seawall.cli import labels
from seawall.cli.common import err, fail, out

command = typer.Typer()
command.add_typer(labels.app, name="labels")


@command.command()
def train(
    out_dir: Annotated[Path, typer.Option("--out", "-o", help="Folder for the artefact.")],
    data: Annotated[Path, typer.Option("--data", envvar="SEAWALL_DATA", help="Folder of data sets.")],
    seed: Annotated[int, typer.Option(help="Same data, seed and encoder file, same bytes.")] = 0,
    exclude: Annotated[list[str] | None, typer.Option(help="Omit a data set, or seawall_sentences; repeat.")] = None,
    encoder: Annotated[
        Path | None,
        typer.Option(help="An encoder.onnx to keep, or the folder of all-MiniLM-L6-v2 to fine-tune (needs torch)."),
    ] = None,
) -> None:
    """Train the text model; test sets and their near-duplicates are excluded automatically."""
    from seawall.learn import TrainingError
    from seawall.learn.train import train_text_model

    with Progress(TextColumn("{task.description}"), TimeElapsedColumn(), console=err) as progress:
        task = progress.add_task("reading data sets", total=None)
        try:
            train_text_model(
                data,
                out_dir,
                seed=seed,
                exclude=tuple(exclude or ()),
                encoder=encoder,
                progress=lambda text: progress.update(task, description=text),
            )
        except (TrainingError, FileNotFoundError) as error:
            fail(str(error))
    out.print(f"trained: {out_dir}", soft_wrap=True)
