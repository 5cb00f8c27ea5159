"""Retention: what a content type keeps no longer is deleted with its files, and nothing else is."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Picture
from sqlalchemy import func, insert, select, update

from seawall import appeal, review
from seawall.appealed_decision import find_facts
from seawall.model import Image, now_ms
from seawall.publish import BankSettings, NewEntry, add_entries, configure_bank, find_entry
from seawall.screen import load_item, read_content, status_of
from seawall.screen.retention import IDEMPOTENCY_MS, enforce_retention
from seawall.screen.tables import idempotency, item_hashes
from seawall.storage import Erased, StorageError
from seawall.storage.collector import GRACE_MS, delete_unused_files
from seawall.storage.component import Component
from seawall.storage.deletions import RetentionEnded, UnusedFilesDeleted
from seawall.storage.erasure import erase_subject, find_subject
from seawall.storage.legal_holds import lift_hold, place_hold
from seawall.storage.tables import vault
from support.app import Rig

DAY = 24 * 3_600_000
CONTENT, DECISIONS = 180 * DAY, 5 * 365 * DAY


def image(shade: int) -> Image:
    file = io.BytesIO()
    Picture.new("RGB", (40, 30), (shade, 40, 60)).save(file, "PNG")
    return Image(file.getvalue())


def later(rig: Rig, by: int) -> int:
    return enforce_retention(rig.app.context, now=now_ms() + by)


def blobs(folder: Path) -> set[Path]:
    return {path for path in (folder / "data" / "blobs").rglob("*") if path.is_file()}


def entries(rig: Rig, ref: str) -> set[str]:
    return {row["name"] for row in rig.rows(select(vault.c.name).where(vault.c.ref == ref))}


def count(rig: Rig, table: Any) -> int:
    return int(rig.rows(select(func.count().label("n")).select_from(table))[0]["n"])


def test_a_bank_entry_forgets_an_item_that_is_kept_no_longer_and_can_still_be_erased_by_account(rig: Rig) -> None:
    rig.screen("one", actor="A")
    entry = NewEntry(kind="text", value="a known phrase", source="staff", content_type="note", item_id="n-1")
    configure_bank(rig.app.ledger, "blocked-texts", BankSettings(on_erasure="remove"), "per_1")
    (made,) = add_entries(rig.app.ledger, "blocked-texts", [entry], "per_1")
    later(rig, DECISIONS + DAY)
    found = find_entry(rig.app.database, rig.app.vault, made)
    assert found is not None
    assert (found.state, found.sources[0].item, found.sources[0].erased_at) == ("active", None, None)
    account = find_subject(rig.app.context, "account", "A")
    assert found.sources[0].account == account
    assert erase_subject(rig.app.context, account, by="per_1").bank_entries == 1


def test_content_goes_when_its_time_is_over(rig: Rig, tmp_path: Path) -> None:
    before = blobs(tmp_path)
    first = rig.screen("one", image=image(1), mood="calm")
    rig.screen("two", image=image(2), mood="gloomy")
    assert (later(rig, CONTENT - DAY), len(blobs(tmp_path) - before)) == (0, 2)
    assert later(rig, CONTENT + DAY) >= 4
    assert blobs(tmp_path) == before
    assert entries(rig, first.item) == {"id"}
    assert count(rig, item_hashes) == 0
    with pytest.raises(Erased):
        rig.app.explain(first.decision)
    with pytest.raises(Erased):
        load_item(rig.app.database, rig.app.vault, rig.app.blobs, first.item, 2)
    with pytest.raises((Erased, KeyError)):
        read_content(rig.app.vault, first.item, 1)
    assert len(rig.decisions(first.item)) == 2  # the records stay
    (ended,) = [event.body for event in rig.events() if isinstance(event.body, RetentionEnded)]
    assert (ended.term, ended.content_type, ended.files) == ("content", "note", 2)
    assert [one.revision for one in ended.items] == [1, 2]
    verified = rig.app.ledger.verify()
    assert (verified.ok, verified.deleted_files, verified.deleted_entries) == (True, 2, ended.entries)
    assert later(rig, CONTENT + DAY) == 0


def test_the_rest_goes_with_the_decisions(rig: Rig) -> None:
    screened = rig.screen("one", id="n-7", actor="A")
    later(rig, CONTENT + DAY)
    assert rig.app.vault.find("item:note", "n-7") == screened.item
    later(rig, DECISIONS + 2 * DAY)
    assert rig.app.vault.find("item:note", "n-7") is None
    assert entries(rig, screened.item) == set()
    assert rig.screen("one", id="n-7", actor="A").item != screened.item


def test_what_must_be_kept_is_kept(rig: Rig) -> None:
    held = rig.screen("under legal hold", id="n-1", actor="A")
    cased = rig.screen("you fool, for review", id="n-2", actor="B")
    hold = place_hold(rig.app.ledger, rig.app.vault.find("account", "A") or "", "order-1", by="per_1")
    assert later(rig, CONTENT + DAY) == 0
    assert later(rig, DECISIONS + DAY) == 0
    assert "fields/1" in entries(rig, held.item) & entries(rig, cased.item)
    lift_hold(rig.app.ledger, hold, by="per_1")
    assert later(rig, CONTENT + DAY) > 0
    assert "fields/1" not in entries(rig, held.item)
    assert "fields/1" in entries(rig, cased.item)


def test_evidence_is_kept_while_an_appeal_is_open(rig: Rig, tmp_path: Path) -> None:
    before = blobs(tmp_path)
    screened = rig.screen("silly", id="n-3", actor="C", image=image(3))  # held, and no review is asked for
    asked = appeal.Appeal(appellant="C", text="It is a song title.", content_type="note", item_id="n-3")
    made = appeal.receive_appeal(rig.app.ledger, asked, find_facts=partial(find_facts, rig.app), find_item=status_of)
    assert (later(rig, CONTENT + DAY), later(rig, DECISIONS + DAY)) == (0, 0)
    assert {"fields/1", f"appeal/{made}"} <= entries(rig, screened.item)
    assert len(blobs(tmp_path) - before) == 1
    appellant = rig.app.vault.find("account", "C")
    assert appellant is not None
    appeal.withdraw(rig.app.ledger, made, appellant=appellant)
    assert later(rig, CONTENT + DAY) > 0
    assert "fields/1" not in entries(rig, screened.item)
    later(rig, DECISIONS + DAY)
    assert entries(rig, screened.item) == set()  # what the appellant wrote goes with the decisions


def test_what_is_appealed_while_retention_reads_is_kept(rig: Rig) -> None:
    screened = rig.screen("silly", id="n-4", actor="D")
    asked = appeal.Appeal(appellant="D", text="A moment, please.", content_type="note", item_id="n-4")
    made: list[str] = []

    def appealing(reader: object, items: Sequence[str]) -> list[str]:
        """Keeps nothing; the first time, somebody appeals just after it was asked."""
        if not made:
            made.append("")
            find = partial(find_facts, rig.app)
            made[0] = appeal.receive_appeal(rig.app.ledger, asked, find_facts=find, find_item=status_of)
        return []

    context = rig.app.context
    context = replace(context, components=(*context.components, Component(name="late", items_in_use=appealing)))
    assert enforce_retention(context, now=now_ms() + CONTENT + DAY) == 0
    assert made[0]
    assert "fields/1" in entries(rig, screened.item)


def test_the_same_content_sent_again_is_kept_again(rig: Rig) -> None:
    rig.screen("again and again")
    later(rig, CONTENT + DAY)
    again = rig.screen("again and again")
    assert again.revision == 2
    assert read_content(rig.app.vault, again.item, 2).fields["body"] == "again and again"
    assert rig.screen("again and again").revision == 2


def test_responses_to_repeated_requests_expire(rig: Rig) -> None:
    row = {"request": "x", "response": b"{}"}
    with rig.app.database.write() as connection:
        old = {"key": "old", "at": now_ms() - IDEMPOTENCY_MS - 1, **row}
        connection.execute(insert(idempotency), [old, {"key": "new", "at": now_ms(), **row}])
    later(rig, 0)
    assert [one["key"] for one in rig.rows(select(idempotency.c.key))] == ["new"]


# -- unused files ----------------------------------------------------------------------------------------------------


def age(folder: Path) -> None:
    for path in blobs(folder):
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - GRACE_MS / 1000 - 60))


def test_only_files_that_nothing_refers_to_are_deleted(rig: Rig, tmp_path: Path) -> None:
    rig.screen("one", image=image(1))
    orphan, fresh = rig.app.blobs.put(b"left by a killed process"), b"stored this moment"
    age(tmp_path)
    young = rig.app.blobs.put(fresh)
    before = {path.name for path in blobs(tmp_path)}
    assert delete_unused_files(rig.app.context) == 1
    assert {path.name for path in blobs(tmp_path)} == before - {orphan}
    assert young in before
    assert [event.body.files for event in rig.events() if isinstance(event.body, UnusedFilesDeleted)] == [1]
    assert delete_unused_files(rig.app.context) == 0
    assert load_item(
        rig.app.database, rig.app.vault, rig.app.blobs, rig.head(rig.screen("one", image=image(1)).item)["ref"], 1
    )


def test_bytes_that_are_stored_again_count_as_new(rig: Rig, tmp_path: Path) -> None:
    digest = rig.app.blobs.put(b"twice")
    age(tmp_path)
    assert rig.app.blobs.put(b"twice") == digest
    assert delete_unused_files(rig.app.context) == 0
    assert rig.app.blobs.get(digest) == b"twice"


def test_nothing_is_deleted_while_an_entry_cannot_be_read(rig: Rig, tmp_path: Path) -> None:
    screened = rig.screen("one", image=image(1))
    rig.app.blobs.put(b"orphan")
    age(tmp_path)
    with rig.app.database.write() as connection:
        here = (vault.c.ref == screened.item) & (vault.c.name == "fields/1")
        connection.execute(update(vault).where(here).values(data=b"\x01damaged, damaged, damaged, damaged"))
    before = blobs(tmp_path)
    with pytest.raises(StorageError):
        delete_unused_files(rig.app.context)
    assert blobs(tmp_path) == before


def test_a_worker_does_both(rig: Rig) -> None:
    for component in rig.app.components:
        for schedule in component.schedules:
            if schedule.name in ("retention", "delete_unused_files"):
                schedule.task(rig.app.context)
                schedule.task(rig.app.context)
    assert rig.work("retention", "delete_unused_files") == 2
    assert rig.app.jobs.listed() == []


def test_what_was_written_about_the_case_of_an_account_goes_too_and_the_account_stays(rig: Rig) -> None:
    rig.screen("one", id="n-1", actor="A")
    context, ledger = rig.app.context, rig.app.ledger
    for reporter in ("u-1", "u-2"):
        said = appeal.Report(account="A", reporter=reporter, note="They live at 1 Old Road.")
        appeal.receive_report(ledger, said, find_item=lambda content_type, item_id: None)
    account = find_subject(context, "account", "A")
    case = review.case_id(account)
    assert later(rig, DECISIONS - DAY) > 0  # the item's
    later(rig, DECISIONS + DAY)
    assert len([name for name in entries(rig, account) if name.startswith("report/")]) == 2  # nobody has decided
    review.take(rig.app.database, case, "per_1")
    answer = review.ReviewAnswer(
        answer=review.DOES_NOT_VIOLATE, reason="not_enough_evidence", note="Old Road is a school."
    )
    book = review.Rulebook(content_types=rig.app.bundle.content_types, harms={})
    review.submit_review(ledger, book, case, "per_1", answer, find_item=status_of)
    hold = place_hold(ledger, account, "order-1", by="per_1")
    later(rig, DECISIONS + DAY)
    assert len(entries(rig, account)) == 4
    lift_hold(ledger, hold, by="per_1")
    assert (later(rig, DECISIONS - DAY), later(rig, DECISIONS + DAY), later(rig, DECISIONS + DAY)) == (0, 3, 0)
    assert entries(rig, account) == {"id"}
    assert context.vault.find("account", "A") == account
    assert ledger.verify().ok
