"""Reading reports and appeals, as typed rows. Pages and programs read through here and never import the tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Select, func, or_, select

from seawall.appeal.appeals import appeal_name, message_name
from seawall.appeal.notices import ENTRY, NoticeText, open_text
from seawall.appeal.reporter_keys import ReporterKey
from seawall.appeal.tables import (
    appeal,
    appeal_message,
    appeal_rule,
    notice,
    report,
    reporter_key,
    reporter_standing,
)
from seawall.measure.intervals import Interval, wilson
from seawall.model import is_account
from seawall.storage import Vault
from seawall.storage.queries import select_in_chunks
from seawall.storage.transaction import Transaction

REPORTS_OF_REPORTER: Final = 500
"""A reporter's newest reports that their accuracy is computed from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One report about an item or an account. The note is in the vault. ``person``: the colleague who asked for it."""

    id: str
    seq: int
    at: int
    item: str
    content_type: str
    reporter: str | None
    kind: str
    policy: str | None
    person: str | None = None
    reporter_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    """A notice by form, or about content that was not known. What was written is in the vault."""

    report: str
    seq: int
    at: int
    subject: str
    channel: str  # form | api
    content_type: str | None
    reporter: str | None
    kind: str
    reporter_key: str | None
    policy: str | None
    harm: str | None
    illegal: bool
    state: str  # waiting | matched | expired | dismissed
    item: str | None
    ended_at: int | None
    person: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealRow:
    """One appeal as it stands. What was written is in the vault."""

    id: str
    seq: int
    at: int
    item: str
    content_type: str
    revision: int
    decision: str
    appellant: str
    role: str  # author | reporter
    report: str | None
    policy: str | None
    harm: str | None
    state: str  # open | upheld | overturned | partly | withdrawn
    answered_at: int | None
    answered_by: str | None
    reason: str | None
    new_decision: str | None
    settlement_body: str | None
    settlement_outcome: str | None
    settlement_date: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealMessage:
    """One message of a conversation, or a note. ``text`` None: erased."""

    id: str
    at: int
    kind: str  # from_appellant | to_appellant | note
    person: str | None
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterStanding:
    """Whether a reporter was warned of misuse, and until when they are muted."""

    reporter: str
    warned_at: int | None = None
    muted_at: int | None = None
    muted_until: int | None = None
    muted_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAppeals:
    """Answered appeals of authors against one rule; ``share`` of those that changed something, with its interval."""

    policy: str
    rule: str
    answered: int
    overturned: int
    partly: int
    share: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class AppealLabel:
    """What an appeal says about an item under a policy: ground truth that two people looked for.

    ``violates``: whether the revision violates the policy. Not sampled: people chose to appeal, so its inclusion
    probability is unknown, and no share may be estimated from such labels alone.
    """

    appeal: str
    at: int
    item: str
    content_type: str
    revision: int
    policy: str
    violates: bool
    decision: str
    source: str = "appeal"


_REPORT = select(*(report.c[name] for name in ReportRow.__dataclass_fields__))
_NOTICE = select(*(notice.c[name] for name in NoticeRow.__dataclass_fields__))
_APPEAL = select(*(appeal.c[name] for name in AppealRow.__dataclass_fields__))


def reports_of_item(connection: Connection, item: str, *, limit: int | None = None) -> list[ReportRow]:
    """The reports about an item, or about an account itself, newest first."""
    return _reports(connection, _REPORT.where(report.c.item == item).order_by(report.c.seq.desc()).limit(limit))


def get_report(connection: Connection, report_id: str) -> ReportRow | None:
    """One report by its id."""
    return next(iter(_reports(connection, _REPORT.where(report.c.id == report_id))), None)


def items_with_report() -> Select[Any]:
    """A SELECT of the items that were reported, for a search."""
    return select(report.c.item)


def reports_by(connection: Connection, reporter: str, *, limit: int) -> list[ReportRow]:
    """The reports that an account filed, newest first."""
    return _reports(connection, _REPORT.where(report.c.reporter == reporter).order_by(report.c.seq.desc()).limit(limit))


