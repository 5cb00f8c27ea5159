"""The page of the ledger."""

from seawall.access import Permission
from seawall.console.request import MenuEntry
from seawall.console.storage import events

PAGES = events.PAGES
MENU = (MenuEntry(path="/ledger", title="Ledger", permission=Permission.SEE_LEDGER, order=80),)
