"""Entries of a plug-in's hasher in a whole house: added, found, imported, looked for in the past, and missed aloud."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from PIL import Image as PilImage

from detectors.hashers import AVERAGE, AverageHasher
from seawall.detectors.hashes import hash_file
from seawall.model import DecisionSource, Image, UnknownReason, Verdict
from seawall.publish import (
    BankError,
    BankSettings,
    NewEntry,
    add_entries,
    configure_bank,
    find_bank,
    find_entry,
    import_entries,
    list_searches,
    read_file,
    remove_entry,
    suspend_entry,
)
from seawall.publish.services import resume_searches
from seawall.screen import ScreenResponse
from seawall.settings import SettingsError
from support.app import Rig, opened

KIND = AVERAGE.name
POLICIES = ("rude", "known")


@pytest.fixture
def hashing(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    """A house with a hasher. At the end its projections must rebuild equal."""
    with opened(tmp_path, database_url, *POLICIES, hashers=[AverageHasher()]) as made:
        yield made
        made.assert_rebuilds()


def make_image(size: int = 64, turned: int = 0, form: str = "PNG") -> Image:
    image = PilImage.linear_gradient("L").rotate(turned).resize((size, size))
    buffer = io.BytesIO()
    image.save(buffer, form)
    return Image(buffer.getvalue())


def value_of(image: Image, flipped: int = 0) -> str:
    number = int(hash_file(AverageHasher(), image.data), 16)
    return f"{number ^ ((1 << flipped) - 1):016x}"


def add(rig: Rig, value: str, bank: str = "blocked-images", **more: Any) -> str:
    entry = NewEntry(kind=KIND, value=value, source="staff", **more)
    (made,) = add_entries(rig.app.ledger, bank, [entry], "tests", hashers=rig.app.kinds)
    rig.app.banks.refresh()
    return made


def search_past(rig: Rig) -> None:
    rig.app.ledger.commit(lambda tx: tx.enqueue("retro_search", "all", {}))
    assert rig.work("retro_search") == 1
    rig.work("retro_match")


def banks_in(rig: Rig, answer: ScreenResponse) -> dict[str, tuple[str | None, int | None]]:
    """The banks' signals of an answer, with entry and distance."""
    signals = rig.decision(answer).signals
    return {one.name: (one.evidence, one.distance) for one in signals if one.name.startswith("bank")}


def test_an_image_is_found_by_a_plug_ins_hash(hashing: Rig) -> None:
    assert hashing.screen("look", image=make_image()).verdict is Verdict.ALLOW
    entry = add(hashing, value_of(make_image(), flipped=2).upper())
    answer = hashing.screen("look", id="n-2", image=make_image(300, form="JPEG"))
    assert answer.verdict is Verdict.BLOCK
    assert banks_in(hashing, answer) == {"bank:blocked-images": (entry, 2)}
    assert hashing.screen("look", id="n-3", image=make_image(turned=90)).verdict is Verdict.ALLOW
    one = find_entry(hashing.app.database, hashing.app.vault, entry)
    assert one is not None
    assert (one.kind, one.value, one.counts.hits) == (KIND, value_of(make_image(), flipped=2), 1)
    remove_entry(hashing.app.ledger, "blocked-images", entry, "tests")
    hashing.app.banks.refresh()
    assert hashing.screen("look", id="n-4", image=make_image()).verdict is Verdict.ALLOW


def test_thresholds_of_entry_bank_and_hasher(hashing: Rig) -> None:
    app = hashing.app
    add(hashing, value_of(make_image(), flipped=6))
    assert hashing.screen("look", image=make_image()).verdict is Verdict.BLOCK
    configure_bank(app.ledger, "blocked-images", BankSettings(thresholds={KIND: 5}), "tests", app.kinds)
    app.banks.refresh()
    assert hashing.screen("look", id="n-2", image=make_image()).verdict is Verdict.ALLOW
    own = add(hashing, value_of(make_image(), flipped=9), threshold=9)
    answer = hashing.screen("look", id="n-3", image=make_image())
    assert banks_in(hashing, answer) == {"bank:blocked-images": (own, 9)}
    configure_bank(app.ledger, "blocked-images", BankSettings(title="Known", thresholds={"image": 20}), "elsewhere")
    configured = find_bank(app.database, "blocked-images")  # where its plug-in is not enabled
    assert configured is not None
    assert configured.settings.thresholds == {KIND: 5, "image": 20}
    with pytest.raises(BankError, match="threshold is 17; for kind image-average it must be from 0 to 16"):
        configure_bank(app.ledger, "blocked-images", BankSettings(thresholds={KIND: 17}), "tests", app.kinds)
    with pytest.raises(BankError, match="entry 0: expected the 16 hexadecimal digits of a hash by image-average"):
        add(hashing, "0f0f")
    with pytest.raises(BankError, match="enable its plug-in"):
        add_entries(app.ledger, "blocked-images", [NewEntry(kind=KIND, value="0f" * 8, source="staff")], "tests")


