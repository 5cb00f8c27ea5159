"""Every page of the console."""

from __future__ import annotations

from seawall.console.pages import (
    access,
    banks,
    case,
    decisions,
    deliveries,
    items,
    ledger,
    media,
    overview,
    pending_rescreens,
    policies,
    queue,
    sign_in,
)
from seawall.console.request import Page

PAGES: tuple[Page, ...] = (
    *sign_in.PAGES,
    *overview.PAGES,
    *queue.PAGES,
    *case.PAGES,
    *items.PAGES,
    *media.PAGES,
    *decisions.PAGES,
    *pending_rescreens.PAGES,
    *deliveries.PAGES,
    *policies.PAGES,
    *banks.PAGES,
    *ledger.PAGES,
    *access.PAGES,
)
