"""``guard``: a decorator that screens what a function is about to publish, and calls it only if that is allowed.

    @seawall.guard("comment", id="comment_id", fields={"body": "text"}, actor="user_id")
    def post_comment(comment_id: str, user_id: str, text: str) -> None: ...

``fields`` maps a field of the content type to the source of its value: a parameter name, or a function of all
arguments (a mapping by parameter name). ``id``, ``actor`` and ``language`` work the same way. A block raises
``ContentBlocked``, a hold raises ``ContentHeld``, both with the result. With ``hold="call"`` the function is called for
held items too; a parameter named ``screening`` receives the ``ScreenResult``, and callers need not pass it.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, ParamSpec, TypeAlias, TypeVar, cast

from seawall.client.errors import ContentBlocked, ContentHeld
from seawall.client.results import ScreenResult

P = ParamSpec("P")
T = TypeVar("T")

Source: TypeAlias = str | Callable[[Mapping[str, Any]], Any]
"""The source of a value: a parameter name, or a function of all arguments."""

Hold: TypeAlias = Literal["raise", "call"]

ANSWER_PARAMETER = "screening"


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a call's arguments become a request. Made once, when the function is decorated."""

    signature: inspect.Signature
    content_type: str
    id: Source
    fields: Mapping[str, Source]
    actor: Source | None
    language: Source | None
    hold: Hold
    options: Mapping[str, Any]

    def request(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Keyword arguments for ``screen``. Raises TypeError when the arguments do not fit the function."""
        if ANSWER_PARAMETER in self.signature.parameters:
            kwargs = {ANSWER_PARAMETER: None} | dict(kwargs)
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        values = bound.arguments
        found = {name: _value(source, values) for name, source in self.fields.items()}
        actor = _value(self.actor, values)
        return {
            "content_type": self.content_type,
            "id": str(_value(self.id, values)),
            "fields": {name: value for name, value in found.items() if value is not None},
            "actor": None if actor is None else str(actor),
            "language": _value(self.language, values),
            **self.options,
        }

    def judge(self, answer: ScreenResult, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Keyword arguments for the function. Raises Blocked, Held."""
        if answer.blocked:
            raise ContentBlocked(answer)
        if answer.held and self.hold == "raise":
            raise ContentHeld(answer)
        wants = ANSWER_PARAMETER in self.signature.parameters
        return dict(kwargs) | ({ANSWER_PARAMETER: answer} if wants else {})


def _value(source: Source | None, values: Mapping[str, Any]) -> Any:
    if source is None:
        return None
    return values[source] if isinstance(source, str) else source(values)


def _plan(
    function: Callable[..., Any],
    content_type: str,
    id: Source,
    fields: Mapping[str, Source],
    actor: Source | None,
    language: Source | None,
    hold: Hold,
    options: Mapping[str, Any],
) -> _Plan:
    signature = inspect.signature(function)
    for source in (id, actor, language, *fields.values()):
        if isinstance(source, str) and source not in signature.parameters:
            raise TypeError(
                f"guard: {function.__qualname__} has no parameter {source!r}. "
                f"It has: {', '.join(signature.parameters) or 'none'}."
            )
    return _Plan(signature, content_type, id, dict(fields), actor, language, hold, dict(options))


def guard_sync(
    screen: Callable[..., ScreenResult], content_type: str, **how: Any
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """The decorator of the synchronous client."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        if inspect.iscoroutinefunction(function):
            raise TypeError(f"guard: {function.__qualname__} is async. Use AsyncSeawall.guard.")
        plan = _plan(function, content_type, **how)

        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            answer = screen(**plan.request(args, kwargs))
            return cast(Callable[..., T], function)(*args, **plan.judge(answer, kwargs))

        return guarded

    return decorate


def guard_async(
    screen: Callable[..., Awaitable[ScreenResult]], content_type: str, **how: Any
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]:
    """The decorator of the asynchronous client."""

    def decorate(function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        if not inspect.iscoroutinefunction(function):
            raise TypeError(f"guard: {function.__qualname__} is not async. Use Seawall.guard.")
        plan = _plan(function, content_type, **how)

        @functools.wraps(function)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            answer = await screen(**plan.request(args, kwargs))
            return await cast(Callable[..., Awaitable[T]], function)(*args, **plan.judge(answer, kwargs))

        return guarded

    return decorate
