"""Detectors of an application: shipped ones, those that the settings add, and those given by the caller."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from seawall.detect import Runner
from seawall.detect.cascade import CascadeError
from seawall.detectors import default_detectors, default_extractors
from seawall.detectors.banks import NAMED_BANKS, BankDetector
from seawall.detectors.hashes import InstalledHashers
from seawall.detectors.text.meanings import MeaningDetector
from seawall.media import Media, MediaLimits, TesseractError, TranscriberError
from seawall.model import Detector, Extractor, Hasher
from seawall.policy import NothingPublished, Policy, PublishedBundles
from seawall.settings import Settings, SettingsError
from seawall.storage.component import Component, ServiceContext


@dataclass(frozen=True, slots=True)
class ConfiguredDetectors:
    """Detectors, extractors and hashers in addition to the shipped ones."""

    detectors: tuple[Detector, ...] = ()
    extractors: tuple[Extractor, ...] = ()
    hashers: tuple[Hasher, ...] = ()


def configured_detectors(
    settings: Settings, policies: Callable[[], Iterable[Policy]] | None = None, *, secrets: bool = True
) -> ConfiguredDetectors:
    """Providers, judges and plug-ins named in the settings. Raises SettingsError.

    ``policies`` returns those in force, for judges; it raises NothingPublished while there are none. Without
    ``secrets`` the detectors can be described but not run.
    """
    if settings.detectors is None and not settings.plugins:
        return ConfiguredDetectors()
    from seawall.detect.plugins import PluginError
    from seawall.providers import ConfigError
    from seawall.providers.configuration import Placeholders, configure  # here: only configured providers need it
    from seawall.providers.judges import PolicyQuestion

    def question(name: str) -> PolicyQuestion | None:
        try:
            policy = next((policy for policy in policies() if policy.name == name), None) if policies else None
        except NothingPublished:
            return None
        if policy is None:
            return None
        return PolicyQuestion(
            policy=policy.name, title=policy.title, definition=policy.definition, guidance=policy.guidance
        )

    try:
        found = configure(
            settings.detectors,
            settings.plugins,
            questions=question,
            environment=None if secrets else Placeholders(),
        )
    except (ConfigError, PluginError) as error:
        raise SettingsError(str(error)) from error
    return ConfiguredDetectors(found.detectors, found.extractors, found.hashers)


def services(context: ServiceContext) -> tuple[object, ...]:
    """The runner, its detectors and the media reader. Raises SettingsError."""
    settings, extra = context.settings, context.get(ConfiguredDetectors)
    own = configured_detectors(settings, lambda: context.get(PublishedBundles).current.policies)
    bank_detector = BankDetector(NAMED_BANKS)
    media = Media(MediaLimits(ocr_languages=settings.ocr_languages))  # shared by both, so that a video is decoded once
    hashers = (*own.hashers, *extra.hashers)
    detectors = default_detectors(
        bank_detector,
        settings.text_model_dir,
        media=media,
        hashers=hashers,
        configured=(*own.detectors, *extra.detectors),
    )
    try:
        extractors = default_extractors(settings.transcriber_dir, media=media, kept=settings.data_dir / "speech")
    except (TesseractError, TranscriberError) as error:
        raise SettingsError(str(error)) from error
    try:
        runner = Runner(
            (*detectors, *own.detectors, *extra.detectors), (*extractors, *own.extractors, *extra.extractors)
        )
    except CascadeError as error:
        raise SettingsError(f"SEAWALL_DETECTORS: ask_when: {error}") from error
    except ValueError as error:  # two detectors with one name
        raise SettingsError(f"SEAWALL_DETECTORS or SEAWALL_PLUGINS: {error}") from error
    meanings = next(each for each in detectors if isinstance(each, MeaningDetector))
    return media, bank_detector, meanings, InstalledHashers({hasher.spec.name: hasher for hasher in hashers}), runner


COMPONENT = Component(name="detect", services=services, cli="seawall.cli.detectors")
