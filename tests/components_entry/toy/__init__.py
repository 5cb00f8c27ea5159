"""A component of nobody's: a page with a menu entry and a template, a route, and a command, by one declaration."""

from __future__ import annotations

from seawall.storage.component import Component

TOY = Component(
    name="toy",
    api="components_entry.toy.api",
    console="components_entry.toy.console",
    cli="components_entry.toy.cli",
)
