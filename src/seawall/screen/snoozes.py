"""Snoozes: a rule set aside for one account until a date, on the record.

The decisions made meanwhile say which rules were snoozed, so they can be explained and replayed. The reason is in
words, sealed under the account like a note.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Select, select

from seawall.model import new_id, now_ms
from seawall.model.harms import CHILD_SAFETY_HARMS
from seawall.policy import Program
from seawall.screen.account_notes import checked_note
from seawall.screen.events import RuleSnoozed, SnoozeEnded
from seawall.screen.tables import rule_snooze
from seawall.storage import Database, Erased, Ledger, Transaction, Vault
from seawall.storage.tables import subject

DAY_MS: Final = 24 * 3600 * 1000
LONGEST_DAYS: Final = 365
_NONE: Final[frozenset[str]] = frozenset()


class CannotSnooze(ValueError):
    """A snooze that is not taken. The text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSnooze:
    """One snooze. ``why`` None: it was erased. ``person``: who snoozed the rule."""

    id: str
    at: int
    account: str
    policy: str
    rule: str
    harm: str  # of the policy when it was snoozed
    until: int
    person: str
    ended_at: int | None
    ended_by: str | None
    why: str | None = None

    def is_active(self, now: int) -> bool:
        """Whether the rule is set aside now."""
        return self.ended_at is None and now < self.until


def snooze_rule(
    ledger: Ledger, account: str, *, policy: str, rule: str, harm: str, days: int, why: str, person: str
) -> str:
    """Set a rule aside for an account; the id of the snooze. Raises CannotSnooze, BadNote, Erased.

    One at a time: what is set aside already is not set aside again.
    Whether ``person`` may do that for this harm is asked by the caller.
    """
    if not 1 <= days <= LONGEST_DAYS:
        raise CannotSnooze(f"A rule is snoozed for 1 to {LONGEST_DAYS} days.")
    reason, snooze = checked_note(why), new_id("snz")
    columns = rule_snooze.c
    same = (columns.account == account) & (columns.policy == policy) & (columns.rule == rule)

    def unit(tx: Transaction) -> None:
        if tx.is_erased(account):
            raise Erased(f"{account} was erased")
        if tx.execute(_active(tx.at).where(same)).first() is not None:  # ending one would leave the other in force
            raise CannotSnooze("This rule is set aside for this account already. End that snooze first.")
        tx.append(
            RuleSnoozed(
                snooze=snooze,
                account=account,
                policy=policy,
                rule=rule,
                harm=harm,
                until=tx.at + days * DAY_MS,
                person=person,
            )
        )
        tx.seal(account, _name(snooze), reason.encode())

    ledger.commit(unit)
    return snooze


def end_snooze(ledger: Ledger, snooze: str, *, person: str) -> None:
    """End a snooze before its date; nothing if it is over. Raises KeyError for an unknown one."""

    def unit(tx: Transaction) -> None:
        columns = (rule_snooze.c.ended_at, rule_snooze.c.until, rule_snooze.c.account)
        row = tx.execute(select(*columns).where(rule_snooze.c.id == snooze)).one_or_none()
        if row is None:
            raise KeyError(snooze)
        if row.ended_at is None and row.until > tx.at:
            tx.append(SnoozeEnded(snooze=snooze, account=row.account, person=person))

    ledger.commit(unit)


def snoozes_of_account(connection: Connection, vault: Vault, account: str, *, limit: int) -> list[RuleSnooze]:
    """The snoozes of an account, newest first, with their reasons."""
    query = _SNOOZES.where(rule_snooze.c.account == account).order_by(rule_snooze.c.seq.desc()).limit(limit)
    rows = connection.execute(query).mappings().all()
    sealed = vault.open_many([(account, _name(row["id"])) for row in rows], conn=connection)
    reasons = {name: text.decode(errors="replace") for (_, name), text in sealed.items()}
    return [_snooze(row, reasons.get(_name(row["id"]))) for row in rows]


def active_snoozes(connection: Connection, policy: str, *, limit: int) -> list[RuleSnooze]:
    """The snoozes of a policy's rules in force now, newest first, without their reasons."""
    query = _active(now_ms()).where(rule_snooze.c.policy == policy)
    rows = connection.execute(query.order_by(rule_snooze.c.seq.desc()).limit(limit)).mappings()
    return [_snooze(row, None) for row in rows]


def find_snooze(connection: Connection, snooze: str) -> RuleSnooze | None:
    """A snooze by its id, without its reason."""
    row = connection.execute(_SNOOZES.where(rule_snooze.c.id == snooze)).mappings().one_or_none()
    return None if row is None else _snooze(row, None)


class Snoozes:
    """The snoozes in force, for evaluations: in memory, because these must not wait for the database."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._by_account: Mapping[bytes, Mapping[str, tuple[str, int]]] = {}  # rule → harm and end, by the account

    def refresh(self) -> None:
        """Read those in force, also what other processes changed."""
        table, found = rule_snooze.c, dict[bytes, dict[str, tuple[str, int]]]()
        query = select(subject.c.lookup, table.policy, table.rule, table.harm, table.until)
        query = query.join_from(rule_snooze, subject, subject.c.ref == table.account)
        with self._database.read() as connection:
            active = table.ended_at.is_(None) & (table.until > now_ms()) & subject.c.lookup.is_not(None)
            for row in connection.execute(query.where(active).order_by(table.until)):
                found.setdefault(bytes(row.lookup), {})[f"{row.policy}/{row.rule}"] = (row.harm, row.until)
        self._by_account = found

    def of(self, actor: str | None, program: Program) -> frozenset[str]:
        """Which of the program's rules are snoozed for the account, by its id on the platform.

        A rule whose policy is about the safety of children only since it was snoozed is not.
        """
        if not self._by_account or actor is None:
            return _NONE
        mine, now = self._by_account.get(self._vault.master.lookup("account", actor)), now_ms()
        if mine is None:
            return _NONE
        return frozenset(
            rule.id
            for rule in program.rules
            if rule.rule.acts
            and (snoozed := mine.get(rule.id)) is not None
            and now < snoozed[1]
            and (rule.policy.harm not in CHILD_SAFETY_HARMS or snoozed[0] in CHILD_SAFETY_HARMS)
        )


_SNOOZES: Final = select(*(rule_snooze.c[name] for name in RuleSnooze.__dataclass_fields__ if name != "why"))


def _active(now: int) -> Select[Any]:
    return _SNOOZES.where(rule_snooze.c.ended_at.is_(None), rule_snooze.c.until > now)


def _snooze(row: RowMapping, why: str | None) -> RuleSnooze:
    return RuleSnooze(**row, why=why)


def _name(snooze: str) -> str:
    return f"note/{snooze}"
