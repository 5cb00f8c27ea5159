"""People who review: whom a case can be assigned to."""

from __future__ import annotations

from seawall.access import Permission, Person, list_people
from seawall.app import App


def reviewers(app: App) -> list[Person]:
    """People with an open account and the permission to decide cases, by name."""
    return [one for one in list_people(app.database) if one.may(Permission.REVIEW)]


def reviewer(app: App, person: str) -> Person | None:
    """The one of them with this id; None: there is none."""
    return next((one for one in reviewers(app) if one.id == person), None)
