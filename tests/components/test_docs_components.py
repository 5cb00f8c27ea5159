"""The page on components shows code that Python reads, and declarations that exist."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

from seawall.storage import EventSpec
from seawall.storage.component import Component, Follower, JobSpec, PermissionSpec, Schedule

PAGE = (Path(__file__).parents[2] / "docs" / "components.md").read_text()
SPECS = {spec.__name__: spec for spec in (Component, EventSpec, Follower, JobSpec, PermissionSpec, Schedule)}


def test_the_code_can_be_read_and_names_fields_that_there_are() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    shown = set()
    for block in blocks:
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SPECS:
                shown.add(node.func.id)
                known = {field.name for field in fields(SPECS[node.func.id])}
                assert {keyword.arg for keyword in node.keywords} <= known
    assert shown == set(SPECS)
