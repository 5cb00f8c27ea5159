"""What is in force: bundles of policies, and banks with their entries.

bundle = BundleInForce(database, ledger, blobs)
bundle.publish(build_bundle(…), by="deploy")
bundle.current.program("comment")
"""

from seawall.publish.banks import (
    BankError,
    BankKeeper,
    Entry,
    NewEntry,
    add_entries,
    list_banks,
    list_entries,
    parse_entries,
    remove_entry,
)
from seawall.publish.bundles import BundleInForce, NothingPublished
from seawall.publish.projections import PROJECTIONS
from seawall.publish.sources import SourceError, Sources, read_sources

__all__ = [
    "PROJECTIONS",
    "BankError",
    "BankKeeper",
    "BundleInForce",
    "Entry",
    "NewEntry",
    "NothingPublished",
    "SourceError",
    "Sources",
    "add_entries",
    "list_banks",
    "list_entries",
    "parse_entries",
    "read_sources",
    "remove_entry",
]
