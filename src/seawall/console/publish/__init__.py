"""Pages about policies and banks."""

from seawall.access import Permission
from seawall.console.languages import marked
from seawall.console.publish import backtests, banks, editor, policies, proposals, publications, trying
from seawall.console.request import MenuEntry

PAGES = (
    *(*backtests.PAGES, *editor.PAGES, *policies.PAGES, *trying.PAGES),
    *(*publications.PAGES, *proposals.PAGES, *banks.PAGES),
)
MENU = (
    MenuEntry(
        path="/policies",
        title=marked("Policies"),
        permission=Permission.SEE_POLICIES,
        order=60,
        sections=("/drafts", "/publications", "/proposals"),
    ),
    MenuEntry(path="/try", title=marked("Try"), permission=Permission.SEE_POLICIES, order=65),
    MenuEntry(path="/banks", title=marked("Banks"), permission=Permission.SEE_BANKS, order=70),
)
