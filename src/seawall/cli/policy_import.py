"""``seawall policy import osprey | coop``: rules of other systems as policies in shadow mode."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seawall.cli.common import Banks, ContentTypes, TextModel, err, explained, fail, out, what_rules_read

if TYPE_CHECKING:
    from seawall.policy.importers import ImportedPolicies, Target

importing = typer.Typer(no_args_is_help=True, help="Import rules of other systems as policies in shadow mode.")

Rules = Annotated[Path, typer.Argument(help="A file of rules; of SML also the folder of all its files.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for the policy files; none is overwritten.")]
OntoType = Annotated[str, typer.Option("--content-type", help="Content type of rules that name no event or type.")]
Map = Annotated[list[str] | None, typer.Option("--map", help="NAME=item.body, NAME=hate or NAME=bank; repeat.")]
Event = Annotated[list[str] | None, typer.Option("--event", help="NAME=CONTENT_TYPE; repeat.")]
Harm = Annotated[str, typer.Option("--harm", help="Harm of the policies, from the taxonomy.")]


def _osprey(path: Path, target: Target) -> ImportedPolicies:
    from seawall.policy.importers import import_osprey

    found = sorted(path.rglob("*.sml")) if path.is_dir() else [path]
    if not found:
        fail(f"there is no .sml file in {path}")
    base = path if path.is_dir() else path.parent
    return import_osprey({each.relative_to(base).as_posix(): _text(each) for each in found}, target)


def _coop(path: Path, target: Target) -> ImportedPolicies:
    from seawall.policy.importers import import_coop

    return import_coop(_text(path), path.name, target)


def _command(read: Callable[[Path, Target], ImportedPolicies]) -> Callable[..., None]:
    """The command of one importer: they differ in what they read alone."""

    def command(
        path: Rules,
        folder: Out,
        content_type: OntoType = "comment",
        names: Map = None,
        event: Event = None,
        harm: Harm = "terms",
        content_types: ContentTypes = None,
        text_model: TextModel = None,
        bank: Banks = None,
    ) -> None:
        from seawall.policy.importers import ImportRefused, Target
        from seawall.publish import read_sources

        with explained():
            specs, banks = what_rules_read(text_model, bank)
            types = read_sources(None, content_types).content_types
            events = _pairs("--event", event)
            target = Target(types, specs, banks, content_type, _pairs("--map", names), events, _known(harm))
            try:
                imported = read(path, target)
            except ImportRefused as refused:
                fail(str(refused))
            _write(imported, folder)

    return command


_WHOLE = "A rule is imported whole or not at all; what cannot be mapped is listed."
importing.command("osprey", help=f"Import Osprey's SML. {_WHOLE}")(_command(_osprey))
importing.command("coop", help=f"Import Coop-style condition trees in JSON. {_WHOLE}")(_command(_coop))


def _known(harm: str) -> str:
    from seawall.model import HARMS

    if harm not in HARMS:
        fail(f"unknown harm '{harm}'; it is one of {', '.join(HARMS)}")
    return harm


def _pairs(option: str, given: list[str] | None) -> dict[str, str]:
    pairs = [text.partition("=") for text in given or ()]
    for name, sign, value in pairs:
        if not (name and sign and value):
            fail(f"{option} {name!r} is not NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        fail(f"{path}: byte {error.start} is not valid UTF-8")


def _write(imported: ImportedPolicies, folder: Path) -> None:
    for remark in imported.remarks:
        err.print(remark.render(), markup=False, soft_wrap=True)
    for name in imported.files:
        if (folder / name).exists():
            fail(f"{folder / name} exists; choose another folder. Nothing was written.")
    if not imported.files:
        fail("no rule could be imported. Nothing was written.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in imported.files.items():
        (folder / name).write_text(text, encoding="utf-8")
    lost = sum(1 for remark in imported.remarks if not remark.imported)
    files = len(imported.files)
    rules = f"{imported.rules} rule{'' if imported.rules == 1 else 's'}"
    done = f"{rules} in {files} {'policy' if files == 1 else 'policies'}, in shadow mode, in {folder}"
    out.print(done, markup=False, soft_wrap=True)
    out.print(f"not imported: {lost}, changed: {len(imported.remarks) - lost}; see above")
