"""``seawall policy check | test | explain`` and ``seawall content-type check``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seawall.cli.common import (
    ContentTypes,
    DatabaseUrl,
    DataDir,
    TextModel,
    err,
    explained,
    fail,
    out,
    settings,
)

if TYPE_CHECKING:
    from seawall.policy import Bundle

app = typer.Typer(no_args_is_help=True, help="Check, test, publish policies; explain decisions.")
content_types = typer.Typer(no_args_is_help=True, help="Check content types.")

Banks = Annotated[list[str] | None, typer.Option("--bank", help="A bank of your own used by policies; repeat.")]
PolicyPath = Annotated[Path | None, typer.Argument(help="A policy file or folder (default: the shipped policies).")]


def _build(policies: Path | None, types: Path | None, text_model: Path | None, banks: list[str] | None) -> Bundle:
    from seawall.app import BANKS, configured_detectors
    from seawall.detect.extraction import as_detectors
    from seawall.detectors import default_detectors, default_extractors
    from seawall.detectors.banks import BankDetector
    from seawall.policy import build_bundle
    from seawall.publish import read_sources

    sources = read_sources(policies, types)
    names = [*BANKS, *(banks or ())]
    own = configured_detectors(settings(), secrets=False)
    detectors = default_detectors(BankDetector(names), text_model, hashers=own.hashers)
    specs = [detector.spec for detector in (*detectors, *own.detectors)]
    specs += as_detectors(
        {extractor.spec.name: extractor.spec for extractor in (*default_extractors(), *own.extractors)}
    )
    return build_bundle(sources.policies, sources.content_types, specs, names)


@app.command()
def check(
    path: PolicyPath = None, content_types: ContentTypes = None, text_model: TextModel = None, bank: Banks = None
) -> None:
    """Read, type-check and compile against every content type; print every error with its position and remedy."""
    with explained():
        bundle = _build(path, content_types, text_model, bank)
    rules = sum(len(policy.rules) for policy in bundle.policies)
    out.print(f"{len(bundle.policies)} policies, {rules} rules, {len(bundle.content_types)} content types: fine")
    out.print(f"bundle {bundle.hash}")


@app.command("test")
def run_tests(
    path: PolicyPath = None, content_types: ContentTypes = None, text_model: TextModel = None, bank: Banks = None
) -> None:
    """Run all examples of all policies; status 1 when one fails."""
    from seawall.policy import run_examples

    with explained():
        results = run_examples(_build(path, content_types, text_model, bank))
    failed = [result for result in results if not result.passed]
    for result in failed:
        err.print(result.render(), markup=False, soft_wrap=True)
    out.print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    if failed:
        raise typer.Exit(1)


@app.command()
def explain(
    decision: Annotated[str, typer.Argument(help="Id of a decision: dec_…")],
    as_json: Annotated[bool, typer.Option("--json")] = False,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Show the rules that fired and their values, what was unknown, and the smallest change that flips the verdict."""
    from seawall.app import open_app
    from seawall.storage import Erased

    with explained(), open_app(settings(data_dir=data_dir, database_url=database)) as opened:
        try:
            _, explanation = opened.explain(decision)
        except Erased:
            fail("the data of this decision were erased; it cannot be replayed")
        except LookupError as error:
            fail(str(error.args[0]))
    if explanation is None:
        out.print("This decision was made by a person, not by a rule.")
    elif as_json:
        typer.echo(json.dumps(explanation.to_json(), indent=2))
    else:
        out.print(explanation.render(), markup=False, soft_wrap=True)


@content_types.command("check")
def check_content_types(
    path: Annotated[Path | None, typer.Argument(help="A file or folder (default: the shipped content types).")] = None,
) -> None:
    """Check content types; unsafe gaps (no fail mode, no appeal route, unmapped fields) are errors with a remedy."""
    from seawall.publish import read_sources

    with explained():
        found = read_sources(None, path).content_types
    out.print(f"{len(found)} content types: fine ({', '.join(one.name for one in found)})")
