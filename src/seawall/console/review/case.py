"""The page of a case, with the form to decide it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from starlette.responses import JSONResponse, Response

from seawall import appeal, review
from seawall.access import Permission
from seawall.appeal.queries import reports_of_item
from seawall.console import active_bundle
from seawall.console.appeal_view import open_appeal, reporter_records
from seawall.console.child_safety import check_case, check_item, may_see_all
from seawall.console.exposure import rotation
from seawall.console.history import LIMIT, notes, timeline
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.letters import letters_of
from seawall.console.request import Page, PageProblem, PageRequest, missing, redirect
from seawall.console.review.assigning import assignment_on_case
from seawall.console.review.attention import attention, must_open
from seawall.console.review.case_subject import case_subject, context_of, head_of_case
from seawall.console.review.case_summary import summary_view
from seawall.console.review.consequences import consequences
from seawall.console.review.order import order_in_words
from seawall.console.review.queue import filter_of, go_to_next, undoable, with_filters
from seawall.console.review.suitable import why_unsuitable
from seawall.console.templates import render
from seawall.console.veiling import open_content
from seawall.enforce.queries import EnforcementRow, enforcements_of_item
from seawall.model import ACTIONS, Action, ActionSubject, ContentType, Decision, ParameterType, now_ms
from seawall.review.queries import (
    CaseRow,
    get_case,
    handovers_of_item,
    passings_of_item,
    reviews_of_item,
    undoable_review,
)
from seawall.screen import status_of

_REPORTS = 20
_NO_END = "never"
_JUDGED = "judged."
# What the form and its refusals show of other packages, for the catalogues.
_PASSED_ON = (marked("Not my language"), marked("Cannot tell"), marked("Needs a specialist"))
_SKIPPED = (
    *(marked("I come back to it"), marked("Takes long"), marked("The content does not load")),
    marked("I know the people in it"),
)

ACTION_KEYS: Final = {
    "remove": "x",
    "disable": "d",
    "hold": "h",
    "demote": "f",
    "hold_from_recommendation": "-",
    "demonetise": "e",
    "age_restrict": "a",
    "age_hold": ",",
    "advisory": "l",
    "label_synthetic": ".",
    "exclude_from_counts": "c",
    "warn": "w",
    "strike": "i",
    "limit": "q",
    "suspend": "u",
    "terminate": "z",
}
"""The key of each action, the same for every content type: a hand that learned one must not press another.

