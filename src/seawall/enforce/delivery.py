"""Delivery worker: makes one attempt to deliver one message, and records the outcome."""

from __future__ import annotations

import random
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import structlog
from sqlalchemy import Connection, Select, select

from seawall.enforce import outbox
from seawall.enforce.backoff import wait_ms
from seawall.enforce.delivery_state import UNFINISHED, DeliveryTrigger
from seawall.enforce.endpoints import find_endpoint
from seawall.enforce.enforce import JOB_KIND
from seawall.enforce.events import DeliveryAttempted, is_lift
from seawall.enforce.outbox import OutboxMessage, kinds_in_force
from seawall.enforce.signing import sign
from seawall.enforce.tables import delivery as delivery_table
from seawall.enforce.tables import enforcement as enforcement_table
from seawall.model import Decision, now_ms
from seawall.net.addresses import GetAddrInfo
from seawall.net.backoff import retry_after
from seawall.net.breaker import Breaker
from seawall.net.client import DEFAULT_LIMITS, PostLimits, Sent, post
from seawall.storage import Database, Erased, Job, Ledger, Transaction, Vault
from seawall.storage.errors import LeaseLost

_log = structlog.get_logger(__name__)

GONE = 410
_WAIT_BEHIND_MS = 60_000  # wait behind an earlier message of the item, shortened when that one finishes
_SPREAD_MS = 5_000  # over which messages that waited for a silent receiver are spread
_USER_AGENT = "Seawall-Webhooks/1"


class DecisionLookup(ABC):
    """Where decisions are read: a service that the component that records them makes."""

    @abstractmethod
    def find(self, decision: str) -> Decision:
        """The whole record of one decision. Raises LookupError."""


