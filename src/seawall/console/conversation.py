"""View of the conversation around an item, for the item's page and the case's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from seawall.console.child_safety import hidden_items
from seawall.console.request import PageRequest
from seawall.console.summaries import Summary, known_content_types, rows_of_items, summaries
from seawall.screen import read_contents
from seawall.screen.queries import ItemRow
from seawall.screen.threads import Conversation, conversation

AROUND: Final = 5
"""Items of the thread that are shown on each side, and answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationView:
    """The items around one, and what they are about, by their surrogates."""

    around: Conversation
    summaries: Mapping[str, Summary]


def conversation_view(request: PageRequest, item: ItemRow) -> ConversationView | None:
    """None: the item stands alone, or its content is gone."""
    app = request.app
    content = read_contents(app.vault, [(item.ref, item.revision)]).get((item.ref, item.revision))
    with app.database.read() as connection:
        found = conversation(connection, app.vault, item, content, known_content_types(app), around=AROUND)
    if found is None:
        return None
    found = _seen(request, found)
    shown = [*found.before, *found.after, *found.answers, *(one for one in (found.parent, found.target) if one)]
    if not shown:
        return None  # the first of its thread
    about = summaries(request, rows_of_items(shown))
    return ConversationView(around=found, summaries=about)


def _seen(request: PageRequest, found: Conversation) -> Conversation:
    """The conversation without the items that the person may not see."""
    near = [one for one in (found.parent, found.target) if one is not None]
    every = [row.ref for row in (*found.before, *found.after, *found.answers, *near)]
    with request.app.database.read() as connection:
        hidden = hidden_items(request, connection, every)

    def seen(rows: Sequence[ItemRow]) -> list[ItemRow]:
        return [row for row in rows if row.ref not in hidden]

    return replace(
        found,
        before=seen(found.before),
        after=seen(found.after),
        answers=seen(found.answers),
        parent=None if found.parent is None or found.parent.ref in hidden else found.parent,
        target=None if found.target is None or found.target.ref in hidden else found.target,
    )
