"""What entries do: allow-banks, thresholds, the guard's suspensions and quarantines, searches of the past."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage
from sqlalchemy import select

from seawall.match import BankEntry, BankMatcher, pdq
from seawall.model import (
    AppealDecided,
    AppealReceived,
    Decision,
    DecisionMade,
    DecisionSource,
    Image,
    ItemRef,
    PartHash,
    Reason,
    ReportReceived,
    Span,
    SpanUnit,
    Verdict,
    new_id,
    now_ms,
)
from seawall.model.stored_items import PastItems
from seawall.publish import (
    BankError,
    BankSettings,
    NewEntry,
    NoSuchEntry,
    add_entries,
    configure_bank,
    find_bank,
    find_entry,
    list_searches,
    remove_entry,
    restore_entry,
    suspend_entry,
)
from seawall.publish.banks.guard import is_wrong
from seawall.publish.banks.retro_match import EntryMatcher
from seawall.publish.events import BankEntryQuarantined, BankEntrySuspended
from seawall.publish.services import GUARD_FOLLOWER
from seawall.review.tables import case as case_table
from seawall.screen import ScreenResponse, StoredItem
from seawall.storage.following import follow
from seawall.worker import Worker
from support.app import Rig, eventually, opened

TEXT = "buy ten thousand streams from us today"
FINE = f"we warn you of whoever writes {TEXT}"


def add(rig: Rig, bank: str, value: str, kind: str = "text", **more: Any) -> str:
    entry = NewEntry(kind=kind, value=value, source="staff", **more)
    (made,) = add_entries(rig.app.ledger, bank, [entry], "tests")
    rig.app.banks.refresh()
    return made


def configure(rig: Rig, bank: str, **settings: Any) -> None:
    configure_bank(rig.app.ledger, bank, BankSettings(**settings), "tests")
    rig.app.banks.refresh()


def found(rig: Rig, answer: ScreenResponse) -> dict[str, str | None]:
    """The banks' signals of an answer with their evidence."""
    return {signal.name: signal.evidence for signal in rig.decision(answer).signals if signal.name.startswith("bank")}


def judge(rig: Rig, answer: ScreenResponse, *, right: bool) -> None:
    """A person decides about the item."""
    seen = rig.decision(answer)
    decision = Decision(
        id=new_id("dec"),
        at=now_ms(),
        item=seen.item,
        source=DecisionSource.REVIEW,
        verdict=Verdict.BLOCK if right else Verdict.ALLOW,
        actions=(),
        reasons=(Reason(policy="known", rule="review", harm="terms"),) if right else (),
        actor=seen.actor,
        supersedes=seen.id,
        reviewer="per_1",
    )
    rig.app.ledger.commit(lambda tx: tx.append(DecisionMade(decision=decision)))


def guard(rig: Rig) -> None:
    """Let the guard catch up."""
    while follow(rig.app.context, GUARD_FOLLOWER, "tests"):
        pass
    rig.app.banks.refresh()


def state(rig: Rig, entry: str) -> str:
    one = find_entry(rig.app.database, rig.app.vault, entry)
    assert one is not None
    return one.state


def search_past(rig: Rig) -> None:
    """Do the search for new entries now, and whatever it asks for."""
    rig.app.ledger.commit(lambda tx: tx.enqueue("retro_search", "all", {}))
    assert rig.work("retro_search") == 1
    rig.work("retro_match")


def make_image(seed: int) -> PilImage.Image:
    chance = random.Random(seed)
    image = PilImage.new("RGB", (256, 256))
    for _ in range(40):
        x, y = sorted(chance.randrange(256) for _ in range(2)), sorted(chance.randrange(256) for _ in range(2))
        image.paste(tuple(chance.randrange(256) for _ in range(3)), (x[0], y[0], x[1], y[1]))
    return image


def encoded(image: PilImage.Image) -> Image:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return Image(buffer.getvalue())


# -- roles and thresholds ----------------------------------------------------------------------------------------


