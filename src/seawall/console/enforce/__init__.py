"""Pages about deliveries to the platform."""

from seawall.access import Permission
from seawall.console.enforce import deliveries
from seawall.console.request import MenuEntry

PAGES = deliveries.PAGES
MENU = (MenuEntry(path="/deliveries", title="Deliveries", permission=Permission.SEE_OPERATIONS, order=50),)
