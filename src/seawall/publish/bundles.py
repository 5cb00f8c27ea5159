"""The bundle in force: published once, loaded by every process, swapped by replacing one reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import structlog
from sqlalchemy import Connection, Table, select

from seawall.model import Event, EventBody
from seawall.policy import Bundle, BundleUnreadable, NothingPublished, PublishedBundles, load_bundle
from seawall.publish.events import BundlePublished
from seawall.publish.tables import bundle as bundle_table
from seawall.storage import Blobs, Database, Ledger, Transaction
from seawall.storage.upsert import insert_rows

_log = structlog.get_logger(__name__)

_NEWEST = select(bundle_table.c.hash).order_by(bundle_table.c.seq.desc()).limit(1)


class BundleInForce(PublishedBundles):
    """Holds the bundle in force. ``current`` is one attribute read: the swap is atomic and blocks no reader."""

    def __init__(self, database: Database, ledger: Ledger, blobs: Blobs) -> None:
        self._database = database
        self._ledger = ledger
        self._blobs = blobs
        self._current: Bundle | None = None
        self._unreadable: BundleUnreadable | None = None  # why the newest published one is not in force here

    @property
    def current(self) -> Bundle:
        """The bundle in force. Raises NothingPublished."""
        if self._current is None:
            self.refresh()
        if self._current is None and self._unreadable is not None:
            raise NothingPublished(f"{self._unreadable} Or publish policies again: 'seawall policy publish'.")
        if self._current is None:
            raise NothingPublished("no policies are in force; run 'seawall policy publish' first")
        return self._current

    def __call__(self) -> Bundle:
        return self.current

    def publish(self, bundle: Bundle, by: str) -> Bundle:
        """Put a bundle in force; does nothing if it already is."""
        self._blobs.put(bundle.canonical())

        def unit(tx: Transaction) -> bool:
            previous = tx.execute(_NEWEST).scalar_one_or_none()
            if previous == bundle.hash:
                return False
            tx.append(
                BundlePublished(
                    bundle=bundle.hash,
                    previous=previous,
                    by=by,
                    policies=len(bundle.policies),
                    rules=sum(len(policy.rules) for policy in bundle.policies),
                    detectors=tuple(f"{detector.name} {detector.version}" for detector in bundle.detectors),
                )
            )
            return True

        if self._ledger.commit(unit):
            _log.info("bundle published", bundle=bundle.hash, by=by)
        self._current, self._unreadable = bundle, None
        return bundle

    def refresh(self) -> None:
        """Load the newest published bundle unless it is loaded. If it cannot be read, the present one stays."""
        with self._database.read() as connection:
            newest = connection.execute(_NEWEST).scalar_one_or_none()
        if newest is None or (self._current is not None and self._current.hash == newest):
            return
        try:
            self._current, self._unreadable = self.load(newest), None
        except BundleUnreadable as error:
            if str(error) != str(self._unreadable):  # each process refreshes twice a second: log it once
                _log.error("the published bundle is not in force here", bundle=newest, error=str(error))
            self._unreadable = error

    def load(self, bundle_hash: str) -> Bundle:
        """Any published bundle by its hash, for replay. Raises BundleUnreadable."""
        if self._current is not None and self._current.hash == bundle_hash:
            return self._current
        try:
            stored = self._blobs.get(bundle_hash)
        except KeyError:
            raise BundleUnreadable(bundle_hash, "its bytes are missing. Restore the blobs from a backup") from None
        return load_bundle(stored, bundle_hash)


@dataclass(frozen=True, slots=True)
class Bundles:
    """The projection ``bundle``."""

    name: ClassVar[str] = "bundles"
    version: ClassVar[int] = 1
    handles: ClassVar[tuple[type[EventBody], ...]] = (BundlePublished,)
    tables: tuple[Table, ...] = (bundle_table,)

    def apply(self, connection: Connection, events: Sequence[Event]) -> None:
        """Insert one row per publication."""
        rows: list[dict[str, Any]] = [
            {
                "seq": event.seq,
                "hash": event.body.bundle,
                "at": event.at,
                "by": event.body.by,
                "previous": event.body.previous,
                "policies": event.body.policies,
                "rules": event.body.rules,
            }
            for event in events
            if isinstance(event.body, BundlePublished)
        ]
        if rows:
            insert_rows(connection, self.tables[0], rows)