Every letter is taken; the newest have signs that no usual keyboard needs the shift key for.
"""


def show(request: PageRequest) -> Response:
    """Show the case. Viewing takes no lease; the button does."""
    return _page(request)


def take(request: PageRequest) -> Response:
    """Take the lease of the case and show the form, or the reason why another person has the lease."""
    check_case(request, request.path_param("case"))
    try:
        if (refused := rotation.refuse_case(request, request.path_param("case"))) is not None:
            return refused
        _take(request)
    except review.NoSuchCase:
        raise missing(marked("case")) from None
    except review.ReviewError as error:
        return _page(request, error=_(str(error)), status=409)
    return redirect(with_filters(request, f"/cases/{request.path_param('case')}"))


def renew(request: PageRequest) -> Response:
    """Renew the lease: its remaining time, or why it ended, as JSON."""
    check_case(request, request.path_param("case"))
    try:
        lease = review.renew(
            request.app.database, request.path_param("case"), request.person.id, child_safety=may_see_all(request)
        )
    except review.ReviewError as error:
        return JSONResponse({"held": False, "reason": _(str(error))}, status_code=409)
    return JSONResponse({"held": True, "left_ms": lease.until - now_ms()})


def release(request: PageRequest) -> Response:
    """Release the lease."""
    review.release(request.app.database, request.path_param("case"), request.person.id)
    return redirect(with_filters(request, "/queue"))


def skip(request: PageRequest) -> Response:
    """Release the lease and take the next case."""
    try:
        why = request.field("why") or "not_given"
        review.skip_case(request.app.ledger, request.path_param("case"), request.person.id, why=why)
    except review.BadAnswer as error:
        raise PageProblem(422, _("Not skipped"), _(str(error))) from None
    return go_to_next(request)


def decide(request: PageRequest) -> Response:
    """Record the review, then take the next case. A refused review shows the case again with the reason."""
    check_case(request, request.path_param("case"))
    try:
        answer = answer_in_form(request)
        answer = replace(answer, attention=attention(request, answer))
        decision = review.submit_review(
            request.app.ledger,
            active_bundle.rulebook(request.app),
            request.path_param("case"),
            request.person.id,
            answer,
            find_item=status_of,
            seen=request.field("seen") or None,
            seen_revision=revision_in_form(request),
            child_safety=may_see_all(request),
        )
    except review.NoSuchCase:
        raise missing(marked("case")) from None
    except review.ReviewError as error:
        return refused(request, _(str(error)))
    return go_to_next(request, done=decision.id)


def refused(request: PageRequest, error: str) -> Response:
    """The case again, with what was chosen and why it was not recorded."""
    _keep_lease(request)
    return _page(request, error=error, status=409)


def revision_in_form(request: PageRequest) -> int | None:
    """The revision that was shown with the form; None when it has none, as the forms of earlier releases."""
    text = request.field("revision")
    return int(text) if text.isdecimal() and len(text) < 10 else None


def preview(request: PageRequest) -> Response:
    """What the answer in the form would do, as JSON: plain sentences, or what is still missing. Changes nothing."""
    app = request.app
    with app.database.read() as connection:
        case = get_case(connection, request.path_param("case"), now_ms())
        head = head_of_case(connection, case) if case else None
        if case is None or head is None:
            raise missing(marked("case"))
        check_item(request, connection, case.item, Permission.REVIEW)
        try:
            answer = answer_in_form(request)
            rulebook = active_bundle.rulebook(app)
            change = review.preview_review(connection, case, head, request.person.id, answer, rulebook)
        except review.ReviewError as error:
            return JSONResponse({"missing": _(str(error))})
    return JSONResponse({"will": consequences(change, now_ms(), subject=case.subject)})


def answer_in_form(request: PageRequest) -> review.ReviewAnswer:
    """The answer in the form. Raises BadAnswer."""
    answer = request.field("answer")
    actions: tuple[Action, ...] = ()
    if answer == review.VIOLATES:
        actions = actions_in_form(request)
    elif answer == review.KEEPS_MEASURE:
        actions = _measures_in_force(request)
    return review.ReviewAnswer(
        answer=answer,
        policy=(request.field("policy") or None) if answer == review.VIOLATES else None,
        actions=actions,
        reason=request.field("reason"),
        note=request.field("note").strip(),
        judged=_judged(request) if answer == review.VIOLATES else {},
    )


def _judged(request: PageRequest) -> dict[str, str]:
    """What the form says about the case's other policies; the main one is chosen by itself."""
    said = {name.removeprefix(_JUDGED): values[0] for name, values in request.form.items() if name.startswith(_JUDGED)}
    return {name: answer for name, answer in said.items() if answer and name != request.field("policy")}


def _measures_in_force(request: PageRequest) -> tuple[Action, ...]:
    with request.app.database.read() as connection:
        case = get_case(connection, request.path_param("case"), now_ms())
        enforced = enforcements_of_item(connection, case.item, limit=LIMIT) if case is not None else ()
    return review.kept_measures([Action(one.kind, one.parameters) for one in enforced if one.state == "active"])


def _keep_lease(request: PageRequest) -> None:
    """Renew the lease so that a refused review can be corrected; another person's lease stays."""
    with suppress(review.ReviewError):
        _take(request)


def _take(request: PageRequest) -> None:
    review.take(request.app.database, request.path_param("case"), request.person.id, child_safety=may_see_all(request))


