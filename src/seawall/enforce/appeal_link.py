"""The link to the page where the author of what was restricted reads the reasons and objects, without an account.

The product is given it and hands it to its user. Whoever has the link may read the page and appeal in their name, so
it cannot be guessed: the mark at its end is a keyed digest of the decision and of the account that it restricts.
"""

from __future__ import annotations

import hmac

from seawall.model import Decision, is_adverse
from seawall.settings import Settings
from seawall.storage import Vault


def link_mark(vault: Vault, said: str) -> str:
    """What makes a link to a public page impossible to guess. ``said``: which page, and whose."""
    return vault.digest(said.encode("utf-8", "replace"))[:40]


def is_mark(vault: Vault, said: str, mark: str) -> bool:
    """Whether ``mark`` is that of a link of this installation; takes as long whichever it is."""
    return hmac.compare_digest(link_mark(vault, said).encode(), mark.encode("utf-8", "replace"))


def appeal_page(decision: Decision) -> str:
    """What the mark of a decision's appeal page says: the decision and the account that may object."""
    return f"appeal page {decision.id} {decision.actor}"


def appeal_path(vault: Vault, decision: Decision) -> str:
    """The page's path at the console."""
    return f"/appeal/{decision.id}.{link_mark(vault, appeal_page(decision))}"


def appeal_url(settings: Settings, vault: Vault, decision: Decision) -> str | None:
    """The link for the author. None: the decision restricts nobody, or the console's public address is not set."""
    if decision.actor is None or not is_adverse(decision) or not settings.has_public_url:
        return None
    return settings.public_url + appeal_path(vault, decision)
