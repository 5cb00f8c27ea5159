"""Tells open pages what changed: one look at the database per process, however many pages listen.

A page that listens costs a task of the event loop and no thread. While nobody listens, nothing is looked up. What a
page is told depends on its person's permissions, which are looked up again every few seconds, as is the session.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec
import structlog
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from sqlalchemy import Connection

from seawall import access
from seawall.access import Permission, Person
from seawall.app import App
from seawall.appeal.queries import items_of_open_appeals
from seawall.enforce.queries import deliveries_by_state, newest_deliveries
from seawall.model.case_scope import CaseScopes
from seawall.review.case_scopes import items_in_scopes
from seawall.review.queries import (
    OpenedCase,
    count_cases,
    newest_open_cases,
)

_log = structlog.get_logger(__name__)

MOST_LISTENING: Final = 300  # pages of one process
MOST_OF_ONE: Final = 12  # pages of one person
MOST_NEW: Final = 200  # of a list, that are counted
POLL_S: Final = 1.0
SESSIONS_S: Final = 5.0
HEARTBEAT_S: Final = 15.0
_LONGEST_WAIT_S: Final = 30.0  # between looks at a database that does not answer


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopedCounts:
    """What people are told whose roles and team admit the same cases: open cases, the newest ones, and appeals."""

    cases: int
    opened: tuple[OpenedCase, ...]
    appeals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveState:
    """What pages are told of, at one moment. ``counts``: for every scope that somebody who listens has."""

    head: int = -1  # of the ledger
    counts: Mapping[CaseScopes, ScopedCounts] = field(default_factory=dict)
    dead_deliveries: int = 0
    queued: tuple[tuple[int, str], ...] = ()  # when, state
    dead_jobs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveMessage:
    """What one page is told. ``menu``: by path of the menu entry. ``new``: since the page was made."""

    menu: Mapping[str, int]
    new: int
    more: bool = False  # there are more new ones than are counted


@dataclass(slots=True, kw_only=True, eq=False)
class Listener:
    """One page that listens. ``since``: ms when the page was made; of the page of jobs, the number that it showed."""

    token: str
    person: Person
    page: str = ""  # queue | deliveries | jobs; anything else has no list
    queue: str = ""
    content_type: str = ""
    state: str = ""
    since: int = 0
    is_over: bool = False  # signed out, disabled, or too many pages
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class LiveUpdates:
    """The pages that listen. Event loop only, except ``look`` and ``message``."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._listeners: list[Listener] = []
        self._state = LiveState()
        self._looking: asyncio.Task[None] | None = None
        self._thread = CapacityLimiter(1)  # its own: a slow look delays no page

    @property
    def listening(self) -> int:
        """How many pages listen."""
        return len(self._listeners)

    async def stream(self, listener: Listener) -> AsyncIterator[bytes]:
        """Server-sent events for one page, until it leaves or its session ends."""
        self._add(listener)
        last: LiveMessage | None = None
        try:
            yield b"retry: 5000\n\n"
            while not listener.is_over:
                said = self.message(listener) if listener.person.scopes() in self._state.counts else None
                if said is not None and said != last:
                    yield b"event: counts\ndata: " + msgspec.json.encode(said) + b"\n\n"
                    last = said
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        await listener.changed.wait()
                except TimeoutError:
                    yield b": \n\n"  # so that proxies keep the connection, and one that is gone is noticed
                listener.changed.clear()
            yield b"event: ended\ndata: {}\n\n"
        finally:
            self._remove(listener)

    def message(self, listener: Listener) -> LiveMessage:
        """What this page is told now: nothing that its person may not see."""
        return message_for(self._state, listener)

    def look(self) -> LiveState:
        """The state in the database; the one known before, if nothing happened. Call it in a thread."""
        return look(self._app, self._state, {one.person.scopes() for one in list(self._listeners)})

    def _add(self, listener: Listener) -> None:
        own = [one for one in self._listeners if one.person.id == listener.person.id]
        for one in own[: max(0, len(own) + 1 - MOST_OF_ONE)]:
            self._end(one)  # the oldest: a browser that lost its connection comes back
        if len(self._listeners) >= MOST_LISTENING:
            listener.is_over = True
        self._listeners.append(listener)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_again())

    def _remove(self, listener: Listener) -> None:
        with suppress(ValueError):
            self._listeners.remove(listener)
        if not self._listeners and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def _end(self, listener: Listener) -> None:
        listener.is_over = True
        listener.changed.set()

    async def _look_again(self) -> None:
        """While pages listen: look, tell them, wait."""
        failures, checked_at = 0, float("-inf")
        while self._listeners:
            try:
                now = asyncio.get_running_loop().time()
                if now - checked_at >= SESSIONS_S:
                    await self._check_sessions()
                    checked_at = now
                found = await run_sync(self.look, limiter=self._thread)
                failures = 0
            except Exception as error:  # whatever it is: pages that listen are told again when it is over
                failures += 1
                _log.warning("open pages are not told what changed", exc_info=error, failures=failures)
                await asyncio.sleep(min(_LONGEST_WAIT_S, POLL_S * 2**failures))
                continue
            if found != self._state:
                self._state = found
                for one in self._listeners:
                    one.changed.set()
            await asyncio.sleep(POLL_S)

    async def _check_sessions(self) -> None:
        """End the pages of sessions that ended; see roles that changed."""
        asked = list(self._listeners)
        tokens = {one.token for one in asked}
        people = await run_sync(access.active_people, self._app.database, tokens, limiter=self._thread)
        for one in asked:
            person = people.get(one.token)
            if person is None:
                self._end(one)
            elif person != one.person:
                one.person = person
                one.changed.set()


