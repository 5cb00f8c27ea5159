"""Reading case summaries, as typed rows. Pages read through here and never import the tables."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, and_, func, select

from seawall.review.case_summary.jobs import text_name
from seawall.review.case_summary.prompt import SummaryText
from seawall.review.case_summary.tables import case_summary, case_summary_view
from seawall.review.quality.tables import golden_case
from seawall.review.tables import review
from seawall.storage import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSummaryRow:
    """What became of one summary. The text is in the vault."""

    id: str
    at: int
    case: str
    item: str
    revision: int
    model: str
    outcome: str
    answer: str | None
    policy: str | None
    hidden: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedAnswer:
    """A suggested answer and the first answer that a person gave after it. ``shown``, ``expanded``: to that person."""

    suggested: tuple[str, str | None]  # answer, policy
    given: tuple[str, str | None]
    hidden: bool
    shown: bool
    expanded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSummaryUse:
    """How many summaries were asked for, by outcome, and how many people were shown or opened one."""

    outcomes: dict[str, int]
    shown: int
    expanded: int


_ROW = select(*(case_summary.c[name] for name in CaseSummaryRow.__dataclass_fields__))


def summary_of_case(connection: Connection, case: str, revision: int) -> CaseSummaryRow | None:
    """The newest summary of a case in this revision. None also for a golden case, which is to tell nothing."""
    golden = select(golden_case.c.id).where(golden_case.c.case == case, golden_case.c.retired_at.is_(None))
    if connection.execute(golden).first() is not None:
        return None
    query = _ROW.where(case_summary.c.case == case, case_summary.c.revision == revision)
    row = connection.execute(query.order_by(case_summary.c.seq.desc())).mappings().first()
    return None if row is None else CaseSummaryRow(**row)


def get_summary(connection: Connection, summary: str) -> CaseSummaryRow | None:
    """One summary by its id."""
    row = connection.execute(_ROW.where(case_summary.c.id == summary)).mappings().first()
    return None if row is None else CaseSummaryRow(**row)


def summary_text(vault: Vault, row: CaseSummaryRow) -> SummaryText | None:
    """What the model wrote; None when it wrote nothing, or it was erased."""
    sealed = vault.open_many([(row.item, text_name(row.id))]).get((row.item, text_name(row.id)))
    return None if sealed is None else msgspec.json.decode(sealed, type=SummaryText)


def was_shown(connection: Connection, summary: str, person: str, *, expanded: bool) -> bool:
    """Whether it is recorded that the person was shown the summary, or with ``expanded`` opened it."""
    query = select(case_summary_view.c.expanded_at).where(
        case_summary_view.c.summary == summary, case_summary_view.c.person == person
    )
    row = connection.execute(query).first()
    return row is not None and (not expanded or row.expanded_at is not None)


def suggested_answers(connection: Connection, *, since: int = 0) -> list[SuggestedAnswer]:
    """Each suggestion with the first review of the case after it, of those given since then that stand."""
    view = and_(case_summary_view.c.summary == case_summary.c.id, case_summary_view.c.person == review.c.reviewer)
    seen = [case_summary_view.c.shown_at <= review.c.at, case_summary_view.c.expanded_at <= review.c.at]
    query = (
        select(case_summary.c.id, case_summary.c.answer, case_summary.c.policy, case_summary.c.hidden)
        .add_columns(review.c.answer, review.c.policy, *seen)
        .join_from(case_summary, review, review.c.case == case_summary.c.case)
        .outerjoin(case_summary_view, view)
        .where(case_summary.c.answer.is_not(None), review.c.at >= case_summary.c.at, review.c.at >= since)
        .where(review.c.undone_at.is_(None), review.c.ends_appeal.is_(False))
        .order_by(review.c.seq)
    )
    found: dict[str, SuggestedAnswer] = {}
    for summary, answer, policy, hidden, said, named, shown, expanded in connection.execute(query):
        one = SuggestedAnswer(
            suggested=(answer, policy),
            given=(said, named),
            hidden=hidden,
            shown=bool(shown),
            expanded=bool(expanded),
        )
        found.setdefault(summary, one)
    return list(found.values())


def summary_use(connection: Connection, *, since: int = 0) -> CaseSummaryUse:
    """Summaries and their use since then."""
    counts = select(case_summary.c.outcome, func.count()).where(case_summary.c.at >= since)
    views = select(func.count(), func.count(case_summary_view.c.expanded_at)).where(
        case_summary_view.c.shown_at >= since
    )
    shown, expanded = connection.execute(views).one()
    rows = connection.execute(counts.group_by(case_summary.c.outcome).order_by(case_summary.c.outcome))
    return CaseSummaryUse(outcomes={row[0]: row[1] for row in rows}, shown=shown, expanded=expanded)
