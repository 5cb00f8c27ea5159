"""Pages about decisions, items, media, and pending rescreens."""

from seawall.access import Permission
from seawall.console.languages import marked
from seawall.console.request import MenuEntry
from seawall.console.screen import accounts, decisions, investigate, items, media, pending_rescreens, search

PAGES = (
    *items.PAGES,
    *media.PAGES,
    *decisions.PAGES,
    *pending_rescreens.PAGES,
    *search.PAGES,
    *investigate.PAGES,
    *accounts.PAGES,
)
MENU = (
    MenuEntry(
        path="/search", title=marked("Search"), permission=Permission.SEE_CONTENT, order=25, sections=("/accounts",)
    ),
    MenuEntry(
        path="/decisions", title=marked("Decisions"), permission=Permission.SEE_CONTENT, order=30, sections=("/items",)
    ),
    MenuEntry(path="/investigate", title=marked("Investigate"), permission=Permission.SEE_CONTENT, order=31),
    MenuEntry(
        path="/pending-rescreens", title=marked("Pending rescreens"), permission=Permission.SEE_OPERATIONS, order=40
    ),
)
