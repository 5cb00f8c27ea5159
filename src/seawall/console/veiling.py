"""What softens content on a page: the harm's floor from the file of well-being, and what the person chose beyond it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from seawall import access
from seawall.access import Preferences
from seawall.console.item_view import ItemView
from seawall.console.letters import unveil_key_of
from seawall.console.request import PageRequest
from seawall.review.exposure import BLURS, Wellbeing, gravest_harm


@dataclass(frozen=True, slots=True, kw_only=True)
class Veiling:
    """How a page shows content. ``blur`` of media and, where ``text``, of texts: a name of ``BLURS``, none: no veil.

    ``key`` lifts every veil of the page. ``text_first``: media are not loaded until they are asked for.
    """

    blur: str
    text: bool
    greyscale: bool
    mute: bool
    text_first: bool
    key: str

    @property
    def media(self) -> bool:
        """Whether media are behind a veil."""
        return self.blur != BLURS[0]

    @property
    def controls(self) -> tuple[str, ...]:
        """What is on, by the names that exposure records."""
        found = {"blur": self.media, "greyscale": self.greyscale, "mute": self.mute, "text_first": self.text_first}
        return tuple(name for name, on in found.items() if on)


def veiling_of(wellbeing: Wellbeing, chosen: Preferences, harms: Iterable[str | None]) -> Veiling:
    """The floor of the gravest of these harms, or more if the person chose more."""
    known = {harm for harm in harms if harm is not None}
    floor, text = wellbeing.floor(known), wellbeing.veils_text(known)
    text_first = bool(known & wellbeing.text_first)
    blur = max(floor.blur, min(max(chosen.blur, 0), len(BLURS) - 1), 1 if text or text_first else 0)
    return Veiling(
        blur=BLURS[blur],
        text=text,
        greyscale=floor.greyscale or chosen.greyscale,
        mute=floor.mute or chosen.mute,
        text_first=text_first,
        key=unveil_key_of(chosen),
    )


def open_content(request: PageRequest, seen: ItemView, harms: Iterable[str | None], page: str) -> Veiling:
    """How this page shows the content, which is recorded as viewed: call it before showing."""
    found = frozenset(harms)
    veiling = veiling_of(request.app.context.get(Wellbeing), request.preferences, found)
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
        harm=gravest_harm(found),
        shown=tuple(shown),
        veiled=tuple(veiled),
        controls=veiling.controls,
    )
    return veiling