def new_breaker(clock: Callable[[], float] = time.monotonic) -> Breaker:
    """A receiver that answers, whatever it answers, costs little; one that is silent costs a worker 15 s each time."""
    return Breaker(opens_after=3, first_rest_s=15.0, longest_rest_s=120.0, clock=clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryClient:
    """Dependencies of deliveries. Create one per worker process: it remembers which receivers are silent."""

    database: Database
    ledger: Ledger
    vault: Vault
    load_decision: Callable[[str], Decision]  # by id; LookupError when unknown
    policy_title: Callable[[str], str | None] = field(default=lambda policy: None)
    appeal_url: Callable[[Decision], str | None] = field(default=lambda decision: None)
    allow_private: bool = False
    limits: PostLimits = DEFAULT_LIMITS
    now: Callable[[], int] = now_ms
    random: Callable[[], float] = random.random
    getaddrinfo: GetAddrInfo = socket.getaddrinfo
    breaker: Breaker = field(default_factory=new_breaker)


@dataclass(frozen=True, slots=True)
class _Outcome:
    trigger: DeliveryTrigger
    status: int | None = None
    detail: str = ""
    wait_ms: int = 0


def deliver(client: DeliveryClient, job: Job) -> None:
    """Make one attempt and finish the job; remaining work becomes a new job in the same transaction.

    A message waits while an earlier one about the same item is neither delivered nor dead at the same receiver. The
    attempt takes at most ``courier.limits``; call it on a thread without a running event loop.
    """
    with client.database.read() as connection:
        pending = _find(connection, job.payload["delivery"])
        blocked = pending is not None and connection.execute(_earlier(pending)).first() is not None
    try:
        if pending is None or pending.state not in UNFINISHED:
            client.ledger.commit(lambda tx: tx.finish(job))
        elif blocked:
            client.ledger.commit(partial(_wait_behind, pending, job))
        elif rest := client.breaker.wait_s(pending.endpoint):
            wait = int(rest * 1000 + _SPREAD_MS * client.random())
            client.ledger.commit(partial(_wait, pending, job, wait))
        else:
            outcome = _attempt(client, pending)
            client.ledger.commit(partial(_record, pending, job, outcome))
    except LeaseLost:
        # Another worker has the job: the receiver may get the message twice, under one id.
        _log.info("delivery taken over by another worker", delivery=job.payload["delivery"])


def _attempt(client: DeliveryClient, pending: OutboxMessage) -> _Outcome:
    found = find_endpoint(client.database, client.vault, pending.endpoint)
    if found is None:
        return _Outcome(DeliveryTrigger.DEAD, detail="endpoint_unknown")
    endpoint, secrets = found
    if not endpoint.enabled:
        return _Outcome(DeliveryTrigger.DEAD, detail="endpoint_disabled")
    now = client.now()
    try:
        body = _body(client, pending, now)
    except Erased:
        # The platform's id was erased: the receiver could not identify the subject.
        return _Outcome(DeliveryTrigger.DEAD, detail="erased")
    seconds = now // 1000
    headers = {
        "content-type": "application/json",
        "user-agent": _USER_AGENT,
        "webhook-id": pending.id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(sign(secret, pending.id, seconds, body) for secret in secrets.valid_at(now)),
    }
    sent = post(
        endpoint.url,
        headers=headers,
        body=body,
        allow_private=client.allow_private,
        limits=client.limits,
        getaddrinfo=client.getaddrinfo,
    )
    if sent.status is None:
        client.breaker.failed(endpoint.id)
    else:
        client.breaker.succeeded(endpoint.id)
    return _judge(client, sent, attempt=pending.attempts + 1)


def _body(client: DeliveryClient, pending: OutboxMessage, now: int) -> bytes:
    with client.database.read() as connection:
        in_force = kinds_in_force(connection, pending.subject, now)
    decision = client.load_decision(pending.decision)
    return outbox.body(
        pending,
        decision,
        platform_id=client.vault.platform_id,
        policy_title=client.policy_title,
        in_force=in_force,
        appeal_url=client.appeal_url(decision),
    )


def _judge(client: DeliveryClient, sent: Sent, *, attempt: int) -> _Outcome:
    """The outcome of an attempt: 2xx is delivered, 410 is dead, anything else is retried until the waits are used up.

    A 410 does not disable the endpoint, although Standard Webhooks suggests it: one wrong route on the platform would
    silently end all enforcement. A person sees the dead deliveries and decides.
    """
    if sent.status is not None and 200 <= sent.status < 300:
        return _Outcome(DeliveryTrigger.DELIVERED, sent.status)
    if sent.status == GONE:
        return _Outcome(DeliveryTrigger.DEAD, sent.status, "gone")
    detail = sent.detail or ("redirect" if sent.status is not None and 300 <= sent.status < 400 else "status")
    asked = retry_after(sent.retry_after, client.now() / 1000)
    wait = wait_ms(attempt, random=client.random(), retry_after_s=asked)
    if wait is None:
        return _Outcome(DeliveryTrigger.DEAD, sent.status, detail)
    return _Outcome(DeliveryTrigger.FAILED, sent.status, detail, wait)


def _record(pending: OutboxMessage, job: Job, outcome: _Outcome, tx: Transaction) -> None:
    tx.finish(job)
    now = tx.execute(select(delivery_table.c.state).where(delivery_table.c.id == pending.id)).scalar_one()
    if now not in UNFINISHED:
        return  # another job of the same delivery was faster
    tx.append(
        DeliveryAttempted(
            delivery=pending.id,
            attempt=pending.attempts + 1,
            outcome=outcome.trigger.value,
            status=outcome.status,
            detail=outcome.detail,
        )
    )
    if outcome.trigger is DeliveryTrigger.FAILED:
        tx.enqueue(JOB_KIND, pending.id, job.payload, due_at=tx.at + outcome.wait_ms)
        return
    following = tx.execute(_later(pending)).scalar()
    if following is not None:
        tx.enqueue(JOB_KIND, following, {"delivery": following})


def _wait_behind(pending: OutboxMessage, job: Job, tx: Transaction) -> None:
    """Checked again inside the transaction: an earlier message that just finished would not wake this one."""
    blocked = tx.execute(_earlier(pending)).first() is not None
    tx.finish(job)
    tx.enqueue(JOB_KIND, pending.id, job.payload, due_at=tx.at + (_WAIT_BEHIND_MS if blocked else 0))


def _wait(pending: OutboxMessage, job: Job, wait: int, tx: Transaction) -> None:
    """Postpone the job. Not an attempt, so it does not use up the delivery's retries."""
    tx.finish(job)
    tx.enqueue(JOB_KIND, pending.id, job.payload, due_at=tx.at + wait)


def _find(connection: Connection, delivery: str) -> OutboxMessage | None:
    row = connection.execute(_WITH_ENFORCEMENT.where(delivery_table.c.id == delivery)).mappings().first()
    if row is None:
        return None
    known = dict(row)
    reversed_by = known.pop("reversed_by")
    lifted = known["change"] == "reversed" and is_lift(reversed_by)
    if known["change"] == "reversed" and not lifted:
        known["decision"] = reversed_by
    return OutboxMessage(**known, lifted=lifted)


_WITH_ENFORCEMENT = select(
    delivery_table.c.id,
    delivery_table.c.seq,
    delivery_table.c.endpoint,
    delivery_table.c.change,
    delivery_table.c.state,
    delivery_table.c.attempts,
    delivery_table.c.queued_at,
    enforcement_table.c.id.label("enforcement"),
    enforcement_table.c.decision,
    enforcement_table.c.reversed_by,
    enforcement_table.c.item,
    enforcement_table.c.subject,
    enforcement_table.c.kind,
    enforcement_table.c.parameters,
).join(enforcement_table, enforcement_table.c.id == delivery_table.c.enforcement)


def _earlier(pending: OutboxMessage) -> Select[tuple[str]]:
    return _unfinished(pending).where(delivery_table.c.seq < pending.seq)


def _later(pending: OutboxMessage) -> Select[tuple[str]]:
    return _unfinished(pending).where(delivery_table.c.seq > pending.seq)


def _unfinished(pending: OutboxMessage) -> Select[tuple[str]]:
    """The first unfinished message to the same receiver about the same item."""
    return (
        select(delivery_table.c.id)
        .join(enforcement_table, enforcement_table.c.id == delivery_table.c.enforcement)
        .where(
            enforcement_table.c.item == pending.item,
            delivery_table.c.endpoint == pending.endpoint,
            delivery_table.c.state.in_(sorted(UNFINISHED)),
        )
        .order_by(delivery_table.c.seq)
        .limit(1)
    )
