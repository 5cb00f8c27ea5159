"""Addresses of every page that shows something, with something to show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from seawall import access, appeal, review
from seawall.console import active_bundle
from seawall.enforce import RecordedItems
from seawall.publish import propose
from seawall.review import bulk
from support.appeal_page import link
from support.console import Rig


def every_page(rig: Rig) -> tuple[str, ...]:
    """Fill the console a little, and name its pages."""
    held = rig.screen("A silly thing to say", id="axe-held")
    graphic = rig.screen("so much blood", id="axe-graphic")
    rig.report("axe-held", note="Look at this.")
    rig.report_account("author", note="They follow me.")
    account = rig.app.vault.find("account", "author") or ""
    rig.report("axe-held", kind="authority")
    waiting = appeal.Report(content_type="comment", item_id="axe-later", note="Look at this, too.")
    notice = appeal.Notice(report=waiting, channel="api")
    appeal.receive_notice(rig.app.ledger, notice, find_item=lambda content_type, item: None)
    key = access.create_key(rig.app.ledger, "Hotline", [access.Scope.REPORT]).split("_")[1]
    appeal.declare_reporter_key(rig.app.ledger, key, "trusted_flagger", ["hate", "threat"], by="system")
    removed = rig.screen("You fool", id="axe-removed", actor="axe-author")
    appeal_page = link(rig, removed.decision)
    return (
        "/",
        "/queue",
        "/queue?state=closed",
        f"/cases/{review.case_id(held.item)}",
        f"/cases/{review.case_id(graphic.item)}",
        f"/items/{held.item}",
        f"/cases/{review.case_id(held.item)}/near-duplicates",
        "/bulk-decisions",
        f"/bulk-decisions/{_bulk(rig, graphic.item)}",
        "/decisions",
        f"/decisions/{held.decision}",
        "/pending-rescreens",
        "/deliveries",
        "/endpoints",
        "/jobs",
        "/policies",
        "/drafts/backtest",
        "/policies/rudeness",
        "/policies/rudeness/edit",
        "/policies/rudeness/edit?rule=loud&mode=canary",
        "/drafts/new",
        "/try",
        "/try?type=playlist&policy=rudeness",
        "/publications",
        "/publications/compare",
        f"/publications/{rig.app.bundle.hash}",
        f"/proposals/{proposal(rig)}",
        "/banks",
        "/banks/blocked-texts",
        "/ledger",
        "/subjects",
        "/access",
        "/access/views",
        "/account",
        "/search",
        "/search?q=silly",
        "/investigate",
        "/investigate?q=rudeness+%3E%3D+0.5+or+shouting+%3E+0.9",
        "/investigate?q=rudenes+%3E%3D+0.5",
        f"/accounts/{account}",
        f"/cases/{review.case_id(account)}",
        "/quality",
        "/disagreements",
        "/golden-cases",
        "/my-reviews",
        "/figures",
        "/my-figures",
        "/staffing",
        "/staffing?per_hour=20&handle=60s&sla=1h&reach=90",
        "/exposure",
        "/exposure/compare",
        "/appeals",
        "/reports",
        "/reports/orders",
        "/reports/keys",
        appeal_page,
        "/no-such-page",
    )


def proposal(rig: Rig) -> str:
    """A publication that waits for a second person: without one of the policies in force."""
    given = rig.app.sources()
    compared = rig.app.compare(replace(given, policies=given.policies[1:]))
    return propose(rig.app.ledger, rig.app.blobs, compared, rig.people["policy"].id, "publish")


def _bulk(rig: Rig, item: str) -> str:
    """A bulk decision that is previewed: one item, and one that is left out."""
    answer = review.ReviewAnswer(answer=review.DOES_NOT_VIOLATE, reason="not_a_violation", note="All of them are fine.")
    calm = rig.screen("Thank you", id="axe-calm").item
    app = rig.app
    return bulk.prepare(
        app.ledger,
        app.database,
        app.vault,
        app.context.get(RecordedItems),
        active_bundle.rulebook(app),
        rig.people["admin"].id,
        answer,
        [item, calm],
        source="search",
        query="blood",
    )


LOOKS = (
    pytest.param("light", 1280, 800),
    pytest.param("dark", 390, 844),
    pytest.param("dark", 1280, 800, marks=pytest.mark.nightly),
    pytest.param("light", 390, 844, marks=pytest.mark.nightly),
)
"""Themes and sizes of a window in which pages are looked at: each of them always, every pair nightly."""
