"""``seawall policy plan``: in which order detectors are asked, and what leaving some unasked saves."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seawall.cli.common import DatabaseUrl, DataDir, explained, out, settings

if TYPE_CHECKING:
    from seawall.app import App
    from seawall.detectors.text.model import TextModel
    from seawall.model import Decision, Signal

_NEWEST = 1_000


def plan(
    newest: Annotated[int, typer.Option(help="Decisions to look back at.", min=0, max=100_000)] = _NEWEST,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Show in which order each content type's detectors are asked, and what the plan saved lately."""
    from seawall.app import open_app
    from seawall.detectors.text.model import TextModel
    from seawall.screen import load_decision
    from seawall.screen.queries import DecisionFilters, newest_decisions

    chosen = settings(data_dir=data_dir, database_url=database)
    with explained(), open_app(chosen) as opened:
        orders = {name: _order(opened, name) for name in opened.bundle.content_types}
        model = TextModel(chosen.text_model_dir)
        limits = {name: opened.bundle.program(name).thresholds for name in orders}
        with opened.database.read() as connection:
            rows = newest_decisions(connection, DecisionFilters(), limit=newest) if newest else []
        saved = _saved(load_decision(opened.database, row.id) for row in rows)
        if as_json:
            typer.echo(json.dumps({"content_types": orders, "saved": saved}))
            return
        for name, order in orders.items():
            out.print(f"{name}", markup=False)
            for detectors, words in ((order["first"], "asked first"), (order["later"], "only if still needed")):
                if detectors:
                    out.print(f"  {words}: {', '.join(detectors)}", markup=False, soft_wrap=True)
            for line in _encoder(model, limits[name]):
                out.print(f"  {line}", markup=False, soft_wrap=True)
    for line in _in_words(saved):
        out.print(line, markup=False, soft_wrap=True)


def _order(opened: App, name: str) -> dict[str, list[str]]:
    """The detectors and extractors of the stage before publication, the cheap ones first, and those left for later."""
    from seawall.model import Cost
    from seawall.screen.plans import PRE_PUBLISH, stage_plan

    specs = {spec.name: spec for spec in opened.runner.specs}
    costs = list(Cost)
    planned = stage_plan(opened.bundle, opened.bundle.content_types[name], PRE_PUBLISH, specs, opened.runner.extractors)

    def cheap_first(detectors: Iterable[str], extract: Mapping[str, Iterable[str]]) -> list[str]:
        names = {*detectors, *(each for found in extract.values() for each in found)}
        return sorted(names, key=lambda each: (costs.index(specs[each].cost), each))

    return {
        "first": cheap_first(planned.wanted, planned.extract),
        "later": cheap_first(planned.later, planned.extract_later),
    }


def _saved(decisions: Iterable[Decision]) -> dict[str, Any]:
    """What was not asked in these decisions."""
    from seawall.screen.unneeded import SAMPLE

    counts: Counter[str] = Counter(decisions=0, texts=0, texts_without_encoder=0, settled=0, sampled=0)
    detectors: Counter[str] = Counter()
    for decision in decisions:
        texts, skipped = _texts(decision.signals)
        counts["decisions"] += 1
        counts["texts"] += texts
        counts["texts_without_encoder"] += skipped
        counts["settled"] += bool(decision.unneeded)
        counts["sampled"] += SAMPLE in (decision.features or {})
        detectors.update(each.partition("/")[0] for each in decision.unneeded)
    return {**counts, "unneeded": dict(detectors.most_common())}


def _in_words(saved: Mapping[str, Any]) -> Iterable[str]:
    texts = saved["texts"]
    if texts:
        share = (texts - saved["texts_without_encoder"]) / texts
        yield (
            f"{texts:,} texts in the newest {saved['decisions']:,} decisions: the encoder was asked about {share:.1%} "
            "of them; for the others no rule could have told the difference."
        )
    else:
        yield "No text was classified yet: start 'seawall serve' and screen some, then ask again."
    if saved["settled"]:
        not_needed = ", ".join(f"{name} {count:,} times" for name, count in saved["unneeded"].items())
        yield f"{saved['settled']:,} decisions were settled before everything was asked. Not needed: {not_needed}."
    if saved["sampled"]:
        yield f"{saved['sampled']:,} belong to the sample about which every detector is asked."


def _encoder(model: TextModel, thresholds: Mapping[str, float]) -> Iterable[str]:
    """For each signal of the text model that rules read: the lowest threshold, and from where the encoder is asked."""
    for head, floor in zip(model.artefact.heads, model.floors(thresholds), strict=True):
        if head.name in thresholds:
            asked = f"the encoder is asked from {floor:.3f} of the n-grams on" if floor > 0 else "the encoder is asked"
            yield f"{head.name}: told apart from {thresholds[head.name]:.3f} on; {asked}"


def _texts(signals: Iterable[Signal]) -> tuple[int, int]:
    """The parts that the text model classified, and those for which its encoder was not asked."""
    from seawall.detectors.text.model.classifier import FIRST_TIER, NAME

    own = [signal for signal in signals if signal.detector == NAME]
    return len({each.part for each in own}), len({each.part for each in own if each.evidence == FIRST_TIER})