def test_an_allow_bank_sets_aside_what_it_explains(rig: Rig) -> None:
    configure(rig, "quoted-texts", role="allow", title="Warnings")
    blocked = add(rig, "blocked-texts", TEXT)
    assert rig.screen(FINE).verdict is Verdict.BLOCK
    allowed = add(rig, "quoted-texts", FINE)
    answer = rig.screen(FINE, id="n-2")
    assert answer.verdict is Verdict.ALLOW
    assert found(rig, answer) == {"bank:quoted-texts": allowed, "bank_suppressed:blocked-texts": blocked}
    assert rig.screen(TEXT, id="n-3").verdict is Verdict.BLOCK  # said alone it is what it was
    one = find_entry(rig.app.database, rig.app.vault, blocked)
    assert one is not None
    assert (one.counts.hits, one.counts.suppressed) == (3, 1)
    configure(rig, "quoted-texts", role="block")
    assert rig.screen(FINE, id="n-4").verdict is Verdict.BLOCK


def test_a_banks_threshold_holds_for_entries_that_name_none(rig: Rig) -> None:
    image = make_image(1)
    hashed = bytearray(pdq(np.asarray(image)).hash)
    hashed[0] ^= 0xFF  # 8 bits away
    entry = add(rig, "blocked-images", hashed.hex(), "image")
    answer = rig.screen("look", image=encoded(image))
    assert answer.verdict is Verdict.BLOCK
    assert [signal.distance for signal in rig.decision(answer).signals if signal.evidence == entry] == [8]
    configure(rig, "blocked-images", thresholds={"image": 7})
    assert rig.screen("look", id="n-2", image=encoded(image)).verdict is Verdict.ALLOW
    configure(rig, "blocked-images", thresholds={"image": 8})
    assert rig.screen("look", id="n-3", image=encoded(image)).verdict is Verdict.BLOCK
    long = " ".join(f"word{number}" for number in range(20))
    add(rig, "blocked-texts", long)
    changed = long.replace("word9 ", "other ")
    assert rig.screen(changed, id="n-4").verdict is Verdict.BLOCK
    configure(rig, "blocked-texts", thresholds={"text": 100})
    assert rig.screen(changed, id="n-5").verdict is Verdict.ALLOW


def test_a_bank_says_when_its_entries_expire(rig: Rig) -> None:
    configure(rig, "blocked-texts", expires_after_days=30)
    entry = find_entry(
        rig.app.database,
        rig.app.vault,
        add(rig, "blocked-texts", TEXT, note="seen in a case"),
    )
    assert entry is not None
    assert entry.expires == entry.added_at + 30 * 86_400_000
    assert (entry.note, entry.value) == ("seen in a case", TEXT)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"role": "deny"}, "role is 'deny'; it must be one of block, allow"),
        ({"harm": "evil"}, "harm is 'evil'"),
        ({"thresholds": {"image": 300}}, "threshold is 300"),
        ({"thresholds": {"smell": 3}}, "threshold is 3; for kind smell it must be left out"),
        ({"expires_after_days": 0}, "expires_after_days is 0"),
        ({"flood_limit": -1}, "flood_limit is -1"),
        ({"title": "a\nb"}, "title may have at most 200 printable"),
    ],
)
def test_settings_that_cannot_be(rig: Rig, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(BankError, match=says):
        configure(rig, "blocked-texts", **settings)
    assert find_bank(rig.app.database, "blocked-texts") is None


def test_the_gravest_harms_are_not_quarantined_unless_somebody_says_so() -> None:
    assert BankSettings().most_hits == 500
    assert BankSettings(harm="spam").most_hits == 500
    assert BankSettings(harm="child_safety").most_hits is None
    assert BankSettings(harm="child_safety", flood_limit=9).most_hits == 9
    assert BankSettings(flood_limit=0).most_hits is None


# -- states ------------------------------------------------------------------------------------------------------


def test_suspended_and_restored(rig: Rig) -> None:
    entry = add(rig, "blocked-texts", TEXT)
    image = add(rig, "blocked-images", "0f" * 32, "image")
    suspend_entry(rig.app.ledger, "blocked-texts", entry, "lena", "wrong_match")
    suspend_entry(rig.app.ledger, "blocked-images", image, "lena", "wrong_match")
    with pytest.raises(NoSuchEntry, match="is already suspended"):
        suspend_entry(rig.app.ledger, "blocked-texts", entry, "lena", "wrong_match")
    rig.app.banks.refresh()
    assert rig.screen(TEXT).verdict is Verdict.ALLOW
    assert rig.app.banks.matcher.match_image(bytes.fromhex("0f" * 32)) == []
    restore_entry(rig.app.ledger, "blocked-texts", entry, "lena", "checked")
    restore_entry(rig.app.ledger, "blocked-images", image, "lena", "checked")
    rig.app.banks.refresh()
    assert rig.screen(TEXT).verdict is Verdict.BLOCK
    assert [hit.entry for hit in rig.app.banks.matcher.match_image(bytes.fromhex("0f" * 32))] == [image]
    remove_entry(rig.app.ledger, "blocked-texts", entry, "lena", "legal_order")
    for change in (suspend_entry, restore_entry):
        with pytest.raises(NoSuchEntry, match="holds no entry"):
            change(rig.app.ledger, "blocked-texts", entry, "lena", "checked")
    with pytest.raises(BankError, match="a reason must be a code"):
        suspend_entry(rig.app.ledger, "blocked-images", image, "lena", "Because I say so!")


def test_a_removed_image_stops_matching_before_anybody_refreshes(rig: Rig) -> None:
    entry = add(rig, "blocked-images", "0f" * 32, "image")
    matcher = rig.app.banks.matcher
    assert matcher.match_image(bytes.fromhex("0f" * 32))
    remove_entry(rig.app.ledger, "blocked-images", entry, "tests")
    assert matcher.match_image(bytes.fromhex("0f" * 32)) == []


# -- the guard ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("confirmed", "overturned", "wrong"),
    [(0, 3, False), (0, 4, True), (1, 5, False), (1, 6, False), (1, 7, True), (50, 50, False), (0, 0, False)],
)
def test_when_an_entry_is_wrong(confirmed: int, overturned: int, wrong: bool) -> None:
    assert is_wrong(confirmed, overturned) is wrong


