"""Notices (DSA Art. 16): by the public form, and about content that is not known yet. None of them is lost.

A notice has the id of the report that it becomes. If its content is known it is a report at once; else it waits, and
the follower here matches it when the content is submitted. Who wrote it, and what, is sealed for a subject of the
notice's own, under the key of the reporter if there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Row, select

from seawall.appeal.events import NoticeEnded, NoticeMatched, NoticeReceived
from seawall.appeal.report_messages import RECEIPT, queue_message
from seawall.appeal.reports import (
    LONGEST_ID,
    FindItem,
    InvalidReport,
    Report,
    ReporterKind,
    ReportKeyUsed,
    check_report,
    is_muted,
    note_name,
    record_order,
)
from seawall.appeal.settings import AppealSettings
from seawall.appeal.tables import appeal as appeal_table
from seawall.appeal.tables import notice as table
from seawall.enforce.appeal_link import link_mark
from seawall.model import Event, ItemRef, ItemSubmitted, new_id, now_ms
from seawall.model.events import ReportReceived
from seawall.storage import Ledger, Transaction, Vault
from seawall.storage.component import Follower, ServiceContext
from seawall.storage.tables import subject as subject_table

LONGEST_ADDRESS: Final = 2_000
LONGEST_NAME: Final = 200
ENTRY: Final = "notice"
"""Name of the vault entry with what was written."""

_DAY_MS: Final = 24 * 3_600_000
_PAGE: Final = 200
_ATTEMPTS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice as submitted. ``report`` names the content by its type and id, as far as these are known.

    ``address``: where the content is, as the reporter says; ``name`` and ``email``: theirs; ``illegal``: they name the
    law. ``report.reporter`` is an account, or None: then the reporter is whoever has the e-mail address.
    """

    report: Report
    channel: str  # form | api
    address: str = ""
    name: str = ""
    email: str = ""
    illegal: bool = False


