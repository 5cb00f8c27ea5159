"""The synchronous client."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Iterable, Mapping
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

import httpx

from seawall.client.asynchronous import AsyncSeawall
from seawall.client.guard import Hold, Source, guard_sync
from seawall.client.portal import Portal
from seawall.client.results import OnUnreachable, ScreenResult, Submission

P = ParamSpec("P")
T = TypeVar("T")


class Seawall:
    """HTTP client for Seawall; threads may share one. Close it, or use ``with``.

    Parameters, methods and errors are those of ``AsyncSeawall``.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        timeout: float = 5.0,
        on_unreachable: OnUnreachable = "raise",
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        def make() -> AsyncSeawall:
            return AsyncSeawall(url, api_key, timeout=timeout, on_unreachable=on_unreachable, transport=transport)

        self._make = make
        self._start()

    def _start(self) -> None:
        self._inner = self._make()
        self._portal = Portal()
        self._process = os.getpid()

    @property
    def _client(self) -> AsyncSeawall:
        """The asynchronous client; a new one after a fork, because the child has neither the thread nor the sockets."""
        if self._process != os.getpid():
            self._start()
        return self._inner

    def _run(self, call: Coroutine[Any, Any, T]) -> T:
        return self._portal.run(call)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and end the client's thread."""
        client = self._client
        if self._portal.started:
            self._portal.run(client.aclose())
        self._portal.close()

    def screen(
        self,
        content_type: str,
        id: str,
        fields: Mapping[str, Any],
        *,
        actor: str | None = None,
        actor_attributes: Mapping[str, Any] | None = None,
        language: str | None = None,
        created_at: int | str | None = None,
        deadline_ms: int | None = None,
        idempotency_key: str | None = None,
        on_unreachable: OnUnreachable | None = None,
    ) -> ScreenResult:
        """Screen an item; see ``AsyncSeawall.screen``."""
        return self._run(
            self._client.screen(
                content_type,
                id,
                fields,
                actor=actor,
                actor_attributes=actor_attributes,
                language=language,
                created_at=created_at,
                deadline_ms=deadline_ms,
                idempotency_key=idempotency_key,
                on_unreachable=on_unreachable,
            )
        )

    def submit_many(self, items: Iterable[Submission]) -> list[str]:
        """Submit items to be screened by a worker; see ``AsyncSeawall.submit_many``."""
        return self._run(self._client.submit_many(list(items)))

    def report(
        self,
        content_type: str,
        id: str,
        *,
        reporter: str | None = None,
        note: str | None = None,
        policy: str | None = None,
        kind: str = "user",
        idempotency_key: str | None = None,
    ) -> str:
        """Report an item as bad; see ``AsyncSeawall.report``."""
        return self._run(
            self._client.report(
                content_type,
                id,
                reporter=reporter,
                note=note,
                policy=policy,
                kind=kind,
                idempotency_key=idempotency_key,
            )
        )

    def report_account(
        self,
        account: str,
        *,
        reporter: str | None = None,
        note: str | None = None,
        policy: str | None = None,
        kind: str = "user",
        idempotency_key: str | None = None,
    ) -> str:
        """Report an account itself; see ``AsyncSeawall.report_account``."""
        return self._run(
            self._client.report_account(
                account,
                reporter=reporter,
                note=note,
                policy=policy,
                kind=kind,
                idempotency_key=idempotency_key,
            )
        )

    def decision(self, decision: str) -> Mapping[str, Any]:
        """The full record of a decision."""
        return self._run(self._client.decision(decision))

    def explain(self, decision: str) -> Mapping[str, Any]:
        """The explanation of a decision."""
        return self._run(self._client.explain(decision))

    def item(self, content_type: str, id: str) -> Mapping[str, Any]:
        """The current state of an item, by the platform's id."""
        return self._run(self._client.item(content_type, id))

    def overlays(self, account: str) -> Mapping[str, Any]:
        """What an account has on in its own place: ``overlays``, ``words``."""
        return self._run(self._client.overlays(account))

    def set_overlays(
        self, account: str, *, overlays: Iterable[str] = (), words: Iterable[str] = ()
    ) -> Mapping[str, Any]:
        """Replace what an account has on in its own place. The same again changes nothing."""
        return self._run(self._client.set_overlays(account, overlays=overlays, words=words))

    def end_overlays(self, account: str) -> Mapping[str, Any]:
        """Switch everything off in an account's place, and delete its words."""
        return self._run(self._client.end_overlays(account))

    def guard(
        self,
        content_type: str,
        *,
        id: Source,
        fields: Mapping[str, Source],
        actor: Source | None = None,
        language: Source | None = None,
        hold: Hold = "raise",
        deadline_ms: int | None = None,
        on_unreachable: OnUnreachable | None = None,
    ) -> Callable[[Callable[P, T]], Callable[P, T]]:
        """Decorator that screens what a function is about to publish; see ``seawall.client.guard``."""
        return guard_sync(
            self.screen,
            content_type,
            id=id,
            fields=fields,
            actor=actor,
            language=language,
            hold=hold,
            options={"deadline_ms": deadline_ms, "on_unreachable": on_unreachable},
        )
