"""The routes in the shapes of other services, for those who move from them: one limit for all of them."""

from __future__ import annotations

from typing import Final

from seawall.access import Keys
from seawall.api.compatible import TextsInProgress
from seawall.api.in_flight import InFlight
from seawall.api.moderations import moderations_route
from seawall.api.perspective import perspective_routes
from seawall.api.plain import PlainRoute
from seawall.app import App

_MOST_IN_FLIGHT: Final = 32 * 1024 * 1024  # bytes of large requests that are worked on at once


def compatible_routes(app: App, keys: Keys) -> list[PlainRoute]:
    """The routes, for the router of the screening service."""
    in_progress, in_flight = TextsInProgress(), InFlight(_MOST_IN_FLIGHT)
    return [
        *perspective_routes(app, keys, in_progress, in_flight),
        moderations_route(app, keys, in_progress, in_flight),
    ]
