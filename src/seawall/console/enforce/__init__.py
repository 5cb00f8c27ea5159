"""Pages about deliveries to the platform, and their receivers."""

from seawall.access import Permission
from seawall.console.enforce import deliveries, endpoints
from seawall.console.languages import marked
from seawall.console.request import MenuEntry

PAGES = (*deliveries.PAGES, *endpoints.PAGES)
MENU = (
    MenuEntry(path="/deliveries", title=marked("Deliveries"), permission=Permission.SEE_OPERATIONS, order=50),
    MenuEntry(path="/endpoints", title=marked("Receivers"), permission=Permission.MANAGE_ENDPOINTS, order=55),
)
