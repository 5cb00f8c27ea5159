"""Entries of hashers' kinds: what is taken, what is found, and what is known to be missed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seawall.match import BankEntry, BankMatcher, EntryError, canonical_value, check_threshold
from seawall.match.entries import hashed_modality
from seawall.model import HasherSpec, Modality

SPEC = HasherSpec(name="image-average", version="1", modality=Modality.IMAGE, bits=64, radius=6)
WIDE = HasherSpec(name="image-wide", version="1", modality=Modality.IMAGE, bits=256, radius=20)
HASHERS = {SPEC.name: SPEC, WIDE.name: WIDE}


def entry(value: str, id: str = "e1", kind: str = SPEC.name, bank: str = "b", **more: int) -> BankEntry:
    return BankEntry(bank=bank, id=id, kind=kind, value=value, **more)


def test_a_value_is_the_print_in_lower_case() -> None:
    assert canonical_value("image-average", " 0F" + "0f" * 7 + "\n", hashers=HASHERS) == "0f" * 8
    with pytest.raises(EntryError, match="the 16 hexadecimal digits of a hash by image-average"):
        canonical_value("image-average", "0f" * 9, hashers=HASHERS)
    with pytest.raises(EntryError, match=r"one of text, .*image-wide$"):
        canonical_value("smell", "0f", hashers=HASHERS)
    with pytest.raises(EntryError, match="if it belongs to a hasher, enable its plug-in"):
        canonical_value("image-average", "0f" * 8)


def test_a_threshold_is_a_quarter_of_the_bits_at_most() -> None:
    check_threshold("image-average", 16, HASHERS)
    with pytest.raises(EntryError, match="threshold is 17; for kind image-average it must be from 0 to 16"):
        check_threshold("image-average", 17, HASHERS)


def test_a_kind_tells_what_it_is_a_print_of() -> None:
    assert hashed_modality("image-average") is Modality.IMAGE
    assert [hashed_modality(kind) for kind in ("image", "near_text", "link-x", "smell-x")] == [None] * 4


@pytest.mark.parametrize(("kind", "size"), [("image-average", 8), ("image-wide", 32)])
def test_entries_within_their_radius_are_found_nearest_first(kind: str, size: int) -> None:
    zeros = bytes(size)
    far, near = b"\xff" + zeros[1:], b"\x01" + zeros[1:]
    entries = [
        entry(far.hex(), "usual", kind),
        entry(far.hex(), "wide", kind, threshold=8),
        entry(near.hex(), "near", kind),
    ]
    matcher = BankMatcher(entries, hashers=HASHERS)
    found = [(hit.entry, hit.distance) for hit in matcher.match_hash(kind, zeros)]
    assert found == [("near", 1), ("wide", 8)] if kind == "image-average" else [("near", 1), ("usual", 8), ("wide", 8)]
    assert matcher.has(kind)
    assert matcher.match_hash("image-other", zeros) == []
    assert matcher.match_hash(kind, zeros + b"\0") == []  # a hash from the past, of another length
    later = matcher.changed([entry(near.hex(), "fresh", kind)], {"near", "wide", "usual"}, revision=2)
    assert [hit.entry for hit in later.match_hash(kind, zeros)] == ["fresh"]


def test_what_no_hasher_can_be_compared_with_is_told() -> None:
    kept = [entry("0f" * 8, "e1", bank="one"), entry("0f" * 8, "e2", bank="two", expires=1_000)]
    assert BankMatcher(kept, hashers=HASHERS).stranded() == {}
    matcher = BankMatcher(kept)
    assert (matcher.size, matcher.banks) == (0, ("one", "two"))
    assert matcher.stranded(now=999) == {"image-average": {"one", "two"}}
    assert matcher.stranded(now=1_000) == {"image-average": {"one"}}
    assert matcher.changed([], {"e1"}, revision=2).stranded(now=999) == {"image-average": {"two"}}
    fresh = matcher.changed([entry("0f", "e3", "text-x", "three")], {"e1", "e2"}, revision=3)
    assert fresh.stranded() == {"text-x": {"three"}}
    longer = {SPEC.name: replace(SPEC, bits=128)}
    assert BankMatcher(kept[:1], hashers=longer).stranded() == {"image-average": {"one"}}


def test_entries_that_are_no_prints_are_named() -> None:
    with pytest.raises(EntryError, match="bank 'b', entry 'e1': expected the 16 hexadecimal digits"):
        BankMatcher([entry("zz" * 8)], hashers=HASHERS)
    with pytest.raises(EntryError, match="entry 'e1': unknown kind 'smell'"):
        BankMatcher([entry("0f", kind="smell")], hashers=HASHERS)
