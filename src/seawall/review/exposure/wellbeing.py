"""The policy of well-being: budgets, breaks and veils, read from a file.

>>> read_wellbeing("stretch: 60m").break_ms
900000
>>> read_wellbeing("strech: 60m")
Traceback (most recent call last):
seawall.settings.SettingsError: wellbeing.yaml:1:1: a well-being file has no key 'strech'
...
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, TypeVar

from seawall import shipped
from seawall.model import HARMS
from seawall.settings import SettingsError
from seawall.yamlfile.nodes import Mapping as Keys
from seawall.yamlfile.nodes import Node, UnreadableYaml, read_yaml
from seawall.yamlfile.reader import Reader
from seawall.yamlfile.source import SourceFile, nearest

Value = TypeVar("Value")

BLURS: Final = ("none", "light", "medium", "strong")
"""Strengths of blur, by number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VeilFloor:
    """The least that softens content of a harm. ``blur``: a number of ``BLURS``."""

    blur: int = 0
    greyscale: bool = False
    mute: bool = False


_UNKNOWN: Final = VeilFloor(blur=2)
_SECONDS: Final[Mapping[str, tuple[float, float, str]]] = {
    "shift": (3_600, 86_400, "a duration from 1h to 24h"),
    "stretch": (300, 86_400, "a duration from 5m to 24h"),
    "break": (60, 14_400, "a duration from 1m to 4h"),
}
_KEYS: Final = ("shift", "budget", "budgets", "stretch", "break", "veils", "text_first")
_VEIL_KEYS: Final = ("blur", "greyscale", "mute")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wellbeing:
    """Budgets in units of intensity (see ``intensity.py``), times in ms. ``budget`` None: no limit over all harms."""

    shift_ms: int
    budget: int | None
    budgets: Mapping[str, int]
    stretch_ms: int
    break_ms: int
    veils: Mapping[str, VeilFloor] = field(default_factory=dict)
    text_first: frozenset[str] = frozenset()

    def floor(self, harms: Collection[str | None]) -> VeilFloor:
        """The strongest floor of these harms. Without any, or with None among them (something about the content is
        not known), media are blurred: nobody knows what they show."""
        floors = [self.veils[harm] for harm in harms if harm is not None and harm in self.veils]
        if not harms or None in harms:
            floors.append(_UNKNOWN)
        return VeilFloor(
            blur=max((one.blur for one in floors), default=0),
            greyscale=any(one.greyscale for one in floors),
            mute=any(one.mute for one in floors),
        )

    def veils_text(self, harms: Collection[str]) -> bool:
        """Whether texts are blurred too: those of a harm whose file says so, not those of no known harm."""
        return any(harm in self.veils and self.veils[harm].blur > 0 for harm in harms)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureSettings:
    """Settings section: the well-being file; None: ``wellbeing.yaml`` in the data folder, else the shipped one."""

    wellbeing: Path | None = None


def load_wellbeing(settings: ExposureSettings, data_dir: Path) -> Wellbeing:
    """The policy in force. Raises SettingsError that names the file, the line and the remedy."""
    path = settings.wellbeing or data_dir / "wellbeing.yaml"
    if settings.wellbeing is None and not path.exists():
        return shipped_wellbeing()
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or 'cannot be read'}") from error
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not UTF-8 text") from None
    return read_wellbeing(text, str(path))


def shipped_wellbeing() -> Wellbeing:
    """The policy that ships with Seawall."""
    empty = Wellbeing(shift_ms=0, budget=None, budgets={}, stretch_ms=0, break_ms=0)
    return _read(shipped.Folder("seawall.shipped", "file").read("wellbeing"), "shipped wellbeing.yaml", empty)


def read_wellbeing(text: str, path: str = "wellbeing.yaml") -> Wellbeing:
    """A file's text; what it leaves out is as in the shipped one. Raises SettingsError with every problem found."""
    return _read(text, path, shipped_wellbeing())


