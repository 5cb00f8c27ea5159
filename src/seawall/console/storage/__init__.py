"""Pages of the ledger and of a subject's data."""

from seawall.access import Permission
from seawall.console.request import MenuEntry
from seawall.console.storage import events, subjects

PAGES = (*events.PAGES, *subjects.PAGES)
MENU = (
    MenuEntry(path="/ledger", title="Ledger", permission=Permission.SEE_LEDGER, order=80),
    MenuEntry(path="/subjects", title="Data of people", permission=Permission.MANAGE_SUBJECTS, order=85),
)
