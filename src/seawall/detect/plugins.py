"""Plug-ins: detectors, extractors, hashers and providers of other packages, found by entry points, loaded if enabled.

A package offers them in its ``pyproject.toml``::

    [project.entry-points."seawall.detectors"]
    shouting = "acme_safety:ShoutingDetector"

    [project.entry-points."seawall.extractors"]
    captions = "acme_safety:Captioner"

    [project.entry-points."seawall.hashers"]
    wavelet = "acme_safety:WaveletHasher"  # bank entries use its spec's name, image-wavelet

    [project.entry-points."seawall.providers"]
    acme = "acme_safety:PROVIDER"  # the text of a provider file

An entry of the first three groups is a class or function, called with the options from the configuration file. Nothing
is imported before it is enabled: installing a package is not consent to run it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final, TypeAlias

from seawall.detect.hasher_checks import spec_faults
from seawall.model.signals import Detector, DetectorSpec, Extractor, ExtractorSpec, Hasher, HasherSpec

DETECTORS: Final = "seawall.detectors"
EXTRACTORS: Final = "seawall.extractors"
HASHERS: Final = "seawall.hashers"
PROVIDERS: Final = "seawall.providers"
GROUPS: Final = (DETECTORS, EXTRACTORS, HASHERS, PROVIDERS)
_MADE: Final[Mapping[str, tuple[type, str]]] = {  # by group: type of the spec, and name of the method
    DETECTORS: (DetectorSpec, "detect"),
    EXTRACTORS: (ExtractorSpec, "extract"),
    HASHERS: (HasherSpec, "hash"),
}

Made: TypeAlias = Detector | Extractor | Hasher

Find = Callable[[str], Iterable[EntryPoint]]


class PluginError(Exception):
    """A plug-in that cannot be used; the text names it, its distribution and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstalledPlugin:
    """An installed plug-in, enabled or not."""

    name: str
    group: str
    distribution: str  # name and version of the package
    target: str  # module:attribute


def installed(find: Find | None = None) -> tuple[InstalledPlugin, ...]:
    """All installed plug-ins, by name. Imports nothing."""
    inspect = find or _find
    return tuple(
        sorted(
            (
                InstalledPlugin(name=entry.name, group=group, distribution=_distribution(entry), target=entry.value)
                for group in GROUPS
                for entry in inspect(group)
            ),
            key=lambda offer: (offer.name, offer.group, offer.distribution),
        )
    )


def load(name: str, options: Mapping[str, Any] | None = None, find: Find | None = None) -> Made | str:
    """The detector, extractor or hasher of that name, created with ``options``; for a provider, its file's text.

    Raises PluginError with the distribution at fault.
    """
    inspect = find or _find
    found = [(group, entry) for group in GROUPS for entry in inspect(group) if entry.name == name]
    if not found:
        there = ", ".join(sorted({offer.name for offer in installed(find)})) or "none"
        raise PluginError(f"no plug-in named {name!r} is installed; installed: {there}")
    if len(found) > 1:
        owners = " and ".join(f"{_distribution(entry)} ({group})" for group, entry in found)
        raise PluginError(f"two plug-ins are named {name!r}, of {owners}: uninstall one of them")
    [(group, entry)] = found
    whose = f"the plug-in {name!r} of {_distribution(entry)}"
    try:
        target = entry.load()
        made = target if group == PROVIDERS else target(**dict(options or {}))
    except Exception as error:
        raise PluginError(
            f"{whose} cannot be loaded: {_reported(error)}; fix it, or remove it from the settings"
        ) from error
    if group == PROVIDERS:
        return _text(made, whose)
    return _checked(made, group, whose)


def _find(group: str) -> Iterable[EntryPoint]:
    return entry_points(group=group)


def _distribution(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "an unknown distribution"


def _reported(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}: {error}{where}"


def _checked(made: Any, group: str, whose: str) -> Made:
    spec = getattr(made, "spec", None)
    kind, verb = _MADE[group]
    if not isinstance(spec, kind) or not callable(getattr(made, verb, None)):
        raise PluginError(
            f"{whose} returned a {type(made).__name__} without a {kind.__name__} as 'spec' and a '{verb}'"
        )
    if isinstance(spec, HasherSpec) and (faults := list(spec_faults(spec))):
        raise PluginError(f"{whose} cannot be used: {'; '.join(faults)}")
    checked: Made = made
    return checked


def _text(made: Any, whose: str) -> str:
    if not isinstance(made, str):
        raise PluginError(f"{whose} must be the text of a provider file, not a {type(made).__name__}")
    return made