def test_an_entry_that_people_overturn_is_suspended(rig: Rig) -> None:
    entry = add(rig, "blocked-texts", TEXT)
    for number in range(4):
        guard(rig)
        assert state(rig, entry) == "active"
        judge(rig, rig.screen(TEXT, id=f"n-{number}"), right=False)
    guard(rig)
    assert state(rig, entry) == "suspended"
    assert rig.screen(TEXT, id="n-9").verdict is Verdict.ALLOW
    (event,) = [event.body for event in rig.events() if isinstance(event.body, BankEntrySuspended)]
    assert (event.by, event.reason, event.confirmed, event.overturned) == ("guard", "overturned", 0, 4)
    # a person's word counts: what was judged before does not suspend it again
    restore_entry(rig.app.ledger, "blocked-texts", entry, "lena", "checked")
    rig.app.banks.refresh()
    judge(rig, rig.screen(TEXT, id="n-10"), right=False)
    guard(rig)
    assert state(rig, entry) == "active"
    one = find_entry(rig.app.database, rig.app.vault, entry)
    assert one is not None
    assert (one.counts.overturned, one.counts.confirmed) == (5, 0)


@pytest.mark.parametrize(("outcome", "counted"), [("overturned", (1, 0)), ("upheld", (0, 1)), ("withdrawn", (0, 0))])
def test_the_answer_to_an_appeal_counts_for_the_entry_that_caused_it(
    rig: Rig, outcome: str, counted: tuple[int, int]
) -> None:
    entry = add(rig, "blocked-texts", TEXT)
    item = rig.decision(rig.screen(TEXT, id="n-1")).item
    rig.screen("something else altogether", id="n-1")  # an edit does not save the entry from its overturn
    said = AppealDecided(appeal="app_1", item=item, role="author", outcome=outcome, person="per_1")
    # The appeal itself is not what is tested here: the entry counts the answer.
    received = AppealReceived(appeal="app_1", item=item, decision="dec_1", appellant="en_1", role="author")
    rig.app.ledger.commit(lambda tx: (tx.append(received), tx.append(said)))
    one = find_entry(rig.app.database, rig.app.vault, entry)
    assert one is not None
    assert (one.counts.overturned, one.counts.confirmed) == counted
    rig.assert_rebuilds()


def test_an_entry_that_people_confirm_stays(rig: Rig) -> None:
    entry = add(rig, "blocked-texts", TEXT)
    for number in range(8):
        judge(rig, rig.screen(TEXT, id=f"n-{number}"), right=number % 2 == 0)
    guard(rig)
    assert state(rig, entry) == "active"


