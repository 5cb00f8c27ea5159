"""``seawall policy check | test | try | publish | explain`` and ``seawall content-type check``."""

from __future__ import annotations

import getpass
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seawall.cli.common import (
    ContentTypes,
    DatabaseUrl,
    DataDir,
    Policies,
    TextModel,
    err,
    explained,
    fail,
    out,
    settings,
)
from seawall.cli.policy_plan import plan

if TYPE_CHECKING:
    from seawall.policy import Bundle

app = typer.Typer(no_args_is_help=True, help="Check, test, publish policies; explain decisions.")
content_types = typer.Typer(no_args_is_help=True, help="Check content types.")

app.command("plan")(plan)

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
    path: PolicyPath = None,
    logic: Annotated[bool, typer.Option("--logic", help="Only the given values: no detector is asked.")] = False,
    content_types: ContentTypes = None,
    text_model: TextModel = None,
    bank: Banks = None,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Run all examples: as logic, and as screened by the real detectors and banks; status 1 when one fails."""
    if logic:
        _test_logic(path, content_types, text_model, bank)
        return
    from seawall.cli.trying import running_detectors, show_columns
    from seawall.publish import read_sources
    from seawall.screen import run_both_columns

    chosen = settings(data_dir=data_dir, database_url=database, text_model_dir=text_model)
    with explained(), running_detectors(chosen, bank or ()) as running:
        report = run_both_columns(running.build(read_sources(path, content_types)), running.runner)
        show_columns(report, running.banks)
    if report.failed:
        raise typer.Exit(1)


def _test_logic(
    path: Path | None, content_types: Path | None, text_model: Path | None, banks: list[str] | None
) -> None:
    from seawall.policy import run_examples

    with explained():
        results = run_examples(_build(path, content_types, text_model, banks))
    failed = [result for result in results if not result.passed]
    for result in failed:
        err.print(result.render(), markup=False, soft_wrap=True)
    out.print(f"logic: {len(results) - len(failed)} passed, {len(failed)} failed")
    if failed:
        raise typer.Exit(1)


@app.command("try")
def try_text(
    text: Annotated[
        str | None, typer.Argument(help="The text; of a content type with a body and a title: the body.")
    ] = None,
    content_type: Annotated[str, typer.Option("--type", "-t", help="Content type.")] = "comment",
    field: Annotated[
        list[str] | None, typer.Option("--field", "-f", help="NAME=VALUE; repeat. Of an image, audio …: NAME=FILE.")
    ] = None,
    actor: Annotated[
        list[str] | None, typer.Option("--actor", help="age=2d, or an attribute of the account; repeat.")
    ] = None,
    language: Annotated[str | None, typer.Option("--language", help="Language code of the text.")] = None,
    policies: Annotated[
        Path | None,
        typer.Option("--policies", help="A draft: files that replace the policies of their names, or are added."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Show what detectors and rules say of an item, under the bundle in force and under a draft. Records nothing."""
    from seawall.cli.trying import content_type_of, running_detectors, show_trial, typed_item
    from seawall.publish import draft_of, read_sources
    from seawall.screen import try_item

    if text is None and not field:
        fail('give a text, or fields: seawall policy try "…", seawall policy try --type track --field title=…')
    chosen = settings(data_dir=data_dir, database_url=database)
    with explained(), running_detectors(chosen) as running:
        in_force = running.published
        if in_force is None:
            in_force = running.build(read_sources(chosen.policies_dir, chosen.content_types_dir))
            err.print("Nothing is published here: these are the policies that would be published first.")
        item = typed_item(content_type_of(in_force, content_type), text, field or [], actor or [], language)
        draft = None if policies is None else draft_of(in_force, read_sources(policies).policies)
        trial = try_item(running.runner, item, in_force, None if draft is None else running.build(draft.sources))
        show_trial(trial, draft, as_json)


@app.command()
def publish(
    policies: Policies = None,
    content_types: ContentTypes = None,
    text_model: TextModel = None,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Publish policies: examples must pass; running processes switch within a second."""
    from seawall.app import open_app
    from seawall.policy import run_examples

    chosen = settings(
        data_dir=data_dir,
        database_url=database,
        policies_dir=policies,
        content_types_dir=content_types,
        text_model_dir=text_model,
    )
    with explained(), open_app(chosen) as opened:
        failed = [result for result in run_examples(opened.build()) if not result.passed]
        if failed:
            fail(f"{len(failed)} examples fail; run 'seawall policy test' to see them. Nothing was published.")
        out.print(f"published: {opened.publish(by=f'cli:{getpass.getuser()}').hash}")


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
