"""An opened app with small policies and content types, and detectors whose answers a test knows beforehand."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from databases import migrated
from seawall.app import App, migrate, open_app
from seawall.content import load_content_type
from seawall.model import (
    Cost,
    Decision,
    DecisionMade,
    Detector,
    Event,
    Extractor,
    Hasher,
    Item,
)
from seawall.policy import PolicySource
from seawall.publish import Sources
from seawall.screen import ScreenResponse as Screened
from seawall.screen import load_decision
from seawall.screen.tables import item, pending_rescreen
from seawall.settings import Settings
from seawall.storage import Job
from seawall.worker import Worker
from support.detectors import Moody, Words

HASTY_MS = 30  # a deadline that a hanging detector misses

_CONTENT_TYPE = """\
content_type: {name}
title: {name}
owner: tests
surface: public
audience: general
actor:
  attributes:
    created_at: timestamp
fields:
  body: {{type: text, role: body, required: true, max_length: 2000}}
  mood: {{type: text, role: context, max_length: 200}}
  image: {{type: image, role: media}}
stages:
  pre_publish: {{budget: 20s, on_unknown: {mode}, rescreen_within: 30s}}
  post_publish: {{budget: {budget}, on_unknown: {later_mode}, rescreen_within: 10m}}
actions: [remove, disable, hold, demote, strike, review]
appeal: {{window: 184d, route: /appeal}}
retention: {{content: 180d, decisions: 5y}}
"""

CONTENT_TYPES = {
    # "allow_and_rescreen" before publication; a worker is patient
    "note": _CONTENT_TYPE.format(name="note", mode="allow_and_rescreen", later_mode="allow_and_rescreen", budget="20s"),
    "letter": _CONTENT_TYPE.format(name="letter", mode="hold", later_mode="hold", budget="20s"),
    "poster": _CONTENT_TYPE.format(name="poster", mode="block", later_mode="block", budget="20s"),
    # a worker that gives up at once
    "hurried": _CONTENT_TYPE.format(name="hurried", mode="hold", later_mode="hold", budget="40ms"),
}

_POLICY = """\
policy: {name}
title: {name}
owner: tests
applies_to: [note, letter, poster, hurried]
harm: {harm}
definition: For tests.
statement: {{ground: incompatible, clause: "House rules, 1"}}
rules:
{rules}
examples:
  - item: {{note: {{body: "x"}}}}
    given: {{{given}}}
    expect: {expect}
"""

POLICIES = {
    "rude": _POLICY.format(
        name="rude",
        harm="harassment",
        rules="""\
  - id: certain
    when: rudeness >= 0.9
    do: [remove, strike(weight=2), review(queue="rude", priority=0.5)]
  - id: likely
    when: rudeness >= 0.5
    do: [hold]
  - id: gloomy
    mode: shadow
    when: item.mood is not None and item.mood == "gloomy"
    do: [demote]""",
        given="rudeness: 0.95",
        expect="{verdict: block, actions: [remove, strike, review]}",
    ),
    "gore": _POLICY.format(
        name="gore",
        harm="violence",
        rules="""\
  - id: seen
    when: gory >= 0.6
    do: [remove]""",
        given="gory: 0.7",
        expect="{verdict: block, actions: [remove]}",
    ),
    "deep": _POLICY.format(
        name="deep",
        harm="terms",
        rules="""\
  - id: thought
    when: deep_thought >= 0.5
    do: [demote]""",
        given="deep_thought: 0.7",
        expect="{verdict: allow, actions: [demote]}",
    ),
    "known": _POLICY.format(
        name="known",
        harm="terms",
        rules="\n".join(
            f'  - id: {bank}\n    when: bank("{bank}") >= 1\n    do: [remove]'
            for bank in ("blocked-texts", "blocked-patterns", "blocked-domains", "blocked-images")
        ),
        given='bank("blocked-texts"): 1',
        expect="{verdict: block, actions: [remove]}",
    ),
}


def sources(*policies: str, **texts: str) -> Sources:
    """The named test policies (all of them without names), and further ones by their text."""
    chosen = {name: POLICIES[name] for name in policies or (() if texts else POLICIES)} | texts
    return Sources(
        policies=tuple(PolicySource(path=f"{name}.yaml", text=text) for name, text in chosen.items()),
        content_types=tuple(load_content_type(text, f"{name}.yaml") for name, text in CONTENT_TYPES.items()),
    )


@dataclass
class Rig:
    """An opened app, and shortcuts to make things happen in it."""

    app: App
    gore: Moody

    def screen(self, body: str = "hello", kind: str = "note", id: str = "n-1", **more: Any) -> Screened:
        """One item goes through the house."""
        options = {name: more.pop(name) for name in ("deadline_ms", "idempotency") if name in more}
        return self.app.screener.screen(make(body, kind, id, **more), **options)

    def hang(self, body: str = "stuck", kind: str = "note", id: str = "n-1", **more: Any) -> Screened:
        """Screen with a deadline that the hanging detector misses; it answers while the detector still hangs."""
        answer = self.screen(body, kind, id, deadline_ms=HASTY_MS, **more)
        assert not self.gore.go_on.is_set()
        return answer

    def decision(self, answer: Screened) -> Decision:
        """The record of an answer."""
        return load_decision(self.app.database, answer.decision)

    def pending_rescreens(self) -> list[dict[str, Any]]:
        """The table of pending rescreens."""
        return self.rows(select(pending_rescreen).order_by(pending_rescreen.c.opened_at, pending_rescreen.c.decision))

    def head(self, ref: str) -> dict[str, Any]:
        """Where an item stands."""
        return self.rows(select(item).where(item.c.ref == ref))[0]

    def rows(self, query: Any) -> list[dict[str, Any]]:
        """Rows of a query."""
        with self.app.database.read() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def events(self) -> list[Event]:
        """The whole ledger."""
        found: list[Event] = []
        while page := self.app.ledger.events(found[-1].seq if found else 0):
            found += page
        return found

    def decisions(self, ref: str) -> list[Decision]:
        """Every decision about an item, oldest first."""
        made = [event.body.decision for event in self.events() if isinstance(event.body, DecisionMade)]
        return [decision for decision in made if decision.item.ref == ref]

    def kinds(self) -> list[str]:
        """The kinds of the ledger's events."""
        return [event.kind for event in self.events()]

    def hurry(self, answer: Screened) -> None:
        """Make the item's next look due now."""
        payload = {"item": answer.item, "revision": answer.revision, "decision": answer.decision}
        self.app.ledger.commit(lambda tx: tx.enqueue("rescreen", answer.item, payload))

    def claim(self, *kinds: str) -> list[Job]:
        """Claim due jobs."""
        return self.app.jobs.claim(kinds, "tests", limit=100, lease_ms=60_000)

    def work(self, *kinds: str) -> int:
        """Do the jobs that are due, once each; how many there were."""
        jobs = self.claim(*kinds)
        worker = Worker(self.app)
        for job in jobs:
            worker.do(job)
        return len(jobs)

    def assert_rebuilds(self) -> None:
        """Every projection follows from the ledger, byte for byte, and the chain holds."""
        assert self.app.ledger.verify().ok
        rebuilt = self.app.ledger.rebuild()
        assert rebuilt.equal, [table.table for table in rebuilt.tables if not table.equal]


