"""Settings of the quality of reviews."""

from __future__ import annotations

from dataclasses import dataclass, fields

from seawall.settings import PREFIX, SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class QualitySettings:
    """How much of the reviewers' work is measured, as shares from 0 to 1."""

    blind_share: float = 0.05  # of the reviews: asked of a second person, who does not see the first answer
    golden_share: float = 0.02  # of the cases that a reviewer takes: golden ones

    def __post_init__(self) -> None:
        """Raises SettingsError for what is no share."""
        for each in fields(self):
            value = getattr(self, each.name)
            if not 0 <= value <= 1:  # neither is NaN
                raise SettingsError(
                    f"{PREFIX}{each.name.upper()}: expected a share from 0 to 1, such as 0.05, not {value}"
                )