def _page(request: PageRequest, *, error: str = "", status: int = 200) -> Response:
    app = request.app
    case_id = request.path_param("case")
    with app.database.read() as connection:
        case = get_case(connection, case_id, now_ms())
        head = head_of_case(connection, case) if case else None
        lease = review.holder(connection, case_id, now_ms())
        if case is not None:
            check_item(request, connection, case.item)
    if case is None or head is None:
        raise missing(marked("case"))
    may_decide = case.state == review.CaseState.OPEN and request.may(Permission.REVIEW)
    mine = lease if may_decide and lease is not None and lease.person == request.person.id else None
    about = case_subject(request, head)
    seen = about.seen
    veiling = open_content(request, seen, case, "case")
    with app.database.read() as connection:
        enforced = enforcements_of_item(connection, head.ref, limit=LIMIT)
        reports = reports_of_item(connection, head.ref, limit=_REPORTS)
        answers = reviews_of_item(connection, head.ref, limit=LIMIT)
        passings = passings_of_item(connection, head.ref, limit=LIMIT)
        handovers = handovers_of_item(connection, head.ref, limit=LIMIT)
        events = timeline(connection, head.ref, enforced)
        appealed = open_appeal(app, connection, head.ref, case_id, request.person.id)
        reporters = reporter_records(app, connection, reports, now_ms())
    if own := appealed is not None and appealed.own:
        mine, may_decide = None, False
    policies = active_bundle.policies(app)
    active = [one for one in enforced if one.state == "active" and about.is_about(one)]
    queue = active_bundle.queues(app).of(case.queue)
    preset = review.preset_policy(case.policies)
    named = request.field("policy") if request.form else (preset.policy if preset else case.policy or "")
    found = [one for one in review.gravest_first(case.policies) if one.policy in policies]
    ordered = dict.fromkeys([named, *(one.policy for one in found), *policies])
    return render(
        request,
        about.page,
        status=status,
        case=case,
        head=head,
        seen=seen,
        lease=mine,
        can_take=may_decide and lease is None and case.assigned_to in (None, request.person.id),
        is_taken=may_decide and lease is not None and mine is None,
        enforced=active,
        reports=reports if case.reports else (),
        timeline=events,
        now=now_ms(),
        veiling=veiling,
        # Who answers an appeal is not to know whom they would contradict.
        names=active_bundle.names_of_people(app, request.person)
        if appealed is None or request.may(Permission.SEE_DECIDERS)
        else {},
        appealed=appealed,
        own_decision=own,
        upheld_reasons=appeal.UPHELD_REASONS,
        reporters=reporters,
        policies=policies,
        policy=policies.get(named),
        found=found,
        guidance=[policies[name] for name in ordered if name in policies],
        judged=_judged(request),
        order=order_in_words(case, now_ms(), queue.sla_s),
        form=_form(
            about.content_type, seen.decision, active, request.form, letters_of(request.preferences, ACTION_KEYS), queue
        ),
        queue=queue,
        summary=summary_view(request, case, head.revision, working=mine is not None),
        notes=notes(app.vault, head.ref, reports, (*answers, *passings, *handovers)),
        passings=[one for one in passings if one.at >= case.opened_at],
        filters={"queue": filter_of(request, "queue"), "type": filter_of(request, "type")},
        carried=with_filters(request, ""),
        done=request.query("done"),
        taken_back=request.query("taken_back"),
        undoable=undoable(request),
        undo_here=_undo_here(request, case),
        may_reopen=case.state == review.CaseState.CLOSED and request.may(Permission.REVIEW),
        why_pass_on=review.WHY,
        why_skip=review.WHY_SKIP,
        assignment=assignment_on_case(request, case),
        unsuitable=why_unsuitable(request, case),
        advice=request.query("advice"),
        must_open=must_open(veiling, seen.fields),
        error=error,
        **context_of(request, about),
    )


