"""One route that asks for a scope, and one that forgets to."""

from dataclasses import dataclass

from fastapi import APIRouter, Depends

from seawall.access import Keys, Scope
from seawall.api.common import Code, key, not_found, routes_under_v1
from seawall.app import App


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyState:
    """A toy and the ledger's length."""

    name: str
    events: int


def router(app: App, keys: Keys) -> APIRouter:
    """Routes under ``/v1``."""
    routes = routes_under_v1(keys, tag="toys")

    @routes.get("/toys/{name}", dependencies=[Depends(key(keys, Scope.READ))])
    def get_toy(name: Code) -> ToyState:
        """One toy."""
        if name == "lost":
            raise not_found("this toy is lost")
        return ToyState(name=name, events=app.ledger.head())

    @routes.get("/toys")
    def get_toys() -> list[str]:
        """Every toy."""
        return ["ball"]

    return routes
