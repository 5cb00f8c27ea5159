"""The asynchronous client, on which the synchronous one is built."""

from __future__ import annotations

import asyncio
import importlib
import json
import random
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, ParamSpec, Self, TypeVar
from urllib.parse import quote

import httpx

from seawall.client.errors import CannotSend, Unreachable, refusal
from seawall.client.guard import Hold, Source, guard_async
from seawall.client.results import OnUnreachable, ScreenResult, Submission, result_from, unreachable_result

P = ParamSpec("P")
T = TypeVar("T")

BATCH: Final = 500
"""Items that ``submit_many`` sends in one request."""

_FIRST_NEEDED: Final = ("anyio.streams.tls", "anyio._backends._asyncio", "httpcore._backends.anyio")
_SERVER_SHARE: Final = 0.8  # of a deadline; the rest is for the network and the durable write
_PAUSES_S: Final = (0.05, 0.15, 0.45)  # between four attempts: an outage is reported within a second
_TRY_AGAIN: Final = frozenset({429, 500, 502, 503, 504})


class AsyncSeawall:
    """HTTP client for Seawall. Create one per event loop; tasks may share it. Close it, or use ``async with``.

    ``timeout``: total seconds for a call without a deadline, retries included. ``on_unreachable``: what ``screen`` does
    when Seawall is unreachable, unless the call overrides it. Nothing is spooled locally: an item answered without
    Seawall is not screened later unless the caller submits it again.
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
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"Seawall's URL must start with http:// or https://, not {url[:20]!r}")
        _load_network_code()
        self._timeout = timeout
        self._on_unreachable: OnUnreachable = on_unreachable
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"authorization": f"Bearer {_checked(api_key)}", "content-type": "application/json"},
            timeout=None,  # noqa: S113 - every call is under one deadline, see _send
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def screen(
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
        """Screen an item. The answer is durable in Seawall's ledger when it arrives, unless it says ``recorded=False``.

        ``deadline_ms`` is hard: an answer is returned by then, if necessary without Seawall (see ``on_unreachable``).
        Retries carry one idempotency key, so they cannot decide twice. Raises Unreachable, RequestRefused, CannotSend.
        """
        item = Submission(
            content_type=content_type,
            id=id,
            fields=fields,
            actor=actor,
            actor_attributes=actor_attributes or {},
            language=language,
            created_at=created_at,
        )
        body = _item(item)
        if deadline_ms is not None:
            if deadline_ms < 1:
                raise ValueError(f"deadline_ms must be at least 1, not {deadline_ms}")
            body["deadline_ms"] = max(1, int(deadline_ms * _SERVER_SHARE))
        seconds = self._timeout if deadline_ms is None else deadline_ms / 1000
        choice = on_unreachable or self._on_unreachable
        try:
            data = await self._send("POST", "/v1/screen", body, seconds, idempotency_key or _fresh_key())
            return _understood(result_from, data)
        except Unreachable:
            if choice == "raise":
                raise
            return unreachable_result(choice)

    async def submit_many(self, items: Iterable[Submission]) -> list[str]:
        """Submit items to be screened by a worker; returns Seawall's surrogate ids, in order.

        They are sent in batches of 500, each accepted completely or not at all; submitting the same content twice is
        harmless. Raises Unreachable, RequestRefused.
        """
        waiting = [_item(item) for item in items]
        refs: list[str] = []
        for start in range(0, len(waiting), BATCH):
            body = {"items": waiting[start : start + BATCH]}
            data = await self._send("POST", "/v1/items", body, self._timeout)
            refs += _understood(lambda data: [str(ref) for ref in data["items"]], data)
        return refs

    async def report(
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
        """Report an item as bad; returns the report's id. A report about an item that was never screened waits for it.

        ``kind``: user; or trusted_flagger, authority or staff, if the key is declared as that. Raises Unreachable,
        NotFound when there is no such content type, RequestRefused.
        """
        about = {"content_type": content_type, "id": id}
        return await self._report(about, kind, reporter, note, policy, idempotency_key)

    async def report_account(
        self,
        account: str,
        *,
        reporter: str | None = None,
        note: str | None = None,
        policy: str | None = None,
        kind: str = "user",
        idempotency_key: str | None = None,
    ) -> str:
        """Report an account itself, not one of its items; as ``report``. It need not be known to Seawall."""
        return await self._report({"account": account}, kind, reporter, note, policy, idempotency_key)

    async def _report(
        self,
        about: dict[str, str],
        kind: str,
        reporter: str | None,
        note: str | None,
        policy: str | None,
        idempotency_key: str | None,
    ) -> str:
        said = {"reporter": reporter, "note": note, "policy": policy}
        body = {**about, "kind": kind, **{name: value for name, value in said.items() if value is not None}}
        data = await self._send("POST", "/v1/reports", body, self._timeout, idempotency_key or _fresh_key())
        return _understood(lambda data: str(data["report"]), data)

    async def decision(self, decision: str) -> Mapping[str, Any]:
        """The full record of a decision. Raises Unreachable, NotFound, RequestRefused."""
        return await self._get(f"/v1/decisions/{quote(decision, safe='')}")

    async def explain(self, decision: str) -> Mapping[str, Any]:
        """Why: the rules that fired, their values, and a change that would flip it. Raises as ``decision``."""
        return await self._get(f"/v1/decisions/{quote(decision, safe='')}/explanation")

    async def item(self, content_type: str, id: str) -> Mapping[str, Any]:
        """The current state of an item, by the platform's id. Raises as ``decision``."""
        return await self._get(f"/v1/items/{quote(content_type, safe='')}/{quote(id, safe='')}")

    async def overlays(self, account: str) -> Mapping[str, Any]:
        """What an account has on in its own place: ``overlays``, ``words``. Raises as ``decision``."""
        return await self._get(_own_place(account))

    async def set_overlays(
        self, account: str, *, overlays: Iterable[str] = (), words: Iterable[str] = ()
    ) -> Mapping[str, Any]:
        """Replace what an account has on in its own place. The same again changes nothing. Raises as ``decision``."""
        body = {"overlays": list(overlays), "words": list(words)}
        return _understood(dict, await self._send("PUT", _own_place(account), body, self._timeout))

    async def end_overlays(self, account: str) -> Mapping[str, Any]:
        """Switch everything off in an account's place, and delete its words. Raises as ``decision``."""
        return _understood(dict, await self._send("DELETE", _own_place(account), None, self._timeout))

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
    ) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]:
        """Decorator that screens what an ``async`` function is about to publish; see ``seawall.client.guard``."""
        return guard_async(
            self.screen,
            content_type,
            id=id,
            fields=fields,
            actor=actor,
            language=language,
            hold=hold,
            options={"deadline_ms": deadline_ms, "on_unreachable": on_unreachable},
        )

    # -- HTTP ----------------------------------------------------------------------------------------------------------

    async def _get(self, path: str) -> Mapping[str, Any]:
        data = await self._send("GET", path, None, self._timeout)
        return _understood(dict, data)

    async def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, seconds: float, key: str | None = None
    ) -> Any:
        """The parsed response, within ``seconds`` for all attempts together."""
        content = None if body is None else _encode(body)
        headers = {} if key is None else {"idempotency-key": key}
        last: list[str] = []
        try:
            async with asyncio.timeout(seconds):
                return await self._until_answered(method, path, content, headers, last)
        except TimeoutError as error:
            detail = last[-1] if last else "no answer"
            raise Unreachable(f"Seawall did not answer within {seconds:g} s: {detail}.") from error

    async def _until_answered(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str], last: list[str]
    ) -> Any:
        """Retry until a response that retrying would not change; failures are appended to ``last``."""
        for pause in (*_PAUSES_S, None):
            asked = 0.0
            try:
                response = await self._http.request(method, path, content=content, headers=headers)
            except httpx.TransportError as error:
                last.append(str(error) or type(error).__name__)
            else:
                if response.status_code not in _TRY_AGAIN:
                    return _read(response)
                last.append(f"HTTP {response.status_code}")
                asked = _seconds(response.headers.get("retry-after"))
            if pause is not None:
                await asyncio.sleep(max(pause * random.uniform(0.5, 1.0), asked))  # noqa: S311 - to spread, not to hide
        raise Unreachable(f"Seawall did not answer after {len(_PAUSES_S) + 1} attempts: {last[-1]}.")


