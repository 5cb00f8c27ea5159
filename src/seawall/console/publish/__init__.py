"""Pages about policies and banks."""

from seawall.access import Permission
from seawall.console.languages import marked
from seawall.console.publish import banks, policies, proposals, publications
from seawall.console.request import MenuEntry

PAGES = (*policies.PAGES, *publications.PAGES, *proposals.PAGES, *banks.PAGES)
MENU = (
    MenuEntry(
        path="/policies",
        title=marked("Policies"),
        permission=Permission.SEE_POLICIES,
        order=60,
        sections=("/publications", "/proposals"),
    ),
    MenuEntry(path="/banks", title=marked("Banks"), permission=Permission.SEE_BANKS, order=70),
)
