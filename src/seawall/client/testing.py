"""An offline fake of Seawall for tests: scripted answers behind the real client.

    fake = FakeSeawall()
    fake.when("buy followers", verdict="block", policy="spam")
    answer = fake.screen("comment", "c-1", {"body": "Buy followers now"})
    assert answer.blocked and fake.calls[0].content_type == "comment"

``FakeSeawall`` replaces ``Seawall``, ``FakeAsyncSeawall`` replaces ``AsyncSeawall``, ``guard`` included; the middleware
accepts a ``FakeAsyncSeawall``. ``fake.unreachable = True`` simulates an outage.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from seawall.client.asynchronous import AsyncSeawall
from seawall.client.results import OnUnreachable, Verdict
from seawall.client.synchronous import Seawall

_URL = "http://seawall.invalid"
_ACTION: Mapping[str, tuple[str, ...]] = {"allow": (), "hold": ("hold",), "block": ("remove",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FakeCall:
    """One recorded call: a screening (``screen``), one submitted item (``submit``), or a report."""

    kind: str  # screen | submit | report
    content_type: str
    id: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    actor: str | None = None
    body: Mapping[str, Any] = field(default_factory=dict)
    idempotency_key: str | None = None


Judge = Callable[[FakeCall], Verdict | None]
"""A verdict for a call, or None if it does not apply."""


@dataclass(frozen=True, slots=True)
class _Rule:
    judge: Judge
    policy: str
    harm: str
    actions: tuple[Mapping[str, Any], ...] | None
    degraded: bool


class FakeScript:
    """Scripted answers and recorded calls, shared by both fakes."""

    def __init__(self) -> None:
        self.calls: list[FakeCall] = []
        self.unreachable = False
        self._rules: list[_Rule] = []
        self._decisions: dict[str, dict[str, Any]] = {}

    def when(
        self,
        match: str | Judge,
        *,
        verdict: Verdict = "block",
        policy: str = "test-policy",
        harm: str = "terms",
        actions: tuple[Mapping[str, Any], ...] | None = None,
        degraded: bool = False,
    ) -> None:
        """Answer ``verdict`` when a text of the item contains ``match`` (ignoring case), or what a function returns.

        Earlier rules take precedence; items that match no rule are allowed. ``actions`` None: the verdict's usual ones.
        """

        def contains(call: FakeCall) -> Verdict | None:
            assert isinstance(match, str)
            return verdict if any(match.casefold() in text.casefold() for text in _texts(call.fields)) else None

        self._rules.append(_Rule(contains if isinstance(match, str) else match, policy, harm, actions, degraded))

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The fake server. Raises httpx.ConnectError when it is ``unreachable``."""
        if self.unreachable:
            raise httpx.ConnectError("the fake is unreachable", request=request)
        path = request.url.path
        body = json.loads(request.content) if request.content else {}
        key = request.headers.get("idempotency-key")
        if path == "/v1/screen":
            return httpx.Response(200, json=self._screen(_call("screen", body, key)))
        if path == "/v1/items":
            self.calls += [_call("submit", item, key) for item in body["items"]]
            return httpx.Response(202, json={"items": [_ref(item) for item in body["items"]]})
        if path == "/v1/reports":
            self.calls.append(_call("report", body, key))
            return httpx.Response(201, json={"report": f"rep_{len(self.calls)}"})
        found = self._decisions.get(path.split("/")[3]) if path.startswith("/v1/decisions/") else None
        if found is None:
            return httpx.Response(404, json={"title": "Not found", "status": 404, "detail": f"The fake has no {path}."})
        return httpx.Response(200, json={"id": found["decision"], **found})

    def _screen(self, call: FakeCall) -> Mapping[str, Any]:
        self.calls.append(call)
        decision = f"dec_{len(self.calls)}"
        data: dict[str, Any] = {"decision": decision, "item": _ref(call.body), "verdict": "allow", "actions": []}
        data |= {"reasons": [], "degraded": False, "unknown": [], "stage": "pre_publish"}
        for rule in self._rules:
            if (verdict := rule.judge(call)) is not None:
                usual = tuple({"kind": kind, "parameters": {}} for kind in _ACTION[verdict])
                data["verdict"] = verdict
                data["actions"] = list(usual if rule.actions is None else rule.actions)
                data["reasons"] = [{"policy": rule.policy, "rule": "scripted", "harm": rule.harm}]
                data["degraded"] = rule.degraded
                break
        self._decisions[decision] = data
        return data


class FakeSeawall(Seawall, FakeScript):
    """Replaces ``Seawall`` in tests."""

    def __init__(self, *, on_unreachable: OnUnreachable = "raise") -> None:
        FakeScript.__init__(self)
        transport = httpx.MockTransport(self.answer)
        Seawall.__init__(self, _URL, "sw_fake", on_unreachable=on_unreachable, transport=transport)


class FakeAsyncSeawall(AsyncSeawall, FakeScript):
    """Replaces ``AsyncSeawall`` in tests."""

    def __init__(self, *, on_unreachable: OnUnreachable = "raise") -> None:
        FakeScript.__init__(self)
        transport = httpx.MockTransport(self.answer)
        AsyncSeawall.__init__(self, _URL, "sw_fake", on_unreachable=on_unreachable, transport=transport)


def _call(kind: str, body: Mapping[str, Any], key: str | None) -> FakeCall:
    return FakeCall(
        kind=kind,
        content_type=body.get("content_type", "account"),
        id=body["account"] if "account" in body else body["id"],
        fields=body.get("fields", {}),
        actor=(body.get("actor") or {}).get("id"),
        body=body,
        idempotency_key=key,
    )


def _ref(body: Mapping[str, Any]) -> str:
    return f"it_{body['content_type']}_{body['id']}"


def _texts(fields: Mapping[str, Any]) -> list[str]:
    values = [piece for value in fields.values() for piece in (value if isinstance(value, list) else [value])]
    return [value for value in values if isinstance(value, str)]