def _own_place(account: str) -> str:
    return f"/v1/accounts/{quote(account, safe='')}/overlays"


def _load_network_code() -> None:
    """Import what httpx leaves to the first request: a quarter of a second that its deadline would pay for."""
    for name in _FIRST_NEEDED:
        with suppress(ImportError):  # another release of httpx: then its first request imports what it needs
            importlib.import_module(name)


def _read(response: httpx.Response) -> Any:
    """The JSON of a successful response. Raises RequestRefused, or Unreachable when the server is not Seawall."""
    try:
        data = response.json()
    except ValueError:
        data = None
    if response.is_success and data is not None:
        return data
    if response.is_success:
        raise Unreachable("The server is not Seawall: its response is not JSON. Check the URL.")
    if response.is_redirect:
        raise refusal(
            response.status_code, {"title": "Redirected", "remedy": "Configure the client with the final URL."}
        )
    raise refusal(response.status_code, data if isinstance(data, dict) else {})


def _understood(read: Callable[[Any], T], data: Any) -> T:
    try:
        return read(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Unreachable(f"The server is not Seawall, or another version of it: {error!r}.") from error


def _item(item: Submission) -> dict[str, Any]:
    body: dict[str, Any] = {"content_type": item.content_type, "id": item.id, "fields": dict(item.fields)}
    if item.actor is not None:
        body["actor"] = {"id": item.actor, "attributes": dict(item.actor_attributes)}
    elif item.actor_attributes:
        raise ValueError("actor_attributes need an actor")
    for name in ("language", "created_at"):
        if (value := getattr(item, name)) is not None:
            body[name] = value
    return body


def _encode(body: Mapping[str, Any]) -> bytes:
    """The body, encoded once for all attempts: an idempotency key identifies these exact bytes."""
    try:
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise CannotSend(f"The request cannot be written as JSON: {error}.") from error


def _seconds(retry_after: str | None) -> float:
    return float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else 0.0


def _fresh_key() -> str:
    return uuid.uuid4().hex


def _checked(api_key: str) -> str:
    """The key without the line feed of a file. Raises ValueError for what cannot be one: a variable is not set."""
    key = api_key.strip() if isinstance(api_key, str) else ""
    if not key or not key.isascii() or not key.isprintable():
        raise ValueError("The API key is empty or malformed. Is the variable that holds it set? It begins with 'sw_'.")
    return key
