"""Settings of appeals and of misuse of reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from seawall.appeal.misuse import MisuseTerms
from seawall.settings import SettingsError

SHORTEST_WINDOW: Final = 183
"""Days: the six months of DSA Art. 20(1), in their longest reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealSettings:
    """How long a decision can be appealed, where the content type says no more, and when reporters are warned."""

    appeal_window_days: int = SHORTEST_WINDOW
    misuse_refused_reports: int = 3
    misuse_days: int = 30
    misuse_share: float = 0.5
    misuse_mute_days: int = 30
    notice_days: int = 180  # that a notice waits for its content; and that its words are kept after it ended

    @property
    def misuse(self) -> MisuseTerms:
        """The terms of misuse."""
        return MisuseTerms(
            refused=self.misuse_refused_reports,
            days=self.misuse_days,
            share=self.misuse_share,
            mute_days=self.misuse_mute_days,
        )

    def window_days(self, of_content_type: int | None) -> int:
        """Days in which a decision about content of a type can be appealed: never fewer than the law's."""
        return max(self.appeal_window_days, of_content_type or 0)


def check_settings(settings: AppealSettings) -> None:
    """Raises SettingsError that names the variable and the remedy."""
    if settings.appeal_window_days < SHORTEST_WINDOW:
        raise SettingsError(
            f"SEAWALL_APPEAL_WINDOW_DAYS: appeals must be possible for at least six months (DSA Art. 20): "
            f"{SHORTEST_WINDOW} or more, not {settings.appeal_window_days}"
        )
    for name in ("misuse_refused_reports", "misuse_days", "misuse_mute_days", "notice_days"):
        if (number := getattr(settings, name)) < 1:
            raise SettingsError(f"SEAWALL_{name.upper()}: expected a number of at least 1, not {number}")
    if not 0 <= settings.misuse_share <= 1:
        raise SettingsError(f"SEAWALL_MISUSE_SHARE: expected a share from 0 to 1, not {settings.misuse_share}")
