"""Settings of appeals and of misuse of reports."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from seawall.appeal.misuse import MisuseTerms
from seawall.settings import SettingsError

SHORTEST_WINDOW: Final = 183
"""Days: the six months of DSA Art. 20(1), in their longest reading."""


_FORM_LIMITS: Final = ("report_form_per_address", "report_form_total")
_LINK: Final = re.compile(r"https?://[^\s{}]+\{id\}[^\s{}]*")
_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealSettings:
    """How long a decision can be appealed, where the content type says no more, and when reporters are warned."""

    appeal_window_days: int = SHORTEST_WINDOW
    misuse_refused_reports: int = 3
    misuse_days: int = 30
    misuse_share: float = 0.5
    misuse_mute_days: int = 30
    report_form: bool = False  # the public form at /report
    report_form_frames: tuple[str, ...] = ()  # origins whose pages may show it in a frame, such as https://example.org
    report_links: tuple[str, ...] = ()  # how links name content: comment=https://example.org/c/{id}
    report_form_per_address: int = 10  # notices in a quarter of an hour
    report_form_total: int = 300  # in a quarter of an hour, from everybody
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

    def content_of(self, address: str) -> tuple[str, str] | None:
        """The content type and id that a link names, by the first of ``report_links`` that fits; None: none does."""
        link = address.strip().partition("#")[0]
        for one in self.report_links:
            name, _, pattern = one.partition("=")
            before, after = pattern.split("{id}")
            found = link if "?" in pattern else link.partition("?")[0].rstrip("/")
            end = after.rstrip("/")
            if not (found.startswith(before) and found.endswith(end)):
                continue
            item = unquote(found[len(before) : len(found) - len(end)])
            if item and "/" not in item and item.isprintable():
                return name, item
        return None

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
    for name in ("misuse_refused_reports", "misuse_days", "misuse_mute_days", "notice_days", *_FORM_LIMITS):
        if (number := getattr(settings, name)) < 1:
            raise SettingsError(f"SEAWALL_{name.upper()}: expected a number of at least 1, not {number}")
    _check_form(settings)
    if not 0 <= settings.misuse_share <= 1:
        raise SettingsError(f"SEAWALL_MISUSE_SHARE: expected a share from 0 to 1, not {settings.misuse_share}")


def _check_form(settings: AppealSettings) -> None:
    for origin in settings.report_form_frames:
        if not _ORIGIN.fullmatch(origin):
            raise SettingsError(
                "SEAWALL_REPORT_FORM_FRAMES: expected origins such as https://example.org, without a path, not "
                f"{origin!r}"
            )
    for link in settings.report_links:
        name, _, pattern = link.partition("=")
        if not name or pattern.count("{id}") != 1 or not _LINK.fullmatch(pattern):
            raise SettingsError(
                "SEAWALL_REPORT_LINKS: expected a content type and an address with one {id}, such as "
                f"comment=https://example.org/c/{{id}}, not {link!r}"
            )
