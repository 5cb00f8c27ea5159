"""The editor of a policy file: checked while it is written, tried, compared with what is in force, then published.

Nothing is saved by itself: the text stands in the form until its author publishes it, or proposes it where a second
person approves. Every answer shows the text again as it was sent.

Before it is published, its examples are screened by the real detectors, as ``seawall policy publish`` does: those of
the file alone, because no other policy's examples see its rules. That runs in the threads of ItemTrials; a page waits
for it a moment, then says that it goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from seawall.access import Permission
from seawall.console.languages import gettext as _
from seawall.console.languages import marked, ngettext
from seawall.console.publish.draft_check import DraftCheck, WrittenText, check_draft
from seawall.console.publish.policies import LOOKS
from seawall.console.publish.rule_modes import with_mode
from seawall.console.publish.trying import Tried, attributes_of, field_inputs, sides_of, tried_item
from seawall.console.request import Page, PageProblem, PageRequest, json_response, missing, redirect
from seawall.console.templates import render
from seawall.model import ContentType, FieldRole, FieldType, now_ms
from seawall.policy import Bundle, PolicyErrors, ScreenedExample, ScreenedState
from seawall.publish import ComparedBundle, PublishedMeanwhile, draft_of
from seawall.screen import ScreenedColumns, TooManyTries
from seawall.screen.examples import ScreenedColumn
from seawall.screen.trial_fields import FILES

_FORM_BYTES: Final = 1_536 * 1024  # the longest policy file, as browsers encode it, and an item to try
_SOURCE: Final = "console"
_WAIT_S: Final = 3.0  # for the examples to be screened, before the page says that it goes on
_FRESH_MS: Final = 3_600_000  # after which they are screened again: what banks hold and providers say changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """The file's examples as screened. ``column`` None: they are not, yet; ``problem`` says why not."""

    column: ScreenedColumn | None = None
    running: bool = False
    problem: str = ""
    retry_after_s: int | None = None

    @property
    def failed(self) -> list[ScreenedExample]:
        """Those that fail and are not declared as wanted."""
        return [one for one in self.examples if one.state is ScreenedState.FAILED]

    @property
    def examples(self) -> Sequence[ScreenedExample]:
        """All of them; none before they are screened."""
        return () if self.column is None else self.column.examples


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """What the page shows beside the text, after its author asked for something. ``dropped``: what shall go."""

    error: str = ""
    compared: ComparedBundle | None = None
    tried: Tried | None = None
    column: ScreenedColumn | None = None
    screening: Screening | None = None
    dropped: Sequence[str] = ()
    status: int = 200
    retry_after_s: int | None = None


def show_new(request: PageRequest) -> Response:
    """The editor with a file to begin from."""
    bundle = request.app.bundle
    written = WrittenText(name="", text=_first_text(bundle), base=bundle.hash)
    return _page(request, written, Edited())


def show(request: PageRequest) -> Response:
    """The editor with the text in force; ``rule`` and ``mode``: a rule to give another mode, as an unsaved change."""
    bundle = request.app.bundle
    policy = bundle.policy(request.path_param("policy"))
    if policy is None:
        raise missing(marked("policy"))
    text, edited = policy.source.text, Edited()
    if mode := request.query("mode"):
        text = with_mode(policy, request.query("rule"), mode)
        if text == policy.source.text:
            edited = Edited(error=_("The file is not written in a way that this can change: change the mode yourself."))
    return _page(request, WrittenText(name=policy.name, text=text, base=bundle.hash), edited)


def check(request: PageRequest) -> Response:
    """What is said of the text, as a part of the page, for its script."""
    written = _written(request, request.field("name"))
    found = check_draft(request, written)
    return render(request, "publish/checked.html", check=found, column=None)


def check_as_json(request: PageRequest) -> Response:
    """The same as JSON."""
    found = check_draft(request, _written(request, request.field("name")))
    return json_response(
        {
            "policy": found.policy,
            "problems": found.problems,
            "warnings": [warning.to_json() for warning in found.warnings],
            "examples": [
                {"name": one.name, "line": one.line, "passed": one.passed, "differences": one.differences}
                for one in found.results
            ],
            "notes": found.notes,
            "changed_meanwhile": found.moved is not None,
        }
    )


def write_new(request: PageRequest) -> Response:
    """Do with a new file what its author asks for."""
    return _answer(request, _written(request, ""))


def write(request: PageRequest) -> Response:
    """Do with a changed file what its author asks for."""
    return _answer(request, _written(request, request.path_param("policy")))


def _written(request: PageRequest, name: str) -> WrittenText:
    return WrittenText(name=name, text=request.field("text").replace("\r\n", "\n"), base=request.field("base"))


