"""What is known about a decision that somebody may appeal, put together from the services that know it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from seawall.app import App
from seawall.appeal import ANSWERS, Appeal, AppealRefused, AppealSettings, DecisionFacts, Refusal, outcome_of
from seawall.appeal.queries import ReportRow, overturning_appeals, reports_of_item
from seawall.appeal.statement import StatementOfReasons, statement_of_reasons
from seawall.enforce.queries import EnforcementRow, enforcements_of_item
from seawall.model import ACTIONS, ActionSubject, Decision, DecisionSource, Verdict, is_account, now_ms
from seawall.policy import Bundle, BundleUnreadable, Policy
from seawall.policy.explain import OWN_POLICY
from seawall.publish import NothingPublished
from seawall.review import ReviewedAccount, account_of_case
from seawall.review.bulk.queries import approvers_of_decisions
from seawall.review.queries import answers_after
from seawall.screen import edit_of, load_decision
from seawall.screen.queries import DecisionRow, ItemRow, decisions_of_item, find_item, get_item
from seawall.storage import Database

_ENFORCEMENTS = 200
_DECISIONS = 200


def find_facts(app: App, appeal: Appeal) -> DecisionFacts:
    """The facts that say whether the appellant may appeal, found by the platform's ids.

    Raises AppealRefused when there is no such decision.
    """
    appellant = app.vault.find("account", appeal.appellant) or ""
    named = None
    if appeal.decision is None:
        named = _item(app, appeal.content_type or "", appeal.item_id or "")
    return facts_about(app, _decision(app, appeal.decision, named, appellant), appellant, head=named)


def facts_about(
    app: App,
    decision: Decision,
    appellant: str,
    *,
    report: str | None = None,
    head: ItemRow | ReviewedAccount | None = None,
) -> DecisionFacts:
    """The same about one decision and one appellant, by their surrogates.

    ``report``: the one report of theirs that counts, however its reporter is known; None: all of that account.
    ``head``: the item as it was when the decision was taken for the one in force.
    """
    ref = decision.item.ref
    with app.database.read() as connection:
        if head is None:
            head = account_of_case(connection, ref) if is_account(ref) else get_item(connection, ref)
        enforced = enforcements_of_item(connection, ref, limit=_ENFORCEMENTS)
    if report is None:
        reports = _reports_by(app.database, ref, appellant)
    else:
        reports = _answered(app.database, ref, lambda one: one.id == report)
    refused = next((one.id for one, refused_by in reports if refused_by == decision.id), None)
    hidden = head is not None and head.verdict not in (None, Verdict.ALLOW.value)
    return DecisionFacts(
        decision=decision,
        appellant=appellant,
        in_force=hidden or any(_restricts(one, decision) for one in enforced),
        reported=bool(reports),
        refused_report=refused,
        deciders=_deciders(app, decision, head),
        head=None if head is None else head.decision,
        window_days=app.context.get(AppealSettings).window_days(_window(app, decision.item.content_type)),
    )


def _item(app: App, content_type: str, item_id: str) -> ItemRow:
    found = find_item(app.database, app.vault, content_type, item_id)
    if found is None:
        raise AppealRefused(
            Refusal.NO_DECISION,
            f"There is no {content_type} {item_id!r}. Send the ids with which it was screened, or the decision's id.",
        )
    if found.decision is None:
        raise AppealRefused(Refusal.NO_DECISION, f"Nothing has been decided about {content_type} {item_id!r} yet.")
    return found


def _decision(app: App, named: str | None, head: ItemRow | None, appellant: str) -> Decision:
    """The named decision; without one, what refused the appellant's report, or what is in force."""
    if named is None:
        assert head is not None
        assert head.decision is not None
        in_force = load_decision(app.database, head.decision)
        if in_force.actor == appellant:
            return in_force
        refused = [by for _, by in _reports_by(app.database, head.ref, appellant) if by is not None]
        return load_decision(app.database, refused[0]) if refused else in_force
    try:
        return load_decision(app.database, named)
    except LookupError:
        raise AppealRefused(
            Refusal.NO_DECISION, f"There is no decision {named[:80]!r}. The answer to screening and webhooks name it."
        ) from None