def reports_about(connection: Connection, account: str, items: Select[Any], *, limit: int) -> list[ReportRow]:
    """The reports about an account and about its items, which a SELECT of another service names; newest first."""
    about = or_(report.c.item == account, report.c.item.in_(items))
    return _reports(connection, _REPORT.where(about).order_by(report.c.seq.desc()).limit(limit))


def reports_through(connection: Connection, key: str, *, limit: int) -> list[ReportRow]:
    """The reports that came with a reporter key, newest first."""
    return _reports(connection, _REPORT.where(report.c.reporter_key == key).order_by(report.c.seq.desc()).limit(limit))


def authority_orders(connection: Connection, *, limit: int, skip: int = 0) -> list[ReportRow]:
    """A page of the reports by authorities, newest first."""
    query = _REPORT.where(report.c.kind == "authority").order_by(report.c.seq.desc())
    return _reports(connection, query.limit(limit).offset(skip))


def get_notice(connection: Connection, report_id: str) -> NoticeRow | None:
    """The notice that became, or is to become, the report with this id."""
    row = connection.execute(_NOTICE.where(notice.c.report == report_id)).mappings().one_or_none()
    return None if row is None else NoticeRow(**row)


def waiting_notices(
    connection: Connection, *, hidden_harms: Iterable[str] = (), limit: int, skip: int = 0
) -> list[NoticeRow]:
    """A page of the notices that wait for their content, the oldest first, without those about hidden harms."""
    query = _NOTICE.where(notice.c.state == "waiting")
    if hidden := sorted(hidden_harms):
        query = query.where(notice.c.harm.is_(None) | notice.c.harm.not_in(hidden))
    rows = connection.execute(query.order_by(notice.c.seq).limit(limit).offset(skip)).mappings()
    return [NoticeRow(**row) for row in rows]


def notice_texts(vault: Vault, rows: Iterable[NoticeRow]) -> dict[str, NoticeText]:
    """What was written in these notices, by the id of their report; erased ones are left out."""
    subjects = {row.subject: row.report for row in rows}
    return {subjects[ref]: text for ref, text in open_text(vault, list(subjects)).items()}


def list_reporter_keys(connection: Connection) -> list[ReporterKey]:
    """Every reporter key, the first declared first."""
    query = select(reporter_key).order_by(reporter_key.c.declared_at, reporter_key.c.key)
    return [_reporter_key(dict(row._mapping)) for row in connection.execute(query)]


def get_reporter_key(connection: Connection, key: str) -> ReporterKey | None:
    """As what an API key may report; None: as a user."""
    row = connection.execute(select(reporter_key).where(reporter_key.c.key == key)).first()
    return None if row is None else _reporter_key(dict(row._mapping))


def _reporter_key(row: Mapping[str, Any]) -> ReporterKey:
    return ReporterKey(**{**row, "harms": msgspec.json.decode(row["harms"], type=tuple[str, ...])})


def _reports(connection: Connection, query: Select[Any]) -> list[ReportRow]:
    return [ReportRow(**row) for row in connection.execute(query).mappings()]


def entries_by_writer(connection: Connection, writer: str) -> list[tuple[str, str]]:
    """The vault entries that somebody wrote under items: notes of reports, appeals, and their conversation.

    What reviewers told them is among it; notes for colleagues are not.
    """
    query = select(report.c.item, report.c.id).where(report.c.reporter == writer)
    entries = [(row.item, f"report/{row.id}") for row in connection.execute(query)]
    noticed = select(notice.c.subject).where(notice.c.reporter == writer)
    entries += [(row.subject, ENTRY) for row in connection.execute(noticed)]
    mine = select(appeal.c.item, appeal.c.id).where(appeal.c.appellant == writer)
    entries += [(row.item, appeal_name(row.id)) for row in connection.execute(mine)]
    said = (
        select(appeal.c.item, appeal_message.c.id, appeal_message.c.kind)
        .join(appeal, appeal.c.id == appeal_message.c.appeal)
        .where(appeal.c.appellant == writer, appeal_message.c.kind != "note")
    )
    return entries + [(row.item, message_name(row.id, row.kind)) for row in connection.execute(said)]


