"""Settings of the publish component."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishSettings:
    """Location of the exchanges' configuration, and whether publishing policies needs a second person."""

    exchanges_file: Path | None = None  # YAML, read by workers
    publish_approval: bool = False  # a publication is a proposal that another person approves
