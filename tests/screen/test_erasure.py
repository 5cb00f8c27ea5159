"""Erasure and export of a subject: each revision and note goes with who wrote it, and nobody else's work does."""

from __future__ import annotations

import io
import json
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from PIL import Image as Picture
from sqlalchemy import func, select, update

from seawall import appeal
from seawall.model import Image
from seawall.screen import load_item, read_content
from seawall.screen.queries import find_item_ref
from seawall.storage import Blobs, Erased
from seawall.storage.collector import delete_unused_files
from seawall.storage.deletions import ErasureCompleted
from seawall.storage.erasure import erase_subject, export_subject, find_subject
from seawall.storage.legal_holds import LegalHoldError, UnderLegalHold, lift_hold, list_holds, place_hold
from seawall.storage.tables import vault
from support.app import Rig


def image(shade: int) -> Image:
    file = io.BytesIO()
    Picture.new("RGB", (40, 30), (shade, 40, 60)).save(file, "PNG")
    return Image(file.getvalue())


def account(rig: Rig, name: str) -> str:
    return find_subject(rig.app.context, "account", name)


def erase(rig: Rig, name: str) -> Any:
    return erase_subject(rig.app.context, account(rig, name), by="per_1")


def body(rig: Rig, ref: str, revision: int) -> Any:
    return read_content(rig.app.vault, ref, revision).fields["body"]


def report(rig: Rig, item: str, reporter: str, note: str) -> str:
    made = appeal.Report(content_type="note", item_id=item, reporter=reporter, note=note)
    found = partial(find_item_ref, rig.app.database, rig.app.vault)
    return appeal.receive_report(rig.app.ledger, made, find_item=found)


def blobs(folder: Path) -> set[str]:
    return {path.name for path in (folder / "data" / "blobs").rglob("*") if path.is_file()}


def sealed(rig: Rig) -> int:
    (row,) = rig.rows(select(func.count().label("n")).select_from(vault))
    return int(row["n"])


def test_a_revision_goes_with_who_wrote_it(rig: Rig, tmp_path: Path) -> None:
    first = rig.screen("by A", actor="A", image=image(1), mood="calm")
    before = blobs(tmp_path)
    second = rig.screen("by B, a silly one", actor="B", image=image(2), mood="gloomy")
    assert (first.item, second.revision) == (second.item, 2)
    certificate = erase(rig, "B")
    assert (certificate.subjects, certificate.files) == (1, 1)
    assert certificate.entries >= 3  # the id, the fields, the features
    assert blobs(tmp_path) == before
    with pytest.raises((Erased, KeyError)):
        body(rig, first.item, 2)
    with pytest.raises(Erased):
        rig.app.explain(second.decision)
    with pytest.raises(Erased):
        load_item(rig.app.database, rig.app.vault, rig.app.blobs, first.item, 2)
    assert body(rig, first.item, 1) == "by A"
    assert rig.app.explain(first.decision)[1] is not None
    made = [event.body for event in rig.events() if isinstance(event.body, ErasureCompleted)]
    assert [(one.subject, one.by, one.files) for one in made] == [(certificate.subject, "per_1", 1)]


def test_the_copy_of_a_revision_cannot_be_opened_after_its_author_was_erased(rig: Rig) -> None:
    first = rig.screen("by A", actor="A")
    rig.screen("by B", actor="B")
    (copy,) = rig.rows(select(vault).where(vault.c.ref == first.item, vault.c.name == "fields/2"))
    erase(rig, "B")
    rig.app.ledger.commit(lambda tx: tx.insert(vault, copy))  # as a restored table would have it
    with pytest.raises(Erased):
        body(rig, first.item, 2)


def test_a_note_goes_with_the_reporter_and_with_the_author(rig: Rig) -> None:
    screened = rig.screen("you fool", actor="A")
    by_c, by_d = (report(rig, "n-1", who, f"says {who}") for who in ("C", "D"))
    erase(rig, "C")
    opened = rig.app.vault.open_many([(screened.item, f"report/{one}") for one in (by_c, by_d)])
    assert list(opened.values()) == [b"says D"]
    assert body(rig, screened.item, 1) == "you fool"
    erase(rig, "A")
    assert rig.app.vault.open_many([(screened.item, f"report/{by_d}")]) == {}


def test_what_older_releases_sealed_under_the_first_owner_is_deleted_too(rig: Rig, tmp_path: Path) -> None:
    first = rig.screen("by A", actor="A")
    rig.screen("by B", actor="B", image=image(3))
    note = report(rig, "n-1", "C", "says C")
    opened = {entry: rig.app.vault.open(*entry) for entry in [(first.item, "fields/2"), (first.item, f"report/{note}")]}
    for (ref, name), plaintext in opened.items():  # as 0.2.0 sealed them: under the key of A
        rig.app.ledger.commit(lambda tx, ref=ref, name=name, plaintext=plaintext: tx.seal(ref, name, plaintext))
    assert body(rig, first.item, 2) == "by B"
    before = len(blobs(tmp_path))
    assert erase(rig, "B").files == 1
    assert len(blobs(tmp_path)) == before - 1
    erase(rig, "C")
    assert rig.app.vault.open_many(opened) == {}
    assert body(rig, first.item, 1) == "by A"


