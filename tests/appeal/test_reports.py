"""Reports are recorded once, against items that are known, and their notes stay in the vault."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from seawall.appeal import FindItem, InvalidReport, Report, ReporterKind, UnknownItem, note_name, receive_report
from seawall.appeal.tables import report as table
from seawall.model import ItemRef
from seawall.model.events import ReportReceived
from seawall.storage import Erased
from support.enforcement import House

REPORT = Report(content_type="comment", item_id="c-0", reporter="u-9", policy="harassment", note="It is about me.")


def finder(item: ItemRef) -> FindItem:
    return lambda content_type, item_id: item if (content_type, item_id) == ("comment", "c-0") else None


def receive(house: House, item: ItemRef, **changes: Any) -> str:
    return receive_report(house.ledger, replace(REPORT, **changes), find_item=finder(item))


def test_a_report_is_recorded(house: House) -> None:
    item, _ = house.item()
    report = receive(house, item)
    body = house.ledger.events()[-1].body
    assert isinstance(body, ReportReceived)
    assert (body.report, body.item, body.kind, body.policy) == (report, item, "user", "harassment")
    assert body.reporter is not None
    assert house.vault.platform_id(body.reporter) == "u-9"
    row = house.rows(select(table))[0]
    assert (row["id"], row["item"], row["reporter"], row["kind"]) == (report, item.ref, body.reporter, "user")
    assert house.vault.open(item.ref, note_name(report)) == b"It is about me."
    assert house.ledger.rebuild().equal


def test_the_ledger_holds_nothing_personal(house: House) -> None:
    item, _ = house.item()
    receive(house, item)
    assert "u-9" not in repr(house.ledger.events())
    assert "about me" not in repr(house.ledger.events())


def test_a_key_makes_repetition_harmless(house: House) -> None:
    item, _ = house.item()
    first = receive(house, item, key="k-1")
    assert receive(house, item, key="k-1", note="Again.") == first
    assert house.vault.open(item.ref, note_name(first)) == b"It is about me."
    others = {
        receive(house, item, key="k-2"),
        receive(house, item, key="k-1", reporter="u-8"),
        receive(house, item, key="k-1", reporter=None),
        receive(house, item),
        receive(house, item),
    }
    assert len(others | {first}) == 6
    assert len(house.rows(select(table))) == 6


def test_an_item_that_was_never_seen(house: House) -> None:
    item, _ = house.item()
    with pytest.raises(UnknownItem, match=r"no comment 'c-404'.*Screen it, or"):
        receive(house, item, item_id="c-404")
    assert house.rows(select(table)) == []


def test_the_author_was_erased(house: House) -> None:
    item, actor = house.item()
    house.ledger.commit(lambda tx: house.vault.erase(tx, actor))
    with pytest.raises(Erased):
        receive(house, item)
    assert house.rows(select(table)) == []
    assert receive(house, item, note=None)  # without a note there is nothing to seal


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "spy"}, "kind"),
        ({"kind": ""}, "kind"),
        ({"reporter": ""}, "reporter"),
        ({"reporter": "x" * 513}, "reporter"),
        ({"reporter": "\ud800"}, "reporter"),
        ({"key": ""}, "key"),
        ({"note": "x" * 10_001}, "note"),
        ({"note": "\udfff"}, "note"),
        ({"policy": "He lives at 5 Sea Lane"}, "policy"),
        ({"policy": "x" * 65}, "policy"),
        ({"policy": "a\x00"}, "policy"),
    ],
)
def test_reports_that_cannot_be_taken(house: House, changes: dict[str, Any], field: str) -> None:
    item, _ = house.item()
    with pytest.raises(InvalidReport, match=f"^{field}: ") as refused:
        receive(house, item, **changes)
    assert refused.value.field == field
    assert house.rows(select(table)) == []


@pytest.mark.parametrize("kind", [kind.value for kind in ReporterKind])
def test_who_may_report(house: House, kind: str) -> None:
    item, _ = house.item()
    receive(house, item, kind=kind, reporter="ü" * 512, note="")
    assert house.rows(select(table.c.kind)) == [{"kind": kind}]
