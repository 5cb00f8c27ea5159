"""Declaration of the counters component."""

from __future__ import annotations

from functools import partial

from seawall.counters.events import EVENTS
from seawall.counters.follower import Counters
from seawall.counters.projections import RecordedActivities
from seawall.counters.settings import CounterSettings
from seawall.counters.strikes import strikes_of
from seawall.enforce import DecisionLookup
from seawall.model import Decision
from seawall.model.stored_items import FirstRevisions
from seawall.policy import Bundle, NothingPublished, PublishedBundles
from seawall.storage.component import Component, ServiceContext


def services(context: ServiceContext) -> tuple[object, ...]:
    """The counters of this process. They ask services of later components, once those are made."""

    def in_force() -> Bundle | None:
        try:
            return context.get(PublishedBundles).current
        except NothingPublished:
            return None

    def find(decision: str) -> Decision:
        return context.get(DecisionLookup).find(decision)

    counters = Counters(
        database=context.database,
        ledger=context.ledger,
        vault=context.vault,
        file=context.settings.data_dir / "counters" / "snapshot",
        in_force=in_force,
        first_revisions=lambda: context.get(FirstRevisions),
        strikes=partial(strikes_of, find=find),
        most_entries=context.get(CounterSettings).counters_entries,
    )
    return (counters,)


COMPONENT = Component(
    name="counters",
    events=EVENTS,
    projections=(RecordedActivities(),),
    migrations="seawall.counters.migrations",
    settings=CounterSettings,
    services=services,
    api="seawall.api.counters",
)
