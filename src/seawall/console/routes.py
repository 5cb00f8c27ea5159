"""Every page of the console."""

from __future__ import annotations

from seawall.console.pages import (
    access,
    banks,
    case,
    debts,
    decisions,
    deliveries,
    items,
    ledger,
    media,
    overview,
    policies,
    queue,
    sign_in,
)
from seawall.console.visits import Page

PAGES: tuple[Page, ...] = (
    *sign_in.PAGES,
    *overview.PAGES,
    *queue.PAGES,
    *case.PAGES,
    *items.PAGES,
    *media.PAGES,
    *decisions.PAGES,
    *debts.PAGES,
    *deliveries.PAGES,
    *policies.PAGES,
    *banks.PAGES,
    *ledger.PAGES,
    *access.PAGES,
)
