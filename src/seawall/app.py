"""Application: the list of components, and how server, worker and CLI open it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from seawall import access, appeal, detection, enforce, publish, review, screen
from seawall.counters import component as counters
from seawall.detect import Runner
from seawall.detection import ConfiguredDetectors as ConfiguredDetectors
from seawall.detection import configured_detectors as configured_detectors
from seawall.detectors.banks import NAMED_BANKS
from seawall.detectors.hashes import InstalledHashers
from seawall.detectors.text.meanings import MeaningDetector
from seawall.learn import component as learn
from seawall.match import Hashers
from seawall.media import Media
from seawall.model import Decision, Detector, Extractor, Hasher
from seawall.policy import (
    Bundle,
    BundleUnreadable,
    Explanation,
    NothingPublished,
    PolicyErrors,
    build_bundle,
    explain,
)
from seawall.publish import (
    BankCache,
    BundleInForce,
    ComparedBundle,
    SourceError,
    Sources,
    StartPublication,
    StartReport,
    compare_rollback,
    compare_with_force,
    give_way,
    list_banks,
    origin_of,
    propose,
    publish_at_start,
    publish_compared,
    read_sources,
    start_without_sources,
)
from seawall.publish.settings import PublishSettings
from seawall.review import case_summary, exposure, quality
from seawall.screen import Screener, feature_row, load_decision
from seawall.screen.creator_overlays import accounts_with
from seawall.settings import Settings
from seawall.storage import (
    Blobs,
    Database,
    Jobs,
    Ledger,
    Migration,
    Phase,
    StorageError,
    Vault,
    open_database,
    require_schema,
    upgrade,
)
from seawall.storage.component import (
    STORAGE,
    Component,
    ServiceContext,
    SupportsClose,
    check_components,
    ledger_of,
    migration_sources,
)
from seawall.storage.failure_log import FailureLog

COMPONENTS: tuple[Component, ...] = (
    STORAGE,
    detection.COMPONENT,
    publish.COMPONENT,
    counters.COMPONENT,
    screen.COMPONENT,
    enforce.COMPONENT,
    review.COMPONENT,
    quality.COMPONENT,
    case_summary.COMPONENT,
    exposure.COMPONENT,
    appeal.COMPONENT,
    access.COMPONENT,
    learn.COMPONENT,
    Component(name="overview", console="seawall.console.overview"),
)
"""The components of Seawall. A new one is one line here; it may use services of components listed before it."""

BANKS = NAMED_BANKS
"""Banks that policies may name before they have entries."""

_REFRESH_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The opened application, used by API, console, commands and worker."""

    context: ServiceContext

    @property
    def components(self) -> tuple[Component, ...]:
        """The components."""
        return self.context.components

    @property
    def settings(self) -> Settings:
        """The settings that it was opened with."""
        return self.context.settings

    @property
    def database(self) -> Database:
        """The database."""
        return self.context.database

    @property
    def ledger(self) -> Ledger:
        """The ledger."""
        return self.context.ledger

    @property
    def vault(self) -> Vault:
        """The vault."""
        return self.context.vault

    @property
    def jobs(self) -> Jobs:
        """The job queue."""
        return self.context.jobs

    @property
    def blobs(self) -> Blobs:
        """The store of media and bundles."""
        return self.context.blobs

    @property
    def bundles(self) -> BundleInForce:
        """The bundle in force, and all earlier ones."""
        return self.context.get(BundleInForce)

    @property
    def banks(self) -> BankCache:
        """The cache of the banks' entries, for matching."""
        return self.context.get(BankCache)

    @property
    def meanings(self) -> MeaningDetector:
        """What compares texts with the banks' examples of kind ``meaning``."""
        return self.context.get(MeaningDetector)

    @property
    def runner(self) -> Runner:
        """The runner of the detectors."""
        return self.context.get(Runner)

    @property
    def media(self) -> Media:
        """Reads images, audio, video and documents in separate processes."""
        return self.context.get(Media)

    @property
    def screener(self) -> Screener:
        """The screener of items."""
        return self.context.get(Screener)

    @property
    def hashers(self) -> Mapping[str, Hasher]:
        """Hashers of plug-ins, by name: further kinds of bank entries."""
        return self.context.get(InstalledHashers).by_name

    @property
    def kinds(self) -> Hashers:
        """The kinds of bank entries that hashers add."""
        return self.context.get(InstalledHashers).kinds

    @property
    def bundle(self) -> Bundle:
        """The bundle in force."""
        return self.bundles.current

    def explain(self, decision_id: str) -> tuple[Decision, Explanation | None]:
        """A decision and its explanation: rules fired and their values, unknowns, what would have changed the result.

        A person's decision has no rules to explain: None. Raises LookupError, ``Erased``, BundleUnreadable.
        """
        decision = load_decision(self.database, decision_id)
        if decision.bundle is None or decision.features is None:
            return decision, None
        bundle = self.bundles.load(decision.bundle)
        return decision, explain(bundle, decision, feature_row(self.vault, decision))

    def build(self, sources: Sources | None = None) -> Bundle:
        """Build a bundle of the settings' folders (or of ``sources``), without effect. Raises PolicyErrors.

        Policies may name every bank with entries, and those of ``BANKS``.
        """
        sources = sources or self.sources()
        self.banks.refresh()
        banks = sorted(bank.name for bank in list_banks(self.database, BANKS))
        return build_bundle(
            sources.policies, sources.content_types, self.runner.specs, banks, sources.not_permitted, pause=give_way
        )

    def publish(self, sources: Sources | None = None, *, by: str) -> Bundle:
        """Build a bundle and put it in force, whatever it drops. Raises PolicyErrors; then nothing has changed."""
        sources = sources or self.sources()
        return self.bundles.publish(self.build(sources), by, source=sources.origin)

    def compare(self, sources: Sources | None = None) -> ComparedBundle:
        """What publishing these would change, and which of their examples fail; without effect. Raises PolicyErrors."""
        sources = sources or self.sources()
        return compare_with_force(self.bundles, self.build(sources), sources.origin)

    def creators_concerned(self, bundle: Bundle) -> Mapping[str, int]:
        """By overlay that is in force and that ``bundle`` lacks: how many creators have it on."""
        try:
            dropped = set(self.bundle.creators_overlays).difference(bundle.creators_overlays)
        except (NothingPublished, BundleUnreadable):
            return {}
        with self.database.read() as connection:
            return accounts_with(connection, sorted(dropped))

    def compare_rollback(self, bundle_hash: str) -> ComparedBundle:
        """What going back to an earlier bundle would change; without effect. Raises PublishRefused."""
        return compare_rollback(self.bundles, self.build, bundle_hash)

    @property
    def needs_approval(self) -> bool:
        """Whether a publication is a proposal that another person approves."""
        return self.context.get(PublishSettings).publish_approval

    def put_in_force(self, compared: ComparedBundle, *, by: str, kind: str = "publish") -> str | None:
        """Publish a compared bundle, or propose it where a second person must approve: the proposal's id.

        Raises PublishedMeanwhile; then nothing has changed.
        """
        nothing = compared.changes is not None and not compared.changes
        if self.needs_approval and compared.in_force is not None and not nothing:
            return propose(self.ledger, self.blobs, compared, by, kind)
        publish_compared(self.bundles, compared, by, kind)
        return None

    def publish_at_start(self, sources: Sources | None = None, *, by: str) -> StartPublication:
        """Publish the folders if that takes back nothing that a person published: see ``publish.publications``."""
        found = self._publish_at_start(sources, by)
        self.context.get(StartReport).publication = found
        return found

    def _publish_at_start(self, sources: Sources | None, by: str) -> StartPublication:
        try:
            sources = sources or self.sources()
        except (PolicyErrors, SourceError) as error:
            if self.bundles.in_force()[0] is None:
                raise
            origin = origin_of(self.settings.policies_dir, self.settings.content_types_dir)
            return start_without_sources(self.bundles, self.build, origin, error, by)
        return publish_at_start(self.bundles, self.database, self.build, sources, by, approval=self.needs_approval)

    def sources(self) -> Sources:
        """What the settings' folders hold now. Raises PolicyErrors, SourceError."""
        return read_sources(self.settings.policies_dir, self.settings.content_types_dir)

    def refresh(self) -> None:
        """Load bundles and bank entries changed by other processes."""
        self.context.refresh()


