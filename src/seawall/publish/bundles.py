"""The bundle in force: published once, loaded by every process, swapped by replacing one reference."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar, Final

import structlog
from sqlalchemy import Connection, Table, select

from seawall.model import Event, EventBody
from seawall.policy import Bundle, BundleUnreadable, NothingPublished, PublishedBundles, load_bundle, policy_texts
from seawall.publish.changes import compare
from seawall.publish.events import BundlePublished
from seawall.publish.tables import bundle as bundle_table
from seawall.storage import Blobs, Database, Ledger, Transaction
from seawall.storage.upsert import insert_rows

_log = structlog.get_logger(__name__)

ANY: Final = "*"
"""Whatever is in force."""

_PAUSE_S: Final = 0.0005

_NEWEST = select(bundle_table.c.hash, bundle_table.c.kind).order_by(bundle_table.c.seq.desc()).limit(1)


class PublishedMeanwhile(Exception):
    """Another bundle came into force since this one was compared with the former."""

    def __init__(self, bundle_hash: str | None) -> None:
        which = f"bundle {bundle_hash[:12]}" if bundle_hash else "no bundle"
        super().__init__(
            f"Somebody published meanwhile: {which} is in force now, and what would change was not compared with it. "
            "Nothing was published; look at the changes again."
        )


def give_way() -> None:
    """Let the other threads run: called between two pieces of a build.

    Each step of a request would else wait until the interpreter takes itself from the building thread, 5 ms.
    """
    time.sleep(_PAUSE_S)


class BundleInForce(PublishedBundles):
    """Holds the bundle in force. ``current`` is one attribute read: the swap is atomic and blocks no reader.

    What a new bundle has in common with the one in force is not made again.
    """

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

    def publish(
        self,
        bundle: Bundle,
        by: str,
        *,
        kind: str = "publish",
        source: str = "",
        instead_of: str | None = ANY,
        approved_by: str | None = None,
        screened: bool | None = None,
        also: Callable[[Transaction], None] = lambda tx: None,
    ) -> Bundle:
        """Put a bundle in force; publishes nothing if it already is, and was put in force by a person.

        ``instead_of``: the hash of the bundle that it was compared with. Raises PublishedMeanwhile if another is in
        force by now; then nothing has changed. ``also``: what else happens in the same transaction.
        """
        self._blobs.put(bundle.canonical())
        while True:
            with self._database.read() as connection:
                previous = _in_force(connection)
            if instead_of not in (ANY, previous[0]):
                raise PublishedMeanwhile(previous[0])
            stands = previous[0] == bundle.hash and (kind != "publish" or previous[1] != "start")
            event = None
            if not stands:
                event = self._event(bundle, by, previous[0], kind, source)
                event = replace(event, approved_by=approved_by, screened=screened)
            if self._ledger.commit(partial(_append_if_unchanged, event, previous, also)):
                if event is not None:
                    _log.info("bundle published", bundle=bundle.hash, by=by, kind=kind)
                break
        self._current, self._unreadable = bundle, None
        return bundle

    def _event(self, bundle: Bundle, by: str, previous: str | None, kind: str, source: str) -> BundlePublished:
        try:
            before = None if previous is None else self.load(previous)
            changes = compare(before, bundle, datetime.now(UTC).date()).numbers()
        except BundleUnreadable:
            changes = None  # what cannot be read cannot be compared with
        return BundlePublished(
            bundle=bundle.hash,
            previous=previous,
            by=by,
            policies=len(bundle.policies),
            rules=sum(len(policy.rules) for policy in bundle.policies),
            detectors=tuple(f"{detector.name} {detector.version}" for detector in bundle.detectors),
            kind=kind,
            source=source,
            changes=changes,
        )

    def in_force(self) -> tuple[str | None, Bundle | None]:
        """The hash of the newest publication in the database, and its bundle; None: none, or not readable here."""
        with self._database.read() as connection:
            newest, _ = _in_force(connection)
        try:
            return newest, None if newest is None else self.load(newest)
        except BundleUnreadable:
            return newest, None

    def refresh(self) -> None:
        """Load the newest published bundle unless it is loaded. If it cannot be read, the present one stays."""
        with self._database.read() as connection:
            newest, _ = _in_force(connection)
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
        return load_bundle(self._stored(bundle_hash), bundle_hash, former=self._current, pause=give_way)

    def texts(self, bundle_hash: str) -> Mapping[str, str]:
        """The texts of any published bundle's policies, by name, without building it. Raises BundleUnreadable."""
        return policy_texts(self._stored(bundle_hash), bundle_hash)

    def _stored(self, bundle_hash: str) -> bytes:
        try:
            return self._blobs.get(bundle_hash)
        except KeyError:
            raise BundleUnreadable(bundle_hash, "its bytes are missing. Restore the blobs from a backup") from None


def _in_force(connection: Connection | Transaction) -> tuple[str | None, str | None]:
    """Hash and kind of the newest publication."""
    row = connection.execute(_NEWEST).one_or_none()
    return (None, None) if row is None else (row.hash, row.kind)


def _append_if_unchanged(
    event: BundlePublished | None,
    previous: tuple[str | None, str | None],
    also: Callable[[Transaction], None],
    tx: Transaction,
) -> bool:
    if _in_force(tx) != previous:
        return False
    also(tx)
    if event is not None:
        tx.append(event)
    return True


@dataclass(frozen=True, slots=True)
class Bundles:
    """The projection ``bundle``."""

    name: ClassVar[str] = "bundles"
    version: ClassVar[int] = 3
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
                "kind": event.body.kind,
                "source": event.body.source,
                "approved_by": event.body.approved_by,
                "screened": event.body.screened,
                "changes": None if event.body.changes is None else json.dumps(dict(event.body.changes), sort_keys=True),
            }
            for event in events
            if isinstance(event.body, BundlePublished)
        ]
        if rows:
            insert_rows(connection, self.tables[0], rows)
