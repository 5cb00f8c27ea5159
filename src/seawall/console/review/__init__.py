"""Pages of the review queue and its cases."""

from seawall.access import Permission
from seawall.console.request import MenuEntry
from seawall.console.review import bulk, case, moves, near_duplicates, queue

PAGES = (*queue.PAGES, *case.PAGES, *moves.PAGES, *near_duplicates.PAGES, *bulk.PAGES)
MENU = (
    MenuEntry(
        path="/queue",
        title="Queue",
        permission=Permission.SEE_CONTENT,
        order=20,
        sections=("/cases", "/reviews", "/blind-reviews", "/bulk-decisions"),
    ),
)
