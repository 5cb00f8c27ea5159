"""Which publications changed a policy: by whom, when, and which lines of its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from sqlalchemy import Connection

from seawall.console.publish.text_differences import ComparedLine, text_differences
from seawall.policy import BundleUnreadable
from seawall.publish import BundleInForce
from seawall.publish.queries import BundleRow, newest_bundles

MOST_PUBLICATIONS: Final = 30
"""Newest publications that are looked at; older ones are on the page of the publications."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextChange:
    """One publication that changed the policy. ``change``: added, changed or dropped; ``lines`` None: too long."""

    row: BundleRow
    change: str
    lines: Sequence[ComparedLine] | None


def policy_history(connection: Connection, bundles: BundleInForce, policy: str) -> list[TextChange]:
    """The publications that changed this policy's file, newest first. Those that cannot be read are left out."""

    @cache
    def text(bundle: str | None) -> str | None:
        return None if bundle is None else bundles.texts(bundle).get(policy)

    found = []
    for row in newest_bundles(connection, limit=MOST_PUBLICATIONS):
        try:
            before, after = text(row.previous), text(row.hash)
        except BundleUnreadable:
            continue
        if before != after:
            change = "added" if before is None else "dropped" if after is None else "changed"
            found.append(TextChange(row=row, change=change, lines=text_differences(before or "", after or "")))
    return found
