"""Pages for signing in, for one's own settings, and for managing people and API keys."""

from seawall.access import Permission
from seawall.console.access import account, people, sign_in, views
from seawall.console.languages import marked
from seawall.console.request import MenuEntry

PAGES = (*sign_in.PAGES, *account.PAGES, *people.PAGES, *views.PAGES)
MENU = (MenuEntry(path="/access", title=marked("People and keys"), permission=Permission.MANAGE_ACCESS, order=90),)
