"""Pages of well-being: one's own exposure, breaks, and whether what softens content helps."""

from seawall.access import Permission
from seawall.console.exposure import comparison, own, unveiled
from seawall.console.languages import marked
from seawall.console.request import MenuEntry

PAGES = (*own.PAGES, *comparison.PAGES, *unveiled.PAGES)
MENU = (MenuEntry(path="/exposure", title=marked("Well-being"), permission=Permission.SEE_CONTENT, order=25),)