def test_an_allow_bank_holds_prints_too(hashing: Rig) -> None:
    app = hashing.app
    configure_bank(app.ledger, "press-photos", BankSettings(role="allow"), "tests")
    blocked, allowed = (
        add(hashing, value_of(make_image(), flipped=1)),
        add(hashing, value_of(make_image()), "press-photos"),
    )
    answer = hashing.screen("look", image=make_image())
    assert answer.verdict is Verdict.ALLOW
    assert banks_in(hashing, answer) == {
        "bank:press-photos": (allowed, 0),
        "bank_suppressed:blocked-images": (blocked, 1),
    }


def test_a_file_of_prints_is_imported(hashing: Rig, tmp_path: Path) -> None:
    app = hashing.app
    path = tmp_path / "hashes.csv"
    path.write_text(f"kind,value,source\n{KIND},{value_of(make_image())},label\n")
    done = import_entries(app.ledger, "blocked-images", read_file(path, hashers=app.kinds), "tests")
    assert (done.read, done.added) == (1, 1)
    app.banks.refresh()
    assert hashing.screen("look", image=make_image()).verdict is Verdict.BLOCK
    with pytest.raises(BankError, match="line 2: kind is 'image-average'; it must be one of"):
        read_file(path)


def test_a_new_entry_finds_past_images(hashing: Rig) -> None:
    past, other = (hashing.screen("x", id=f"n-{turned}", image=make_image(turned=turned)) for turned in (0, 90))
    add(hashing, value_of(make_image(), flipped=3))
    search_past(hashing)
    assert [hashing.head(answer.item)["verdict"] for answer in (past, other)] == ["block", "allow"]
    assert hashing.decisions(past.item)[-1].source is DecisionSource.RETRO_MATCH


def test_a_bank_whose_hasher_is_not_enabled_is_unknown_aloud(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, *POLICIES, hashers=[AverageHasher()]) as rig:
        past = rig.screen("look", id="n-1", image=make_image())
        assert past.verdict is Verdict.ALLOW
        entry = add(rig, value_of(make_image()))
    with structlog.testing.capture_logs() as logs, opened(tmp_path, database_url, *POLICIES) as rig:
        [warning] = [line for line in logs if line["log_level"] == "warning" and "kinds" in line]
        assert (warning["kinds"], warning["banks"]) == ([KIND], ["blocked-images"])
        answer = rig.screen("look", kind="letter", id="n-2", image=make_image(turned=90))
        assert (answer.verdict, answer.degraded) == (Verdict.HOLD, True)  # nobody knows whether it matches
        faults = [(one.detector, one.part) for one in answer.unknown if one.reason is UnknownReason.ERROR]
        assert faults == [("absent-hashers", "image")]
        words = rig.screen("only words", kind="letter", id="n-3")
        assert words.degraded is False
        rig.app.ledger.commit(lambda tx: tx.enqueue("retro_search", "all", {}))
        other = NewEntry(kind="text", value="only words", source="staff")
        add_entries(rig.app.ledger, "blocked-texts", [other], "tests")
        search_past(rig)
        assert [(one.left_out, one.hits) for one in list_searches(rig.app.database)] == [(KIND, 1)]
        assert len(rig.decisions(words.item)) == 2  # other entries do not wait for the hasher
        assert len(rig.decisions(past.item)) == 1
    with opened(tmp_path, database_url, *POLICIES, hashers=[AverageHasher()]) as rig:
        resume_searches(rig.app.context)
        assert rig.work("retro_search") == 1
        rig.work("retro_match")
        assert [one.left_out for one in list_searches(rig.app.database)] == ["", ""]
        assert rig.head(past.item)["verdict"] == "block"
        suspend_entry(rig.app.ledger, "blocked-images", entry, "lena", "withdrawn")
    with opened(tmp_path, database_url, *POLICIES) as rig:
        assert rig.screen("look", kind="letter", id="n-9", image=make_image(turned=90)).degraded is False
        rig.assert_rebuilds()


def test_prints_of_another_length_are_searched_for_once(sqlite_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, sqlite_url, *POLICIES, hashers=[AverageHasher()]) as rig:
        add(rig, value_of(make_image()))
    with opened(tmp_path, sqlite_url, *POLICIES, hashers=[AverageHasher(replace(AVERAGE, bits=128))]) as rig:
        search_past(rig)
        assert [one.finished_at is None for one in list_searches(rig.app.database)] == [False]
        assert rig.work("retro_search") == 0  # it would find as little the next time


def test_what_other_processes_add_is_unknown_at_once(database_url: str, tmp_path: Path) -> None:
    """A server without the plug-in, a command with it: the bundle in force never heard of the hasher."""
    with opened(tmp_path / "server", database_url, *POLICIES) as server:
        assert server.screen("look", kind="letter", id="n-1", image=make_image()).verdict is Verdict.ALLOW
        add_entries(
            server.app.ledger,
            "blocked-images",
            [NewEntry(kind=KIND, value=value_of(make_image()), source="staff")],
            "tests",
            hashers={KIND: AVERAGE},
        )
        server.app.banks.refresh()
        assert server.screen("look", kind="letter", id="n-2", image=make_image()).verdict is Verdict.HOLD


def test_two_hashers_of_one_name_do_not_start(sqlite_url: str, tmp_path: Path) -> None:
    with (
        pytest.raises(SettingsError, match="two detectors are named image-average"),
        opened(tmp_path, sqlite_url, hashers=[AverageHasher(), AverageHasher()]),
    ):
        pass
