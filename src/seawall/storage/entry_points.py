"""Import of the modules that components name for the API, the console and the command line."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from types import ModuleType
from typing import Final, Literal

from seawall.storage.component import Component

_OFFERS: Final = {"api": ("router",), "console": ("PAGES", "MENU"), "cli": ("command",)}


class EntryPointError(Exception):
    """A component's module cannot be used; the message names the component, the module and the missing name."""


def entry_points(
    components: Iterable[Component], kind: Literal["api", "console", "cli"]
) -> list[tuple[Component, ModuleType]]:
    """The module of that kind of each component that names one, in their order. Raises EntryPointError."""
    found: list[tuple[Component, ModuleType]] = []
    for component in components:
        path = getattr(component, kind)
        if path is None:
            continue
        if any(component.name == other.name for other, _ in found):
            raise EntryPointError(f"two components are named {component.name!r}: rename one")
        try:
            module = import_module(path)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{path}.".startswith(f"{error.name}."):
                raise  # the module exists, and what it imports does not
            raise EntryPointError(
                f"component {component.name!r}: there is no module {path} (its {kind!r}): correct the import path"
            ) from error
        if missing := [name for name in _OFFERS[kind] if not hasattr(module, name)]:
            raise EntryPointError(f"component {component.name!r}: {path} must define {' and '.join(missing)}")
        found.append((component, module))
    return found
