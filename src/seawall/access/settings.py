"""Settings of the access component."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSettings:
    """Where the configuration of signing in with an OpenID provider is."""

    oidc_file: Path | None = None  # YAML; None: passwords only
