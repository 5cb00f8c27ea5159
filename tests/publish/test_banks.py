"""Banks: what goes in, what is refused, and that live screening finds it."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

from seawall.match import pdq
from seawall.model import Image, Verdict, now_ms
from seawall.policy import PolicyErrors
from seawall.publish import (
    BankError,
    NewEntry,
    add_entries,
    list_banks,
    list_entries,
    parse_entries,
    remove_entry,
)
from seawall.publish.banks.bank_cache import BankCache
from support.app import POLICIES, Rig, opened, sources

TEXT = "buy ten thousand streams from us today and be famous tomorrow"


def _add(rig: Rig, bank: str, kind: str, value: str, **more: int) -> str:
    (entry,) = add_entries(rig.app.ledger, bank, [NewEntry(kind=kind, value=value, source="staff", **more)], "tests")
    rig.app.banks.refresh()
    return entry


def _image(seed: int) -> PilImage.Image:
    chance = random.Random(seed)
    image = PilImage.new("RGB", (256, 256))
    for _ in range(40):
        x, y = sorted(chance.randrange(256) for _ in range(2)), sorted(chance.randrange(256) for _ in range(2))
        image.paste(tuple(chance.randrange(256) for _ in range(3)), (x[0], y[0], x[1], y[1]))
    return image


def _encoded(image: PilImage.Image, form: str = "PNG") -> Image:
    buffer = io.BytesIO()
    image.save(buffer, form)
    return Image(buffer.getvalue())


@pytest.mark.parametrize(
    ("bank", "kind", "value", "found", "other"),
    [
        ("blocked-texts", "text", TEXT, f"Hey! {TEXT.upper()}!!", "buy a stream of water"),
        ("blocked-patterns", "pattern", r"free\s+m[o0]ney", "FREE   m0ney here", "free speech"),
        ("blocked-domains", "domain", "https://Evil.example/x", "see www.evil.example/now", "see good.example"),
    ],
)
def test_what_a_bank_holds_is_found(rig: Rig, bank: str, kind: str, value: str, found: str, other: str) -> None:
    assert rig.screen(found).verdict is Verdict.ALLOW
    entry = _add(rig, bank, kind, value)
    answer = rig.screen(found)
    assert answer.verdict is Verdict.BLOCK
    assert [(reason.policy, reason.rule) for reason in answer.reasons] == [("known", bank)]
    assert entry in {signal.evidence for signal in rig.decision(answer).signals}
    assert rig.screen(other, id="n-2").verdict is Verdict.ALLOW
    remove_entry(rig.app.ledger, bank, entry, "tests")
    rig.app.banks.refresh()
    assert rig.screen(found).verdict is Verdict.ALLOW


def test_a_policy_may_name_a_bank_of_ones_own(sqlite_url: str, tmp_path: Path) -> None:
    policy = POLICIES["known"].replace("blocked-texts", "house-texts")
    with opened(tmp_path, sqlite_url, "rude") as rig:
        with pytest.raises(PolicyErrors, match="house-texts"):
            rig.app.publish(sources(known=policy), by="tests")
        _add(rig, "house-texts", "text", TEXT)
        rig.app.publish(sources(known=policy), by="tests")
        assert rig.screen(TEXT).verdict is Verdict.BLOCK
        rig.assert_rebuilds()


def test_a_known_image_is_found_again_after_resizing(rig: Rig) -> None:
    image = _image(1)
    hashed = pdq(np.asarray(image)).hash.hex()
    assert rig.screen("look", image=_encoded(image)).verdict is Verdict.ALLOW
    _add(rig, "blocked-images", "image", hashed, threshold=31)
    smaller = _encoded(image.resize((180, 180)), "JPEG")
    assert rig.screen("look", image=smaller).verdict is Verdict.BLOCK
    assert rig.screen("look", image=_encoded(_image(2))).verdict is Verdict.ALLOW


def test_an_image_that_cannot_be_read_gets_the_fail_mode(rig: Rig) -> None:
    answer = rig.screen("look", kind="letter", image=Image(b"\x89PNG\r\n\x1a\nno image"))
    assert (answer.verdict, answer.degraded, answer.fail_mode) == (Verdict.HOLD, True, "hold")


def test_other_processes_follow(database_url: str, tmp_path: Path) -> None:
    with opened(tmp_path, database_url, "known") as one, opened(tmp_path, database_url, publish=False) as other:
        entry = _add(one, "blocked-texts", "text", TEXT)
        other.app.refresh()
        assert other.screen(TEXT).verdict is Verdict.BLOCK
        remove_entry(one.app.ledger, "blocked-texts", entry, "tests")
        other.app.refresh()
        assert other.screen(TEXT).verdict is Verdict.ALLOW
    with opened(tmp_path, database_url, publish=False) as again:
        _add(again, "blocked-texts", "text", TEXT)
    with opened(tmp_path, database_url, publish=False) as restarted:
        assert restarted.screen(TEXT).verdict is Verdict.BLOCK


def test_what_a_failed_refresh_read_is_matched_after_the_next(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise MemoryError

    rig.screen(TEXT)
    monkeypatch.setattr(BankCache, "_snapshot", fails)
    with pytest.raises(MemoryError):
        _add(rig, "blocked-texts", "text", TEXT)
    monkeypatch.undo()
    assert rig.app.banks.refresh()
    assert not rig.app.banks.refresh()
    assert rig.screen(TEXT).verdict is Verdict.BLOCK


def test_an_expired_entry_matches_no_more(rig: Rig) -> None:
    _add(rig, "blocked-texts", "text", TEXT, expires=now_ms() - 1)
    assert rig.screen(TEXT).verdict is Verdict.ALLOW
    _add(rig, "blocked-patterns", "pattern", "famous tomorrow", expires=now_ms() + 3_600_000)
    assert rig.screen(TEXT).verdict is Verdict.BLOCK


def test_the_same_thing_twice_is_one_entry(rig: Rig) -> None:
    first = _add(rig, "blocked-domains", "domain", "evil.example")
    again = add_entries(
        rig.app.ledger,
        "blocked-domains",
        [
            NewEntry(kind="domain", value="http://www.EVIL.example/path", source="import"),
            NewEntry(kind="domain", value="worse.example", source="import"),
            NewEntry(kind="domain", value="worse.example", source="import"),
        ],
        "tests",
    )
    assert again[0] == first
    assert again[1] == again[2] != first
    assert [(bank.name, bank.active) for bank in list_banks(rig.app.database)] == [("blocked-domains", 2)]
    remove_entry(rig.app.ledger, "blocked-domains", first, "tests")
    assert _add(rig, "blocked-domains", "domain", "evil.example") != first
    entries = list_entries(rig.app.database, rig.app.vault, "blocked-domains")
    assert sorted(str(entry.value) for entry in entries) == ["evil.example", "worse.example"]
    page = list_entries(rig.app.database, rig.app.vault, "blocked-domains", after=entries[0].id, limit=1)
    assert page == entries[1:]


@pytest.mark.parametrize(
    ("kind", "value", "threshold", "says"),
    [
        ("text", "  ", None, "entry 1: the value is empty"),
        ("pattern", "(", None, "RE2 rejects the pattern"),
        ("pattern", "a*", None, "matches the empty text"),
        ("domain", "co.uk", None, "public suffix"),
        ("domain", "no domain", None, "is not a domain"),
        ("image", "abc", None, "64 hexadecimal digits"),
        ("image", "0" * 64, 65, "threshold is 65"),
        ("sound", "x", None, "must be one of"),
    ],
)
def test_a_bad_entry_keeps_all_out(rig: Rig, kind: str, value: str, threshold: int | None, says: str) -> None:
    good = NewEntry(kind="text", value=TEXT, source="staff")
    bad = NewEntry(kind=kind, value=value, source="staff", threshold=threshold)
    with pytest.raises(BankError, match=says):
        add_entries(rig.app.ledger, "blocked-texts", [good, bad], "tests")
    assert list_banks(rig.app.database) == []


@pytest.mark.parametrize("name", ["", "Blocked", "a b", "a--b", "-", "ümlaut\x00"])
def test_a_bad_name_of_a_bank(rig: Rig, name: str) -> None:
    with pytest.raises(BankError, match="is not a bank name"):
        add_entries(rig.app.ledger, name, [NewEntry(kind="text", value=TEXT, source="staff")], "tests")


def test_what_is_not_there_cannot_be_removed(rig: Rig) -> None:
    entry = _add(rig, "blocked-texts", "text", TEXT)
    for bank, name in (("blocked-texts", "ent_nowhere"), ("blocked-domains", entry)):
        with pytest.raises(LookupError, match="holds no entry"):
            remove_entry(rig.app.ledger, bank, name, "tests")
    remove_entry(rig.app.ledger, "blocked-texts", entry, "tests")
    with pytest.raises(LookupError, match="holds no entry"):
        remove_entry(rig.app.ledger, "blocked-texts", entry, "tests")


def test_entries_as_json_lines() -> None:
    lines = (
        b'{"kind": "text", "value": "a", "source": "x"}\n\n{"kind": "domain", "value": "b.example", "source": "x"}\n'
    )
    assert [entry.kind for entry in parse_entries(lines)] == ["text", "domain"]
    links = b'{"kind": "text", "value": "see: https://b.example/?a=1 \\u003a)", "source": "x"}'
    assert [entry.value for entry in parse_entries(links)] == ["see: https://b.example/?a=1 :)"]
    assert len(parse_entries(b"\xef\xbb\xbf" + lines)) == 2
    misspelt = b'{"kind": "text", "value": "b", "source": "x", "expiry": 1795794356000}'
    twice = b'{"kind": "text", "value": "b", "source": "x", "value": "c"}'
    hidden = b'{"kind": "text", "value": "b\\u003a", "source": "x", "source": "y"}'
    for line in (b'{"kind": 1}', b"{", b'"text"', b"\xff", misspelt, twice, hidden):
        with pytest.raises(BankError, match="line 2: "):
            parse_entries(b'{"kind": "text", "value": "a", "source": "x"}\n' + line)
