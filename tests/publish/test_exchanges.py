"""Exchanges into banks: deltas once, deletes that work, opinions through the outbox, failures that are told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from match.exchanges import MD5, PDQ
from publish.test_bank_use import TEXT, add, guard, judge
from seawall.match.exchange import (
    ExchangeConfig,
    ExchangeDelta,
    ExchangeError,
    ExchangeFeedback,
    ExchangeRecord,
    NotSupported,
    SharedEntry,
)
from seawall.model import Verdict
from seawall.publish import (
    BankGuard,
    Exchanges,
    find_entries,
    list_entries,
    list_exchanges,
    remove_entry,
)
from seawall.publish.exchanges import EXCHANGE_JOB, FEEDBACK_JOB, OpenedExchange
from seawall.publish.services import GUARD_FOLLOWER
from seawall.storage import LeaseLost
from seawall.storage.following import follow
from support.app import Rig

IMAGES = "shared-images"


def record(*known: tuple[str, str], **raw: Any) -> ExchangeRecord:
    return ExchangeRecord(
        known=tuple(SharedEntry(*one) for one in known), raw={"known": [list(one) for one in known], **raw}
    )


class Scripted:
    """An exchange whose readings are prepared: a list of deltas, or of errors, for each."""

    feedback = frozenset(ExchangeFeedback)

    def __init__(self) -> None:
        self.readings: list[list[ExchangeDelta | ExchangeError]] = []
        self.checkpoints: list[str | None] = []
        self.reported: list[tuple[Mapping[str, Any], ExchangeFeedback]] = []
        self.refuses: ExchangeError | None = None

    def fetch(self, checkpoint: str | None) -> Iterator[ExchangeDelta]:
        self.checkpoints.append(checkpoint)
        for step in self.readings.pop(0):
            if isinstance(step, ExchangeError):
                raise step
            yield step

    def report(self, raw: Mapping[str, Any], feedback: ExchangeFeedback) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.reported.append((raw, feedback))


class Desk:
    """A house with exchanges."""

    def __init__(
        self, rig: Rig, *names: str, report: frozenset[ExchangeFeedback] = frozenset(ExchangeFeedback)
    ) -> None:
        self.rig = rig
        self.sources = {name: Scripted() for name in names or ("shared",)}
        banks = {"image": IMAGES, "digest": "shared-files", "text": "blocked-texts"}
        app = rig.app
        self.exchanges = Exchanges(
            app.ledger,
            app.database,
            app.vault,
            app.jobs,
            {
                name: OpenedExchange(ExchangeConfig(name=name, type="file", banks=banks, report=report), source)
                for name, source in self.sources.items()
            },
        )
        self.exchanges.schedule()

    def sync(self, name: str = "shared", *steps: ExchangeDelta | ExchangeError) -> None:
        """One reading."""
        self.sources[name].readings.append(list(steps))
        self.rig.app.ledger.commit(lambda tx: tx.enqueue(EXCHANGE_JOB, name, {}))
        for job in self.rig.claim(EXCHANGE_JOB):
            if job.key == name:
                self.exchanges.sync(job)
            else:
                self.rig.app.jobs.retry(job, 2**50, "not now")
        self.rig.app.banks.refresh()

    def values(self, bank: str = IMAGES) -> list[str | None]:
        """What a bank holds."""
        app = self.rig.app
        return sorted(str(entry.value) for entry in list_entries(app.database, app.vault, bank, limit=1000))

    def state(self, name: str = "shared") -> Any:
        return next(one for one in list_exchanges(self.rig.app.database) if one.name == name)


def first(*records: tuple[str, ExchangeRecord | None], checkpoint: str = "c1") -> ExchangeDelta:
    return ExchangeDelta(updates=dict(records), checkpoint=checkpoint, restart=True)


def later(*records: tuple[str, ExchangeRecord | None], checkpoint: str = "c2") -> ExchangeDelta:
    return ExchangeDelta(updates=dict(records), checkpoint=checkpoint)


def image(number: int) -> tuple[str, str]:
    return ("image", PDQ[number])


def test_additions_changes_and_deletes(rig: Rig) -> None:
    desk = Desk(rig)
    desk.sync("shared", first(("a", record(image(0))), ("b", record(image(1), ("digest", MD5[0]), ("smell", "x")))))
    assert desk.values() == sorted([PDQ[0], PDQ[1]])
    assert desk.values("shared-files") == [MD5[0]]
    entry = list_entries(rig.app.database, rig.app.vault, "shared-files")[0]
    assert (entry.source, entry.exchange, entry.added_by) == ("shared", "shared", "exchange:shared")
    desk.sync("shared", later(("a", None), ("b", record(image(2)))))
    assert desk.values() == [PDQ[2]]
    assert desk.values("shared-files") == []
    assert desk.sources["shared"].checkpoints == [None, "c1"]
    state = desk.state()
    assert (state.records, state.added, state.removed, state.skipped) == (1, 4, 3, 1)
    assert (state.failures, state.stale, state.whole) == (0, False, False)


def test_what_is_told_again_changes_nothing(rig: Rig) -> None:
    desk = Desk(rig)
    delta = first(("a", record(image(0))))
    desk.sync("shared", delta)
    head = rig.app.ledger.head()
    desk.sync("shared", delta, delta)
    assert rig.app.ledger.head() == head
    assert desk.values() == [PDQ[0]]


def test_an_entry_stays_while_any_record_stands_for_it(rig: Rig) -> None:
    desk = Desk(rig, "one", "two")
    mine = add(rig, IMAGES, PDQ[2], "image")
    desk.sync("one", first(("a", record(image(0))), ("b", record(image(0))), ("c", record(image(2)))))
    desk.sync("two", first(("x", record(image(0)))))
    desk.sync("one", later(("a", None), ("b", None), ("c", None)))
    assert desk.values() == sorted([PDQ[0], PDQ[2]])  # "two" has it; and what staff added no exchange takes away
    desk.sync("two", later(("x", None)))
    assert [entry.id for entry in list_entries(rig.app.database, rig.app.vault, IMAGES)] == [mine]


def test_a_reading_from_the_beginning_drops_what_is_not_there_any_more(rig: Rig) -> None:
    desk = Desk(rig)
    desk.sync("shared", first(("a", record(image(0))), ("b", record(image(1)))))
    desk.sync(
        "shared", first(("b", record(image(1))), checkpoint="c2"), first(("c", record(image(2))), checkpoint="c3")
    )
    assert desk.values() == sorted([PDQ[1], PDQ[2]])


def test_a_failure_keeps_what_was_read_and_drops_nothing(rig: Rig) -> None:
    desk = Desk(rig)
    desk.sync("shared", first(("a", record(image(0)))))
    desk.sync("shared", first(("b", record(image(1)))), ExchangeError("it broke"))
    state = desk.state()
    assert (state.failures, state.error, state.whole) == (1, "it broke", True)
    assert desk.values() == sorted([PDQ[0], PDQ[1]])
    desk.sync("shared", later(("c", record(image(2))), checkpoint="c4"))  # goes on, and comes to the end
    assert desk.sources["shared"].checkpoints[-1] == "c1"
    assert desk.values() == sorted([PDQ[1], PDQ[2]])
    assert (desk.state().failures, desk.state().error) == (0, "")


def digests(count: int, start: int = 0) -> list[tuple[str, ExchangeRecord | None]]:
    return [(f"r{n}", record(("digest", f"{n:032x}"))) for n in range(start, start + count)]


def test_a_large_delta_is_taken_in_chunks_and_withdrawn_again(rig: Rig) -> None:
    desk = Desk(rig)
    many = digests(450)
    desk.sync("shared", first(*many))
    assert desk.values("shared-files") == [f"{n:032x}" for n in range(450)]
    desk.sync("shared", later(*((key, None) for key, _ in many[:300])))
    assert desk.values("shared-files") == [f"{n:032x}" for n in range(300, 450)]
    state = desk.state()
    assert (state.records, state.added, state.removed, state.skipped) == (150, 450, 300, 0)


def test_a_delta_that_was_interrupted_is_read_again_and_counts_once(rig: Rig) -> None:
    desk = Desk(rig)
    desk.sync("shared", first(*digests(10), ("s0", record(("smell", "x")))))
    desk.sources["shared"].readings.append([later(*digests(300, 10), ("s1", record(("smell", "y"))))])
    rig.app.ledger.commit(lambda tx: tx.enqueue(EXCHANGE_JOB, "shared", {}))
    (job,) = rig.claim(EXCHANGE_JOB)
    stolen = replace(job, attempts=job.attempts - 1)  # as if somebody else had claimed it meanwhile
    with pytest.raises(LeaseLost):
        desk.exchanges.sync(stolen)
    assert 0 < desk.state().added - 10 < 300  # a chunk of it
    assert desk.state().skipped == 1
    rig.app.jobs.retry(job, 0, "lease lost")
    desk.sync("shared", later(*digests(300, 10), ("s1", record(("smell", "y")))))
    assert desk.sources["shared"].checkpoints == [None, "c1", "c1"]
    state = desk.state()
    assert (state.records, state.added, state.removed, state.skipped) == (312, 310, 0, 2)
    assert len(desk.values("shared-files")) == 310


def test_a_reading_from_the_beginning_that_was_interrupted_begins_again(rig: Rig) -> None:
    desk = Desk(rig)
    desk.sync("shared", first(*digests(5)))
    desk.sources["shared"].readings.append([first(*digests(300, 3), checkpoint="c9")])
    rig.app.ledger.commit(lambda tx: tx.enqueue(EXCHANGE_JOB, "shared", {}))
    (job,) = rig.claim(EXCHANGE_JOB)
    with pytest.raises(LeaseLost):
        desk.exchanges.sync(replace(job, attempts=job.attempts - 1))
    rig.app.jobs.retry(job, 0, "lease lost")
    desk.sync("shared", first(*digests(300, 3), checkpoint="c9"))
    assert desk.sources["shared"].checkpoints == [None, "c1", None]
    assert desk.values("shared-files") == [f"{n:032x}" for n in range(3, 303)]


def test_each_reading_asks_for_the_next(rig: Rig) -> None:
    desk = Desk(rig)
    desk.sync("shared", first(("a", record(image(0)))))
    assert rig.app.jobs.counts()[EXCHANGE_JOB, "pending"] == 1
    assert rig.claim(EXCHANGE_JOB) == []  # it is due in a quarter of an hour
    desk.sync("shared", ExchangeError("it broke"))
    assert rig.app.jobs.counts()[EXCHANGE_JOB, "pending"] == 1


def guard_with(desk: Desk) -> None:
    """Let the guard catch up; it tells the exchanges of the desk."""
    guard = BankGuard(desk.rig.app.database, desk.exchanges.tell)
    follower = replace(GUARD_FOLLOWER, step=lambda context, events: guard.step(events))
    while follow(desk.rig.app.context, follower, "tests"):
        pass


def test_what_people_and_matches_say_goes_back_once(rig: Rig) -> None:
    desk = Desk(rig)
    desk.sync("shared", first(("a", record(("text", TEXT), note="theirs"))))
    answer = rig.screen(TEXT)
    assert answer.verdict is Verdict.BLOCK
    judge(rig, answer, right=False)
    guard_with(desk)
    guard(rig)  # another guard finds nothing left to say
    jobs = rig.claim(FEEDBACK_JOB)
    source = desk.sources["shared"]
    source.refuses = ExchangeError("not now")
    with pytest.raises(ExchangeError):
        desk.exchanges.write_back(jobs[0])
    source.refuses = NotSupported("never")
    desk.exchanges.write_back(jobs[0])
    source.refuses = None
    for job in jobs[1:]:
        desk.exchanges.write_back(job)
    assert {job.payload["feedback"] for job in jobs} == {"seen", "false_positive"}
    assert [raw["note"] for raw, _ in source.reported] == ["theirs"]
    assert rig.claim(FEEDBACK_JOB) == []


def test_only_what_was_asked_for_is_told(rig: Rig) -> None:
    desk = Desk(rig, report=frozenset({ExchangeFeedback.TRUE_POSITIVE}))
    desk.sync("shared", first(("a", record(("text", TEXT)))))
    judge(rig, rig.screen(TEXT), right=True)
    guard_with(desk)
    assert [job.payload["feedback"] for job in rig.claim(FEEDBACK_JOB)] == ["true_positive"]


def test_an_exchange_that_is_configured_no_more(rig: Rig) -> None:
    desk = Desk(rig, "old")
    desk.sync("old", first(("a", record(image(0)))))
    later_desk = Desk(rig, "new")
    rig.app.ledger.commit(lambda tx: tx.enqueue(EXCHANGE_JOB, "old", {}))
    for job in rig.claim(EXCHANGE_JOB):
        if job.key == "old":
            later_desk.exchanges.sync(job)
    assert [(one.name, one.every_s) for one in list_exchanges(rig.app.database)] == [
        ("new", 900),
        ("old", None),
    ]
    assert desk.values() == [PDQ[0]]  # entries stay until somebody takes them out
    remove_entry(
        rig.app.ledger,
        IMAGES,
        list_entries(rig.app.database, rig.app.vault, IMAGES)[0].id,
        "tests",
    )


def test_nothing_of_a_record_is_readable_in_the_database(rig: Rig) -> None:
    desk = Desk(rig)
    desk.sync("shared", first((f"key {PDQ[0]}", record(image(0), note="somebody's words"))))
    file = rig.app.database.file
    if file is not None:
        data = b"".join(path.read_bytes() for path in file.parent.iterdir() if path.is_file())
        assert PDQ[0].encode() not in data
        assert b"somebody's words" not in data
    assert find_entries(rig.app.database, rig.app.vault, ["ent_nothing"]) == []