def make(body: str = "hello", kind: str = "note", id: str = "n-1", actor: str | None = "a-1", **fields: Any) -> Item:
    """An item of one of the test content types."""
    return Item(content_type=kind, id=id, actor=actor, fields={"body": body, **fields})


def eventually(holds: Callable[[], Any]) -> Any:
    """What ``holds`` returns once it is true. For what another thread does; half a minute is a failure."""
    pause = threading.Event()
    for _ in range(3000):
        if found := holds():
            return found
        pause.wait(0.01)
    raise AssertionError("it never came true")


def settings(folder: Path, database_url: str | None = None, **more: Any) -> Settings:
    """Settings of an app whose files are in ``folder``."""
    url = database_url or f"sqlite:///{folder / 'data' / 'seawall.db'}"
    return Settings(data_dir=folder / "data", database_url=url, **{"allow_private_endpoints": True, **more})


@functools.cache
def _migrated_file() -> Path:
    """A migrated database to copy: making all tables takes longer than most tests."""
    folder = Path(tempfile.mkdtemp(prefix="seawall-migrated-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    migrated(f"sqlite:///{folder / 'seawall.db'}")
    return folder / "seawall.db"


@contextmanager
def own_app(
    folder: Path,
    published: Sources | None = None,
    detectors: Sequence[Detector] = (),
    extractors: Sequence[Extractor] = (),
    hashers: Sequence[Hasher] = (),
    *,
    database_url: str | None = None,
    publish: bool = True,
    **options: Any,
) -> Iterator[App]:
    """An app with what a test brings beside what ships: the one place where tests open apps of their own.

    Publishes ``published``, or what the folders hold that ``options`` name; the options are those of ``Settings``.
    """
    chosen = settings(folder, database_url, **options)
    file = folder / "data" / "seawall.db"
    if database_url is None and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(_migrated_file(), file)
    migrate(chosen)
    with open_app(chosen, detectors, extractors, hashers) as app:
        if publish:
            app.publish(published, by="tests")
        yield app


@contextmanager
def opened(
    folder: Path,
    database_url: str | None = None,
    *policies: str,
    publish: bool = True,
    hashers: Sequence[Hasher] = (),
) -> Iterator[Rig]:
    """A house on a fresh or used database."""
    gore = Moody()
    detectors = (
        Words("insults", "rudeness", {"fool": 0.95, "silly": 0.6}),
        gore,
        Words("thinker", "deep_thought", {"abyss": 0.9}, Cost.SLOW),
    )
    chosen = sources(*policies) if publish else None
    with own_app(folder, chosen, detectors, hashers=hashers, database_url=database_url, publish=publish) as app:
        try:
            yield Rig(app, gore)
        finally:
            gore.go_on.set()
