"""Reports are recorded once, against items that are known, and their notes stay in the vault."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from seawall.appeal import (
    FindItem,
    InvalidReport,
    Report,
    ReporterKind,
    ReportKeyUsed,
    UnknownItem,
    note_name,
    receive_report,
)
from seawall.appeal.tables import report as table
from seawall.model import ItemRef
from seawall.model.events import ReportReceived
from seawall.storage import Erased
from support.enforcement import Rig

REPORT = Report(content_type="comment", item_id="c-0", reporter="u-9", policy="harassment", note="It is about me.")


def finder(item: ItemRef) -> FindItem:
    return lambda content_type, item_id: item if (content_type, item_id) == ("comment", "c-0") else None


def receive(rig: Rig, item: ItemRef, **changes: Any) -> str:
    return receive_report(rig.ledger, replace(REPORT, **changes), find_item=finder(item))


def test_a_report_is_recorded(rig: Rig) -> None:
    item, _ = rig.item()
    report = receive(rig, item)
    body = rig.ledger.events()[-1].body
    assert isinstance(body, ReportReceived)
    assert (body.report, body.item, body.kind, body.policy) == (report, item, "user", "harassment")
    assert body.reporter is not None
    assert rig.vault.platform_id(body.reporter) == "u-9"
    row = rig.rows(select(table))[0]
    assert (row["id"], row["item"], row["reporter"], row["kind"]) == (report, item.ref, body.reporter, "user")
    assert rig.vault.open(item.ref, note_name(report)) == b"It is about me."
    assert rig.ledger.rebuild().equal


def test_the_ledger_holds_nothing_personal(rig: Rig) -> None:
    item, _ = rig.item()
    receive(rig, item)
    assert "u-9" not in repr(rig.ledger.events())
    assert "about me" not in repr(rig.ledger.events())


def test_a_key_makes_repetition_harmless(rig: Rig) -> None:
    item, _ = rig.item()
    first = receive(rig, item, key="k-1")
    assert receive(rig, item, key="k-1") == first
    assert rig.vault.open(item.ref, note_name(first)) == b"It is about me."
    others = {
        receive(rig, item, key="k-2"),
        receive(rig, item, key="k-1", reporter="u-8"),
        receive(rig, item, key="k-1", reporter=None),
        receive(rig, item),
        receive(rig, item),
    }
    assert len(others | {first}) == 6
    assert len(rig.rows(select(table))) == 6


@pytest.mark.parametrize("changes", [{"note": "Again."}, {"note": None}, {"policy": None}, {"kind": "staff"}])
def test_a_key_with_another_report_is_refused(rig: Rig, changes: dict[str, Any]) -> None:
    item, _ = rig.item()
    first = receive(rig, item, key="k-1")
    with pytest.raises(ReportKeyUsed, match=first):
        receive(rig, item, key="k-1", **changes)
    assert rig.vault.open(item.ref, note_name(first)) == b"It is about me."
    assert len(rig.rows(select(table))) == 1


def test_an_item_that_was_never_seen(rig: Rig) -> None:
    item, _ = rig.item()
    with pytest.raises(UnknownItem, match=r"no comment 'c-404'.*Screen it, or"):
        receive(rig, item, item_id="c-404")
    assert rig.rows(select(table)) == []


def test_the_author_was_erased(rig: Rig) -> None:
    item, actor = rig.item()
    rig.ledger.commit(lambda tx: rig.vault.erase(tx, actor))
    with pytest.raises(Erased):
        receive(rig, item)
    assert rig.rows(select(table)) == []
    assert receive(rig, item, note=None)  # without a note there is nothing to seal


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "spy"}, "kind"),
        ({"kind": ""}, "kind"),
        ({"reporter": ""}, "reporter"),
        ({"reporter": "x" * 513}, "reporter"),
        ({"reporter": "\ud800"}, "reporter"),
        ({"key": ""}, "key"),
        ({"key": "x" * 256}, "key"),
        ({"note": "x" * 10_001}, "note"),
        ({"note": "\udfff"}, "note"),
        ({"policy": "He lives at 5 Sea Lane"}, "policy"),
        ({"policy": "x" * 65}, "policy"),
        ({"policy": "a\x00"}, "policy"),
    ],
)
def test_reports_that_cannot_be_taken(rig: Rig, changes: dict[str, Any], field: str) -> None:
    item, _ = rig.item()
    with pytest.raises(InvalidReport, match=f"^{field}: ") as refused:
        receive(rig, item, **changes)
    assert refused.value.field == field
    assert rig.rows(select(table)) == []


@pytest.mark.parametrize("kind", [kind.value for kind in ReporterKind])
def test_who_may_report(rig: Rig, kind: str) -> None:
    item, _ = rig.item()
    receive(rig, item, kind=kind, reporter="ü" * 512, note="")
    assert rig.rows(select(table.c.kind)) == [{"kind": kind}]
