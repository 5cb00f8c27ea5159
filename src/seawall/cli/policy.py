"""``seawall policy check | test | try | plan | backtest | rows | explain | import``, ``seawall content-type check``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seawall.cli.common import (
    Banks,
    ContentTypes,
    DatabaseUrl,
    DataDir,
    TextModel,
    err,
    explained,
    fail,
    out,
    settings,
    what_rules_read,
)
from seawall.cli.policy_backtest import backtest, rows
from seawall.cli.policy_import import importing
from seawall.cli.policy_plan import plan

if TYPE_CHECKING:
    from seawall.policy import Bundle

app = typer.Typer(no_args_is_help=True, help="Check, test, publish policies; explain decisions.")
app.add_typer(importing, name="import")
content_types = typer.Typer(no_args_is_help=True, help="Check content types.")

app.command("plan")(plan)
app.command("backtest")(backtest)
app.command("rows")(rows)

PolicyPath = Annotated[Path | None, typer.Argument(help="A policy file or folder (default: the shipped policies).")]


def _build(policies: Path | None, types: Path | None, text_model: Path | None, banks: list[str] | None) -> Bundle:
    from seawall.policy import build_bundle
    from seawall.publish import read_sources

    sources = read_sources(policies, types)
    specs, names = what_rules_read(text_model, banks)
    return build_bundle(sources.policies, sources.content_types, specs, names, sources.not_permitted)


@app.command()
def check(
    path: PolicyPath = None,
    content_types: ContentTypes = None,
    text_model: TextModel = None,
    bank: Banks = None,
    strict: Annotated[bool, typer.Option("--strict", help="Status 1 when there is a warning.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the warnings as JSON.")] = False,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Read, type-check and compile against every content type; print errors, and warnings about what has no effect.

    With a data folder or database, banks without entries are warned of too.
    """
    from seawall.policy import analyse

    entries = _bank_entries(data_dir, database)
    with explained():
        bundle = _build(path, content_types, text_model, [*(bank or ()), *(entries or ())])
    warnings = analyse(bundle, datetime.now(UTC).date(), entries)
    if as_json:
        found = [each.to_json() for each in warnings]
        typer.echo(
            json.dumps({"bundle": bundle.hash, "banks_looked_at": entries is not None, "warnings": found}, indent=2)
        )
    else:
        for warning in warnings:
            err.print(warning.render() + "\n", markup=False, soft_wrap=True)
        rules = sum(len(policy.rules) for policy in bundle.policies)
        counts = f"{len(bundle.policies)} policies, {rules} rules, {len(bundle.content_types)} content types"
        noun = "warning" if len(warnings) == 1 else "warnings"
        out.print(f"{counts}: {f'{len(warnings)} {noun}' if warnings else 'fine'}")
        out.print(f"bundle {bundle.hash}")
    if warnings and strict:
        raise typer.Exit(1)


def _bank_entries(data_dir: Path | None, database: str | None) -> dict[str, int] | None:
    """Active entries of each bank, if a database is named and can be read."""
    if data_dir is None and database is None:
        err.print("Banks were not looked at: name a database with --data-dir or --database", soft_wrap=True)
        return None
    if database is None and data_dir is not None and not data_dir.exists():
        err.print(f"Banks were not looked at: there is no folder {data_dir}", markup=False, soft_wrap=True)
        return None
    from seawall.app import BANKS, open_storage
    from seawall.publish import list_banks
    from seawall.storage import StorageError

    try:
        with open_storage(settings(data_dir=data_dir, database_url=database), build=False) as opened:
            return {bank.name: bank.active for bank in list_banks(opened.database, BANKS)}
    except (StorageError, OSError) as error:
        err.print(f"Banks were not looked at: {error}", markup=False, soft_wrap=True)
        return None


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
        drafted = None if draft is None else running.build(draft.sources)
        trial = try_item(running.runner, item, in_force, drafted, running.creators)
        show_trial(trial, draft, as_json)


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
