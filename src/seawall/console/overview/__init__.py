"""The start page, with figures of every service, and the pages of those who lead reviewers."""

from seawall.access import Permission
from seawall.console.languages import marked
from seawall.console.overview import figures, live, staffing, start
from seawall.console.request import MenuEntry

PAGES = (*start.PAGES, *live.PAGES, *figures.PAGES, *staffing.PAGES)
MENU = (
    MenuEntry(
        path="/", title=marked("Overview"), permission=Permission.SEE_OVERVIEW, order=10, sections=("/overview",)
    ),
    MenuEntry(
        path="/figures", title=marked("Figures"), permission=Permission.SEE_FIGURES, order=27, sections=("/staffing",)
    ),
)
