"""Pages, menu and templates of the console, put together from the components' console modules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from seawall.console.request import MenuEntry, Page
from seawall.storage.component import Component
from seawall.storage.entry_points import EntryPointError, entry_points


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsolePages:
    """All pages in the components' order, the menu from top to bottom, and the folders of templates by component."""

    pages: tuple[Page, ...]
    menu: tuple[MenuEntry, ...]
    templates: Mapping[str, Path]


def console_pages(components: Iterable[Component]) -> ConsolePages:
    """Pages, menu and templates of the components. Raises EntryPointError, also when two pages have one address."""
    pages: dict[tuple[str, str], Page] = {}
    menu: list[MenuEntry] = []
    templates: dict[str, Path] = {}
    for component, module in entry_points(components, "console"):
        for page in module.PAGES:
            if (page.method, page.path) in pages:
                raise EntryPointError(f"component {component.name!r}: another has a page {page.method} {page.path}")
            pages[page.method, page.path] = page
        menu += module.MENU
        templates[component.name] = _folder(module) / "templates"
    return ConsolePages(
        pages=tuple(pages.values()), menu=tuple(sorted(menu, key=lambda entry: entry.order)), templates=templates
    )


def _folder(module: ModuleType) -> Path:
    assert module.__file__ is not None, "an ordinary module, not a namespace package"
    return Path(module.__file__).parent
