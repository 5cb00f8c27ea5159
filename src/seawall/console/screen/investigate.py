"""The investigation page: past decisions asked in the language of policies, their chart and who stands behind them.

The query is in the address, so that it can be shared; whoever opens it sees what their own roles admit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from seawall.access import Permission
from seawall.app import App
from seawall.console import active_bundle
from seawall.console.child_safety import hidden_items
from seawall.console.days import DAY_MS, check_period, day_text, read_day, today
from seawall.console.languages import gettext as _
from seawall.console.languages import marked
from seawall.console.request import Page, PageProblem, PageRequest, json_response
from seawall.console.screen.lookup import find_ref, platform_ids, surrogate_kind
from seawall.console.summaries import rows_of_decisions, summaries
from seawall.console.templates import render
from seawall.model import FieldType, Verdict
from seawall.policy import Bundle, PolicyErrors
from seawall.publish import NothingPublished
from seawall.screen import ACCOUNT
from seawall.screen.answered_query import AnsweredQuery, answer_query
from seawall.screen.investigation import (
    InvestigationFilters,
    InvestigationsBusy,
    ask,
)
from seawall.screen.queries import decisions_by_id

LONGEST_QUERY: Final = 4_001  # characters that are looked at: one more than the language takes
PAGE_SIZE: Final = 50
_DAYS: Final = 7
_EXAMPLES: Final = 6

# Codes that the template shows with the filter ``words``.
WORDS: Final = (marked("public"), marked("unlisted"), marked("group"), marked("private"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAddress:
    """What the address asks for. ``first`` and ``last``: days, both included, as YYYY-MM-DD (UTC)."""

    text: str
    types: tuple[str, ...]
    verdict: str
    account: str
    first: str
    last: str
    filters: InvestigationFilters

    def link(self, path: str = "/investigate", **changes: object) -> str:
        """The address with some of its parts changed."""
        kept: dict[str, object] = {
            "q": self.text,
            "type": self.types,
            "verdict": self.verdict,
            "account": self.account,
            "from": self.first,
            "to": self.last,
        }
        given = {name: value for name, value in (kept | changes).items() if value}
        return path + (f"?{urlencode(given, doseq=True)}" if given else "")


def show(request: PageRequest) -> Response:
    """The form, and the answer if something is asked."""
    app = request.app
    address = _address(request)
    answered, problem, status = None, "", 200
    bundle = _bundle(app)
    if bundle is not None and address.text:
        try:
            answered = _answered(request, bundle, address)
        except PolicyErrors as error:
            problem, status = str(error), 422
        except InvestigationsBusy:
            problem, status = _("Other investigations are running. Wait a few seconds and ask again."), 429
    response = render(
        request,
        "screen/investigate.html",
        status=status,
        address=address,
        problem=problem,
        answered=answered,
        types=[] if bundle is None else sorted(bundle.content_types),
        verdicts=list(Verdict),
        examples=[] if bundle is None else examples_of(bundle),
        signals=[] if bundle is None else _signals(app),
        may_see_rules=request.may(Permission.SEE_POLICIES),
        may_publish=request.may(Permission.PUBLISH_POLICIES),
        **_shown(request, answered),
    )
    if status == 429:
        response.headers["Retry-After"] = "5"
    return response


def as_json(request: PageRequest) -> Response:
    """The answer as JSON: numbers and Seawall's ids, without what people wrote."""
    address = _address(request)
    bundle = request.app.bundle
    try:
        answered = _answered(request, bundle, address)
    except PolicyErrors as error:
        raise PageProblem(422, _("Not understood"), str(error)) from None
    except InvestigationsBusy as error:
        raise PageProblem(429, _("Too many requests"), str(error)) from None
    return json_response(answered)


