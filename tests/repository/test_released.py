"""A changed migration, event or bundle format of a release fails the suite; what only adds does not."""

from __future__ import annotations

import copy
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, make_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from checks import released
from checks.formats import Description, describe, describe_migrations, describe_versioned, differences

from seawall.storage import MigrationSource

NOW = describe("0.2.0")


def test_what_is_as_it_was_released() -> None:
    assert differences(NOW, NOW) == []
    assert json.loads(json.dumps(NOW)) == NOW


# -- this code against a release that had something else --------------------------------------------------------------


def _places(kind: Any, place: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    """Where a described type has fields, at any depth."""
    if isinstance(kind, list):
        for index, each in enumerate(kind):
            yield from _places(each, (*place, index))
    elif isinstance(kind, dict) and "fields" in kind:
        yield (*place, "fields")
        for name, described in kind["fields"].items():
            yield from _places(described["type"], (*place, "fields", name, "type"))
    elif isinstance(kind, dict):
        for name, inner in kind.items():
            yield from _places(inner, (*place, name))


PLACES = [*_places(NOW["bundle"], ("bundle",))]
PLACES += [place for kind, event in NOW["events"].items() for place in _places(event, ("events", kind))]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
def test_a_field_that_a_release_had_and_this_code_has_not_fails(place: tuple[Any, ...]) -> None:
    """For every type that is stored: the bundle, each event, whatever lies in them."""
    for lost in ({"type": "str"}, {"type": "int", "default": 0}):
        old = copy.deepcopy(NOW)
        fields = old
        for step in place:
            fields = fields[step]
        fields["formerly"] = lost
        (problem,) = differences(old, NOW)
        assert re.fullmatch(r"(event '[a-z._]+'|bundle), field .*'formerly' is gone or has another name .*", problem)
        assert ("write an upcaster" in problem) == (place[0] == "events")


@pytest.mark.parametrize("kind", sorted(NOW["events"]))
def test_an_event_kind_that_is_gone_or_renamed_fails(kind: str) -> None:
    new = copy.deepcopy(NOW)
    new["events"][f"{kind}_renamed"] = new["events"].pop(kind)
    assert differences(NOW, new) == [f"the event kind '{kind}' of 0.2.0 is gone; ledgers hold it: keep its type"]


@pytest.mark.parametrize(
    ("component", "name"), [(one, name) for one, names in NOW["migrations"].items() for name in names]
)
def test_a_migration_that_was_released_is_never_changed(component: str, name: str) -> None:
    old = copy.deepcopy(NOW)
    old["migrations"][component][name] = "0" * 64
    (problem,) = differences(old, NOW)
    assert f"'{component} {name}' was changed after 0.2.0" in problem
    assert "restore the file, and write another migration under the next release's number" in problem


# -- files of migrations ----------------------------------------------------------------------------------------------


def test_editing_a_released_migration_file_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = f"migrations_{uuid.uuid4().hex}"
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").touch()
    baseline = tmp_path / package / "00.02.00_01_pre_baseline.py"
    baseline.write_bytes(b"def upgrade(op):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    source = MigrationSource("extra", package)
    old = {**NOW, "migrations": describe_migrations([source])}

    def found() -> list[str]:
        return differences(old, {**NOW, "migrations": describe_migrations([source])})

    baseline.write_bytes(b"def upgrade(op):\r\n    pass\r\n")  # checked out on Windows
    assert found() == []
    baseline.write_bytes(b"def upgrade(op):\n    op.add_column()\n")
    assert "'extra 00.02.00_01_pre_baseline' was changed after 0.2.0" in found()[0]
    baseline.write_bytes(b"def upgrade(op):\n    pass\n")
    (tmp_path / package / "00.03.00_01_pre_more.py").touch()
    assert found() == []
    late = tmp_path / package / "00.02.00_02_pre_late.py"
    late.touch()
    assert found() == ["the migration 'extra 00.02.00_02_pre_late' came after 0.2.0: number it for the next release"]
    late.unlink()
    baseline.unlink()
    assert "'extra 00.02.00_01_pre_baseline' of 0.2.0 is gone" in found()[0]


# -- one type against its next shape ----------------------------------------------------------------------------------


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class MoreColours(StrEnum):
    RED = "red"
    BLUE = "blue"
    GREEN = "green"


@dataclass(frozen=True)
class Inner:
    a: int


@dataclass(frozen=True)
class WiderInner:
    a: int
    b: str = ""


def shape(name: str, kind: Any, **default: Any) -> type:
    """A type with one field, with a default or without."""
    given = (field(**default),) if default else ()
    return make_dataclass("Shape", [(name, kind, *given)])


def compared(old: type, new: type, version: int = 1) -> list[str]:
    def event(version: int, body: type) -> Description:
        return {**NOW, "events": {"x": describe_versioned(version, body)}}

    return differences(event(1, old), event(version, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (shape("a", int), make_dataclass("More", [("a", int), ("b", str, field(default=""))])),
        (shape("a", int), make_dataclass("Swapped", [("b", str, field(default="")), ("a", int, field(default=1))])),
        (shape("a", str), shape("a", str | None)),
        (shape("a", Colour), shape("a", MoreColours)),
        (shape("a", tuple[Inner, ...]), shape("a", tuple[WiderInner, ...])),
        (shape("a", Mapping[str, int]), shape("a", Mapping[str, int | str])),
        (shape("a", Inner | None, default=None), shape("a", WiderInner | None, default=None)),
        (shape("a", list[int]), shape("a", tuple[int, ...])),
    ],
)
def test_what_only_adds_is_fine(old: type, new: type) -> None:
    assert compared(old, new) == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (shape("a", int), shape("b", int, default=0), "field 'a' is gone or has another name"),
        (shape("a", int), shape("a", str), 'field \'a\' was "int" and is "str"'),
        (shape("a", int), shape("a", float), 'was "int" and is "float"'),
        (shape("a", int), make_dataclass("More", [("a", int), ("b", str)]), "field 'b' is new and has no default"),
        (shape("a", int, default=0), shape("a", int), "has no default any more"),
        (shape("a", int, default=0), shape("a", int, default=1), "has the default 1, and had 0"),
        (shape("a", str | None), shape("a", str), 'and is "str"'),
        (shape("a", MoreColours), shape("a", Colour), "field 'a' does not take green any more"),
        (shape("a", tuple[WiderInner, ...]), shape("a", tuple[Inner, ...]), "field 'a', field 'b' is gone"),
        (shape("a", WiderInner | None), shape("a", Inner | None), "field 'a', field 'b' is gone"),
        (shape("a", Mapping[str, int]), shape("a", Mapping[str, str]), 'was "int" and is "str"'),
        (shape("a", tuple[int, int]), shape("a", tuple[int, int, int]), "field 'a' was"),
    ],
)
def test_what_loses_data_fails_and_says_what_to_do(old: type, new: type, says: str) -> None:
    (problem,) = compared(old, new)
    assert problem.startswith("event 'x', field ")
    assert says in problem
    assert problem.endswith("(since 0.2.0): keep it as it was, or raise the event's version and write an upcaster")


