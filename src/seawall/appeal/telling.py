"""Telling reporters what became of their notices, and appellants what was answered: by the receivers of webhooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy import select

from seawall.appeal.events import AppellantTold, NoticeEnded, ReporterTold
from seawall.appeal.notices import open_text, receipt_mark
from seawall.appeal.outcomes import ANSWERS, outcome_of
from seawall.appeal.queries import (
    AppealRow,
    NoticeRow,
    conversation,
    get_appeal,
    get_notice,
    get_report,
    overturning_appeals,
)
from seawall.appeal.report_messages import OUTCOME, TELL_JOB, queue_message
from seawall.appeal.tables import notice as table
from seawall.enforce import DecisionLookup
from seawall.enforce.appeal_link import appeal_url
from seawall.enforce.endpoints import find_endpoint, receivers
from seawall.enforce.outbox import rfc3339
from seawall.enforce.signing import sign
from seawall.model import AppealDecided, DecisionMade, DecisionSource, Event, EventBody, now_ms
from seawall.model.stored_items import ItemAnswers
from seawall.net.client import post
from seawall.storage import Erased, Job, Transaction
from seawall.storage.component import Follower, JobSpec, ServiceContext

SETTLES_MS: Final = 10 * 60_000
"""After a decision, before reporters are told: its reviewer may take it back meanwhile."""

ANSWER_JOB: Final = "tell_appellant"

_log = structlog.get_logger(__name__)


class MessageNotTaken(Exception):
    """A receiver did not take a message; the job is tried again."""


def tell_outcomes(context: ServiceContext, events: Sequence[Event]) -> Callable[[Transaction], None] | None:
    """Queue what was decided about notices by form; None: nothing."""
    decided: dict[str, str] = {}
    ended: set[str] = set()
    for event in events:
        match event.body:
            case DecisionMade(decision=made) if made.source is DecisionSource.REVIEW:
                decided[made.item.ref] = made.id
            case NoticeEnded(report=report):
                ended.add(report)
    query = select(table.c.report, table.c.item, table.c.content_type).where(table.c.channel == "form")
    concerned = table.c.item.in_(sorted(decided)) | table.c.report.in_(sorted(ended))
    if not decided and not ended:
        return None
    with context.database.read() as connection:
        found = connection.execute(query.where(concerned).order_by(table.c.seq)).all()
    if not found:
        return None

    def unit(tx: Transaction) -> None:
        for row in found:
            about = decided.get(row.item or "", "ended")
            queue_message(tx, row.report, OUTCOME, row.content_type or "", about=about, due_at=tx.at + SETTLES_MS)

    return unit


def tell_reporter(context: ServiceContext, job: Job) -> None:
    """Send one message about a report to one receiver. Raises MessageNotTaken, so that the job is tried again."""
    report, kind = job.payload["report"], job.payload["kind"]
    _send(
        context,
        job,
        f"report.{kind}",
        _message(context, report, kind),
        lambda message, endpoint, status: ReporterTold(
            message=message, report=report, kind=kind, endpoint=endpoint, status=status
        ),
    )


def queue_answers(context: ServiceContext, events: Sequence[Event]) -> Callable[[Transaction], None] | None:
    """Queue the answers of people to appeals; None: nothing."""
    answered = [event.body for event in events if isinstance(event.body, AppealDecided)]
    answered = [body for body in answered if body.person is not None]  # else the appellant withdrew it, and knows
    if not answered:
        return None

    def unit(tx: Transaction) -> None:
        for body in answered:
            for endpoint in receivers(tx, body.item.content_type):
                payload = {"appeal": body.appeal, "endpoint": endpoint.id}
                tx.enqueue(ANSWER_JOB, f"{body.appeal}/{endpoint.id}", payload)

    return unit


def tell_appellant(context: ServiceContext, job: Job) -> None:
    """Send the answer to an appeal to one receiver. Raises MessageNotTaken, so that the job is tried again."""
    appeal = job.payload["appeal"]
    _send(
        context,
        job,
        "appeal.answered",
        _answer(context, appeal),
        lambda message, endpoint, status: AppellantTold(
            message=message, appeal=appeal, endpoint=endpoint, status=status
        ),
    )


def _send(
    context: ServiceContext,
    job: Job,
    type: str,
    data: Mapping[str, Any] | None,
    told: Callable[[str, str, int], EventBody],
) -> None:
    """One attempt to send ``data`` to the receiver of the job; ``told`` makes the event that says it was taken."""
    found = find_endpoint(context.database, context.vault, job.payload["endpoint"])
    if found is None or not found[0].enabled or data is None:
        _log.info("a message is not sent", type=type, job=job.id, known=data is not None)
        context.ledger.commit(lambda tx: tx.finish(job))
        return
    endpoint, secrets = found
    now = now_ms()
    message = "msg_" + context.vault.digest("\0".join(map(str, sorted(job.payload.items()))).encode())[:26]
    body = msgspec.json.encode({"type": type, "timestamp": rfc3339(now), "data": data})
    headers = {
        "content-type": "application/json",
        "user-agent": "Seawall-Webhooks/1",
        "webhook-id": message,
        "webhook-timestamp": str(now // 1000),
        "webhook-signature": " ".join(sign(one, message, now // 1000, body) for one in secrets.valid_at(now)),
    }
    sent = post(endpoint.url, headers=headers, body=body, allow_private=context.settings.allow_private_endpoints)
    if sent.status is None or not 200 <= sent.status < 300:
        raise MessageNotTaken(f"{endpoint.id} answered {sent.status or sent.detail}")
    status = sent.status

    def unit(tx: Transaction) -> None:
        tx.finish(job)
        tx.append(told(message, endpoint.id, status))

    context.ledger.commit(unit)


def _answer(context: ServiceContext, appeal: str) -> Mapping[str, Any] | None:
    """What the receiver is told of an answered appeal; None when the appellant or the item was erased."""
    with context.database.read() as connection:
        row = get_appeal(connection, appeal)
        notice = None if row is None or row.report is None else get_notice(connection, row.report)
        said = [] if row is None else conversation(connection, context.vault, row, notes=False)
    if row is None or row.answered_at is None:
        return None
    try:
        appellant, item = context.vault.platform_id(row.appellant), context.vault.platform_id(row.item)
    except (Erased, KeyError):
        return None
    words = [one.text for one in said if one.kind == "to_appellant" and one.text]
    whose = _appellant(context, row, notice, appellant)
    if whose is None:
        return None
    return {
        "appeal": row.id,
        "state": row.state,
        "role": row.role,
        "item": {"content_type": row.content_type, "id": item, "revision": row.revision},
        "decision": row.decision,
        "new_decision": row.new_decision,
        "received_at": rfc3339(row.at),
        "answered_at": rfc3339(row.answered_at),
        "message": words[-1] if words else None,
        **whose,
    }


def _appellant(
    context: ServiceContext, row: AppealRow, notice: NoticeRow | None, appellant: str
) -> Mapping[str, Any] | None:
    """Who is to be told, and where they read the answer. None: a reporter by the form without an address.

    A reporter by the form has no account: an e-mail address that somebody typed must not be taken for one.
    """
    if notice is None or notice.channel != "form":
        if row.report is not None:
            return {"appellant": appellant}
        url = appeal_url(context.settings, context.vault, context.get(DecisionLookup).find(row.decision))
        return {"appellant": appellant} | ({} if url is None else {"appeal_url": url})
    text = open_text(context.vault, [notice.subject]).get(notice.subject)
    if text is None or not text.email:
        return None
    mark = receipt_mark(context.vault, notice.report)
    return {
        "appellant": None,
        "reporter": {"name": text.name, "email": text.email},
        "appeal_url": f"{context.settings.public_url}/appeal/{notice.report}.{mark}",
    }


def _message(context: ServiceContext, report: str, kind: str) -> Mapping[str, Any] | None:
    """What the receiver is told; None when there is nobody to tell, or nothing stands that was decided."""
    with context.database.read() as connection:
        notice = get_notice(connection, report)
    text = None if notice is None else open_text(context.vault, [notice.subject]).get(notice.subject)
    if notice is None or text is None or not text.email:
        return None
    data: dict[str, Any] = {
        "report": report,
        "reporter": {"name": text.name, "email": text.email},
        "received_at": rfc3339(notice.at),
        "link": f"{context.settings.public_url}/report/{report}.{receipt_mark(context.vault, report)}",
    }
    if kind != OUTCOME:
        return data
    outcome = _outcome(context, notice)
    return None if outcome is None else {**data, **outcome}


def _outcome(context: ServiceContext, notice: NoticeRow) -> Mapping[str, Any] | None:
    if notice.item is None:
        return None if notice.state == "waiting" else {"outcome": "not_found"}
    answers = context.get(ItemAnswers).answers_of(notice.item, ANSWERS)
    with context.database.read() as connection:
        row = get_report(connection, notice.report)
        appeals = overturning_appeals(connection, [one.decision for one in answers])
    outcome = None if row is None else outcome_of(row, answers, appeals)
    if outcome is None:
        return None  # the decision was taken back
    return {
        "outcome": "restricted" if outcome.upheld else "not_restricted",
        "decision": outcome.decision,
        "decided_at": rfc3339(outcome.at),
        "on_appeal": outcome.on_appeal,
    }


TELLER = Follower(name="outcome_teller", handles=(DecisionMade, NoticeEnded), step=tell_outcomes)
TELL = JobSpec(kind=TELL_JOB, handler=tell_reporter, pool="deliver")
ANSWERER = Follower(name="appeal_answerer", handles=(AppealDecided,), step=queue_answers)
TELL_ANSWER = JobSpec(kind=ANSWER_JOB, handler=tell_appellant, pool="deliver")