def _answered(request: PageRequest, bundle: Bundle, address: AskedAddress) -> AnsweredQuery:
    """Ask, and put on record that content was read. Raises PolicyErrors, InvestigationsBusy, PageProblem."""
    app = request.app
    unknown = [name for name in address.types if name not in bundle.content_types]
    if unknown:
        text = _("There is no content type %(name)r. There are: %(known)s.")
        known = ", ".join(sorted(bundle.content_types))
        raise PageProblem(422, _("Not understood"), text % {"name": unknown[0], "known": known})
    hidden = partial(hidden_items, request)
    return answer_query(
        app.ledger, bundle, address.text, address.types, address.filters, hidden, person=request.person.id
    )


def _shown(request: PageRequest, answered: AnsweredQuery | None) -> dict[str, Any]:
    """What the rows say beside the numbers."""
    if answered is None:
        return {}
    app = request.app
    newest = answered.result.newest[:PAGE_SIZE]
    with app.database.read() as connection:
        decisions = decisions_by_id(connection, [one.decision for one in newest])
    rows = [decisions[one.decision] for one in newest if one.decision in decisions]
    accounts = [one.name for one in answered.result.actors]
    return {
        "rows": rows,
        "summaries": summaries(request, rows_of_decisions(rows)),
        "ids": platform_ids(app, {*accounts, *(row.actor for row in rows if row.actor), *(row.item for row in rows)}),
        "names": active_bundle.names_of_people(app, request.person),
    }


def _signals(app: App) -> list[str]:
    """The signals that a condition can name; those of banks are asked with ``bank(…)``."""
    return sorted({name for _detector, name in active_bundle.signal_kinds(app) if ":" not in name})


def examples_of(bundle: Bundle) -> list[str]:
    """Queries that can be asked now: conditions of rules in force, and one about a field that people write in."""
    found: list[str] = []
    for policy in bundle.policies:
        names = {let.name for let in policy.lets}
        for rule in policy.rules:
            text = " ".join(rule.when.text.split())
            if len(text) > 90 or any(name in text for name in names) or text in found:
                continue
            try:
                ask(text, bundle)
            except PolicyErrors:
                continue
            found.append(text)
            break
        if len(found) >= _EXAMPLES - 1:
            break
    texts = {one.name for each in bundle.content_types.values() for one in each.fields if one.type is FieldType.TEXT}
    return [*found, 'contains(text, "https")'] if texts else found


# -- the address -----------------------------------------------------------------------------------------------------


def _bundle(app: App) -> Bundle | None:
    try:
        return app.bundle
    except NothingPublished:
        return None


def _address(request: PageRequest) -> AskedAddress:
    asked = request.http.query_params
    text = asked.get("q", "").replace("\r\n", "\n").strip()[:LONGEST_QUERY]
    last = min(read_day(request.query("to"), today()), today())
    first = read_day(request.query("from"), last - (_DAYS - 1) * DAY_MS)
    check_period(first, last)
    verdict = request.query("verdict")
    account = request.query("account").strip()
    return AskedAddress(
        text=text,
        types=tuple(dict.fromkeys(name[:100] for name in asked.getlist("type")[:200] if name)),
        verdict=verdict if verdict in set(Verdict) else "",
        account=account,
        first=day_text(first),
        last=day_text(last),
        filters=InvestigationFilters(
            since=first,
            until=last + DAY_MS,
            verdict=verdict if verdict in set(Verdict) else "",
            actor=_actor(request, account) if account else None,
        ),
    )


def _actor(request: PageRequest, account: str) -> str:
    if surrogate_kind(account) == "account":
        return account
    found = find_ref(request.app, ACCOUNT, account)
    if found is None:
        about = _("There is no account %(id)r: none was met, or it was erased.") % {"id": account}
        raise PageProblem(404, _("Not found"), about)
    return found


PAGES = (
    Page(path="/investigate", run=show, permission=Permission.SEE_CONTENT),
    Page(path="/investigate.json", run=as_json, permission=Permission.SEE_CONTENT),
)