def test_who_only_sent_the_same_content_again_did_not_write_it(rig: Rig) -> None:
    first = rig.screen("the same", actor="A", mood="calm")
    again = rig.screen("the same", actor="B", mood="calm")
    assert again.revision == 1
    erase(rig, "B")
    assert body(rig, first.item, 1) == "the same"
    assert rig.app.explain(again.decision)[1] is not None  # its features are A's words
    erase(rig, "A")
    with pytest.raises(Erased):
        rig.app.explain(again.decision)


def test_erased_content_that_is_sent_again_is_screened_and_kept(rig: Rig) -> None:
    rig.screen("by A", actor="A")
    rig.screen("by B", actor="B")
    erase(rig, "B")
    again = rig.screen("by B", actor="A")
    assert (again.revision, body(rig, again.item, 3)) == (3, "by B")
    anew = rig.screen("by B, again", actor="B")  # a new account of the same name
    assert body(rig, anew.item, 4) == "by B, again"


def test_an_installation_shrinks(rig: Rig, tmp_path: Path) -> None:
    rig.screen("of nobody", id="n-0", actor="Z")
    empty, files = sealed(rig), blobs(tmp_path)
    for number in range(3):
        rig.screen(f"number {number}", id=f"n-{number + 1}", actor="A", image=image(number), mood="calm")
    certificate = erase(rig, "A")
    assert (certificate.subjects, certificate.files) == (4, 3)
    assert (sealed(rig), blobs(tmp_path)) == (empty, files)
    assert rig.app.ledger.verify().ok


def test_files_of_an_erasure_that_was_killed_are_collected(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = blobs(tmp_path)
    rig.screen("with a picture", actor="A", image=image(5))
    with monkeypatch.context() as patched:

        def killed(_self: Blobs, _digest: str) -> None:
            raise KeyboardInterrupt

        patched.setattr(Blobs, "delete", killed)
        with pytest.raises(KeyboardInterrupt):
            erase(rig, "A")
    assert len(blobs(tmp_path)) == len(before) + 1
    assert delete_unused_files(rig.app.context, grace_ms=-60_000) == 1
    assert blobs(tmp_path) == before


def test_nothing_is_erased_under_a_legal_hold(rig: Rig) -> None:
    screened = rig.screen("evidence", actor="A")
    rig.screen("by B", actor="B")
    context = rig.app.context
    hold = place_hold(rig.app.ledger, screened.item, "order-17", by="per_1")
    count = sealed(rig)
    for name in ("A", "B"):  # the item's owner, and who wrote a revision of it
        with pytest.raises(UnderLegalHold, match="order-17"):
            erase(rig, name)
    assert sealed(rig) == count
    lift_hold(rig.app.ledger, hold, by="per_2")
    with pytest.raises(LegalHoldError, match="in force"):
        lift_hold(rig.app.ledger, hold, by="per_2")
    assert [(one.id, one.lifted_by) for one in list_holds(context.database)] == [(hold, "per_2")]
    erase(rig, "A")
    with pytest.raises(LegalHoldError, match="erased"):
        place_hold(rig.app.ledger, screened.item, "order-18", by="per_1")
    with pytest.raises(LegalHoldError, match="code"):
        place_hold(rig.app.ledger, account(rig, "B"), "Because I say so", by="per_1")


def exported(rig: Rig, name: str) -> tuple[dict[str, Any], ZipFile]:
    file = io.BytesIO()
    export_subject(rig.app.context, account(rig, name), file)
    archive = ZipFile(file)
    return json.loads(archive.read("subject.json")), archive


def test_the_export_has_all_that_a_subject_wrote_and_nothing_that_others_did(rig: Rig) -> None:
    screened = rig.screen("by A", actor="A", image=image(7))
    rig.screen("by B", actor="B")
    report(rig, "n-1", "C", "A secret of C.")
    document, archive = exported(rig, "A")
    text = json.dumps(document)
    assert '"by A"' in text
    assert "by B" not in text
    assert "secret of C" not in text
    (fields,) = [one for one in document["entries"] if one["name"] == "fields/1"]
    assert archive.read(fields["files"][0]["file"]) == image(7).data
    assert "key" not in fields["value"]["fields"]["image"]
    assert {"item.submitted", "decision.made"} <= {event["kind"] for event in document["events"]}
    assert "secret of C" in json.dumps(exported(rig, "C")[0])
    assert '"by B"' in json.dumps(exported(rig, "B")[0])
    ref = account(rig, "A")
    erase(rig, "A")
    with pytest.raises(Erased):
        export_subject(rig.app.context, ref, io.BytesIO())
    with pytest.raises(LookupError, match="never met"):
        account(rig, "A")
    assert screened.item not in json.dumps(exported(rig, "B")[0]["subjects"])


def test_a_damaged_entry_keeps_nothing_from_being_erased(rig: Rig) -> None:
    screened = rig.screen("damaged", actor="A", image=image(1))
    rig.screen("whole", id="n-2", actor="A", image=image(2))
    with rig.app.database.write() as connection:
        here = (vault.c.ref == screened.item) & (vault.c.name == "fields/1")
        connection.execute(update(vault).where(here).values(data=b"\x01damaged, damaged, damaged, damaged"))
    certificate = erase(rig, "A")
    assert (certificate.subjects, certificate.files, sealed(rig)) == (3, 1, 0)