def get_appeal(connection: Connection, appeal_id: str) -> AppealRow | None:
    """One appeal by its id."""
    return next(iter(_appeals(connection, _APPEAL.where(appeal.c.id == appeal_id))), None)


def appeals_of_item(connection: Connection, item: str, *, limit: int) -> list[AppealRow]:
    """The appeals about an item, newest first."""
    return _appeals(connection, _APPEAL.where(appeal.c.item == item).order_by(appeal.c.seq.desc()).limit(limit))


def appeal_of_author(connection: Connection, item: str, author: str, decision: str) -> AppealRow | None:
    """What an author appealed already: this decision, or another about the item while that is open."""
    query = _APPEAL.where(
        appeal.c.item == item,
        appeal.c.appellant == author,
        appeal.c.role == "author",
        or_(appeal.c.decision == decision, appeal.c.state == "open"),
    )
    found = _appeals(connection, query.order_by(appeal.c.seq.desc()))
    return next((one for one in found if one.decision == decision), found[0] if found else None)


def appeal_of_report(connection: Connection, row: ReportRow) -> AppealRow | None:
    """The newest appeal of the reporter against the refusal of one report."""
    query = _APPEAL.where(appeal.c.item == row.item, appeal.c.report == row.id, appeal.c.role == "reporter")
    return next(iter(_appeals(connection, query.order_by(appeal.c.seq.desc()).limit(1))), None)


def answered_between(connection: Connection, since: int, until: int) -> list[tuple[str, bool]]:
    """Appeals that people answered from ``since`` until ``until`` (ms): the appealed decision, and whether the answer
    changed it, wholly or in part."""
    answered = (
        appeal.c.answered_at >= since,
        appeal.c.answered_at < until,
        appeal.c.state.in_(("upheld", "overturned", "partly")),
    )
    query = select(appeal.c.decision, appeal.c.state).where(*answered).order_by(appeal.c.seq)
    return [(decision, state != "upheld") for decision, state in connection.execute(query)]


def open_appeal_of_item(connection: Connection, item: str) -> AppealRow | None:
    """The oldest open appeal about an item: they are answered in their order."""
    query = _APPEAL.where(appeal.c.item == item, appeal.c.state == "open").order_by(appeal.c.seq).limit(1)
    return next(iter(_appeals(connection, query)), None)


def list_appeals(connection: Connection, *, is_open: bool, limit: int, skip: int = 0) -> list[AppealRow]:
    """A page of appeals: open ones the oldest first, answered ones the newest first."""
    query = _APPEAL.where(appeal.c.state == "open" if is_open else appeal.c.state != "open")
    order = appeal.c.seq if is_open else appeal.c.seq.desc()
    return _appeals(connection, query.order_by(order).limit(limit).offset(skip))


def overturning_appeals(connection: Connection, decisions: Iterable[str]) -> dict[str, AppealRow]:
    """The appeals that overturned these decisions, by decision."""
    query = _APPEAL.where(appeal.c.state == "overturned")
    rows = select_in_chunks(connection, query, appeal.c.decision, decisions)
    return {row.decision: AppealRow(**row._mapping) for row in rows}


def _appeals(connection: Connection, query: Select[Any]) -> list[AppealRow]:
    return [AppealRow(**row) for row in connection.execute(query).mappings()]


