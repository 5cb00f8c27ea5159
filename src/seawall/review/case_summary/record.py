"""Records that a reviewer was shown a summary, and that they opened it; each once."""

from __future__ import annotations

from seawall.review.case_summary.events import CaseSummaryExpanded, CaseSummaryShown
from seawall.review.case_summary.queries import was_shown
from seawall.storage import Database, Ledger


def record_summary_seen(database: Database, ledger: Ledger, summary: str, person: str, *, expanded: bool) -> None:
    """``expanded``: the text and the suggested answer were opened, not only offered."""
    with database.read() as connection:
        if was_shown(connection, summary, person, expanded=expanded):
            return
    seen = CaseSummaryExpanded if expanded else CaseSummaryShown
    ledger.commit(lambda tx: tx.append(seen(summary=summary, person=person)))
