"""Languages and skills on pages: which cases suit the person, why one does not, and which cases suit nobody."""

from __future__ import annotations

from sqlalchemy import Connection

from seawall import review
from seawall.access import Permission, Person, Roles, list_people, signed_in_people
from seawall.app import App
from seawall.console import active_bundle
from seawall.console.child_safety import may_see_all
from seawall.console.languages import gettext as _
from seawall.console.request import PageRequest
from seawall.model.stored_items import ItemLanguages
from seawall.review.queries import CaseRow
from seawall.screen.queries import item_languages


def abilities(app: App, person: Person) -> review.Abilities:
    """Which cases suit the person."""
    queues = active_bundle.queues(app)
    return review.abilities_of(queues, person.languages, person.skills, item_languages=item_languages())


def why_unsuitable(request: PageRequest, case: CaseRow) -> list[str]:
    """Why the person is not given this open case, in sentences; they may take it all the same. Empty: it suits them."""
    person, queue = request.person, active_bundle.queues(request.app).of(case.queue)
    if case.state != review.CaseState.OPEN or not request.may(Permission.REVIEW):
        return []
    found = []
    if person.languages is not None:
        known = request.app.context.get(ItemLanguages).languages_of([case.item])
        language, mine = known.get(case.item), ", ".join(person.languages)
        if language is not None and language not in person.languages:
            text = _("This is in the language %(language)s, and those that you have stated are %(mine)s.")
            found.append(text % {"language": language, "mine": mine})
        if not review.reads_queue(queue, person.languages):
            text = _(
                "This queue is for people who read %(languages)s, and the languages that you have stated are %(mine)s."
            )
            found.append(text % {"languages": ", ".join(queue.languages), "mine": mine})
    if not review.has_skills_of(queue, person.skills):
        missing = ", ".join(one for one in queue.skills if one not in (person.skills or ()))
        found.append(_("This queue needs skills that you do not have: %(skills)s.") % {"skills": missing})
    return found


def untaken(request: PageRequest, connection: Connection) -> list[review.UntakenCases]:
    """Open cases that the person may see and that nobody who is signed in is given, for a language or a skill."""
    app = request.app
    people = [one for one in list_people(app.database, app.context.get(Roles)) if one.may(Permission.REVIEW)]
    present = signed_in_people(app.database)
    reviewers = [
        review.Reviewer(
            languages=one.languages,
            skills=one.skills,
            scopes=one.scopes(Permission.REVIEW),
            present=one.id in present,
        )
        for one in people
    ]
    return review.untaken_cases(
        connection,
        active_bundle.queues(app),
        reviewers,
        item_languages(),
        child_safety=may_see_all(request),
        scopes=request.person.scopes(),
    )