class NoticeText(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """What is sealed of a notice."""

    content_type: str = ""
    item_id: str = ""
    address: str = ""
    name: str = ""
    email: str = ""
    note: str = ""


class UnknownNotice(LookupError):
    """There is no notice with that id, or it does not wait any more."""

    def __init__(self) -> None:
        super().__init__("This notice does not wait for content any more. Reload the list.")


def receive_notice(ledger: Ledger, notice: Notice, *, find_item: FindItem, harm: str | None = None) -> str:
    """Record a notice; returns the id of its report, which exists at once if the content is known.

    The same reporter, content and ``key`` give the same notice again. Raises InvalidReport.
    """
    asked = notice.report
    check_notice(notice)
    content_type, item_id = asked.content_type or "", asked.item_id or ""
    named = bool(content_type and item_id)
    kind = f"item:{content_type}"
    target = ledger.vault.master.lookup(kind, item_id).hex() if named else None
    for attempt in range(_ATTEMPTS):
        item = find_item(content_type, item_id) if named else None

        def unit(tx: Transaction, item: ItemRef | None = item, attempt: int = attempt) -> str | None:
            met = named and item is None and tx.find_subject(kind, item_id) is not None
            if met and attempt + 1 < _ATTEMPTS:
                return None  # submitted since we looked
            return _record(tx, notice, item, target, harm)

        if (report := ledger.commit(unit)) is not None:
            return report
    raise AssertionError("the last attempt records the notice")


def waiting_report(ledger: Ledger, report: Report) -> str | None:
    """The report that a notice by API with the same key is, or became. Raises ReportKeyUsed if it said otherwise."""
    if report.key is None or not (report.content_type and report.item_id):
        return None  # about no item by its id: it never waited
    check_report(report)
    notice = Notice(report=report, channel="api")
    reporter = None if report.reporter is None else ledger.vault.find("account", report.reporter)
    name = _keyed_id(ledger.vault.digest, notice, reporter)
    with ledger.database.read() as connection:
        row = connection.execute(select(table).where(table.c.report == name)).first()
    if row is None:
        return None
    text = open_text(ledger.vault, [row.subject]).get(row.subject)
    same_text = text is None or text.note == (report.note or "")
    if (row.kind, row.policy) != (report.kind, report.policy) or not same_text:
        raise ReportKeyUsed(
            f"This idempotency key belongs to another report about the item ({name}), with other values. "
            "This report was not recorded: send it with a key of its own."
        )
    return name


def _keyed_id(digest: Callable[[bytes], str], notice: Notice, reporter: str | None) -> str:
    asked = notice.report
    named = (asked.content_type or "", asked.item_id or "")
    words = ("notice", reporter or "", *named, notice.address, asked.key or "")
    return "rep_" + digest("\0".join(words).encode("utf-8", "surrogatepass"))[:26]


def notice_id(tx: Transaction, notice: Notice, reporter: str | None) -> str:
    """A new id; or the same one for the same reporter, content and key."""
    return new_id("rep", tx.at) if notice.report.key is None else _keyed_id(tx.digest, notice, reporter)


def _record(tx: Transaction, notice: Notice, item: ItemRef | None, target: str | None, harm: str | None) -> str:
    asked = notice.report
    reporter = _reporter(tx, notice)
    report = notice_id(tx, notice, reporter)
    if tx.execute(select(table.c.report).where(table.c.report == report)).first() is not None:
        return report
    subject = tx.create_subject("notice", report)
    received = NoticeReceived(
        report=report,
        subject=subject,
        channel=notice.channel,
        content_type=asked.content_type or None,
        target=target,
        reporter=reporter,
        kind=asked.kind,
        reporter_key=asked.reporter_key,
        policy=asked.policy,
        harm=harm,
        illegal=notice.illegal,
    )
    tx.append(received)
    text = NoticeText(
        content_type=asked.content_type or "",
        item_id=asked.item_id or "",
        address=notice.address,
        name=notice.name,
        email=notice.email,
        note=asked.note or "",
    )
    tx.seal(subject, ENTRY, msgspec.json.encode(text), reporter)
    if notice.channel == "form" and notice.email:
        queue_message(tx, report, RECEIPT, asked.content_type or "")
    if item is not None and not tx.is_erased(item.ref):
        _match(tx, asdict(received), item, asked.note or "", None)
    return report


def _reporter(tx: Transaction, notice: Notice) -> str | None:
    if notice.report.reporter is not None:
        return tx.subject("account", notice.report.reporter)
    return tx.subject("reporter", notice.email.casefold()) if notice.email else None


def _match(tx: Transaction, notice: dict[str, Any], item: ItemRef, note: str, person: str | None) -> None:
    """Make the notice a report about the item."""
    report, reporter = notice["report"], notice["reporter"]
    if reporter is not None and tx.is_erased(reporter):
        reporter, note = None, ""
    tx.append(NoticeMatched(report=report, item=item, person=person))
    tx.append(
        ReportReceived(
            report=report,
            item=item,
            reporter=reporter,
            kind=notice["kind"],
            policy=notice["policy"],
            harm=notice["harm"],
            muted=notice["kind"] == ReporterKind.USER and reporter is not None and is_muted(tx, reporter),
            reporter_key=notice["reporter_key"],
        )
    )
    record_order(tx, report, item, notice["kind"], notice["reporter_key"])
    if note:
        tx.seal(item.ref, note_name(report), note.encode(), reporter)


def match_by_hand(ledger: Ledger, vault: Vault, report: str, item: ItemRef, *, person: str) -> None:
    """A person says which item a waiting notice is about. Raises UnknownNotice, Erased."""

    def unit(tx: Transaction) -> None:
        row = _waiting(tx, report)
        _match(tx, dict(row._mapping), item, text.note, person)

    with ledger.database.read() as connection:
        found = connection.execute(select(table.c.subject).where(table.c.report == report)).scalar()
    if found is None:
        raise UnknownNotice
    text = open_text(vault, [found]).get(found, NoticeText())
    ledger.commit(unit)


def dismiss_notice(ledger: Ledger, report: str, *, person: str) -> None:
    """A person says that a waiting notice is about no content of this platform. Raises UnknownNotice."""

    def unit(tx: Transaction) -> None:
        _waiting(tx, report)
        tx.append(NoticeEnded(report=report, outcome="dismissed", person=person))

    ledger.commit(unit)


def receipt_mark(vault: Vault, report: str) -> str:
    """What makes the link to a notice's receipt impossible to guess."""
    return link_mark(vault, receipt_page(report))


def receipt_page(report: str) -> str:
    """What the mark of a receipt's link says."""
    return f"report receipt {report}"


def open_text(vault: Vault, subjects: Sequence[str]) -> dict[str, NoticeText]:
    """What was written, by the subject of the notice; erased ones are left out."""
    found = vault.open_many([(one, ENTRY) for one in subjects])
    return {ref: msgspec.json.decode(data, type=NoticeText) for (ref, _), data in found.items()}


def _waiting(tx: Transaction, report: str) -> Row[Any]:
    row = tx.execute(select(table).where(table.c.report == report, table.c.state == "waiting")).first()
    if row is None:
        raise UnknownNotice
    return row


# -- in the background -------------------------------------------------------------------------------------------------


def match_notices(context: ServiceContext, events: Sequence[Event]) -> Callable[[Transaction], None] | None:
    """Match the waiting notices whose content was submitted; None: there are none."""
    items = {event.body.item.ref: event.body.item for event in events if isinstance(event.body, ItemSubmitted)}
    query = (
        select(table.c.report, table.c.subject, subject_table.c.ref)
        .join(subject_table, subject_table.c.lookup == table.c.target)
        .where(table.c.state == "waiting", subject_table.c.ref.in_(sorted(items)))
    )
    with context.database.read() as connection:
        if connection.execute(select(table.c.report).where(table.c.state == "waiting").limit(1)).first() is None:
            return None
        found = connection.execute(query.order_by(table.c.seq)).all()
    if not found:
        return None
    texts = open_text(context.vault, [row.subject for row in found])

    def unit(tx: Transaction) -> None:
        for one in found:
            row = tx.execute(select(table).where(table.c.report == one.report, table.c.state == "waiting")).first()
            if row is not None and not tx.is_erased(one.ref):
                _match(tx, dict(row._mapping), items[one.ref], texts.get(one.subject, NoticeText()).note, None)

    return unit


def end_old_notices(context: ServiceContext) -> None:
    """End notices whose content did not come in time, and erase what was written in notices that ended long ago."""
    before = now_ms() - context.get(AppealSettings).notice_days * _DAY_MS
    waiting = select(table.c.report).where(table.c.state == "waiting", table.c.at < before).limit(_PAGE)
    ended = (
        select(table.c.subject)
        .join(subject_table, subject_table.c.ref == table.c.subject)
        .where(table.c.ended_at < before, subject_table.c.erased_at.is_(None))
        .where(table.c.subject.not_in(select(appeal_table.c.appellant).where(appeal_table.c.state == "open")))
        .limit(_PAGE)
    )
    while True:
        with context.database.read() as connection:
            late = [row.report for row in connection.execute(waiting)]
            old = [row.subject for row in connection.execute(ended)]
        if not late and not old:
            return

        def unit(tx: Transaction, late: Sequence[str] = late, old: Sequence[str] = old) -> None:
            for report in late:
                if tx.execute(select(table.c.state).where(table.c.report == report)).scalar() == "waiting":
                    tx.append(NoticeEnded(report=report, outcome="expired"))
            for subject in old:
                if not tx.is_erased(subject):
                    context.vault.erase(tx, subject)

        context.ledger.commit(unit)


MATCHER = Follower(name="notice_matcher", handles=(ItemSubmitted,), step=match_notices)


# -- what is refused ---------------------------------------------------------------------------------------------------


def check_notice(notice: Notice) -> None:
    """Raises InvalidReport, which names the place."""
    asked = notice.report
    check_report(asked)
    if not notice.address and not (asked.content_type and asked.item_id):
        raise InvalidReport("address", "say where it is: a link, or the kind of content and its id")
    for field, value, longest in (
        ("content_type", asked.content_type or "", 200),
        ("id", asked.item_id or "", LONGEST_ID),
        ("address", notice.address, LONGEST_ADDRESS),
        ("name", notice.name, LONGEST_NAME),
        ("email", notice.email, 254),
    ):
        if len(value) > longest:
            raise InvalidReport(field, f"expected at most {longest} characters, not {len(value)}")
        if not value.isprintable():
            raise InvalidReport(field, "contains characters that cannot be printed")
