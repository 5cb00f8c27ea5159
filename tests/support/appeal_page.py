"""The public appeal page: its link, and what is sent from it."""

from __future__ import annotations

from typing import Any

from seawall import review
from seawall.enforce.appeal_link import appeal_path
from seawall.screen import load_decision
from support.console import Browser, Rig

REMOVAL = {"answer": "violates", "policy": "rudeness", "action": ["remove", "strike"], "reason": "clear_violation"}


def link(rig: Rig, decision: str) -> str:
    """Where the author of what a decision restricts reads and appeals."""
    return appeal_path(rig.app.vault, load_decision(rig.app.database, decision))


def decided(browser: Browser, screened: Any, **answer: Any) -> str:
    """A reviewer decides the case of what was screened; the decision's id."""
    path = f"/cases/{review.case_id(screened.item)}"
    browser.post(f"{path}/take")
    done = browser.post(f"{path}/decide", seen=screened.decision, revision="1", **(answer or REMOVAL))
    assert done.status_code == 303, done.text
    return str(done.headers["location"]).partition("done=")[2].partition("&")[0]


def answered(browser: Browser, screened: Any, appeal_id: str, seen: str, **answer: str) -> None:
    """A reviewer answers an appeal on its case."""
    path = f"/cases/{review.case_id(screened.item)}"
    browser.post(f"{path}/take")
    done = browser.post(f"{path}/appeals/{appeal_id}/answer", seen=seen, revision="1", **answer)
    assert done.status_code == 303, done.text
