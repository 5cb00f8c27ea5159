"""What is known about an appealed decision, put together from the services that know it."""

from __future__ import annotations

from seawall.app import App
from seawall.appeal import ANSWERS, Appeal, AppealRefused, AppealSettings, DecisionFacts, Refusal, outcome_of
from seawall.appeal.queries import ReportRow, overturning_appeals, reports_of_item
from seawall.enforce.queries import EnforcementRow, enforcements_of_item
from seawall.model import ACTIONS, ActionSubject, Decision, Verdict
from seawall.publish import NothingPublished
from seawall.review.bulk.queries import approvers_of_decisions
from seawall.review.queries import answers_after
from seawall.screen import edit_of, load_decision
from seawall.screen.queries import ItemRow, find_item, get_item
from seawall.storage import Database

_ENFORCEMENTS = 200


def find_facts(app: App, appeal: Appeal) -> DecisionFacts:
    """The facts that say whether the appellant may appeal. Raises AppealRefused when there is no such decision."""
    appellant = app.vault.find("account", appeal.appellant) or ""
    head = None
    if appeal.decision is None:
        head = _item(app, appeal.content_type or "", appeal.item_id or "")
    decision = _decision(app, appeal.decision, head, appellant)
    with app.database.read() as connection:
        head = head or get_item(connection, decision.item.ref)
        enforced = enforcements_of_item(connection, decision.item.ref, limit=_ENFORCEMENTS)
    reports = _reports_by(app.database, decision.item.ref, appellant)
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


def _reports_by(database: Database, item: str, reporter: str) -> list[tuple[ReportRow, str | None]]:
    """Somebody's reports of an item, newest first, with the decision that refused each; None: none did."""
    with database.read() as connection:
        reports = [one for one in reports_of_item(connection, item) if reporter and one.reporter == reporter]
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


def _deciders(app: App, decision: Decision, head: ItemRow | None) -> tuple[str, ...]:
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
