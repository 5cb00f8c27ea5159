"""After an erasure nothing anywhere holds what the subject wrote: every table, every file, raw and decrypted."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from sqlalchemy import select

from seawall import access, enforce, publish, review
from seawall.match import pdq
from seawall.model import Action, now_ms
from seawall.publish import NewEntry
from seawall.review.queries import case_of_item
from seawall.screen import status_of
from seawall.screen.tables import idempotency
from seawall.storage.database import metadata
from seawall.storage.erasure import ERASURE_JOB, erase_subject, export_subject, find_subject
from seawall.storage.tables import subject, vault
from support.api import Client, serving
from support.app import Rig

WORD = "zyxwvumarker"
WHO, ITEM, NOTE, REPORT_KEY, REQUEST_KEY = (f"{WORD}-{what}" for what in ("who", "item", "note", "report", "request"))


def picture() -> bytes:
    image = Picture.fromarray(
        np.random.default_rng(7).integers(0, 255, (96, 96, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    )
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def traces() -> dict[str, bytes]:
    """What must not be found, by what it is: words, files, and digests of them that anybody can compute."""
    image = picture()
    hashed = pdq(np.asarray(Picture.open(io.BytesIO(image)))).hash
    found = {
        "the marker": WORD.encode(),
        "the picture": image[64:128],
        "its PDQ": hashed,
        "its PDQ in hex": hashed.hex().encode(),
    }
    secrets = {"picture": image, "account": WHO.encode(), "item": ITEM.encode(), "key": REQUEST_KEY.encode()}
    for what, data in secrets.items():
        for name in ("md5", "sha1", "sha256"):
            digest = hashlib.new(name, data, usedforsecurity=False)
            found[f"{name} of the {what}"] = digest.digest()
            found[f"{name} of the {what} in hex"] = digest.hexdigest().encode()
            found[f"{name} of the {what} in base64"] = base64.b64encode(digest.digest())
    return found


def everything(rig: Rig) -> Iterator[tuple[str, bytes]]:
    """All that is stored: rows of every table, vault entries in plain, files of the data folder."""
    with rig.app.database.read() as connection:
        for table in metadata.tables.values():
            if table.name.endswith("__building"):
                continue
            for row in connection.execute(select(table)):
                for column, value in row._mapping.items():
                    yield f"{table.name}.{column}", value if isinstance(value, bytes) else str(value).encode()
        names = [(row.ref, row.name) for row in connection.execute(select(vault.c.ref, vault.c.name))]
        for (ref, name), plaintext in rig.app.vault.open_many(names, conn=connection).items():
            yield f"vault {ref} {name}", plaintext
    database = rig.app.database.file
    beside = () if database is None else database.parent.glob(f"{database.name}*")
    for path in {*rig.app.settings.data_dir.rglob("*"), *beside}:
        if path.is_file() and not path.name.endswith("-shm"):
            yield f"file {path.name}", path.read_bytes()


def leaks(rig: Rig) -> set[str]:
    wanted = traces()
    return {f"{where}: {what}" for where, data in everything(rig) for what, trace in wanted.items() if trace in data}


@pytest.fixture
def client(database_url: str, tmp_path: Path) -> Iterator[Client]:
    with serving(tmp_path, database_url, "rude", "gore", "known") as made:
        yield made
        made.rig.assert_rebuilds()


def item(id: str = ITEM, actor: str = WHO, **fields: Any) -> dict[str, Any]:
    who = {"id": actor, "attributes": {"created_at": 1_700_000_000_000}}
    return {"content_type": "note", "id": id, "actor": who, "fields": {"body": f"You fool, says {WORD}.", **fields}}


def use_every_door(client: Client) -> None:
    """Whatever a platform, its users and its staff can do with one account's content."""
    rig, app = client.rig, client.rig.app
    enforce.add_endpoint(app.ledger, app.vault, url="http://127.0.0.1:9/", allow_private=True)
    image = {"base64": base64.b64encode(picture()).decode()}
    content = item(mood=f"gloomy {WORD}", image=image)
    first = client.send("POST", "/v1/screen", json=content, headers={"Idempotency-Key": REQUEST_KEY})
    assert first.status_code == 200, first.text
    client.send("POST", "/v1/screen", json=item(mood="calm"))  # an edit
    client.send("POST", "/v1/screen", json=item(id="of-another", actor="B"))
    assert client.send("POST", "/v1/items", json={"items": [item(id=f"{ITEM}-2")]}).status_code == 202
    for who, what in ((WHO, "of-another"), ("C", ITEM)):
        asked = {"content_type": "note", "id": what, "reporter": who, "note": f"{WORD} says so"}
        answer = client.send("POST", "/v1/reports", json=asked, headers={"Idempotency-Key": REPORT_KEY})
        assert answer.status_code in (201, 202), answer.text
    _review(rig, first.json()["item"])
    entry = NewEntry(kind="text", value="some known words", source="s", note=NOTE, content_type="note", item_id=ITEM)
    publish.add_entries(app.ledger, "blocked-texts", [entry], "per_1")
    assert client.send("POST", "/v1/match", json={"text": WORD}).status_code == 200
    rig.work("screen", "deliver", "retro_search", "retro_match")
    export_subject(app.context, find_subject(app.context, "account", WHO), io.BytesIO())


def _review(rig: Rig, ref: str) -> None:
    person = access.create_person(rig.app.ledger, "ada@example.org", "Ada", "a wall against the sea", ["reviewer"])
    with rig.app.database.read() as connection:
        found = case_of_item(connection, ref, now_ms())
    assert found is not None
    review.take(rig.app.database, found.id, person.id)
    rulebook = review.Rulebook(
        content_types=rig.app.bundle.content_types, harms={one.name: one.harm for one in rig.app.bundle.policies}
    )
    answer = review.ReviewAnswer(
        answer="violates", policy="rude", actions=(Action("remove"),), reason="clear_violation", note=NOTE
    )
    review.submit_review(rig.app.ledger, rulebook, found.id, person.id, answer, find_item=status_of)


def test_nothing_is_left_of_a_subject_anywhere(client: Client) -> None:
    use_every_door(client)
    assert leaks(client.rig)  # the search finds what is there
    context = client.rig.app.context
    _fail(client.rig)
    (key,) = client.rig.rows(select(subject.c.key).where(subject.c.ref == account(client.rig)))
    erase_subject(context, find_subject(context, "account", WHO), by="per_1")
    erase_subject(context, find_subject(context, "item:note", "of-another"), by="per_1")  # it quotes the marker
    assert client.rig.work(ERASURE_JOB) == 2
    assert leaks(client.rig) == set()
    assert not [place for place, data in everything(client.rig) if bytes(key["key"]) in data]  # not in the log
    assert client.rig.rows(select(idempotency)) == []


def account(rig: Rig) -> str:
    return find_subject(rig.app.context, "account", WHO)


def _fail(rig: Rig) -> None:
    """A job about the account's item failed, with an error that quotes it."""
    ref = find_subject(rig.app.context, "item:note", ITEM)
    rig.app.ledger.commit(lambda tx: tx.enqueue("rescreen", ref, {"item": ref, "revision": 1, "decision": "dec_1"}))
    (job,) = [one for one in rig.claim("rescreen") if one.key == ref]
    rig.app.jobs.retry(job, now_ms() + 60_000, f"ValueError: {WORD}")
