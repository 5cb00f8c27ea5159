"""What a worker does for the banks: the guard's watch, merges of the index, searches of the past, exchanges."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import structlog

from seawall import publish
from seawall.app import App
from seawall.publish import BankGuard, Exchanges, RetroMatch, open_all
from seawall.screen import iter_items
from seawall.storage import Job

_log = structlog.get_logger(__name__)

WATCH_S = 1.0


@dataclass(frozen=True, slots=True)
class BankWork:
    """The guard, the exchanges and the searches of one worker."""

    app: App
    exchanges: Exchanges
    retro: RetroMatch

    @classmethod
    def of(cls, app: App) -> BankWork:
        """Opens the exchanges that the settings name. Raises ConfigError."""
        opened = open_all(app.settings.exchanges_file, allow_private=app.settings.allow_private_endpoints)
        return cls(
            app,
            Exchanges(app.ledger, app.database, app.vault, app.jobs, opened),
            RetroMatch(app.ledger, app.database, app.vault, app.jobs, partial(_walk, app), hashers=app.kinds),
        )

    def handlers(self) -> Mapping[str, Callable[[Job], None]]:
        """What is done for each kind of job."""
        return {
            publish.RETRO_JOB: self.retro.run,
            publish.EXCHANGE_JOB: self.exchanges.sync,
            publish.FEEDBACK_JOB: self.exchanges.write_back,
        }

    def watch(self, stop: threading.Event) -> None:
        """Until ``stop``: let the guard follow the ledger, and fold fresh hashes into the index."""
        guard = BankGuard(self.app.ledger, self.app.database, self.exchanges.tell)
        scheduled = False
        while not stop.wait(WATCH_S):
            try:
                if not scheduled:
                    self.exchanges.schedule()
                    self.retro.resume()
                    scheduled = True
                while guard.step() and not stop.is_set():
                    pass
                if self.app.banks.stored.wants_merge:
                    self.app.banks.stored.merge()
            except Exception:
                _log.exception("the guard of the banks failed; it goes on where it was")


def _walk(app: App, *, after: str, before: str, limit: int, texts: bool) -> list[publish.StoredItemParts]:
    types = dict(app.bundle.content_types)
    return list(iter_items(app.database, app.vault, types, after=after, before=before, limit=limit, texts=texts))
