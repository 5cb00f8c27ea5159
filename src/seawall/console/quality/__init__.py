"""Pages of the quality of reviews: blind reviews, figures, disagreements and golden cases."""

from seawall.access import Permission
from seawall.console.languages import marked
from seawall.console.quality import blind_review, disagreements, figures, golden_cases
from seawall.console.request import MenuEntry

PAGES = (*blind_review.PAGES, *figures.PAGES, *disagreements.PAGES, *golden_cases.PAGES)
MENU = (
    MenuEntry(
        path="/my-reviews",
        title=marked("My reviews"),
        permission=Permission.REVIEW,
        order=25,
        sections=("/my-figures",),
    ),
    MenuEntry(
        path="/quality",
        title=marked("Quality"),
        permission=Permission.SEE_QUALITY,
        order=26,
        sections=("/disagreements", "/golden-cases"),
    ),
)
