"""What rows of a list are about, in a few words: the beginning of the title or text, and the kinds of media.

A list of ids says nothing; a reviewer opened every row to find the one that matters. Only the rows that are shown are
decrypted, all of them in one reading of the vault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from seawall import review
from seawall.app import App
from seawall.console import active_bundle
from seawall.console.child_safety import seen_rows
from seawall.console.formats import words
from seawall.console.languages import gettext as _
from seawall.console.languages import ngettext
from seawall.console.request import PageRequest
from seawall.model import ContentType, FieldRole, FieldType, is_account
from seawall.publish import NothingPublished
from seawall.review.exposure import Wellbeing
from seawall.screen import ItemContent, read_contents
from seawall.screen.queries import DecisionRow, ItemRow, harms_of_decisions

LONGEST: Final = 80
"""Characters of a summary."""

_READ: Final = 2_000  # characters that are looked at: white space may be most of them
_ORDER: Final = (FieldRole.TITLE, FieldRole.BODY, FieldRole.MEDIA, FieldRole.CONTEXT)
_TEXTS: Final = frozenset({FieldType.TEXT, FieldType.TEXTS, FieldType.LINK, FieldType.LINKS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What an item is about. ``missing``: why there are no words, where there could be some."""

    text: str = ""
    media: Sequence[str] = ()  # "image", "2 videos"
    veiled: bool = False  # the text is blurred until somebody asks for it
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarisedRow:
    """A row of a list. ``decisions`` and ``harms``: their harms decide about the blur, as on the content's own page."""

    key: str
    item: str
    revision: int
    content_type: str
    decisions: Collection[str] = ()
    harms: Collection[str | None] = ()


def rows_of_items(rows: Iterable[ItemRow], harms: Mapping[str, str | None] | None = None) -> list[SummarisedRow]:
    """Items in their newest revisions, by their surrogates. ``harms``: further ones, such as the case's."""
    known = harms or {}
    return [
        SummarisedRow(
            key=row.ref,
            item=row.ref,
            revision=row.revision,
            content_type=row.content_type,
            decisions=(row.decision,) if row.decision else (),
            harms=(known.get(row.ref),),
        )
        for row in rows
    ]


def rows_of_accounts(accounts: Iterable[str]) -> list[SummarisedRow]:
    """Accounts, by their surrogates."""
    return [SummarisedRow(key=one, item=one, revision=0, content_type=review.ACCOUNT) for one in accounts]


def rows_of_decisions(rows: Iterable[DecisionRow]) -> list[SummarisedRow]:
    """Decisions with the revisions that they are about, by their ids."""
    return [
        SummarisedRow(
            key=row.id,
            item=row.item,
            revision=row.revision,
            content_type=row.content_type,
            decisions=(row.id,),
            harms=(row.harm,),
        )
        for row in rows
    ]


def summaries(request: PageRequest, rows: Sequence[SummarisedRow]) -> dict[str, Summary]:
    """The summary of every row that the person may see, by its key; of an account it is the product's id."""
    app = request.app
    with app.database.read() as connection:
        seen = seen_rows(request, connection, rows)
    rows = [row for row in seen if not is_account(row.item)]
    accounts = [row for row in seen if is_account(row.item)]
    contents = read_contents(app.vault, {(row.item, row.revision) for row in rows})
    with app.database.read() as connection:
        found = harms_of_decisions(connection, [one for row in rows for one in row.decisions])
    types = known_content_types(app)
    veils_text = app.context.get(Wellbeing).veils_text
    ids = app.vault.open_many({(row.item, "id") for row in accounts}) if accounts else {}
    of_accounts = {row.key: _of_account(ids.get((row.item, "id"))) for row in accounts}
    return of_accounts | {
        row.key: summary_of(
            types.get(row.content_type),
            contents.get((row.item, row.revision)),
            veiled=veils_text(
                {harm for harm in (*row.harms, *(each for one in row.decisions for each in found.get(one, ()))) if harm}
            ),
        )
        for row in rows
    }


def _of_account(id: bytes | None) -> Summary:
    return Summary(missing="erased") if id is None else Summary(text=id.decode(errors="replace")[:LONGEST])


def known_content_types(app: App) -> Mapping[str, ContentType]:
    """The content types in force; none before the first publication."""
    try:
        return active_bundle.content_types(app)
    except NothingPublished:
        return {}


def summary_of(content_type: ContentType | None, content: ItemContent | None, *, veiled: bool) -> Summary:
    """The summary of one revision. ``content`` None: it was erased, or its retention ended.

    ``veiled``: texts with its harms are blurred until somebody asks for them.
    """
    if content is None:
        return Summary(missing=_("erased, or its retention ended"))
    text = " ".join(_first_text(content_type, content)[:_READ].split())
    media = Counter(one.type for one in content.media.values())
    return Summary(
        text=text[: LONGEST - 1].rstrip() + "…" if len(text) > LONGEST else text,
        media=tuple(_counted(kind, count) for kind, count in media.items()),
        veiled=bool(text) and veiled,
        missing="" if text or media else _("no text"),
    )


def _counted(kind: str, n: int) -> str:
    """``image``, ``2 videos``."""
    several = {
        "image": ngettext("%(n)d image", "%(n)d images", n),
        "audio": ngettext("%(n)d audio file", "%(n)d audio files", n),
        "video": ngettext("%(n)d video", "%(n)d videos", n),
        "document": ngettext("%(n)d document", "%(n)d documents", n),
    }
    return words(kind) if n == 1 or kind not in several else several[kind] % {"n": n}


def _first_text(content_type: ContentType | None, content: ItemContent) -> str:
    """The title, else the body, else another text that people wrote. Fields of an unknown type come as they are."""
    if content_type is None:
        names: Sequence[str] = sorted(content.fields)
    else:
        specs = [spec for spec in content_type.fields if spec.role in _ORDER and spec.type in _TEXTS]
        names = [spec.name for spec in sorted(specs, key=lambda spec: _ORDER.index(spec.role))]
    for name in names:
        value = content.fields.get(name)
        entries = value if isinstance(value, list | tuple) else [value]
        if text := ", ".join(entry for entry in entries if isinstance(entry, str) and entry.strip()):
            return text
    return ""
