"""The page of a subject's data."""

from __future__ import annotations

import io
from zipfile import ZipFile

from seawall.storage.legal_holds import list_holds
from support.console import Rig

A = {"kind": "account", "subject": "erasable"}


def test_export_legal_hold_and_erasure(rig: Rig) -> None:
    rig.screen("A quiet remark", id="erasable-1", actor="erasable")
    browser = rig.browser("admin")
    assert "No legal hold" in browser.get("/subjects").text
    answer = browser.post("/subjects/export", **A)
    assert b"A quiet remark" in ZipFile(io.BytesIO(answer.content)).read("subject.json")
    browser.post("/subjects/legal-holds", **A, reason="order-9")
    assert "order-9" in browser.get("/subjects").text
    refused = browser.post("/subjects/erase", **A, again="erasable")
    assert (refused.status_code, "order-9" in refused.text) == (422, True)
    (hold,) = list_holds(rig.app.database)
    browser.post(f"/subjects/legal-holds/{hold.id}/lift")
    assert "The two ids differ" in browser.post("/subjects/erase", **A, again="erasible").text
    erased = browser.post("/subjects/erase", **A, again="erasable")
    assert (erased.status_code, "Erased:" in erased.text) == (200, True)
    assert "never met, or was erased" in browser.post("/subjects/export", **A).text


def test_what_is_typed_is_shown_as_text(rig: Rig) -> None:
    answer = rig.browser("admin").post("/subjects/export", kind="account", subject="<script>alert(1)</script>")
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
