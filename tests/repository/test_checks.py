"""The checks of this repository: each finds what it is for in a small tree, and nothing in this one."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

import pytest
from checks import cycles, names, released, words
from checks.cycles import import_cycles
from checks.names import duplicate_class_names

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("check", [names.check, cycles.check, released.check])
def test_this_checkout(check: object) -> None:
    assert check(ROOT) == []  # type: ignore[operator] - a function


def tree(folder: Path, **files: str) -> str:
    """Writes a package; ``a__b`` is the module ``a/b.py``. Its name."""
    name = f"tree_{uuid.uuid4().hex}"
    for module, text in files.items():
        path = folder / name / (module.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("PACKAGE", name))
    for path in [folder / name, *(folder / name).rglob("*/")]:
        (path / "__init__.py").touch()
    return name


def test_a_class_name_that_is_used_twice(tmp_path: Path) -> None:
    name = tree(
        tmp_path,
        a="class One:\n    class Inner: ...",
        b__c="\nclass One: ...\nclass _Private: ...",
        d="class _Private: ...",
    )
    assert duplicate_class_names(tmp_path / name) == {"One": [f"{name}/a.py:1", f"{name}/b/c.py:2"]}
    (tmp_path / name / "a.py").write_text("class Another: ...")
    assert duplicate_class_names(tmp_path / name) == {}


FOR_TYPES_ALONE = (
    "from __future__ import annotations\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import PACKAGE.a\n"
)


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"a": "import PACKAGE.b", "b": "import PACKAGE.c", "c": ""}, []),
        ({"a": "import PACKAGE.b", "b": "import PACKAGE.c", "c": "def f():\n    import PACKAGE.a"}, [("a", "b", "c")]),
        ({"a": "from PACKAGE import b", "b": "from PACKAGE.a import x"}, [("a", "b")]),
        ({"a": "import PACKAGE.b", "b": FOR_TYPES_ALONE}, []),
        (
            {
                "a": "import PACKAGE.b",
                "b": "import PACKAGE.a",
                "c": "import PACKAGE.d, PACKAGE.a",
                "d": "import PACKAGE.c",
            },
            [("a", "b"), ("c", "d")],
        ),
    ],
)
def test_modules_that_import_each_other(tmp_path: Path, files: dict[str, str], found: list[tuple[str, ...]]) -> None:
    name = tree(tmp_path, **files)
    assert import_cycles(name, tmp_path) == [tuple(f"{name}.{module}" for module in circle) for circle in found]
    assert str(tmp_path) not in sys.path


def test_old_words_are_found_in_names_modules_and_documents(tmp_path: Path) -> None:
    source = tmp_path / "src" / "seawall"
    (source / "console" / "templates").mkdir(parents=True)
    (source / "visits.py").write_text("def open_debts(print_: int) -> None:\n    print(house.rooms)\n")
    (source / "console" / "templates" / "a.html").write_text("<p>Films</p>\n<p>Videos</p>\n")
    (tmp_path / "README.md").write_text("A print of the page.\nThe house pays its debt.\n")
    assert words.check(tmp_path) == [
        "src/seawall/visits.py: give the module a name that says what it holds",
        "src/seawall/visits.py:1: the name open_debts: use pending rescreen instead of debt",
        "src/seawall/visits.py:2: the name rooms: use component, package instead of room",
        "src/seawall/visits.py:2: the name house: use app, service instead of house",
        "src/seawall/visits.py:1: the name visits: use request instead of visit",
        "src/seawall/console/templates/a.html:1: use video instead of film",
        "README.md:2: use app, service instead of house",
    ]
