"""HTTP for people: server-rendered pages over an opened house.

    from seawall import console
    from seawall.app import open_app

    with open_app(settings) as app:
        uvicorn.run(console.build(app))

One package for each component that has pages: it lists them in ``PAGES`` (path, method, permission, function), its
entries of the menu in ``MENU``, and keeps its templates in a folder ``templates``. ``routes.py`` adds them up. What
pages share is beside this file. A page's function takes a ``Visit`` and returns a response; who may call it is checked
before (``visits.py``). The address of a page with ``.json`` behind it gives programs the same rows.
"""

from seawall.console.server import build

__all__ = ["build"]
