"""What docs/quality.md says is so: its numbers, addresses, settings and permissions."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from seawall.access.permissions import PERMISSIONS, Permission
from seawall.app import COMPONENTS
from seawall.console.routes import console_pages
from seawall.review.quality import QualitySettings

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "quality.md").read_text(encoding="utf-8")


def test_the_numbers_of_the_example() -> None:
    (program,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    scope: dict[str, object] = {}
    head, _, calls = program.partition("\n\npercent")
    exec(head, scope)
    shown = re.findall(r"^(.+?)  # (.+)$", "percent" + calls, re.MULTILINE)
    assert len(shown) == 4
    for call, said in shown:
        got = eval(call, scope)
        numbers = [float(number) for number in re.findall(r"\d\.\d+", said)]
        values = [getattr(got, name) for name in ("value", "lower", "upper")] if "Interval" in said else [got]
        for value, number in zip(values, numbers, strict=True):
            assert number <= value < number + 0.01 if "…" in said else value == pytest.approx(number), call


def test_the_addresses_are_pages() -> None:
    pages = {page.path for page in console_pages(COMPONENTS).pages}
    addresses = set(re.findall(r"`(/[a-z./-]+)`", TEXT))
    assert len(addresses) == 8
    assert addresses <= pages


def test_the_settings_and_their_defaults() -> None:
    rows = re.findall(r"^\| `SEAWALL_(\w+)` \| ([\d.]+) \|", TEXT, re.MULTILINE)
    assert {name.lower(): float(value) for name, value in rows} == {
        each.name: each.default for each in fields(QualitySettings)
    }


def test_the_permissions_and_their_roles() -> None:
    rows = dict(re.findall(r"^\| `((?:quality|review)\.\w+)` \| ([\w, ]+) \|", TEXT, re.MULTILINE))
    assert {name for name in Permission if name.startswith("quality.")} | {"review.decide"} == set(rows)
    for name, roles in rows.items():
        assert {role for role in PERMISSIONS if Permission(name) in PERMISSIONS[role]} == set(roles.split(", "))
