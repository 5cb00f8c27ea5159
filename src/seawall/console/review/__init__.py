"""Pages of the review queue and its cases."""

from seawall.access import Permission
from seawall.console.languages import marked
from seawall.console.request import MenuEntry
from seawall.console.review import (
    assigning,
    bulk_answer,
    bulk_decisions,
    case,
    case_summary,
    moves,
    near_duplicates,
    queue,
)

PAGES = (
    *(*queue.PAGES, *case.PAGES, *case_summary.PAGES, *moves.PAGES, *near_duplicates.PAGES),
    *(*bulk_answer.PAGES, *bulk_decisions.PAGES, *assigning.PAGES),
)
MENU = (
    MenuEntry(
        path="/queue",
        title=marked("Queue"),
        permission=Permission.SEE_CONTENT,
        order=20,
        sections=("/cases", "/reviews", "/blind-reviews"),
    ),
    MenuEntry(path="/bulk-decisions", title=marked("Bulk decisions"), permission=Permission.SEE_CONTENT, order=27),
)
