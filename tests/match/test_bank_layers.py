"""A snapshot made of what changed finds what one built from scratch finds; allow-banks and quarantine mark hits."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from seawall.match import BankEntry, BankMatcher, Hit, PlainView, digests_of

VALUES = {
    "text": ["buy more streams", "free money now", "hello there"],
    "pattern": ["str[e3]ams", "m0ney|money"],
    "domain": ["evil.example", "bad.evil.example"],
    "image": ["00" * 32, "01" + "00" * 31, "ff" * 32],
    "digest": [hashlib.sha256(b"a").hexdigest(), hashlib.md5(b"a", usedforsecurity=False).hexdigest()],
}


@st.composite
def entries(draw: st.DrawFn) -> list[BankEntry]:
    kinds = draw(st.lists(st.sampled_from(sorted(VALUES)), max_size=8))
    return [
        BankEntry(
            bank=draw(st.sampled_from(["one", "two"])),
            id=f"e{draw(st.integers(0, 9))}-{kind}",
            kind=kind,
            value=draw(st.sampled_from(VALUES[kind])),
        )
        for kind in kinds
    ]


def everything(matcher: BankMatcher) -> set[Hit]:
    """All hits of some fixed queries."""
    view = PlainView.of("hello there, buy more streams at evil.example: free money now")
    hits = matcher.match_text(view, view) + matcher.match_host("a.bad.evil.example")
    return {*hits, *matcher.match_image(bytes(32)), *matcher.match_bytes(b"a")}


def by_id(listed: Sequence[BankEntry]) -> dict[str, BankEntry]:
    return {entry.id: entry for entry in listed}


@given(
    base=entries(),
    fresh=entries(),
    gone=st.sets(st.sampled_from([f"e{n}-{kind}" for n in range(10) for kind in VALUES])),
)
def test_changed_equals_built_anew(base: list[BankEntry], fresh: list[BankEntry], gone: set[str]) -> None:
    before, added = by_id(base), by_id(fresh)
    after = {key: entry for key, entry in before.items() if key not in gone} | added
    later = BankMatcher(before.values()).changed(added.values(), gone | added.keys(), revision=9)
    assert everything(later) == everything(BankMatcher(after.values()))
    assert later.revision == 9
    assert {entry.bank for entry in after.values()} <= set(later.banks)


def image(bits: int) -> str:
    """A hash so many bits from zero."""
    return ((1 << bits) - 1).to_bytes(32, "big").hex()


def test_an_allowed_image_explains_what_is_no_nearer() -> None:
    def matcher(blocked: int, allowed: int) -> BankMatcher:
        return BankMatcher(
            [
                BankEntry(bank="blocked", id="b", kind="image", value=image(blocked)),
                BankEntry(bank="press", id="p", kind="image", value=image(allowed)),
            ],
            allow=("press",),
        )

    def effects(found: BankMatcher) -> dict[str, str]:
        return {hit.entry: hit.effect for hit in found.match_image(bytes(32))}

    assert effects(matcher(5, 5)) == {"b": "suppressed", "p": "matched"}
    assert effects(matcher(5, 0)) == {"b": "suppressed", "p": "matched"}
    assert effects(matcher(0, 5)) == {"b": "matched", "p": "matched"}  # it is the blocked one, rather
    assert effects(matcher(0, 200)) == {"b": "matched"}


def test_an_allowed_text_explains_what_stands_inside_it() -> None:
    banks = [
        BankEntry(bank="blocked", id="b", kind="text", value="buy more streams"),
        BankEntry(bank="quoted", id="q", kind="text", value="never believe buy more streams"),
    ]
    matcher = BankMatcher(banks, allow=("quoted",))
    for text, effect in (("never believe buy more streams", "suppressed"), ("so buy more streams", "matched")):
        view = PlainView.of(text)
        assert {hit.effect for hit in matcher.match_text(view, view) if hit.entry == "b"} == {effect}


def test_a_quarantined_entry_says_so_and_allows_nothing() -> None:
    allow = BankEntry(bank="press", id="p", kind="image", value="00" * 32, quarantined=True)
    block = BankEntry(bank="blocked", id="b", kind="image", value="00" * 32)
    hits = BankMatcher([allow, block], allow=("press",)).match_image(bytes(32))
    assert {hit.entry: hit.effect for hit in hits} == {"p": "quarantined", "b": "matched"}


def test_digests_of_bytes() -> None:
    assert [len(digest) for digest in digests_of(b"x")] == [64, 40, 32]
