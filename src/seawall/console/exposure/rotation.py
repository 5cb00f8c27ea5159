"""Which cases a person is given: none during a break, else those of harms with budget left and not opted out of."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from seawall import review
from seawall.access import Permission
from seawall.console import active_bundle
from seawall.console.child_safety import may_see_all
from seawall.console.request import PageRequest, redirect
from seawall.model import now_ms
from seawall.review import exposure
from seawall.review.queries import get_case


def standing_of(request: PageRequest) -> exposure.Standing:
    """Where the person stands with their budget and breaks now."""
    app = request.app
    return exposure.standing_of(app.database, app.context.get(exposure.Wellbeing), request.person.id, now_ms())


def pause(request: PageRequest, done: str = "") -> Response:
    """Instead of a next case during a break: to the case that the person still holds, else to their exposure."""
    with request.app.database.read() as connection:
        held = review.case_held_by(connection, request.person.id, now_ms())
    if held is None:
        return to_exposure(done)
    return redirect(f"/cases/{held}" + (f"?done={quote(done)}" if done else ""))


def refuse_case(request: PageRequest, case_id: str) -> Response | None:
    """To the person's exposure if they may not take this case now; one that they hold may be finished."""
    app, now = request.app, now_ms()
    with app.database.read() as connection:
        case = get_case(connection, case_id, now)
    if case is None or case.holder == request.person.id:
        return None
    wellbeing = app.context.get(exposure.Wellbeing)
    return None if exposure.allowed(app.database, wellbeing, request.person.id, case.harm, now) else to_exposure()


def others_wait(
    request: PageRequest,
    queue: str | None,
    content_type: str | None,
    abilities: review.Abilities = review.ANY_CASE,
) -> bool:
    """Whether cases wait here that suit these abilities, though this person is given none of them now."""
    with request.app.database.read() as connection:
        return review.is_waiting(
            connection,
            request.person.id,
            now_ms(),
            queue=queue,
            content_type=content_type,
            child_safety=may_see_all(request),
            push=active_bundle.queues(request.app).push(),
            scopes=request.person.scopes(Permission.REVIEW),
            abilities=abilities,
        )


def to_exposure(done: str = "") -> Response:
    """To the page that says why there is no next case, and until when."""
    return redirect("/exposure?paused=1" + (f"&done={quote(done)}" if done else ""))