def test_a_raised_version_is_the_upcasters_matter_and_a_lowered_one_fails() -> None:
    assert compared(shape("a", int), shape("b", str), version=2) == []
    assert compared(shape("a", int), shape("a", int), version=0) == [
        "event 'x' has version 0, and 0.2.0 wrote version 1: never lower it"
    ]


# -- the files --------------------------------------------------------------------------------------------------------


def test_every_release_is_compared(tmp_path: Path) -> None:
    """Two releases; the older had what the newer and this code have not."""
    assert released.check(tmp_path) == []
    for release in ("0.2.0", "0.10.0"):
        folder = tmp_path / "tests" / "upgrades" / release
        folder.mkdir(parents=True)
        (folder / "formats.json").write_text(json.dumps({**NOW, "release": release}))
    assert released.check(tmp_path) == []
    old = copy.deepcopy(NOW)
    old["bundle"]["fields"]["formerly"] = {"type": "str"}
    (tmp_path / "tests" / "upgrades" / "0.2.0" / "formats.json").write_text(json.dumps(old))
    assert released.check(tmp_path) == [
        "bundle, field 'formerly' is gone or has another name (since 0.2.0): keep it as it was; "
        "stored bundles are read without being written again"
    ]
    paths = released.released_formats(tmp_path / "tests" / "upgrades")
    assert [path.parent.name for path in paths] == ["0.2.0", "0.10.0"]