def test_a_flood_is_quarantined_and_goes_to_people(rig: Rig) -> None:
    configure(rig, "blocked-texts", flood_limit=3)
    entry = add(rig, "blocked-texts", TEXT)
    for number in range(4):
        assert rig.screen(TEXT, id=f"n-{number}").verdict is Verdict.BLOCK
        rig.screen(TEXT, id=f"n-{number}")  # an item counts once
        guard(rig)
        assert state(rig, entry) == ("active" if number < 3 else "quarantined")
    (event,) = [event.body for event in rig.events() if isinstance(event.body, BankEntryQuarantined)]
    assert (event.by, event.hits, event.limit) == ("guard", 4, 3)
    answer = rig.screen(TEXT, id="n-9")
    assert answer.verdict is Verdict.ALLOW
    assert found(rig, answer) == {"bank_quarantined:blocked-texts": entry}
    guard(rig)
    rig.screen(TEXT, id="n-9")
    guard(rig)
    reports = [event.body for event in rig.events() if isinstance(event.body, ReportReceived)]
    assert [(report.item.ref, report.kind) for report in reports] == [(answer.item, "guard")]
    (case,) = rig.rows(select(case_table).where(case_table.c.item == answer.item))
    assert case["state"] == "open"
    restore_entry(rig.app.ledger, "blocked-texts", entry, "lena", "checked")
    rig.app.banks.refresh()
    assert rig.screen(TEXT, id="n-10").verdict is Verdict.BLOCK
    guard(rig)
    assert state(rig, entry) == "active"  # the hour counts from the restoring
    search_past(rig)
    assert rig.head(answer.item)["verdict"] == "block"  # what passed meanwhile is looked at again


def test_two_guards_do_everything_once(rig: Rig) -> None:
    configure(rig, "blocked-texts", flood_limit=1)
    add(rig, "blocked-texts", TEXT)
    for number in range(3):
        rig.screen(TEXT, id=f"n-{number}")
    while sum(follow(rig.app.context, GUARD_FOLLOWER, process) for process in ("one", "two")):
        pass
    assert len([event for event in rig.events() if isinstance(event.body, BankEntryQuarantined)]) == 1


# -- the past ----------------------------------------------------------------------------------------------------


def test_a_new_entry_finds_past_items(rig: Rig) -> None:
    image = make_image(3)
    past = {
        "text": rig.screen(f"hey, {TEXT}!", id="n-1"),
        "domain": rig.screen("look at www.evil.example/now", id="n-2"),
        "image": rig.screen("look", id="n-3", image=encoded(image)),
        "other": rig.screen("good morning", id="n-4", image=encoded(make_image(4))),
    }
    assert {answer.verdict for answer in past.values()} == {Verdict.ALLOW}
    add(rig, "blocked-texts", TEXT)
    add(rig, "blocked-domains", "evil.example", "domain")
    add(rig, "blocked-images", pdq(np.asarray(image)).hash.hex(), "image")
    search_past(rig)
    verdicts = {name: rig.head(answer.item)["verdict"] for name, answer in past.items()}
    assert verdicts == {"text": "block", "domain": "block", "image": "block", "other": "allow"}
    last = rig.decisions(past["image"].item)[-1]
    assert last.source is DecisionSource.RETRO_MATCH
    assert {signal.version for signal in last.signals if signal.name == "bank:blocked-images"} == {
        str(rig.app.banks.matcher.revision)
    }
    (search,) = list_searches(rig.app.database)
    assert (search.entries, search.items, search.hits, search.unreadable) == (3, 4, 3, 0)
    assert search.finished_at is not None


def test_audio_files_videos_and_files_are_found_by_their_prints() -> None:
    chance = np.random.default_rng(7)
    items = chance.integers(0, 1 << 32, 400, dtype=np.uint32)
    frames = [(float(second), chance.bytes(32)) for second in range(20)]
    digest = hashlib.md5(b"a file", usedforsecurity=False)
    entries = {
        "audio": base64.b64encode(items.astype("<u4").tobytes()).decode(),
        "video": json.dumps([[at, hash.hex()] for at, hash in frames]),
        "digest": digest.hexdigest(),
    }
    hashes = {
        "audio": [PartHash(kind="chromaprint", value=items[100:200].astype("<u4").tobytes(), part="voice")],
        "video": [
            PartHash(kind="pdq", value=hash, part="clip", span=Span(unit=SpanUnit.SECONDS, start=at - 4, end=at - 4))
            for at, hash in reversed(frames[5:15])
        ],
        "digest": [PartHash(kind="md5", value=digest.digest(), part="clip")],
    }
    for kind, value in entries.items():
        finder = EntryMatcher(BankMatcher([BankEntry(bank="b", id="e", kind=kind, value=value)]))
        for of, taken in hashes.items():
            past = StoredItem(ref=ItemRef("note", "it_1", 1), decision="dec_1", hashes=tuple(taken))
            assert finder.finds(past) is (of == kind)


