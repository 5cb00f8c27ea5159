"""The root: every process opens the house here. Lists every projection and service, explicitly."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from seawall import access, appeal, enforce, publish, review, screen
from seawall.detect import Runner, default_detectors
from seawall.detect.bank import BankDetector
from seawall.model import Decision, Detector
from seawall.policy import Bundle, Explanation, build_bundle, explain
from seawall.publish import BankKeeper, BundleInForce, Sources, list_banks, read_sources
from seawall.screen import Screener, feature_row, load_decision
from seawall.settings import Settings
from seawall.storage import Blobs, Database, Jobs, Ledger, Projection, StorageError, Vault, open_database

_log = structlog.get_logger(__name__)

PROJECTIONS: tuple[Projection, ...] = (
    *screen.PROJECTIONS,
    *enforce.PROJECTIONS,
    *review.PROJECTIONS,
    *appeal.PROJECTIONS,
    *publish.PROJECTIONS,
    *access.PROJECTIONS,
)

BANKS = ("blocked-texts", "blocked-patterns", "blocked-images", "blocked-domains", "extremist-slogans")
"""Banks that policies may name before they hold anything."""

_REFRESH_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The opened house: what faces are built on."""

    settings: Settings
    database: Database
    ledger: Ledger
    vault: Vault
    jobs: Jobs
    blobs: Blobs
    bundles: BundleInForce
    banks: BankKeeper
    runner: Runner
    screener: Screener

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
        banks = sorted({*BANKS, *list_banks(self.database)})
        return build_bundle(sources.policies, sources.content_types, self.runner.specs, banks)

    def publish(self, sources: Sources | None = None, *, by: str) -> Bundle:
        """Build, as ``build`` does, and put in force. Raises PolicyErrors; then nothing has changed."""
        return self.bundles.publish(self.build(sources), by)

    def refresh(self) -> None:
        """Take in bundles published and bank entries changed by other processes."""
        self.bundles.refresh()
        self.banks.refresh()


@dataclass(frozen=True, slots=True)
class Store:
    """The house's ground floor: for who verifies, rebuilds or manages access, without detectors or policies."""

    database: Database
    vault: Vault
    ledger: Ledger


@contextmanager
def open_store(settings: Settings) -> Iterator[Store]:
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
        yield Store(database, vault, ledger)
    finally:
        ledger.close()
        database.close()


@contextmanager
def open_app(settings: Settings, extra_detectors: Sequence[Detector] = ()) -> Iterator[App]:
    """Open database (migrating it), ledger, vault, blobs, detectors; close them in reverse order.

    Raises StorageError, SettingsError.
    """
    with open_store(settings) as store:
        bank_detector = BankDetector(BANKS)
        detectors = (*default_detectors(bank_detector, settings.text_model_dir), *extra_detectors)
        with Runner(detectors) as runner:
            app = _compose(settings, store, runner, bank_detector)
            app.refresh()
            with _repeating(app.refresh):
                yield app


def _compose(settings: Settings, store: Store, runner: Runner, bank_detector: BankDetector) -> App:
    database, vault, ledger = store.database, store.vault, store.ledger
    blobs = Blobs.local(settings.data_dir / "blobs")
    bundles = BundleInForce(database, ledger, blobs)
    return App(
        settings=settings,
        database=database,
        ledger=ledger,
        vault=vault,
        jobs=Jobs(database),
        blobs=blobs,
        bundles=bundles,
        banks=BankKeeper(database, vault, BANKS, bank_detector.replace),
        runner=runner,
        screener=Screener(ledger=ledger, blobs=blobs, runner=runner, in_force=bundles),
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