def look(app: App, known: LiveState, scopes: Collection[CaseScopes]) -> LiveState:
    """The state in the database. Cases, appeals and deliveries are counted again when the ledger grew."""
    head = app.ledger.head()
    dead_jobs = sum(count for (_, state), count in app.jobs.counts().items() if state == "dead")
    if head == known.head and known.counts.keys() >= set(scopes):
        return known if dead_jobs == known.dead_jobs else replace(known, dead_jobs=dead_jobs)
    with app.database.read() as connection:
        appealed = items_of_open_appeals(connection)
        return LiveState(
            head=head,
            counts={each: _counted(connection, each, appealed) for each in scopes},
            dead_deliveries=deliveries_by_state(connection).get("dead", 0),
            queued=tuple((one.queued_at, one.state) for one in newest_deliveries(connection, limit=MOST_NEW)),
            dead_jobs=dead_jobs,
        )


def _counted(connection: Connection, scopes: CaseScopes, appealed: Sequence[str]) -> ScopedCounts:
    admitted = items_in_scopes(connection, appealed, scopes)
    return ScopedCounts(
        cases=sum(count for _, count in count_cases(connection, "open", scopes=scopes).queues),
        opened=tuple(newest_open_cases(connection, scopes=scopes, limit=MOST_NEW)),
        appeals=sum(admitted.get(item, False) for item in appealed),
    )


def message_for(state: LiveState, listener: Listener) -> LiveMessage:
    """What a page is told of the state: nothing that its person may not see."""
    person, menu, new = listener.person, dict[str, int](), 0
    counts = state.counts.get(person.scopes())
    if person.may(Permission.SEE_CONTENT) and counts is not None:
        menu["/queue"] = counts.cases
        menu["/appeals"] = counts.appeals
        if listener.page == "queue":
            new = sum(_is_new_case(one, listener) for one in counts.opened)
    if person.may(Permission.SEE_OPERATIONS):
        menu["/jobs"] = state.dead_jobs
        if not person.is_limited:  # they are counted for everything that is enforced
            menu["/deliveries"] = state.dead_deliveries
        if listener.page == "deliveries" and not person.is_limited:
            new = sum(at > listener.since and listener.state in ("", one) for at, one in state.queued)
        elif listener.page == "jobs":
            new = max(0, state.dead_jobs - listener.since)
    return LiveMessage(menu=menu, new=new, more=new >= MOST_NEW and listener.page != "jobs")


def _is_new_case(case: OpenedCase, listener: Listener) -> bool:
    return (
        case.opened_at > listener.since
        and listener.queue in ("", case.queue)
        and listener.content_type in ("", case.content_type)
    )
