"""Pages about decisions, items, media, and pending rescreens."""

from seawall.access import Permission
from seawall.console.request import MenuEntry
from seawall.console.screen import accounts, decisions, items, media, pending_rescreens, search

PAGES = (*items.PAGES, *media.PAGES, *decisions.PAGES, *pending_rescreens.PAGES, *search.PAGES, *accounts.PAGES)
MENU = (
    MenuEntry(path="/search", title="Search", permission=Permission.SEE_CONTENT, order=25, sections=("/accounts",)),
    MenuEntry(path="/decisions", title="Decisions", permission=Permission.SEE_CONTENT, order=30, sections=("/items",)),
    MenuEntry(path="/pending-rescreens", title="Pending rescreens", permission=Permission.SEE_OPERATIONS, order=40),
)
