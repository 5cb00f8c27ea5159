"""The start page, with figures of every service."""

from seawall.access import Permission
from seawall.console.overview import live, start
from seawall.console.request import MenuEntry

PAGES = (*start.PAGES, *live.PAGES)
MENU = (MenuEntry(path="/", title="Overview", permission=Permission.SEE_OVERVIEW, order=10, sections=("/overview",)),)
