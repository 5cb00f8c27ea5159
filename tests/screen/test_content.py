"""Content lives in the vault and nowhere else: images, marks that may not be found, erasure, rebuilding."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as PilImage
from sqlalchemy import create_engine, delete, event, select

from seawall import appeal, screen
from seawall.model import Event, Image, ItemRef
from seawall.screen import MediaInfo, feature_row, item_kind, load_item, media_bytes, read_content
from seawall.storage import Erased
from seawall.storage.database import metadata
from support.app import Rig, opened
from support.examples import examples

TEXT, ID, ACTOR, MOOD, NOTE = (
    "marker-text-7731",
    "marker-id-7732",
    "marker-actor-7733",
    "marker-mood-7734",
    "marker-7735",
)


def make_image(seed: int = 1) -> bytes:
    """A PNG with enough in it to be recognised."""
    chance = random.Random(seed)
    image = PilImage.new("RGB", (160, 160))
    for _ in range(60):
        box = [chance.randrange(160) for _ in range(4)]
        colour = (chance.randrange(256), chance.randrange(256), chance.randrange(256))
        image.paste(colour, (min(box[0], box[2]), min(box[1], box[3]), max(box[0], box[2]), max(box[1], box[3])))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def test_an_image_comes_back_as_it_was(rig: Rig) -> None:
    data = make_image()
    answer = rig.screen("look", image=Image(data))
    app = rig.app
    content = read_content(app.vault, answer.item, 1)
    assert content.fields == {"body": "look"}
    assert content.media == {"image": MediaInfo("image", len(data))}
    assert media_bytes(app.vault, app.blobs, answer.item, 1, "image") == ("image", data)
    with pytest.raises(KeyError):
        media_bytes(app.vault, app.blobs, answer.item, 1, "body")
    item = load_item(app.database, app.vault, app.blobs, answer.item, 1)
    assert (item.id, item.actor, item.fields["image"]) == ("n-1", "a-1", Image(data))
    assert rig.screen("look", image=Image(data)).revision == 1
    assert rig.screen("look", image=Image(make_image(2))).revision == 2


def test_what_is_personal_is_found_nowhere(sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, sqlite_url, "rude", "gore") as rig:
        data = make_image()
        answer = rig.screen(
            f"fool, stuck {TEXT}", "letter", ID, actor=ACTOR, mood=MOOD, image=Image(data), deadline_ms=30
        )
        given = appeal.Report(content_type="letter", item_id=ID, kind="user", reporter=ACTOR, note=NOTE)
        ref = rig.app.vault.find(item_kind("letter"), ID)
        assert ref == answer.item
        appeal.receive_report(rig.app.ledger, given, find_item=lambda *_: ItemRef("letter", answer.item, 1))
        assert rig.decision(answer).vault_features == ("item.mood",)
        assert feature_row(rig.app.vault, rig.decision(answer))["item.mood"] == MOOD
        rig.gore.go_on.set()
        rig.hurry(answer)
        rig.work("rescreen")
        rig.assert_rebuilds()
    found = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any("blobs" in path.parts for path in found)
    for path in found:
        stored = path.read_bytes()
        for mark in (TEXT, ID, ACTOR, MOOD, NOTE):
            assert mark.encode() not in stored, (path, mark)
        assert data[60:160] not in stored, path


def test_after_erasure_nothing_can_be_read(rig: Rig) -> None:
    answer = rig.screen("you fool", mood="gloomy", image=Image(make_image()))
    app = rig.app
    decision = rig.decision(answer)
    assert decision.actor is not None
    account = decision.actor
    app.ledger.commit(lambda tx: app.vault.erase(tx, account))
    with pytest.raises(Erased):
        read_content(app.vault, answer.item, 1)
    with pytest.raises(Erased):
        media_bytes(app.vault, app.blobs, answer.item, 1, "image")
    with pytest.raises(Erased):
        load_item(app.database, app.vault, app.blobs, answer.item, 1)
    with pytest.raises(Erased):
        app.explain(answer.decision)
    assert rig.decision(answer) == decision  # the record of the decision stays


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Event]:
    """The ledger of a lively evening: edits, late answers, pending rescreens, second looks, an erasure."""
    folder = tmp_path_factory.mktemp("history")
    with opened(folder, None, "rude", "gore", "deep") as rig:
        chance = random.Random(7)
        for number in range(40):
            body = chance.choice(["hello", "you fool", "blood", "stuck", "stuck blood", "crash", "silly abyss"])
            kind, id = chance.choice(["note", "letter", "hurried"]), f"n-{chance.randrange(12)}"
            answer = rig.screen(f"{body} {number}", kind, id, deadline_ms=3)  # one that hangs keeps all waiting
            if chance.random() < 0.3:
                rig.hurry(answer)
        rig.gore.go_on.set()
        rig.work("rescreen", "screen")
        rig.screen("crash", "letter", "n-1", actor="leaves")
        left = rig.app.vault.find("account", "leaves")
        assert left is not None
        rig.app.ledger.commit(lambda tx: rig.app.vault.erase(tx, left))
        events = rig.events()
        rig.assert_rebuilds()
    assert {"late", "rescreen"} & {e.body.decision.source.value for e in events if e.kind == "decision.made"}
    return events


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> object:
    engine = create_engine(f"sqlite:///{tmp_path_factory.mktemp('splits') / 'x.db'}")
    event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    metadata.create_all(engine, tables=[table for one in screen.COMPONENT.projections for table in one.tables])
    yield engine
    engine.dispose()


@settings(deadline=None, max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_how_events_are_batched_makes_no_difference(
    history: Sequence[Event], empty: object, data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(1, len(history) - 1), unique=True).map(sorted))
    assert _tables(empty, history, cuts) == _tables(empty, history, range(1, len(history)))


def _tables(engine: object, events: Sequence[Event], cuts: Sequence[int]) -> dict[str, list[tuple[object, ...]]]:
    """The projections' rows after applying the events in batches that end at ``cuts``; the tables are left empty."""
    tables = [table for one in screen.COMPONENT.projections for table in one.tables]
    with engine.connect() as connection:  # type: ignore[attr-defined]
        for first, last in zip([0, *cuts], [*cuts, len(events)], strict=True):
            for projection in screen.COMPONENT.projections:
                projection.apply(connection, events[first:last])
        rows = {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in tables
        }
        for table in tables:
            connection.execute(delete(table))
        connection.rollback()
    assert all(rows[name] for name in ("item", "revision", "decision", "pending_rescreen", "traffic", "fired_rule"))
    return rows
