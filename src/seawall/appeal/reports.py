"""Reception of reports, and what follows from their misuse."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import select

from seawall.appeal.events import AuthorityOrderReceived, ReporterMuted, ReporterUnmuted, ReporterWarned
from seawall.appeal.misuse import DAY_MS, DecidedReport, MisuseTerms, may_mute, refused_since, should_warn
from seawall.appeal.tables import report as table
from seawall.appeal.tables import reporter_standing
from seawall.model import ACCOUNT_TYPE, ItemRef, new_id, now_ms
from seawall.model.events import ReportReceived
from seawall.storage import Ledger, Prefetch, Transaction

LONGEST_NOTE: Final = 10_000
"""Maximum characters of a report's note."""

LONGEST_ID: Final = 512
"""Maximum characters of a reporter's id."""

LONGEST_KEY: Final = 255
"""Maximum characters of an idempotency key, as for screening."""

_POLICY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class ReporterKind(StrEnum):
    """The kind of reporter, which decides a report's priority."""

    USER = "user"
    TRUSTED_FLAGGER = "trusted_flagger"  # DSA Art. 22
    AUTHORITY = "authority"
    STAFF = "staff"


class InvalidReport(ValueError):
    """An invalid report. ``field`` names the place; the text says what is expected."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class ReportKeyUsed(Exception):
    """The idempotency key was used before with another report about the same; the new one was not recorded."""


class UnknownItem(LookupError):
    """The item was never screened."""

    def __init__(self, content_type: str, item_id: str) -> None:
        super().__init__(f"There is no {content_type} {item_id!r}. Screen it, or check its id and content type.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report as submitted, with the platform's ids. ``key`` makes repeating it harmless.

    It is about an item (``content_type`` and ``item_id``) or about an ``account``. ``person``: the colleague who asks
    for the review, in the console.
    """

    content_type: str | None = None
    item_id: str | None = None
    account: str | None = None
    kind: str = ReporterKind.USER.value
    reporter: str | None = None  # the account's id on the platform
    policy: str | None = None  # the policy that the item violates, according to the reporter
    note: str | None = None
    key: str | None = None
    person: str | None = None
    reporter_key: str | None = None  # the reporter key it came with: see ``reporter_keys.claim``


FindItem = Callable[[str, str], ItemRef | None]
"""(content type, platform id) → the item in its newest revision, or None."""


def receive_report(ledger: Ledger, report: Report, *, find_item: FindItem, harm: str | None = None) -> str:
    """Record a report; returns its id once it is durable. ``harm``: of the policy that it names, if that is in force.

    The same reporter, item or account, and ``key`` give the same report again. An account need not have been met
    before: it may break the rules where nothing is screened. Raises InvalidReport, UnknownItem, ReportKeyUsed, and
    Erased when the item's author was erased.
    """
    check_report(report)
    found = None
    if report.account is None:
        content_type, item_id = report.content_type or "", report.item_id or ""
        found = find_item(content_type, item_id)
        if found is None:
            raise UnknownItem(content_type, item_id)
    subjects = tuple(("account", name) for name in (report.account, report.reporter) if name is not None)
    refs = () if found is None else (found.ref,)
    report_id, about, recorded = ledger.commit(
        lambda tx: _record(tx, report, found, harm), prefetch=Prefetch(subjects=subjects, refs=refs)
    )
    if not recorded:
        _check_same(ledger, report, about, report_id)
    return report_id


def _record(tx: Transaction, report: Report, found: ItemRef | None, harm: str | None) -> tuple[str, ItemRef, bool]:
    """The report's id, what it is about, and whether it is new."""
    item = found or ItemRef(ACCOUNT_TYPE, tx.subject("account", report.account or ""), 0)
    reporter = None if report.reporter is None else tx.subject("account", report.reporter)
    if report.key is None:
        report_id = new_id("rep", tx.at)
    else:
        report_id = "rep_" + tx.digest("\0".join((reporter or "", item.ref, report.key)).encode())[:26]
        if tx.execute(select(table.c.id).where(table.c.id == report_id)).first() is not None:
            return report_id, item, False
    tx.append(
        ReportReceived(
            report=report_id,
            item=item,
            reporter=reporter,
            kind=report.kind,
            policy=report.policy,
            harm=harm,
            muted=report.kind == ReporterKind.USER and reporter is not None and is_muted(tx, reporter),
            person=report.person,
            reporter_key=report.reporter_key,
        )
    )
    record_order(tx, report_id, item, report.kind, report.reporter_key)
    if report.note:
        tx.seal(item.ref, note_name(report_id), report.note.encode(), reporter)
    return report_id, item, True


def record_order(tx: Transaction, report: str, item: ItemRef, kind: str, reporter_key: str | None) -> None:
    """Hand the order of an authority on to compliance."""
    if kind == ReporterKind.AUTHORITY and reporter_key is not None:
        tx.append(AuthorityOrderReceived(report=report, reporter_key=reporter_key, item=item))


