"""One's own settings: name, password, sessions, theme, veils, letters of actions, harms that one is not given,
languages that one reads."""

from __future__ import annotations

import re
from typing import Final

import msgspec
from starlette.responses import Response

from seawall import access
from seawall.access import Preferences
from seawall.console.access.sign_in import browser_of
from seawall.console.languages import LANGUAGES, marked, pgettext
from seawall.console.languages import gettext as _
from seawall.console.letters import letters_of, problem_with, unveil_key_of
from seawall.console.request import Page, PageRequest, json_response, missing, redirect
from seawall.console.review.case import ACTION_KEYS
from seawall.console.templates import render
from seawall.model import HARMS
from seawall.review import exposure

_THEMES: Final = ("", "light", "dark")
_STRENGTHS: Final = (marked("none"), marked("light"), marked("medium"), marked("strong"))  # words of ``exposure.BLURS``
_SAVED: Final = {
    "name": marked("Your name is changed."),
    "password": marked("Your password is changed. Your other sessions have ended."),
    "session": marked("The session has ended."),
    "sessions": "Your other sessions have ended.",
    "look": marked("Language, theme and veils are changed."),
    "letters": marked("The letters are changed."),
    "opt-outs": marked("Saved. Cases of these harms go to others."),
    "languages": marked("Saved. Cases in other languages go to others."),
    "any-language": marked("Saved. You are given cases of any language."),
}


def show(request: PageRequest) -> Response:
    """The settings."""
    return _page(request)


def change_name(request: PageRequest) -> Response:
    """Change one's name, as colleagues see it."""
    try:
        access.rename_person(request.app.ledger, request.person.id, request.field("name"))
    except access.AccessError as error:
        return _page(request, error=_(str(error)))
    return _saved("name")


def change_password(request: PageRequest) -> Response:
    """Change one's password, which ends one's other sessions; the present one is asked, and attempts are throttled."""
    address = request.http.client.host if request.http.client else ""
    person, app = request.person, request.app
    browser = browser_of(request.context, request.http)
    try:
        access.authenticate(
            app.database, request.context.throttle, person.email, request.field("old"), address, browser
        )
        access.change_own_password(app.ledger, person.id, request.field("new"), token=_token(request))
    except access.SignInFailed:
        return _page(request, error=_("The old password is incorrect."))
    except access.AccessError as error:
        return _page(request, error=_(str(error)))
    return _saved("password")


def end_session(request: PageRequest) -> Response:
    """End one of one's own sessions."""
    if not access.end_session_of(request.app.database, request.person.id, request.path_param("session")):
        raise missing(marked("session"))
    return _saved("session")


def end_other_sessions(request: PageRequest) -> Response:
    """End all of one's own sessions but this one."""
    access.end_other_sessions(request.app.database, request.person.id, _token(request))
    return _saved("sessions")


def change_look(request: PageRequest) -> Response:
    """Change language, theme, blur, greyscale and mute."""
    blur = request.field("blur")
    if blur not in exposure.BLURS or request.field("theme") not in _THEMES:
        return _page(request, error=_("Choose a theme and a strength of blur from the lists."))
    language = request.field("language")
    if language not in ("", *LANGUAGES):
        return _page(request, error=_("Choose a language from the list."))
    _save(
        request,
        language=language,
        theme=request.field("theme"),
        blur=exposure.BLURS.index(blur),
        greyscale=bool(request.field("greyscale")),
        mute=bool(request.field("mute")),
        blur_faces=bool(request.field("blur_faces")),
    )
    return _saved("look")


def change_faces(request: PageRequest) -> Response:
    """Blur faces in images, or show them: what the button at an image remembers."""
    blurred = request.field("blur") == "yes"
    _save(request, blur_faces=blurred)
    return json_response({"blurred": blurred})


def change_letters(request: PageRequest) -> Response:
    """Change the letters of actions and the key that lifts veils. An empty one is the default."""
    chosen = {kind: request.field(f"letter.{kind}").strip().lower() or ACTION_KEYS[kind] for kind in ACTION_KEYS}
    key = request.field("unveil_key").strip().lower() or Preferences().unveil_key
    if problem := problem_with(chosen, key):
        return _page(request, error=problem)
    own = {kind: letter for kind, letter in chosen.items() if letter != ACTION_KEYS[kind]}
    _save(request, letters=own, unveil_key=key)
    return _saved("letters")


def change_opt_outs(request: PageRequest) -> Response:
    """Change the harms whose cases one is not given."""
    harms = request.fields("harm")
    if unknown := [harm for harm in harms if harm not in HARMS]:
        return _page(request, error=_("There is no harm '%(harm)s'. Choose from the list.") % {"harm": unknown[0][:40]})
    _save(request, opt_outs=frozenset(harms))
    return _saved("opt-outs")


def change_languages(request: PageRequest) -> Response:
    """State the languages that one reads; none: not stated."""
    codes = [code for code in re.split(r"[\s,;]+", request.field("languages")) if code]
    try:
        access.change_own_languages(request.app.ledger, request.person.id, codes)
    except access.AccessError as error:
        return _page(request, error=_(str(error)))
    return _saved("languages" if codes else "any-language")


def _save(request: PageRequest, **changes: object) -> None:
    chosen = msgspec.structs.replace(request.preferences, **changes)
    access.save_preferences(request.app.database, request.person.id, chosen)


def _saved(what: str) -> Response:
    return redirect(f"/account?saved={what}")


def _token(request: PageRequest) -> str:
    return request.http.cookies.get(request.context.cookie, "")


def _page(request: PageRequest, *, error: str = "") -> Response:
    chosen, sent = request.preferences, request.form
    letters = {
        kind: request.field(f"letter.{kind}") if f"letter.{kind}" in sent else letter
        for kind, letter in letters_of(chosen, ACTION_KEYS).items()
    }
    return render(
        request,
        "access/account.html",
        status=422 if error else 200,
        sessions=access.sessions_of(request.app.database, request.person.id, _token(request)),
        chosen=chosen,
        languages=LANGUAGES,
        themes={"": _("as the system"), "light": pgettext("theme", "light"), "dark": pgettext("theme", "dark")},
        blurs=exposure.BLURS,
        floors=request.app.context.get(exposure.Wellbeing).veils,
        letters=letters,
        unveil_key=request.field("unveil_key") or unveil_key_of(chosen),
        reads=request.field("languages") if "languages" in sent else ", ".join(request.person.languages or ()),
        harms=sorted(HARMS.values(), key=lambda harm: (-harm.severity, harm.title)),
        saved=_SAVED.get(request.query("saved"), ""),
        error=error,
    )


PAGES = (
    Page(path="/account", run=show),
    Page(path="/account/name", run=change_name, method="POST"),
    Page(path="/account/password", run=change_password, method="POST"),
    Page(path="/account/sessions/{session}/end", run=end_session, method="POST"),
    Page(path="/account/sessions/end-others", run=end_other_sessions, method="POST"),
    Page(path="/account/look", run=change_look, method="POST"),
    Page(path="/account/faces", run=change_faces, method="POST"),
    Page(path="/account/letters", run=change_letters, method="POST"),
    Page(path="/account/opt-outs", run=change_opt_outs, method="POST"),
    Page(path="/account/languages", run=change_languages, method="POST"),
)
