"""Reception of reports."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import select

from seawall.appeal.tables import report as table
from seawall.model import ItemRef, new_id
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
    """The idempotency key was used before with another report about the item; the new one was not recorded."""


class UnknownItem(LookupError):
    """The item was never screened."""

    def __init__(self, content_type: str, item_id: str) -> None:
        super().__init__(f"There is no {content_type} {item_id!r}. Screen it, or send its content with the report.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report as submitted, with the platform's ids. ``key`` makes repeating it harmless."""

    content_type: str
    item_id: str
    kind: str = ReporterKind.USER.value
    reporter: str | None = None  # the account's id on the platform
    policy: str | None = None  # the policy that the item violates, according to the reporter
    note: str | None = None
    key: str | None = None


FindItem = Callable[[str, str], ItemRef | None]
"""(content type, platform id) → the item in its newest revision, or None."""


def receive_report(ledger: Ledger, report: Report, *, find_item: FindItem, harm: str | None = None) -> str:
    """Record a report; returns its id once it is durable. ``harm``: of the policy that it names, if that is in force.

    The same reporter, item and ``key`` give the same report again. Raises InvalidReport, UnknownItem, ReportKeyUsed,
    and Erased when the item's author was erased.
    """
    _check(report)
    item = find_item(report.content_type, report.item_id)
    if item is None:
        raise UnknownItem(report.content_type, report.item_id)
    subjects = () if report.reporter is None else (("account", report.reporter),)
    report_id, recorded = ledger.commit(
        lambda tx: _record(tx, report, item, harm), prefetch=Prefetch(subjects=subjects, refs=(item.ref,))
    )
    if not recorded:
        _check_same(ledger, report, item, report_id)
    return report_id


def _record(tx: Transaction, report: Report, item: ItemRef, harm: str | None) -> tuple[str, bool]:
    """The report's id, and whether it is new."""
    reporter = None if report.reporter is None else tx.subject("account", report.reporter)
    if report.key is None:
        report_id = new_id("rep", tx.at)
    else:
        report_id = "rep_" + tx.digest("\0".join((reporter or "", item.ref, report.key)).encode())[:26]
        if tx.execute(select(table.c.id).where(table.c.id == report_id)).first() is not None:
            return report_id, False
    tx.append(
        ReportReceived(
            report=report_id, item=item, reporter=reporter, kind=report.kind, policy=report.policy, harm=harm
        )
    )
    if report.note:
        tx.seal(item.ref, note_name(report_id), report.note.encode(), reporter)
    return report_id, True


def _check_same(ledger: Ledger, report: Report, item: ItemRef, report_id: str) -> None:
    """Raises ReportKeyUsed when the recorded report says something else: the new one would be lost without a word."""
    with ledger.database.read() as connection:
        found = connection.execute(select(table.c.kind, table.c.policy).where(table.c.id == report_id)).one()
        entry = (item.ref, note_name(report_id))
        note = ledger.vault.open_many([entry], conn=connection).get(entry, b"").decode()
    if (found.kind, found.policy, note) != (report.kind, report.policy, report.note or ""):
        raise ReportKeyUsed(
            f"This idempotency key belongs to another report about the item ({report_id}), with other values. "
            "This report was not recorded: send it with a key of its own."
        )


def note_name(report_id: str) -> str:
    """Name of the vault entry, under the item, with a report's note. Erased with the item, and with the reporter."""
    return f"report/{report_id}"


def _check(report: Report) -> None:
    if report.kind not in list(ReporterKind):
        raise InvalidReport("kind", f"expected one of {', '.join(ReporterKind)}, not {report.kind!r}")
    if report.policy is not None and not _POLICY.fullmatch(report.policy):
        # Stored in the ledger, which must not contain personal data: a code, no prose.
        raise InvalidReport("policy", "expected a policy's name: lower-case letters, digits and hyphens, at most 64")
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
