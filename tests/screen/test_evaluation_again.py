"""A second look at an item uses what an earlier one derived from its media, and says so."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from seawall.model import (
    Audio,
    Cost,
    Decision,
    ExtractedParts,
    ExtractorSpec,
    Item,
    Modality,
    Part,
    Span,
    SpanUnit,
    Unknown,
    UnknownReason,
)
from seawall.screen import load_derived
from seawall.screen.artifacts import load_artifacts
from seawall.screen.extraction_cache import load_extractions
from seawall.storage.tables import vault
from support.app import Rig, own_app
from support.detectors import Moody, Words
from support.items import content_type_text, policy_text, sources_of

SOUND = {"sound": "{type: audio, role: media, extract: [lyrics]}"}
CARD = content_type_text("card", SOUND, post_publish="{budget: 20s, on_unknown: hold, rescreen_within: 10m}")
RUDE = policy_text("rude", "rudeness >= 0.9", "[remove]", "card")


class Lyrics:
    """What is sung is what the bytes say; it counts how often it listens. Noise it does not understand."""

    def __init__(self, version: str = "1") -> None:
        self.heard: list[bytes] = []
        self.spec = ExtractorSpec(
            name="lyrics",
            version=version,
            modalities=frozenset({Modality.AUDIO}),
            gives=frozenset({Modality.TEXT}),
            makes="verse",
            cost=Cost.SLOW,
        )

    def extract(self, parts: Sequence[Part]) -> Sequence[ExtractedParts | Unknown]:
        return [self._sing(part) for part in parts]

    def _sing(self, part: Part) -> ExtractedParts | Unknown:
        data = part.data or b""
        self.heard.append(data)
        if data == b"noise":
            return Unknown(detector="lyrics", part=part.path, reason=UnknownReason.UNREADABLE, detail="noise")
        if data == b"silence":
            return ExtractedParts()
        return ExtractedParts(
            tuple(
                Part(
                    path=f"{part.path}>verse.{number}",
                    modality=Modality.TEXT,
                    field=part.field,
                    text=line,
                    parent=part.path,
                    span=Span(SpanUnit.SECONDS, number, number + 1),
                )
                for number, line in enumerate(data.decode().splitlines())
            )
        )


@contextmanager
def opened(folder: Path, database_url: str, lyrics: Lyrics) -> Iterator[Rig]:
    detectors = (Words("insults", "rudeness", {"fool": 0.95}),)
    with own_app(folder, sources_of(RUDE, CARD), detectors, [lyrics], database_url=database_url) as app:
        yield Rig(app, Moody())


@pytest.fixture
def lyrics() -> Lyrics:
    return Lyrics()


@pytest.fixture
def rig(database_url: str, tmp_path: Path, lyrics: Lyrics) -> Iterator[Rig]:
    with opened(tmp_path, database_url, lyrics) as made:
        yield made
        made.assert_rebuilds()


def card(**fields: Any) -> Item:
    return Item(content_type="card", id="k-1", fields=fields)


def look_again(rig: Rig, ref: str) -> Decision:
    """As after a pending rescreen, or a bank entry found in the item; the new decision."""
    head = rig.head(ref)
    payload = {"item": ref, "revision": head["revision"], "decision": head["decision"]}
    rig.app.ledger.commit(lambda tx: tx.enqueue("rescreen", ref, payload))
    assert rig.work("rescreen") == 1
    return rig.decisions(ref)[-1]


def test_what_was_heard_is_not_heard_again(rig: Rig, lyrics: Lyrics) -> None:
    ref = rig.app.screener.screen(card(sound=Audio(b"la la\nyou fool"))).item
    assert rig.work("rescreen") == 1
    after = rig.decisions(ref)[-1]
    second = look_again(rig, ref)
    third = look_again(rig, ref)
    assert lyrics.heard == [b"la la\nyou fool"]
    assert (after.reused, second.reused, third.reused) == ((), ("lyrics/sound",), ("lyrics/sound",))
    assert after.verdict == second.verdict == third.verdict == "block"
    assert after.signals == second.signals == third.signals
    kept = load_derived(rig.app.vault, ref, after.id)
    assert [each.text for each in kept] == ["la la", "you fool"]
    assert kept == load_derived(rig.app.vault, ref, third.id)
    traces = load_artifacts(rig.app.vault, ref, [after.id, third.id])
    assert [each.reused for each in traces[after.id].extractions] == [False]
    assert traces[third.id].extractions == (replace(traces[after.id].extractions[0], reused=True),)


def test_silence_is_remembered_too(rig: Rig, lyrics: Lyrics) -> None:
    ref = rig.app.screener.screen(card(sound=Audio(b"silence"), body="x")).item
    rig.work("rescreen")
    assert look_again(rig, ref).reused == ("lyrics/sound",)
    assert lyrics.heard == [b"silence"]


def test_an_edit_that_leaves_the_sound_as_it_was(rig: Rig, lyrics: Lyrics) -> None:
    rig.app.screener.screen(card(sound=Audio(b"you fool"), body="one"))
    rig.work("rescreen")
    edited = rig.app.screener.screen(card(sound=Audio(b"you fool"), body="two"))
    assert edited.revision == 2
    rig.work("rescreen")
    last = rig.decisions(edited.item)[-1]
    assert (last.verdict, last.reused, lyrics.heard) == ("block", ("lyrics/sound",), [b"you fool"])
    rig.app.screener.screen(card(sound=Audio(b"la la"), body="two"))
    rig.work("rescreen")
    last = rig.decisions(edited.item)[-1]
    assert (last.verdict, last.reused, lyrics.heard) == ("allow", (), [b"you fool", b"la la"])


def test_an_edit_before_publication(sqlite_url: str, tmp_path: Path, lyrics: Lyrics) -> None:
    """A stage that names the extractor: the first look at the edited item does without it too."""
    stage = CARD.replace("rescreen_within: 30s}", "rescreen_within: 30s, detectors: [insults, lyrics]}")
    with opened(tmp_path, sqlite_url, lyrics) as rig:
        rig.app.publish(sources_of(RUDE, stage), by="tests")
        rig.app.screener.screen(card(sound=Audio(b"you fool"), body="one"))
        for screened in (
            rig.app.screener.screen(card(sound=Audio(b"you fool"), body="two")),
            asyncio.run(rig.app.screener.screen_async(card(sound=Audio(b"you fool"), body="three"))),
        ):
            assert (screened.verdict, rig.decision(screened).reused) == ("block", ("lyrics/sound",))
    assert len(lyrics.heard) == 1


def test_what_was_not_understood_is_heard_again(rig: Rig, lyrics: Lyrics) -> None:
    ref = rig.app.screener.screen(card(sound=Audio(b"noise"))).item
    rig.work("rescreen")
    assert look_again(rig, ref).reused == ()
    assert len(lyrics.heard) == 2


def test_another_version_listens_anew(database_url: str, tmp_path: Path) -> None:
    old, same, new = Lyrics(), Lyrics(), Lyrics("2")
    with opened(tmp_path, database_url, old) as rig:
        ref = rig.app.screener.screen(card(sound=Audio(b"you fool"))).item
        rig.work("rescreen")
    with opened(tmp_path, database_url, same) as rig:
        assert look_again(rig, ref).reused == ("lyrics/sound",)
    with opened(tmp_path, database_url, new) as rig:
        assert look_again(rig, ref).reused == ()
    assert [len(each.heard) for each in (old, same, new)] == [1, 0, 1]


def test_erasure_takes_the_memory_with_it(rig: Rig, lyrics: Lyrics) -> None:
    app = rig.app
    ref = app.screener.screen(card(sound=Audio(b"you fool"))).item
    rig.work("rescreen")
    assert len(load_extractions(app.database, app.vault, ref)) == 1
    app.ledger.commit(lambda tx: app.vault.erase(tx, ref))
    assert load_extractions(app.database, app.vault, ref) == {}
    assert rig.rows(select(func.count()).select_from(vault).where(vault.c.ref == ref)) == [{"count_1": 0}]
    again = app.screener.screen(card(sound=Audio(b"you fool")))
    rig.work("rescreen")
    assert again.item != ref
    assert len(lyrics.heard) == 2
