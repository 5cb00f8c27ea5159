"""Reads policies and content types from folders of YAML files; by default the shipped ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from seawall.content import load_content_type
from seawall.model import ContentType
from seawall.policy import PolicySource
from seawall.policy.prohibitions import FILE
from seawall.shipped import content_types as shipped_content_types
from seawall.shipped import policies as shipped_policies

SHIPPED: Final = "shipped"
"""The origin of what comes with Seawall."""


class SourceError(Exception):
    """An unreadable file or folder of policies or content types; the message names the remedy."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The YAML texts that a bundle is built from. ``origin``: where they were read, for people and for comparing."""

    policies: tuple[PolicySource, ...]
    content_types: tuple[ContentType, ...]
    origin: str = ""
    not_permitted: PolicySource | None = None


def read_sources(policies: Path | None = None, content_types: Path | None = None) -> Sources:
    """Read ``*.yaml`` of both folders in the order of their names. Raises PolicyErrors, SourceError.

    In the folder of the policies, ``not-permitted.yaml`` is no policy: it says where which detectors may not run.
    """
    policy_files = _files(policies) if policies else list(shipped_policies.sources().items())
    withheld = next((PolicySource(path, text) for path, text in policy_files if Path(path).name == FILE), None)
    type_files = _files(content_types) if content_types else list(shipped_content_types.sources().items())
    return Sources(
        policies=tuple(PolicySource(path=path, text=text) for path, text in policy_files if Path(path).name != FILE),
        content_types=tuple(load_content_type(text, path) for path, text in type_files),
        origin=origin_of(policies, content_types),
        not_permitted=withheld,
    )


def origin_of(policies: Path | None, content_types: Path | None) -> str:
    """Where sources are read from, for people and for comparing."""
    if policies is None and content_types is None:
        return SHIPPED
    return f"policies {_place(policies)}, content types {_place(content_types)}"


def _place(folder: Path | None) -> str:
    return SHIPPED if folder is None else str(folder.absolute())


def _files(folder: Path) -> list[tuple[str, str]]:
    paths = [folder] if folder.is_file() else sorted(folder.glob("*.yaml"))
    if misnamed := [] if folder.is_file() else sorted(folder.glob("*.yml")):
        raise SourceError(f"{misnamed[0]} would not be read: rename it to {misnamed[0].with_suffix('.yaml').name}")
    if not paths:
        raise SourceError(f"there is no .yaml file in {folder}")
    return [(str(path), _read(path)) for path in paths]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: byte {error.start} is not valid UTF-8; save the file as UTF-8") from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
