"""Queueing of messages to reporters (DSA Art. 16(4) and (5)): the receipt, and what was decided.

Seawall sends no e-mail. A message goes to the receivers of webhooks, which deliver it: one job for each receiver.
"""

from __future__ import annotations

from typing import Final

from seawall.enforce.endpoints import receivers
from seawall.storage import Transaction

RECEIPT: Final = "receipt"
OUTCOME: Final = "outcome"
TELL_JOB: Final = "tell_reporter"


def queue_message(
    tx: Transaction, report: str, kind: str, content_type: str, *, about: str = "", due_at: int | None = None
) -> None:
    """Queue a message for every receiver that wants the content type. ``about``: the decision, so each is told once."""
    for endpoint in receivers(tx, content_type):
        payload = {"report": report, "kind": kind, "endpoint": endpoint.id, "about": about}
        tx.enqueue(TELL_JOB, f"{report}/{kind}/{about}/{endpoint.id}", payload, due_at=due_at)
