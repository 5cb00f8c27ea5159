"""Modules do not import each other in a circle. Imports that only type checkers follow do not count."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Set
from importlib import invalidate_caches
from pathlib import Path


def check(root: Path) -> list[str]:
    """Circles of imports among the modules of ``seawall``."""
    return [
        f"these modules import each other: {' <-> '.join(circle)}; move what both need to a third one"
        for circle in import_cycles("seawall", root / "src")
    ]


def import_cycles(package: str, folder: Path) -> list[tuple[str, ...]]:
    """Every largest set of modules of which each reaches all others by imports, sorted."""
    import grimp

    sys.path.insert(0, str(folder))
    invalidate_caches()
    try:
        graph = grimp.build_graph(package, exclude_type_checking_imports=True, cache_dir=None)
    finally:
        sys.path.remove(str(folder))
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    return sorted(tuple(sorted(found)) for found in _components(imports) if len(found) > 1)


def _components(edges: Mapping[str, Set[str]]) -> Iterator[list[str]]:
    """Strongly connected components, by Kosaraju's two passes."""
    order: list[str] = []
    seen: set[str] = set()
    for start in edges:
        _walk(start, edges, seen, order)
    backwards: dict[str, set[str]] = {node: set() for node in edges}
    for node, targets in edges.items():
        for target in targets:
            backwards[target].add(node)
    seen = set()
    for start in reversed(order):
        component: list[str] = []
        _walk(start, backwards, seen, component)
        if component:
            yield component


def _walk(start: str, edges: Mapping[str, Set[str]], seen: set[str], order: list[str]) -> None:
    """Depth first; appends each new node after all that it reaches."""
    if start in seen:
        return
    seen.add(start)
    stack = [(start, iter(edges[start]))]
    while stack:
        node, targets = stack[-1]
        following = next((target for target in targets if target not in seen), None)
        if following is None:
            stack.pop()
            order.append(node)
        else:
            seen.add(following)
            stack.append((following, iter(edges[following])))