def test_a_search_goes_on_where_it_stopped(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.publish.banks.retro_match._PAGE", 2)
    answers = [rig.screen(TEXT, id=f"n-{number}") for number in range(5)]
    add(rig, "blocked-texts", TEXT)
    from seawall.publish import RetroMatch

    class Stopped(Exception):
        pass

    pages = 0

    def pause() -> None:
        nonlocal pages
        pages += 1
        if pages == 2:
            raise Stopped

    def walk(**page: Any) -> Any:
        return rig.app.context.get(PastItems).page(**page)

    app = rig.app
    app.ledger.commit(lambda tx: tx.enqueue("retro_search", "all", {}))
    (job,) = rig.claim("retro_search")
    with pytest.raises(Stopped):
        RetroMatch(app.ledger, app.database, app.vault, app.jobs, walk, pause).run(job)
    assert [(one.items, one.hits, one.finished_at) for one in list_searches(app.database)] == [(4, 4, None)]
    app.jobs.retry(job, 0, "stopped")
    (job,) = rig.claim("retro_search")
    RetroMatch(app.ledger, app.database, app.vault, app.jobs, walk).run(job)
    assert [(one.items, one.hits) for one in list_searches(app.database)] == [(5, 5)]
    rig.work("retro_match")
    assert {rig.head(answer.item)["verdict"] for answer in answers} == {"block"}
    search_past(rig)  # nothing new: no search
    assert len(list_searches(app.database)) == 1


def test_a_persons_decision_stands_against_a_new_entry(rig: Rig) -> None:
    answer = rig.screen(TEXT)
    judge(rig, answer, right=False)
    add(rig, "blocked-texts", TEXT)
    search_past(rig)
    assert rig.head(answer.item)["verdict"] == "allow"


def test_what_was_erased_is_counted_and_skipped(rig: Rig) -> None:
    answer = rig.screen(TEXT)
    actor = rig.decision(answer).actor
    assert actor is not None
    rig.app.ledger.commit(lambda tx: rig.app.vault.erase(tx, actor))
    add(rig, "blocked-texts", TEXT)
    search_past(rig)
    (search,) = list_searches(rig.app.database)
    assert (search.items, search.hits, search.unreadable) == (1, 0, 1)


def test_a_worker_does_all_of_it_by_itself(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seawall.publish.banks.entries._RETRO_DELAY_MS", 0)
    monkeypatch.setattr("seawall.worker.worker.FOLLOW_S", 0.01)
    with opened(tmp_path, sqlite_url, "known") as rig, Worker(rig.app):
        configure(rig, "blocked-texts", flood_limit=1)
        past = rig.screen(TEXT, id="n-0")
        entry = add(rig, "blocked-texts", TEXT)
        eventually(lambda: rig.head(past.item)["verdict"] == "block")
        rig.screen(TEXT, id="n-1")
        assert eventually(lambda: state(rig, entry) == "quarantined")


def test_the_index_is_made_again_when_it_is_lost_or_of_another_past(sqlite_url: str, tmp_path: Path) -> None:
    import shutil

    with opened(tmp_path, sqlite_url, "known") as rig:
        entry = add(rig, "blocked-images", "0f" * 32, "image")
    shutil.rmtree(tmp_path / "data" / "indexes")
    with opened(tmp_path, sqlite_url, publish=False) as rig:
        assert [hit.entry for hit in rig.app.banks.matcher.match_image(bytes.fromhex("0f" * 32))] == [entry]
    (folder,) = (tmp_path / "data" / "indexes").iterdir()
    from seawall.match.hashindex.index import HashIndex

    with HashIndex.open(folder) as index:
        index.add([99], [bytes(32)], mark=10_000)  # of events that were lost with the newer database
    with opened(tmp_path, sqlite_url, publish=False) as rig:
        assert [hit.entry for hit in rig.app.banks.matcher.match_image(bytes.fromhex("0f" * 32))] == [entry]
        assert rig.app.banks.matcher.match_image(bytes(32)) == []
