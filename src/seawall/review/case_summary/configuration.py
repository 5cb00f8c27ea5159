"""The file that names the language model which summarises cases: ``summaries.yaml``, off without it.

    model: gpt-oss-20b
    url: ${SUMMARY_URL}/v1
    key: ${SUMMARY_KEY:-none}

``docs/providers.md`` explains every key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta

from seawall.configfile import ConfigError, ConfigStruct, Section, Text, Texts, expand, load_yaml
from seawall.providers.limits import CallLimits, LimitsFile
from seawall.providers.provider import base_url
from seawall.settings import PREFIX, SettingsError

_PATIENT: Final = CallLimits(timeout_s=20.0, total_s=25.0, retries=1)  # models take seconds


class CaseSummaryFile(ConfigStruct, frozen=True):
    """The whole file."""

    model: Text
    url: Text
    key: Text | None = None
    allow_http: bool = False
    proxy: Text | None = None
    queues: Texts = Texts()
    child_safety: bool = False
    hidden_share: Annotated[float, Meta(ge=0, le=1)] = 0.2
    longest: Annotated[int, Meta(ge=20, le=1_000_000)] = 8_000
    limits: LimitsFile = LimitsFile()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseSummarySettings:
    """Settings of case summaries. ``summaries``: the file; None: no case is summarised."""

    summaries: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryModel:
    """The model and what it is asked about. ``repr`` shows no secret.

    ``queues``: those whose cases are summarised; empty: all. ``child_safety``: whether the service may be sent content
    of child safety. ``hidden_share``: of the cases, whose summaries reviewers do not see.
    """

    model: str
    url: str = field(repr=False)
    key: str | None = field(default=None, repr=False)
    proxy: str | None = field(default=None, repr=False)
    queues: frozenset[str] = frozenset()
    child_safety: bool = False
    hidden_share: float = 0.2
    longest: int = 8_000
    limits: CallLimits = _PATIENT


def read_summary_model(section: Section, environment: Mapping[str, str] | None = None) -> SummaryModel:
    """The model of a file, its key taken from the environment. Raises ConfigError."""
    file = section.convert(CaseSummaryFile)
    url = base_url(file.url, section.at("url"), allow_http=file.allow_http, environment=environment)
    return SummaryModel(
        model=expand(file.model, section.at("model"), environment),
        url=url.rstrip("/"),
        key=expand(file.key, section.at("key"), environment) or None if file.key else None,
        proxy=expand(file.proxy, section.at("proxy"), environment) if file.proxy else None,
        queues=frozenset(file.queues),
        child_safety=file.child_safety,
        hidden_share=file.hidden_share,
        longest=file.longest,
        limits=_PATIENT.but(file.limits),
    )


def load_summary_model(settings: CaseSummarySettings) -> SummaryModel | None:
    """The model of the settings' file. Raises SettingsError."""
    if settings.summaries is None:
        return None
    try:
        return read_summary_model(load_yaml(settings.summaries))
    except (ConfigError, OSError) as error:
        raise SettingsError(f"{PREFIX}SUMMARIES: {error}") from error
