"""Pages of the policies in force: text, rules, and examples.

Their logic is run when the page is shown, in microseconds. Real detectors are asked only when somebody wants it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection
from starlette.responses import Response

from seawall.access import Permission
from seawall.app import BANKS
from seawall.console import active_bundle
from seawall.console.child_safety import may_see_all
from seawall.console.highlight import source_lines
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.publish.policy_health import (
    MONTH_DAYS,
    MOST_DECISIONS,
    MOST_REVIEWS,
    WEEK_DAYS,
    HealthFigures,
    read_health,
)
from seawall.console.publish.policy_history import MOST_PUBLICATIONS, policy_history
from seawall.console.publish.rule_modes import next_modes
from seawall.console.request import Page, PageProblem, PageRequest, json_response, missing, redirect
from seawall.console.screen.lookup import named_account
from seawall.console.screen.snoozing import SnoozeRefused, set_aside, snooze_form
from seawall.console.templates import render
from seawall.model import HARMS
from seawall.model.harms import CHILD_SAFETY_HARMS
from seawall.policy import (
    Policy,
    PolicyWarning,
    ResolvedThreshold,
    Rule,
    ScreenedState,
    analyse,
    run_examples,
)
from seawall.publish import list_banks
from seawall.publish.queries import newest_bundles
from seawall.screen import ScreenedColumns, TooManyTries
from seawall.screen.snoozes import RuleSnooze, active_snoozes

_SNOOZES: Final = 100

# Codes that these pages show with the filter ``words``: said here, so that the catalogues know them.
WORDS: Final = (
    marked("draft"),
    marked("shadow"),
    marked("canary"),
    marked("live"),
    marked("incompatible"),
    marked("illegal"),
    *(marked("inline"), marked("cpu"), marked("slow")),  # costs of detectors
)
LOOKS: Final = {
    ScreenedState.PASSED: "allow",
    ScreenedState.FAILED: "block",
    ScreenedState.WANTED: "hold",
    ScreenedState.FULFILLED: "sea",
    ScreenedState.SKIPPED: "",
}
STATES: Final = (  # of examples with the real detectors
    *(marked("passed"), marked("failed"), marked("wanted"), marked("fulfilled"), marked("not screened")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """A rule with its resolved thresholds, and how it does."""

    rule: Rule
    line: int
    when: str
    actions: Sequence[str]
    thresholds: Sequence[ResolvedThreshold]
    figures: HealthFigures


def show_all(request: PageRequest) -> Response:
    """List the policies in force, with how they do."""
    bundle = request.app.bundle
    with request.app.database.read() as connection:
        published = newest_bundles(connection, limit=10)
    return render(
        request,
        "publish/policies.html",
        policies=sorted(bundle.policies, key=lambda policy: (-HARMS[policy.harm].severity, policy.title)),
        health=read_health(request, bundle.policies),
        titles={policy.name: policy.title for policy in bundle.policies},
        modes={policy.name: Counter(rule.mode for rule in policy.rules) for policy in bundle.policies},
        harms=HARMS,
        bundle=bundle,
        published=published,
        names=active_bundle.names_of_people(request.app, request.person),
        days=(WEEK_DAYS, MONTH_DAYS),
        most_reviews=MOST_REVIEWS,
        most_decisions=MOST_DECISIONS,
    )


def all_as_json(request: PageRequest) -> Response:
    """The policies in force with how they do, as JSON."""
    bundle = request.app.bundle
    return json_response({"bundle": bundle.hash, "policies": list(read_health(request, bundle.policies).values())})


def show(request: PageRequest) -> Response:
    """Show one policy. ``rule`` and ``account`` in the address: what its form sets aside."""
    return _page(request)


def _page(request: PageRequest, error: str = "", status: int = 200) -> Response:
    app = request.app
    policy = _policy(request)
    health = read_health(request, [policy])[policy.name]
    with app.database.read() as connection:
        snoozes = _snoozes(request, connection, policy)
        history = policy_history(connection, app.bundles, policy.name)
    return render(
        request,
        "publish/policy.html",
        status=status,
        error=error,
        policy=policy,
        harm=HARMS[policy.harm],
        rules=_rules(policy, app.bundle.thresholds, health.rules),
        health=health,
        days=(WEEK_DAYS, MONTH_DAYS),
        lines=source_lines(policy.source.text),
        results=run_examples(app.bundle, [policy.name]),
        looks=LOOKS,
        column=app.context.get(ScreenedColumns).last(app.bundle, policy.name),
        warnings=_warnings(request, policy),
        banks_seen=request.may(Permission.SEE_BANKS),
        snoozes=snoozes,
        snoozing=_snooze_form(request, policy),
        mode_links=_mode_links(request, policy),
        history=history,
        history_most=MOST_PUBLICATIONS,
        names=active_bundle.names_of_people(app, request.person),
        bundle=app.bundle,
    )


def _mode_links(request: PageRequest, policy: Policy) -> Mapping[str, Sequence[tuple[str, str]]]:
    """By rule, the modes that come next, with what the link says; for those who may publish."""
    if not request.may(Permission.PUBLISH_POLICIES):
        return {}
    said = {"canary": _("Try it on some accounts"), "live": _("Make it live"), "shadow": _("Only record it (shadow)")}
    return {rule.id: [(mode, said[mode]) for mode in next_modes(rule)] for rule in policy.rules}


def _snoozes(request: PageRequest, connection: Connection, policy: Policy) -> Mapping[str, Sequence[RuleSnooze]]:
    """For which accounts the policy's rules are set aside now, by rule; for those who may see that."""
    found: defaultdict[str, list[RuleSnooze]] = defaultdict(list)
    if request.may(Permission.SEE_CONTENT) and (policy.harm not in CHILD_SAFETY_HARMS or may_see_all(request)):
        for one in active_snoozes(connection, policy.name, limit=_SNOOZES):
            if one.harm not in CHILD_SAFETY_HARMS or may_see_all(request):
                found[one.rule].append(one)
    return found


