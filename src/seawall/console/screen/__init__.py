"""Pages about decisions, items, media, and pending rescreens."""

from seawall.access import Permission
from seawall.console.request import MenuEntry
from seawall.console.screen import decisions, items, media, pending_rescreens

PAGES = (*items.PAGES, *media.PAGES, *decisions.PAGES, *pending_rescreens.PAGES)
MENU = (
    MenuEntry(path="/decisions", title="Decisions", permission=Permission.SEE_CONTENT, order=30, sections=("/items",)),
    MenuEntry(path="/pending-rescreens", title="Pending rescreens", permission=Permission.SEE_OPERATIONS, order=40),
)
