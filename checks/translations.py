"""Whether every sentence of the console is translated: what the code says, against the catalogues of each language.

``python -m checks.translations`` prints what is missing; with ``--write`` it adds the new sentences, untranslated, to
the catalogue of the part of the console that says them first, and drops those that nothing says any more.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from seawall.console.languages import FOLDER, LANGUAGES
from seawall.model import ACTIONS, HARMS

Key: TypeAlias = tuple[str, str]  # context and sentence (the first form, where there are two)

_METHODS: Final = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
_OPTIONS: Final = {"**/templates/**.html": {"trimmed": "true", "newstyle_gettext": "true"}}
_KEYWORDS: Final = {"_": None, "gettext": None, "marked": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
_SERVICES: Final = ("access", "review", "appeal", "enforce")
_SHOWN: Final = (
    "AccessError",
    "ReviewError",
    "AppealMoved",
    "AppealRefused",
    "MutingRefused",
    "CannotReplay",
    "CannotLift",
)
_PLACE: Final = re.compile(r"%\((\w+)\)|%%|\{(\w*)\}")


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of the code: where, its forms, and the part of the console that says it first."""

    where: str
    forms: tuple[str, ...]
    part: str


def sentences(root: Path) -> dict[Key, Said]:
    """Every sentence that the console says, in the order of the files."""
    console = root / "src/seawall/console"
    found: dict[Key, Said] = {}
    extracted = extract_from_dir(
        str(console), method_map=_METHODS, options_map=_OPTIONS, keywords=_KEYWORDS, comment_tags=()
    )
    for file, line, message, _, context in sorted(extracted, key=lambda one: (one[0], one[1])):
        forms = message if isinstance(message, tuple) else (message,)
        parts = Path(file).parts
        part = parts[0] if len(parts) > 1 and parts[0] != "templates" else "console"
        found.setdefault((context or "", forms[0]), Said(f"{file}:{line}", forms, part))
    for where, sentence in _messages(root):
        found.setdefault(("", sentence), Said(where, (sentence,), "errors"))
    for title in (*(harm.title for harm in HARMS.values()), *(action.title for action in ACTIONS.values())):
        found.setdefault(("", title), Said("seawall.model", (title,), "model"))
    return found


def _messages(root: Path) -> Iterator[tuple[str, str]]:
    """Messages of the services' exceptions that pages show: those that are whole sentences, not made of parts."""
    trees = {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for service in _SERVICES
        for path in sorted((root / "src/seawall" / service).rglob("*.py"))
    }
    shown = set(_SHOWN)
    for tree in trees.values():
        shown |= {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef)
            and any(isinstance(base, ast.Name) and base.id in shown for base in node.bases)
        }
    for path, tree in trees.items():
        for node in ast.walk(tree):
            made = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in shown
            in_class = isinstance(node, ast.ClassDef) and node.name in shown
            calls = [node] if isinstance(node, ast.Call) and made else _inits(node) if in_class else []
            for call in calls:
                for argument in call.args[:1]:
                    text = argument.value if isinstance(argument, ast.Constant) else None
                    if isinstance(text, str) and " " in text:  # else it is a code
                        yield f"{path.relative_to(root)}:{argument.lineno}", text


def _inits(node: ast.AST) -> list[ast.Call]:
    """The calls of ``super().__init__`` in a class."""
    calls = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
    return [one for one in calls if isinstance(one.func, ast.Attribute) and one.func.attr == "__init__"]


def check(root: Path) -> Iterator[str]:
    """Problems of every language's catalogues, each as one line."""
    said = sentences(root)
    for code in LANGUAGES:
        if code != "en":
            yield from _of_language(code, said)


def _of_language(code: str, said: dict[Key, Said]) -> Iterator[str]:
    seen: dict[Key, str] = {}
    for file, catalog in _catalogs(code):
        for message in catalog:
            if not message.id:
                continue
            key = _key(message)
            if key not in said:
                yield f"{code}/{file.name}: nothing says {key[1]!r} any more"
            elif key in seen:
                yield f"{code}/{file.name}: {key[1]!r} is also in {seen[key]}"
            seen[key] = file.name
            yield from (f"{code}/{file.name}: {problem}" for problem in _of_message(message))
    for key, one in said.items():
        if key not in seen:
            yield f"{one.where}: {key[1]!r} is in no catalogue of {code}: python -m checks.translations --write adds it"


def _of_message(message: Message) -> Iterator[str]:
    ids, strings = _forms(message.id), _forms(message.string)
    if not all(strings):
        yield f"{ids[0]!r} is not translated"
        return
    if message.fuzzy:
        yield f"{ids[0]!r} is marked fuzzy"
    wanted = {place for text in ids for place in _PLACE.findall(text)}
    for text in strings:
        if not set(_PLACE.findall(text)) <= wanted or (len(ids) == 1 and set(_PLACE.findall(text)) != wanted):
            yield f"{ids[0]!r}: {text!r} has other places to fill in"


def write(root: Path) -> None:
    """Add what is new to the catalogues and drop what nothing says any more."""
    said = sentences(root)
    for code in LANGUAGES:
        if code == "en":
            continue
        kept: dict[Key, Message] = {}
        homes: dict[Key, str] = {}
        for file, catalog in _catalogs(code):
            for message in catalog:
                if message.id and (key := _key(message)) in said and not (key in kept and kept[key].string):
                    kept[key], homes[key] = message, file.stem
        parts = sorted({one.part for one in said.values()} | set(homes.values()))
        for part in parts:
            made = Catalog(locale=code, fuzzy=False)
            for key, one in said.items():
                if homes.get(key, one.part) == part:
                    text = kept[key].string if key in kept else None
                    made.add(one.forms if len(one.forms) > 1 else one.forms[0], text, context=key[0] or None)
            (FOLDER / code).mkdir(parents=True, exist_ok=True)
            with (FOLDER / code / f"{part}.po").open("wb") as stream:
                write_po(stream, made, width=0, omit_header=True, no_location=True)


def _catalogs(code: str) -> Iterator[tuple[Path, Catalog]]:
    for file in sorted((FOLDER / code).glob("*.po")):
        with file.open("rb") as stream:
            yield file, read_po(stream, locale=code)


def _key(message: Message) -> Key:
    return message.context or "", _forms(message.id)[0]


def _forms(text: str | Sequence[str] | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ("",))


if __name__ == "__main__":
    here = Path(__file__).resolve().parent.parent
    if sys.argv[1:] == ["--write"]:
        write(here)
    problems = list(check(here))
    print("\n".join(problems))
    sys.exit(bool(problems))
