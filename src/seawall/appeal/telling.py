"""Telling reporters what became of their notices: when outcomes are due, and one attempt to send one message."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy import select

from seawall.appeal.events import NoticeEnded, ReporterTold
from seawall.appeal.notices import open_text, receipt_mark
from seawall.appeal.outcomes import ANSWERS, outcome_of
from seawall.appeal.queries import NoticeRow, get_notice, get_report, overturning_appeals
from seawall.appeal.report_messages import OUTCOME, TELL_JOB, queue_message
from seawall.appeal.tables import notice as table
from seawall.enforce.endpoints import find_endpoint
from seawall.enforce.outbox import rfc3339
from seawall.enforce.signing import sign
from seawall.model import DecisionMade, DecisionSource, Event, now_ms
from seawall.model.stored_items import ItemAnswers
from seawall.net.client import post
from seawall.storage import Job, Transaction
from seawall.storage.component import Follower, JobSpec, ServiceContext

SETTLES_MS: Final = 10 * 60_000
"""After a decision, before reporters are told: its reviewer may take it back meanwhile."""

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
    """Send one message to one receiver. Raises MessageNotTaken, so that the job is tried again."""
    report, endpoint_id = job.payload["report"], job.payload["endpoint"]
    found = find_endpoint(context.database, context.vault, endpoint_id)
    data = _message(context, report, job.payload["kind"])
    if found is None or not found[0].enabled or data is None:
        _log.info("a reporter is not told", report=report, known=data is not None)
        context.ledger.commit(lambda tx: tx.finish(job))
        return
    endpoint, secrets = found
    now = now_ms()
    message = "msg_" + context.vault.digest("\0".join(map(str, sorted(job.payload.items()))).encode())[:26]
    told = {"type": f"report.{job.payload['kind']}", "timestamp": rfc3339(now), "data": data}
    body = msgspec.json.encode(told)
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
        tx.append(
            ReporterTold(message=message, report=report, kind=job.payload["kind"], endpoint=endpoint.id, status=status)
        )

    context.ledger.commit(unit)


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
