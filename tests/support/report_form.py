"""The public report form, filled in."""

from __future__ import annotations

import re

import httpx

from support.console import Browser

FORM = {
    "SEAWALL_REPORT_FORM": "yes",
    "SEAWALL_REPORT_LINKS": "comment=https://example.org/c/{id}",
    "SEAWALL_REPORT_FORM_FRAMES": "https://example.org,http://localhost:9",
}
FILLED = {
    "address": "https://example.org/c/c-1?from=mail#top",
    "policy": "rudeness",
    "illegal": "yes",
    "note": "It insults my neighbour by name, in the first line.",
    "name": "Ada Example",
    "email": "Ada@example.org",
    "good_faith": "yes",
}


def fill(browser: Browser, where: str = "/report", **changes: str) -> httpx.Response:
    page = browser.get(where)
    assert page.status_code == 200
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    return browser.post("/report", **{**hidden, **FILLED, **changes})