def _answer(request: PageRequest, written: WrittenText) -> Response:
    wanted = request.field("do")
    if wanted == "go_on":  # its author has seen what others changed
        return _page(request, WrittenText(name=written.name, text=written.text, base=request.app.bundle.hash), Edited())
    if wanted == "try":
        return _page(request, written, _try(request, written))
    if wanted in ("screen", "screened"):
        return _page(request, written, _screen(request, written, again=wanted == "screen"))
    if wanted in ("compare", "publish"):
        found = check_draft(request, written)
        if wanted == "publish" and found.policy and not found.differs:  # sent twice, or somebody else did it
            return redirect(f"/policies/{quote(found.policy)}")
        if found.bundle is None:
            return _page(request, written, Edited(error=_mistakes(found), status=422), found)
        act = _compare if wanted == "compare" else _publish
        return act(request, written, found, found.bundle)
    return _page(request, written, Edited())


def _mistakes(found: DraftCheck) -> str:
    count = len(found.problems)
    text = ngettext("The file has a mistake.", "The file has %(n)d mistakes.", count) % {"n": count}
    return f"{text} {_nothing_published()}"


def _nothing_published() -> str:
    """The end of every refusal."""
    return _("Nothing was published.")


# -- trying ----------------------------------------------------------------------------------------------------------


def _try(request: PageRequest, written: WrittenText) -> Edited:
    content_type = _content_type(request)
    if content_type is None:
        raise PageProblem(422, _("Not found"), _("There is no such content type any more. Choose another one."))
    tried = tried_item(request, request.app.bundle, content_type, written.text)
    return Edited(tried=tried, status=tried.status, retry_after_s=tried.retry_after_s)


def _screen(request: PageRequest, written: WrittenText, *, again: bool) -> Edited:
    """Screen the file's examples by the real detectors and banks; not ``again``: see what became of it."""
    found = check_draft(request, written)
    if found.bundle is None:
        return Edited(error=_mistakes(found), status=422)
    screening = _screening(request, found.bundle, found.policy, again=again)
    if screening.problem:
        return Edited(error=screening.problem, status=429, retry_after_s=screening.retry_after_s)
    return Edited(column=screening.column, screening=screening)


def _screening(request: PageRequest, bundle: Bundle, policy: str, *, again: bool = False) -> Screening:
    """The examples as screened within the last hour; else they are screened now. ``again``: now in any case."""
    columns = request.app.context.get(ScreenedColumns)
    last = columns.last(bundle, policy)
    if last is not None and not again and now_ms() - last.at < _FRESH_MS:
        return Screening(column=last)
    try:
        started = columns.start(f"person:{request.person.id}", bundle, policy)
        return Screening(column=started.result(_WAIT_S))
    except TimeoutError:
        return Screening(running=True)
    except TooManyTries as error:
        text = _("Too much is being tried. Wait %(seconds)d seconds and try again.") % {"seconds": error.wait_s}
        return Screening(problem=text, retry_after_s=error.wait_s)


# -- publishing ------------------------------------------------------------------------------------------------------


def _compare(request: PageRequest, written: WrittenText, found: DraftCheck, bundle: Bundle) -> Response:
    try:
        compared = _compared(request, written)
    except PolicyErrors as error:
        return _page(request, written, Edited(error=str(error), status=422), found)
    screening = _screening(request, bundle, found.policy) if compared.changes is None or compared.changes else None
    column = None if screening is None else screening.column
    edited = Edited(compared=compared, screening=screening, column=column, dropped=request.fields("drop"))
    return _page(request, written, edited, found)


def _compared(request: PageRequest, written: WrittenText) -> ComparedBundle:
    """What publishing the file, with all others as they are in force, would change. Raises PolicyErrors."""
    return request.app.compare(draft_of(request.app.bundle, [written.source]).sources)


def _publish(request: PageRequest, written: WrittenText, found: DraftCheck, bundle: Bundle) -> Response:
    """Publish the file, or propose it, if its author has seen what that changes and drops, and its examples pass."""
    unscreened = request.field("unscreened") == "yes"
    try:
        compared = _compared(request, written)
        last = Screening(column=request.app.context.get(ScreenedColumns).last(bundle, found.policy))
        screening = last if unscreened else _screening(request, bundle, found.policy)
        refusal = _refusal(request, written, found, compared) or ("" if unscreened else _unscreened(screening))
        if refusal:
            edited = Edited(
                error=refusal,
                compared=compared,
                screening=screening,
                column=screening.column,
                dropped=request.fields("drop"),
                status=422,
            )
            return _page(request, written, edited, found)
        compared = replace(compared, source=f"{_SOURCE}: {found.policy}", screened=not unscreened)
        proposal = request.app.put_in_force(compared, by=request.person.id)
    except (PolicyErrors, PublishedMeanwhile) as error:
        return _page(request, written, Edited(error=str(error), status=422), found)
    return redirect(f"/policies/{quote(found.policy)}" if proposal is None else f"/proposals/{proposal}")


def _refusal(request: PageRequest, written: WrittenText, found: DraftCheck, compared: ComparedBundle) -> str:
    """Why the file is not published now; empty: it is."""
    nothing = _nothing_published()
    if found.moved is not None:
        text = _("Somebody else changed this policy since you began. See what they changed, and take it over.")
        return f"{text} {nothing}"
    if compared.in_force != request.field("in_force") or digest(written.text) != request.field("compared"):
        text = _("This is not what you have seen: look at what it changes now.")
        return f"{text} {nothing}"
    if compared.changes is not None and not compared.changes:
        return _("Nothing differs from what is in force, so there is nothing to publish.")
    if compared.failed:
        count = len(compared.failed)
        failing = ngettext("An example fails.", "%(n)d examples fail.", count) % {"n": count}
        return f"{failing} {nothing}"
    untold = {one.name for one in compared.changes.dropped} if compared.changes is not None else set()
    if untold - set(request.fields("drop")):
        text = _("Something would act no more: tick what shall go.")
        return f"{text} {nothing}"
    return ""


