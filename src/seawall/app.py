"""The root: every process opens the house here. Lists every projection and service, explicitly."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from seawall import access, appeal, enforce, publish, review, screen
from seawall.detect import Runner
from seawall.detect.bands import BandError
from seawall.detectors import default_detectors, default_extractors
from seawall.detectors.banks import BankDetector
from seawall.match import Hashers
from seawall.media import Media, TranscriberError
from seawall.model import Decision, Detector, Extractor, Hasher
from seawall.policy import Bundle, Explanation, Policy, build_bundle, explain
from seawall.publish import (
    BankCache,
    BundleInForce,
    NothingPublished,
    Sources,
    StoredEntries,
    list_banks,
    read_sources,
)
from seawall.screen import Screener, feature_row, load_decision
from seawall.settings import Settings, SettingsError
from seawall.storage import Blobs, Database, Jobs, Ledger, Projection, StorageError, Vault, open_database
from seawall.storage.component import Component

_log = structlog.get_logger(__name__)

PROJECTIONS: tuple[Projection, ...] = (
    *screen.PROJECTIONS,
    *enforce.PROJECTIONS,
    *review.PROJECTIONS,
    *appeal.PROJECTIONS,
    *publish.PROJECTIONS,
    *access.PROJECTIONS,
)

BANKS = (
    "blocked-texts",
    "blocked-patterns",
    "blocked-images",
    "blocked-domains",
    "blocked-audio",
    "blocked-videos",
    "catalogue-audio",
    "protected-names",
    "extremist-slogans",
)
"""Banks that policies may name before they hold anything."""

_REFRESH_S = 0.5


COMPONENTS: tuple[Component, ...] = (
    Component(name="screen", api="seawall.api.screen", console="seawall.console.screen", cli="seawall.cli.screen"),
    Component(name="review", api="seawall.api.review", console="seawall.console.review"),
    Component(name="appeal", api="seawall.api.appeal"),
    Component(name="enforce", console="seawall.console.enforce", cli="seawall.cli.enforce"),
    Component(name="publish", api="seawall.api.publish", console="seawall.console.publish", cli="seawall.cli.publish"),
    Component(name="access", console="seawall.console.access", cli="seawall.cli.access"),
    Component(name="storage", console="seawall.console.storage", cli="seawall.cli.ledger"),
    Component(name="overview", console="seawall.console.overview"),
    Component(name="detect", cli="seawall.cli.detectors"),
    Component(name="learn", cli="seawall.cli.train"),
)
"""What the application is made of, in the order in which routes, pages and commands are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The opened house: what faces are built on."""

    settings: Settings
    components: tuple[Component, ...]
    database: Database
    ledger: Ledger
    vault: Vault
    jobs: Jobs
    blobs: Blobs
    bundles: BundleInForce
    banks: BankCache
    runner: Runner
    media: Media
    screener: Screener
    hashers: Mapping[str, Hasher]  # of plug-ins, by name: further kinds of bank entries

    @property
    def kinds(self) -> Hashers:
        """The kinds of bank entries that hashers add."""
        return {name: hasher.spec for name, hasher in self.hashers.items()}

    @property
    def bundle(self) -> Bundle:
        """The bundle in force."""
        return self.bundles.current

    def explain(self, decision_id: str) -> tuple[Decision, Explanation | None]:
        """A decision and why: which rules fired on what values, what was unknown, what would have flipped it.

        A person's decision has no rules to explain: None. Raises LookupError, ``Erased``.
        """
        decision = load_decision(self.database, decision_id)
        if decision.bundle is None or decision.features is None:
            return decision, None
        bundle = self.bundles.load(decision.bundle)
        return decision, explain(bundle, decision, feature_row(self.vault, decision))

    def build(self, sources: Sources | None = None) -> Bundle:
        """Build what the settings' folders hold (or ``sources``), without effect. Raises PolicyErrors.

        Policies may name every bank that holds something here, and those of ``BANKS``.
        """
        if sources is None:
            sources = read_sources(self.settings.policies_dir, self.settings.content_types_dir)
        self.banks.refresh()
        banks = sorted(bank.name for bank in list_banks(self.database, BANKS))
        return build_bundle(sources.policies, sources.content_types, self.runner.specs, banks)

    def publish(self, sources: Sources | None = None, *, by: str) -> Bundle:
        """Build, as ``build`` does, and put in force. Raises PolicyErrors; then nothing has changed."""
        return self.bundles.publish(self.build(sources), by)

    def refresh(self) -> None:
        """Take in bundles published and bank entries changed by other processes."""
        self.bundles.refresh()
        self.banks.refresh()


@dataclass(frozen=True, slots=True)
class Storage:
    """The house's ground floor: for who verifies, rebuilds or manages access, without detectors or policies."""

    database: Database
    vault: Vault
    ledger: Ledger


