"""A guarded function is called when its content may be published, and the fake stands in for Seawall."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from seawall.client import ContentBlocked, ContentHeld, NotFound, NotPublished, ScreenResult, Submission, Unreachable
from seawall.client.testing import FakeAsyncSeawall, FakeCall, FakeSeawall


@pytest.fixture
def fake() -> Iterator[FakeSeawall]:
    with FakeSeawall() as made:
        made.when("buy followers", verdict="block", policy="spam", harm="spam")
        made.when("perhaps", verdict="hold", policy="harassment", harm="harassment")
        yield made


def test_allowed_content_is_published(fake: FakeSeawall) -> None:
    @fake.guard("comment", id="comment_id", fields={"body": "text", "reply_to": "parent"}, actor="user_id")
    def post(comment_id: int, user_id: int, text: str, parent: str | None = None) -> str:
        """Post it."""
        return f"{user_id}: {text}"

    assert post(7, 42, text="hello") == "42: hello"
    call = fake.calls[0]
    assert (call.content_type, call.id, call.actor, call.fields) == ("comment", "7", "42", {"body": "hello"})
    assert call.idempotency_key
    assert (post.__name__, post.__doc__) == ("post", "Post it.")


def test_blocked_and_held_content_is_not(fake: FakeSeawall) -> None:
    published = []

    @fake.guard(
        "comment", id=lambda arguments: f"c-{arguments['number']}", fields={"body": lambda a: a["text"].strip()}
    )
    def post(number: int, text: str) -> None:
        published.append(text)

    with pytest.raises(ContentBlocked, match=r"blocked: spam \(decision dec_1\)") as blocked:
        post(1, "  BUY followers now ")
    assert blocked.value.answer.reasons[0].policy == "spam"
    assert blocked.value.decision == "dec_1"
    with pytest.raises(ContentHeld, match="held: harassment"):
        post(2, "perhaps")
    with pytest.raises(NotPublished):
        post(3, "perhaps")
    assert published == []
    assert fake.calls[0].fields == {"body": "BUY followers now"}


def test_held_content_may_be_handed_over(fake: FakeSeawall) -> None:
    @fake.guard("comment", id="number", fields={"body": "text"}, hold="call")
    def post(number: int, text: str, screening: ScreenResult) -> tuple[bool, str | None]:
        return screening.held, screening.decision

    assert post(1, "perhaps") == (True, "dec_1")  # type: ignore[call-arg]
    with pytest.raises(ContentBlocked):
        post(2, "buy followers")  # type: ignore[call-arg]


def test_without_seawall_the_choice_counts(fake: FakeSeawall) -> None:
    fake.unreachable = True

    def post(number: int, text: str) -> str:
        return text

    strict = fake.guard("comment", id="number", fields={"body": "text"}, deadline_ms=20)(post)
    careful = fake.guard("comment", id="number", fields={"body": "text"}, deadline_ms=20, on_unreachable="hold")(post)
    easy = fake.guard("comment", id="number", fields={"body": "text"}, deadline_ms=20, on_unreachable="allow")(post)
    with pytest.raises(Unreachable):
        strict(1, "hello")
    with pytest.raises(ContentHeld, match="Seawall was unreachable") as held:
        careful(1, "hello")
    assert held.value.answer.degraded
    assert easy(1, "hello") == "hello"


def test_mistakes_are_found_when_the_function_is_decorated(fake: FakeSeawall) -> None:
    def post(number: int, text: str) -> None:
        raise AssertionError

    async def post_later(number: int, text: str) -> None:
        raise AssertionError

    with pytest.raises(TypeError, match=r"no parameter 'txt'\. It has: number, text"):
        fake.guard("comment", id="number", fields={"body": "txt"})(post)
    with pytest.raises(TypeError, match="AsyncSeawall"):
        fake.guard("comment", id="number", fields={"body": "text"})(post_later)
    with pytest.raises(TypeError, match=r"Seawall\.guard"):
        FakeAsyncSeawall().guard("comment", id="number", fields={"body": "text"})(post)  # type: ignore[arg-type]
    guarded = fake.guard("comment", id="number", fields={"body": "text"})(post)
    with pytest.raises(TypeError, match="missing a required argument"):
        guarded(1)  # type: ignore[call-arg]
    assert fake.calls == []


def test_guarding_a_coroutine() -> None:
    async def use() -> Any:
        async with FakeAsyncSeawall() as fake:
            fake.when(lambda call: "hold" if call.actor == "u-1" else None, policy="newcomers")

            @fake.guard("comment", id="number", fields={"body": "text"}, actor="user", language=lambda _: "en")
            async def post(number: int, user: str, text: str) -> str:
                return text

            with pytest.raises(ContentHeld, match="newcomers"):
                await post(1, "u-1", "hello")
            assert fake.calls[0].body["language"] == "en"
            return await post(2, "u-2", "hello")

    assert asyncio.run(use()) == "hello"


def test_the_fake_answers_everything_else_too(fake: FakeSeawall) -> None:
    answer = fake.screen("comment", "c-1", {"body": "buy followers", "tags": ["a"]})
    assert [action.kind for action in answer.actions] == ["remove"]
    assert fake.decision(answer.decision or "")["verdict"] == "block"
    with pytest.raises(NotFound, match="dec_99"):
        fake.explain("dec_99")
    assert fake.submit_many([Submission(content_type="comment", id="c-2", fields={})]) == ["it_comment_c-2"]
    assert fake.report("comment", "c-1", note="look") == "rep_3"
    assert [call.kind for call in fake.calls] == ["screen", "submit", "report"]
    assert fake.report_account("u-9", note="follows me") == "rep_4"
    assert (fake.calls[3].content_type, fake.calls[3].id) == ("account", "u-9")
    assert isinstance(fake.calls[0], FakeCall)


def test_the_fake_says_what_it_is_told_to(fake: FakeSeawall) -> None:
    fake.when("odd", verdict="allow", actions=({"kind": "warn", "parameters": {}},), degraded=True)
    answer = fake.screen("playlist", "p-1", {"title": "fine", "tracks": ["An ODD one"]})
    assert (answer.verdict, answer.actions[0].kind, answer.degraded) == ("allow", "warn", True)