def _unscreened(screening: Screening) -> str:
    """Why the file is not published on what the detectors find in its examples; empty: it is."""
    if screening.column is not None and not screening.failed:
        return ""
    count = len(screening.failed)
    failing = ngettext("An example fails as screened.", "%(n)d examples fail as screened.", count) % {"n": count}
    why = screening.problem or (failing if count else _("The examples are still being screened."))
    return f"{why} {_nothing_published()}"


def digest(text: str) -> str:
    """By which the form says which text its author has seen the changes of."""
    return sha256(text.encode()).hexdigest()


# -- the page --------------------------------------------------------------------------------------------------------


def _page(request: PageRequest, written: WrittenText, edited: Edited, found: DraftCheck | None = None) -> Response:
    found = found or check_draft(request, written)
    content_type = _content_type(request, found)
    fields = [] if content_type is None else [spec for spec in content_type.fields if spec.type not in FILES]
    response = render(
        request,
        "publish/editor.html",
        status=edited.status,
        written=written,
        address=f"/policies/{quote(written.name)}/edit" if written.name else "/drafts/new",
        policy=request.app.bundle.policy(written.name),
        check=found,
        edited=edited,
        creators={} if edited.compared is None else request.app.creators_concerned(edited.compared.bundle),
        column=edited.column,
        looks=LOOKS,
        unscreened=request.field("unscreened") == "yes",
        compared_digest=digest(written.text),
        types=sorted(request.app.bundle.content_types),
        chosen="" if content_type is None else content_type.name,
        inputs=field_inputs(request, "field", fields),
        attributes=[] if content_type is None else field_inputs(request, "actor", attributes_of(content_type)),
        age=request.field("actor.age"),
        asks_language=content_type is None or content_type.field_with_role(FieldRole.LANGUAGE) is None,
        language_code=request.field("language"),
        sides=sides_of(edited.tried),
        needs_approval=request.app.needs_approval,
        unsaved=found.differs and (request.http.method == "POST" or bool(request.query("mode"))),
    )
    if edited.retry_after_s is not None:
        response.headers["Retry-After"] = str(edited.retry_after_s)
    return response


def _content_type(request: PageRequest, found: DraftCheck | None = None) -> ContentType | None:
    """The type that is tried: the chosen one, else the first that the policy applies to."""
    types = request.app.bundle.content_types
    policy = found.bundle.policy(found.policy) if found is not None and found.bundle is not None else None
    names = [request.field("type"), *(policy.applies_to if policy is not None else ()), "comment", *types]
    return next((types[name] for name in names if name in types), None)


def _first_text(bundle: Bundle) -> str:
    """A file that is accepted as it is, and shows what a policy consists of."""
    types = bundle.content_types
    name = "comment" if "comment" in types else next(iter(sorted(types)), "comment")
    texts = [spec.name for spec in types[name].fields if spec.type is FieldType.TEXT] if name in types else []
    return _FIRST.replace("TYPE", name).replace("FIELD", next(iter(texts), "body"))


_FIRST: Final = """\
policy: new-policy
title: New policy
owner: policy-team
applies_to: [TYPE]
harm: spam
definition: >-
  What is not allowed, in words that reviewers apply.
guidance: |
  Which cases are hard, and how to decide them.
statement:
  ground: incompatible
  clause: Community rules, 1
rules:
  - id: first
    mode: shadow
    when: contains(text, "words to look for")
    do: [review(queue="spam")]
examples:
  - name: what must be found
    item: {TYPE: {FIELD: "Here are the words to look for."}}
    expect: {verdict: allow, shadow: [first]}
"""


PAGES = (
    Page(path="/drafts/new", run=show_new, permission=Permission.PUBLISH_POLICIES),
    Page(
        path="/drafts/new",
        run=write_new,
        permission=Permission.PUBLISH_POLICIES,
        method="POST",
        form_bytes=_FORM_BYTES,
    ),
    Page(
        path="/drafts/check",
        run=check,
        permission=Permission.PUBLISH_POLICIES,
        method="POST",
        form_bytes=_FORM_BYTES,
    ),
    Page(
        path="/drafts/check.json",
        run=check_as_json,
        permission=Permission.PUBLISH_POLICIES,
        method="POST",
        form_bytes=_FORM_BYTES,
    ),
    Page(path="/policies/{policy}/edit", run=show, permission=Permission.PUBLISH_POLICIES),
    Page(
        path="/policies/{policy}/edit",
        run=write,
        permission=Permission.PUBLISH_POLICIES,
        method="POST",
        form_bytes=_FORM_BYTES,
    ),
)
