"""Appeals: the list, one appeal with its conversation, its answer, and the muting of reporters."""

from seawall.access import Permission
from seawall.console.appeal import answering, appeal_page, appeals, notices, public_form, reporters
from seawall.console.languages import marked
from seawall.console.request import MenuEntry

PAGES = (
    *appeals.PAGES,
    *answering.PAGES,
    *reporters.PAGES,
    *public_form.PAGES,
    *appeal_page.PAGES,
    *notices.PAGES,
)
MENU = (MenuEntry(path="/appeals", title=marked("Appeals"), permission=Permission.SEE_CONTENT, order=25), *notices.MENU)
