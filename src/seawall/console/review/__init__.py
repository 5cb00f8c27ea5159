"""Pages of the review queue and its cases."""

from seawall.access import Permission
from seawall.console.request import MenuEntry
from seawall.console.review import assigning, case, moves, queue

PAGES = (*queue.PAGES, *case.PAGES, *moves.PAGES, *assigning.PAGES)
MENU = (
    MenuEntry(
        path="/queue",
        title="Queue",
        permission=Permission.SEE_CONTENT,
        order=20,
        sections=("/cases", "/reviews", "/blind-reviews"),
    ),
)
