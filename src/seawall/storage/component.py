"""Component: the one declaration by which a service plugs into the application.

``app.py`` lists the components of Seawall. A component names everything it adds: events, projections, followers, jobs,
schedules, permissions, settings, migrations, and the modules of its API routes, console pages and commands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from seawall.storage.batch import Projection


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What a role may allow: ``component.verb``, and a sentence for the page that manages roles."""

    name: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One service and all that it adds. ``name`` is unique among the components of an application.

    ``api``, ``console`` and ``cli`` are import paths of modules, loaded only by the process that serves them.
    """

    name: str
    events: tuple[type[Any], ...] = ()
    projections: tuple[Projection, ...] = ()
    followers: tuple[Any, ...] = ()
    jobs: tuple[Any, ...] = ()
    schedules: tuple[Any, ...] = ()
    permissions: tuple[Permission, ...] = ()
    settings: type[Any] | None = None  # a section of the settings
    migrations: str | None = None  # import path of the package that holds its migrations
    services: Callable[..., tuple[object, ...]] | None = field(default=None)
    api: str | None = None  # module with ``router(app, keys) -> APIRouter``
    console: str | None = None  # module with ``PAGES``, ``MENU`` and a folder ``templates`` beside it
    cli: str | None = None  # module with ``command``: a Typer application
