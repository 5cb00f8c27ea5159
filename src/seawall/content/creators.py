"""Creators: the accounts in whose places items stand, such as the owner of the page under which a comment is."""

from __future__ import annotations

from seawall.model import ContentType, Item


def creator_of(item: Item, content_type: ContentType) -> str | None:
    """The platform's id of the account in whose place an item stands; None: nobody's, or nobody said."""
    if content_type.creator is None:
        return None
    owner, _, name = content_type.creator.partition(".")
    value = (item.fields if owner == "item" else item.actor_attributes).get(name)
    return value if isinstance(value, str) and value else None
