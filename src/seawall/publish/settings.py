"""The section of the settings that publishing reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishSettings:
    """Where lists that others keep are configured."""

    exchanges_file: Path | None = None  # YAML, read by workers
