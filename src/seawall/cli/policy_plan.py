"""``seawall policy plan``: which detectors a content type needs, and what leaving the encoder unasked saves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from seawall.cli.common import DatabaseUrl, DataDir, explained, out, settings

if TYPE_CHECKING:
    from seawall.detectors.text.model import TextModel
    from seawall.model import Signal

_NEWEST = 1_000


def plan(
    newest: Annotated[int, typer.Option(help="Decisions to look back at.", min=0, max=100_000)] = _NEWEST,
    data_dir: DataDir = None,
    database: DatabaseUrl = None,
) -> None:
    """Show which detectors each content type needs, from which values on, and what the plan saved lately."""
    from seawall.app import open_app
    from seawall.detectors.text.model import TextModel
    from seawall.screen import load_decision
    from seawall.screen.queries import DecisionFilters, newest_decisions

    chosen = settings(data_dir=data_dir, database_url=database)
    with explained(), open_app(chosen) as opened:
        bundle = opened.bundle
        model = TextModel(chosen.text_model_dir)
        for name in bundle.content_types:
            program = bundle.program(name)
            out.print(f"{name}: {', '.join(sorted(program.detectors)) or 'no detector'}", markup=False, soft_wrap=True)
            for line in _encoder(model, program.thresholds):
                out.print(f"  {line}", markup=False, soft_wrap=True)
        with opened.database.read() as connection:
            rows = newest_decisions(connection, DecisionFilters(), limit=newest) if newest else []
        read = [_texts(load_decision(opened.database, row.id).signals) for row in rows]
    texts, skipped = sum(count for count, _ in read), sum(count for _, count in read)
    if texts:
        share = (texts - skipped) / texts
        out.print(
            f"{texts:,} texts in the newest {len(rows):,} decisions: the encoder was asked about {share:.1%} of them; "
            "for the others no rule could have told the difference."
        )
    else:
        out.print("No text was classified yet: start 'seawall serve' and screen some, then ask again.")


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
