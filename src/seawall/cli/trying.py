"""``seawall policy try`` and the two columns of ``seawall policy test``: what the real detectors say, unrecorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.table import Table

from seawall.cli.common import err, fail, out
from seawall.settings import Settings

if TYPE_CHECKING:
    from seawall.detect import Runner
    from seawall.model import ContentType, Item
    from seawall.policy import Bundle, RuleExplanation
    from seawall.publish import Draft, Sources
    from seawall.screen import ExampleReport, ItemTrial, TrialOutcome
    from seawall.screen.creator_overlays import CreatorOverlays


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningDetectors:
    """Detectors to ask, and how a bundle for them is built. ``published``: the bundle in force, if there is one.

    ``banks``: in words, whose entries they match. ``creators``: what they have on in their places.
    """

    runner: Runner
    build: Callable[[Sources], Bundle]
    published: Bundle | None
    banks: str
    creators: CreatorOverlays | None = None


@contextmanager
def running_detectors(chosen: Settings, banks: Sequence[str] = ()) -> Iterator[RunningDetectors]:
    """The detectors and banks of the database, if there is one; else the detectors of the settings and empty banks."""
    if _has_database(chosen):
        with _of_database(chosen, banks) as found:
            yield found
    else:
        with _without_database(chosen, banks) as found:
            yield found


def _has_database(chosen: Settings) -> bool:
    scheme, _, path = chosen.database_url.partition(":///")
    return not scheme.startswith("sqlite") or Path(path).is_file()


@contextmanager
def _of_database(chosen: Settings, banks: Sequence[str]) -> Iterator[RunningDetectors]:
    from seawall.app import BANKS, open_app
    from seawall.policy import NothingPublished, build_bundle
    from seawall.publish import list_banks
    from seawall.screen.creator_overlays import CreatorOverlays

    with open_app(chosen) as app:
        names = sorted({*(bank.name for bank in list_banks(app.database, BANKS)), *banks})

        def build(sources: Sources) -> Bundle:
            return build_bundle(sources.policies, sources.content_types, app.runner.specs, names, sources.not_permitted)

        try:
            published = app.bundle
        except NothingPublished:
            published = None
        yield RunningDetectors(
            runner=app.runner,
            build=build,
            published=published,
            banks=f"the banks of {chosen.data_dir}",
            creators=app.context.get(CreatorOverlays),
        )


@contextmanager
def _without_database(chosen: Settings, banks: Sequence[str]) -> Iterator[RunningDetectors]:
    from seawall.app import BANKS, configured_detectors
    from seawall.detect import Runner
    from seawall.detectors import default_detectors, default_extractors
    from seawall.detectors.banks import BankDetector
    from seawall.media import Media, MediaLimits
    from seawall.policy import build_bundle

    names = [*BANKS, *banks]
    built: list[Bundle] = []  # judges ask about its policies
    own = configured_detectors(chosen, lambda: built[-1].policies if built else ())
    media = Media(MediaLimits(ocr_languages=chosen.ocr_languages))
    detectors = default_detectors(
        BankDetector(names), chosen.text_model_dir, media=media, hashers=own.hashers, configured=own.detectors
    )
    extractors = default_extractors(chosen.transcriber_dir, media=media)
    with Runner((*detectors, *own.detectors), (*extractors, *own.extractors)) as runner:

        def build(sources: Sources) -> Bundle:
            law = sources.not_permitted
            built.append(build_bundle(sources.policies, sources.content_types, runner.specs, names, law))
            return built[-1]

        yield RunningDetectors(runner=runner, build=build, published=None, banks="empty banks (no database was found)")


# -- the columns of examples -----------------------------------------------------------------------------------------


def show_columns(report: ExampleReport, banks: str) -> None:
    """Both columns, one row for each example, and the counts."""
    from seawall.policy import ScreenedState

    table = Table("policy", "example", "logic", "as screened", box=None, pad_edge=False)
    table.columns[1].overflow = table.columns[3].overflow = "fold"
    for logic, screened in zip(report.logic, report.screened, strict=True):
        why = screened.why or "; ".join(screened.measured)
        state = screened.state.upper() if screened.state is ScreenedState.FAILED else screened.state.value
        table.add_row(
            logic.policy, logic.name, "passed" if logic.passed else "FAILED", f"{state}: {why}" if why else state
        )
    out.print(table, markup=False)
    for one in report.screened:
        if one.state is ScreenedState.FULFILLED:
            out.print(
                f"{one.path}:{one.line}: {one.policy}: {one.name}: wanted, and the detectors fulfil it now: delete "
                "'screened: wanted'",
                markup=False,
                soft_wrap=True,
            )
    for failed in report.failed:
        err.print(failed.render(), markup=False, soft_wrap=True)
    counts, passed = report.counts, sum(one.passed for one in report.logic)
    out.print(f"logic:       {passed} passed, {len(report.logic) - passed} failed")
    states = ", ".join(f"{counts[state]} {state}" for state in ScreenedState if counts[state] or state in _ALWAYS)
    out.print(f"as screened: {states}; with {banks}", soft_wrap=True)


_ALWAYS = ("passed", "failed", "wanted")

# -- trying an item --------------------------------------------------------------------------------------------------


def typed_item(
    content_type: ContentType, text: str | None, fields: Sequence[str], actor: Sequence[str], language: str | None
) -> Item:
    """The item of the command's options. Ends the command when it does not fit the content type."""
    from seawall.content.items import ItemError
    from seawall.screen import item_of_texts
    from seawall.screen.trial_fields import FILES, main_field

    texts: dict[str, list[str]] = {}
    if text is not None:
        main = main_field(content_type)
        if main is None:
            fail(f"the content type {content_type.name} has no text; name a field: --field NAME=VALUE")
        texts[main.name] = [text]
    for name, value in _pairs(fields, "--field"):
        texts.setdefault(name, []).append(value)
    media = {spec.name for spec in content_type.fields if spec.type in FILES}
    files = {name: _file(texts.pop(name)[-1]) for name in media & texts.keys()}
    try:
        return item_of_texts(content_type, texts, files=files, actor=dict(_pairs(actor, "--actor")), language=language)
    except ItemError as error:
        flag = "--actor" if error.field.startswith("actor.") else "--field"
        fail(f"{error.field}: {error.message}; {error.remedy} ({flag} NAME=VALUE)")


