"""People who review: whom a case can be assigned to."""

from __future__ import annotations

from seawall.access import Permission, Person
from seawall.app import App
from seawall.console import active_bundle


def reviewers(app: App, viewer: Person) -> list[Person]:
    """People with an open account and the permission to decide cases, by name; for a team's lead those of the team."""
    return [one for one in active_bundle.people_seen_by(app, viewer) if one.may(Permission.REVIEW)]


def reviewer(app: App, viewer: Person, person: str) -> Person | None:
    """The one of them with this id; None: there is none."""
    return next((one for one in reviewers(app, viewer) if one.id == person), None)
