"""The detectors of a configuration file: services, judges and plug-ins, with their options and score ranges.

    providers:
      - use: openai-moderation            # shipped with Seawall (see ``seawall detectors list``)
        ask_when: {signal: harassment, from: 0.2, to: 0.9}
      - file: acme.yaml                   # next to this file
    judges:
      - judge: hate-judge
        …
    plugins:
      - use: shouting                     # an entry point of an installed package
        options: {least: 12}

The file is read strictly, so that errors are reported at start, with file and position.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from seawall.configfile import ConfigStruct, Section, Text, load_yaml, read_yaml
from seawall.detect.cascade import ScoreRange
from seawall.detect.plugins import Made, PluginError, load
from seawall.model.content import Part
from seawall.model.signals import Detector, DetectorResult, DetectorSpec, Extractor, ExtractorSpec, Hasher, HasherSpec
from seawall.providers import HttpDetector, read_provider
from seawall.providers.judges import FindQuestion, Judge, read_judge
from seawall.providers.provider import ScoreRangeFile, read_score_ranges
from seawall.shipped import Folder

SHIPPED: Final = Folder("seawall.shipped.providers", "provider")

_OVERRIDES: Final = ("name", "ask_when", "limits", "languages", "cost", "proxy", "longest", "pieces", "largest")


class DetectorsFile(ConfigStruct, frozen=True):
    """The whole file; its entries are read one by one."""

    providers: Any = None
    judges: Any = None
    plugins: Any = None


class ProviderUse(ConfigStruct, frozen=True):
    """An entry of ``providers`` that names a file, and its overrides."""

    use: Text | None = None
    file: Text | None = None
    name: Any = None
    ask_when: Any = None
    limits: dict[str, Any] = msgspec.field(default_factory=dict)
    languages: Any = None
    cost: Any = None
    proxy: Any = None
    longest: Any = None
    pieces: Any = None
    largest: Any = None


class PluginUse(ConfigStruct, frozen=True):
    """An entry of ``plugins``."""

    use: Text
    options: dict[str, Any] = msgspec.field(default_factory=dict)
    ask_when: ScoreRangeFile | list[ScoreRangeFile] = msgspec.field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ConfiguredProviders:
    """Detectors that a configuration adds to the built-in ones."""

    detectors: tuple[Detector, ...] = ()
    extractors: tuple[Extractor, ...] = ()
    hashers: tuple[Hasher, ...] = ()

    def close(self) -> None:
        """Close connections, if no runner took ownership."""
        for one in (*self.detectors, *self.extractors, *self.hashers):
            close = getattr(one, "close", None)
            if close is not None:
                close()


def configure(
    path: Path | None,
    plugins: tuple[str, ...] = (),
    *,
    questions: FindQuestion | None = None,
    environment: Mapping[str, str] | None = None,
) -> ConfiguredProviders:
    """Read a configuration file and load its plug-ins, and those of ``plugins``.

    Raises ConfigError, PluginError.
    """
    detectors: list[Detector] = []
    extractors: list[Extractor] = []
    hashers: list[Hasher] = []

    def take(name: str, options: Mapping[str, Any], score_ranges: tuple[ScoreRange, ...]) -> None:
        made = _plugin(name, options, score_ranges, environment)
        if isinstance(made.spec, HasherSpec):
            hashers.append(made)
        elif isinstance(made.spec, ExtractorSpec):
            extractors.append(made)
        else:
            detectors.append(made)

    if path is not None:
        section = load_yaml(path)
        section.convert(DetectorsFile)
        for each in section.sections("providers"):
            detectors.append(provider_of(each, path.parent, environment))
        for each in section.sections("judges"):
            detectors.append(Judge(read_judge(each, environment), questions))
        for each in section.sections("plugins"):
            plugin = each.convert(PluginUse, raw=("options",))
            take(plugin.use, plugin.options, read_score_ranges(each, plugin.ask_when))
    for name in plugins:
        take(name, {}, ())
    return ConfiguredProviders(tuple(detectors), tuple(extractors), tuple(hashers))


def provider_of(section: Section, folder: Path, environment: Mapping[str, str] | None = None) -> HttpDetector:
    """One entry of ``providers``: a shipped file, your own file, or an inline definition. Raises ConfigError."""
    if "use" not in section and "file" not in section:
        return HttpDetector(read_provider(section, environment))
    used = section.convert(ProviderUse)
    if used.use is not None:
        if (removed := _REMOVED.get(used.use)) is not None:
            section.fail("use", f"{used.use!r} was removed: {removed}")
        try:
            base = read_yaml(SHIPPED.read(used.use), f"{used.use}.yaml")
        except LookupError as error:
            section.fail("use", str(error))
    else:
        base = load_yaml(folder / str(used.file))
    return HttpDetector(read_provider(_merged(base, section), environment))


_REMOVED: Final = {
    "perspective": "Google ends the service on 31 December 2026. Delete this entry, and the rules that read its "
    "signals (perspective_toxicity, …): the text model's 'toxic', 'hate' and 'harassment' measure the like; "
    "docs/migrate-from-perspective.md compares them on your own data"
}
"""Providers that shipped once, and what to do without them."""


class Placeholders(Mapping[str, str]):
    """An environment in which every variable is set, for checking a configuration without its secrets."""

    def __getitem__(self, name: str) -> str:
        return os.environ.get(name) or "https://not-set.invalid"

    def __iter__(self) -> Iterator[str]:
        return iter(os.environ)

    def __len__(self) -> int:
        return len(os.environ)


class CascadedDetector:
    """A plug-in's detector, called in score ranges only."""

    def __init__(self, detector: Detector, score_ranges: tuple[ScoreRange, ...]) -> None:
        self._detector = detector
        self.ask_when = score_ranges

    @property
    def spec(self) -> DetectorSpec:
        """The detector's spec."""
        return self._detector.spec

    def detect(self, parts: Sequence[Part]) -> Sequence[DetectorResult]:
        """The detector's answers."""
        return self._detector.detect(parts)

    def start(self) -> None:
        """Start the detector, if it has a ``start``."""
        getattr(self._detector, "start", _nothing)()

    def close(self) -> None:
        """Close the detector, if it has a ``close``."""
        getattr(self._detector, "close", _nothing)()


def _nothing() -> None:
    return None


def _plugin(
    name: str, options: Mapping[str, Any], score_ranges: tuple[ScoreRange, ...], environment: Mapping[str, str] | None
) -> Made:
    made = load(name, options)
    if isinstance(made, str):
        if options:
            raise PluginError(f"the plug-in {name!r} is a provider file and takes no options")
        return HttpDetector(read_provider(read_yaml(made, f"plug-in {name}"), environment))
    if not score_ranges:
        return made
    if not isinstance(made.spec, DetectorSpec):
        raise PluginError(f"the plug-in {name!r} is not a detector and has no score ranges: remove its ask_when")
    return CascadedDetector(made, score_ranges)


def _merged(base: Section, over: Section) -> Section:
    """The file with the configuration's overrides; limits are merged key by key."""
    values = dict(base.values)
    for key in _OVERRIDES:
        if key not in over:
            continue
        if key == "limits":
            values["limits"] = {**(values.get("limits") or {}), **over.section("limits").values}
        else:
            values["provider" if key == "name" else key] = over.values[key]
    return Section(values, base.file)
