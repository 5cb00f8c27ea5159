"""A small platform that posts to Seawall over HTTP, like a product team's backend."""

from __future__ import annotations

import random
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import structlog

from seawall.client import ScreenResult, Seawall, SeawallError
from seawall.demo.hanging_detector import HangSwitch
from seawall.demo.platform_state import PlatformState
from seawall.demo.posts import DemoPost, load_script, posts, showcase
from seawall.demo.traffic import posts_from
from seawall.model import now_ms

_log = structlog.get_logger(__name__)

_BURST = 60  # posts before the normal rate begins, to fill the pages in seconds
_BURST_RATE = 15.0  # per second
_REPORTED = {True: 0.3, False: 0.01}  # share of posts that are reported, by whether they are harmful
_HANG_EVERY_S = 90.0
_HANG_S = 12.0
_PAUSE_S = 2.0  # after an error
_AT_ONCE = 4  # requests in flight
_YOUR_AGE_MS = 400 * 24 * 60 * 60 * 1000  # of the visitor's account: newcomers are held more easily


def run_platform(
    url: str,
    api_key: str,
    *,
    seed: int,
    stop: threading.Event,
    rate: float = 3.0,
    data_dir: Path | None = None,
    platform_state: PlatformState | None = None,
    switch: HangSwitch | None = None,
    with_showcase: bool = False,
) -> None:
    """Post until ``stop`` is set: a burst, then ``rate`` posts per second. The key needs the scopes screen and report.

    With ``data_dir`` real data sets are replayed (raises NoData when it contains none). With ``switch`` the demo's
    detector hangs from time to time. ``shelf`` receives every answer. ``with_showcase``: posts with image, audio and
    video come first. Server errors are retried.
    """
    now = now_ms()
    stream = posts_from(data_dir, seed, now) if data_dir is not None else posts(seed, now)
    if with_showcase:
        stream = chain(showcase(now), stream)
    with Seawall(url, api_key) as client:
        rng = random.Random(seed)  # noqa: S311 - a simulation
        pool = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="demo-post")
        try:
            _Platform(client, stream, rng, stop, platform_state or PlatformState()).run(pool, rate, switch)
        finally:
            pool.shutdown(cancel_futures=True)


@dataclass(slots=True)
class _Platform:
    """Posts on a schedule, reports some posts, and stores the answers."""

    client: Seawall
    stream: Iterator[DemoPost]
    rng: random.Random
    stop: threading.Event
    platform_state: PlatformState
    harmful: frozenset[str] = field(
        default_factory=lambda: frozenset(scene.name for scene in load_script().scenes if scene.harm is not None)
    )

    waiting: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(5 * _AT_ONCE))

    def run(self, pool: ThreadPoolExecutor, rate: float, switch: HangSwitch | None) -> None:
        begun = time.monotonic()
        due, next_hang = begun, begun + _HANG_EVERY_S / 2
        for count, post in enumerate(self.stream):
            if switch is not None and time.monotonic() >= next_hang:
                next_hang += _HANG_EVERY_S
                switch.hang(_HANG_S)
            while not self.waiting.acquire(timeout=0.2):  # the server is behind: do not queue more
                if self.stop.is_set():
                    return
            pool.submit(self._post, post, self._reporter(post))
            due = max(due + 1 / (max(_BURST_RATE, rate) if count < _BURST else rate), time.monotonic() - 1)
            if self.stop.wait(max(0.0, due - time.monotonic())):
                return

    def _reporter(self, post: DemoPost) -> str | None:
        if self.rng.random() >= _REPORTED[post.scene in self.harmful]:
            return None
        return f"user-{self.rng.randrange(240):03}"

    def _post(self, post: DemoPost, reporter: str | None) -> None:
        try:
            answer = screen_post(self.client, post)
            self.platform_state.posted(post.content_type, post.id, post.headline(), answer.verdict)
            if reporter is not None and answer.verdict == "allow":  # only visible posts are reported
                self.client.report(post.content_type, post.id, reporter=reporter, note="Please look at this.")
        except SeawallError as error:
            if not self.stop.wait(_PAUSE_S):  # otherwise the demo is ending and the server has stopped
                _log.warning("the platform's request failed", error=str(error))
        finally:
            self.waiting.release()


def write_comment(url: str, api_key: str, platform_state: PlatformState, text: str) -> tuple[str, str]:
    """Post a visitor's own comment; returns its id and Seawall's verdict. Raises SeawallError."""
    post = DemoPost(
        content_type="comment",
        id=f"yours-{now_ms()}",
        actor="you",
        actor_attributes={"created_at": now_ms() - _YOUR_AGE_MS},
        fields={"body": text},
        language=None,
    )
    with Seawall(url, api_key) as client:
        answer = screen_post(client, post)
    platform_state.posted(post.content_type, post.id, post.headline(), answer.verdict)
    return post.id, answer.verdict


def screen_post(client: Seawall, post: DemoPost, deadline_ms: int | None = None) -> ScreenResult:
    """Seawall's answer about a post. Raises SeawallError."""
    return client.screen(
        post.content_type,
        post.id,
        {name: _sendable(value) for name, value in post.fields.items()},
        actor=post.actor,
        actor_attributes=dict(post.actor_attributes),
        language=post.language,
        deadline_ms=deadline_ms,
    )


def _sendable(value: Any) -> Any:
    return {"base64": b64encode(value).decode()} if isinstance(value, bytes) else value
