"""Pages of the review queue and its cases."""

from seawall.access import Permission
from seawall.console.request import MenuEntry
from seawall.console.review import case, case_summary, moves, queue

PAGES = (*queue.PAGES, *case.PAGES, *case_summary.PAGES, *moves.PAGES)
MENU = (
    MenuEntry(
        path="/queue",
        title="Queue",
        permission=Permission.SEE_CONTENT,
        order=20,
        sections=("/cases", "/reviews", "/blind-reviews"),
    ),
)