def _pairs(given: Sequence[str], option: str) -> list[tuple[str, str]]:
    pairs = []
    for each in given:
        name, equals, value = each.partition("=")
        if not equals:
            fail(f"{option} {each!r}: write NAME=VALUE, such as {option} {_SUCH_AS[option]}")
        pairs.append((name, value))
    return pairs


_SUCH_AS: Mapping[str, str] = {"--field": "title=Hello", "--actor": "age=2d"}


def _file(path: str) -> bytes:
    return Path(path).read_bytes()


def show_trial(trial: ItemTrial, draft: Draft | None, as_json: bool) -> None:
    """The trial as text: what differs first, then the outcome, rules, near misses, signals and unknowns."""
    from seawall.screen.trying import to_json

    if as_json:
        typer.echo(json.dumps(to_json(trial), indent=2, ensure_ascii=False))
        return
    for line in _lines(trial, draft):
        out.print(line, markup=False, soft_wrap=True)


def _lines(trial: ItemTrial, draft: Draft | None) -> Iterator[str]:
    if draft is not None and trial.draft is not None:
        yield _drafted(draft)
        for each in trial.differences:
            yield f"  {each.what}: {', '.join(each.in_force) or 'none'} → {', '.join(each.draft) or 'none'}"
        if not trial.differences:
            yield "  nothing differs for this item"
        yield ""
        yield "With the draft"
        yield from _outcome(trial.draft)
        yield ""
        yield "In force"
    yield from _outcome(trial.in_force)
    yield ""
    yield "Signals" if trial.signals else "Signals: the detectors found nothing"
    for signal in trial.signals:
        evidence = f" ({signal.evidence})" if signal.evidence else ""
        yield f"  {signal.part}: {signal.name} = {signal.value:.6g}{evidence}, {signal.detector} {signal.version}"
    if trial.unknown:
        yield "Unknown"
    for one in trial.unknown:
        why = f"{one.reason} ({one.detail})" if one.detail else one.reason
        yield f"  {one.part}: {one.detector} gave no answer: {why}"
    for detector, part in trial.skipped:
        yield f"  {part}: {detector} was not asked: a cheaper detector had answered already"
    yield ""
    yield "Nothing was recorded."


def _drafted(draft: Draft) -> str:
    parts = [
        f"{word} {', '.join(names)}" for word, names in (("added", draft.added), ("changed", draft.changed)) if names
    ]
    return f"Draft: {'; '.join(parts) or 'no policy is different'}"


def _outcome(side: TrialOutcome) -> Iterator[str]:
    yield f"{side.verdict}: {', '.join(side.actions) or 'no action'}"
    if side.statement is not None:
        ground = side.statement.law or side.statement.ground
        yield f"  statement of reasons: {side.statement.title}; {side.statement.clause}; {ground}"
    if side.degraded:
        yield f"  degraded: an undetermined rule could change this; the fail mode {side.fail_mode} decided"
    for rule in (*side.rules, *side.near_misses):
        yield from _rule(rule)
    if side.not_run:
        yield f"in draft mode, not run: {', '.join(side.not_run)}"
    if side.change is not None:
        change = side.change
        yield f"smallest change: {change.feature} {change.after} (is {change.before}) gives {change.verdict}"


def _rule(rule: RuleExplanation) -> Iterator[str]:
    state = "fired without effect" if rule.state == "shadow" else rule.state
    layer = "" if rule.layer == "platform" else f"; added for the {rule.layer}"
    yield f"{state}: {rule.policy}/{rule.rule} ({rule.title}{layer})"
    yield f"  when: {rule.when}"
    for threshold in rule.thresholds:
        yield f"    {threshold}"
    for feature in rule.features:
        yield f"    {feature.name} = {feature.shown}"
    if rule.change:
        yield f"  fires with {rule.change} (is {rule.before})"


def content_type_of(bundle: Bundle, name: str) -> ContentType:
    """The content type. Ends the command when it does not exist."""
    found: Any = bundle.content_types.get(name)
    if found is None:
        fail(f"there is no content type {name!r}; there are: {', '.join(bundle.content_types)}")
    return found  # type: ignore[no-any-return]
