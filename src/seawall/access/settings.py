"""Settings of the access component."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSettings:
    """Settings of people and their roles.

    ``roles``: the file of own roles and teams; None: ``roles.yaml`` in the data folder. ``oidc_file``: the OpenID
    provider that people may sign in with; None: passwords only.
    """

    roles: Path | None = None
    oidc_file: Path | None = None
