"""The pages of the ledger and of background jobs."""

from seawall.access import Permission
from seawall.console.request import MenuEntry
from seawall.console.storage import events, jobs

PAGES = events.PAGES + jobs.PAGES
MENU = (
    MenuEntry(path="/jobs", title="Jobs", permission=Permission.SEE_OPERATIONS, order=55),
    MenuEntry(path="/ledger", title="Ledger", permission=Permission.SEE_LEDGER, order=80),
)