@contextmanager
def open_storage(settings: Settings) -> Iterator[Storage]:
    """Open database (migrating it), vault and ledger. Raises StorageError."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StorageError(f"cannot make the data folder {settings.data_dir}: {error.strerror}") from error
    database = open_database(settings.database_url)
    database.migrate()
    vault = Vault.open_in(database, settings.data_dir)
    ledger = Ledger(database, vault, PROJECTIONS)
    try:
        yield Storage(database, vault, ledger)
    finally:
        ledger.close()
        database.close()


@contextmanager
def open_app(
    settings: Settings,
    extra_detectors: Sequence[Detector] = (),
    extra_extractors: Sequence[Extractor] = (),
    extra_hashers: Sequence[Hasher] = (),
    components: Sequence[Component] = COMPONENTS,
) -> Iterator[App]:
    """Open database (migrating it), ledger, vault, blobs, detectors; close them in reverse order.

    Raises StorageError, SettingsError.
    """
    with open_storage(settings) as store:
        bank_detector = BankDetector(BANKS)
        media = Media()  # one for both, so that a video is decoded once
        blobs = Blobs.local(settings.data_dir / "blobs")
        bundles = BundleInForce(store.database, store.ledger, blobs)
        own = configured_detectors(settings, lambda: bundles.current.policies)
        hashers = (*own.hashers, *extra_hashers)
        detectors = default_detectors(bank_detector, settings.text_model_dir, media=media, hashers=hashers)
        try:
            extractors = default_extractors(settings.transcriber_dir, media=media)
        except TranscriberError as error:
            raise SettingsError(str(error)) from error
        try:
            runner = Runner(
                (*detectors, *own.detectors, *extra_detectors), (*extractors, *own.extractors, *extra_extractors)
            )
        except BandError as error:
            raise SettingsError(f"SEAWALL_DETECTORS: ask_when: {error}") from error
        except ValueError as error:  # two of one name
            raise SettingsError(f"SEAWALL_DETECTORS or SEAWALL_PLUGINS: {error}") from error
        with runner:
            app = _compose(settings, tuple(components), store, runner, media, bank_detector, blobs, bundles, hashers)
            try:
                app.refresh()
                with _repeating(app.refresh):
                    yield app
            finally:
                app.banks.close()


@dataclass(frozen=True, slots=True)
class ConfiguredDetectors:
    """Detectors, extractors and hashers that the settings add to those that ship."""

    detectors: tuple[Detector, ...] = ()
    extractors: tuple[Extractor, ...] = ()
    hashers: tuple[Hasher, ...] = ()


def configured_detectors(
    settings: Settings, policies: Callable[[], Iterable[Policy]] | None = None, *, secrets: bool = True
) -> ConfiguredDetectors:
    """Services, judges and plug-ins that the settings name. Raises SettingsError.

    ``policies`` gives those in force, which judges ask about. Without ``secrets`` they can be described, not asked.
    """
    if settings.detectors is None and not settings.plugins:
        return ConfiguredDetectors()
    from seawall.detect.plugins import PluginError
    from seawall.providers import ConfigError
    from seawall.providers.configuration import Placeholders, configure  # here: who has none pays nothing for them
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


def _compose(
    settings: Settings,
    components: tuple[Component, ...],
    store: Storage,
    runner: Runner,
    media: Media,
    bank_detector: BankDetector,
    blobs: Blobs,
    bundles: BundleInForce,
    hashers: Sequence[Hasher],
) -> App:
    database, vault, ledger = store.database, store.vault, store.ledger
    stored = StoredEntries(database, vault, settings.data_dir / "indexes")
    kinds = {hasher.spec.name: hasher.spec for hasher in hashers}
    return App(
        settings=settings,
        components=components,
        database=database,
        ledger=ledger,
        vault=vault,
        jobs=Jobs(database),
        blobs=blobs,
        bundles=bundles,
        banks=BankCache(database, vault, BANKS, bank_detector.replace, stored, kinds),
        runner=runner,
        media=media,
        screener=Screener(ledger=ledger, blobs=blobs, runner=runner, in_force=bundles),
        hashers={hasher.spec.name: hasher for hasher in hashers},
    )


@contextmanager
def _repeating(task: Callable[[], None]) -> Iterator[None]:
    """Call ``task`` every half second in a thread of its own; a failure is logged and tried again."""
    stop = threading.Event()

    def loop() -> None:
        while not stop.wait(_REFRESH_S):
            try:
                task()
            except Exception:
                _log.exception("refresh failed; what is in force stays as it was")

    thread = threading.Thread(target=loop, name="seawall-refresh", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