def _read(text: str, path: str, otherwise: Wellbeing) -> Wellbeing:
    try:
        source = SourceFile(text.removeprefix("\ufeff"), path)
        root = read_yaml(source)
    except UnreadableYaml as error:
        raise SettingsError(error.problem.render()) from None
    reader = Reader(source)
    found = _values(reader, root, otherwise)
    if not reader.problems and found.stretch_ms > found.shift_ms:
        reader.refuse(
            reader.head(root), "'stretch' is longer than 'shift'", remedy="make it shorter, or the shift longer"
        )
    if reader.problems:
        raise SettingsError("\n\n".join(problem.render() for problem in reader.problems))
    return found


def _values(reader: Reader, root: Keys, otherwise: Wellbeing) -> Wellbeing:
    reader.keys(root, "a well-being file", _KEYS)

    def read(key: str, how: Callable[[Reader, Node, str], Value | None], default: Value) -> Value:
        found = how(reader, root.values[key], key) if key in root.values else None
        return default if found is None else found

    budget = otherwise.budget
    if "budget" in root.values:
        budget = _budget(reader, root.values["budget"], "budget")
    return replace(
        otherwise,
        shift_ms=read("shift", _duration, otherwise.shift_ms),
        budget=budget,
        budgets=read("budgets", _budgets, otherwise.budgets),
        stretch_ms=read("stretch", _duration, otherwise.stretch_ms),
        break_ms=read("break", _duration, otherwise.break_ms),
        veils={**otherwise.veils, **read("veils", _veils, {})},
        text_first=read("text_first", _harms, otherwise.text_first),
    )


def _duration(reader: Reader, node: Node, key: str) -> int | None:
    least, most, expected = _SECONDS[key]
    seconds = reader.duration(node, f"'{key}'")
    if seconds is not None and not least <= seconds <= most:
        reader.refuse(node.span, f"'{key}' is out of range", expected=expected)
        return None
    return None if seconds is None else int(seconds * 1_000)


def _budget(reader: Reader, node: Node, what: str) -> int | None:
    """A budget; ``none``: no limit."""
    if getattr(node, "text", "") == "none":
        return None
    return reader.integer(node, what)


def _budgets(reader: Reader, node: Node, what: str) -> dict[str, int]:
    found = {}
    for harm, value in _by_harm(reader, node, what).items():
        amount = _budget(reader, value, f"the budget of '{harm}'")
        if amount is not None:
            found[harm] = amount
    return found


def _veils(reader: Reader, node: Node, what: str) -> dict[str, VeilFloor]:
    return {harm: _veil(reader, value, harm) for harm, value in _by_harm(reader, node, what).items()}


def _veil(reader: Reader, node: Node, harm: str) -> VeilFloor:
    keys = reader.mapping(node, f"the veil of '{harm}'")
    if keys is None:
        return VeilFloor()
    reader.keys(keys, f"the veil of '{harm}'", _VEIL_KEYS)
    values: dict[str, Any] = {}
    if "blur" in keys.values:
        blur = reader.choice(keys.values["blur"], "blur", BLURS)
        values["blur"] = BLURS.index(blur) if blur else 0
    for name in ("greyscale", "mute"):
        if name in keys.values:
            values[name] = bool(reader.boolean(keys.values[name], f"'{name}'"))
    return VeilFloor(**values)


def _harms(reader: Reader, node: Node, what: str) -> frozenset[str]:
    found = reader.names(node, f"'{what}'")
    for name, span in found:
        if name not in HARMS:
            reader.refuse(
                span, f"unknown harm '{name}'", expected="one of " + ", ".join(HARMS), near=nearest(name, HARMS)
            )
    return frozenset(name for name, _ in found)


def _by_harm(reader: Reader, node: Node, what: str) -> Mapping[str, Node]:
    keys = reader.mapping(node, f"'{what}'")
    if keys is None:
        return {}
    reader.keys(keys, f"'{what}'", tuple(HARMS))
    return {harm: value for harm, value in keys.values.items() if harm in HARMS}
