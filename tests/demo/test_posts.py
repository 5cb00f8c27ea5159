"""The simulated platform's people: repeatable, various, and only what content types allow."""

from __future__ import annotations

import base64
from itertools import islice
from typing import Any

import pytest

from seawall.content import load_content_type, validate_item
from seawall.demo.posts import DemoPost, load_script, posts, showcase
from seawall.shipped import content_types

NOW = 1_795_000_000_000


def some(seed: int = 5, count: int = 400) -> list[DemoPost]:
    return list(islice(posts(seed, NOW), count))


def as_request(post: DemoPost) -> dict[str, Any]:
    fields = {
        name: {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
        for name, value in post.fields.items()
    }
    actor = {"id": post.actor, "attributes": dict(post.actor_attributes)}
    return {"id": post.id, "fields": fields, "actor": actor, "language": post.language}


def test_the_same_seed_gives_the_same_posts() -> None:
    assert some(seed=11, count=120) == some(seed=11, count=120)


def test_another_seed_gives_other_posts() -> None:
    assert some(seed=11, count=30) != some(seed=12, count=30)


def test_every_post_fits_its_content_type() -> None:
    types = {name: load_content_type(content_types.read(name), name) for name in content_types.names()}
    for post in (*some(), *showcase(NOW)):
        item = validate_item(types[post.content_type], as_request(post))  # raises ItemError otherwise
        assert (item.id, item.actor) == (post.id, post.actor)


def test_every_content_type_occurs() -> None:
    assert {post.content_type for post in (*some(), *showcase(NOW))} == set(content_types.names())


def test_most_posts_are_harmless() -> None:
    harmful = {scene.name for scene in load_script().scenes if scene.harm is not None}
    seen = some(count=1000)
    assert 0.1 < sum(post.scene in harmful for post in seen) / len(seen) < 0.3


def test_an_edit_keeps_id_type_and_author_and_changes_words() -> None:
    seen = some(count=1500)
    edits = [post for post in seen if post.edits]
    assert edits
    for edit in edits:
        earlier = next(post for post in seen if post.id == edit.id)
        assert (earlier.content_type, earlier.actor) == (edit.content_type, edit.actor)
    assert any(edit.fields != next(post for post in seen if post.id == edit.id).fields for edit in edits)


def test_ids_are_used_again_only_by_edits() -> None:
    fresh = [post.id for post in some() if not post.edits]
    assert len(fresh) == len(set(fresh))


@pytest.mark.parametrize("scene", load_script().scenes, ids=lambda scene: scene.name)
def test_no_slot_is_left_empty(scene: Any) -> None:
    slots = load_script().slots
    for variant in scene.variants:
        for value in variant.values():
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, str):
                    assert "{" not in text.format(**{name: words[0] for name, words in slots.items()})