def conversation(connection: Connection, vault: Vault, row: AppealRow, *, notes: bool) -> list[AppealMessage]:
    """What was written about an appeal, oldest first, beginning with the appeal itself; ``notes``: for colleagues."""
    query = select(appeal_message).where(appeal_message.c.appeal == row.id).order_by(appeal_message.c.seq)
    said = [one for one in connection.execute(query) if notes or one.kind != "note"]
    names = [appeal_name(row.id), *(message_name(one.id, one.kind) for one in said)]
    texts = vault.open_many([(row.item, name) for name in names], conn=connection)

    def text(name: str) -> str | None:
        found = texts.get((row.item, name))
        return None if found is None else found.decode(errors="replace")

    first = AppealMessage(id=row.id, at=row.at, kind="from_appellant", person=None, text=text(names[0]))
    return [first] + [
        AppealMessage(id=one.id, at=one.at, kind=one.kind, person=one.person, text=text(name))
        for one, name in zip(said, names[1:], strict=True)
    ]


def standings(connection: Connection, reporters: Iterable[str]) -> dict[str, ReporterStanding]:
    """The standing of each of the reporters."""
    wanted = sorted(set(reporters))
    rows = select_in_chunks(connection, select(reporter_standing), reporter_standing.c.reporter, wanted)
    found = {row.reporter: ReporterStanding(**row._mapping) for row in rows}
    return {one: found.get(one, ReporterStanding(reporter=one)) for one in wanted}


def items_with_open_appeal(reader: Connection | Transaction, items: Sequence[str]) -> list[str]:
    """Those of the items with an open appeal: their content, media and decisions are evidence until it is answered."""
    query = select(appeal.c.item).where(appeal.c.state == "open")
    return [row.item for row in select_in_chunks(reader, query, appeal.c.item, items)]


def items_of_open_appeals(connection: Connection) -> list[str]:
    """The item of each open appeal."""
    return list(connection.execute(select(appeal.c.item).where(appeal.c.state == "open")).scalars())


def appeals_by_rule(connection: Connection, since: int = 0) -> list[RuleAppeals]:
    """Appeals of authors that were answered since then, by the rules of the appealed decisions, the most often
    overturned first."""
    query = (
        select(appeal_rule.c.policy, appeal_rule.c.rule, appeal.c.state, func.count().label("count"))
        .join(appeal, appeal.c.id == appeal_rule.c.appeal)
        .where(appeal.c.role == "author", appeal.c.state.in_(("upheld", "overturned", "partly")))
        .where(appeal.c.answered_at >= since)
        .group_by(appeal_rule.c.policy, appeal_rule.c.rule, appeal.c.state)
    )
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for row in connection.execute(query):
        counts.setdefault((row.policy, row.rule), {})[row.state] = row._mapping["count"]
    found = [
        RuleAppeals(
            policy=policy,
            rule=rule,
            answered=sum(by_state.values()),
            overturned=by_state.get("overturned", 0),
            partly=by_state.get("partly", 0),
            share=wilson(by_state.get("overturned", 0) + by_state.get("partly", 0), sum(by_state.values())),
        )
        for (policy, rule), by_state in counts.items()
    ]
    return sorted(found, key=lambda one: (-one.overturned - one.partly, -one.answered, one.policy, one.rule))


def appeal_labels(connection: Connection, since: int = 0) -> list[AppealLabel]:
    """The labels of answered appeals since then, oldest first. A withdrawn or partly granted one is no label: nobody
    said that the item violates nothing, nor that the first decision was right."""
    query = _APPEAL.where(appeal.c.state.in_(("upheld", "overturned")), appeal.c.answered_at >= since)
    labels = []
    for row in _appeals(connection, query.where(appeal.c.policy.is_not(None)).order_by(appeal.c.seq)):
        if is_account(row.item):
            continue  # there is no content that the label would be about
        assert row.policy is not None
        assert row.answered_at is not None
        labels.append(
            AppealLabel(
                appeal=row.id,
                at=row.answered_at,
                item=row.item,
                content_type=row.content_type,
                revision=row.revision,
                policy=row.policy,
                violates=(row.state == "upheld") == (row.role == "author"),
                decision=row.new_decision or row.decision,
            )
        )
    return labels
