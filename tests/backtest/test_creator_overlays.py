"""Backtests of creators' overlays: they hold for rows whose decisions say that they were on."""

from __future__ import annotations

from pathlib import Path

from seawall.backtest import BacktestReport, StoredRows, run_backtest
from seawall.backtest.past_rows import NO_WORDS
from seawall.policy import Bundle
from seawall.screen.creator_overlays import set_overlays
from support.app import Rig, opened
from support.overlays import OVERLAY, with_overlays


def run(rig: Rig, text: str) -> BacktestReport:
    app, in_force = rig.app, rig.app.bundle
    draft: Bundle = app.build(with_overlays(text))
    rows = StoredRows(app.database, app.vault, app.bundles, [in_force, draft], since=0)
    return run_backtest(in_force, draft, rows.batches())


def test_only_rows_with_the_overlay_on_change(tmp_path: Path) -> None:
    without_words = OVERLAY.replace("when: creator_words >= 1", "when: rudeness >= 0.9").replace(
        "given: {creator_words: 2}", "given: {rudeness: 0.95}"
    )
    without_words = without_words.replace("actions: [hold], fired: [words]", "actions: [hold, demote]")
    with opened(tmp_path, publish=False) as rig:
        rig.gore.go_on.set()
        rig.app.publish(with_overlays(without_words), by="tests")
        set_overlays(rig.app.ledger, rig.app.bundle, "creator", overlays=["calm-replies"], words=["cat"], by="tests")
        rig.app.refresh()
        for number, owner in enumerate(("creator", "another", "creator")):
            rig.screen("how silly" if number < 2 else "a fool", id=str(number), owner=owner)
        report = run(rig, without_words.replace("rudeness >= 0.9", "rudeness >= 0.6"))
        assert (report.rows, report.directions) == (3, {"allow → hold": 1})
        assert report.missing == ()
        assert report.checked
        counted = run(rig, without_words.replace("when: rudeness >= 0.9", "when: creator_words >= 1"))
        assert counted.directions == {"allow → unknown": 1, "hold → unknown": 1}
        assert [(one.feature, one.reason, one.rows) for one in counted.missing] == [("creator_words", NO_WORDS, 2)]
