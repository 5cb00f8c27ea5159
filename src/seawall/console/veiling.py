"""What softens content on a page: the harm's floor from the file of well-being, and what the person chose beyond it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from seawall import access
from seawall.access import Preferences
from seawall.app import App
from seawall.console.item_view import ItemView, evaluation_of
from seawall.console.languages import marked
from seawall.console.letters import unveil_key_of
from seawall.console.request import PageRequest, missing
from seawall.model import Decision, ItemRef, now_ms
from seawall.review.exposure import BLURS, Wellbeing, gravest_harm
from seawall.review.queries import CaseRow, case_of_item
from seawall.screen import FAIL_MODE_POLICY, FAIL_MODE_RULES, load_decision
from seawall.screen.queries import get_item, newest_decision_of_revision

_ALONE = frozenset({"document", "iframe", "embed", "object"})  # what a browser fetches a file for when it is a page


@dataclass(frozen=True, slots=True, kw_only=True)
class Veiling:
    """How a page shows content. ``blur`` of media and, where ``text``, of texts: a name of ``BLURS``, none: no veil.

    ``key`` lifts every veil of the page. ``text_first``: media are not loaded until they are asked for. ``faces``:
    those found in images are blurred, also when the veil is lifted.
    """

    blur: str
    text: bool
    greyscale: bool
    mute: bool
    text_first: bool
    key: str
    faces: bool

    @property
    def media(self) -> bool:
        """Whether media are behind a veil."""
        return self.blur != BLURS[0]

    @property
    def controls(self) -> tuple[str, ...]:
        """What is on, by the names that exposure records."""
        found = {"blur": self.media, "greyscale": self.greyscale, "mute": self.mute, "text_first": self.text_first}
        return tuple(name for name, on in found.items() if on)


def harms_in(case: CaseRow | None, decision: Decision | None) -> frozenset[str | None]:
    """The harms that a case and an evaluation name; None among them: something about the content is not known.

    A fail mode names a harm only because it must: it found nothing.
    """
    harms: set[str | None] = set()
    if decision is not None:
        harms = {one.harm for one in decision.reasons if not _is_fail_mode(one.policy, one.rule)}
    if case is not None and case.harm is not None and not _is_fail_mode(case.policy, case.rule):
        harms.add(case.harm)
    if decision is None or decision.degraded or not harms:
        harms.add(None)
    return frozenset(harms)


def _is_fail_mode(policy: str | None, rule: str | None) -> bool:
    return policy == FAIL_MODE_POLICY and rule in FAIL_MODE_RULES


def veiling_of(wellbeing: Wellbeing, chosen: Preferences, harms: Collection[str | None]) -> Veiling:
    """The floor of the gravest of these harms, or more if the person chose more."""
    known = {harm for harm in harms if harm is not None}
    floor, text = wellbeing.floor(harms), wellbeing.veils_text(known)
    text_first = bool(known & wellbeing.text_first)
    blur = max(floor.blur, min(max(chosen.blur, 0), len(BLURS) - 1), 1 if text or text_first else 0)
    return Veiling(
        blur=BLURS[blur],
        text=text,
        greyscale=floor.greyscale or chosen.greyscale,
        mute=floor.mute or chosen.mute,
        text_first=text_first,
        key=unveil_key_of(chosen),
        faces=chosen.blur_faces,
    )


def open_content(request: PageRequest, seen: ItemView, case: CaseRow | None, page: str) -> Veiling:
    """How this page shows the content, which is recorded as viewed: call it before showing."""
    harms = harms_in(case, seen.evaluation or seen.decision)
    veiling = veiling_of(request.app.context.get(Wellbeing), request.preferences, harms)
    shown: list[str] = []
    veiled: list[str] = []
    for one in seen.fields if not seen.erased else ():
        if not one.screened:
            continue
        modality = "text" if one.media is None else one.media.type
        behind = veiling.text if modality in ("text", "document") else veiling.media
        (veiled if behind else shown).append(modality)
    access.record_view(
        request.app.database,
        request.app.ledger,
        request.person.id,
        seen.item,
        page,
        harm=gravest_harm(harms),
        shown=tuple(shown),
        veiled=tuple(veiled),
        controls=veiling.controls,
    )
    return veiling


def harms_of(app: App, ref: str, revision: int) -> frozenset[str | None]:
    """Those of an item's case and of the decision about this revision (see ``harms_in``). Raises Problem 404."""
    with app.database.read() as connection:
        head = get_item(connection, ref)
        if head is None or not 1 <= revision <= head.revision:
            raise missing(marked("item"))
        case = case_of_item(connection, ref, now_ms())
        decision = head.decision
        if revision != head.revision:
            decision = newest_decision_of_revision(connection, ref, revision)
    made = load_decision(app.database, decision) if decision else None
    return harms_in(case, (evaluation_of(app, made) or made) if made is not None else None)


def blind_veiling(request: PageRequest) -> Veiling:
    """How a page shows content that must not tell what was found in it."""
    chosen = request.preferences
    return Veiling(
        blur=BLURS[-1],
        text=True,
        greyscale=True,
        mute=True,
        text_first=False,
        key=unveil_key_of(chosen),
        faces=chosen.blur_faces,
    )


def open_file(request: PageRequest, item: ItemRef, modality: str) -> None:
    """Record that a file is fetched. By its own address, not inside a page that counts its veil, it is seen at once."""
    alone = modality == "document" or request.http.headers.get("sec-fetch-dest") in _ALONE
    harms = harms_of(request.app, item.ref, item.revision) if alone else ()
    access.record_view(
        request.app.database,
        request.app.ledger,
        request.person.id,
        item,
        "media_alone" if alone and modality != "document" else "media",
        harm=gravest_harm(harms),
        shown=(modality,) if alone else (),
    )