def is_muted(tx: Transaction, reporter: str) -> bool:
    """Whether a person muted the reporter, and that has not ended."""
    query = select(reporter_standing.c.muted_until).where(reporter_standing.c.reporter == reporter)
    until = tx.execute(query).scalar()
    return until is not None and until > tx.at


class MutingRefused(Exception):
    """A reporter cannot be muted now; the message says why."""


def warn_if_due(ledger: Ledger, reporter: str, reports: Sequence[DecidedReport], terms: MisuseTerms) -> bool:
    """Record a warning when so many of the reporter's decided reports were refused; whether one was recorded."""
    if not should_warn(reports, None, now_ms(), terms):
        return False  # most reporters: nothing is written

    def unit(tx: Transaction) -> bool:
        if not should_warn(reports, _warned_at(tx, reporter), tx.at, terms):
            return False
        since = tx.at - terms.days * DAY_MS
        refused, decided = refused_since(reports, since), sum(one.at >= since for one in reports)
        tx.append(ReporterWarned(reporter=reporter, refused=refused, decided=decided))
        return True

    return ledger.commit(unit)


def mute_reporter(
    ledger: Ledger, reporter: str, reports: Sequence[DecidedReport], terms: MisuseTerms, *, person: str
) -> int:
    """Receive the reporter's reports without priority for the terms' days; until when. Raises MutingRefused."""

    def unit(tx: Transaction) -> int:
        warned_at = _warned_at(tx, reporter)
        if not may_mute(reports, warned_at, tx.at, terms):
            raise MutingRefused(
                "This reporter was not warned yet, and a warning comes first."
                if warned_at is None
                else f"A reporter can be muted after {terms.refused} more refused reports within {terms.days} days of "
                "a warning; this one has fewer."
            )
        until = tx.at + terms.mute_days * DAY_MS
        tx.append(ReporterMuted(reporter=reporter, until=until, person=person))
        return until

    return ledger.commit(unit)


def unmute_reporter(ledger: Ledger, reporter: str, *, person: str) -> None:
    """Give the reporter's reports their priority back. Raises MutingRefused when they are not muted."""

    def unit(tx: Transaction) -> None:
        if not is_muted(tx, reporter):
            raise MutingRefused("This reporter is not muted.")
        tx.append(ReporterUnmuted(reporter=reporter, person=person))

    ledger.commit(unit)


def _warned_at(tx: Transaction, reporter: str) -> int | None:
    query = select(reporter_standing.c.warned_at).where(reporter_standing.c.reporter == reporter)
    found: int | None = tx.execute(query).scalar()
    return found


def _check_same(ledger: Ledger, report: Report, item: ItemRef, report_id: str) -> None:
    """Raises ReportKeyUsed when the recorded report says something else: the new one would be lost without a word."""
    with ledger.database.read() as connection:
        found = connection.execute(select(table.c.kind, table.c.policy).where(table.c.id == report_id)).one()
        entry = (item.ref, note_name(report_id))
        note = ledger.vault.open_many([entry], conn=connection).get(entry, b"").decode()
    if (found.kind, found.policy, note) != (report.kind, report.policy, report.note or ""):
        raise ReportKeyUsed(
            f"This idempotency key belongs to another report about the same ({report_id}), with other values. "
            "This report was not recorded: send it with a key of its own."
        )


def note_name(report_id: str) -> str:
    """Name of the vault entry, under the item, with a report's note. Erased with the item, and with the reporter."""
    return f"report/{report_id}"


def check_report(report: Report) -> None:
    """Raises InvalidReport, which names the place."""
    if report.kind not in list(ReporterKind):
        raise InvalidReport("kind", f"expected one of {', '.join(ReporterKind)}, not {report.kind!r}")
    if report.policy is not None and not _POLICY.fullmatch(report.policy):
        # Stored in the ledger, which must not contain personal data: a code, no prose.
        raise InvalidReport("policy", "expected a policy's name: lower-case letters, digits and hyphens, at most 64")
    about_item = report.content_type is not None or report.item_id is not None
    if about_item == (report.account is not None):
        raise InvalidReport("account", "send the id of an account, or content_type and id of an item; not both")
    for field, value in (("content_type", report.content_type), ("id", report.item_id)):
        if about_item and value is None:
            raise InvalidReport(field, "an item is named by content_type and id together")
    _check_text("account", report.account, 1, LONGEST_ID)
    _check_text("reporter", report.reporter, 1, LONGEST_ID)
    _check_text("key", report.key, 1, LONGEST_KEY)
    _check_text("note", report.note, 0, LONGEST_NOTE)


def _check_text(field: str, value: str | None, shortest: int, longest: int) -> None:
    if value is None:
        return
    if not shortest <= len(value) <= longest:
        raise InvalidReport(field, f"expected {shortest} to {longest} characters, not {len(value)}")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidReport(field, "contains half of a surrogate pair, which is not a character")
