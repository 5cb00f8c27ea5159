"""The web console: server-rendered pages for reviewers, policy authors and operators.

    from seawall import console
    from seawall.app import open_app

    with open_app(settings) as app:
        uvicorn.run(console.build(app))

One package for each component that has pages: it lists them in ``PAGES`` (path, method, permission, function), its
entries of the menu in ``MENU``, and keeps its templates in a folder ``templates``. ``routes.py`` adds them up. Code
that pages share is beside this file. A page's function takes a ``PageRequest`` and returns a response; session,
permission and CSRF token are checked before it runs (``request.py``). A page's path plus ``.json`` gives programs the
same rows.
"""

from seawall.console.server import build

__all__ = ["build"]