@dataclass(frozen=True, slots=True)
class Storage:
    """Storage only, without detectors or policies, for maintenance commands."""

    database: Database
    vault: Vault
    ledger: Ledger


def migrate(
    settings: Settings, phase: Phase | None = None, components: Sequence[Component] = COMPONENTS
) -> tuple[Migration, ...]:
    """Run all pending migrations, or those of ``phase`` only; return those that were run.

    Raises StorageError; then nothing has changed.
    """
    check_components(components)
    with _database(settings) as database, database.write() as connection:
        return upgrade(connection, migration_sources(components), phase)


@contextmanager
def open_storage(
    settings: Settings, components: Sequence[Component] = COMPONENTS, *, build: bool = True
) -> Iterator[Storage]:
    """Open database, vault and ledger. Raises StorageError, also if migrations are pending.

    New projections and new versions are built first; without ``build`` the ledger can only be read.
    """
    check_components(components)
    with _database(settings) as database:
        require_schema(database, migration_sources(components))
        vault = Vault.open_in(database, settings.data_dir)
        ledger = ledger_of(database, vault, components)
        try:
            if build:
                ledger.build()
            yield Storage(database, vault, ledger)
        finally:
            ledger.close()


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StorageError(f"cannot make the data folder {settings.data_dir}: {error.strerror}") from error
    database = open_database(settings.database_url)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def open_app(
    settings: Settings,
    extra_detectors: Sequence[Detector] = (),
    extra_extractors: Sequence[Extractor] = (),
    extra_hashers: Sequence[Hasher] = (),
    *,
    components: Sequence[Component] = COMPONENTS,
) -> Iterator[App]:
    """Open storage, read the components' settings, and make their services in order; close them in reverse order.

    Raises StorageError, also if migrations are pending; SettingsError.
    """
    extra = ConfiguredDetectors(tuple(extra_detectors), tuple(extra_extractors), tuple(extra_hashers))
    with open_storage(settings, components) as store, ExitStack() as stack:
        made: list[object] = [extra]
        context = ServiceContext(
            settings=settings,
            database=store.database,
            ledger=store.ledger,
            vault=store.vault,
            jobs=Jobs(store.database),
            blobs=Blobs.local(settings.data_dir / "blobs"),
            components=tuple(components),
            services=made,
        )
        for component in components:
            if component.settings is not None:
                made.append(settings.section(component.settings))
        for component in components:
            for service in component.services(context) if component.services is not None else ():
                made.append(service)
                if isinstance(service, SupportsClose):
                    stack.callback(service.close)
        context.refresh()
        stack.enter_context(_repeating(context.refresh))
        yield App(context=context)


@contextmanager
def _repeating(task: Callable[[], None]) -> Iterator[None]:
    """Call ``task`` every half second in a background thread; failures are logged and retried."""
    stop, failures = threading.Event(), FailureLog("refresh failed; bundle and banks in force are unchanged")

    def loop() -> None:
        while not stop.wait(_REFRESH_S):
            try:
                task()
            except Exception as error:
                failures.failed(error)
            else:
                failures.worked()

    thread = threading.Thread(target=loop, name="seawall-refresh", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
