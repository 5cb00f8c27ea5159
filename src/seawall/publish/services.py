"""Services and background work of the publish component."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

from seawall.detectors.banks import NAMED_BANKS, BankDetector
from seawall.detectors.hashes import InstalledHashers
from seawall.detectors.text.meanings import MeaningDetector
from seawall.model import DecisionMade, Event
from seawall.model.stored_items import PastItems
from seawall.publish.banks import BankCache, BankGuard, RetroMatch, StoredEntries
from seawall.publish.bundles import BundleInForce
from seawall.publish.exchanges import Exchanges, open_all
from seawall.publish.publications import StartReport
from seawall.publish.settings import PublishSettings
from seawall.storage import Job, Transaction
from seawall.storage.component import Follower, ServiceContext


class ConfiguredExchanges:
    """The exchanges named in the settings, opened when a worker first needs them."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context

    @cached_property
    def opened(self) -> Exchanges:
        """All of them. Raises ConfigError."""
        context, settings = self._context, self._context.settings
        found = open_all(context.get(PublishSettings).exchanges_file, allow_private=settings.allow_private_endpoints)
        return Exchanges(context.ledger, context.database, context.vault, context.jobs, found)


def services(context: ServiceContext) -> tuple[object, ...]:
    """Bundles, the banks' matcher, and the exchanges."""
    stored = StoredEntries(context.database, context.vault, context.settings.data_dir / "indexes")
    bank_cache = BankCache(
        context.database,
        context.vault,
        NAMED_BANKS,
        context.get(BankDetector).replace,
        stored,
        context.get(InstalledHashers).kinds,
    )
    bundles = BundleInForce(context.database, context.ledger, context.blobs)
    return bundles, bank_cache, ConfiguredExchanges(context), StartReport()


# -- jobs ------------------------------------------------------------------------------------------------------------


def search_past(context: ServiceContext, job: Job) -> None:
    """Search past items for new bank entries."""
    _retro(context).run(job)


def read_exchange(context: ServiceContext, job: Job) -> None:
    """Read the changes of one exchange."""
    context.get(ConfiguredExchanges).opened.sync(job)


def tell_exchange(context: ServiceContext, job: Job) -> None:
    """Send one piece of feedback to an exchange."""
    context.get(ConfiguredExchanges).opened.write_back(job)


# -- schedules -------------------------------------------------------------------------------------------------------


def schedule_exchanges(context: ServiceContext) -> None:
    """Enqueue a job for every exchange."""
    context.get(ConfiguredExchanges).opened.schedule()


def resume_searches(context: ServiceContext) -> None:
    """Search for entries that earlier searches left out, if their hasher is enabled here."""
    _retro(context).resume()


def merge_index(context: ServiceContext) -> None:
    """Merge fresh hashes into the index, if that makes searches faster."""
    stored = context.get(BankCache).stored
    if stored.wants_merge:
        stored.merge()


def _retro(context: ServiceContext) -> RetroMatch:
    return RetroMatch(
        context.ledger,
        context.database,
        context.vault,
        context.jobs,
        context.get(PastItems).page,
        hashers=context.get(InstalledHashers).kinds,
        encoder=context.get(MeaningDetector).encoder,
    )


# -- the follower ----------------------------------------------------------------------------------------------------


def guard_banks(context: ServiceContext, events: Sequence[Event]) -> Callable[[Transaction], None]:
    """Take bad entries out of use: see ``BankGuard``."""
    return BankGuard(context.database, context.get(ConfiguredExchanges).opened.tell).step(events)


GUARD_FOLLOWER = Follower(name="bank_guard", handles=(DecisionMade,), step=guard_banks)
