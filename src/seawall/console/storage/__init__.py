"""Pages of the ledger, of background jobs and of a subject's data."""

from seawall.access import Permission
from seawall.console.languages import marked
from seawall.console.request import MenuEntry
from seawall.console.storage import events, jobs, subjects

PAGES = (*events.PAGES, *jobs.PAGES, *subjects.PAGES)
MENU = (
    MenuEntry(path="/jobs", title=marked("Jobs"), permission=Permission.SEE_OPERATIONS, order=55),
    MenuEntry(path="/ledger", title=marked("Ledger"), permission=Permission.SEE_LEDGER, order=80),
    MenuEntry(path="/subjects", title=marked("Data of people"), permission=Permission.MANAGE_SUBJECTS, order=85),
)
