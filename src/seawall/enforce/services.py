"""What enforcement keeps for the life of a process, and what it does in the background."""

from __future__ import annotations

from functools import partial

from seawall.enforce.appeal_link import appeal_url
from seawall.enforce.delivery import DecisionLookup, DeliveryClient, deliver, new_breaker
from seawall.net.breaker import Breaker
from seawall.policy import PublishedBundles
from seawall.storage import Job
from seawall.storage.component import ServiceContext


def services(context: ServiceContext) -> tuple[object, ...]:
    """The breaker: it remembers which receivers do not answer."""
    return (new_breaker(),)


def deliver_message(context: ServiceContext, job: Job) -> None:
    """Make one attempt to deliver one message."""

    def title(name: str) -> str | None:
        policy = context.get(PublishedBundles).current.policy(name)
        return policy.title if policy is not None else None

    client = DeliveryClient(
        database=context.database,
        ledger=context.ledger,
        vault=context.vault,
        load_decision=context.get(DecisionLookup).find,
        policy_title=title,
        appeal_url=partial(appeal_url, context.settings, context.vault),
        allow_private=context.settings.allow_private_endpoints,
        breaker=context.get(Breaker),
    )
    deliver(client, job)
