"""How a reviewer came to an answer: what was opened, what was left as proposed, how long it took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from seawall import review
from seawall.console import active_bundle
from seawall.console.child_safety import check_item
from seawall.console.field_views import FieldView, field_views
from seawall.console.languages import marked
from seawall.console.request import PageRequest
from seawall.console.veiling import Veiling, harms_of, veiling_of
from seawall.enforce.queries import enforcements_of_item
from seawall.model import Action, now_ms
from seawall.review.exposure import Wellbeing
from seawall.review.queries import CaseRow, get_case
from seawall.screen import load_decision, read_content
from seawall.screen.queries import get_item
from seawall.storage import Erased

_LONGEST_S: Final = 24 * 3600.0


def must_open(veiling: Veiling, fields: Sequence[FieldView]) -> bool:
    """Whether nothing of the item is seen before a veil is lifted, and some of it is an image, sound or a video."""
    screened = [field for field in fields if field.screened]
    media, text = any(field.media is not None for field in screened), any(field.texts for field in screened)
    return veiling.media and media and (veiling.text or not text)


def attention(request: PageRequest, answer: review.ReviewAnswer) -> review.Attention:
    """What the form says of it. Raises BadAnswer when a violation is found in media that nobody opened."""
    app = request.app
    unveiled = _number(request.field("unveiled"))
    by_evidence = request.field("by_evidence") == "1"
    with app.database.read() as connection:
        case = get_case(connection, request.path_param("case"), now_ms())
        head = None if case is None else get_item(connection, case.item)
        enforced = () if case is None else enforcements_of_item(connection, case.item, limit=200)
    if case is not None and case.subject == review.ACCOUNT:
        return _of_account(request, answer, case)
    if case is None or head is None:
        raise review.NoSuchCase
    with app.database.read() as connection:
        check_item(request, connection, case.item)
    kind = active_bundle.content_types(app).get(head.content_type)
    decided = load_decision(app.database, head.decision).actions if head.decision else ()
    in_force = [Action(one.kind, one.parameters) for one in enforced if one.state == "active"]
    proposed = review.preset_actions(kind, (*decided, *in_force)) if kind is not None else {}
    if answer.answer == review.VIOLATES and not unveiled and not by_evidence and kind is not None:
        try:
            content = read_content(app.vault, head.ref, head.revision)
        except (Erased, KeyError):
            content = None
        wellbeing, harms = app.context.get(Wellbeing), harms_of(app, head.ref, head.revision)
        veiling = veiling_of(wellbeing, request.preferences, harms)
        if content is not None and must_open(veiling, field_views(kind, content, (), whole=False)):
            raise review.BadAnswer(
                marked(
                    "Open the veiled content, or say that you judge by the evidence: an answer about what nobody "
                    "looked at is none."
                )
            )
    untouched = [one.kind for one in answer.actions if proposed.get(one.kind) == one]
    if answer.policy is not None and answer.policy == case.policy:
        untouched.insert(0, "policy")
    return review.Attention(
        seconds=_seconds(request),
        unveiled=unveiled,
        untouched=tuple(untouched),
        by_evidence=by_evidence,
    )


def _of_account(request: PageRequest, answer: review.ReviewAnswer, case: CaseRow) -> review.Attention:
    """Nothing of an account is veiled as a whole, and no action is proposed."""
    return review.Attention(
        seconds=_seconds(request),
        unveiled=_number(request.field("unveiled")),
        untouched=("policy",) if answer.policy is not None and answer.policy == case.policy else (),
        by_evidence=False,
    )


def _seconds(request: PageRequest) -> float:
    """With the page open."""
    shown_at = _number(request.field("shown_at"))
    return min(_LONGEST_S, max(0.0, (now_ms() - shown_at) / 1000)) if shown_at else 0.0


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else 0
