"""HTTP for people: server-rendered pages over an opened house.

    from seawall import console
    from seawall.app import open_app

    with open_app(settings) as app:
        uvicorn.run(console.build(app))

One module a page in ``pages/``; each lists its ``PAGES`` (path, method, permission, function) and ``routes.py`` adds
them up. A page's function takes a ``Visit`` and returns a response; who may call it is checked before (``visits.py``).
"""

from seawall.console.server import build

__all__ = ["build"]
