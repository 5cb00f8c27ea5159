"""Durable storage: database, ledger, vault, jobs, blobs.

    database = open_database("sqlite:////var/lib/seawall/seawall.db")   # or postgresql://…
    with database.write() as connection:
        upgrade(connection, [MigrationSource("storage", "seawall.storage.migrations")])
    vault = Vault.open_in(database, Path("/var/lib/seawall"))
    ledger = Ledger(database, vault, events, projections)
    ledger.build()                                                       # projections that are new or changed

    def unit(tx: Transaction) -> str:
        account = tx.subject("account", "u-17")                          # a surrogate; the id itself is sealed
        item = tx.subject("item:comment", "c-99", owner=account)         # erased together with the account
        tx.seal(item, "fields/1", b'{"body": "hello"}')
        tx.append(ItemSubmitted(item=ItemRef("comment", item, 1), actor=account, digest=tx.digest(b"hello")))
        tx.enqueue("screen", item, {"item": item})
        return item

    item = ledger.commit(unit)                                           # durable, in one batch with other units
    vault.open(item, "fields/1")
    ledger.events(after=0)

Events (``EventSpec``) are appended once and never changed; projections (``Projection``) fill tables from them in the
same transaction; ``Ledger.rebuild`` makes those tables again, byte for byte. Personal content is in the vault under
a key per subject: ``Vault.erase`` destroys the key and leaves the ledger unchanged.
"""

from seawall.storage.blobs import Blobs
from seawall.storage.build import Rebuild, RebuiltTable
from seawall.storage.database import Database, metadata, open_database
from seawall.storage.errors import (
    CommitDelayed,
    DatabaseUnreachable,
    Erased,
    LeaseLost,
    NotRunnable,
    OutcomeUnknown,
    Overloaded,
    StorageError,
)
from seawall.storage.events import Events, EventSpec
from seawall.storage.jobs import Job, Jobs, JobState
from seawall.storage.ledger import Ledger
from seawall.storage.migrate import Migration, MigrationSource, Phase, pending, require_schema, upgrade
from seawall.storage.projection import Projection
from seawall.storage.replay import LedgerHead, Verification
from seawall.storage.transaction import Prefetch, Transaction
from seawall.storage.vault import Vault

__all__ = [
    "Blobs",
    "CommitDelayed",
    "Database",
    "DatabaseUnreachable",
    "Erased",
    "EventSpec",
    "Events",
    "Job",
    "JobState",
    "Jobs",
    "LeaseLost",
    "Ledger",
    "LedgerHead",
    "Migration",
    "MigrationSource",
    "NotRunnable",
    "OutcomeUnknown",
    "Overloaded",
    "Phase",
    "Prefetch",
    "Projection",
    "Rebuild",
    "RebuiltTable",
    "StorageError",
    "Transaction",
    "Vault",
    "Verification",
    "metadata",
    "open_database",
    "pending",
    "require_schema",
    "upgrade",
]
