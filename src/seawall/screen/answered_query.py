"""A query answered for a page or a program: asked, looked into, and put on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from seawall.model import now_ms
from seawall.policy import Bundle, draft_policy
from seawall.screen.account_notes import record_search
from seawall.screen.investigation import Asked, Hidden, Investigation, InvestigationFilters, ask, investigate
from seawall.screen.matched_entities import MatchedEntities, entities_of
from seawall.storage import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class RoughSignal:
    """A signal that the query compares with less than any rule in force does: detectors may be rough below that."""

    signal: str
    lowest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredQuery:
    """A query, what the past said to it, and the policy file that it would become.

    ``not_asked``: content types that cannot be asked it, with the reason. Numbers and surrogates: no content.
    """

    query: str
    content_types: tuple[str, ...]
    not_asked: Mapping[str, str]
    result: Investigation
    entities: MatchedEntities
    rough: tuple[RoughSignal, ...]
    draft: str


def answer_query(
    ledger: Ledger,
    bundle: Bundle,
    text: str,
    content_types: Sequence[str],
    filters: InvestigationFilters,
    hidden: Hidden,
    *,
    person: str,
) -> AnsweredQuery:
    """Ask past decisions; where content was read, that is on record under ``person``, a person's or key's id.

    Raises PolicyErrors, InvestigationsBusy, KeyError for a content type that is not in force.
    """
    asked = ask(text, bundle, content_types)
    found = investigate(ledger.database, ledger.vault, asked, filters, hidden)
    entities = entities_of(ledger.vault, found.newest)
    if (read := found.opened + entities.read) > 0:
        record_search(ledger, person=person, looked_at=read, found=found.matched)
    name = f"draft-{datetime.fromtimestamp(now_ms() / 1000, UTC):%Y-%m-%d}"
    return AnsweredQuery(
        query=text,
        content_types=tuple(sorted(asked.queries)),
        not_asked=asked.refused,
        result=found,
        entities=entities,
        rough=_rough(bundle, asked),
        draft=draft_policy(text, name, asked.queries.values()),
    )


def _rough(bundle: Bundle, asked: Asked) -> tuple[RoughSignal, ...]:
    found: dict[str, float] = {}
    for name, query in asked.queries.items():
        in_force = bundle.program(name).thresholds
        for signal, value in query.compared.items():
            if signal in in_force and value < in_force[signal]:
                found[signal] = max(in_force[signal], found.get(signal, 0.0))
    return tuple(RoughSignal(signal=signal, lowest=lowest) for signal, lowest in sorted(found.items()))
