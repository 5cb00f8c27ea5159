"""``seawall bank list | entries | add | import | remove``."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from seawall.cli.common import DatabaseUrl, DataDir, explained, fail, out, settings

app = typer.Typer(no_args_is_help=True, help="Known things: texts, patterns, images, domains.")

Bank = Annotated[str, typer.Argument(help="Name of the bank, such as blocked-texts.")]


@app.command("list")
def list_(data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """Banks with the number of their entries."""
    from seawall.app import open_app
    from seawall.publish import list_banks

    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as app_:
        for name, count in sorted(list_banks(app_.database).items()):
            out.print(f"{count:>8}  {name}")


@app.command()
def entries(bank: Bank, data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """The entries of a bank."""
    from seawall.app import open_app
    from seawall.publish import list_entries

    table = Table("id", "kind", "value", "source", "threshold")
    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as app_:
        after = ""
        while page := list_entries(app_.database, app_.vault, bank, after=after):
            for entry in page:
                threshold = "" if entry.threshold is None else str(entry.threshold)
                table.add_row(entry.id, entry.kind, entry.value or "erased", entry.source, threshold)
            after = page[-1].id
    out.print(table)


@app.command()
def add(
    bank: Bank,
    value: Annotated[str, typer.Argument(help="Text, RE2 pattern, domain, PDQ hash, or an image file (kind image).")],
    kind: Annotated[str, typer.Option(help="text, pattern, domain or image")] = "text",
    source: Annotated[str, typer.Option(help="Where it comes from: a code.")] = "staff",
    threshold: Annotated[int | None, typer.Option(help="image: largest distance that matches (31 is usual)")] = None,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Add one entry; every process matches it within a second."""
    from seawall.app import open_app
    from seawall.publish import NewEntry, add_entries

    if kind == "image" and Path(value).is_file():
        value = _hash(Path(value))
    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as app_:
        entry = NewEntry(kind=kind, value=value, source=source, threshold=threshold)
        out.print(add_entries(app_.ledger, bank, [entry], f"cli:{getpass.getuser()}")[0])


@app.command("import")
def import_(
    bank: Bank,
    file: Annotated[Path, typer.Argument(help="JSON lines: {kind, value, source, threshold?, expires?}")],
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Add all entries of a file, or none."""
    from seawall.app import open_app
    from seawall.publish import add_entries, parse_entries

    if not file.is_file():
        fail(f"there is no file {file}")
    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as app_:
        ids = add_entries(app_.ledger, bank, parse_entries(file.read_bytes()), f"cli:{getpass.getuser()}")
    out.print(f"{len(ids)} entries are in {bank}")


@app.command()
def remove(bank: Bank, entry: str, data_dir: DataDir = None, database: DatabaseUrl = None) -> None:
    """Take an entry out."""
    from seawall.app import open_app
    from seawall.publish import remove_entry

    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as app_:
        try:
            remove_entry(app_.ledger, bank, entry, f"cli:{getpass.getuser()}")
        except LookupError as error:
            fail(str(error.args[0]))


def _hash(path: Path) -> str:
    """The PDQ hash of an image file, decoded in a process with limits."""
    from contextlib import closing

    from seawall.detect.image import Sandbox, Unreadable
    from seawall.match import PDQ_MIN_QUALITY

    with closing(Sandbox()) as sandbox:
        reading = sandbox.read(path.read_bytes())
    if isinstance(reading, Unreadable):
        fail(f"{path} is no image that can be read: {reading.code}")
    if reading.quality < PDQ_MIN_QUALITY:
        fail(f"{path} has too little detail to be found again (quality {reading.quality}, {PDQ_MIN_QUALITY} is needed)")
    return reading.hash.hex()
