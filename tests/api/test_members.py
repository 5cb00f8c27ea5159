"""A member named twice is found whatever the request holds, and a request without one never pays for the search."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.api.errors import ApiProblem
from seawall.api.members import may_repeat, refuse_repeated
from seawall.api.screening import ItemsRequest, ScreenRequest

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "content_type": "note",
        "id": draw(st.text(max_size=4)),
        "fields": draw(st.dictionaries(st.text(max_size=3), VALUES, max_size=4)),
    }
    if draw(st.booleans()):
        asked["actor"] = {"id": "u"}
        if draw(st.booleans()):
            asked["actor"]["attributes"] = draw(st.dictionaries(st.text(max_size=3), VALUES, max_size=2))
    for name, value in (("language", "en"), ("created_at", None), ("deadline_ms", 5)):
        if draw(st.booleans()):
            asked[name] = value
    return asked


def _written(value: Any, ascii_only: bool, twice: Any) -> str:
    """JSON with the members of one object, ``twice``, written two times."""
    if isinstance(value, dict):
        pairs = [
            f"{json.dumps(name, ensure_ascii=ascii_only)}:{_written(inner, ascii_only, twice)}"
            for name, inner in value.items()
        ]
        return "{" + ",".join(pairs * 2 if value is twice else pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_written(inner, ascii_only, twice) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=ascii_only)


def _objects(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [found for inner in value for found in _objects(inner)]
    if not isinstance(value, dict):
        return []
    return ([value] if value else []) + [found for inner in value.values() for found in _objects(inner)]


@given(asked=requests(), ascii_only=st.booleans(), data=st.data())
def test_every_repeated_member_is_found(asked: dict[str, Any], ascii_only: bool, data: st.DataObject) -> None:
    once = _written(asked, ascii_only, None).encode()
    refuse_repeated(once)
    twice = _written(asked, ascii_only, data.draw(st.sampled_from(_objects(asked)))).encode()
    assert may_repeat(twice, msgspec.json.decode(twice, type=ScreenRequest))
    with pytest.raises(ApiProblem) as found:
        refuse_repeated(twice)
    assert "twice" in found.value.detail
    batch = b'{"items":[' + once + b"," + twice + b"]}"
    assert may_repeat(batch, msgspec.json.decode(batch, type=ItemsRequest))


def test_an_ordinary_request_is_not_read_twice() -> None:
    body = json.dumps(
        {"content_type": "comment", "id": "c-1", "fields": {"body": "see: http://a"}, "actor": {"id": "u"}}
    ).encode()
    assert not may_repeat(body, msgspec.json.decode(body, type=ScreenRequest))