def _undo_here(request: PageRequest, case: CaseRow) -> str | None:
    """The review that closed this case, if the person can take it back."""
    if case.decision is None or case.state != review.CaseState.CLOSED or not request.may(Permission.REVIEW):
        return None
    with request.app.database.read() as connection:
        found = undoable_review(connection, case.decision, request.person.id, now_ms())
    return None if found is None else found.id


def actions_in_form(request: PageRequest) -> tuple[Action, ...]:
    """The ticked actions with the parameters that were filled in."""
    return tuple(
        Action(kind, dict(_parameters(request, kind)))
        for kind in dict.fromkeys(request.fields("action"))
        if kind in ACTIONS
    )


def _parameters(request: PageRequest, kind: str) -> list[tuple[str, str | float]]:
    found: list[tuple[str, str | float]] = []
    for parameter in ACTIONS[kind].parameters:
        text = request.field(f"{kind}.{parameter.name}").strip()
        if not text and (kind, parameter.name) == ("suspend", "for"):
            raise review.BadAnswer(
                marked("Choose how long the account is suspended. 'No end' has to be chosen as well.")
            )
        if not text:
            continue
        if text == _NO_END:
            continue
        if parameter.type is ParameterType.TEXT:
            found.append((parameter.name, text))
            continue
        try:
            found.append((parameter.name, float(text)))
        except ValueError:
            text = _("%(parameter)s of %(action)s must be a number.") % {"parameter": parameter.name, "action": kind}
            raise PageProblem(422, _("Not a number"), text) from None
    return found


def _form(
    content_type: ContentType | None,
    decision: Decision | None,
    enforced: Sequence[EnforcementRow],
    sent: Mapping[str, tuple[str, ...]],
    letters: Mapping[str, str],
    queue: review.QueueSettings,
) -> dict[str, Any]:
    """What the form offers, and what is filled in: as sent, else the proposed actions. Answer and reason never are.

    What the queue hides is offered all the same while it is in force, so that nobody takes it back without meaning to.
    """
    decided = decision.actions if decision else ()
    in_force = [Action(one.kind, one.parameters) for one in enforced]
    hidden = set(queue.hidden_actions) - {one.kind for one in in_force}
    allowed = [ACTIONS[kind] for kind in content_type.actions if kind not in hidden] if content_type else []
    preset = review.preset_actions(content_type, (*decided, *in_force)) if content_type else {}
    return {
        "item_actions": [kind for kind in allowed if kind.subject is ActionSubject.ITEM],
        "actor_actions": [kind for kind in allowed if kind.subject is ActionSubject.ENTITY],
        "ticked": set(sent.get("action", ())) if sent else set(preset),
        "given": {kind: action.parameters for kind, action in preset.items()},
        "machine": {action.kind for action in decided},
        "kept": review.kept_measures(in_force),
        "letters": letters,
        "answer": sent.get("answer", ("",))[0],
        "reason": sent.get("reason", ("",))[0],
        "note": sent.get("note", ("",))[0],
        "unveiled": sent.get("unveiled", ("0",))[0],
        "by_evidence": bool(sent.get("by_evidence")),
        "message": sent.get("message", ("",))[0],
        "reasons": review.REASONS,
    }


PAGES = (
    Page(path="/cases/{case}", run=show, permission=Permission.SEE_CONTENT),
    Page(path="/cases/{case}/take", run=take, method="POST", permission=Permission.REVIEW),
    Page(path="/cases/{case}/lease", run=renew, method="POST", permission=Permission.REVIEW),
    Page(path="/cases/{case}/release", run=release, method="POST", permission=Permission.REVIEW),
    Page(path="/cases/{case}/skip", run=skip, method="POST", permission=Permission.REVIEW),
    Page(path="/cases/{case}/preview", run=preview, method="POST", permission=Permission.REVIEW),
    Page(path="/cases/{case}/decide", run=decide, method="POST", permission=Permission.REVIEW),
)