def statement_about(app: App, decision: Decision) -> StatementOfReasons:
    """The statement of reasons of a decision, with the policies as they were published when it was made."""
    ref, made = decision.item.ref, decision
    with app.database.read() as connection:
        enforced = enforcements_of_item(connection, ref, limit=_ENFORCEMENTS)
        earlier = [one for one in decisions_of_item(connection, ref, limit=_DECISIONS) if one.at <= made.at]
        reports = reports_of_item(connection, ref)
    return statement_of_reasons(
        made,
        enforced,
        policy_of=_policy_of(app, made),
        found_before=any(one.id != made.id and _found_something(one, made) for one in earlier),
        reported_before=any(one.at <= made.at and one.person is None for one in reports),
        surface=_surface(app, made.item.content_type),
        now=now_ms(),
    )


def _found_something(row: DecisionRow, made: Decision) -> bool:
    by_rules = row.source not in (DecisionSource.REVIEW, DecisionSource.UNDO)
    return by_rules and row.revision == made.item.revision and row.policy not in (None, OWN_POLICY)


def _policy_of(app: App, decision: Decision) -> Callable[[str], Policy | None]:
    bundles: list[Bundle] = []
    with suppress(BundleUnreadable):
        bundles += [app.bundles.load(decision.bundle)] if decision.bundle is not None else []
    with suppress(NothingPublished):
        bundles.append(app.bundle)
    return lambda name: next((found for one in bundles if (found := one.policy(name)) is not None), None)


def _surface(app: App, content_type: str) -> str | None:
    try:
        found = app.bundle.content_types.get(content_type)
    except NothingPublished:
        return None
    return None if found is None else found.surface


def refused_by(app: App, report: ReportRow) -> str | None:
    """The decision that refused a report; None: it is not decided, or was not refused."""
    return next((by for _, by in _answered(app.database, report.item, lambda one: one.id == report.id)), None)


def _reports_by(database: Database, item: str, reporter: str) -> list[tuple[ReportRow, str | None]]:
    """Somebody's reports of an item, newest first, with the decision that refused each; None: none did."""
    return _answered(database, item, lambda one: bool(reporter) and one.reporter == reporter)


def _answered(database: Database, item: str, wanted: Callable[[ReportRow], bool]) -> list[tuple[ReportRow, str | None]]:
    with database.read() as connection:
        reports = [one for one in reports_of_item(connection, item) if wanted(one)]
        answers = answers_after(connection, [item], ANSWERS).get(item, []) if reports else []
        appeals = overturning_appeals(connection, [one.decision for one in answers])
    found: list[tuple[ReportRow, str | None]] = []
    for report in reports:
        outcome = outcome_of(report, answers, appeals)
        found.append((report, outcome.decision if outcome is not None and not outcome.upheld else None))
    return found


def _restricts(enforced: EnforcementRow, decision: Decision) -> bool:
    kind = ACTIONS[enforced.kind]
    its_own = kind.subject is ActionSubject.ITEM or enforced.revision == decision.item.revision
    return enforced.state == "active" and kind.adverse and its_own


def _deciders(app: App, decision: Decision, head: ItemRow | ReviewedAccount | None) -> tuple[str, ...]:
    """The people behind the decision and behind what is in force, also when a rule only kept what a person decided."""
    concerned = [decision]
    if head is not None and head.decision not in (None, decision.id):
        concerned.append(load_decision(app.database, head.decision))
    edits = [edit for one in concerned if (edit := edit_of(app.database, one)) is not None]
    people = [*(one.reviewer for one in concerned), *(edit.reviewer for edit in edits)]
    decisions = [*(one.id for one in concerned), *(edit.decision for edit in edits)]
    with app.database.read() as connection:
        people += approvers_of_decisions(connection, decisions)  # who let a bulk decision begin
    return tuple(dict.fromkeys(one for one in people if one is not None))


def _window(app: App, content_type: str) -> int | None:
    try:
        found = app.bundle.content_types.get(content_type)
    except NothingPublished:
        return None
    return None if found is None or found.appeal is None else found.appeal.window_days