def _snooze_form(request: PageRequest, policy: Policy) -> Mapping[str, object] | None:
    """The form that sets one of its rules aside for an account, for those who may do that on the account's page."""
    if not (request.may(Permission.SNOOZE_RULES) and request.may(Permission.SEE_CONTENT)):
        return None
    form = snooze_form(request, {policy.name: policy})
    return {**form, "rule": form["rule"] or f"{policy.name}/{request.query('rule')}"}


def snooze(request: PageRequest) -> Response:
    """Set one of the policy's rules aside for the account that the form names."""
    policy = _policy(request)
    if not request.may(Permission.SEE_CONTENT):  # who may not see accounts learns of none
        text = _("Your roles do not have this permission. Ask an administrator if you need it.")
        raise PageProblem(403, _("Permission denied"), text)
    named = request.field("account").strip()
    account = named_account(request.app, named)
    if account is None:
        about = _("There is no account %(id)r: none was met, or it was erased.") % {"id": named}
        return _page(request, about, 422)
    try:
        rule = set_aside(request, account, {policy.name: policy})
    except SnoozeRefused as refused:
        return _page(request, str(refused), refused.status)
    return redirect(f"/policies/{quote(policy.name)}#rule-{rule}")


def screen_examples(request: PageRequest) -> Response:
    """Screen the examples of one policy by the real detectors and banks, and show the policy with the result."""
    policy = _policy(request)
    columns = request.app.context.get(ScreenedColumns)
    try:
        columns.run(f"person:{request.person.id}", request.app.bundle, policy.name)
    except TooManyTries as error:
        text = _("Too much is being tried. Wait %(seconds)d seconds and try again.") % {"seconds": error.wait_s}
        raise PageProblem(429, _("Too many requests"), text) from error
    return redirect(f"/policies/{quote(policy.name)}#tests-title")


def as_json(request: PageRequest) -> Response:
    """Source of one policy as JSON, with the hash of its bundle and what the static analysis warns of."""
    policy = _policy(request)
    with request.app.database.read() as connection:
        history = policy_history(connection, request.app.bundles, policy.name)
    return json_response(
        {
            "policy": policy.name,
            "bundle": request.app.bundle.hash,
            "source": policy.source.text,
            "health": read_health(request, [policy])[policy.name],
            "warnings": [warning.to_json() for warning in _warnings(request, policy)],
            "history": [
                {
                    "bundle": one.row.hash,
                    "previous": one.row.previous,
                    "at": one.row.at,
                    "by": one.row.by,
                    "approved_by": one.row.approved_by,
                    "kind": one.row.kind,
                    "screened": one.row.screened,
                    "change": one.change,
                }
                for one in history
            ],
        }
    )


def _warnings(request: PageRequest, policy: Policy) -> tuple[PolicyWarning, ...]:
    """What the static analysis says of a policy in force today; of empty banks to those who may see banks."""
    entries = None
    if request.may(Permission.SEE_BANKS):
        entries = {bank.name: bank.active for bank in list_banks(request.app.database, BANKS)}
    return analyse(request.app.bundle, datetime.now(UTC).date(), entries, [policy.name])


def _policy(request: PageRequest) -> Policy:
    policy = request.app.bundle.policy(request.path_param("policy"))
    if policy is None:
        raise missing(marked("policy"))
    return policy


def _rules(
    policy: Policy, thresholds: Sequence[ResolvedThreshold], figures: Mapping[str, HealthFigures]
) -> list[RuleView]:
    resolved: defaultdict[str, list[ResolvedThreshold]] = defaultdict(list)
    for threshold in thresholds:
        if threshold.policy == policy.name:
            resolved[threshold.rule].append(threshold)
    return [
        RuleView(
            rule=rule,
            line=policy.source.place(rule.span.start)[0],
            when=" ".join(rule.when.text.split()),
            actions=[_written(call) for call in rule.do],
            thresholds=resolved[rule.id],
            figures=figures[rule.id],
        )
        for rule in policy.rules
    ]


def _written(call: Any) -> str:
    """An action as it is written in the policy file."""
    span = call.expression.span(call.node)
    return str(call.expression.source.text[span.start : span.end])


PAGES = (
    Page(path="/policies", run=show_all, permission=Permission.SEE_POLICIES),
    Page(path="/policies.json", run=all_as_json, permission=Permission.SEE_POLICIES),
    Page(path="/policies/{policy}.json", run=as_json, permission=Permission.SEE_POLICIES),
    Page(path="/policies/{policy}", run=show, permission=Permission.SEE_POLICIES),
    Page(path="/policies/{policy}/examples", run=screen_examples, permission=Permission.SEE_POLICIES, method="POST"),
    Page(path="/policies/{policy}/snoozes", run=snooze, permission=Permission.SNOOZE_RULES, method="POST"),
)
