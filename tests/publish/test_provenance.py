"""Bank entries say what they were made from, and forget it when that is erased."""

from __future__ import annotations

from typing import Any

import pytest

from seawall import publish
from seawall.publish import BankError, BankSettings, NewEntry
from seawall.publish.queries import Entry
from seawall.storage.erasure import ErasureCertificate, erase_subject, find_subject
from support.app import Rig

TEXT = "buy ten thousand fake streams today"


def add(rig: Rig, bank: str = "blocked-texts", value: str = TEXT, **origin: Any) -> str:
    entry = NewEntry(kind="text", value=value, source="case-17", note="seen at Ada's", **origin)
    (made,) = publish.add_entries(rig.app.ledger, bank, [entry], "per_1")
    return made


def entry(rig: Rig, name: str) -> Entry:
    found = publish.find_entry(rig.app.database, rig.app.vault, name)
    assert found is not None
    return found


def erase(rig: Rig, name: str, kind: str = "account") -> ErasureCertificate:
    return erase_subject(rig.app.context, find_subject(rig.app.context, kind, name), by="per_1")


def removing(rig: Rig, bank: str = "blocked-texts", **more: Any) -> None:
    publish.configure_bank(rig.app.ledger, bank, BankSettings(on_erasure="remove", **more), "per_1")


def test_an_entry_says_which_item_and_account_it_was_made_from(rig: Rig) -> None:
    screened = rig.screen(TEXT, actor="A")
    made = add(rig, content_type="note", item_id="n-1")
    assert add(rig, content_type="note", item_id="n-1") == made  # said once
    (source,) = entry(rig, made).sources
    owner = find_subject(rig.app.context, "account", "A")
    assert (source.item, source.account, source.by, source.erased_at) == (screened.item, owner, "per_1", None)
    other = add(rig, value="a text of an account that was never met", account="B")
    assert entry(rig, other).sources[0].account == find_subject(rig.app.context, "account", "B")


@pytest.mark.parametrize(
    ("origin", "says"),
    [
        ({"content_type": "note", "item_id": "unknown"}, "no note 'unknown' was screened here"),
        ({"item_id": "n-1"}, "entry 0: give content_type and item_id together"),
        ({"content_type": "note"}, "entry 0: give content_type and item_id together"),
        ({"account": "A" * 600}, "entry 0: an id has at most 512 characters"),
    ],
)
def test_an_origin_that_is_no_item_is_refused(rig: Rig, origin: dict[str, str], says: str) -> None:
    with pytest.raises(BankError, match=says):
        add(rig, **origin)
    assert publish.list_entries(rig.app.database, rig.app.vault, "blocked-texts") == []


@pytest.mark.parametrize("who", [("A", "account"), ("n-1", "item:note")])
def test_erasure_takes_the_origin_and_the_note_and_leaves_the_value(rig: Rig, who: tuple[str, str]) -> None:
    rig.screen(TEXT, actor="A")
    made = add(rig, content_type="note", item_id="n-1")
    certificate = erase(rig, *who)
    assert (certificate.bank_sources, certificate.bank_entries) == (1, 0)
    found = entry(rig, made)
    assert (found.value, found.note, found.state) == (TEXT, "", "active")
    assert [(one.item, one.account, one.erased_at is not None) for one in found.sources] == [(None, None, True)]
    rig.app.banks.refresh()
    assert rig.screen(TEXT, actor="B", id="n-2").verdict == "block"


def test_a_bank_that_declares_it_loses_the_entry_too(rig: Rig) -> None:
    removing(rig)
    rig.screen(TEXT, actor="A")
    made = add(rig, content_type="note", item_id="n-1")
    certificate = erase(rig, "A")
    assert (certificate.bank_sources, certificate.bank_entries) == (1, 1)
    found = entry(rig, made)
    assert (found.value, found.state, found.state_reason) == (None, "removed", "source_erased")
    rig.app.banks.refresh()
    assert rig.screen(TEXT, actor="B", id="n-2").verdict == "allow"


def test_an_entry_with_another_source_stays_until_that_is_erased_too(rig: Rig) -> None:
    removing(rig)
    for number, actor in enumerate("AB"):
        rig.screen(TEXT, actor=actor, id=f"n-{number}")
        made = add(rig, content_type="note", item_id=f"n-{number}")
    assert erase(rig, "A").bank_entries == 0
    assert entry(rig, made).state == "active"
    assert erase(rig, "B").bank_entries == 1
    assert entry(rig, made).state == "removed"


def test_an_entry_that_was_in_the_bank_before_stays(rig: Rig) -> None:
    removing(rig)
    made = add(rig)
    rig.screen(TEXT, actor="A")
    assert add(rig, content_type="note", item_id="n-1") == made
    certificate = erase(rig, "A")
    assert (certificate.bank_sources, certificate.bank_entries) == (1, 0)
    assert entry(rig, made).state == "active"


def test_nobody_can_take_known_abuse_out_of_a_bank_by_asking_for_erasure(rig: Rig) -> None:
    with pytest.raises(BankError, match="write keep"):
        removing(rig, harm="child_safety")
    publish.configure_bank(rig.app.ledger, "blocked-texts", BankSettings(harm="child_safety"), "per_1")
    made = add(rig, account="A")
    assert (erase(rig, "A").bank_entries, entry(rig, made).state) == (0, "active")


def test_other_accounts_keep_what_they_are_the_source_of(rig: Rig) -> None:
    removing(rig)
    made = add(rig, account="A")
    rig.screen("by B", actor="B")
    assert erase(rig, "B").bank_sources == 0
    assert entry(rig, made).sources[0].account is not None
